"""What a forecast reads: nothing from after its day, and a rehearsal within what it knows."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kamlib.value.lifetime.purchase_history import purchase_history

DAY = date(2024, 12, 31)
LINES = [
    # a: 100 and 120 in the first year, then 80 and 120 in the second, of which one half came back
    ("a", "2023-01-05", 100, None), ("a", "2023-06-01", 120, None),
    ("a", "2024-02-01", 80, None), ("a", "2024-08-01", 120, None), ("a", "2024-09-01", -60, None),
    # b: known too late for the rehearsal, in time for the forecast
    ("b", "2023-12-01", 50, "2024-01-15"),
    # c: bought in the second year alone
    ("c", "2024-05-01", 30, None), ("c", "2024-05-11", 30, None),
    # d: written down after the day, and a day after it
    ("d", "2024-12-01", 70, "2025-01-02"), ("a", "2025-01-10", 500, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def book(small):
    names = ("account_id", "date", "amount", "recorded_on")
    rows = [dict(zip(names, line, strict=True)) for line in LINES]
    return small.open({"transactions": rows}, as_of="2025-03-31")


def test_forecast_knows_what_was_known(book):
    found = purchase_history(book, DAY, fit_years=2.0)
    rows = found.summary.set_index("account_id")
    assert rows["frequency"].to_dict() == {"a": 3, "b": 0, "c": 1}
    assert rows["monetary_value"]["a"] == pytest.approx((120 + 80 + 120) / 3)
    assert rows["age_days"]["a"] == 726  # 5 January 2023 to 31 December 2024, a leap year
    # gaps of 147, 245 and 182 days; 10 days
    assert rows["log_gaps"]["a"] == pytest.approx(np.log([147, 245, 182]).sum())
    assert rows["log_gaps"]["c"] == pytest.approx(np.log(10))
    trailing = found.trailing.set_index("account_id")["revenue"]
    assert trailing.to_dict() == {"a": 140, "b": 0, "c": 60}


def test_spread_of_single_purchases_is_pooled_over_accounts(book):
    found = purchase_history(book, DAY, fit_years=2.0)
    # a: 100, 120, 80, 120: mean 105, squares 25 + 225 + 625 + 225 = 1,100 with 3 degrees of
    # freedom; c: 30, 30: none, with one; so the square is 1,100 / 105² / 4
    assert found.within == (pytest.approx(np.sqrt(1100 / 105**2 / 4)), 4)


def test_rehearsal_is_a_year_earlier_and_told_what_came_by_the_day(book):
    found = purchase_history(book, DAY, fit_years=2.0).rehearsal
    assert (found.day, found.n_days, found.whole_year) == (date(2024, 1, 1), 365, True)
    assert found.summary["account_id"].tolist() == ["a"]  # b was not yet written down
    came = found.came.set_index("account_id")
    assert came["n_purchases"].to_dict() == {"a": 2, "b": 0, "c": 2}
    assert came["revenue"].to_dict() == {"a": 140, "b": 0, "c": 60}


def test_only_the_last_years_are_read(book):
    found = purchase_history(book, DAY, fit_years=1.0)
    rows = found.summary.set_index("account_id")
    assert rows["frequency"].to_dict() == {"a": 1, "c": 1}
    assert rows["age_days"]["a"] == 334  # from 1 February 2024
    # the rehearsal reads as long a time before its own day
    assert found.rehearsal.summary["frequency"].tolist() == [1]


def test_short_records_have_a_short_rehearsal_or_none(book):
    # 5 January to 31 December 2023 are 361 days, of which a third is rehearsed
    part = purchase_history(book, date(2023, 12, 31), fit_years=2.0).rehearsal
    assert (part.n_days, part.day, part.whole_year) == (120, date(2023, 9, 2), False)
    assert purchase_history(book, date(2023, 6, 1), fit_years=2.0).rehearsal is None


def test_before_the_first_purchase_there_is_nothing(book):
    found = purchase_history(book, date(2022, 12, 31), fit_years=2.0)
    assert found.summary.empty
    assert found.within is None
    assert found.rehearsal is None
