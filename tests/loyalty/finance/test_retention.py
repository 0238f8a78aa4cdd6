from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.glossary import Style, say
from kamlib.loyalty.finance.retention import (
    cost_per_retained,
    elasticity,
    lifetime_value,
    months_gained,
    worth_of_points,
)


@given(r=st.floats(0.01, 0.99), i=st.floats(0.01, 0.5))
def test_many_periods_come_to_all(r, i):
    long = lifetime_value(1.0, r, i, periods=4_000)
    assert long == pytest.approx(lifetime_value(1.0, r, i), rel=1e-6)
    now = lifetime_value(1.0, r, i, first_now=True)
    assert now == pytest.approx((1 + i) / (1 + i - r))


def test_one_renewal():
    assert lifetime_value(100.0, 0.8, 0.1, periods=1) == pytest.approx(80 / 1.1)


def test_nobody_stays_and_all_stay():
    assert lifetime_value(100.0, 0.0, 0.1) == 0.0
    assert lifetime_value(100.0, 1.0, 0.1) == pytest.approx(1_000.0)


@given(r=st.floats(0.05, 0.95), i=st.floats(0.01, 0.5))
def test_elasticity_is_the_slope_of_logarithms(r, i):
    step = 1e-6
    values = np.log(lifetime_value(1.0, [r * (1 - step), r * (1 + step)], i))
    assert (values[1] - values[0]) / (2 * step) == pytest.approx(elasticity(r, i), rel=1e-4)


@pytest.mark.parametrize(
    ("r", "i", "told"),
    [(1.2, 0.1, "from 0 to 1"), (0.8, -0.1, "below zero"), (1.0, 0.0, "for ever")],
)
def test_rates_outside_their_range(r, i, told):
    with pytest.raises(FitError, match=told):
        lifetime_value(1.0, r, i)


def test_worth_of_points():
    """At 80 % a margin of 1,000 is worth 2,666.67; five points more 3,400: 733.33 on each of 10."""
    found = worth_of_points(1_000, [0.8, 0.97], 0.10, n_accounts=10)
    assert set(found.frame.columns) <= set(glossary.columns())
    assert found.frame["retention_rise"].tolist() == [0.01, 0.05, 0.01]
    assert found.frame.loc[1, "clv_gain"] == pytest.approx(7_333.33, abs=0.01)
    text = say(found.note, Style("en", "EUR"))
    # 0.81 ÷ 0.29 − 0.8 ÷ 0.3 = 0.126437 thousand each
    assert "EUR 1.26 thousand" in text.replace("\u00a0", " ")
    assert "1.0 point more is worth" in text.replace("\u00a0", " ")
    assert say(found.note, Style("zh"))
    with pytest.raises(FitError, match="do not go beyond 100 %"):
        worth_of_points(1_000, [0.99], 0.10, points=[0.05])


def test_staying_longer_at_the_edges():
    assert months_gained(0.02, 1.0, 36) == 0.0
    # over all time a constant rate λ means 1 ÷ λ months
    assert months_gained(0.02, 0.5, 1e5) == pytest.approx(50.0)
    with pytest.raises(FitError, match="must be above zero"):
        months_gained(0.0, 0.8, 36)


def test_no_account_kept_costs_without_end():
    assert cost_per_retained(1_000, 0.0, 10) == np.inf
    assert cost_per_retained(1_000, -0.01, 10) == np.inf
