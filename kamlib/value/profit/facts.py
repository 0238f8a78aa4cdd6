"""Facts of profit: contribution by quarter, tenure, and what was spent to win and bind an account."""

from __future__ import annotations

import math
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Ledger, Window, owner
from kamlib.book import Book

QUARTERS = 8
COSTS = (
    "cost_to_serve", "service_cost", "compensation", "billed_amount", "visit_cost",
    "financing_cost",
)  # fmt: skip


def onboarding(book: Book) -> ir.Table:
    """Return one row per account: `account_id`, `onboarded_on` (of a group: its first member's)."""
    accounts = owner(book, book["accounts"].select("account_id", "parent_id", "onboarded_on"))
    return accounts.group_by("account_id").agg(onboarded_on=accounts.onboarded_on.min())


def quarter_facts(ledger: Ledger, window: Window) -> ir.Table:
    """Return the contribution of each account in the quarters of two years up to the window's end.

    Returns
    -------
    Table
        One row per account: `account_id`; `q0` (the last quarter) to `q7`, null where the ledger of
        the account does not hold the quarter in full; `n_months` of the window in which it does.
    """
    rows = ledger.table
    last = window.end.year * 12 + window.end.month
    ago = last - (rows.month.year() * 12 + rows.month.month())
    rows = rows.mutate(ago=ago)
    rows = rows.filter(rows.ago >= 0, rows.ago < 3 * QUARTERS)
    sums: dict[str, Any] = {}
    for k in range(QUARTERS):
        within = (rows.ago >= 3 * k) & (rows.ago < 3 * (k + 1))
        whole = rows.count(where=within) == 3
        total = rows.contribution.sum(where=within)
        sums[f"q{k}"] = whole.ifelse(total, ibis.null("float64"))
    return rows.group_by("account_id").agg(**sums, n_months=rows.count(where=rows.ago < 12))


def tenure_facts(book: Book, ledger: Ledger, window: Window) -> ir.Table:
    """Return revenue and cost to serve by account and year of tenure, while the account bought.

    Returns
    -------
    Table
        One row per account and `tenure_years` (whole years since `onboarded_on`, counted in
        calendar months), from the ledger's months up to the last with an order in or before the
        window: `account_id`, `n_months`, `revenue`, `cost_to_serve` and its parts `service_cost`,
        `compensation`, `billed_amount`, `visit_cost`, `financing_cost` (null where unknown).
        Accounts whose `onboarded_on` is unknown are not there, nor is what lies before it.
    """
    rows = ledger.table.filter(ledger.table.month <= ibis.date(window.end))
    bought = rows.month.max(where=rows.n_orders > 0)
    rows = rows.mutate(last=bought.over(ibis.window(group_by="account_id")))
    rows = rows.filter(rows.month <= rows["last"])
    since = onboarding(book)
    joined = rows.join(since.filter(since.onboarded_on.notnull()), "account_id")
    start = joined.onboarded_on
    months = joined.month.year() * 12 + joined.month.month() - start.year() * 12 - start.month()
    joined = joined.mutate(tenure_years=(months / 12).floor().cast("int64"))
    joined = joined.filter(joined.tenure_years >= 0)
    sums = {name: joined[name].sum() for name in ("revenue", *COSTS)}
    return joined.group_by("account_id", "tenure_years").agg(n_months=joined.count(), **sums)


def programme_facts(book: Book, window: Window) -> ir.Table:
    """Return the cost of the loyalty programme within a window by account.

    What names an account counts for it. What names a level only is spread over the members of that
    level, and what names neither over all members, by their days of membership in the window.

    Returns
    -------
    Table
        One row per account with such a cost: `account_id`, `programme_cost`.
    """
    start, end = ibis.date(window.start), ibis.date(window.end)
    costs = book["programme_costs"]
    costs = costs.filter(costs.date >= start, costs.date <= end)
    named = costs.filter(costs.account_id.notnull()).select("account_id", "amount")
    members = book["programme"]
    members = members.filter(
        members.enrolled_on <= end, members.left_on.isnull() | (members.left_on >= start)
    )
    first = ibis.greatest(members.enrolled_on, start)
    last = ibis.least(members.left_on.fill_null(end), end)
    members = members.select(
        "account_id", "level", days=last.delta(first, unit="day").cast("float64") + 1
    )
    loose = costs.filter(costs.account_id.isnull())
    parts = [
        _spread(loose.filter(loose.level == level), members.filter(members.level == level))
        for level in (1, 2, 3)
    ]
    parts.append(_spread(loose.filter(loose.level.isnull()), members))
    every = owner(book, ibis.union(named, *parts))
    return every.group_by("account_id").agg(programme_cost=every.amount.sum())


def _spread(costs: ir.Table, members: ir.Table) -> ir.Table:
    """Return a sum of costs spread over members by days; nothing where there is no member."""
    total = costs.aggregate(total=costs.amount.sum(), n=costs.count())
    # days of all members; without one, costs stay with nobody
    share = members.days / members.days.sum().over(ibis.window())
    shared = members.select("account_id", share=share).cross_join(total.filter(total.n > 0))
    return shared.select("account_id", amount=shared.share * shared.total)


def acquisition_facts(book: Book, window: Window, life_years: float) -> ir.Table:
    """Return the part of acquisition costs that falls on a window, spread evenly over a life.

    Returns
    -------
    Table
        One row per account with a cost of its own up to the window's end: `account_id`,
        `acquisition_cost`, zero where its years are over.
    """
    costs = owner(book, book["acquisition_costs"])
    costs = costs.filter(costs.account_id.notnull(), costs.date <= ibis.date(window.end))
    days = life_years * 365.25
    start, end = ibis.date(window.start), ibis.date(window.end)
    # a cost begins to count on its day and ends after `days` days
    before = ibis.greatest(start.delta(costs.date, unit="day"), 0).cast("float64")
    after = (end.delta(costs.date, unit="day") + 1).cast("float64")
    counted = ibis.greatest(ibis.least(after, days) - ibis.least(before, days), 0.0)
    costs = costs.mutate(part=costs.amount * counted / days)
    return costs.group_by("account_id").agg(acquisition_cost=costs.part.sum())


def quarters(ledger: Ledger, window: Window | None) -> pd.DataFrame | None:
    """Return `quarter_facts` as a frame; None where there is no window."""
    if window is None:
        return None
    found: pd.DataFrame = quarter_facts(ledger, window).execute()
    return found


def programme_costs(book: Book, window: Window) -> pd.DataFrame | None:
    """Return `programme_facts` as a frame; None where the unit has no table of them."""
    if not book.has("programme_costs"):
        return None
    found: pd.DataFrame = programme_facts(book, window).execute()
    return found


def acquisition_costs(book: Book, window: Window, life_years: float) -> pd.DataFrame | None:
    """Return `acquisition_facts` as a frame; None where the table, its accounts or the life lack."""
    if not book.has("acquisition_costs", "account_id") or not math.isfinite(life_years):
        return None
    found: pd.DataFrame = acquisition_facts(book, window, life_years).execute()
    return found
