"""Intervals of yearly contributions: by hand, their coverage, and the planted costly accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kamlib.accounts import Ledger, Period, Window
from kamlib.value.profit.loss_makers import (
    BACK,
    GONE,
    LOSES,
    MAY_LOSE,
    MAY_STILL,
    STILL,
    aftermath,
    loss_makers,
    yearly_intervals,
)


def quarters_of(rows: dict[str, list[float]], n_months: int = 12) -> pd.DataFrame:
    """Return quarters, the latest first, as the facts hold them."""
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[f"q{k}" for k in range(8)])
    return frame.rename_axis("account_id").reset_index().assign(n_months=n_months)


NONE = [np.nan] * 4
QUARTERS = quarters_of(
    {
        "a": [8.0, 7.0, 8.0, 7.0, 9.0, 8.0, 9.0, 8.0],
        "b": [-5.0, -6.0, -5.0, -6.0, -5.0, -6.0, -5.0, -6.0],
        "c": [-9.0, 9.0, -9.0, 7.0, *NONE],
        "d": [-1.0, -1.0, np.nan, np.nan, *NONE],
    }
)
SINCE = pd.DataFrame(
    {"account_id": list("abcd"), "onboarded_on": ["2023-01-01", "2024-07-01", None, "2022-01-01"]}
)


@pytest.fixture
def table() -> pd.DataFrame:
    """Four accounts that bought and one that left a debt."""
    return pd.DataFrame(
        {
            "account_id": list("abcde"), "name": list("ABCDE"), "manager_id": "m",
            "revenue": [100.0, 50.0, 80.0, 9.0, 0.0],
            "contribution": [30.0, -22.0, -2.0, -2.0, -3.0],
            "revenue_before": [90.0, 60.0, 70.0, 5.0, 20.0],
            "contribution_before": [34.0, -22.0, 1.0, -4.0, -8.0],
            "n_orders": [3.0, 3.0, 3.0, 1.0, 0.0],
        }
    )  # fmt: skip


def test_half_width_by_hand():
    half = yearly_intervals(QUARTERS, conf_level=0.95).set_index("account_id")["half_width"]
    # b: squares about the means of both years 2 · 4 · 0.25 = 2, 6 degrees of freedom, 4 quarters
    assert half["b"] == pytest.approx(stats.t.ppf(0.975, 6) * np.sqrt(2 / 6 * 4))
    # c: one year, mean -0.5, squares 72.25 + 90.25 + 72.25 + 56.25 = 291 on 3 degrees of freedom
    assert half["c"] == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(291 / 3 * 4))
    assert np.isnan(half["d"])  # two quarters are too few


def test_sure_and_unsure_by_hand(table, ledger, period):
    found = loss_makers(table, QUARTERS, SINCE, ledger, period.current, conf_level=0.95)
    assert found.frame["account_id"].tolist() == ["b", "c", "d"]
    assert found.frame["verdict"].tolist() == [LOSES, MAY_LOSE, MAY_LOSE]
    assert found.frame["contribution_high"].iloc[0] < 0
    # six months in July to December
    assert found.frame["tenure_years"].iloc[0] == pytest.approx(183 / 365.25)
    assert found.frame["tenure_years"].isna().tolist() == [False, True, False]
    checks = {check.name: check for check in found.checks}
    assert checks["losses_beyond_chance"].passed is True
    assert "1 account without revenue in the window still costs 3" in str(
        checks["cost_without_revenue"].note
    ).replace("still cost 3", "still costs 3")
    assert (float(found["n_sure"]), float(found["lost_sure"])) == (1, 22)


def test_order_of_rows_does_not_matter(table, ledger, period):
    found = [
        loss_makers(t, q, SINCE, ledger, period.current, conf_level=0.95).frame
        for t, q in ((table, QUARTERS), (table.iloc[::-1], QUARTERS.iloc[::-1]))
    ]
    pd.testing.assert_frame_equal(*found)


def test_refused_with_reasons(table, period):
    parts = dict.fromkeys(("service", "compensation", "billed", "visits", "financing"), False)
    bare = Ledger(None, parts, {"service": "service_events.cost"}, has_cost=False)  # type: ignore[arg-type]
    found = loss_makers(table, QUARTERS, SINCE, bare, period.current, conf_level=0.95)
    assert found.refused
    assert "transactions.cost; service_events.cost" in str(found.note)
    assert aftermath(table, QUARTERS, QUARTERS, bare, period, conf_level=0.95).refused


def test_less_than_a_year_and_nobody_below_zero_are_refused(table, ledger, period):
    short = Window(period.current.start, period.current.start.replace(month=6))
    few = loss_makers(table, QUARTERS, SINCE, ledger, short, conf_level=0.95)
    assert few.refused
    good = table.assign(contribution=1.0)
    assert loss_makers(good, QUARTERS, SINCE, ledger, period.current, conf_level=0.95).refused


def test_aftermath_by_hand(table, ledger, period):
    losing = [-5.0, -6.0, -5.0, -6.0, -5.0, -6.0, -5.0, -6.0]
    before = quarters_of(dict.fromkeys("bcde", losing))
    rows = table.assign(contribution_before=[34.0, -22.0, -22.0, -22.0, -22.0])
    rows.loc[2, "contribution"] = 4.0
    found = aftermath(rows, QUARTERS, before, ledger, period, conf_level=0.95)
    became = found.frame.set_index("account_id")["became"].to_dict()
    assert became == {"b": STILL, "c": BACK, "d": MAY_STILL, "e": GONE}
    assert [int(found[f"n_{k}"]) for k in ("gone", "still", "may", "back")] == [1, 1, 1, 1]
    alone = Period(period.current, None, period.records, ())
    assert aftermath(rows, QUARTERS, None, ledger, alone, conf_level=0.95).refused


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    n = 4000
    months = rng.normal(1.0, 2.0, (n, 24))
    drawn = months.reshape(n, 8, 3).sum(axis=2)
    rows = pd.DataFrame(drawn, columns=[f"q{k}" for k in range(8)])
    rows = rows.assign(account_id=[str(k) for k in range(n)], n_months=12)
    half = yearly_intervals(rows, conf_level=0.9)["half_width"].to_numpy()
    covered = np.abs(drawn[:, :4].sum(axis=1) - 12.0) <= half
    # 90 %, and five standard errors of a share of 4,000
    assert abs(covered.mean() - 0.9) < 5 * np.sqrt(0.9 * 0.1 / n)
