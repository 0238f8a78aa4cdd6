"""Facts of the evaluation standard: the criteria of each account, as they were known on each day.

A day is an evaluation date, so a month's end. Order lines are first summed by account, month and the
month in which they came to be known, where the records are; the twelve months that end on a day are
then put together from these. A row recorded after a day is not in that day's figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import (
    Ledger,
    dated_number,
    each_day,
    evaluation_dates,
    known_month,
    month_of,
    months_before,
    owner,
    trailing,
)
from kamlib.accounts.calendar import WINDOW_MONTHS
from kamlib.book import Book
from kamlib.results import Estimate

CRITERIA = ("contract_volume", "price_realisation", "revenue", "collection_rate", "credit")
NEEDS = {
    "contract_volume": "contracts",
    "price_realisation": "transactions.list_amount",
    "revenue": "transactions",
    "collection_rate": "invoices + payments",
    "credit": "account_history (credit_score)",
    "contribution": "transactions.cost",
}


def standard_dates(book: Book) -> list[date]:
    """Return all evaluation dates of a book; none where the records are shorter than a year."""
    sales = book["transactions"]
    first = pd.Timestamp(sales.aggregate(first=sales.date.min()).execute().iloc[0]["first"]).date()
    return evaluation_dates(first, book.as_of)


def standard_facts(book: Book, ledger: Ledger, dates: Sequence[date]) -> ir.Table:
    """Return the criteria of each account at each evaluation date.

    An account is listed at a date if it has an order line in the twelve months that end there, or a
    contract in force on that day.

    Parameters
    ----------
    book, ledger
        Of the same unit.
    dates
        Ends of months; none gives a table without rows.

    Returns
    -------
    Table
        One row per account and date: `account_id`, `evaluated_on`;
        `contract_volume` (Σ yearly value of contracts in force; 0 for an account without one),
        `revenue` (twelve months), `price_realisation` (Σ net ÷ Σ list amount of twelve months, over
        lines that have a list amount), `collection_rate` (of what fell due in twelve months, the
        share paid by the date), `credit` and `potential_per_year` (last value of `account_history`),
        `contribution` (twelve months; cost of service that was known by then). Null: unknown.
        `credit_undated`, `potential_undated`: today's values of `accounts`, on the last date only.
    """
    days = each_day(dates or [book.as_of])
    sales = trailing(_sales(book), days, "month", _SALES)
    listed = sales.select("account_id", "evaluated_on")
    parts = [sales]
    if book.has("contracts"):
        contracts = _contracts(book, days)
        listed = listed.union(contracts.select("account_id", "evaluated_on"), distinct=True)
        parts.append(contracts)
    if book.has("invoices") and book.has("payments"):
        parts.append(_collection(book, days))
    if ledger.has_contribution:
        parts.append(_contribution(book, ledger, days))
    parts += [dated_number(book, days, a) for a in ("credit_score", "potential_per_year")]
    parts.append(_undated(book, max(dates, default=book.as_of)))
    table = listed
    for part in parts:
        table = table.left_join(part, ["account_id", "evaluated_on"])
        table = table.drop("account_id_right", "evaluated_on_right")
    unknown = ibis.null("float64")
    has = set(table.columns)
    # the unit has contracts, this account has none; it bought nothing, but has a contract
    table = table.mutate(
        contract_volume=table.contract_volume.fill_null(0.0)
        if "contract_volume" in has
        else unknown,
        revenue=table.revenue.fill_null(0.0),
        price_realisation=(table.list_amount > 0).ifelse(table.net_of_list / table.list_amount, unknown),
        credit=table.credit_score,
        collection_rate=table.collection_rate if "collection_rate" in has else unknown,
        contribution=table.contribution if "contribution" in has else unknown,
    )  # fmt: skip
    table = table.select(
        "account_id", "evaluated_on", *CRITERIA, "contribution", "potential_per_year",
        "credit_undated", "potential_undated",
    )  # fmt: skip
    return table if dates else table.limit(0)


def collect(facts: ir.Table) -> pd.DataFrame:
    """Return the criteria as a frame, by date and account.

    Figures are rounded to what a sum means whatever the order of its terms: an account that has paid
    everything has paid 1, and not a hair less than the others.
    """
    frame = facts.execute()
    frame["evaluated_on"] = pd.to_datetime(frame["evaluated_on"])
    numbers = [c for c in frame.columns if c not in ("account_id", "evaluated_on")]
    shares = ["price_realisation", "collection_rate"]
    frame[numbers] = (
        frame[numbers].astype("float64").round(dict.fromkeys(numbers, 4) | dict.fromkeys(shares, 9))
    )
    ordered: pd.DataFrame = frame.sort_values(["evaluated_on", "account_id"], ignore_index=True)
    return ordered


def line_facts(book: Book, dates: Sequence[date]) -> ir.Table:
    """Return what each account bought of each product line in the twelve months before each date.

    Returns
    -------
    Table
        One row per account, date and product line with revenue above zero: `account_id`,
        `evaluated_on`, `product_line`, `revenue`. Lines without a product line are left out.
    """
    days = each_day(dates or [book.as_of])
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.product_line.notnull())
    lines = lines.mutate(month=month_of(lines.date), known=known_month(lines, lines.date))
    months = lines.group_by("account_id", "product_line", "month", "known").agg(
        revenue=lines.amount.sum()
    )
    sums = trailing(months, days, "month", ("revenue",), "product_line")
    return sums.filter(sums.revenue > 0) if dates else sums.limit(0)


def named(estimate: Estimate, who: pd.DataFrame) -> Estimate:
    """Return an estimate whose frame carries the `name` of each account behind its `account_id`."""
    if "account_id" not in estimate.frame:
        return estimate
    return replace(estimate, frame=with_names(estimate.frame, who))


def with_names(frame: pd.DataFrame, who: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the `name` of each account behind its `account_id`, taken from `who`."""
    names = frame["account_id"].map(who.set_index("account_id")["name"])
    shown = frame.drop(columns="name", errors="ignore")
    shown.insert(list(shown.columns).index("account_id") + 1, "name", names)
    return shown


