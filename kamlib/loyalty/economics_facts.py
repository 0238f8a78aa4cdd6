"""Facts of retention economics: what was spent to win accounts and to keep them, year by year.

A year is twelve whole months; the last one ends on the last evaluation date, so that an earlier `as_of`
gives the same past. `years_ago` is 0 for it and counts backwards. What was recorded after that day is
not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Ledger, Window, month_of, owner, period
from kamlib.book import Book
from kamlib.loyalty.stays import stays

YEAR = 12
_KEY = ["account_id", "years_ago"]


@dataclass(frozen=True, slots=True, eq=False)
class EconomicsFacts:
    """What is known of winning and keeping accounts; None where the unit has no such table.

    Attributes
    ----------
    years
        The whole years of the records, the latest first.
    account_years
        As `account_years`.
    won
        As `accounts_won`, with `month` and `years_ago` of the day it was won.
    spent
        What was spent to win accounts: one row per `month` of these years: `amount`, `years_ago`.
    referrals
        As `referrals_made`.
    days
        As `member_days`.
    ledger
        Says what is known of the cost to serve.
    """

    years: tuple[Window, ...]
    account_years: pd.DataFrame
    won: pd.DataFrame
    spent: pd.DataFrame | None
    referrals: pd.DataFrame | None
    days: pd.DataFrame | None
    ledger: Ledger


def economics_facts(book: Book, ledger: Ledger) -> EconomicsFacts:
    """Return all facts of retention economics as frames."""
    found = period(book)
    years = whole_years(found.records.start, found.current.end)
    end = found.current.end
    referrals = _frame(referrals_made(book, end)) if book.has("referrals") else None
    days = _frame(member_days(book, years)) if book.has("programme") and years else None
    won = _frame(accounts_won(book, ledger, found.records.start, end))
    won["month"] = won["won_on"].dt.to_period("M").dt.to_timestamp()
    won["years_ago"] = _years_ago(won["month"], end)
    spent = None
    if book.has("acquisition_costs"):
        spent = _frame(acquisition_by_month(book, end))
        months = pd.date_range(end=pd.Timestamp(end), periods=YEAR * len(years), freq="ME")
        index = pd.DatetimeIndex(months).to_period("M").to_timestamp().rename("month")
        spent = spent.set_index("month")["amount"].reindex(index, fill_value=0.0).reset_index()
        spent["years_ago"] = _years_ago(spent["month"], end)
    return EconomicsFacts(
        years,
        _frame(account_years(book, ledger, end, len(years))),
        won,
        spent,
        referrals,
        days,
        ledger,
    )


def whole_years(first_day: date, end: date) -> tuple[Window, ...]:
    """Return the whole years up to an evaluation date, the latest first.

    Records count from the first day of the month of `first_day`; a month that is not over makes no
    year whole.

    >>> [str(year.start) for year in whole_years(date(2022, 3, 9), date(2024, 3, 31))]
    ['2023-04-01', '2022-04-01']
    """
    n = (end.year - first_day.year) * YEAR + end.month - first_day.month + 1
    last = pd.Timestamp(end)
    if not last.is_month_end:
        return ()
    ends = [(last - pd.DateOffset(years=k)) + pd.offsets.MonthEnd(0) for k in range(n // YEAR)]
    starts = [e - pd.DateOffset(months=YEAR) + pd.offsets.MonthEnd(0) for e in ends]
    return tuple(
        Window((s + pd.Timedelta(days=1)).date(), e.date())
        for s, e in zip(starts, ends, strict=True)
    )


def account_years(book: Book, ledger: Ledger, end: date, n_years: int) -> ir.Table:
    """Return what each account brought and cost in each of the years.

    Returns
    -------
    Table
        One row per account and year in which the ledger holds the account: `account_id`,
        `years_ago`, `n_orders`, `revenue`, `cost_to_serve` (its known parts; null: none known),
        `contribution` (null also where the cost of less than `ledger.min_cost_coverage` of the
        account's volume is known).
    """
    rows = ledger.table
    ago = end.year * YEAR + end.month - (rows.month.year() * YEAR + rows.month.month())
    rows = rows.mutate(ago=ago)
    rows = rows.filter(rows.ago >= 0, rows.ago < YEAR * n_years)
    rows = rows.mutate(years_ago=(rows.ago / YEAR).floor().cast("int64"))
    sums = ("n_orders", "revenue", "cost_to_serve", "contribution", "volume", "volume_costed")
    found = rows.group_by(*_KEY).agg(**{name: rows[name].sum() for name in sums})
    enough = found.volume_costed >= book.unit.ledger.min_cost_coverage * found.volume
    unknown = ibis.null("float64")
    found = found.mutate(contribution=enough.ifelse(found.contribution, unknown))
    return found.drop("volume", "volume_costed")


def accounts_won(book: Book, ledger: Ledger, first_day: date, end: date) -> ir.Table:
    """Return accounts that were won within the records, and what became of them.

    An account is won on its `onboarded_on`. Where that is unknown, its first order counts, unless
    that lies in the first year of the records: it may then be an old account.

    Returns
    -------
    Table
        One row per account: `account_id`, `won_on`, `n_months` (whole months known from that of
        `won_on` on), `acquisition_cost` (costs that name it; null: none do), `revenue_first_year`
        and `contribution_first_year` (of the first twelve of these months; null where they are not
        over), `bought_second_year` (whether it ordered in the twelve after; null likewise),
        `revenue`, `contribution` (all up to `end`).
    """
    last = ibis.date(end)
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.amount > 0, lines.date <= last)
    firsts = lines.group_by("account_id").agg(first_order=lines.date.min())
    accounts = owner(book, book["accounts"].select("account_id", "parent_id", "onboarded_on"))
    begun = accounts.group_by("account_id").agg(onboarded_on=accounts.onboarded_on.min())
    begun = begun.left_join(firsts, "account_id").drop("account_id_right")
    settled = pd.Timestamp(first_day).replace(day=1) + pd.DateOffset(months=YEAR)
    surely_new = begun.first_order >= ibis.date(settled.date())
    first = surely_new.ifelse(begun.first_order, ibis.null("date"))
    begun = begun.select("account_id", won_on=ibis.coalesce(begun.onboarded_on, first))
    begun = begun.filter(begun.won_on >= ibis.date(first_day.replace(day=1)), begun.won_on <= last)
    begun = begun.mutate(n_months=_number(end) - _number(begun.won_on) + 1)
    months = ledger.table.filter(ledger.table.month <= last)
    since = begun.left_join(months, "account_id")
    k = _number(since.month) - _number(since.won_on)
    unknown = ibis.null("float64")
    counted = since.group_by("account_id", "won_on", "n_months").agg(
        revenue_first_year=since.revenue.sum(where=(k >= 0) & (k < YEAR)),
        contribution_first_year=since.contribution.sum(where=(k >= 0) & (k < YEAR)),
        orders_second_year=since.n_orders.sum(where=(k >= YEAR) & (k < 2 * YEAR)),
        revenue=since.revenue.sum(where=k >= 0).fill_null(0.0),
        contribution=since.contribution.sum(where=k >= 0),
        has_margin=since.contribution.count() > 0,
    )
    over, twice = counted.n_months >= YEAR, counted.n_months >= 2 * YEAR
    costs = _named_costs(book, end)
    joined = counted.left_join(costs, "account_id")
    margin = joined.has_margin
    return joined.select(
        "account_id",
        "won_on",
        "n_months",
        "acquisition_cost",
        revenue_first_year=over.ifelse(joined.revenue_first_year.fill_null(0.0), unknown),
        contribution_first_year=(over & margin).ifelse(
            joined.contribution_first_year.fill_null(0.0), unknown
        ),
        bought_second_year=twice.ifelse(
            (joined.orders_second_year.fill_null(0.0) > 0).ifelse(1.0, 0.0), unknown
        ),
        revenue=joined.revenue,
        contribution=joined.contribution,
    )


def acquisition_by_month(book: Book, end: date) -> ir.Table:
    """Return what was spent to win accounts, those costs included that name none: `month`, `amount`."""
    rows = _known(book, "acquisition_costs", end)
    rows = rows.select("amount", month=month_of(rows.date))
    return rows.group_by("month").agg(amount=rows.amount.sum())


def referrals_made(book: Book, end: date) -> ir.Table:
    """Return who sent whom.

    Returns
    -------
    Table
        One row per account that was sent: `account_id`, `referrer_id` (the first that sent it),
        `referred_on`, `first_order_on` (null: none so far), `name` (of the referrer). An account does not send itself, nor another member
        of its group where groups count together.
    """
    rows = _known(book, "referrals", end)
    rows = owner(book, rows.select("account_id", "referrer_id", "date"))
    sender = rows.select(sent=rows.account_id, account_id=rows.referrer_id, referred_on=rows.date)
    rows = owner(book, sender).rename(referrer_id="account_id")
    rows = rows.select("referrer_id", "referred_on", account_id=rows.sent)
    rows = rows.filter(rows.account_id != rows.referrer_id)
    order = [rows.referred_on, rows.referrer_id]
    place = ibis.row_number().over(ibis.window(group_by="account_id", order_by=order))
    rows = rows.mutate(place=place)
    rows = rows.filter(rows.place == 0).drop("place")
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.amount > 0, lines.date <= ibis.date(end))
    firsts = lines.group_by("account_id").agg(first_order_on=lines.date.min())
    found = rows.left_join(firsts, "account_id").drop("account_id_right")
    names = book["accounts"].select(named="account_id", name="name")
    return found.left_join(names, found.referrer_id == names.named).drop("named")


def member_days(book: Book, years: Sequence[Window]) -> ir.Table:
    """Return days in the programme by account, level and year, as known at the end of the last year.

    Returns
    -------
    Table
        One row per account, `years_ago` and `level` with a day of it: `n_days`. On no day does an
        account stand at two levels.
    """
    found = stays(book, years[0].end)
    parts = []
    for k, year in enumerate(years):
        tomorrow = (ibis.date(year.end) + ibis.interval(days=1)).cast("date")
        within = found.filter(found.begin < tomorrow, found.stop > ibis.date(year.start))
        first = ibis.greatest(within.begin, ibis.date(year.start))
        days = ibis.least(within.stop, tomorrow).delta(first, unit="day")
        parts.append(
            within.select(
                "account_id",
                years_ago=ibis.literal(k, "int64"),
                level=within.level,
                n_days=days.cast("float64"),
            )
        )
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return rows.group_by(*_KEY, "level").agg(n_days=rows.n_days.sum())


def _named_costs(book: Book, end: date) -> ir.Table:
    rows = owner(book, _known(book, "acquisition_costs", end))
    rows = rows.filter(rows.account_id.notnull())
    return rows.group_by("account_id").agg(acquisition_cost=rows.amount.sum())


def _known(book: Book, table: str, end: date) -> ir.Table:
    """Return the rows of a table that had happened, and had been recorded, by a day."""
    rows, last = book[table], ibis.date(end)
    return rows.filter(rows.date <= last, rows.recorded_on.fill_null(rows.date) <= last)


def _number(day: Any) -> Any:
    if isinstance(day, date):
        return day.year * YEAR + day.month
    return day.year().cast("int64") * YEAR + day.month().cast("int64")


def _years_ago(months: pd.Series, end: date) -> pd.Series:
    ago = _number(end) - (months.dt.year * YEAR + months.dt.month)
    years: pd.Series = (ago // YEAR).astype("int64")
    return years


def _frame(table: ir.Table) -> pd.DataFrame:
    """Return rows in order, days as datetime64."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    for column in frame.columns.intersection(["won_on", "month", "referred_on", "first_order_on"]):
        frame[column] = frame[column].astype("datetime64[ns]")
    key = [c for c in ("account_id", "month", "years_ago", "level") if c in frame]
    return frame.sort_values(key, ignore_index=True)
