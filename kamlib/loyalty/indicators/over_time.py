"""Loyalty quarter by quarter, and what the same accounts did within a year."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kamlib.glossary import Sentence
from kamlib.loyalty.indicators.attitude import ATTITUDE
from kamlib.loyalty.indicators.matrix import CLASSES, CUTS, FEW, classify
from kamlib.loyalty.indicators.measures import INDEX, INDICATORS
from kamlib.results import Check, Estimate, one_row, refusal

SHARES = ("share_true", "share_latent", "share_spurious", "share_low_loyalty")
# change of the mean number of indicators known that makes two indexes hard to compare
_UNEVEN = 0.5


def over_time(
    rows: pd.DataFrame, *, cuts: tuple[float, float] = CUTS, conf_level: float = 0.95
) -> Estimate:
    """Mean indicators, index, attitude and classes at every evaluation date, as known on each.

    Parameters
    ----------
    rows
        As `attitude.with_attitude` returns it, all dates.
    cuts
        As in `matrix.classify`.
    conf_level
        Of the interval of the last year's change, accounts being independent.

    Returns
    -------
    Estimate
        Frame: one row per `evaluated_on` with an index: `n_accounts`, the five indicators, `behaviour`,
        `n_indicators` (mean number known), `n_same` and `behaviour_change` (accounts with an index a
        year before as well, and their mean change: not moved by who came and went), `n_answered`,
        `attitude`, and the shares of the four classes, unknown below twenty classified accounts.
        Check: whether as much is known at the last date as a year before.
    """
    known = rows[rows[INDEX].notna()]
    if known.empty:
        return refusal("loyalty_over_time", "loyalty.no_dates")
    days = sorted(known["evaluated_on"].unique())
    classed = classify(known, cuts)
    frame = pd.DataFrame([_quarter(classed, pd.Timestamp(day)) for day in days])
    last = frame.iloc[-1]
    day = pd.Timestamp(days[-1])
    told = {"n_quarters": len(frame), "first": frame["evaluated_on"].iloc[0], "day": day,
            "was": frame[INDEX].iloc[0], "mean": last[INDEX], "n": int(last["n_accounts"])}  # fmt: skip
    summary = one_row(int(last["n_accounts"]), "full count", conf_level)
    change = _change(known, day)
    if len(change) < 2:
        return Estimate("loyalty_over_time", frame, summary, Sentence("loyalty.quarters", told))
    half = float(ndtri((1 + conf_level) / 2)) * change.std() / np.sqrt(len(change))
    told |= {
        "change": change.mean(), "low": change.mean() - half, "high": change.mean() + half,
        "n_same": len(change), "level": conf_level, "fell": float((change < 0).mean()),
    }  # fmt: skip
    before = frame[frame["evaluated_on"] == _year_before(day)]["n_indicators"].iloc[0]
    even = abs(last["n_indicators"] - before) <= _UNEVEN
    counts = {"before": before, "now": last["n_indicators"], "of": len(INDICATORS)}
    key = "loyalty.known_even" if even else "loyalty.known_uneven"
    check = Check("loyalty_comparable", bool(even), Sentence(key, counts))
    note = Sentence("loyalty.quarters_change", told)
    return Estimate("loyalty_over_time", frame, summary, note, (check,))


def _quarter(known: pd.DataFrame, day: pd.Timestamp) -> dict[str, object]:
    rows = known[known["evaluated_on"] == day]
    change = _change(known, day)
    classes = rows["loyalty_class"].dropna()
    shares = classes.value_counts(normalize=True).reindex(CLASSES, fill_value=0.0)
    if len(classes) < FEW:
        shares = shares * np.nan
    return {
        "evaluated_on": day, "n_accounts": len(rows),
        **{name: rows[name].mean() for name in (*INDICATORS, INDEX, "n_indicators")},
        "n_same": len(change), "behaviour_change": change.mean(),
        "n_answered": int(rows[ATTITUDE].notna().sum()), ATTITUDE: rows[ATTITUDE].mean(),
        **dict(zip(SHARES, shares, strict=True)),
    }  # fmt: skip


def _year_before(day: pd.Timestamp) -> pd.Timestamp:
    return day - pd.DateOffset(years=1) + pd.offsets.MonthEnd(0)


def _change(known: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return the change of the index within the year before a day, of accounts that have both."""
    now, then = (
        known[known["evaluated_on"] == one].set_index("account_id")[INDEX]
        for one in (day, _year_before(day))
    )
    return (now - then).dropna()
