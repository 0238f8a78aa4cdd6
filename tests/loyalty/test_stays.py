"""Stays: one level a day per account, whatever the records hold."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.programme_facts import programme_facts
from kamlib.loyalty.stays import stays
from tests.loyalty.programme_rows import AS_OF, TABLES, member  # type: ignore[import-not-found]

SALES = [{"account_id": "x", "date": "2023-01-01", "amount": 1}]


def found(book, day=None):
    rows = stays(book, day).order_by("account_id", "begin").execute()
    return [
        (r.account_id, r.level, f"{r.begin:%m-%d}", f"{r.stop:%m-%d}", r.is_entry, r.is_exit)
        for r in rows.itertuples()
    ]


def test_stays_by_hand(small):
    book = small.open(TABLES, as_of=AS_OF)
    # `stop` is the first day after a stay; those that go on stop the day after as_of
    assert found(book) == [
        ("a", 1, "01-10", "02-01", True, False),
        ("a", 2, "02-01", "04-01", False, False),
        ("b", 1, "01-16", "02-15", True, True),
        ("c", 1, "01-01", "02-15", True, False),
        ("c", 3, "02-15", "03-01", False, False),
        ("c", 1, "03-01", "04-01", False, False),
        ("d", 1, "01-05", "04-01", True, False),
    ]


def test_a_day_knows_nothing_that_came_later(small):
    book = small.open(TABLES, as_of=AS_OF)
    # d was recorded in March; b's leaving on 14 February is not known on the day itself
    assert found(book, date(2023, 2, 14)) == [
        ("a", 1, "01-10", "02-01", True, False),
        ("a", 2, "02-01", "02-15", False, False),
        ("b", 1, "01-16", "02-15", True, False),
        ("c", 1, "01-01", "02-15", True, False),
    ]


def test_a_day_is_what_a_book_of_that_day_holds(small):
    book = small.open(TABLES, as_of=AS_OF)
    for day in ("2023-01-31", "2023-02-14", "2023-02-28", "2023-03-02"):
        then = small.open(TABLES, as_of=day)
        assert found(book, date.fromisoformat(day)) == found(then)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # twice the same, and one within the other: one stay
        ([("x", 1, "02-01", "02-20"), ("x", 1, "02-01", "02-20"), ("x", 1, "02-05", "02-10")],
         [("x", 1, "02-01", "02-21", True, True)]),
        # the day after the last is no gap, two days after it is
        ([("x", 1, "02-01", "02-10"), ("x", 1, "02-11", "02-12"), ("x", 1, "02-14", "02-14")],
         [("x", 1, "02-01", "02-13", True, True), ("x", 1, "02-14", "02-15", True, True)]),
        # a lower level while a higher one lasts changes nothing
        ([("x", 3, "02-01", "02-10"), ("x", 1, "02-04", "02-08")],
         [("x", 3, "02-01", "02-11", True, True)]),
        ([], []),
    ],
)  # fmt: skip
def test_rows_that_touch_or_overlap(small, rows, expected):
    members = [member(a, n, f"2023-{first}", f"2023-{last}") for a, n, first, last in rows]
    # a member that is not looked at, so that the table has its columns
    members.append(member("later", 1, "2024-01-01", None))
    book = small.open({"transactions": SALES, "programme": members}, as_of=AS_OF)
    assert found(book) == expected


def test_a_group_stands_at_its_highest_level(small):
    tables = {
        "transactions": SALES,
        "accounts": [{"account_id": a, "parent_id": "p"} for a in ("p", "x", "y")],
        "programme": [member("x", 1, "2023-01-01", None), member("y", 2, "2023-02-01", "2023-02-28")],
    }  # fmt: skip
    book = small.open(tables, as_of=AS_OF, ledger={"grain": "parent_group"})
    assert [row[:4] for row in found(book)] == [
        ("p", 1, "01-01", "02-01"), ("p", 2, "02-01", "03-01"), ("p", 1, "03-01", "04-01"),
    ]  # fmt: skip


def test_months_are_those_of_a_count_day_by_day(small):
    """Forty accounts with rows that overlap at random, counted day by day without the engine."""
    rng = np.random.default_rng(7)
    first_day, last_day = pd.Timestamp("2022-01-01"), pd.Timestamp("2023-03-20")
    rows, level = [], np.zeros((40, (last_day - first_day).days + 1), dtype=int)
    for account in range(40):
        for _ in range(4):
            begin, length = int(rng.integers(0, level.shape[1])), int(rng.integers(1, 150))
            n, goes_on = int(rng.integers(1, 4)), rng.random() < 0.2
            end = level.shape[1] if goes_on else begin + length
            level[account, begin:end] = np.maximum(level[account, begin:end], n)
            first, last = (first_day + pd.Timedelta(days=d) for d in (begin, end - 1))
            rows.append(member(f"k{account}", n, f"{first:%Y-%m-%d}", None if goes_on else f"{last:%Y-%m-%d}"))  # fmt: skip
    book = small.open({"transactions": SALES, "programme": rows}, as_of=f"{last_day:%Y-%m-%d}")
    facts = programme_facts(book)
    members = facts.members.set_index(["month", "level"])
    days = pd.date_range(first_day, last_day)
    before = np.concatenate([np.zeros((40, 1), dtype=int), level[:, :-1]], axis=1)
    for month in pd.date_range(first_day, last_day, freq="MS"):
        in_month = days.to_period("M") == month.to_period("M")
        now, was = level[:, in_month], before[:, in_month]
        for n in (1, 2, 3):
            counted = {
                "n_members": int((now[:, -1] == n).sum()),
                "n_joined": int(((now == n) & (was == 0)).sum()),
                "n_left": int(((now == 0) & (was == n)).sum()),
                "n_moved": int(((now == n) & (was != n) & (was > 0)).sum())
                - int(((was == n) & (now != n) & (now > 0)).sum()),
                "member_months": (now == n).sum() / month.days_in_month,
            }
            row = members.loc[(month, n)] if (month, n) in members.index else 0 * members.iloc[0]
            for name, value in counted.items():
                assert row[name] == pytest.approx(value), (month, n, name)
    assert facts.n_members == int((level[:, -1] > 0).sum())
