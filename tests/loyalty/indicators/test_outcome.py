"""Who was buying, and who still bought a year later, by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kamlib.loyalty.indicators.facts import collect
from kamlib.loyalty.indicators.outcome import still_buying

DAY = date(2023, 12, 31)


def outcome(book, *days: date, **rules: int) -> dict[str, float]:
    frame = collect(still_buying(book, days or [DAY], **rules))
    return dict(zip(frame["account_id"], frame["still_buying"], strict=True))


def test_by_hand(small, orders):
    sales = [
        *orders("stays", "2023-10/2024-12", 1),
        *orders("leaves", "2023-10/2024-06", 1),
        *orders("just in time", "2023-10/2024-07", 1),
        *orders("silent already", "2023-08/2023-11", 1),
        *orders("returns", "2023-12/2023-12", 1),
        *orders("returns", "2024-10/2024-10", 1),
        *orders("sends back", "2023-12/2023-12", 1),
        *orders("sends back", "2024-10/2024-10", -1),
    ]
    book = small.open({"transactions": sales}, as_of="2025-03-31")
    expected = {"stays": 1, "leaves": 0, "just in time": 1, "returns": 1, "sends back": 0}
    assert outcome(book) == expected
    # an order in November is enough where two months count
    assert outcome(book, recent_months=2) == expected | {"silent already": 0}
    assert outcome(book, silent_months=7) == expected | {"leaves": 1}


def test_ends_that_are_no_loss_are_neither(small, orders):
    sales = [row for who in "abcd" for row in orders(who, "2023-10/2024-01", 1)]
    tables = {
        "transactions": sales,
        "defections": [
            {"account_id": "a", "date": "2024-02-01", "reason": "insolvent", "recorded_on": None},
            {"account_id": "b", "date": "2024-02-01", "reason": "competitor", "recorded_on": None},
            # not known by the end of 2024
            {"account_id": "c", "date": "2024-02-01", "reason": "merged", "recorded_on": "2025-01-01"},
        ],
        "contracts": [
            {"contract_id": "1", "account_id": "d", "starts_on": "2023-01-01", "ends_on": "2025-01-31",
             "value_per_year": 1, "ended_on": "2024-01-31", "end_reason": "ended_by_us"},
        ],
    }  # fmt: skip
    found = outcome(small.open(tables, as_of="2025-03-31"))
    assert [who for who, value in found.items() if pd.isna(value)] == ["a", "d"]
    assert (found["b"], found["c"]) == (0, 0)


def test_what_was_recorded_a_year_later_is_not_known(small, orders):
    sales = [row | {"recorded_on": None} for row in orders("a", "2023-12/2023-12", 1)]
    sales += [row | {"recorded_on": "2025-01-05"} for row in orders("a", "2024-11/2024-11", 1)]
    assert outcome(small.open({"transactions": sales}, as_of="2025-03-31")) == {"a": 0}


def test_a_year_that_is_not_over_gives_no_row(small, orders):
    book = small.open({"transactions": orders("a", "2023-01/2024-11", 1)}, as_of="2024-12-30")
    assert outcome(book) == {}
    assert outcome(book, date(2023, 11, 30), DAY) == {"a": 1}


def test_the_end_of_february_has_its_year_too(small, orders):
    book = small.open({"transactions": orders("a", "2023-01/2024-02", 1)}, as_of="2024-02-29")
    assert outcome(book, date(2023, 2, 28)) == {"a": 1}
