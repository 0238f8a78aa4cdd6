"""Facts of the programme: members, costs and points by month and level, balances by account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.loyalty.stays import level_then, stays

MOVES = ("issued", "redeemed", "expired")


@dataclass(frozen=True, slots=True, eq=False)
class PointsFacts:
    """Points of a programme, as known on a day.

    Attributes
    ----------
    by_month
        As `points_by_month`.
    by_account
        As `points_by_account`.
    sales
        As `sales_with_points`.
    tells_expiry
        Whether points that expired are recorded.
    """

    by_month: pd.DataFrame
    by_account: pd.DataFrame
    sales: pd.DataFrame
    tells_expiry: bool


@dataclass(frozen=True, slots=True, eq=False)
class ProgrammeFacts:
    """What is known of a programme on a day; None where the unit has no such table.

    Attributes
    ----------
    day
        Last day that is known.
    members
        As `members_by_month`.
    n_members
        Accounts with a membership on that day, counted apart.
    costs
        As `costs_by_month`.
    cost
        Sum of what is booked, counted apart, in money.
    points
        Points given, redeemed and expired.
    """

    day: date
    members: pd.DataFrame | None
    n_members: int
    costs: pd.DataFrame | None
    cost: float
    points: PointsFacts | None


def programme_facts(book: Book, day: date | None = None) -> ProgrammeFacts:
    """Return all facts of the programme as frames, as known on a day (`as_of` unless given)."""
    day = day or book.as_of
    members, costs, points, n, cost = None, None, None, 0, 0.0
    if book.has("programme"):
        members = _frame(members_by_month(book, day))
        rows = owner(book, _known(book, "programme", "enrolled_on", day))
        there = rows.left_on.isnull() | (rows.left_on >= ibis.date(day))
        n = int(rows.account_id.nunique(where=there).execute())
    if book.has("programme_costs"):
        costs = _frame(costs_by_month(book, day))
        rows = _known(book, "programme_costs", "date", day)
        cost = float(rows.amount.sum().fill_null(0.0).execute())
    if book.has("points", "issued", "redeemed"):
        points = PointsFacts(
            _frame(points_by_month(book, day)),
            _frame(points_by_account(book, day)),
            _frame(sales_with_points(book, day)),
            book.has("points", "expired"),
        )
    return ProgrammeFacts(day, members, n, costs, cost, points)


def members_by_month(book: Book, day: date) -> ir.Table:
    """Return members of the programme by month and level, as known on a day.

    Returns
    -------
    Table
        One row per month and `level` from the first to the last stay at it: `month` (first day),
        `n_members` (on the month's last day, or on `day`), `n_joined` and `n_left` (from and to no
        programme; who has left is outside from the day after the last), `n_moved` (came from other
        levels less went to them), `member_months` (days of membership ÷ days of the month).
    """
    rows = stays(book, day)
    today = ibis.date(day)
    first = _number(rows.begin)
    rows = rows.mutate(first=first, n=_number(ibis.least(rows.stop, today)) - first + 1)
    # a range that does not begin at 0 loses its brackets on PostgreSQL (ibis 12.0.0)
    rows = rows.mutate(step=ibis.range(0, rows.n).unnest())
    rows = rows.mutate(month=_start(rows["first"] + rows.step))
    following = (rows.month + ibis.interval(months=1)).cast("date")
    within = _days(ibis.greatest(rows.begin, rows.month), ibis.least(rows.stop, following))
    begins = rows.begin >= rows.month
    ends = (rows.stop < following) & (rows.stop <= today)
    rows = rows.mutate(
        share=within / _days(rows.month, following),
        begins=begins,
        ends=ends,
        there=(rows.stop >= following) | (rows.stop > today),
    )
    return rows.group_by("month", "level").agg(
        n_members=rows.count(where=rows.there),
        n_joined=rows.count(where=rows.begins & rows.is_entry),
        n_left=rows.count(where=rows.ends & rows.is_exit),
        n_moved=rows.count(where=rows.begins & ~rows.is_entry)
        - rows.count(where=rows.ends & ~rows.is_exit),
        member_months=rows.share.sum(),
    )


def costs_by_month(book: Book, day: date) -> ir.Table:
    """Return what `programme_costs` books by month, level and kind, as known on a day.

    A cost that names an account and no level counts at the level that the account then had.

    Returns
    -------
    Table
        One row per `month` (first day), `level` (null: of no level) and `kind`: `amount`.
    """
    rows = owner(book, _known(book, "programme_costs", "date", day))
    rows = rows.select("date", "kind", "amount", "account_id", named=rows.level)
    rows = level_then(rows, stays(book, day), rows.date)
    rows = rows.mutate(level=ibis.coalesce(rows.named, rows.level), month=_month(rows.date))
    return rows.group_by("month", "level", "kind").agg(amount=rows.amount.sum())


def points_by_month(book: Book, day: date) -> ir.Table:
    """Return points by month and by the level that the account then had, as known on a day.

    Returns
    -------
    Table
        One row per `month` (first day) and `level` (null: before any stay): `issued`, `redeemed`,
        `expired` (points of the month).
    """
    rows = owner(book, _known(book, "points", "date", day)).select("account_id", "date", *MOVES)
    rows = level_then(rows, stays(book, day), rows.date)
    rows = rows.mutate(month=_month(rows.date))
    return rows.group_by("month", "level").agg(**_sums(rows))


def points_by_account(book: Book, day: date) -> ir.Table:
    """Return points of each account up to a day: `account_id`, `issued`, `redeemed`, `expired`."""
    rows = owner(book, _known(book, "points", "date", day))
    return rows.group_by("account_id").agg(**_sums(rows))


def sales_with_points(book: Book, day: date) -> ir.Table:
    """Return net revenue of accounts in the months in which they were issued points.

    Returns
    -------
    Table
        One row per `month` (first day): `sales`.
    """
    given = owner(book, _known(book, "points", "date", day))
    given = given.filter(given.issued > 0)
    given = given.select("account_id", month=_month(given.date)).distinct()
    lines = owner(book, _known(book, "transactions", "date", day))
    lines = lines.select("account_id", "amount", month=_month(lines.date))
    sold = lines.semi_join(given, ["account_id", "month"])
    return sold.group_by("month").agg(sales=sold.amount.sum())


def _known(book: Book, table: str, own: str, day: date) -> ir.Table:
    """Return the rows of a table that had happened, and had been recorded, by a day."""
    rows, last = book[table], ibis.date(day)
    return rows.filter(rows[own] <= last, rows.recorded_on.fill_null(rows[own]) <= last)


def _sums(rows: ir.Table) -> dict[str, Any]:
    return {name: rows[name].sum().fill_null(0.0) for name in MOVES}


def _number(day: Any) -> Any:
    return day.year().cast("int64") * 12 + day.month().cast("int64") - 1


def _start(number: Any) -> Any:
    return ibis.date((number / 12).floor().cast("int32"), (number % 12 + 1).cast("int32"), 1)


def _month(day: Any) -> Any:
    return day.truncate("M").cast("date")


def _days(first: Any, last: Any) -> Any:
    return last.delta(first, unit="day").cast("float64")


def _frame(table: ir.Table) -> pd.DataFrame:
    """Return rows in order, months as datetime64, the level as a number (NaN: of none)."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    for column in frame.columns.intersection(["month"]):
        frame[column] = frame[column].astype("datetime64[ns]")
    for column in frame.columns.intersection(["level"]):
        frame[column] = frame[column].astype("float64")
    key = [c for c in ("account_id", "month", "level", "kind") if c in frame]
    return frame.sort_values(key, ignore_index=True)
