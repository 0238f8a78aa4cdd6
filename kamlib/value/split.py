"""All of it split by who the accounts are."""

from __future__ import annotations

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal

DIMENSIONS = ("role", "segment", "region")


def split(facts: pd.DataFrame, by: str) -> Estimate:
    """Revenue and contribution of the window by role, segment or region.

    Parameters
    ----------
    facts
        One row per account: `role`, `segment`, `region`, `revenue`, `revenue_before`, `margin`,
        `contribution`.
    by
        One of these three attributes; accounts where it is unknown form a group of their own.

    Returns
    -------
    Estimate
        Frame: one row per group, largest revenue first: `group` (null: unknown), `n_accounts`
        (with revenue), `revenue`, `share_revenue` (null where the unit's revenue is not positive),
        `change_share` (against the year before), `margin_rate` (margin ÷ revenue of the accounts
        whose margin is known), `contribution`. A full count: no sampling error.
    """
    if by not in DIMENSIONS:
        raise ValueError(f"by must be one of {DIMENSIONS}, found {by!r}")
    active = facts[(facts["revenue"] != 0) | facts["revenue_before"].fillna(0).ne(0)]
    if active.empty or active[by].isna().all():
        return refusal(f"split_{by}", f"split.no_{by}")
    costed = active["margin"].notna()
    table = active.assign(
        active=active["revenue"] != 0, costed_revenue=active["revenue"].where(costed)
    )
    sums = table.groupby(by, dropna=False, sort=True).agg(
        n_accounts=("active", "sum"),
        revenue=("revenue", "sum"),
        revenue_before=("revenue_before", lambda s: s.sum(min_count=1)),
        margin=("margin", lambda s: s.sum(min_count=1)),
        costed_revenue=("costed_revenue", lambda s: s.sum(min_count=1)),
        contribution=("contribution", lambda s: s.sum(min_count=1)),
    )
    total = float(sums["revenue"].sum())
    sums["share_revenue"] = sums["revenue"] / total if total > 0 else float("nan")
    base = sums["revenue_before"].where(sums["revenue_before"] > 0)
    sums["change_share"] = (sums["revenue"] - base) / base
    costed_base = sums["costed_revenue"].where(sums["costed_revenue"] > 0)
    sums["margin_rate"] = sums["margin"] / costed_base
    frame = sums.reset_index().rename(columns={by: "group"})
    if by == "role":
        frame["group"] = frame["group"].str.replace("_", " ")
    frame = frame.sort_values("revenue", ascending=False, kind="stable").reset_index(drop=True)
    frame = frame[["group", "n_accounts", "revenue", "share_revenue", "change_share",
                   "margin_rate", "contribution"]]  # fmt: skip
    first = frame[frame["group"].notna()].iloc[0]
    unknown = float(frame.loc[frame["group"].isna(), "share_revenue"].sum())
    key = "split.unknown" if unknown else "split.known"
    check = Check(f"{by}_known", unknown == 0, Sentence(key, {"share": unknown, "by": by}))
    values = {"group": first["group"], "share": first["share_revenue"], "n": len(frame)}
    note = Sentence(f"split.{by}", values)
    return Estimate(f"split_{by}", frame, one_row(len(active), "full count"), note, (check,))
