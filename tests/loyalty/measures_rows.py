"""Books and facts of measures taken, from worlds with known truth and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kamlib.loyalty.measures_taken_facts import MeasureFacts
from tests.loyalty.worlds import World  # type: ignore[import-not-found]

FIRST = pd.Timestamp("2021-01-01")


def facts_of(world: World, measure: str = "visits", **more: Any) -> MeasureFacts:
    """Return a world as if its programme were a measure."""
    base = world.panel[world.panel["period"] < 12].groupby("unit")["outcome"].mean()
    accounts = world.accounts.drop(columns="assigned", errors="ignore")
    accounts = accounts.assign(usual=accounts["unit"].map(base))
    told: dict[str, Any] = {"cost": 1000.0, "months": 100} | more
    return MeasureFacts(measure, "contribution", world.panel, accounts, ("size",), **told)


def book_of(world: World) -> dict[str, Any]:
    """Return a world as a unit records it: an order a month at half its margin, and visits from the start."""
    panel = world.panel
    day = (panel["period"] // 12 + 2021).astype(str) + "-" + (panel["period"] % 12 + 1).astype(str)
    day = day.str.replace(r"-(\d)$", r"-0\1", regex=True) + "-10"
    name = "a" + panel["unit"].astype(str).str.zfill(4)
    orders = pd.DataFrame({"account_id": name, "date": day, "amount": 2 * panel["outcome"],
                           "cost": panel["outcome"]})  # fmt: skip
    chosen = world.accounts.dropna(subset=["start"])
    month = chosen["start"].astype(int)
    begun = [str((FIRST + pd.DateOffset(months=int(m), days=14)).date()) for m in month]
    visited = pd.DataFrame(
        {"account_id": "a" + chosen["unit"].astype(str).str.zfill(4), "date": begun, "cost": 30.0}
    )
    return {"transactions": orders, "visits": visited}


def monthly(
    account: str, first: int, last: int, amount: float, cost: float
) -> list[dict[str, Any]]:
    """Return an order in each month from `first` to `last`, counted from January 2021."""
    return [
        {"account_id": account, "amount": amount, "cost": cost,
         "date": str((FIRST + pd.DateOffset(months=m, days=9)).date())}
        for m in range(first, last + 1)
    ]  # fmt: skip


def day(month: int, of: int = 15) -> str:
    """Return a day of a month that is counted from January 2021."""
    return str((FIRST + pd.DateOffset(months=month, days=of - 1)).date())


def many(n: int, width: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return months of n accounts with chance alone in them."""
    return pd.DataFrame(
        {"unit": np.repeat(np.arange(n), width), "period": np.tile(np.arange(width), n),
         "outcome": np.exp(7 + rng.normal(size=n * width))}
    )  # fmt: skip
