"""The stack: what every source says of an account, added up by month and carried forward.

A source gives entries: account, the first month in whose row the entry counts, and what it adds. An
entry that came to be known within a month counts from the next month on, so that a row holds nothing
that was not known before its first day; what counts for some months is taken away again after them, or
added up over that many months. Entries of all sources and the months asked for lie on one pile, which is
added up by account and month, and one window carries it forward. So there is no join on ranges of dates,
and no row is doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.churn.clock import month_number

MONTH, KNOWN = "month_no", "known_day"
# what a measure of `Source.within` counts too much: the ending of its column
LESS = "_less"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Entries of one subject and the covariates that follow from them.

    Attributes
    ----------
    rows
        Entries: `account_id`, `month_no` (first month in whose row they count), `known_day` (day on
        which all that is in the entry was known; null where it only takes something away), and one
        column per measure.
    sums, lasts, firsts, now
        Measures that are added up over all months so far; of which the largest or the smallest so
        far counts; and that count in their own month alone, the largest.
    within
        Measures that are added up over so many months, that of the row included. What a column of
        the same name and the ending `LESS` adds up to over all months so far is taken off.
    covariates
        From rows with these measures and `start_day` (first day of the month) to covariates by
        name.
    """

    rows: ir.Table
    covariates: Callable[[ir.Table], Mapping[str, Any]]
    sums: tuple[str, ...] = ()
    lasts: tuple[str, ...] = ()
    firsts: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    within: Mapping[str, int] = field(default_factory=dict)


def entries(rows: ir.Table, month: Any, known: Any, **measures: Any) -> ir.Table:
    """Return entries that count from `month` on; `known` is null where they take something away."""
    return rows.select("account_id", **{MONTH: month, KNOWN: known}, **measures)


def during(rows: ir.Table, first: Any, after: Any, known: Any, **measures: Any) -> ir.Table:
    """Return entries that count from month `first` on and no longer from month `after` on.

    Where `after` is null they count for good; where it does not lie after `first`, never.
    """
    rows = rows.mutate(first_month=first, after_month=after, since=known, **measures)
    rows = rows.filter(rows.after_month.isnull() | (rows.after_month > rows.first_month))
    names = list(measures)
    come = entries(rows, rows.first_month, rows.since, **{n: rows[n] for n in names})
    gone = rows.filter(rows.after_month.notnull())
    none = ibis.null("int64")
    return come.union(entries(gone, gone.after_month, none, **{n: -gone[n] for n in names}))


def together(parts: Sequence[ir.Table]) -> ir.Table:
    """Return entries of several tables; a measure that one lacks is null there."""
    kinds = {
        c: part[c].type() for part in parts for c in part.columns if c not in ("account_id", MONTH)
    }
    columns = ["account_id", MONTH, *kinds]
    lined_up = [
        part.select(**{c: part[c] if c in part.columns else ibis.null(kinds[c]) for c in columns})
        for part in parts
    ]
    return ibis.union(*lined_up) if len(lined_up) > 1 else lined_up[0]


def month_after(day: Any) -> Any:
    """Return the number of the first month before which a day was over."""
    return month_number(day.cast("date")) + 1


def carried(months: ir.Table, sources: Sequence[Source]) -> ir.Table:
    """Return the measures of all sources as they stood before each month.

    Parameters
    ----------
    months
        Months that are asked for: `account_id`, `month_no`; may repeat.
    sources
        Entries by subject.

    Returns
    -------
    Table
        One row per account and month with an entry or asked for: `account_id`, `month_no`, all
        measures, `known_day` (last day on which anything in the row came to be known).
    """
    pile = together([months.select("account_id", MONTH), *(source.rows for source in sources)])
    added = {KNOWN: pile[KNOWN].max()}
    for source in sources:
        less = [m + LESS for m in source.within if m + LESS in source.rows.columns]
        added |= {m: pile[m].sum() for m in (*source.sums, *source.within, *less)}
        added |= {m: pile[m].max() for m in (*source.lasts, *source.now)}
        added |= {m: pile[m].min() for m in source.firsts}
    table = pile.group_by("account_id", MONTH).agg(**added)
    so_far = ibis.cumulative_window(group_by="account_id", order_by=MONTH)
    columns: dict[str, Any] = {KNOWN: table[KNOWN].max().over(so_far)}
    for source in sources:
        columns |= {m: table[m].sum().over(so_far).fill_null(0.0) for m in source.sums}
        columns |= {m: _within(table, m, n) for m, n in source.within.items()}
        columns |= {m: table[m].max().over(so_far) for m in source.lasts}
        columns |= {m: table[m].min().over(so_far) for m in source.firsts}
        columns |= {m: table[m] for m in source.now}
    return table.select("account_id", MONTH, **columns)


def _within(table: ir.Table, measure: str, n_months: int) -> Any:
    """Return the sum of a measure over the last months, less what counts too much in it."""
    last = ibis.range_window(
        group_by="account_id", order_by=MONTH, preceding=n_months - 1, following=0
    )
    found = table[measure].sum().over(last).fill_null(0.0)
    if measure + LESS not in table.columns:
        return found
    so_far = ibis.cumulative_window(group_by="account_id", order_by=MONTH)
    return found - table[measure + LESS].sum().over(so_far).fill_null(0.0)
