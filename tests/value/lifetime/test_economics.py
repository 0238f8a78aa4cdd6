"""Margin rates and costs to serve: own figures, drawn towards the unit's where they are few."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.book import open_book
from kamlib.params import load_unit
from kamlib.value.lifetime.economics import economics, economics_facts

KNOWN = SimpleNamespace(has_cost=True, parts={"service": True, "visits": False})


def rows(*accounts):
    """Return a history; each account is (id, revenue, margin rate, cost) for eight quarters."""
    noise = np.array([0.02, -0.02] * 4)
    return pd.concat(
        pd.DataFrame({"account_id": who, "quarters_ago": range(8), "revenue_costed": revenue,
                      "margin": revenue * (rate + noise), "cost_to_serve": cost * (1 + 10 * noise)})
        for who, revenue, rate, cost in accounts
    )  # fmt: skip


def test_own_rate_counts_where_its_quarters_agree():
    history = rows(("a", 100.0, 0.2, 10.0), ("b", 100.0, 0.4, 10.0), ("c", 50.0, 0.3, 0.0))
    rng = np.random.default_rng(1)
    found = economics(pd.Series(["b", "a"]), history, KNOWN, draws=4000, rng=rng)
    # quarters differ by 0.02 about rates 0.2 apart: next to nothing is drawn towards the unit
    assert found.margin_rate.mean(axis=0) == pytest.approx([0.4, 0.2], abs=0.003)
    # se = 0.02 · sqrt(8 / 7) / sqrt(8) = 0.0076
    assert found.margin_rate.std(axis=0) == pytest.approx([0.0075, 0.0075], rel=0.1)
    assert found.cost_per_day.mean(axis=0) == pytest.approx(10 / 91.3125, rel=0.01)
    assert found.margin_known


def test_new_account_is_given_the_unit_s_rate_and_the_median_cost():
    history = rows(("a", 100.0, 0.2, 10.0), ("b", 100.0, 0.4, 20.0), ("c", 10.0, 0.3, 30.0))
    rng = np.random.default_rng(1)
    found = economics(pd.Series(["new"]), history, KNOWN, draws=8000, rng=rng)
    assert found.margin_rate.mean() == pytest.approx(0.3, abs=0.01)
    assert found.margin_rate.std() > 0.05  # as far as accounts differ
    assert np.median(found.cost_per_day) == pytest.approx(20 / 91.3125, rel=0.05)


def test_without_costs_revenue_is_valued_and_said_so():
    history = rows(("a", 100.0, 0.2, 10.0)).assign(margin=np.nan, revenue_costed=0.0)
    nothing = SimpleNamespace(has_cost=False, parts={"service": False})
    found = economics(pd.Series(["a"]), history, nothing, draws=10, rng=np.random.default_rng(1))
    assert not found.margin_known
    assert (found.margin_rate == 1).all()
    assert (found.cost_per_day == 0).all()
    assert [check.passed for check in found.checks] == [False, False]


def test_history_has_nothing_after_the_day_and_whole_quarters_only():
    book = open_book(load_unit("commercial_vehicles"))
    day = date(2023, 8, 20)  # the last whole month is July
    found = economics_facts(ledger(book), day).execute()
    monthly = ledger(book).table.execute()
    inside = monthly[pd.to_datetime(monthly["month"]).between("2023-05-01", "2023-07-31")]
    expected = inside.groupby("account_id")["margin"].sum()
    last = found[found["quarters_ago"] == 0].set_index("account_id")["margin"]
    common = last.index
    assert len(common) > 150
    assert last.to_numpy() == pytest.approx(expected.loc[common].to_numpy())
    assert found["quarters_ago"].between(0, 7).all()
