"""Behavioural loyalty of a unit's accounts on one day: what is known, how they stand, and by tier."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.loyalty.indicators.measures import BRING, EVERY, INDEX, INDICATORS, MEASURES, Scored
from kamlib.loyalty.indicators.scales import MIN_REFERENCE
from kamlib.results import Check, Estimate, one_row, refusal

ALL = "all accounts"


def behaviour(scored: Scored, day: pd.Timestamp) -> Estimate:
    """Behavioural loyalty of the accounts of one day: the five indicators and their index.

    Parameters
    ----------
    scored
        As `score` returns it.
    day
        Evaluation date.

    Returns
    -------
    Estimate
        Frame: one row per `indicator`, the index last: `n_accounts` (of which it is known),
        `n_unknown`, `score_mean`, `score_low` and `score_high` (between which the middle half of the
        accounts lies), `spread_share` (what the indicator makes of the differences between indexes;
        sums to 1). Summary: `n_unknown` (accounts without an index). Check: whether anything is
        missing for everybody, and which tables would bring it. A full count: no sampling error.
    """
    rows = scored.rows[scored.rows["evaluated_on"] == day]
    whole = rows[rows[INDEX].notna()]
    absent = [name for name in EVERY if rows[name].isna().all()]
    bring = ", ".join(dict.fromkeys(BRING[name] for name in absent))
    if rows.empty:
        return refusal("behaviour", "loyalty.nobody", day=day)
    if not scored.scales.reference:
        return refusal("behaviour", "loyalty.too_small", n=len(rows), need=MIN_REFERENCE)
    if whole.empty:
        n_known = int(rows[list(INDICATORS)].notna().any().sum())
        values = {"n": len(rows), "known": n_known, "need": scored.min_known, "tables": bring}
        return refusal("behaviour", "loyalty.no_index", **values)
    frame = pd.DataFrame([_row(name, rows, whole) for name in (*INDICATORS, INDEX)])
    last = frame.iloc[-1]
    told = {
        "day": day, "n": len(whole), "mean": last["score_mean"], "low": last["score_low"],
        "high": last["score_high"], "without": len(rows) - len(whole), "need": scored.min_known,
    }  # fmt: skip
    missing = Sentence("loyalty.some_absent", {"n": len(absent), "of": len(EVERY), "tables": bring})
    given = Sentence("loyalty.none_absent", {"n": len(EVERY)})
    check = Check("loyalty_measures", not absent, missing if absent else given)
    summary = one_row(len(whole), "full count", n_unknown=len(rows) - len(whole))
    return Estimate("behaviour", frame, summary, Sentence("loyalty.behaviour", told), (check,))


def _row(name: str, rows: pd.DataFrame, whole: pd.DataFrame) -> dict[str, object]:
    known = rows[name].dropna()
    low, high = np.quantile(known, [0.25, 0.75]) if len(known) else (np.nan, np.nan)
    spread = np.nan
    if name != INDEX and whole[INDEX].var(ddof=0) > 1e-9:
        part = (whole[name] / whole["n_indicators"]).fillna(0.0)
        spread = part.cov(whole[INDEX], ddof=0) / whole[INDEX].var(ddof=0)
    return {
        "indicator": name, "n_accounts": len(known), "n_unknown": len(rows) - len(known),
        "score_mean": known.mean(), "score_low": low, "score_high": high, "spread_share": spread,
    }  # fmt: skip


def measured(scored: Scored, day: pd.Timestamp) -> Estimate:
    """What the indicators rest on: the mean of each measure, of how many accounts, and since when.

    Parameters
    ----------
    scored, day
        As `behaviour` takes them.

    Returns
    -------
    Estimate
        Frame: one row per measure (`term`): `indicator`, `n_accounts`, `n_unknown`, `estimate` (mean
        of the accounts of which it is known), `reference_on` (date whose accounts the scale is made
        of), `n_reference` (how many), `brought_by` (table). A full count.
    """
    rows = scored.rows[scored.rows["evaluated_on"] == day]
    if rows.empty:
        return refusal("loyalty_measures", "loyalty.nobody", day=day)
    frame = pd.DataFrame(
        {
            "term": name, "indicator": indicator, "n_accounts": int(rows[name].notna().sum()),
            "n_unknown": int(rows[name].isna().sum()), "estimate": rows[name].mean(),
            "reference_on": scored.scales.reference_on.get(name, pd.NaT),
            "n_reference": len(scored.scales.reference.get(name, ())),
            "brought_by": BRING[name],
        }
        for indicator, names in MEASURES.items()
        for name in names
    )  # fmt: skip
    days = frame["reference_on"].dropna()
    told = {"n": len(days), "of": len(frame), "accounts": len(rows),
            "first": days.min(), "last": days.max()}  # fmt: skip
    summary = one_row(len(rows), "full count")
    return Estimate("loyalty_measures", frame, summary, Sentence("loyalty.measured", told))


def by_tier(scored: Scored, day: pd.Timestamp) -> Estimate:
    """Mean indicators and index of the accounts of each tier in force.

    Parameters
    ----------
    scored, day
        As `behaviour` takes them.

    Returns
    -------
    Estimate
        Frame: one row per `group` (tiers, best first, and all accounts): `n_accounts` (with an index),
        the five indicators and `behaviour`, means over the accounts of which they are known. A full
        count.
    """
    rows = scored.rows
    rows = rows[(rows["evaluated_on"] == day) & rows[INDEX].notna()]
    if rows.empty:
        return refusal("behaviour_by_tier", "loyalty.nobody", day=day)
    frame = pd.DataFrame(
        {"group": name, "n_accounts": len(part)} | part[[*INDICATORS, INDEX]].mean().to_dict()
        for name, part in tier_parts(rows).items()
    )
    tiers = frame[frame["group"] != ALL]
    summary = one_row(len(rows), "full count")
    if tiers.empty:
        note = Sentence("loyalty.no_tiers", {"n": len(rows), "mean": frame[INDEX].iloc[-1]})
        return Estimate("behaviour_by_tier", frame, summary, note)
    top, bottom = (tiers.loc[pick] for pick in (tiers[INDEX].idxmax(), tiers[INDEX].idxmin()))
    told = {
        "top": top["group"], "high": top[INDEX], "n_top": top["n_accounts"],
        "bottom": bottom["group"], "low": bottom[INDEX], "n_bottom": bottom["n_accounts"],
    }  # fmt: skip
    return Estimate("behaviour_by_tier", frame, summary, Sentence("loyalty.by_tier", told))


def headline(found: Estimate) -> dict[str, tuple[float, Sentence | None]]:
    """Return the key figure for the top of the report: the mean index."""
    if found.refused:
        return {}
    return {INDEX: (float(found.frame["score_mean"].iloc[-1]), None)}


def tier_parts(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each tier in force that has any, best first, and all rows."""
    parts = {tier: rows[rows["tier_in_force"] == tier] for tier in TIERS}
    return {tier: part for tier, part in parts.items() if len(part)} | {ALL: rows}
