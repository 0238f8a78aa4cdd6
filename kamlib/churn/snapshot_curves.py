"""Curves of a record without dates: as it was seen, beside the usual reading, by group and by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.churn.curves import N_START, at_risk, survival
from kamlib.churn.snapshot import snapshot_rows, window_check
from kamlib.churn.snapshot_ages import carrying, within
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal
from kamlib.stats.kaplan_meier import at_times

SEEN, USUAL = "each in its last months", "all from their first month"


def beside_usual(
    rows: pd.DataFrame,
    *,
    window_months: float,
    horizon: float,
    n_risk_min: int = N_START,
    conf_level: float = 0.95,
) -> Estimate:
    """Share still there after each time, with late entry, and by the usual reading without it.

    Parameters
    ----------
    rows
        As `snapshot.snapshot_rows` returns them.
    window_months
        By which they were made.
    horizon
        Months for which the note states the shares.
    n_risk_min
        Customers at risk at once where both curves begin.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: `group` (which reading) and the columns of `curves.survival`, `time` in months. Summary:
        that of the reading with late entry, with `remaining_usual` and `window_fits`. Checks: those of
        `curves.survival` that concern a record of one day, and `snapshot.window_check`. Refused where
        too few customers are of one age at any age, or nobody left.
    """
    right = _curve(rows, horizon, n_risk_min, conf_level)
    if right.refused:
        return replace(right, name="beside_usual")
    start = float(right["start"])
    usual = survival(_usual(rows, start), horizon=horizon, n_risk_min=1, conf_level=conf_level)
    frame = pd.concat([right.frame.assign(group=SEEN), usual.frame.assign(group=USUAL)])
    frame.insert(0, "group", frame.pop("group"))
    check = window_check(rows, right.frame)
    names = ("horizon", "remaining", "remaining_low", "remaining_high", "start")
    values = {name: right[name] for name in names} | {
        "usual": usual["remaining"], "window": window_months, "level": conf_level,
        "n": len(rows), "events": int(right["n_event"]),
        "who": Sentence("snapshot.who_later", {"start": start}) if start > 0
        else Sentence("snapshot.who_new"),
    }  # fmt: skip
    note = Sentence("snapshot.curve" if check.passed else "snapshot.curve_odd", values)
    summary = right.summary.assign(
        remaining_usual=usual["remaining"], window_fits=bool(check.passed)
    )
    return Estimate("beside_usual", frame.reset_index(drop=True), summary, note, (check,))


def levels_hold(beside: Estimate) -> bool:
    """Whether levels may be read, as far as the customers that are there can tell."""
    return not beside.refused and bool(beside["window_fits"])


def caution(beside: Estimate) -> Sentence | str:
    """Return what stands under curves whose height may not be read; else nothing."""
    return "" if levels_hold(beside) else Sentence("snapshot.order_only")


def at_ages(beside: Estimate, rows: pd.DataFrame, months: Sequence[float]) -> pd.DataFrame:
    """Return both readings at stated ages.

    Parameters
    ----------
    beside
        Of `beside_usual`.
    rows
        That it was made of.
    months
        Ages, rising.

    Returns
    -------
    DataFrame
        One row per age that both curves reach: `age_months`, `n_risk` (customers of that age in the
        window), `remaining` with `share_low`, `share_high`, `remaining_usual`, `conf_level`.
    """
    if beside.refused:
        return pd.DataFrame()
    read = {
        reading: at_times(beside.frame[beside.frame["group"] == reading], months)
        for reading in (SEEN, USUAL)
    }
    right = read[SEEN]
    table = pd.DataFrame(
        {
            "age_months": np.asarray(months, dtype=np.float64),
            "n_risk": at_risk(rows, months)["n_risk"],
            "remaining": right["estimate"], "share_low": right["conf_low"],
            "share_high": right["conf_high"], "remaining_usual": read[USUAL]["estimate"],
            "conf_level": right["conf_level"],
        }
    )  # fmt: skip
    return table[table["remaining"].notna()].reset_index(drop=True)


def counts_by_reading(rows: pd.DataFrame, months: Sequence[float]) -> pd.DataFrame | None:
    """Return how many are at risk at stated ages by either reading, as `curves.at_risk` counts them."""
    both = pd.concat([rows.assign(group=SEEN), _usual(rows, 0.0).assign(group=USUAL)])
    return None if rows.empty else at_risk(both, months, least=1)


def by_window(
    customers: pd.DataFrame, windows: Sequence[float], *, horizon: float, conf_level: float = 0.95
) -> Estimate:
    """Share still there at one age for windows of several lengths, and for the whole of every life.

    Parameters
    ----------
    customers
        As for `snapshot.snapshot_rows`.
    windows
        Months within which leavings may have been written down; the age of the oldest customer is
        added, with which late entry becomes the usual reading.
    horizon
        Age in months.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per window, rising: `window_months`, `remaining` with `share_low`, `share_high`,
        `n_there` (customers in their second year), `n_fitting` (as many as the curve would let through,
        had as many begun then as now), `fits`, `conf_level`. Refused where no curve can be drawn.
    """
    oldest = float(customers["tenure_months"].max())
    if oldest <= 0:
        return refusal("by_window", "snapshot.nobody", n=len(customers))
    parts = []
    for window in sorted({*(w for w in windows if w < oldest), oldest}):
        rows = snapshot_rows(customers, window_months=window)
        curve = _curve(rows, horizon, N_START, conf_level)
        if curve.refused:
            return replace(curve, name="by_window")
        check = window_check(rows, curve.frame)
        read = at_times(curve.frame, [horizon]).iloc[0]
        parts.append(
            {
                "window_months": window, "remaining": read["estimate"],
                "share_low": read["conf_low"], "share_high": read["conf_high"],
                "n_there": check.note.values["old"], "n_fitting": check.note.values["expected"],
                "fits": check.passed, "conf_level": conf_level,
            }
        )  # fmt: skip
    frame = pd.DataFrame(parts)
    fitting = frame.loc[frame["fits"].astype(bool), "window_months"]
    values = {
        "horizon": horizon, "first": frame["window_months"].iloc[0], "oldest": oldest,
        "low": frame["remaining"].iloc[0], "high": frame["remaining"].iloc[-1],
        "n": len(customers),
        "fit": Sentence("snapshot.fits_from", {"least": fitting.min()}) if len(fitting)
        else Sentence("snapshot.fits_none"),
    }  # fmt: skip
    summary = one_row(len(customers), "Kaplan–Meier", conf_level, horizon=horizon)
    return Estimate("by_window", frame, summary, Sentence("snapshot.windows", values))


def _curve(rows: pd.DataFrame, horizon: float, n_risk_min: int, conf_level: float) -> Estimate:
    """Return the curve with late entry, over the longest stretch of ages that carries one."""
    ages = carrying(rows.assign(group=""))
    if ages is not None:
        curve = survival(
            within(rows, *ages), horizon=horizon, n_risk_min=n_risk_min, conf_level=conf_level
        )
        if curve.note.key != "curves.too_few":
            return curve
    return refusal("survival", "snapshot.too_few", n=len(rows), need=n_risk_min)


def _usual(rows: pd.DataFrame, start: float) -> pd.DataFrame:
    """Return the customers as if every one had been followed from a month on."""
    older = rows[rows["duration_days"] > start * MONTH_DAYS]
    return older.assign(entry_days=start * MONTH_DAYS)
