"""A programme of four members that can be counted by hand; see the tests that stand on it."""

from __future__ import annotations

from typing import Any


def member(account: str, level: int, first: str, last: str | None, told: str | None = None) -> Any:
    return {"account_id": account, "level": level, "enrolled_on": first, "left_on": last,
            "recorded_on": told}  # fmt: skip


def cost(day: str, kind: str, amount: float, **more: Any) -> Any:
    row = {"date": day, "kind": kind, "amount": amount, "level": None, "account_id": None}
    return row | {"recorded_on": None} | more


def points(account: str, day: str, issued: float, redeemed: float, expired: float) -> Any:
    return {"account_id": account, "date": day, "issued": issued, "redeemed": redeemed,
            "expired": expired}  # fmt: skip


TABLES: dict[str, Any] = {
    "transactions": [
        {"account_id": "a", "date": "2023-01-15", "amount": 100},
        {"account_id": "b", "date": "2023-01-20", "amount": 300},
        {"account_id": "a", "date": "2023-02-15", "amount": 100},
        {"account_id": "b", "date": "2023-02-20", "amount": 50},
        {"account_id": "e", "date": "2023-02-20", "amount": 70},
    ],
    "programme": [
        member("a", 1, "2023-01-10", "2023-01-31"),
        member("a", 2, "2023-02-01", None),
        member("b", 1, "2023-01-16", "2023-02-14"),
        # at two levels at once: the higher one counts
        member("c", 1, "2023-01-01", None),
        member("c", 3, "2023-02-15", "2023-02-28"),
        # known only since March
        member("d", 1, "2023-01-05", None, "2023-03-02"),
    ],
    "programme_costs": [
        cost("2023-01-01", "setup", 90.0),
        cost("2023-01-31", "platform", 10.0),
        cost("2023-01-31", "reward", 6.0, level=1),
        cost("2023-02-28", "reward", 4.0, level=2),
        cost("2023-01-31", "service", 3.0, account_id="a"),
        cost("2023-02-01", "service", 5.0, account_id="a"),
        # b has left level 1 by then, e was never a member
        cost("2023-02-20", "service", 7.0, account_id="b"),
        cost("2023-02-10", "communication", 2.0, account_id="e"),
        cost("2023-02-10", "communication", 1.0, level=3, recorded_on="2023-03-15"),
    ],
    "points": [
        points("a", "2023-01-31", 100, 0, 0),
        points("b", "2023-01-31", 300, 0, 0),
        points("a", "2023-02-28", 100, 60, 0),
        # given to c before the records begin
        points("c", "2023-02-28", 0, 10, 0),
        points("b", "2023-03-31", 0, 0, 50),
    ],
}
AS_OF = "2023-03-31"
