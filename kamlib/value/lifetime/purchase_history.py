"""What a forecast of purchases reads of the records: the last years, and a rehearsal within them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from kamlib.book import Book
from kamlib.value.lifetime.facts import collect, occasions, purchase_summary, trailing_revenue

YEAR = 365
_BEFORE = 330  # days that must lie before a rehearsal of a year
_LEAST = 60  # days of the shortest rehearsal


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseHistory:
    """What was known of the accounts' purchases on a day.

    Attributes
    ----------
    day
        Last day that is known.
    summary
        One row per account that bought within the years looked at: `facts.purchase_summary` with
        `log_gaps`, by account id.
    within
        Spread of single purchases about their account's mean, relative to it, and its degrees of
        freedom; None where no account bought twice.
    trailing
        Revenue of the last 365 days: `facts.trailing_revenue`.
    rehearsal
        What was known on an earlier day, and what has come since; None where records are too short.
    """

    day: date
    summary: pd.DataFrame
    within: tuple[float, float] | None
    trailing: pd.DataFrame
    rehearsal: Rehearsal | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """A forecast that could have been made earlier, and what then came.

    Attributes
    ----------
    day
        Last day that it knows.
    summary, within
        As of `PurchaseHistory`, known on that day.
    came
        One row per account with an order line since, up to the day of the history: `account_id`,
        `n_purchases`, `revenue` (net of returns).
    n_days
        Days from `day` to that of the history.
    """

    day: date
    summary: pd.DataFrame
    within: tuple[float, float] | None
    came: pd.DataFrame
    n_days: int

    @property
    def whole_year(self) -> bool:
        """Whether it holds every season once, so that its total tells growth from season."""
        return self.n_days == YEAR


def rehearsal_days(first_day: date, day: date) -> int | None:
    """Return how many days before `day` a rehearsal begins: a year, else a third of the records.

    A year where eleven months lie before it; None where a third of the records is shorter than 60
    days.

    >>> rehearsal_days(date(2021, 1, 1), date(2024, 12, 31))
    365
    >>> rehearsal_days(date(2024, 1, 1), date(2024, 12, 31))
    122
    """
    n_days = (day - first_day).days + 1
    if n_days >= YEAR + _BEFORE:
        return YEAR
    return n_days // 3 if n_days // 3 >= _LEAST else None


def first_day_read(day: date, fit_years: float) -> date:
    """Return the first day whose purchases a forecast as of `day` reads.

    >>> str(first_day_read(date(2025, 12, 31), 2.0))
    '2024-01-02'
    """
    return day - timedelta(days=round(YEAR * fit_years) - 1)


def purchase_history(book: Book, day: date, *, fit_years: float) -> PurchaseHistory:
    """Read what a forecast made on the evening of `day` knows.

    Parameters
    ----------
    book
        The unit's book.
    day
        Last day that is known: rows that are dated or were recorded later are not read.
    fit_years
        Years before a forecast whose purchases it reads; an account silent for longer has no row.
    """
    summary, within = _read(book, day, fit_years)
    trailing = collect(trailing_revenue(book, day))
    n_days = _rehearsal_days(trailing, day)
    if n_days is None:
        return PurchaseHistory(day, summary, within, trailing)
    then = day - timedelta(days=n_days)
    since = occasions(book, day, since=then + timedelta(days=1))
    counts = collect(since.group_by("account_id").agg(n_purchases=since.count()))
    came = collect(trailing_revenue(book, day, days=n_days))[["account_id", "revenue"]]
    came = came.merge(counts, on="account_id", how="left").fillna({"n_purchases": 0.0})
    rehearsal = Rehearsal(then, *_read(book, then, fit_years), came, n_days)
    return PurchaseHistory(day, summary, within, trailing, rehearsal)


def _rehearsal_days(trailing: pd.DataFrame, day: date) -> int | None:
    reach = trailing["days_since_first"].max() if len(trailing) else np.nan
    return None if np.isnan(reach) else rehearsal_days(day - timedelta(days=int(reach)), day)


def _read(
    book: Book, day: date, fit_years: float
) -> tuple[pd.DataFrame, tuple[float, float] | None]:
    """Return summaries, and the spread of single purchases within accounts with its freedom."""
    bought = occasions(book, day, since=first_day_read(day, fit_years))
    summary = collect(purchase_summary(bought, day, with_gaps=True))
    each = bought.group_by("account_id").agg(
        n=bought.count().cast("float64"), mean=bought.amount.mean(), var=bought.amount.var()
    )
    each = each.filter(each.n > 1)
    sums = each.agg(
        free=(each.n - 1).sum(), square=((each.n - 1) * each["var"] / each["mean"] ** 2).sum()
    )
    free, square = sums.execute().astype(float).iloc[0]
    return summary, (float(np.sqrt(square / free)), float(free)) if free > 0 else None
