"""Would the forecast have held? One made earlier, set beside what came."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.params import LifetimeParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson
from kamlib.value.lifetime.outlook import Outlook

Floats = NDArray[np.float64]

LEAST_MONTHS = 3
_COUNTED = {"purchases": ("expected_purchases", "n_purchases"),
            "revenue": ("expected_revenue", "revenue")}  # fmt: skip


def holdout_day(first_day: date, as_of: date, params: LifetimeParams) -> date | None:
    """Return the last day that the forecast to be checked may know; None where records are too short.

    `holdout_from` names the first day held back; else whole months are, `holdout_months` of them but
    at the most a quarter of the records. At least three months must be held back and nine known.

    Examples
    --------
    >>> from kamlib.params import LifetimeParams
    >>> str(holdout_day(date(2021, 1, 1), date(2025, 12, 31), LifetimeParams()))
    '2024-12-31'
    >>> str(holdout_day(date(2024, 1, 1), date(2025, 12, 31), LifetimeParams()))
    '2025-06-30'
    """
    months = (as_of.year - first_day.year) * 12 + as_of.month - first_day.month + 1
    if params.holdout_from is not None:
        day = params.holdout_from - timedelta(days=1)
    else:
        held = min(params.holdout_months, months // 4)
        ended = pd.Timestamp(as_of) + pd.Timedelta(days=1) - pd.DateOffset(months=held)
        day = (ended - pd.Timedelta(days=1)).date()
    known, held_days = (day - first_day).days + 1, (as_of - day).days
    least = LEAST_MONTHS * 30
    return day if held_days >= least and known >= 3 * least else None


def side_by_side(outlook: Outlook, actual: pd.DataFrame) -> pd.DataFrame:
    """Return each account's forecast with what came.

    Parameters
    ----------
    outlook
        A forecast made at an earlier day.
    actual
        `facts.purchase_counts` since that day: one row per account and month.

    Returns
    -------
    DataFrame
        One row per account of the forecast: its columns, `expected_purchases`, `purchases_low`,
        `purchases_high`, `expected_revenue`, `revenue_low`, `revenue_high`, and what came:
        `n_purchases`, `revenue` (zero where nothing did).
    """
    frame = outlook.accounts.reset_index(drop=True)
    for name, (expected, _) in _COUNTED.items():
        each = outlook.prediction.accounts[name]
        frame = frame.assign(
            **{expected: each.mean, f"{name}_low": each.low, f"{name}_high": each.high}
        )
    came = actual.groupby("account_id")[["n_purchases", "revenue"]].sum()
    return frame.merge(came, on="account_id", how="left").fillna(
        {"n_purchases": 0.0, "revenue": 0.0}
    )


def _counted(outlook: Outlook) -> list[str]:
    """Return what is compared; renewals of contracts are no orders, so that only revenue is."""
    return ["revenue"] if outlook.relation == "contracts" else ["purchases", "revenue"]


def holdout_total(
    outlook: Outlook | Estimate, actual: pd.DataFrame, *, conf_level: float
) -> Estimate:
    """Expected against actual, for the unit in total and for single accounts.

    Parameters
    ----------
    outlook
        A forecast made at an earlier day, its horizon ending with what is known now.
    actual
        `facts.purchase_counts` since that day.
    conf_level
        Level of the interval of the coverage.

    Returns
    -------
    Estimate
        Frame: one row per `term` (`expected_purchases`, unless the forecast is of contracts, and
        `expected_revenue`): `forecast`, `conf_low`, `conf_high`, `conf_level`, `actual`,
        `error_share` ((expected − actual) ÷ actual), `coverage` (share of accounts within their own
        interval), `coverage_low`, `coverage_high`, `n_obs`. Summary: `total_error` (of revenue),
        `coverage`. Checks: whether the unit's actual lies in its interval, and whether accounts lie
        in theirs as often as is said.
    """
    if isinstance(outlook, Estimate):
        return refusal("holdout_total", outlook.note.key, **outlook.note.values)
    both = side_by_side(outlook, actual)
    level, n = outlook.prediction.conf_level, len(both)
    rows: list[dict[str, Any]] = []
    for name in _counted(outlook):
        expected, came = _COUNTED[name]
        unit = outlook.prediction.unit[name]
        total = float(both[came].sum())
        inside = both[came].between(both[f"{name}_low"] - 1e-6, both[f"{name}_high"] + 1e-6)
        low, high = wilson(inside.sum(), n, conf_level)
        rows.append(
            {"term": expected, "forecast": float(unit.mean), "conf_low": float(unit.low),
             "conf_high": float(unit.high), "conf_level": level, "actual": total,
             "error_share": (float(unit.mean) - total) / total if total > 0 else np.nan,
             "coverage": float(inside.mean()), "coverage_low": float(low),
             "coverage_high": float(high), "n_obs": n}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    money = rows[-1]
    held = money["conf_low"] <= money["actual"] <= money["conf_high"]
    enough = money["coverage_high"] >= level
    values: dict[str, Any] = {
        "day": outlook.day, "expected": money["forecast"], "actual": money["actual"],
        "error": money["error_share"], "low": money["conf_low"], "high": money["conf_high"],
        "level": level, "n": n, "coverage": money["coverage"],
        "coverage_low": money["coverage_low"], "coverage_high": money["coverage_high"],
    }  # fmt: skip
    checks = (
        Check("holdout_total", held,
              Sentence("holdout.held" if held else "holdout.missed", values)),
        Check("holdout_accounts", enough,
              Sentence("holdout.covered" if enough else "holdout.uncovered", values)),
    )  # fmt: skip
    summary = one_row(
        n, outlook.model, level, total_error=money["error_share"], coverage=money["coverage"]
    )
    return Estimate("holdout_total", frame, summary, Sentence("holdout.total", values), checks)


def holdout_path(outlook: Outlook | Estimate, actual: pd.DataFrame) -> Estimate:
    """Expected against actual revenue over the months held back, adding up.

    Returns
    -------
    Estimate
        Frame: one row per `month` end: `expected_revenue`, `revenue` (actual), and unless the
        forecast is of contracts `expected_purchases`, `n_purchases`; all cumulative, accounts of
        the forecast only. Summary: `mape` (mean over months of |expected − actual| ÷ actual).
    """
    if isinstance(outlook, Estimate):
        return refusal("holdout_path", outlook.note.key, **outlook.note.values)
    known = actual[actual["account_id"].isin(outlook.accounts["account_id"])]
    months = pd.to_datetime(known["month"]).dt.to_period("M")
    sums = known.groupby(months)[["n_purchases", "revenue"]].sum()
    path = outlook.path.copy()
    ends = pd.to_datetime(path["month"])
    came = sums.reindex(ends.dt.to_period("M"), fill_value=0.0).cumsum()
    path = path.assign(month=ends, n_purchases=came["n_purchases"].to_numpy(),
                       revenue=came["revenue"].to_numpy())  # fmt: skip
    if outlook.relation == "contracts":
        path = path.drop(columns=["n_purchases", "expected_purchases"])
    sold = path["revenue"] > 0
    error = (path["expected_revenue"] - path["revenue"]).abs() / path["revenue"].where(sold)
    mape = float(error.mean())
    values = {"mape": mape, "n": len(path), "day": outlook.day}
    summary = one_row(len(path), outlook.model, mape=mape)
    return Estimate("holdout_path", path, summary, Sentence("holdout.path", values))


def holdout_classes(outlook: Outlook | Estimate, actual: pd.DataFrame) -> Estimate:
    """Expected against actual by how often accounts had bought, or renewed, before.

    Returns
    -------
    Estimate
        Frame: one row per `activity_class` in the order of the forecast's classes: `n_accounts`,
        `expected_mean` and `actual_mean` (purchases of an account; of contracts its revenue).
    """
    if isinstance(outlook, Estimate):
        return refusal("holdout_classes", outlook.note.key, **outlook.note.values)
    both = side_by_side(outlook, actual)
    expected, came = _COUNTED[_counted(outlook)[0]]
    grouped = both.groupby("activity_class", sort=False, observed=True)
    frame = grouped.agg(
        n_accounts=(came, "size"), expected_mean=(expected, "mean"), actual_mean=(came, "mean")
    ).reset_index()
    frame["activity_class"] = frame["activity_class"].astype(str)
    frame = frame.sort_values(
        "activity_class", key=lambda c: c.map(_first_number), ignore_index=True
    )
    worst = (frame["expected_mean"] - frame["actual_mean"]).abs().idxmax()
    values = {"classes": len(frame), "worst": frame["activity_class"][worst],
              "expected": float(frame["expected_mean"][worst]),
              "actual": float(frame["actual_mean"][worst]), "n": len(both)}  # fmt: skip
    key = "holdout.classes_contracts" if outlook.relation == "contracts" else "holdout.classes"
    return Estimate(
        "holdout_classes", frame, one_row(len(both), outlook.model), Sentence(key, values)
    )


def _first_number(label: str) -> float:
    digits = "".join(c if c.isdigit() else " " for c in label).split()
    return float(digits[0]) if digits else np.inf
