from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.loyalty.finance.points import Promise, liability

SALE = Promise(100_000, 100_000, 10_000, 1.0, 0.05)


@given(
    sales=st.floats(1, 1e6), points=st.floats(1, 1e6), breakage=st.floats(0, 0.9),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=6),
)  # fmt: skip
def test_what_is_earned_and_owed_adds_up(sales, points, breakage, shares):
    promise = Promise(sales, sales, points, 0.01, breakage)
    expected = points * (1 - breakage)
    redeemed = [expected * share for share in sorted(shares)]
    frame = liability(promise, redeemed, [expected] * len(shares)).frame
    earned = frame["points_revenue"].cumsum() + frame["points_liability"]
    assert earned.to_numpy() == pytest.approx(promise.deferred)
    assert 0 <= promise.deferred < sales


def test_all_redeemed_owes_nothing(said):
    found = liability(SALE, [9_500], [9_500])
    assert found.frame["points_liability"][0] == pytest.approx(0.0, abs=1e-9)
    assert set(found.frame.columns) <= set(glossary.columns())
    assert all(said(found))


@pytest.mark.parametrize(("redeemed", "expected"), [([5, 4], [9, 9]), ([5, 10], [9, 9])])
def test_sums_that_contradict_are_refused(redeemed, expected, said):
    found = liability(SALE, redeemed, expected)
    assert found.refused
    assert "period 2" in said(found)[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"breakage": 1.0}, "breakage must lie"),
        ({"points": 0}, "points and what one of them"),
        ({"goods_alone": 0}, "goods worth something"),
    ],
)
def test_a_promise_outside_its_range(change, told):
    with pytest.raises(FitError, match=told):
        liability(replace(SALE, **change), [1], [2])


@pytest.mark.parametrize(("redeemed", "expected"), [([], []), ([1], [2, 3]), ([0], [0])])
def test_rows_that_do_not_match(redeemed, expected):
    with pytest.raises(FitError):
        liability(SALE, redeemed, expected)
