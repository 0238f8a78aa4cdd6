from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.stats.proportions import wilson


@pytest.mark.parametrize(
    # Newcombe (1998), table I, method 3
    ("events", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_published_limits(events, n, low, high):
    assert np.round(wilson(events, n, 0.95), 4).tolist() == [low, high]


@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_limits_hold_the_share_and_stay_within_0_and_1(n, share, level):
    x = round(share * n)
    low, high = wilson(x, n, level)
    assert 0 <= low <= x / n <= high <= 1


def test_no_cases_have_no_interval():
    assert np.isnan(wilson([0], [0], 0.95)).all()
