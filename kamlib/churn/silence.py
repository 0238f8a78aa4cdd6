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
from kamlib.churn.runs import with_ends
from kamlib.params import ChurnParams

_MIN_GAPS = 2  # three orders


def own_rhythm(book: Book, rules: ChurnParams, ends: ir.Table | None, *by: str) -> ir.Table:
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
    ends
        Ends stated for accounts: `account_id`, `known_day`; None: none.
    *by
        Further columns of transactions that make up the key.

    Returns
    -------
    Table
        As `runs.runs` takes it, with `usual_gap` in days (null: fewer than three orders).
    """
    keys = ["account_id", *by]
    rows = _steps(book, keys, ends)
    before = ibis.window(group_by=keys, order_by="known_day", preceding=(None, 1), following=None)
    order = ibis.window(group_by=keys, order_by="known_day")
    # rows that are known in the order of their dates need no maximum of all that came before
    late = ends is not None or book.has("transactions", "recorded_on")
    last = rows.last_day.max().over(before) if late else rows.last_day.lag().over(order)
    jump = rows.first_day - last
    # a silence that long was a loss, and says nothing about how often the account orders
    rows = rows.mutate(skipped=(jump > rules.cap_days).fill_null(False).ifelse(jump, 0))
    so_far = ibis.cumulative_window(group_by=keys, order_by="known_day")
    rows = rows.mutate(
        last_day=rows.last_day.max().over(so_far),
        span=rows.last_day.max().over(so_far)
        - rows.first_day.min().over(so_far)
        - rows.skipped.sum().over(so_far),
        gaps=rows.n_days.sum().over(so_far)
        - 1
        - (rows.skipped > 0).ifelse(1, 0).sum().over(so_far),
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


def fixed_months(book: Book, rules: ChurnParams, ends: ir.Table | None) -> ir.Table:
    """Return steps of orders, lost at the end of the last of `silent_months` months without one.

    Parameters and columns as in `own_rhythm`, without `usual_gap`.
    """
    keys = ["account_id"]
    rows = _steps(book, keys, ends)
    so_far = ibis.cumulative_window(group_by=keys, order_by="known_day")
    rows = rows.mutate(last_day=rows.last_day.max().over(so_far))
    rows = rows.mutate(lost_day=months_later(rows.last_day, rules.silent_months))
    return with_ends(rows, rows.last_day, keys, ends is not None)


def months_later(day: Any, months: int) -> Any:
    """Return the last day of the month that comes `months` after that of a day; days are numbers."""
    return day_number(month_start(month_number(day_of(day)) + months + 1)) - 1


def _steps(book: Book, keys: Sequence[str], ends: ir.Table | None) -> ir.Table:
    """Return what came to be known step by step: first and last order, and on how many days."""
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.amount > 0, *(lines[key].notnull() for key in keys))
    late = book.has("transactions", "recorded_on")
    known = known_on(book, "transactions", lines, lines.date)
    days = lines.mutate(known=known).group_by(*keys, "date").agg(known=lambda t: t.known.min())
    days = days.mutate(step=days.known if late else days.date.truncate("M").cast("date"))
    days = days.mutate(is_end=ibis.literal(False))
    if ends is not None:
        told = ends.select("account_id", known=day_of(ends.known_day))
        if not late:
            # an end must not fall among the orders of a step
            some = told.select("account_id").distinct().mutate(apart=ibis.literal(True))
            days = days.left_join(some, "account_id").drop("account_id_right")
            days = days.mutate(step=days.apart.fill_null(False).ifelse(days.date, days.step))
        told = told.mutate(date=ibis.null("date"), step=told.known, is_end=ibis.literal(True))
        columns = [*keys, "date", "known", "step", "is_end"]
        days = days.select(*columns).union(told.select(*columns))
    steps = days.group_by(*keys, "step").agg(
        known=days.known.min(), first=days.date.min(), last=days.date.max(),
        n_days=days.date.count().cast("int64"), is_end=days.is_end.any(),
    )  # fmt: skip
    return steps.select(
        *keys,
        "n_days",
        "is_end",
        known_day=day_number(steps.known),
        first_day=day_number(steps["first"]),
        last_day=day_number(steps["last"]),
    )
