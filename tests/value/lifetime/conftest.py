"""Purchase histories made from a table of days, by plain pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.value.lifetime.economics import Economics
from kamlib.value.lifetime.purchase_history import PurchaseHistory, Rehearsal


def _summary(days: pd.DataFrame, day: pd.Timestamp, years: float):
    """Return summary rows of purchases known on a day, and their spread within accounts."""
    first = day - pd.Timedelta(days=round(365 * years) - 1)
    known = days[(days["date"] <= day) & (days["date"] >= first) & (days["amount"] > 0)]
    known = known.sort_values(["account_id", "date"])
    each = known.groupby("account_id")
    ends, amount = each["date"].agg(["min", "max", "size"]), each["amount"]
    x = ends["size"] - 1.0
    gaps = np.log(each["date"].diff().dt.days).groupby(known["account_id"]).sum()
    frame = pd.DataFrame(
        {
            "frequency": x,
            "recency_days": (ends["max"] - ends["min"]).dt.days.astype(float),
            "age_days": (day - ends["min"]).dt.days.astype(float),
            "monetary_value": (amount.sum() - amount.first()) / x.where(x > 0),
            "days_since_last": (day - ends["max"]).dt.days.astype(float),
            "log_gaps": gaps,
        }
    )
    square = (x * amount.var() / amount.mean() ** 2).sum()
    within = (float(np.sqrt(square / x.sum())), float(x.sum())) if x.sum() > 0 else None
    return frame.reset_index(), within


def _came(days: pd.DataFrame, after: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    there = days[(days["date"] > after) & (days["date"] <= until)]
    each = there.groupby("account_id")
    bought = (there["amount"] > 0).groupby(there["account_id"]).sum().astype(float)
    return pd.DataFrame({"n_purchases": bought, "revenue": each["amount"].sum()}).reset_index()


@pytest.fixture(scope="session")
def history_of():
    """Return a function: days of purchase (`account_id`, `date`, `amount`) -> PurchaseHistory."""

    def make(days, day, *, years=2.0, rehearsed=365):
        day = pd.Timestamp(day)
        summary, within = _summary(days, day, years)
        last = _came(days, day - pd.Timedelta(days=365), day)[["account_id", "revenue"]]
        rehearsal = None
        if rehearsed:
            then = day - pd.Timedelta(days=rehearsed)
            known = _summary(days, then, years)
            rehearsal = Rehearsal(then.date(), *known, _came(days, then, day), rehearsed)
        return PurchaseHistory(day.date(), summary, within, last, rehearsal)

    return make


@pytest.fixture(scope="session")
def came_since():
    """Return a function: what came after one day up to another, per account and month."""

    def make(days, after, until):
        there = days[(days["date"] > pd.Timestamp(after)) & (days["date"] <= pd.Timestamp(until))]
        there = there.assign(
            month=there["date"].dt.to_period("M").dt.to_timestamp(), bought=there["amount"] > 0
        )
        return there.groupby(["account_id", "month"], as_index=False).agg(
            n_purchases=("bought", "sum"), revenue=("amount", "sum")
        )

    return make


@pytest.fixture(scope="session")
def no_economics():
    """Return a function: number of draws and accounts -> economics of which nothing is known."""
    return lambda draws, n: Economics(np.ones((draws, n)), np.zeros((draws, n)), False, ())
