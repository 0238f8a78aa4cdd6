"""How many contracts are renewed, renewal by renewal."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from kamlib.book import Book
from kamlib.glossary import Sentence
from kamlib.results import Estimate, none_found, one_row, refusal
from kamlib.stats.kaplan_meier import kaplan_meier
from kamlib.stats.proportions import wilson
from kamlib.value.lifetime.contract_facts import CLASSES, Terms, contract_terms

MIN_DECIDED = 10  # contracts whose renewal was decided, below which no share is stated
LAST = 12  # this renewal and those after it are taken together


def retention(book: Book, day: date, *, conf_level: float) -> Estimate:
    """Return `retention_by_renewal` of a unit's contracts as known on a day; without any, say so."""
    if not book.has("contracts"):
        return none_found("retention_by_renewal", "retention.no_contracts")
    grace_days = book.unit.churn_survival.renewal_grace_days
    return retention_by_renewal(
        contract_terms(book, day, grace_days=grace_days), conf_level=conf_level
    )


def retention_by_renewal(terms: Terms, *, conf_level: float) -> Estimate:
    """Share of contracts renewed at the first, the second, … renewal, for each class of terms.

    The share of contracts that began a term and went on into the next one. A contract that ended
    within its term was not renewed; one that was in the middle of a term when the records began, or is
    now, counts for the part that was seen (Kaplan–Meier within the term, with delayed entry).

    Parameters
    ----------
    terms
        `contract_facts.contract_terms`.
    conf_level
        Level of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per `term_class` and `renewal` (12: the twelfth and later) that at least 10
        contracts came to: `n_risk` (renewed or lost), `n_event` (lost), `term` ("share_renewed"),
        `estimate`, `conf_low`, `conf_high` (log–log; Wilson's where all or none were renewed),
        `conf_level`. Summary:
        `n_obs` contracts, `n_event` lost, `share_early` (of those lost, the share that ended before
        their term did).

    References
    ----------
    Fader, P. and Hardie, B. (2007). How to project customer retention. Journal of Interactive
    Marketing 21, 76–90. doi:10.1002/dir.20074 (retention rates rise since the fickle leave first)
    """
    seen = _seen(terms)
    rows = []
    for (name, renewal), group in seen.groupby(["term_class", "renewal"], sort=False):
        decided = int((group["event"] | (group["leaves"] >= 1)).sum())
        if decided < MIN_DECIDED or group["enters"].min() > 0:
            continue
        curve = kaplan_meier(
            group["leaves"], group["event"], entry=group["enters"], conf_level=conf_level
        ).iloc[-1]
        n_lost, share = int(group["event"].sum()), float(curve["estimate"])
        low, high = float(curve["conf_low"]), float(curve["conf_high"])
        if not 0 < share < 1:
            low, high = (float(limit) for limit in wilson(decided - n_lost, decided, conf_level))
        rows.append(
            {"term_class": name, "renewal": renewal, "n_risk": decided, "n_event": n_lost,
             "term": "share_renewed", "estimate": share, "conf_low": low, "conf_high": high, "conf_level": conf_level}
        )  # fmt: skip
    n_lost = int(seen["event"].sum())
    if not rows:
        values = {"n": int((seen["event"] | (seen["leaves"] >= 1)).sum()), "need": MIN_DECIDED}
        return refusal("retention_by_renewal", "retention.too_few", **values)
    frame = pd.DataFrame(rows)
    frame["place"] = frame["term_class"].map({name: i for i, name in enumerate(CLASSES)})
    frame = frame.sort_values(["place", "renewal"], ignore_index=True).drop(columns="place")
    early = float((seen["event"] & (seen["leaves"] < 1)).sum()) / n_lost if n_lost else np.nan
    n = int(seen["contract_id"].nunique())
    summary = one_row(n, "Kaplan–Meier", conf_level, n_event=n_lost, share_early=early)
    largest = frame.groupby("term_class")["n_risk"].sum().idxmax()
    own = frame[frame["term_class"] == largest]
    first, last = own.iloc[0], own.iloc[-1]
    told: dict[str, Any] = {
        "kind": largest, "n": int(first["n_risk"]), "renewal": int(first["renewal"]),
        "share": float(first["estimate"]), "low": float(first["conf_low"]),
        "high": float(first["conf_high"]), "level": conf_level, "last": int(last["renewal"]),
        "then": float(last["estimate"]), "n_lost": n_lost, "early": early,
    }  # fmt: skip
    return Estimate("retention_by_renewal", frame, summary, Sentence("retention.note", told))


def _seen(terms: Terms) -> pd.DataFrame:
    """Return what was seen of each term, as shares of it: `enters`, `leaves`, `event`, `renewal`."""
    opens, closes = pd.Timestamp(terms.opens), pd.Timestamp(terms.closes)
    rows = terms.frame
    length = (rows["ends_on"] - rows["starts_on"]).dt.days.to_numpy() + 1.0
    stop = rows["stopped_on"].where(rows["stopped_on"] <= closes, closes)
    over = (rows["stopped_on"] <= closes).to_numpy()
    went_on = over & rows["outcome"].isin(("renewed", "switched")).to_numpy()
    lost = over & (rows["outcome"] == "lost").to_numpy()
    lived = ((stop - rows["starts_on"]).dt.days.to_numpy() + 1.0) / length
    enters = (opens - rows["starts_on"]).dt.days.to_numpy() / length
    at_end = lost & (rows["stopped_on"] >= rows["ends_on"]).to_numpy()
    seen = rows[["contract_id", "term_class"]].assign(
        renewal=np.minimum(rows["renewals"].to_numpy() + 1, LAST).astype(np.int64),
        enters=np.maximum(enters, 0.0),
        leaves=np.where(went_on | at_end, 1.0, np.minimum(lived, 1 - 1e-6)),
        event=lost,
    )
    return seen[seen["leaves"] > seen["enters"]]
