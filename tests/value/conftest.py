"""Accounts of which every figure can be worked out by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import Ledger, Period, Window


@pytest.fixture
def facts() -> pd.DataFrame:
    """Five accounts: four that buy, of 100, 60, 30 and 10, and one that returned 5."""
    n = 5
    return pd.DataFrame(
        {
            "account_id": list("abcde"),
            "name": ["Alpha", None, "丙公司", "<script>", "Echo"],
            "role": ["intermediary", "end_customer", "end_customer", None, "end_customer"],
            "segment": ["x", "x", "y", "y", "y"],
            "region": [None] * n,
            "manager_id": ["m1", "m1", "m2", None, "m2"],
            "revenue": [100.0, 60.0, 30.0, 10.0, -5.0],
            "margin": [40.0, 20.0, 10.0, 2.0, -2.0],
            "cost_to_serve": [10.0, 5.0, 12.0, 2.0, 1.0],
            "contribution": [30.0, 15.0, -2.0, 0.0, -3.0],
            "n_orders": [12.0, 6.0, 3.0, 1.0, 0.0],
            "first_order_on": pd.Timestamp("2023-01-05"),
            "last_order_on": pd.Timestamp("2024-12-01"),
            "days_since_last": [5, 40, 200, 300, np.nan],
            "revenue_before": [50.0, 80.0, 30.0, 0.0, 20.0],
            "margin_before": [20.0, 30.0, 10.0, np.nan, 8.0],
            "cost_to_serve_before": [8.0, 5.0, 6.0, 0.0, 1.0],
            "contribution_before": [12.0, 25.0, 4.0, np.nan, 7.0],
        }
    )


@pytest.fixture
def period() -> Period:
    """Calendar year 2024 with the whole of 2023 before it."""
    current = Window(date(2024, 1, 1), date(2024, 12, 31))
    return Period(current, current.before(), Window(date(2023, 1, 5), date(2024, 12, 31)), ())


@pytest.fixture
def ledger() -> Ledger:
    """A ledger of which everything is known; its table is not looked at by estimators."""
    parts = dict.fromkeys(("service", "compensation", "billed", "visits", "financing"), True)
    return Ledger(None, parts, {}, has_cost=True)  # type: ignore[arg-type]
