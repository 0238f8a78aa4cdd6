"""Silence: when the orders of an account, or of a product line at an account, have stopped.

A day with an order line above zero is an order. Months are enough to follow orders, since no silence
of a definition is shorter than a month: orders of one month are one step. Where some rows were
recorded late, or an end was stated between orders, each day is a step of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, day_of, known_on, month_number, month_start
from kamlib.churn.month_facts import MonthFacts, count_days
from kamlib.churn.runs import with_ends
from kamlib.params import ChurnParams

_MIN_GAPS = 2  # three orders


def own_rhythm(
    book: Book, rules: ChurnParams, facts: MonthFacts, ends: ir.Table | None, *by: str
) -> ir.Table:
    """Return steps of orders, lost when silent for longer than the account's own rhythm allows.

    The usual gap is the mean of the days between orders known then, of which there must be three;
    silences longer than `cap_days`, which are a loss whatever the rhythm, are left out of it. An
    account is lost on the first day at whose end it has been silent for more than k × usual gap days,
    but at least `floor_days` and at most `cap_days`; with fewer orders, `cap_days`.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    rules
        `k`, `floor_days`, `cap_days`.
    facts
        Its orders by month.
    ends
        Ends stated for accounts: `account_id`, `known_day`; None: none.
    by
        Further columns of the key: `product_line`, or none.

    Returns
    -------
    Table
        As `runs.runs` takes it, with `usual_gap` in days (null: fewer than three orders) and
        `next_day` (known day of the next step).
    """
    keys = ["account_id", *by]
    rows = _steps(book, facts, keys, ends)
    order = ibis.window(group_by=keys, order_by="known_day")
    before = ibis.window(group_by=keys, order_by="known_day", preceding=(None, 1), following=None)
    so_far = ibis.cumulative_window(group_by=keys, order_by="known_day")
    # rows that are known in the order of their dates need no maximum of all that came before
    in_order = ends is None and not facts.is_late
    last = rows.last_day.lag().over(order) if in_order else rows.last_day.max().over(before)
    jump = rows.first_day - last
    # a silence that long was a loss, and says nothing about how often the account orders
    rows = rows.mutate(
        skipped=(jump > rules.cap_days).fill_null(False).ifelse(jump, 0),
        next_day=rows.known_day.lead().over(order),
        last_day=rows.last_day if in_order else rows.last_day.max().over(so_far),
        since_day=rows.first_day.min().over(so_far),
    )
    rows = rows.mutate(
        span=rows.last_day - rows.since_day - rows.skipped.sum().over(so_far),
        # one gap less than days with an order, and less those left out
        gaps=(rows.n_days - (rows.skipped > 0).ifelse(1, 0)).sum().over(so_far) - 1,
    )
    usual = rows.span.cast("float64") / rows.gaps.nullif(0).cast("float64")
    rows = rows.mutate(usual_gap=(rows.gaps >= _MIN_GAPS).ifelse(usual, ibis.null("float64")))
    patience = ibis.least(
        ibis.greatest(rows.usual_gap * float(rules.k), float(rules.floor_days)),
        float(rules.cap_days),
    )
    patience = rows.usual_gap.isnull().ifelse(float(rules.cap_days), patience)
    lost = rows.last_day + patience.floor().cast("int64") + 1
    return with_ends(rows.mutate(lost_day=lost), rows.last_day, keys, ends is not None)


def fixed_months(
    book: Book, rules: ChurnParams, facts: MonthFacts, ends: ir.Table | None
) -> ir.Table:
    """Return steps of orders, lost at the end of the last of `silent_months` months without one.

    Parameters and columns as in `own_rhythm`, without `usual_gap` and `next_day`.
    """
    keys = ["account_id"]
    rows = _steps(book, facts, keys, ends)
    so_far = ibis.cumulative_window(group_by=keys, order_by="known_day")
    rows = rows.mutate(last_day=rows.last_day.max().over(so_far))
    rows = rows.mutate(lost_day=months_later(rows.last_day, rules.silent_months))
    return with_ends(rows, rows.last_day, keys, ends is not None)


def months_later(day: Any, months: int) -> Any:
    """Return the last day of the month that comes `months` after that of a day; days are numbers."""
    return day_number(month_start(month_number(day_of(day)) + months + 1)) - 1


def _steps(book: Book, facts: MonthFacts, keys: Sequence[str], ends: ir.Table | None) -> ir.Table:
    """Return what came to be known step by step: first and last order, and on how many days."""
    if facts.is_late:
        return _by_day(book, keys, ends)
    months = facts.accounts if len(keys) == 1 or facts.lines is None else facts.lines
    months = months.filter(months.days > 0, *(months[key].notnull() for key in keys))
    if ends is not None:
        months = months.anti_join(ends, "account_id")
    first = day_number(months.first_on)
    steps = months.select(
        *keys, known_day=first, first_day=first, last_day=day_number(months.last_on),
        n_days=count_days(months.days), is_end=ibis.literal(False),
    )  # fmt: skip
    # a stated end must not fall among the orders of a step
    return steps if ends is None else steps.union(_by_day(book, keys, ends, only=True))


def _by_day(
    book: Book, keys: Sequence[str], ends: ir.Table | None, *, only: bool = False
) -> ir.Table:
    """Return one step per day on which orders, or an end, came to be known.

    With `only`, those of accounts of which an end was stated.
    """
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.amount > 0, *(lines[key].notnull() for key in keys))
    if only and ends is not None:
        lines = lines.semi_join(ends, "account_id")
    lines = lines.mutate(known=known_on(book, "transactions", lines, lines.date))
    days = lines.group_by(*keys, "date").agg(known=lines.known.min())
    days = days.select(
        *keys, known_day=day_number(days.known), day=day_number(days.date),
        is_end=ibis.literal(False),
    )  # fmt: skip
    if ends is not None:
        told = ends.mutate(day=ibis.null("int64"), is_end=ibis.literal(True))
        days = days.union(told.select(*days.columns))
    steps = days.group_by(*keys, "known_day").agg(
        first_day=days.day.min(), last_day=days.day.max(), n_days=days.day.count(),
        is_end=days.is_end.any(),
    )  # fmt: skip
    return steps.select(*keys, "known_day", "first_day", "last_day", "n_days", "is_end")
