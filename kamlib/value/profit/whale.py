"""Which accounts make the contribution, and which consume it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal


def whale_curve(facts: pd.DataFrame) -> Estimate:
    """Cumulative contribution over accounts, most profitable first.

    Parameters
    ----------
    facts
        One row per account with `account_id`, `name`, `revenue`, `contribution`; accounts whose
        contribution is unknown are left out, and a check counts them.

    Returns
    -------
    Estimate
        Frame: one row per account: `place` (1 = highest contribution), `account_id`, `name`,
        `revenue`, `contribution`, `cumulative`. Summary: `peak` (highest cumulative
        contribution), `n_peak` (accounts that make it), `total`, `lost` = peak − total,
        `n_loss` (accounts below zero). A full count: no sampling error.

    References
    ----------
    Kaplan, R. S. and Narayanan, V. G. (2001). Measuring and managing customer profitability.
    Journal of Cost Management 15(5), 5–15.

    Examples
    --------
    >>> table = pd.DataFrame({"account_id": list("abc"), "name": list("abc"),
    ...                       "revenue": [9.0, 9.0, 9.0], "contribution": [5.0, -2.0, 3.0]})
    >>> curve = whale_curve(table)
    >>> [float(curve[figure]) for figure in ("peak", "n_peak", "lost")]
    [8.0, 2.0, 2.0]
    """
    known = facts[facts["contribution"].notna()]
    active = known[(known["revenue"] != 0) | (known["contribution"] != 0)]
    if active.empty:
        return refusal("whale_curve", "whale.unknown")
    ordered = active.sort_values(["contribution", "account_id"], ascending=[False, True])
    cumulative = ordered["contribution"].cumsum().to_numpy()
    frame = ordered[["account_id", "name", "revenue", "contribution"]].reset_index(drop=True)
    frame.insert(0, "place", np.arange(1, len(frame) + 1))
    frame["cumulative"] = cumulative
    # accounts at exactly zero neither make the peak nor consume it
    n_peak = int((frame["contribution"] > 0).sum())
    peak = float(cumulative[n_peak - 1]) if n_peak else 0.0
    total = float(cumulative[-1])
    n_loss = int((frame["contribution"] < 0).sum())
    summary = one_row(
        len(frame), "full count", peak=peak, n_peak=n_peak, total=total, lost=peak - total,
        n_loss=n_loss,
    )  # fmt: skip
    values = {"peak": peak, "n_peak": n_peak, "n": len(frame), "total": total,
              "lost": peak - total, "n_loss": n_loss}  # fmt: skip
    key = "whale.note" if n_loss else "whale.no_losses"
    left_out = int(
        facts["contribution"].isna().sum()
        - (facts["revenue"].eq(0) & facts["contribution"].isna()).sum()
    )
    known_note = "whale.left_out" if left_out else "whale.all_known"
    check = Check("contribution_known", left_out == 0, Sentence(known_note, {"n": left_out}))
    return Estimate("whale_curve", frame, summary, Sentence(key, values), (check,))


def loss_makers(curve: Estimate, *, length: int) -> pd.DataFrame:
    """Return the accounts of a whale curve below zero, largest loss first.

    Returns
    -------
    DataFrame
        One row per account, `length` at the most: `account_id`, `name`, `revenue`,
        `contribution`; empty where the curve was refused.
    """
    columns = ["account_id", "name", "revenue", "contribution"]
    if curve.refused:
        return pd.DataFrame(columns=columns)
    losses = curve.frame[curve.frame["contribution"] < 0]
    return losses.iloc[::-1][columns].head(length).reset_index(drop=True)
