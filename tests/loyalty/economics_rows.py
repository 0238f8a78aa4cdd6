"""A unit of eight accounts over three years that can be counted by hand; see the tests on it."""

from __future__ import annotations

from typing import Any


def sale(account: str, day: str, amount: float) -> Any:
    return {"account_id": account, "date": day, "amount": amount, "cost": 0.6 * amount}


def account(name: str, since: str | None) -> Any:
    return {"account_id": name, "name": name.upper(), "onboarded_on": since}


def visit(account: str, day: str, cost: float) -> Any:
    return {"account_id": account, "date": day, "cost": cost}


def won(day: str, amount: float, account: str | None, told: str | None = None) -> Any:
    return {"date": day, "amount": amount, "account_id": account, "recorded_on": told}


def sent(referrer: str, account: str, day: str) -> Any:
    return {"referrer_id": referrer, "account_id": account, "date": day}


def cost(day: str, kind: str, amount: float, level: int | None = None, account: str | None = None):
    return {"date": day, "kind": kind, "amount": amount, "level": level, "account_id": account}


TABLES: dict[str, Any] = {
    "accounts": [
        account("a", "2015-01-01"),
        account("b", "2023-03-10"),
        # may be an old account: its first order lies in the first year of the records
        account("c", None),
        account("d", None),
        account("e", "2024-01-15"),
        account("f", "2022-02-01"),
        # won, and has not bought yet
        account("g", "2024-04-01"),
        account("z", None),
    ],
    "transactions": [
        sale("a", "2022-01-05", 100),
        sale("a", "2023-01-05", 100),
        sale("a", "2024-01-05", 100),
        sale("b", "2023-03-15", 200),
        sale("b", "2024-03-15", 200),
        sale("c", "2022-06-01", 100),
        sale("c", "2023-06-01", 100),
        sale("d", "2023-05-02", 100),
        sale("e", "2024-01-20", 300),
        sale("f", "2022-02-10", 50),
    ],
    "visits": [
        visit("a", "2024-02-01", 10),
        visit("b", "2023-04-01", 6),
        visit("c", "2023-07-01", 20),
        # c no longer buys
        visit("c", "2024-02-01", 5),
    ],
    "programme": [
        {"account_id": "a", "level": 1, "enrolled_on": "2023-01-01", "left_on": None},
        {"account_id": "b", "level": 2, "enrolled_on": "2024-01-01", "left_on": None},
    ],
    "programme_costs": [
        # before there was a member
        cost("2022-05-01", "setup", 7),
        cost("2023-06-30", "platform", 12),
        cost("2024-06-30", "platform", 20),
        cost("2024-07-31", "reward", 4, 2),
        # nobody stands at level 3
        cost("2024-08-31", "service", 3, 3),
    ],
    "acquisition_costs": [
        won("2022-02-01", 8, "f"),
        won("2023-02-01", 30, "b"),
        won("2023-05-01", 50, "d"),
        won("2023-08-01", 20, None),
        won("2024-01-10", 40, "e"),
        won("2024-12-01", 1000, "e", "2025-01-05"),
    ],
    "referrals": [
        sent("a", "b", "2023-03-01"),
        sent("c", "b", "2023-03-05"),
        # c had bought before
        sent("a", "c", "2023-01-01"),
        # e was won the month before
        sent("b", "e", "2024-02-15"),
        sent("b", "b", "2023-06-01"),
        # never came
        sent("a", "z", "2023-01-01"),
    ],
}
AS_OF = "2024-12-31"
