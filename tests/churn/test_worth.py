"""What is lost with an account, by hand."""

from __future__ import annotations

from datetime import date

import pytest

from kamlib.accounts import ledger
from kamlib.churn.worth import account_worth, discounted_months, worth_basis


def line(account: str, day: str, amount: float, cost: float | None = None) -> dict:
    return {"account_id": account, "date": day, "amount": amount, "cost": cost}


@pytest.fixture
def book(small):
    lines = [
        line("a", "2022-06-15", 5000.0, 4000.0),  # before the year that counts
        *(line("a", f"2023-{m:02d}-10", 100.0, 60.0) for m in range(1, 10)),
        *(line("a", f"2023-{m:02d}-10", 20.0, 12.0) for m in range(10, 13)),
        line("a", "2024-01-05", 7777.0, 1.0),  # later than the day
        *(line("b", f"2023-{m:02d}-10", 50.0, 20.0) for m in (11, 12)),
    ]
    return small.open({"transactions": lines}, as_of="2024-01-31")


def test_a_year_and_the_drop_of_its_last_quarter(book):
    accounts = ledger(book)
    assert worth_basis(accounts) == "margin"
    found = account_worth(accounts, date(2023, 12, 31), months=12, discount_rate=0.0)
    a, b = found.set_index("account_id").loc["a"], found.set_index("account_id").loc["b"]
    assert a["revenue"] == 960.0
    assert a["revenue_drop"] == 960.0 - 4 * 60.0
    assert a["value"] == 960.0 * 0.4
    # b came two months ago: a quarter at the least, so that one order is not taken for a year's rate
    assert b["value"] == pytest.approx(60.0 / 3 * 12)


def test_months_ahead_and_discount(book):
    found = account_worth(ledger(book), date(2023, 12, 31), months=6, discount_rate=0.1)
    a = found.set_index("account_id").loc["a"]
    # 384 a year: 32 a month, each discounted from its middle
    by_hand = sum(32.0 * 1.1 ** (-(m - 0.5) / 12) for m in range(1, 7))
    assert a["value"] == pytest.approx(by_hand)
    assert discounted_months(6, 0.1) == pytest.approx(by_hand / 32)


def test_revenue_is_the_last_resort(small):
    lines = [{"account_id": "a", "date": f"2023-{m:02d}-10", "amount": 10.0} for m in range(1, 13)]
    accounts = ledger(small.open({"transactions": lines}, as_of="2023-12-31"))
    assert worth_basis(accounts) == "revenue"
    found = account_worth(accounts, date(2023, 12, 31), months=12, discount_rate=0.0)
    assert found["value"].tolist() == [120.0]
