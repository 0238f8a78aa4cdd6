from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kamlib.loyalty.effects.randomised import (
    common_slopes,
    cuped,
    difference_in_means,
    foretold_removed,
    own_slopes,
)
from kamlib.loyalty.effects.sample import Unfit, sample

ALL = [difference_in_means, common_slopes, own_slopes, cuped]


@pytest.fixture
def rows(chosen_accounts):
    return chosen_accounts(80, 11)


def test_welch_against_scipy(rows):
    found = difference_in_means(rows)
    other = stats.ttest_ind(
        rows.outcome[rows.treated], rows.outcome[~rows.treated], equal_var=False
    )
    assert found.value / found.std_error == pytest.approx(other.statistic)
    assert found.df == pytest.approx(other.df)


def test_the_error_is_that_of_a_regression_with_hc2(rows):
    alone = replace(rows, covariates=np.empty((80, 0)), names=())
    assert common_slopes(alone).std_error == pytest.approx(difference_in_means(rows).std_error)


def test_groups_of_one_are_accounts(rows):
    """CR1 with each account its own group is HC1: n ÷ (n − k) times the plain sandwich."""
    grouped = replace(rows, cluster=np.arange(80))
    hc0 = [
        np.sum((y - y.mean()) ** 2) / len(y) ** 2
        for y in (rows.outcome[rows.treated], rows.outcome[~rows.treated])
    ]
    found = difference_in_means(grouped)
    assert found.std_error == pytest.approx(np.sqrt(sum(hc0) * 80 / 78))
    assert found.value == pytest.approx(difference_in_means(rows).value)


def test_hc3_is_more_careful_than_hc2(rows):
    for of in (common_slopes, own_slopes):
        assert of(rows, "HC3").std_error > of(rows, "HC2").std_error
        assert of(rows, "HC3").value == of(rows, "HC2").value


def test_slopes_of_arms_are_those_of_two_regressions(rows):
    x = np.column_stack([np.ones(80), rows.covariates])
    lines = [
        np.linalg.lstsq(x[arm], rows.outcome[arm], rcond=None)[0]
        for arm in (rows.treated, ~rows.treated)
    ]
    expected = float(x.mean(axis=0) @ (lines[0] - lines[1]))
    assert own_slopes(rows).value == pytest.approx(expected)


def test_cuped_shrinks_the_error_by_what_the_past_foretells():
    # correlation ρ of outcome and past within arms: the error shrinks by √(1 − ρ²)
    rng = np.random.default_rng(3)
    past = rng.normal(size=4000)
    rows = pd.DataFrame({"past": past, "margin": 0.9 * past + np.sqrt(0.19) * rng.normal(size=4000),
                         "member": np.arange(4000) % 2})  # fmt: skip
    rows = sample(rows, "margin", "member", ["past"])
    shrunk = cuped(rows).std_error / difference_in_means(rows).std_error
    assert shrunk == pytest.approx(np.sqrt(1 - 0.81), rel=0.03)


def test_what_is_foretold_does_not_look_at_the_programme(rows):
    turned = replace(rows, treated=~rows.treated)
    assert foretold_removed(turned) == pytest.approx(foretold_removed(rows))
    assert foretold_removed(rows).mean() == pytest.approx(rows.outcome.mean())


@pytest.mark.parametrize("of", [difference_in_means, common_slopes, own_slopes])
def test_a_shift_of_those_in_it_moves_the_effect_and_not_the_error(rows, of):
    """A number that the data cannot move would be a fault; slopes of CUPED see the shift."""
    before, after = of(rows), of(replace(rows, outcome=rows.outcome + 3 * rows.treated))
    assert after.value == pytest.approx(before.value + 3)
    assert after.std_error == pytest.approx(before.std_error)


@pytest.mark.parametrize("of", ALL)
def test_units_and_order_do_not_matter(rows, of):
    found = of(rows)
    order = np.random.default_rng(1).permutation(80)
    other = replace(
        rows.rows(order), outcome=100 * rows.outcome[order] + 7,
        covariates=rows.covariates[order] * [1e-3, 10, 1e4] + 5,
    )  # fmt: skip
    assert of(other).value == pytest.approx(100 * found.value)
    assert of(other).std_error == pytest.approx(100 * found.std_error)


def test_one_account_in_an_arm_has_no_spread(rows):
    few = rows.rows(np.r_[np.flatnonzero(rows.treated)[:1], np.flatnonzero(~rows.treated)])
    with pytest.raises(Unfit, match="there is 1 in the programme"):
        difference_in_means(few)


def test_a_covariate_that_is_constant_within_an_arm(rows):
    only = np.where(rows.treated, 0.0, np.arange(80.0))[:, None]
    with pytest.raises(Unfit, match="treated × only"):
        own_slopes(replace(rows, covariates=only, names=("only",)))
