"""What was known on each of several days: trailing sums and dated numbers, a row per account and day.

Rows are first summed by account, month and the month in which they came to be known, where the records
are; what counts on a day, which is a month's end, is then put together from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts.attributes import latest
from kamlib.accounts.calendar import WINDOW_MONTHS
from kamlib.book import Book


def each_day(days: Sequence[date]) -> ir.Table:
    """Return one row per day, `evaluated_on`, in whatever engine it is joined to."""
    return ibis.array([ibis.date(day) for day in days]).unnest().name("evaluated_on").as_table()


def month_of(day: Any) -> Any:
    """Return the first day of the month in which a day or a moment falls."""
    return day.cast("date").truncate("M").cast("date")


def known_month(table: ir.Table, day: Any) -> Any:
    """Return the month in which a row came to be known, which no row does before its own date."""
    return month_of(ibis.greatest(table.recorded_on.fill_null(day), day))


def months_before(day: Any, months: int) -> Any:
    """Return the day `months` before a day; months of a window that ends there begin after it."""
    return (day - ibis.interval(months=months)).cast("date")


def trailing(
    months: ir.Table, days: ir.Table, month: str, measures: Sequence[str], *more: str
) -> ir.Table:
    """Return sums of the twelve months up to each day, over rows `known` by then.

    Parameters
    ----------
    months
        `account_id`, the columns `month` and `more`, `known` (month), `measures`.
    days
        As `each_day` returns it.
    month, measures, more
        Column that dates a row; columns to add up; further columns of the key.

    Returns
    -------
    Table
        One row per account, day and `more` with a row in the window.
    """
    start = months_before(days.evaluated_on, WINDOW_MONTHS)
    inside = months.join(
        days,
        [
            months[month] > start,
            months[month] <= days.evaluated_on,
            months.known <= days.evaluated_on,
        ],
    )
    return inside.group_by("account_id", "evaluated_on", *more).agg(
        **{measure: inside[measure].sum() for measure in measures}
    )


def dated_number(book: Book, days: ir.Table, attribute: str) -> ir.Table:
    """Return the last value of a numeric attribute of `account_history` known on each day.

    Returns
    -------
    Table
        One row per account and day with a value: `account_id`, `evaluated_on` and a column named like
        the attribute. What is no number is passed over.
    """
    history = book["account_history"]
    # an engine may cast before it filters: what is no number must be null within the cast
    written = history.value.re_search(r"^ *[0-9]+([.][0-9]*)? *$")
    number = written.ifelse(history.value, ibis.null("string")).cast("float64")
    rows = history.filter(history.attribute == attribute).mutate(number=number)
    rows = rows.filter(rows.number.notnull())
    known = rows.join(
        days,
        [
            rows.valid_from <= days.evaluated_on,
            rows.recorded_on.fill_null(rows.valid_from) <= days.evaluated_on,
        ],
    )
    last = latest(known, ["account_id", "evaluated_on"], [ibis.desc("valid_from"), "number"])
    return last.select("account_id", "evaluated_on", **{attribute: last.number})
