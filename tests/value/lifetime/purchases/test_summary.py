"""Distinct rows stand for all accounts, and impossible rows are named, all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD
from kamlib.value.lifetime.purchases.summary import compress

COURSE = st.tuples(st.integers(0, 5), st.integers(1, 9), st.integers(0, 9))


def test_cdnow_has_1016_distinct_rows(cdnow):
    rows = compress(cdnow.x, cdnow.t_x, cdnow.age)
    assert (len(rows.weights), rows.n_obs, rows.n_repeat) == (1016, 2357, 946)
    assert rows.frequency @ rows.weights == 2457
    whole_days = compress(cdnow.x, np.round(7 * cdnow.t_x), np.round(7 * cdnow.age))
    assert len(whole_days.weights) == 1016


@given(st.lists(COURSE, min_size=1, max_size=40))
def test_both_ways_of_counting_agree(courses):
    x = np.array([c[0] for c in courses], dtype=float)
    t_x = np.where(x > 0, [c[1] for c in courses], 0)
    age = t_x + [c[2] for c in courses]
    packed, sorted_ = compress(x, t_x, age), compress(x, t_x / 7, age / 7)
    np.testing.assert_array_equal(packed.weights, sorted_.weights)
    np.testing.assert_array_equal(packed.frequency, sorted_.frequency)
    np.testing.assert_allclose(packed.recency_days, 7 * sorted_.recency_days, atol=1e-12)
    np.testing.assert_allclose(packed.age_days, 7 * sorted_.age_days, atol=1e-12)
    np.testing.assert_array_equal(packed.counts[packed.counts_index], packed.frequency)


def test_weights_are_repetition():
    once = compress([2, 0], [5, 0], [9, 9], weights=[3, 2])
    often = compress([2, 2, 2, 0, 0], [5, 5, 5, 0, 0], [9] * 5)
    natural = np.array([[0.5, 4.0, 0.7, 2.0]])
    assert once.n_obs == often.n_obs == 5
    assert BG_NBD.log_likelihood(natural, once) == BG_NBD.log_likelihood(natural, often)


def test_all_faults_are_named_at_once():
    with pytest.raises(FitError) as caught:
        compress([1.5, 2, 0, np.nan, 1], [3, 12, 4, 1, 0], [10, 10, 10, 10, 10])
    text = str(caught.value)
    assert len(caught.value.faults) == 5
    assert "a frequency that is no count in 1 of 5 rows (first: row 0)" in text
    assert "after the end in 1 of 5 rows (first: row 1)" in text


def test_no_account_is_refused():
    with pytest.raises(FitError, match="at least one"):
        compress([], [], [])
