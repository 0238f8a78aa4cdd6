"""What must hold of account-months, whoever made them, before a model may read them.

Rows of a spell follow one another without a gap; a spell ends once, on its last row; no row lies after
`as_of`; and nothing in a row came to be known on or after the first day of its month. That a book cut
at an earlier day gives the same rows is the sharpest test that nothing looks ahead.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.errors import FitError

_KEY = ["account_id", "spell_no", "month"]
_TIMES = ("ends_on", "duration_days", "event", "event_type")
ENDS = ("churn", "insolvent", "merged", "ended_by_us")


def check_episodes(table: ir.Table, as_of: date) -> None:
    """Raise unless rows can be account-months at risk.

    Parameters
    ----------
    table
        One row per account, spell and month, with the columns that come first in what
        `episodes.episodes` returns: the key, `ends_on`, `entry_days`, `duration_days`, `event`,
        `event_type`, `known_on`.
    as_of
        Last day that was known.

    Raises
    ------
    FitError
        Every rule that is broken, with the number of rows and the first of them.
    """
    order = ibis.window(group_by=["account_id", "spell_no"], order_by="month")
    following = table.month.lead().over(order)
    before = table.duration_days.lag().over(order)
    rows = table.mutate(
        twice=(following == table.month).fill_null(False),
        is_empty=(table.duration_days <= table.entry_days).fill_null(True),
        has_gap=(table.entry_days != before).fill_null(False),
        goes_on=table.event_type.notnull() & following.notnull(),
        no_end=table.event_type.notin(list(ENDS)).fill_null(False),
        odd_event=(table.event != (table.event_type == "churn").fill_null(False).ifelse(1, 0)),
        is_later=table.ends_on > ibis.date(as_of),
        is_outside=(table.ends_on < table.month)
        | (table.ends_on >= (table.month + ibis.interval(months=1)).cast("date")),
        looks_ahead=(table.known_on >= table.month).fill_null(False),
    )
    first = rows.month.cast("string") + " " + rows.account_id
    counts: dict[str, Any] = {}
    for rule in _RULES:
        counts[rule] = rows[rule].ifelse(1, 0).sum().fill_null(0)
        counts[f"first_{rule}"] = first.min(where=rows[rule])
    found = rows.aggregate(**counts).execute().iloc[0]
    faults = [
        f"episodes: {int(found[rule]):,} rows {text.format(as_of=as_of)} "
        f"(first: {_place(found[f'first_{rule}'])})"
        for rule, text in _RULES.items()
        if found[rule]
    ]
    if faults:
        raise FitError(*faults)


_RULES = {
    "twice": "stand twice: one row per account, spell and month is allowed",
    "is_empty": "end no later than they begin; duration_days must lie above entry_days",
    "has_gap": "do not begin where the row before of their spell ended",
    "goes_on": "end their spell, and rows of it follow; only the last row may carry an event_type",
    "no_end": f"have an event_type that is none of {', '.join(ENDS)}",
    "odd_event": "contradict themselves: event must be 1 where event_type is churn, else 0",
    "is_later": "end after {as_of}, the last day that was known",
    "is_outside": "end outside their month",
    "looks_ahead": "hold what was not known before the first day of their month",
}


def check_truncation(earlier: pd.DataFrame, later: pd.DataFrame, as_of: date) -> None:
    """Raise unless the records, cut at an earlier day, give the same account-months up to it.

    Rows that end by `as_of` must be equal in every column, numbers to 1e-9 of their size (and
    0.000001). A month that the earlier cut saw in part must be there with the same covariates, and
    without an end.

    Parameters
    ----------
    earlier, later
        Account-months as `engine.collect` returns them, of the same unit and definition, the
        first from a book as of `as_of`, the second from one as of a later day.
    as_of
        The earlier day.

    Raises
    ------
    FitError
        What differs: rows, or columns with the number of rows and the first of them.
    """
    day = pd.Timestamp(as_of)
    whole = later[later["ends_on"] <= day].set_index(_KEY)
    cut = later[(later["ends_on"] > day) & (later["month"] <= day)].set_index(_KEY)
    mine = earlier.set_index(_KEY)
    faults = []
    # a row that begins after the day is not at risk yet, though its month has begun
    begun = cut[
        cut["ends_on"] - pd.to_timedelta(cut["duration_days"] - cut["entry_days"], "D") < day
    ]
    for name, rows in (("missing", whole.index.union(begun.index).difference(mine.index)),
                       ("not there any more", mine.index.difference(later.set_index(_KEY).index))):  # fmt: skip
        if len(rows):
            faults.append(f"episodes as of {as_of}: {len(rows):,} rows are {name} "
                          f"(first: {_row(rows[0])})")  # fmt: skip
    faults += _differences(mine, whole, list(whole.columns), as_of)
    same = [c for c in cut.columns if c not in _TIMES]
    faults += _differences(mine, cut, same, as_of)
    open_ = mine.loc[mine.index.intersection(cut.index)]
    if open_["event_type"].notna().any() or (open_["ends_on"] != day).any():
        faults.append(f"episodes as of {as_of}: a month that was not over has an end")
    if faults:
        raise FitError(*faults)


def _differences(
    mine: pd.DataFrame, theirs: pd.DataFrame, columns: list[str], as_of: date
) -> list[str]:
    both = mine.index.intersection(theirs.index)
    one, other = mine.loc[both], theirs.loc[both]
    faults = []
    for column in columns:
        a, b = one[column], other[column]
        if a.dtype.kind == "f" or b.dtype.kind == "f":
            same = np.isclose(
                a.astype(float), b.astype(float), rtol=1e-9, atol=1e-6, equal_nan=True
            )
        else:
            same = ((a == b) | (a.isna() & b.isna())).to_numpy()
        if not same.all():
            n, at = int((~same).sum()), int(np.argmin(same))
            faults.append(
                f"episodes as of {as_of}: {column} differs in {n:,} rows (first: {_row(both[at])}: "
                f"{a.iloc[at]} then, {b.iloc[at]} later)"
            )
    return faults


def _place(first: Any) -> str:
    month, _, account = str(first).partition(" ")
    return f"account {account}, {month[:7]}"


def _row(key: Any) -> str:
    account, spell, month = key
    return f"account {account}, spell {spell}, {pd.Timestamp(month):%Y-%m}"
