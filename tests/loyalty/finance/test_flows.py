from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.loyalty.finance.flows import (
    internal_rate,
    monthly_rate,
    payback,
    present_value,
    profitability_index,
)


def test_twelve_months_make_a_year():
    assert (1 + monthly_rate(0.1)) ** 12 == pytest.approx(1.1)
    assert monthly_rate(0.0) == 0.0


@given(first=st.floats(1, 1e6), gains=st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_the_internal_rate_makes_the_flows_worth_nothing(first, gains):
    flows = [-first, *gains, 1.0]
    rate = internal_rate(flows)
    assert present_value(flows, rate) == pytest.approx(0.0, abs=1e-6 * (first + sum(gains)))


@pytest.mark.parametrize(("flows", "changes"), [([1, 2], 0), ([-1, 3, -2], 2), ([0, 0], 0)])
def test_no_internal_rate_or_several(flows, changes):
    with pytest.raises(FitError, match=f"change their sign {changes} times"):
        internal_rate(flows)


def test_a_loan_has_an_internal_rate_too():
    assert internal_rate([100, -110]) == pytest.approx(0.10)


def test_payback_at_the_edges():
    assert payback([-100, 50]) == np.inf
    assert payback([10, 5]) == 0.0
    assert payback([-100, 100]) == 1.0
    # up after one period, down again, up for good half-way through the third
    assert payback([-100, 150, -100, 100]) == 2.5
    assert payback([-100, 110], 0.10) == pytest.approx(1.0)


@pytest.mark.parametrize("flows", [[], [[1.0]], [np.nan, 1.0]])
def test_flows_that_are_none(flows):
    with pytest.raises(FitError, match="row of finite sums"):
        present_value(flows, 0.1)


def test_rates_and_outlays_that_make_no_sense():
    with pytest.raises(FitError, match="above −1"):
        present_value([1.0], -1.0)
    with pytest.raises(FitError, match="must be an outlay"):
        profitability_index([100, 20], 0.1)