_SALES = ("revenue", "list_amount", "net_of_list")


def _sales(book: Book) -> ir.Table:
    lines = owner(book, book["transactions"])
    lines = lines.mutate(month=month_of(lines.date), known=known_month(lines, lines.date))
    listed = lines.list_amount.notnull()
    return lines.group_by("account_id", "month", "known").agg(
        revenue=lines.amount.sum(),
        list_amount=lines.list_amount.sum(),
        net_of_list=lines.amount.sum(where=listed),
    )


def _contracts(book: Book, days: ir.Table) -> ir.Table:
    """Return the yearly value of the contracts in force; the day named as the end is the last one."""
    rows = owner(book, book["contracts"])
    known = rows.recorded_on.fill_null(rows.starts_on)
    # an end that lies after the day was not known then: the planned one counts
    in_force = rows.join(
        days,
        [
            rows.starts_on <= days.evaluated_on,
            rows.ends_on >= days.evaluated_on,
            rows.ended_on.fill_null(rows.ends_on) >= days.evaluated_on,
            known <= days.evaluated_on,
        ],
    )
    return in_force.group_by("account_id", "evaluated_on").agg(
        contract_volume=in_force.value_per_year.sum()
    )


def _collection(book: Book, days: ir.Table) -> ir.Table:
    """Return the share of what fell due in twelve months that was paid by the date.

    As in the section on collection: invoices above zero, a payment up to what is owed.
    """
    invoices = owner(book, book["invoices"])
    invoices = invoices.filter(invoices.amount > 0)
    start = months_before(days.evaluated_on, WINDOW_MONTHS)
    due = invoices.join(
        days,
        [
            invoices.due_on > start,
            invoices.due_on <= days.evaluated_on,
            invoices.issued_on <= days.evaluated_on,
            invoices.recorded_on.fill_null(invoices.issued_on) <= days.evaluated_on,
        ],
    ).select("invoice_id", "account_id", "evaluated_on", owed="amount")
    payments = book["payments"]
    known = ibis.greatest(payments.recorded_on.fill_null(payments.date), payments.date)
    payments = payments.select("invoice_id", "amount", known=known)
    settled = due.left_join(
        payments,
        [due.invoice_id == payments.invoice_id, payments.known <= due.evaluated_on],
    )
    one = settled.group_by("invoice_id", "account_id", "evaluated_on", "owed").agg(
        paid=settled.amount.sum().fill_null(0.0)
    )
    one = one.mutate(paid=ibis.greatest(ibis.least(one.paid, one.owed), 0.0))
    return one.group_by("account_id", "evaluated_on").agg(
        collection_rate=one.paid.sum() / one.owed.sum()
    )


def _contribution(book: Book, ledger: Ledger, days: ir.Table) -> ir.Table:
    """Return the ledger's contribution, less what cases resolved after the date had told it since."""
    rows = ledger.table.mutate(known=ledger.table.month)
    measures = ("volume", "volume_costed", "contribution")
    sums = trailing(rows, days, "month", measures)
    events = owner(book, book["service_events"])
    rate = book.unit.ledger.service_rate_per_hour
    timed = events.minutes / 60.0 * rate if rate is not None else ibis.null("float64")
    # a case that is known to be open has told nothing yet, and one without a time is told at once
    events = events.mutate(
        opened=month_of(events.opened_at),
        told=month_of(ibis.coalesce(events.resolved_at, events.opened_at)),
        since=ibis.coalesce(events.cost, timed).fill_null(0.0)
        + events.compensation.fill_null(0.0)
        - events.billed_amount.fill_null(0.0),
    )
    start = months_before(days.evaluated_on, WINDOW_MONTHS)
    later = events.join(
        days,
        [
            events.opened > start,
            events.opened <= days.evaluated_on,
            events.told > days.evaluated_on,
        ],
    )
    later = later.group_by("account_id", "evaluated_on").agg(since=later.since.sum())
    both = sums.left_join(later, ["account_id", "evaluated_on"])
    both = both.drop("account_id_right", "evaluated_on_right")
    enough = both.volume_costed >= book.unit.ledger.min_cost_coverage * both.volume
    value = enough.ifelse(both.contribution + both.since.fill_null(0.0), ibis.null("float64"))
    return both.select("account_id", "evaluated_on", contribution=value)


def _undated(book: Book, day: date) -> ir.Table:
    """Return today's attributes, which serve today's tables and no past ones."""
    accounts = book["accounts"]
    return accounts.select(
        "account_id",
        evaluated_on=ibis.date(day),
        credit_undated=accounts.credit_score,
        potential_undated=accounts.potential_per_year,
    )
