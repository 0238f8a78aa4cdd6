"""Facts of purchases: when each account bought, and what a purchase model reads of it.

A purchase is a day on which an account's net amount is positive: lines of one day are one purchase,
and a day on which as much came back as was bought is none. Everything is counted where the records
are; a row that was dated or recorded after the day of a forecast is not known to it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import owner
from kamlib.book import Book

# what is left of a day's amounts that cancel out, whatever the order of the sum
_NOTHING = 1e-6
_YEAR = 365


def occasions(book: Book, day: date, *, since: date | None = None) -> ir.Table:
    """Return the days on which each account bought, as they were known on `day`.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    day
        Last day that is known.
    since
        First day that counts; None: all.

    Returns
    -------
    Table
        One row per account and day with a positive net amount: `account_id`, `date`, `amount`.
    """
    lines = _known(book, day)
    if since is not None:
        lines = lines.filter(lines.date >= ibis.date(since))
    return purchase_days(owner(book, lines))


def purchase_days(lines: ir.Table) -> ir.Table:
    """Return one row per account and day with a positive net amount: `account_id`, `date`, `amount`.

    Parameters
    ----------
    lines
        Order lines: `account_id`, `date`, `amount` (negative: a return).
    """
    days = _net(lines)
    return days.filter(days.amount > _NOTHING)


def purchase_summary(occasions: ir.Table, day: date, *, with_gaps: bool = False) -> ir.Table:
    """Return what a purchase model reads of each account that has bought.

    Parameters
    ----------
    occasions
        One row per account and day of purchase, none after `day`; see `occasions`.
    day
        End of what is known.
    with_gaps
        Whether to add `log_gaps`, which only models of regular purchases read: it needs the days of
        each account in order, and costs more than all the rest.

    Returns
    -------
    Table
        One row per account: `account_id`; `frequency` (days of purchase after the first),
        `recency_days` (days from the first to the last), `age_days` (days from the first to `day`),
        `monetary_value` (mean amount of the days after the first; null where there is none),
        `first_amount`; `first_order_on`, `last_order_on`, `days_since_last`; with `with_gaps`
        also `log_gaps` (sum of natural logarithms of the days between purchases; 0 for one
        purchase).
    """
    measures: dict[str, Any] = {}
    if with_gaps:
        occasions = _with_log_gap(occasions)
        measures["log_gaps"] = occasions.log_gap.sum().fill_null(0.0)
    each = occasions.group_by("account_id").agg(
        frequency=(occasions.count() - 1).cast("float64"),
        total=occasions.amount.sum(),
        first_amount=occasions.amount.argmin(occasions.date),
        first_order_on=occasions.date.min(),
        last_order_on=occasions.date.max(),
        **measures,
    )
    known = ibis.date(day)
    return each.select(
        "account_id",
        "frequency",
        recency_days=_days(each.first_order_on, each.last_order_on),
        age_days=_days(each.first_order_on, known),
        # a sum less one of its terms: nothing is divided by nothing
        monetary_value=(each.total - each.first_amount) / each.frequency.nullif(0.0),
        first_amount=each.first_amount,
        first_order_on=each.first_order_on,
        last_order_on=each.last_order_on,
        days_since_last=_days(each.last_order_on, known),
        **{name: each[name] for name in measures},
    )


def purchase_counts(book: Book, after: date, until: date) -> ir.Table:
    """Return what came in each month, to hold a forecast against.

    Unlike what a forecast reads, this counts all that the book holds by now, whenever it was
    recorded.

    Parameters
    ----------
    book
        The unit's book.
    after, until
        Days after `after` up to `until`; a month that is cut counts with the days within.

    Returns
    -------
    Table
        One row per account and calendar month with an order line: `account_id`, `month` (its first
        day), `n_purchases` (days with a positive net amount), `revenue` (of all days, returns
        included).
    """
    lines = book["transactions"]
    lines = lines.filter(lines.date > ibis.date(after), lines.date <= ibis.date(until))
    days = _net(owner(book, lines))
    days = days.mutate(month=days.date.truncate("M").cast("date"))
    return days.group_by("account_id", "month").agg(
        n_purchases=days.count(where=days.amount > _NOTHING).cast("float64"),
        revenue=days.amount.sum(),
    )


def trailing_revenue(book: Book, day: date, *, days: int = _YEAR) -> ir.Table:
    """Return the revenue of the 365 (or other) days up to `day`, as it was known then.

    Returns
    -------
    Table
        One row per account with an order line known by `day`: `account_id`, `revenue` (net amounts
        of those 365 days; 0 where there is none), `days_since_first` (days from the first line with
        a positive amount to `day`; null where there is none).
    """
    lines = owner(book, _known(book, day))
    within = lines.date > ibis.date(day - timedelta(days=days))
    each = lines.group_by("account_id").agg(
        revenue=lines.amount.sum(where=within).fill_null(0.0),
        first_order_on=lines.date.min(where=lines.amount > 0),
    )
    return each.select(
        "account_id", "revenue", days_since_first=_days(each.first_order_on, ibis.date(day))
    )


def collect(facts: ir.Table) -> pd.DataFrame:
    """Return facts with one row per account as a frame, by account id.

    Numbers are float64 (NaN: unknown), dates datetime64.
    """
    # ordered here, since engines order text by the customs of a country
    table = facts.to_pyarrow().sort_by("account_id")
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, coerce_temporal_nanoseconds=True, deduplicate_objects=False
    )
    measures = frame.dtypes.drop("account_id")
    return frame.astype({c: "float64" for c, kind in measures.items() if kind.kind in "iuf"})


def _known(book: Book, day: date) -> ir.Table:
    """Return order lines dated up to `day` and known by then."""
    lines, end = book["transactions"], ibis.date(day)
    lines = lines.filter(lines.date <= end)
    if not book.has("transactions", "recorded_on"):
        return lines
    return lines.filter(lines.recorded_on.isnull() | (lines.recorded_on <= end))


def _net(lines: ir.Table) -> ir.Table:
    return lines.group_by("account_id", "date").agg(amount=lines.amount.sum())


def _days(first: Any, last: Any) -> Any:
    """Return whole days from `first` to `last`."""
    return last.delta(first, unit="day").cast("float64")


def _with_log_gap(occasions: ir.Table) -> ir.Table:
    """Return occasions with the logarithm of the days since the one before; null for the first."""
    before = occasions.date.lag().over(group_by="account_id", order_by="date")
    return occasions.mutate(log_gap=_days(before, occasions.date).ln())
