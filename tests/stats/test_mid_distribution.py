"""The mid-distribution function by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from kamlib.stats.mid_distribution import mid_distribution


def test_by_hand():
    # of four, two equal to 1: (0 + 2 / 2) / 4; between 2 and 3: three below
    found = mid_distribution(pd.Series([1.0, 2.5, np.nan, -9.0]), np.array([1.0, 1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(found, [25.0, 75.0, np.nan, 0.0])


@given(st.lists(st.integers(-3, 3), min_size=1))
def test_the_reference_has_mean_50_whatever_its_ties(values):
    reference = np.sort(np.array(values, dtype=float))
    assert np.isclose(mid_distribution(pd.Series(reference), reference).mean(), 50.0)
