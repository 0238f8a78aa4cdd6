"""What an account buys: how much, at what price, of how many product lines, and when last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.churn.clock import day_number
from kamlib.churn.covariates.stack import LESS, MONTH, Source, during, entries, together
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
    first = months.told + 1
    amounts = {"revenue_3m": (QUARTER, "amount"), "revenue_12m": (YEAR, "amount"),
               "listed": (YEAR, "list_amount"), "net_of_list": (YEAR, "net_of_list")}  # fmt: skip
    come = entries(
        months, first, day_number(months.known),
        **{name: months[column] for name, (_, column) in amounts.items()},
        order_day=day_number(months.last_on),
        first_month=months.last_on.notnull().ifelse(months.month, ibis.null("int64")),
    )  # fmt: skip
    parts = [come]
    if facts.is_late:
        # what was recorded late counts no longer than what was recorded in its month
        late = months.filter(months.told > months.month)
        for name, (n, column) in amounts.items():
            over = ibis.greatest(late.month, late.told - n) + 1 + n
            less = {name + LESS: late[column]}
            parts.append(during(late, over, late.told + 1 + n, ibis.null("int64"), **less))
    return Source(
        together(parts),
        _of_revenue,
        lasts=("order_day",),
        firsts=("first_month",),
        within={name: n for name, (n, _) in amounts.items()},
    )


def breadth(facts: MonthFacts) -> Source:
    """Return the number of product lines bought in twelve calendar months; measure: `n_lines`."""
    key = ["account_id", "product_line"]
    lines = facts.accounts.limit(0) if facts.lines is None else facts.lines
    steps = facts.told(lines.filter(lines.days > 0, lines.product_line.notnull()), *key)
    order = ibis.window(group_by=key, order_by="told")
    if facts.is_late:
        so_far = ibis.cumulative_window(group_by=key, order_by="told")
        steps = steps.mutate(month=steps.month.max().over(so_far))
    steps = steps.mutate(before=steps.month.lag().over(order), after=steps.told.lead().over(order))
    # a line counts for a year after its last purchase, from one purchase to the next without a break
    goes_on = (steps.month + YEAR > steps.after).fill_null(False)
    is_joined = (steps.before + YEAR > steps.told).fill_null(False)
    steps = steps.mutate(goes_on=goes_on, is_joined=is_joined)
    steps = steps.filter(steps.month + YEAR > steps.told, ~(goes_on & is_joined))
    ends = steps.mutate(end=ibis.range(0, 2).unnest())
    come = ends.end == 0
    ends = ends.filter(come.ifelse(~ends.is_joined, ~ends.goes_on))
    # of what comes in between revenue knows the day
    rows = entries(
        ends, come.ifelse(ends.told, ends.month + YEAR) + 1,
        come.ifelse(day_number(ends.known), ibis.null("int64")), n_lines=come.ifelse(ONE, -ONE),
    )  # fmt: skip
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
