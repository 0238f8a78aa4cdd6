"""Who bought lately, often and much: scores that say whom to call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal

FIFTHS = 5
SILENT_GAPS = 3


def rfm(facts: pd.DataFrame) -> Estimate:
    """Scores 1 to 5 for days since the last order, orders and revenue of the window.

    Parameters
    ----------
    facts
        One row per account: `account_id`, `name`, `manager_id`, `days_since_last`, `n_orders`,
        `revenue`. Accounts without an order in the window are left out.

    Returns
    -------
    Estimate
        Frame: one row per account: those columns and `recency_score` (5 = bought last),
        `frequency_score` (5 = most orders), `monetary_score` (5 = most revenue), `rfm` (the three
        as one number). Equal values get equal scores: score = ⌈5 × mean rank ÷ n⌉.
        A full count: no sampling error.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing. Probus.
    """
    active = facts[(facts["n_orders"] > 0) & facts["days_since_last"].notna()]
    if len(active) < FIFTHS:
        return refusal("rfm", "rfm.too_few", n=len(active), need=FIFTHS)
    frame = active[["account_id", "name", "manager_id", "days_since_last", "n_orders", "revenue"]]
    frame = frame.assign(
        recency_score=_fifth(-frame["days_since_last"]),
        frequency_score=_fifth(frame["n_orders"]),
        monetary_score=_fifth(frame["revenue"]),
    )
    frame["rfm"] = (
        frame["recency_score"] * 100 + frame["frequency_score"] * 10 + frame["monetary_score"]
    )
    frame = frame.sort_values(["rfm", "revenue"], ascending=False, kind="stable")
    best = (frame["recency_score"] >= 4) & (frame["frequency_score"] >= 4)
    total = float(frame["revenue"].sum())
    values = {"n": len(frame), "n_best": int(best.sum()),
              "share": float(frame.loc[best, "revenue"].sum()) / total if total > 0 else None}  # fmt: skip
    spread = frame[["days_since_last", "n_orders", "revenue"]].nunique().min()
    told = Check(
        "scores_tell_apart",
        bool(spread >= FIFTHS),
        Sentence("rfm.spread" if spread >= FIFTHS else "rfm.no_spread", {"n": int(spread)}),
    )
    note = Sentence("rfm.note", values)
    return Estimate(
        "rfm", frame.reset_index(drop=True), one_row(len(frame), "full count"), note, (told,)
    )


def _fifth(values: pd.Series) -> pd.Series:
    rank = values.astype(float).rank(method="average")
    score = np.ceil(FIFTHS * rank.to_numpy() / len(values)).clip(1, FIFTHS)
    return pd.Series(score.astype(np.int64), index=values.index)


def rfm_grid(scores: Estimate) -> pd.DataFrame:
    """Return revenue and accounts for each pair of recency and frequency scores.

    Returns
    -------
    DataFrame
        One row per pair, 25 in all: `recency_score`, `frequency_score`, `n_accounts`, `revenue`;
        empty where the scores were refused.
    """
    columns = ["recency_score", "frequency_score"]
    if scores.refused:
        return pd.DataFrame(columns=[*columns, "n_accounts", "revenue"])
    grid = scores.frame.groupby(columns).agg(
        n_accounts=("revenue", "size"), revenue=("revenue", "sum")
    )
    every = pd.MultiIndex.from_product([range(1, FIFTHS + 1)] * 2, names=columns)
    grid = grid.reindex(every, fill_value=0)
    return grid.reset_index().astype({"revenue": float})


def silent_large(scores: Estimate, *, n_days: int, length: int) -> Estimate:
    """Accounts of the top fifth by revenue that are silent against their own rhythm.

    Parameters
    ----------
    scores
        What `rfm` returned.
    n_days
        Days of the window that the orders were counted in.
    length
        Accounts listed at the most.

    Returns
    -------
    Estimate
        Frame: one row per account, largest revenue first: `account_id`, `name`, `manager_id`,
        `days_since_last`, `usual_gap_days` (days of the window ÷ orders), `n_orders`, `revenue`.
        An account is listed when it has been silent for more than three usual gaps and has at
        least three orders; where orders come at random, one account in twenty is by chance.
    """
    if scores.refused:
        return refusal("silent_large", "rfm.too_few", n=int(scores["n_obs"]), need=FIFTHS)
    frame = scores.frame.assign(usual_gap_days=n_days / scores.frame["n_orders"])
    silent = frame["days_since_last"] > SILENT_GAPS * frame["usual_gap_days"]
    chosen = frame[(frame["monetary_score"] == FIFTHS) & (frame["n_orders"] >= 3) & silent]
    if chosen.empty:
        return none_found("silent_large", "rfm.none_silent", times=SILENT_GAPS)
    chosen = chosen.sort_values("revenue", ascending=False, kind="stable")
    columns = ["account_id", "name", "manager_id", "days_since_last", "usual_gap_days", "n_orders",
               "revenue"]  # fmt: skip
    values = {"n": len(chosen), "revenue": float(chosen["revenue"].sum()), "times": SILENT_GAPS}
    listed = chosen[columns].head(length).reset_index(drop=True)
    note = Sentence("rfm.silent", values)
    return Estimate("silent_large", listed, one_row(len(chosen), "full count"), note)
