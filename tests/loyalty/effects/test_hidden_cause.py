from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.glossary import columns
from kamlib.loyalty.effects.hidden_cause import (
    as_strong_as,
    hidden_cause,
    partial_r2,
    robustness_value,
    shifted,
)


@pytest.fixture
def darfur(reference):
    return reference["darfur"]


def test_darfur_robustness(darfur, printed):
    fit = darfur["estimate"], darfur["std_error"], darfur["df"]
    assert partial_r2(fit[0] / fit[1], fit[2]) == printed(darfur["partial_r2"])
    # the inputs have seven digits, which leaves 2 in the seventh of what they give
    assert robustness_value(*fit) == pytest.approx(darfur["robustness_value"], abs=1e-6)
    limit = robustness_value(*fit, conf_level=0.95)
    assert limit == pytest.approx(darfur["robustness_value_95"], abs=1e-6)


def test_darfur_as_strong_as_female(darfur):
    """The partial R² of 'female' are worked back from the bound of one; those of two and three follow."""
    treated = darfur["r2_treated"][0] / (1 + darfur["r2_treated"][0])
    shared = treated**2 / (1 - treated) ** 2
    odds = darfur["r2_outcome"][0] * (1 - shared) / (1 + np.sqrt(shared)) ** 2
    outcome = odds / (1 + odds)
    fit = darfur["estimate"], darfur["std_error"], darfur["df"]
    for times in (1, 2, 3):
        found = as_strong_as(treated, outcome, times)
        place = times - 1
        assert found == pytest.approx(
            (darfur["r2_treated"][place], darfur["r2_outcome"][place]), rel=1e-9
        )
        assert shifted(*fit, *found) == pytest.approx(darfur["adjusted"][place], abs=1e-9)
        # an effect below zero shrinks towards zero just so
        assert shifted(-fit[0], *fit[1:], *found) == pytest.approx(-darfur["adjusted"][place])


def test_a_cause_of_the_robustness_value_leaves_nothing(darfur):
    fit = darfur["estimate"], darfur["std_error"], darfur["df"]
    value = robustness_value(*fit)
    assert shifted(*fit, value, value) == pytest.approx(0, abs=1e-12)
    half = robustness_value(*fit, share=0.5)
    assert shifted(*fit, half, half) == pytest.approx(fit[0] / 2)


def test_edges():
    assert robustness_value(0.0, 1.0, 50) == 0.0
    # |t| below the quantile: the interval holds zero already
    assert robustness_value(1.0, 1.0, 50, conf_level=0.95) == 0.0
    assert 0.99 < robustness_value(1e6, 1.0, 50, conf_level=0.95) <= 1
    assert shifted(1.0, 0.1, 50, 1.0, 0.5) == -np.inf
    assert as_strong_as(0.6, 0.2, 3.0) == (1.0, 1.0)
    with pytest.raises(FitError, match="too little is known"):
        robustness_value(1.0, 0.0, 50)


def test_a_left_out_cause_moves_the_effect_by_what_the_formula_says(chosen_accounts):
    """Omitted variable bias is an identity: with the cause's own strength the long regression comes back."""
    rows = chosen_accounts(200, 1)
    short = replace(rows, covariates=rows.covariates[:, :2], names=rows.names[:2])
    one, d, cause = np.ones(200), rows.treated.astype(float), rows.covariates[:, 2]

    def left(y, *x):
        x = np.column_stack(x)
        return y - x @ np.linalg.lstsq(x, y, rcond=None)[0]

    known = [one, short.covariates]
    of_programme = np.corrcoef(left(d, *known), left(cause, *known))[0, 1] ** 2
    of_outcome = np.corrcoef(
        left(rows.outcome, *known, d), left(cause, *known, d)
    )[0, 1] ** 2  # fmt: skip
    design = np.column_stack([one, short.covariates, d])
    coefficients = np.linalg.lstsq(design, rows.outcome, rcond=None)[0]
    residual = rows.outcome - design @ coefficients
    error = np.sqrt(residual @ residual / 196 * np.linalg.inv(design.T @ design)[-1, -1])
    longer = np.linalg.lstsq(np.column_stack([design, cause]), rows.outcome, rcond=None)[0][-2]
    moved = [shifted(coefficients[-1], error, 196, of_programme, of_outcome)]
    moved.append(2 * coefficients[-1] - moved[0])
    assert min(abs(longer - value) for value in moved) < 1e-10


def test_what_is_told(chosen_accounts):
    rows = chosen_accounts(300, 2)
    found = hidden_cause(rows, "margin")
    assert set(found.frame) <= set(columns())
    assert sorted(found.frame["covariate"]) == ["age", "size", "trend"]
    # size decides most of both, so a cause as strong takes most away
    assert found.frame["covariate"].iloc[0] == "size"
    assert found.frame["estimate"].is_monotonic_increasing
    assert 0 < found["robustness_value_limit"] < found["robustness_value"] < 1
    assert found.checks[0].passed == (found.frame["estimate"].iloc[0] > 0)


def test_an_effect_that_is_not_there_is_turned(chosen_accounts):
    rows = chosen_accounts(300, 3)
    rows = replace(rows, outcome=rows.outcome - 0.95 * rows.treated)
    found = hidden_cause(rows, "margin")
    assert found.checks[0].passed is False
    assert "undo or turn" in str(found.checks[0].note)
    assert found["robustness_value_limit"] == 0
    assert "without any hidden cause" in str(found.note)


def test_refusals(chosen_accounts):
    rows = chosen_accounts(40, 4)
    bare = replace(rows, covariates=np.empty((40, 0)), names=())
    assert "No characteristic" in str(hidden_cause(bare, "margin").note)
    decides = replace(rows, covariates=rows.treated[:, None] * 1.0, names=("decides",))
    assert "“treated”" in str(hidden_cause(decides, "margin").note)
    exact = replace(rows, outcome=rows.covariates @ [1.0, 2.0, 3.0] + rows.treated)
    assert "does not differ" in str(hidden_cause(exact, "margin").note)
    few = rows.rows(np.r_[np.flatnonzero(rows.treated)[:4], np.flatnonzero(~rows.treated)])
    assert hidden_cause(few, "margin").refused
