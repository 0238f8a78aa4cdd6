"""On whom the unit depends: its largest accounts, and the managers who hold them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal


def herfindahl(facts: pd.DataFrame, by: str = "account_id") -> Estimate:
    """Herfindahl index of revenue over accounts or account managers.

    Parameters
    ----------
    facts
        One row per account: `account_id`, `manager_id`, `revenue`. Rows with revenue of zero or
        less are left out; accounts without a manager are left out of the index over managers, and
        a check says what they hold.
    by
        "account_id" or "manager_id".

    Returns
    -------
    Estimate
        Frame: one row per holder, largest first: `account_id` with its `name`, or `manager_id`
        with `n_accounts`; `revenue`, `share_revenue`. Summary: `herfindahl` = Σ share², between 1/n and 1,
        `effective_number` = 1 ÷ herfindahl, `loo_low` and `loo_high`: the index without any one
        holder. A full count: no sampling error, and none is claimed, since the index of very
        unequal holders has no interval that keeps its level.

    References
    ----------
    Hirschman, A. O. (1964). The paternity of an index. American Economic Review 54, 761–762.

    Examples
    --------
    >>> firms = pd.DataFrame({"account_id": list("abcd"), "revenue": [30.0, 30.0, 20.0, 20.0]})
    >>> float(herfindahl(firms)["herfindahl"])
    0.26
    """
    positive = facts[facts["revenue"] > 0]
    held = positive[positive[by].notna()]
    if held.empty:
        key = "herfindahl.no_revenue" if positive.empty else f"herfindahl.no_{by}"
        return refusal(f"herfindahl_{by}", key)
    named = {"name": ("name", "first")} if by == "account_id" and "name" in held else {}
    grouped = held.groupby(by, sort=True).agg(
        **named, n_accounts=("revenue", "size"), revenue=("revenue", "sum")
    )
    grouped = grouped.sort_values("revenue", ascending=False, kind="stable").reset_index()
    share = grouped["revenue"].to_numpy() / grouped["revenue"].sum()
    frame = grouped.assign(share_revenue=share)
    if by == "account_id":
        frame = frame.drop(columns="n_accounts")
    index = float(np.sum(share**2))
    without = _without_each(share)
    summary = one_row(
        len(frame), "full count", herfindahl=index, effective_number=1 / index,
        loo_low=float(np.min(without)), loo_high=float(np.max(without)),
    )  # fmt: skip
    values = {
        "index": index, "effective": 1 / index, "n": len(frame), "largest": float(share[0]),
        "low": float(np.min(without)), "high": float(np.max(without)),
    }  # fmt: skip
    checks = []
    if by == "manager_id":
        loose = float(
            positive.loc[positive[by].isna(), "revenue"].sum() / positive["revenue"].sum()
        )
        key = "herfindahl.unassigned" if loose else "herfindahl.assigned"
        checks.append(Check("managers_known", loose == 0, Sentence(key, {"share": loose})))
    note = Sentence(f"herfindahl.{by}", values)
    return Estimate(f"herfindahl_{by}", frame, summary, note, tuple(checks))


def _without_each(share: np.ndarray) -> np.ndarray:
    """Index over the other holders, leaving out each in turn; NaN where there is no other."""
    rest = 1 - share
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(rest > 1e-12, (np.sum(share**2) - share**2) / rest**2, np.nan)
