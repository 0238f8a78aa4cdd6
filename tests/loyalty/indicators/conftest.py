"""A small book of which every fact of loyalty can be worked out by hand, and rows for estimates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

DAY, BEFORE = pd.Timestamp("2024-12-31"), pd.Timestamp("2023-12-31")


def orders(account: str, months: str, amount: float, **more: Any) -> list[dict[str, Any]]:
    """Return an order on the tenth of each month of a period such as "2023-01/2023-12"."""
    first, last = months.split("/")
    row = {"account_id": account, "amount": amount, "product_line": "x", "list_amount": None} | more
    return [row | {"date": f"{month}-10"} for month in pd.period_range(first, last, freq="M")]


def tables() -> dict[str, list[dict[str, Any]]]:
    """Return the tables of four accounts: steady a, shrinking b, young c, and d, which has left."""
    return {
        "transactions": [
            *orders("a", "2023-01/2024-12", 100, list_amount=125),
            *orders("b", "2023-01/2023-12", 200, list_amount=200),
            *orders("b", "2024-01/2024-05", 100, list_amount=125),
            *orders("b", "2024-05/2024-05", 50, product_line="y"),
            *orders("c", "2024-08/2024-12", 80),
            *orders("d", "2023-01/2023-06", 10),
        ],
        "account_history": [
            {"account_id": "a", "valid_from": "2023-01-01", "attribute": "potential_per_year", "value": "2400"},
            {"account_id": "a", "valid_from": "2024-12-31", "attribute": "potential_per_year", "value": "4800"},
        ],
        "tier_decisions": [
            {"account_id": "a", "tier": "gold", "valid_from": "2023-02-01"},
            {"account_id": "a", "tier": "platinum", "valid_from": "2025-01-01"},
        ],
        "referrals": [
            {"referrer_id": "a", "account_id": "c", "date": "2024-08-01", "recorded_on": "2025-01-02"},
            {"referrer_id": "b", "account_id": "c", "date": "2024-08-01", "recorded_on": None},
            {"referrer_id": "b", "account_id": "d", "date": "2023-12-31", "recorded_on": None},
        ],
        "defections": [
            {"account_id": "b", "date": "2024-06-01", "extent": "partial", "reason": "price"},
            {"account_id": "d", "date": "2023-06-30", "extent": "whole", "reason": "insolvent"},
        ],
        "service_events": [
            # of these b bought 600 before and 250 after (100 + 100 + 50, none in June, July)
            {"event_id": "1", "account_id": "b", "kind": "complaint", "stage": "after_sale", "opened_at": "2024-03-05 08:00:00"},
            {"event_id": "2", "account_id": "b", "kind": "complaint", "stage": "after_sale", "opened_at": "2024-03-20 08:00:00"},
            # its months after are not over by the end of 2024
            {"event_id": "3", "account_id": "a", "kind": "complaint", "stage": "after_sale", "opened_at": "2024-10-05 08:00:00"},
            {"event_id": "4", "account_id": "a", "kind": "request", "stage": "after_sale", "opened_at": "2024-03-05 08:00:00"},
        ],
    }  # fmt: skip


def people(n: int = 60, seed: int = 5) -> pd.DataFrame:
    """Return accounts on two dates with all that estimates read, drawn at random."""
    rng = np.random.default_rng(seed)
    names = ["regularity", "breadth_score", "referral", "resistance", "persistence"]
    rows = pd.DataFrame(rng.uniform(0, 100, (2 * n, 5)), columns=names)
    return rows.assign(
        account_id=[f"a{i:03d}" for i in range(n)] * 2,
        evaluated_on=[BEFORE] * n + [DAY] * n,
        tier_in_force=["gold", "lead"] * n,
        revenue=rng.uniform(1, 9, 2 * n),
        n_indicators=5,
        behaviour=rows.mean(axis=1),
        attitude=np.where(rng.random(2 * n) < 0.8, rng.uniform(0, 100, 2 * n), np.nan),
    )


@pytest.fixture(name="tables")
def _tables() -> dict[str, list[dict[str, Any]]]:
    return tables()


@pytest.fixture(name="orders")
def _orders() -> Callable[..., list[dict[str, Any]]]:
    return orders


@pytest.fixture(name="people")
def _people() -> Callable[..., pd.DataFrame]:
    return people
