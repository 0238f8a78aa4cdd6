"""What an account buys: how much, at what price, of how many product lines, and when last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on, month_number
from kamlib.churn.covariates.stack import MONTH, Source, during, entries, together
from kamlib.churn.engine import ONE

YEAR, QUARTER = 12, 3
# what is left of amounts that cancel out, whatever the order of the sum
NOTHING = 0.005


def revenue(book: Book) -> Source:
    """Return revenue of three and twelve calendar months, price realisation, the last order.

    Measures: `revenue_3m`, `revenue_12m`, `listed`, `net_of_list`, `order_day`, `first_month`.
    """
    lines = _lines(book)
    has_list = lines.list_amount.notnull()
    months = lines.group_by("account_id", "month", "told").agg(
        amount=lines.amount.sum(),
        list_amount=lines.list_amount.sum().fill_null(0.0),
        net=lines.amount.sum(where=has_list).fill_null(0.0),
        last_order=lines.date.max(where=lines.amount > 0),
        known=lines.known.max(),
    )
    told = months.told + 1
    year = {
        "revenue_12m": months.amount, "listed": months.list_amount, "net_of_list": months.net
    }  # fmt: skip
    known = day_number(months.known)
    parts = [
        during(months, told, months.month + 1 + YEAR, known, **year),
        during(months, told, months.month + 1 + QUARTER, known, revenue_3m=months.amount),
        entries(
            months, told, known, order_day=day_number(months.last_order),
            first_month=months.last_order.notnull().ifelse(months.month, ibis.null("int64")),
        ),
    ]  # fmt: skip
    return Source(
        together(parts),
        _of_revenue,
        sums=("revenue_3m", "revenue_12m", "listed", "net_of_list"),
        lasts=("order_day",),
        firsts=("first_month",),
    )


def breadth(book: Book) -> Source:
    """Return the number of product lines bought in twelve calendar months; measure: `n_lines`."""
    lines = _lines(book)
    lines = lines.filter(lines.amount > 0, lines.product_line.notnull())
    key = ["account_id", "product_line"]
    steps = lines.group_by(*key, "told").agg(month=lines.month.max(), known=lines.known.max())
    order = ibis.window(group_by=key, order_by="told")
    steps = steps.mutate(following=steps.told.lead().over(order))
    if book.has("transactions", "recorded_on"):
        so_far = ibis.cumulative_window(group_by=key, order_by="told")
        steps = steps.mutate(month=steps.month.max().over(so_far))
    # a line counts for a year after its last purchase; the next one takes over from the one before
    until = ibis.least(steps.month + YEAR, steps.following.fill_null(steps.month + YEAR)) + 1
    rows = during(steps, steps.told + 1, until, day_number(steps.known), n_lines=ONE)
    return Source(rows, lambda t: {"breadth": t.n_lines}, sums=("n_lines",))


def _lines(book: Book) -> ir.Table:
    """Return order lines with the month of their date and the month in which they were known."""
    lines = owner(book, book["transactions"])
    known = known_on(book, "transactions", lines, lines.date)
    month = month_number(lines.date)
    late = book.has("transactions", "recorded_on")
    return lines.mutate(known=known, month=month, told=month_number(known) if late else month)


def _of_revenue(rows: ir.Table) -> Mapping[str, Any]:
    none = ibis.null("float64")
    seen = rows[MONTH] - rows.first_month
    year = (rows.revenue_12m > NOTHING).ifelse(rows.revenue_12m, none)
    # who bought for the first time within the year, or when the records began, has no whole one
    scale = (seen < YEAR).ifelse(YEAR / seen.nullif(0).cast("float64"), 1.0)
    quarter = ibis.greatest(rows.revenue_3m, 0.0) * (YEAR / QUARTER)
    return {
        "price_realisation": (rows.listed > NOTHING).ifelse(rows.net_of_list / rows.listed, none),
        "log_revenue_12m": (year * scale).ln(),
        "revenue_trend": (seen < YEAR).ifelse(none, quarter / year),
        "days_since_last": (rows.start_day - rows.order_day).cast("float64"),
    }
