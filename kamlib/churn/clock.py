"""Days and months as whole numbers: what an engine orders and compares most cheaply.

Day 0 is 1 January 2000; month 0 would be January of year 0, so that months of one year are
neighbours and December is followed by January.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.book import Book

_ZERO = date(2000, 1, 1)


def day_number(day: Any) -> Any:
    """Return the number of a day; of a moment, that of its day."""
    return day.cast("date").delta(ibis.date(_ZERO), unit="day").cast("int64")


def day_of(number: Any) -> Any:
    """Return the day of a number."""
    return (ibis.date(_ZERO) + number.as_interval("D")).cast("date")


def month_number(day: Any) -> Any:
    """Return the number of the month in which a day falls."""
    return day.year().cast("int64") * 12 + day.month().cast("int64") - 1


def month_start(number: Any) -> Any:
    """Return the first day of the month of a number."""
    year = (number / 12).floor().cast("int32")
    return ibis.date(year, (number % 12 + 1).cast("int32"), 1)


def day_count(day: date) -> int:
    """Return the number of a day that is known here.

    >>> day_count(date(2000, 2, 1))
    31
    """
    return (day - _ZERO).days


def month_count(day: date) -> int:
    """Return the number of the month of a day that is known here.

    >>> month_count(date(2024, 1, 31)) - month_count(date(2023, 12, 1))
    1
    """
    return day.year * 12 + day.month - 1


def each_month(rows: ir.Table, first: Any, after: Any, name: str) -> ir.Table:
    """Return every row once for each month from `first` up to the one before `after`."""
    # a range that does not begin at 0 loses its brackets on PostgreSQL (ibis 12.0.0)
    rows = rows.mutate(begin=first, n_months=after - first)
    rows = rows.mutate(step=ibis.range(0, rows.n_months).unnest())
    return rows.mutate(**{name: rows.begin + rows.step}).drop("begin", "n_months", "step")


def known_on(book: Book, table: str, rows: Any, day: Any) -> Any:
    """Return the day on which a row of a table came to be known, which is not before its own date."""
    day = day.cast("date")
    if not book.has(table, "recorded_on"):
        return day
    return ibis.greatest(rows.recorded_on.fill_null(day), day)
