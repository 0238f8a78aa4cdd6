"""What an account buys: how much, at what price, of how many product lines, and when last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.churn.clock import day_number
from kamlib.churn.covariates.stack import MONTH, Source, during, entries, together
from kamlib.churn.engine import ONE
from kamlib.churn.month_facts import MonthFacts

YEAR, QUARTER = 12, 3
# what is left of amounts that cancel out, whatever the order of the sum
NOTHING = 0.005


def revenue(facts: MonthFacts) -> Source:
    """Return revenue of three and twelve calendar months, price realisation, the last order.

    Measures: `revenue_3m`, `revenue_12m`, `listed`, `net_of_list`, `order_day`, `first_month`.
    """
    months = facts.accounts
    first, known = months.told + 1, day_number(months.known)
    quarter, year = months.month + 1 + QUARTER, months.month + 1 + YEAR
    sums = {"revenue_12m": "amount", "listed": "list_amount", "net_of_list": "net_of_list"}
    # what was recorded after its window counts in none of its months
    in_quarter, in_year = quarter > first, year > first
    come = entries(
        months, first, known,
        revenue_3m=in_quarter.ifelse(months.amount, 0.0),
        **{name: in_year.ifelse(months[column], 0.0) for name, column in sums.items()},
        order_day=day_number(months.last_on),
        first_month=months.last_on.notnull().ifelse(months.month, ibis.null("int64")),
    )  # fmt: skip
    later, after = months.filter(in_quarter), months.filter(in_year)
    none = ibis.null("int64")
    parts = [
        come,
        entries(later, later.month + 1 + QUARTER, none, revenue_3m=-later.amount),
        entries(after, after.month + 1 + YEAR, none, **{n: -after[c] for n, c in sums.items()}),
    ]
    return Source(
        together(parts),
        _of_revenue,
        sums=("revenue_3m", *sums),
        lasts=("order_day",),
        firsts=("first_month",),
    )


def breadth(facts: MonthFacts) -> Source:
    """Return the number of product lines bought in twelve calendar months; measure: `n_lines`."""
    key = ["account_id", "product_line"]
    lines = facts.accounts.limit(0) if facts.lines is None else facts.lines
    steps = facts.told(lines.filter(lines.days > 0, lines.product_line.notnull()), *key)
    order = ibis.window(group_by=key, order_by="told")
    steps = steps.mutate(following=steps.told.lead().over(order))
    if facts.is_late:
        so_far = ibis.cumulative_window(group_by=key, order_by="told")
        steps = steps.mutate(month=steps.month.max().over(so_far))
    # a line counts for a year after its last purchase; the next one takes over from the one before
    until = ibis.least(steps.month + YEAR, steps.following.fill_null(steps.month + YEAR)) + 1
    rows = during(steps, steps.told + 1, until, day_number(steps.known), n_lines=ONE)
    return Source(rows, lambda t: {"breadth": t.n_lines}, sums=("n_lines",))


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
