"""Facts of customer value: one row per account, computed where the records are."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Ledger, Period, Window, attributes, managers, owner
from kamlib.book import Book

_SUMS = ("revenue", "margin", "cost_to_serve", "contribution")


def account_facts(book: Book, ledger: Ledger, period: Period) -> ir.Table:
    """Return what each account brought in the current window and in the year before.

    Parameters
    ----------
    book, ledger, period
        Of the same unit.

    Returns
    -------
    Table
        One row per account that has a record in the ledger up to the end of the current window:
        `account_id`, `name`, `role`, `segment`, `region`, `manager_id` (as known on the
        window's last day); `revenue`, `margin`, `cost_to_serve`, `contribution` of the window and
        `revenue_before`, … of the year before (null where unknown); `n_orders`;
        `first_order_on`, `last_order_on`, `days_since_last` (purchases only, over all records up to
        the window's end). Margin is null where the cost of less than `ledger.min_cost_coverage` of
        the account's volume is known; lines without a cost stay out of it.
    """
    current = _window_sums(book, ledger, period.current)
    sales = owner(book, book["transactions"])
    bought = sales.filter(sales.date <= ibis.date(period.current.end), sales.amount > 0)
    orders = bought.group_by("account_id").agg(
        first_order_on=bought.date.min(), last_order_on=bought.date.max()
    )
    end = ibis.date(period.current.end)
    orders = orders.mutate(days_since_last=end.delta(orders.last_order_on, unit="day"))
    facts = current.left_join(orders, "account_id").drop("account_id_right")
    if period.previous is None:
        before = {f"{c}_before": ibis.null("float64") for c in _SUMS}
        facts = facts.mutate(**before)
    else:
        earlier = _window_sums(book, ledger, period.previous).drop("n_orders")
        earlier = earlier.rename({f"{c}_before": c for c in _SUMS})
        # the ledger goes on once an account is in it, so that none stands in the year before alone
        facts = facts.left_join(earlier, "account_id").drop("account_id_right")
        facts = facts.mutate(revenue_before=facts.revenue_before.fill_null(0.0))
    who = attributes(book, period.current.end)
    holders = managers(book, period.current.end)
    facts = facts.left_join(who, "account_id").drop("account_id_right")
    facts = facts.left_join(holders, "account_id").drop("account_id_right")
    columns = [
        "account_id", "name", "role", "segment", "region", "manager_id", *_SUMS, "n_orders",
        "first_order_on", "last_order_on", "days_since_last", *(f"{c}_before" for c in _SUMS),
    ]  # fmt: skip
    return facts.select(*columns)


def _window_sums(book: Book, ledger: Ledger, window: Window) -> ir.Table:
    rows = ledger.table
    inside = rows.filter(
        rows.month >= ibis.date(window.start.replace(day=1)), rows.month <= ibis.date(window.end)
    )
    sums = inside.group_by("account_id").agg(
        revenue=inside.revenue.sum(),
        n_orders=inside.n_orders.sum(),
        volume=inside.volume.sum(),
        volume_costed=inside.volume_costed.sum(),
        margin=inside.margin.sum(),
        cost_to_serve=inside.cost_to_serve.sum(),
    )
    enough = sums.volume_costed >= book.unit.ledger.min_cost_coverage * sums.volume
    margin = enough.ifelse(sums.margin, ibis.null("float64"))
    sums = sums.mutate(margin=margin)
    sums = sums.mutate(contribution=sums.margin - sums.cost_to_serve)
    return sums.select(
        "account_id", "revenue", "n_orders", "margin", "cost_to_serve", "contribution"
    )


def monthly_facts(ledger: Ledger, last: Any) -> ir.Table:
    """Return one row per month up to `last`: `month`, `revenue`, `contribution`, `n_active`.

    `n_active` counts accounts with an order in the month.
    """
    rows = ledger.table.filter(ledger.table.month <= ibis.date(last))
    return (
        rows.group_by("month")
        .agg(
            revenue=rows.revenue.sum(),
            contribution=rows.contribution.sum(),
            n_active=(rows.n_orders > 0).sum(),
        )
        .order_by("month")
    )


def collect(facts: ir.Table) -> pd.DataFrame:
    """Return account facts as a frame, largest revenue first, ties by account id."""
    frame: pd.DataFrame = facts.execute()
    for column in ("first_order_on", "last_order_on"):
        frame[column] = pd.to_datetime(frame[column])
    frame = frame.sort_values(["revenue", "account_id"], ascending=[False, True])
    return frame.reset_index(drop=True)
