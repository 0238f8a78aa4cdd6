"""A ratio of sums: by hand, and how often its interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.finance.sums import influences, ratio_of_sums


def test_equal_cases_below_give_the_interval_of_a_mean():
    found, error, df = ratio_of_sums([2.0, 4.0, 3.0], [2.0, 2.0, 2.0], 0.95)
    # mean 3, standard error 1 / √3, t(2) = 4.302653, all halved
    assert found.value == pytest.approx(1.5)
    assert error == pytest.approx(0.5 / np.sqrt(3))
    assert (found.low, found.high) == pytest.approx(
        (1.5 - 4.302653 * error, 1.5 + 4.302653 * error), abs=1e-5
    )
    assert df == 2


def test_cost_in_step_with_accounts_leaves_no_doubt():
    found, error, _ = ratio_of_sums([10.0, 20.0, 40.0] * 4, [1, 2, 4] * 4, 0.95)
    assert error == pytest.approx(0, abs=1e-12)
    assert (found.low, found.value, found.high) == pytest.approx((10, 10, 10), abs=1e-5)


def test_a_sum_below_that_may_be_nothing_gives_no_bounds():
    # twelve months, all five accounts won in one: the sum below is 5 ± 5
    found, _, _ = ratio_of_sums([50.0] + [0.0] * 11, [5.0] + [0.0] * 11, 0.95)
    assert (found.value, found.shape) == (10.0, "all")


def test_influences_add_up_to_zero():
    assert influences([10.0, 25.0, 40.0], [1, 2, 4]).sum() == pytest.approx(0, abs=1e-12)


def test_nothing_to_divide_by():
    for above, below in (([1.0], [1.0]), ([1.0, 2.0], [0.0, 0.0])):
        with pytest.raises(FitError, match="something to divide by"):
            ratio_of_sums(above, below, 0.95)


def test_the_interval_holds_the_truth():
    rng = np.random.default_rng(20261122)
    held, runs = 0, 400
    for _ in range(runs):
        # 36 months, four accounts won in each, costs of log sd 0.6, and a campaign of a quarter
        n = rng.poisson(4, 36)
        own = [np.exp(0.6 * rng.standard_normal(k)).sum() for k in n]
        campaign = rng.gamma(4.0, 0.25, 36)
        found = ratio_of_sums(own + campaign, n, 0.95)[0]
        # mean of the costs e^(0.18), and one unit of campaign on four accounts
        held += found.low <= np.exp(0.18) + 0.25 <= found.high
    # skew costs a little: .95 less three binomial errors of 400 is .917
    assert held / runs >= 0.917
