from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kamlib.accounts import evaluation_dates, period

days = st.dates(date(2015, 1, 1), date(2025, 12, 31))


def test_only_quarter_ends_that_close_a_full_year():
    # the first full year ends with 2023, since records count from the month of their first day
    assert evaluation_dates(date(2023, 1, 31), date(2024, 7, 1)) == [
        date(2023, 12, 31), date(2024, 3, 31), date(2024, 6, 30),
    ]  # fmt: skip
    # a year that begins in February is full in January, and the next quarter end is in March
    assert evaluation_dates(date(2023, 2, 1), date(2024, 3, 31)) == [date(2024, 3, 31)]


def test_less_than_a_year_has_none():
    assert evaluation_dates(date(2023, 1, 1), date(2023, 12, 30)) == []


@given(days, days, days)
def test_an_earlier_day_sees_the_beginning_of_the_same_dates(first, one, other):
    early, late = sorted((one, other))
    seen = evaluation_dates(first, early)
    assert evaluation_dates(first, late)[: len(seen)] == seen


def test_year_and_year_before(small):
    rows = [
        {"account_id": "a", "date": f"{y}-0{m}-15", "amount": 1}
        for y in (2022, 2023, 2024)
        for m in (1, 5)
    ]
    found = period(small.open({"transactions": rows}, as_of="2024-05-15"))
    assert (found.current.start, found.current.end) == (date(2023, 4, 1), date(2024, 3, 31))
    assert (found.previous.start, found.previous.end) == (date(2022, 4, 1), date(2023, 3, 31))
    assert found.current.n_days == 366  # 29 February 2024
    assert [check.passed for check in found.checks] == [True, True]


def test_the_year_before_must_be_recorded_in_full(small):
    rows = [{"account_id": "a", "date": "2022-05-01", "amount": 1}]
    found = period(small.open({"transactions": rows}, as_of="2024-03-31"))
    # the year before would begin on 1 April 2022
    assert found.previous is None
    assert "2022-04-01" in str(found.checks[1].note)


def test_short_records_are_taken_whole_and_fail_a_check(small):
    rows = [{"account_id": "a", "date": "2024-02-10", "amount": 1}]
    found = period(small.open({"transactions": rows}, as_of="2024-05-20"))
    assert (found.current.start, found.current.end) == (date(2024, 2, 10), date(2024, 5, 20))
    assert found.previous is None
    assert [check.passed for check in found.checks] == [False]
    assert "less than a full year" in str(found.checks[0].note)
