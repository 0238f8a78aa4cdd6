"""Tiers today: how many accounts each holds, what they bring, and what the firm itself decided."""

from __future__ import annotations

import pandas as pd

from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.params import EvaluationStandardParams
from kamlib.results import Check, Estimate, none_found, one_row, refusal
from kamlib.value.standard.scorecard import MIN_REFERENCE, PARTS


def today(tiers: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `scorecard.computed_tiers` with a tier on the last evaluation date."""
    now = tiers[(tiers["evaluated_on"] == tiers["evaluated_on"].max()) & tiers["tier"].notna()]
    latest: pd.DataFrame = now.reset_index(drop=True)
    return latest


def pyramid(tiers: pd.DataFrame, params: EvaluationStandardParams) -> Estimate:
    """Accounts of each computed tier on the last evaluation date, and what they bring.

    Returns
    -------
    Estimate
        Frame: one row per tier, best first: `tier`, `n_accounts`, `share_accounts`, `revenue`,
        `share_revenue` (null where the total is not positive), `contribution` (over accounts of
        which it is known). Summary: `n_key`, `share_key` (of revenue). A full count.

    References
    ----------
    Zeithaml, V. A., Rust, R. T. and Lemon, K. N. (2001). The customer pyramid. California Management
    Review 43(4), 118–142. doi:10.2307/41166104
    """
    now = today(tiers)
    if now.empty:
        if params.tier_basis == "contribution" and len(tiers):
            return refusal("pyramid", "tiers.no_contribution")
        return refusal("pyramid", "scorecard.nothing", need=MIN_REFERENCE)
    groups = now.groupby("tier")
    frame = pd.DataFrame(
        {
            "n_accounts": groups.size(), "revenue": groups["revenue"].sum(),
            "contribution": groups["contribution"].sum(min_count=1),
        }
    ).reindex(TIERS)  # fmt: skip
    frame[["n_accounts", "revenue"]] = frame[["n_accounts", "revenue"]].fillna(0)
    total = frame["revenue"].sum()
    frame["share_accounts"] = frame["n_accounts"] / len(now)
    frame["share_revenue"] = frame["revenue"] / total if total > 0 else float("nan")
    frame = frame.rename_axis("tier").reset_index()
    frame["n_accounts"] = frame["n_accounts"].astype(int)
    frame = frame[
        ["tier", "n_accounts", "share_accounts", "revenue", "share_revenue", "contribution"]
    ]
    is_key = frame["tier"].isin(params.key_tiers)
    n_key, share = (
        int(frame.loc[is_key, "n_accounts"].sum()),
        frame.loc[is_key, "share_revenue"].sum(),
    )
    values = {"n": len(now), "n_key": n_key, "share": share if total > 0 else None,
              "share_accounts": n_key / len(now), "day": now["evaluated_on"].iloc[0]}  # fmt: skip
    summary = one_row(len(now), "full count", n_key=n_key, share_key=float(share))
    return Estimate("pyramid", frame, summary, Sentence("tiers.pyramid", values))


def best(tiers: pd.DataFrame, *, length: int) -> pd.DataFrame:
    """Return the accounts of highest standing on the last evaluation date, with their score's parts.

    Returns
    -------
    DataFrame
        `account_id`, `tier`, `score`, `part_<criterion>` (they sum to the score), `weight_known`.
    """
    now = today(tiers).sort_values(
        ["standing", "score", "account_id"], ascending=[False, False, True], ignore_index=True
    )
    return now[["account_id", "tier", "score", *PARTS, "weight_known"]].head(length)


def beside(tiers: pd.DataFrame, decided: pd.DataFrame) -> Estimate:
    """Computed tier beside the tier in force, on the last evaluation date.

    Parameters
    ----------
    tiers
        As `scorecard.computed_tiers` returns it.
    decided
        One row per account: `account_id`, `tier`, as `accounts.tier_in_force` says of that date.

    Returns
    -------
    Estimate
        Frame: one row per pair of `tier_in_force` and computed `tier`: `n_accounts`. Summary:
        `n_agree`, `n_undecided` (listed accounts without a decision). A full count.
    """
    both = _beside(tiers, decided)
    judged = both[both["tier_in_force"].notna()]
    if judged.empty:
        return refusal("tiers_beside", "tiers.no_decisions")
    pairs = pd.MultiIndex.from_product([TIERS, TIERS], names=["tier_in_force", "tier"])
    counts = judged.groupby(["tier_in_force", "tier"]).size().reindex(pairs, fill_value=0)
    frame = counts.to_frame("n_accounts").reset_index()
    n, undecided = len(judged), len(both) - len(judged)
    agree = int((judged["steps"] == 0).sum())
    values = {
        "n": n, "agree": agree, "share": agree / n, "higher": int((judged["steps"] > 0).sum()),
        "lower": int((judged["steps"] < 0).sum()), "day": tiers["evaluated_on"].max(),
    }  # fmt: skip
    check = Check(
        "tiers_decided",
        undecided == 0,
        Sentence("tiers.undecided" if undecided else "tiers.all_decided", {"n": undecided}),
    )
    summary = one_row(n, "full count", n_agree=agree, n_undecided=undecided)
    return Estimate("tiers_beside", frame, summary, Sentence("tiers.beside", values), (check,))


def disagreements(tiers: pd.DataFrame, decided: pd.DataFrame) -> Estimate:
    """Accounts whose computed tier is not the one in force, widest apart first.

    Returns
    -------
    Estimate
        Frame: one row per such account: `account_id`, `tier_in_force`, `tier`, `steps` (tiers
        apart; above zero: the computed one is better), `score`. A full count.
    """
    both = _beside(tiers, decided)
    apart = both[both["steps"].fillna(0) != 0]
    apart = apart.assign(wide=apart["steps"].abs()).sort_values(
        ["wide", "score", "account_id"], ascending=[False, False, True], ignore_index=True
    )
    if apart.empty:
        return none_found("tiers_differ", "tiers.none_differ", n=len(both))
    values = {"n": len(apart), "of": len(both), "far": int((apart["wide"] > 1).sum())}
    frame = apart[["account_id", "tier_in_force", "tier", "steps", "score"]]
    summary = one_row(len(both), "full count")
    return Estimate("tiers_differ", frame, summary, Sentence("tiers.differ", values))


def _beside(tiers: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    now = today(tiers)
    in_force = decided.rename(columns={"tier": "tier_in_force"})
    both = now.merge(in_force, on="account_id", how="left")
    place = {tier: float(i) for i, tier in enumerate(TIERS)}
    return both.assign(steps=both["tier_in_force"].map(place) - both["tier"].map(place))
