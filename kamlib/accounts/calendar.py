"""Evaluation dates and the windows that end there, so that an earlier `as_of` gives the same past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from kamlib.book import Book
from kamlib.glossary import Sentence
from kamlib.results import Check

WINDOW_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def n_days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    def before(self) -> Window:
        """Return the window of twelve months that ends the day before this one begins."""
        end = self.start - timedelta(days=1)
        return Window(_months_back(end, WINDOW_MONTHS), end)


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """What a study looks at.

    Attributes
    ----------
    current
        Twelve months up to the last evaluation date, or all records where they are shorter.
    previous
        The twelve months before, or None where the records do not reach back so far.
    records
        First and last day with a transaction.
    checks
        What the records are too short for.
    """

    current: Window
    previous: Window | None
    records: Window
    checks: tuple[Check, ...]


def _months_back(end: date, months: int) -> date:
    """Return the first day of the window of `months` calendar months that ends on `end`."""
    following = pd.Timestamp(end + timedelta(days=1))
    return (following - pd.DateOffset(months=months)).date()


def evaluation_dates(first_day: date, as_of: date) -> list[date]:
    """Return all quarter ends up to `as_of` that close at least a full year of records.

    Records count from the first day of the month of `first_day`.

    >>> [str(day) for day in evaluation_dates(date(2023, 1, 9), date(2024, 4, 15))]
    ['2023-12-31', '2024-03-31']
    """
    start = first_day.replace(day=1)
    ends = pd.date_range(start, as_of, freq="QE")
    return [end.date() for end in ends if _months_back(end.date(), WINDOW_MONTHS) >= start]


def period(book: Book) -> Period:
    """Return the period that a study of this book looks at.

    Raises nothing: records of less than a year give a shorter window and a failed check.
    """
    sales = book["transactions"]
    found = sales.aggregate(first=sales.date.min(), last=sales.date.max()).execute().iloc[0]
    first, last = pd.Timestamp(found["first"]).date(), pd.Timestamp(found["last"]).date()
    records = Window(first, last)
    dates = evaluation_dates(first, book.as_of)
    if not dates:
        n_days = (book.as_of - first).days + 1
        note = Sentence("period.short", {"first": first, "as_of": book.as_of, "n": n_days})
        check = Check("full_year", False, note)
        return Period(Window(first, book.as_of), None, records, (check,))
    end = dates[-1]
    current = Window(_months_back(end, WINDOW_MONTHS), end)
    before = current.before()
    values = {"start": current.start, "end": end, "first": first, "as_of": book.as_of}
    checks = [Check("full_year", True, Sentence("period.full", values))]
    reaches = before.start >= first.replace(day=1)
    checks.append(
        Check(
            "year_before",
            reaches,
            Sentence(
                "period.before" if reaches else "period.no_before", values | {"from": before.start}
            ),
        )
    )
    return Period(current, before if reaches else None, records, tuple(checks))
