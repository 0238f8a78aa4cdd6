from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.loyalty.finance.ratio import fieller


def test_a_cost_known_for_sure_scales_the_interval():
    """(50 ± 1.96 · 10) ÷ 20."""
    found = fieller(50, 20, 100, 0)
    assert (found.low, found.high) == pytest.approx((2.5 - 0.97998, 2.5 + 0.97998), abs=1e-5)
    assert found.g == 0


@given(
    above=st.floats(-50, 50), below=st.floats(1, 50), sa=st.floats(0.1, 20), sb=st.floats(0.1, 20),
    rho=st.floats(-0.9, 0.9),
)  # fmt: skip
def test_the_set_is_what_a_test_does_not_reject(above, below, sa, sb, rho):
    """A ratio is held where |above − ratio · below| is at most 1.96 errors of it."""
    found = fieller(above, below, sa**2, sb**2, rho * sa * sb)
    for ratio in np.linspace(-60, 60, 41):
        gap = abs(above - ratio * below)
        error = np.sqrt(sa**2 + ratio**2 * sb**2 - 2 * ratio * rho * sa * sb)
        margin = 1.959963985 * error - gap
        if abs(margin) < 1e-6 * (1 + error):
            continue
        held = {
            "bounded": found.low <= ratio <= found.high,
            "outside": ratio <= found.low or ratio >= found.high,
            "all": True,
        }[found.shape]
        assert held == (margin > 0)


def test_students_t_is_wider():
    few, many = fieller(50, 20, 100, 9, df=8), fieller(50, 20, 100, 9)
    assert few.low < many.low < many.high < few.high


def test_a_denominator_like_zero_leaves_no_bounds():
    """1 ± 1 in the denominator: g = 3.84. 5 ± 1 above is not zero, 1 ± 5 may be."""
    assert fieller(5, 1, 1, 1).shape == "outside"
    assert fieller(1, 1, 25, 1).shape == "all"
    assert fieller(1, 1, 25, 1).low == -np.inf


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ((1, 0, 1, 1), "ratio to zero"),
        ((1, 1, -1, 1), "below zero"),
        ((1, 1, 1, 1, 2), "covariance"),
    ],
)
def test_what_contradicts_is_refused(given_, told):
    with pytest.raises(FitError, match=told):
        fieller(*given_)
