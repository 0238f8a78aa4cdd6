"""What became of the accounts: whether those that were buying on a day still bought a year later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import each_day, known_month, month_of, months_before, owner
from kamlib.book import Book
from kamlib.loyalty.indicators.facts import KEY

OTHER_ENDS = ("insolvent", "merged", "ended_by_us")
HORIZON_MONTHS = 12


def still_buying(
    book: Book, dates: Sequence[date], *, recent_months: int = 1, silent_months: int = 6
) -> ir.Table:
    """Return who was buying on each day, and whether they still bought twelve months later.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    dates
        Ends of months at least twelve months before `as_of`; later ones give no rows.
    recent_months
        An account is buying on a day if it ordered in these months up to it. With more months some
        that have stopped already count as foretold, and regularity seems to foretell; take more
        only where accounts order seldom.
    silent_months
        It is still buying if it ordered in these months up to the day twelve months later.

    Returns
    -------
    Table
        One row per account that was buying and day: `account_id`, `evaluated_on`, `still_buying` (1 or
        0, as known twelve months later; null: it had ended by insolvency, by a merger or by us, which
        is neither). An account that left and returned in time is still buying.
    """
    ends = [(day, _later(day)) for day in dates if _later(day) <= book.as_of]
    days = each_day([day for day, _ in ends] or [book.as_of])
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.amount > 0)
    lines = lines.mutate(month=month_of(lines.date), known=known_month(lines, lines.date))
    months = lines.select("account_id", "month", "known").distinct()
    now = months.join(
        days,
        [
            months.month > months_before(days.evaluated_on, recent_months),
            months.month <= days.evaluated_on,
            months.known <= days.evaluated_on,
        ],
    )
    buying = now.select(*KEY).distinct()
    # the day twelve months after the end of a month is not past the end of that month
    months = months.mutate(
        since=months_before(months.month, HORIZON_MONTHS),
        told=months_before(months.known, HORIZON_MONTHS),
    )
    later = months.join(
        days,
        [
            months.since > months_before(days.evaluated_on, silent_months),
            months.since <= days.evaluated_on,
            months.told <= days.evaluated_on,
        ],
    )
    later = later.select(*KEY).distinct().mutate(is_there=ibis.literal(1, "int64"))
    found = buying.left_join(later, KEY).drop("account_id_right", "evaluated_on_right")
    over = _other_ends(book, days)
    found = found.left_join(over, KEY).drop("account_id_right", "evaluated_on_right")
    gone = found.is_over.isnull().ifelse(0.0, ibis.null("float64"))
    found = found.select(*KEY, still_buying=found.is_there.notnull().ifelse(1.0, gone))
    return found if ends else found.limit(0)


def _later(day: date) -> date:
    """Return the end of the month that comes twelve months after that of a day."""
    return (
        pd.Timestamp(day) + pd.DateOffset(months=HORIZON_MONTHS) + pd.offsets.MonthEnd(0)
    ).date()


def _other_ends(book: Book, days: ir.Table) -> ir.Table:
    """Return accounts that ended within the twelve months after each day, for reasons not their own."""
    parts = []
    if book.has("contracts", "ended_on", "end_reason"):
        rows = owner(book, book["contracts"])
        rows = rows.filter(rows.end_reason.isin(list(OTHER_ENDS)), rows.ended_on.notnull())
        parts.append(rows.select("account_id", ended=rows.ended_on, told=rows.ended_on))
    if book.has("defections", "reason"):
        rows = owner(book, book["defections"])
        rows = rows.filter(rows.reason.isin(list(OTHER_ENDS)))
        told = ibis.greatest(rows.recorded_on.fill_null(rows.date), rows.date)
        parts.append(rows.select("account_id", ended=rows.date, told=told))
    if not parts:
        nothing = owner(book, book["transactions"]).limit(0)
        none = ibis.null("date")
        parts.append(nothing.select("account_id", ended=none, told=none))
    ends = ibis.union(*parts) if len(parts) > 1 else parts[0]
    ends = ends.mutate(told_month=months_before(month_of(ends.told), HORIZON_MONTHS))
    over = ends.join(days, [ends.ended > days.evaluated_on, ends.told_month <= days.evaluated_on])
    return over.select(*KEY).distinct().mutate(is_over=ibis.literal(1, "int64"))
