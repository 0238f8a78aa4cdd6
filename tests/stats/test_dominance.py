"""Sums over who comes before in two respects, against all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.stats.dominance import dominated


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 3)), max_size=40))
def test_all_pairs(rows):
    x, y, weight = np.array(rows, dtype=float).reshape(-1, 3).T
    lower = (x[:, None] < x) * ((y[:, None] < y) + 0.5 * (y[:, None] == y))
    assert dominated(x, y, weight) == pytest.approx(weight @ lower)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9])
def test_rising_rows_count_all_before(n):
    places = np.arange(n, dtype=float)
    assert dominated(places, places, np.ones(n)).tolist() == places.tolist()
    assert dominated(places, -places, np.ones(n)).tolist() == [0.0] * n
