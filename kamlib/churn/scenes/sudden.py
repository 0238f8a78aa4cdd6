"""A large account turns to a competitor: how much is lost so, and whether its orders told before.

The sign is the order level: revenue of the three whole months before the month of the last order (or the
last month in force), as a share of a quarter of the revenue of the twelve months before those. A sign is
one only where it is rarer among accounts that stay, so large accounts that stayed are looked at in the
same calendar months.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.accounts import Ledger
from kamlib.book import Book
from kamlib.churn.clock import day_number, month_number
from kamlib.churn.engine import settled
from kamlib.churn.spells import Spells
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal
from kamlib.stats.proportions import wilson

QUARTER, YEAR = 3, 12
_KNOWN = 0.5  # part of the revenue lost whose reason must be known


def large_accounts(
    book: Book, spells: Spells, ledger: Ledger, *, top_share: float = 0.2, fall: float = 0.3
) -> tuple[ir.Table, ir.Table]:
    """Return large accounts that were lost, and how orders went at those that stayed.

    An account is large in a month if its revenue of the year up to the fourth month before was
    among the highest `top_share` of all that were there then. So a fall before the loss does not
    make it small.

    Parameters
    ----------
    book, spells, ledger
        Of one unit.
    top_share
        Part of the accounts that counts as large.
    fall
        Part by which the order level lies below one where orders count as having fallen.

    Returns
    -------
    tuple of Table
        Lost: one row per large account and loss: `account_id`, `name`, `ended_on`, `silent_since`, `month`
        (of the last order), `reason`, `competitor`, `revenue` and `contribution` of the twelve
        months up to it, `order_level`. Stayed: one row per month: `month`, `n_accounts` (large, and
        there beyond it), `n_fell`. Accounts whose records do not reach back fifteen months are in
        neither.
    """
    rows = ledger.table
    order = ibis.window(group_by="account_id", order_by="month")

    def over(column: Any, first: int, last: int) -> Any:
        between = ibis.window(group_by="account_id", order_by="month", preceding=(first, last))
        return column.sum().over(between)

    rows = rows.mutate(
        place=ibis.row_number().over(order),
        quarter=over(rows.revenue, QUARTER, 1),
        year=over(rows.revenue, QUARTER + YEAR, QUARTER + 1),
        revenue_12m=over(rows.revenue, YEAR - 1, 0),
        contribution_12m=over(rows.contribution, YEAR - 1, 0),
    )
    rows = rows.filter(rows.place >= QUARTER + YEAR, rows.year > 0)
    rows = rows.select(
        "account_id", "month", "year", "revenue_12m", "contribution_12m",
        order_level=rows.quarter * (YEAR / QUARTER) / rows.year,
    )  # fmt: skip
    table = spells.table.select(
        "account_id", "ended_on", "silent_since", "event_type", "reason", "competitor", "entered_on"
    )
    both = rows.join(table, "account_id")
    last = month_number(both.silent_since)
    now = month_number(both.month)
    lost = ((last == now) & (both.event_type == "churn")).fill_null(False)
    # who has gone silent, or was not there yet, is neither lost in the month nor staying
    stays = (last > now).fill_null(True) & (day_number(both.entered_on) <= day_number(both.month))
    both = both.mutate(is_lost=lost, stays=stays)
    both = both.filter(both.is_lost | both.stays)
    by_size = ibis.window(group_by="month", order_by=[ibis.desc("year"), "account_id"])
    both = both.mutate(
        place=ibis.row_number().over(by_size), of=both.count().over(ibis.window(group_by="month"))
    )
    large = settled(book, both.filter(both.place < both.of * top_share), "large_accounts")
    stayed = large.filter(~large.is_lost)
    stayed = stayed.group_by("month").agg(
        n_accounts=stayed.count(),
        n_fell=(stayed.order_level < 1 - fall).ifelse(1, 0).sum(),
    )
    names = book["accounts"].select("account_id", "name")
    gone = large.filter(large.is_lost).left_join(names, "account_id").drop("account_id_right")
    gone = gone.select(
        "account_id", "name", "ended_on", "silent_since", "month", "reason", "competitor",
        "order_level", revenue=gone.revenue_12m, contribution=gone.contribution_12m,
    )  # fmt: skip
    return gone, stayed


def sudden_losses(
    lost: pd.DataFrame, stayed: pd.DataFrame, *, fall: float = 0.3, conf_level: float = 0.95
) -> Estimate:
    """Large accounts that a competitor took: what went with them, and how much notice orders gave.

    Parameters
    ----------
    lost, stayed
        As `large_accounts` gives them.
    fall
        As it was given there.
    conf_level
        Of the interval.

    Returns
    -------
    Estimate
        Frame: one row per account that went to a competitor, largest first: `account_id`, `name`,
        `ended_on`, `silent_since`, `competitor`, `revenue`, `contribution`, `order_level`. Summary:
        `revenue`, `contribution`, `share_lost` (of the revenue of large accounts lost for a known
        reason), `n_fell`, `share_fell` with `share_low`, `share_high` (Wilson), `share_stayed` (of
        large accounts that stayed, in the same calendar months), `level_median`. Refused where no
        reason of a loss is known.

    Notes
    -----
    The share among those that stayed counts each month as often as an account was lost in it. It
    rests on many accounts and is taken as known.
    """
    if lost.empty:
        return none_found("sudden_losses", "scenes.no_large_loss")
    named = lost["reason"].notna()
    if not named.any():
        return refusal("sudden_losses", "scenes.no_reason", n=len(lost))
    taken = lost[lost["reason"] == "competitor"]
    if taken.empty:
        return none_found("sudden_losses", "scenes.no_competitor", n=int(named.sum()))
    fell = taken["order_level"] < 1 - fall
    n, n_fell = len(taken), int(fell.sum())
    low, high = (float(limit) for limit in wilson(n_fell, n, conf_level))
    revenue = float(taken["revenue"].sum())
    contribution = float(taken["contribution"].sum(min_count=1))
    share_lost = revenue / float(lost.loc[named, "revenue"].sum())
    same = taken.merge(stayed, on="month", how="inner")
    same = same[same["n_accounts"] > 0]
    others = float((same["n_fell"] / same["n_accounts"]).mean()) if len(same) else float("nan")
    if np.isnan(others):
        verdict = Sentence("scenes.notice_unknown")
    else:
        verdict = Sentence("scenes.notice" if low > others else "scenes.no_notice", {"n": n})
    values = {
        "n": n, "revenue": revenue, "share_lost": share_lost, "fall": fall, "n_fell": n_fell,
        "share": n_fell / n, "low": low, "high": high, "level": conf_level, "others": others,
        "median": float(taken["order_level"].median()), "verdict": verdict,
    }  # fmt: skip
    summary = one_row(
        n, "Wilson", conf_level, revenue=revenue, contribution=contribution, share_lost=share_lost,
        n_fell=n_fell, share_fell=n_fell / n, share_low=low, share_high=high, share_stayed=others,
        level_median=values["median"],
    )  # fmt: skip
    whole = float(lost["revenue"].sum())
    known = float(lost.loc[named, "revenue"].sum()) / whole if whole > 0 else float("nan")
    said = {"share": known, "n": int((~named).sum()), "of": len(lost)}
    enough = bool(np.greater_equal(known, _KNOWN))
    key = "scenes.reasons_known" if enough else "scenes.reasons_unknown"
    check = Check("losses_explained", enough, Sentence(key, said))
    frame = taken.sort_values(["revenue", "account_id"], ascending=[False, True], kind="stable")
    frame = frame[list(_LISTED)].reset_index(drop=True)
    return Estimate("sudden_losses", frame, summary, Sentence("scenes.sudden", values), (check,))


_LISTED = (
    "account_id", "name", "ended_on", "silent_since", "competitor", "revenue", "contribution",
    "order_level",
)  # fmt: skip
