"""Accounts of which every figure can be worked out by hand."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture(scope="session")
def cdnow() -> SimpleNamespace:
    """CDNOW sample, first 39 weeks and the 39 after: what value.md's reference numbers rest on.

    One value per customer: `x`, `t_x`, `age` in weeks, `spend` (mean repeat purchase), `later`
    (purchases of the holdout), `later_spend`, `first_day` (days after 1997-01-01); `days` of all
    repeat purchases, `gaps` in weeks between purchases of the first period.
    """
    file = Path(os.environ.get("KAM_DATA_DIR", "")) / "cdnow" / "cdnow_sample.parquet"
    if not file.is_file():
        reason = "set KAM_DATA_DIR to the folder that holds cdnow/cdnow_sample.parquet"
        if "data" in os.environ.get("KAM_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    end, start = pd.Timestamp("1997-09-30"), pd.Timestamp("1997-01-01")
    lines = pd.read_parquet(file).groupby(["sample_id", "date"])["spend"].sum().reset_index()
    lines["first"] = lines.groupby("sample_id")["date"].transform("min")
    early, late = lines[lines["date"] <= end], lines[lines["date"] > end]
    each = early.groupby("sample_id")
    ends = each["date"].agg(["min", "max", "size"])
    x = ends["size"].to_numpy(dtype=float) - 1
    repeat = (each["spend"].sum() - each["spend"].first()).to_numpy()
    held = late.groupby("sample_id")["spend"].agg(["size", "sum"]).reindex(ends.index, fill_value=0)
    again = lines[lines["date"] > lines["first"]]
    return SimpleNamespace(
        x=x,
        t_x=(ends["max"] - ends["min"]).dt.days.to_numpy() / 7,
        age=(end - ends["min"]).dt.days.to_numpy() / 7,
        spend=np.divide(repeat, x, out=np.zeros_like(x), where=x > 0),
        later=held["size"].to_numpy(dtype=float),
        later_spend=held["sum"].to_numpy(dtype=float),
        first_day=(ends["min"] - start).dt.days.to_numpy(),
        days=(again["date"] - start).dt.days.to_numpy(),
        gaps=each["date"].diff().dropna().dt.days.to_numpy() / 7,
    )


@pytest.fixture(scope="session")
def buyers():
    """Return a function that plays accounts forward: x, t_x, age, purchases of the horizon.

    Written as the story is told, one purchase after the other, and shares no code with the models.
    """

    def play(n, r, alpha, a, b, age, horizon, rng, *, k=1, at_start=False):
        rate = np.maximum(rng.gamma(r, 1 / alpha, n), 1e-12)
        leave = rng.beta(a, b, n)
        age = np.broadcast_to(np.asarray(age, dtype=float), n)
        x, t_x, later, now = (np.zeros(n) for _ in range(4))
        alive = rng.random(n) >= leave if at_start else np.ones(n, dtype=bool)
        while alive.any():
            at = np.flatnonzero(alive)
            now[at] += rng.gamma(k, 1 / rate[at])
            seen = at[now[at] <= age[at]]
            x[seen] += 1
            t_x[seen] = now[seen]
            later[at[(now[at] > age[at]) & (now[at] <= age[at] + horizon)]] += 1
            alive[at] = (now[at] <= age[at] + horizon) & (rng.random(len(at)) >= leave[at])
        return x, t_x, age, later

    return play


@pytest.fixture(scope="session")
def unit_parameters():
    """Return a function that draws r, alpha, a, b of a unit: accounts buy about every 60 days."""

    def draw(rng):
        rate, r = np.exp(rng.normal(np.log(1 / 60), 0.6)), np.exp(rng.normal(0, 0.35))
        share = 1 / (1 + np.exp(-rng.normal(-2, 0.6)))
        size = np.exp(rng.normal(np.log(4), 0.4))
        return r, r / rate, share * size, (1 - share) * size

    return draw
