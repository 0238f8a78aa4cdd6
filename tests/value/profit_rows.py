"""A book of two years of which every figure can be worked out by hand, and what came later."""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]


def _sale(account, day, units, amount, listed, cost, line, product):
    return {"account_id": account, "date": day, "quantity": units, "amount": amount,
            "list_amount": listed, "cost": cost, "product_line": line, "product": product}  # fmt: skip


def _invoice(number, account, issued, due, amount, disputed="no"):
    return {"invoice_id": number, "account_id": account, "issued_on": issued, "due_on": due,
            "amount": amount, "disputed": disputed}  # fmt: skip


TABLES: dict[str, Rows] = {
    "accounts": [
        {"account_id": "a", "name": "Alpha", "onboarded_on": "2022-03-01", "parent_id": None},
        {"account_id": "b", "name": "Beta", "onboarded_on": "2022-11-20", "parent_id": None},
        {"account_id": "c", "name": None, "onboarded_on": "2024-06-15", "parent_id": None},
        {"account_id": "d", "name": "Delta", "onboarded_on": None, "parent_id": None},
    ],
    "transactions": [
        _sale("a", "2023-03-10", 10, 100, 100, 60, "x", "p"),
        _sale("a", "2024-03-10", 12, 108, 120, 78, "x", "p"),
        _sale("a", "2024-04-01", 2, 40, 50, 20, "x", "r"),
        _sale("a", "2023-05-05", 1, 30, 30, 10, "y", "s"),
        _sale("a", "2023-06-01", None, 5, None, 1, None, None),
        _sale("a", "2024-06-01", None, 8, None, 2, None, None),
        _sale("b", "2023-01-15", 5, 50, 50, 30, "x", "p"),
        _sale("b", "2024-02-15", 5, 45, 50, 30, "x", "p"),
        _sale("c", "2024-07-01", 1, 20, 20, 12, "x", "p"),
        _sale("d", "2023-02-01", 3, 33, 33, 18, "x", "p"),
    ],
    "invoices": [
        _invoice("0", "a", "2023-03-10", "2023-12-20", 100),
        _invoice("1", "a", "2024-03-10", "2024-04-10", 108),
        _invoice("2", "b", "2024-02-15", "2024-03-15", 45),
        _invoice("3", "a", "2024-06-01", "2024-07-01", 8, "yes"),
        _invoice("4", "c", "2024-12-01", "2025-01-01", 20),
        _invoice("5", "a", "2024-11-01", "2024-12-11", 40),
        _invoice("6", "a", "2024-08-01", "2024-08-01", -5),
    ],
    "payments": [
        {"invoice_id": "0", "date": "2024-01-10", "amount": 100},
        {"invoice_id": "1", "date": "2024-04-15", "amount": 100},
        {"invoice_id": "1", "date": "2024-04-20", "amount": 8},
        {"invoice_id": "2", "date": "2024-03-10", "amount": 45},
        {"invoice_id": "2", "date": "2024-05-01", "amount": 5},  # paid too much
        {"invoice_id": "5", "date": "2024-12-20", "amount": 10},
    ],
    "service_events": [
        {"event_id": "1", "account_id": "a", "kind": "request", "stage": "after_sale",
         "opened_at": "2024-05-01", "resolved_at": "2024-05-02", "cost": 10},
        {"event_id": "2", "account_id": "b", "kind": "complaint", "stage": "after_sale",
         "opened_at": "2023-05-01", "resolved_at": "2023-05-02", "cost": 4},
    ],
    "contacts": [
        {"contact_id": "k1", "account_id": "a", "part": "decides", "from": "2022-01-01", "to": None},
        {"contact_id": "k2", "account_id": "a", "part": "uses", "from": None, "to": "2024-06-30"},
        {"contact_id": "k3", "account_id": "b", "part": "uses", "from": "2023-01-01", "to": None},
        {"contact_id": "k4", "account_id": "b", "part": "decides", "from": "2024-12-31", "to": None},
    ],
    "visits": [
        {"visit_id": "1", "account_id": "a", "date": "2024-11-15", "contact_id": "k1"},
        {"visit_id": "2", "account_id": "a", "date": "2024-12-20", "contact_id": None},
        {"visit_id": "3", "account_id": "b", "date": "2024-12-01", "contact_id": "k3"},
    ],
    "assignments": [
        {"account_id": "a", "manager_id": "m1", "starts_on": "2022-01-01", "ends_on": None,
         "part": "account_manager"},
        {"account_id": "b", "manager_id": "m1", "starts_on": "2022-01-01", "ends_on": "2024-03-31",
         "part": "account_manager"},
        {"account_id": "b", "manager_id": "m2", "starts_on": "2024-04-01", "ends_on": None,
         "part": None},
        {"account_id": "b", "manager_id": "m9", "starts_on": "2023-01-01", "ends_on": None,
         "part": "sponsor"},
        {"account_id": "c", "manager_id": "m2", "starts_on": "2024-07-01", "ends_on": None,
         "part": "account_manager"},
        {"account_id": "d", "manager_id": "m1", "starts_on": "2022-01-01", "ends_on": None,
         "part": "account_manager"},
    ],
    "programme": [
        {"account_id": "a", "level": 1, "enrolled_on": "2024-07-02", "left_on": None},
        {"account_id": "b", "level": 2, "enrolled_on": "2023-01-01", "left_on": "2024-06-30"},
    ],
    "programme_costs": [
        {"date": "2024-02-01", "kind": "platform", "amount": 365, "level": None, "account_id": None},
        {"date": "2024-03-01", "kind": "reward", "amount": 6, "level": 1, "account_id": None},
        {"date": "2024-03-01", "kind": "service", "amount": 2, "level": 2, "account_id": "b"},
        {"date": "2023-03-01", "kind": "setup", "amount": 999, "level": None, "account_id": None},
        {"date": "2024-03-01", "kind": "reward", "amount": 50, "level": 3, "account_id": None},
    ],
    "acquisition_costs": [
        {"date": "2024-07-02", "amount": 4, "account_id": "c"},
        {"date": "2020-01-01", "amount": 8, "account_id": "a"},
        {"date": "2024-07-02", "amount": 77, "account_id": None},
    ],
}  # fmt: skip

LATER: dict[str, Rows] = {
    "transactions": [
        _sale("a", "2025-02-10", 9, 1000, 1000, 10, "x", "p"),
        _sale("e", "2025-03-10", 9, 1000, 1000, 10, "x", "p"),
    ],
    "invoices": [_invoice("7", "a", "2025-01-10", "2025-02-10", 1000)],
    "payments": [
        {"invoice_id": "3", "date": "2025-02-01", "amount": 8},
        {"invoice_id": "7", "date": "2025-02-01", "amount": 1000},
    ],
    "visits": [{"visit_id": "4", "account_id": "b", "date": "2025-01-05", "contact_id": "k4"}],
    "contacts": [
        {"contact_id": "k5", "account_id": "a", "part": "buys", "from": "2025-01-02", "to": None}
    ],
    "assignments": [
        {"account_id": "a", "manager_id": "m2", "starts_on": "2025-01-01", "ends_on": None,
         "part": "account_manager"},
    ],
}  # fmt: skip


def with_later() -> dict[str, Rows]:
    """Return the tables with all that came later."""
    return {name: rows + LATER.get(name, []) for name, rows in TABLES.items()}
