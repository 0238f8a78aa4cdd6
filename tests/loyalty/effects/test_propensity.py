from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import columns
from kamlib.loyalty.effects.propensity import chances, propensity, trimmed
from kamlib.loyalty.effects.sample import Unfit, sample


def test_the_mean_chance_is_the_share(chosen_accounts):
    """The score equations of a logit: residuals times each covariate add up to zero."""
    rows = chosen_accounts(200, 2)
    fit = propensity(rows)
    left = rows.treated - fit.chance
    assert np.abs(np.column_stack([np.ones(200), rows.covariates]).T @ left).max() < 1e-7
    assert fit.influence.sum(axis=0) == pytest.approx(0, abs=1e-8)


def test_units_do_not_matter(chosen_accounts):
    rows = chosen_accounts(200, 2)
    other = replace(rows, covariates=rows.covariates * [1e5, 1e-3, 1] + [1e6, 0, 3])
    fit, again = propensity(rows), propensity(other)
    assert again.chance == pytest.approx(fit.chance, abs=1e-7)
    assert again.coefficients[1:] * [1e5, 1e-3, 1] == pytest.approx(fit.coefficients[1:], rel=1e-5)


def test_without_covariates_all_have_the_share():
    rows = pd.DataFrame({"margin": range(10), "member": np.arange(10) < 3})
    assert propensity(sample(rows, "margin", "member")).chance == pytest.approx(0.3)


def test_a_covariate_that_decides_is_refused(chosen_accounts):
    rows = chosen_accounts(60, 3)
    decides = rows.treated * 2.0 + np.arange(60) / 60
    rows = replace(rows, covariates=decides[:, None], names=("decides",))
    with pytest.raises(Unfit, match="tell for sure which of the 60"):
        propensity(rows)


def test_degenerate_covariates(chosen_accounts):
    rows = chosen_accounts(60, 3)
    twice = np.column_stack([rows.covariates, rows.covariates[:, 0] * 2 + 1])
    with pytest.raises(Unfit, match="“twice”"):
        propensity(replace(rows, covariates=twice, names=(*rows.names, "twice")))
    with pytest.raises(Unfit, match="“same”"):
        propensity(replace(rows, covariates=np.full((60, 1), 3.0), names=("same",)))
    few = rows.rows(np.r_[np.flatnonzero(rows.treated)[:3], np.flatnonzero(~rows.treated)])
    with pytest.raises(Unfit, match="from 3 accounts"):
        propensity(few)


def test_what_is_left_out_is_counted(chosen_accounts):
    rows = chosen_accounts(300, 4, strength=3.0)
    chance = propensity(rows).chance
    stay, check = trimmed(rows, chance, 0.1, 0.9)
    inside = (chance >= 0.1) & (chance <= 0.9)
    assert stay.outcome.tolist() == rows.outcome[inside].tolist()
    assert check.passed is False
    values = check.note.values
    assert values["n_treated"] + values["n_control"] == int((~inside).sum())
    all_stay, check = trimmed(rows, chance, 0.0, 1.0)
    assert (all_stay.n_obs, check.passed) == (300, True)
    with pytest.raises(Unfit):
        trimmed(rows, chance, 0.999, 1.0)


def test_chances_beside_who_is_in_it(chosen_accounts):
    rows = chosen_accounts(50, 5)
    frame = chances(rows, propensity(rows))
    assert set(frame) <= set(columns())
    assert frame["is_treated"].sum() == rows.n_treated
