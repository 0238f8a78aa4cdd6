from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.effects.overlap import balance
from kamlib.loyalty.effects.propensity import propensity
from kamlib.loyalty.effects.sample import sample
from kamlib.loyalty.effects.weighting import weighted

ESTIMANDS = ["att", "ate", "ato"]


def table():
    """Small: 10 of 40 in it, large: 30 of 40; the programme is worth 4 to small and 8 to large."""
    large = np.repeat([0, 1], 40)
    member = np.r_[np.arange(40) < 10, np.arange(40) < 30]
    margin = 100 + 50 * large + member * (4 + 4 * large) + np.tile([-1.0, 1.0], 40)
    return sample(
        pd.DataFrame({"margin": margin, "member": member, "large": large}), "margin", "member",
        ["large"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("estimand", "expected"),
    # of all, half are large: 6; of those in it ¾: 7; p (1 − p) is the same in both: 6
    [("ate", 6.0), ("att", 7.0), ("ato", 6.0)],
)
def test_one_covariate_of_two_values_by_hand(estimand, expected):
    rows = table()
    found = weighted(rows, estimand)
    assert found.value == pytest.approx(expected)
    for arm in (rows.treated, ~rows.treated):
        assert found.weights[arm].sum() == pytest.approx(1)


@pytest.mark.parametrize(("estimand", "share", "n_of_share"), [("ate", 0.5, 80), ("att", 0.75, 40)])
def test_the_error_by_hand(estimand, share, n_of_share):
    """With a saturated logit the figure is the stratified one, whose error is known.

    Σ share² · variance ÷ n over strata and arms, and the share itself moves by share · (1 − share) ÷ n
    of those it is of; 4 is the difference of effects between the strata.
    """
    rows = table()
    inside = rows.covariates[:, 0] == 1
    variance = 4**2 * share * (1 - share) / n_of_share
    for stratum, part in ((inside, share), (~inside, 1 - share)):
        for arm in (rows.treated, ~rows.treated):
            y = rows.outcome[stratum & arm]
            variance += part**2 * y.var() / len(y)
    assert weighted(rows, estimand).std_error == pytest.approx(np.sqrt(variance * 80 / 79))


def test_overlap_weights_balance_exactly(chosen_accounts):
    """A property of the logit's score equations (Li, Morgan and Zaslavsky, theorem 3)."""
    rows = chosen_accounts(300, 6, strength=2.0)
    assert balance(rows, weighted(rows, "ato").weights)["smd_after"].abs().max() < 1e-7


def test_weights_are_those_of_the_chance(chosen_accounts):
    rows = chosen_accounts(100, 7)
    p, found = propensity(rows).chance, weighted(rows, "att").weights
    outside = ~rows.treated
    odds = p[outside] / (1 - p[outside])
    assert found[outside] == pytest.approx(odds / odds.sum())
    assert found[rows.treated] == pytest.approx(1 / rows.n_treated)


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_a_shift_of_those_in_it_moves_the_effect_and_not_the_error(chosen_accounts, estimand):
    rows = chosen_accounts(120, 8)
    before = weighted(rows, estimand)
    after = weighted(replace(rows, outcome=rows.outcome + 3 * rows.treated), estimand)
    assert after.value == pytest.approx(before.value + 3)
    assert after.std_error == pytest.approx(before.std_error)


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_where_chance_is_the_same_for_all_weights_are_alike(estimand):
    """Perfect balance: the covariate has the same mean on both sides."""
    rows = pd.DataFrame({"margin": np.arange(40.0) % 7, "member": np.repeat([0, 1], 20),
                         "size": np.tile(np.arange(20.0), 2)})  # fmt: skip
    rows = sample(rows, "margin", "member", ["size"])
    found = weighted(rows, estimand)
    plain = rows.outcome[rows.treated].mean() - rows.outcome[~rows.treated].mean()
    assert found.value == pytest.approx(plain)
    assert found.weights == pytest.approx(1 / 20)


def test_groups_count_as_one(chosen_accounts):
    rows = chosen_accounts(120, 9)
    # each account three times, the three in a group: no more is known than of one
    place = np.repeat(np.arange(120), 3)
    again = replace(rows.rows(place), cluster=place)
    one, three = weighted(rows, "att"), weighted(again, "att")
    assert three.value == pytest.approx(one.value)
    assert three.std_error == pytest.approx(one.std_error)
    assert three.df == 119
