"""Facts of loyalty: what each account did, as it was known on each day.

A day is a month's end. Order lines are first summed by account, month and the month in which they came
to be known, where the records are. A row recorded after a day is not in that day's figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import (
    dated_number,
    each_day,
    known_month,
    latest,
    month_of,
    months_before,
    owner,
)
from kamlib.book import Book

YEAR = 12
KEY = ["account_id", "evaluated_on"]
NUMBERS = (
    "revenue", "revenue_before", "months_seen", "buying_months", "price_realisation",
    "price_realisation_before", "breadth", "lines_sold", "potential_per_year", "n_partial_losses",
    "n_referrals", "n_incidents", "revenue_before_incidents", "revenue_after_incidents",
)  # fmt: skip


def loyalty_facts(
    book: Book,
    dates: Sequence[date],
    *,
    incident_kinds: Sequence[str] = ("complaint",),
    after_months: int = 3,
) -> ir.Table:
    """Return what each account did up to each day, for accounts that bought in the year before it.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    dates
        Ends of months; none gives a table without rows.
    incident_kinds
        Kinds of service events that are a quality incident.
    after_months
        Months before and after an incident whose revenue is compared. The incidents of a year count,
        up to so many months before the day; unknown until the records reach back far enough for all.

    Returns
    -------
    Table
        One row per account and day: `account_id`, `evaluated_on`, `tier_in_force`; `revenue` and
        `revenue_before` (twelve months, and the twelve before; the latter only for an account that
        bought before them or in their first month), `months_seen` (since its first order, at most
        12), `buying_months` (of the twelve, those with an order line above zero),
        `price_realisation` and `price_realisation_before` (Σ net ÷ Σ list amount, where listed),
        `breadth` and `lines_sold` (product lines that it bought in twelve months, and that any
        account did), `potential_per_year` (as `account_history` dates it), `n_partial_losses`
        (recorded in twelve months), `n_referrals` (accounts that it sent in twelve months),
        `n_incidents` (months with a quality incident, when it had been a customer long enough), `revenue_before_incidents` and `revenue_after_incidents` (sums over
        them). Null: unknown, for instance because the unit lacks the table.
    """
    days = each_day(dates or [book.as_of])
    sales = _sales(book)
    table = _trade(sales, days)
    parts = [_tiers(book, days), _potential(book, days)]
    counted = []
    if book.has("transactions", "product_line"):
        parts.append(_breadth(book, days))
    if book.has("referrals"):
        parts.append(_referrals(book, days))
        counted.append("n_referrals")
    if book.has("defections", "extent"):
        parts.append(_partial_losses(book, days))
        counted.append("n_partial_losses")
    if book.has("service_events"):
        parts.append(_incidents(book, table, sales, incident_kinds, after_months))
    for part in parts:
        table = table.left_join(part, KEY).drop("account_id_right", "evaluated_on_right")
    unknown = ibis.null("float64")
    # the unit has the table, and says nothing there of this account
    columns = {
        c: table[c].cast("float64").fill_null(0.0)
        if c in counted
        else table[c].cast("float64")
        if c in table.columns
        else unknown
        for c in NUMBERS
    }
    found = table.select(*KEY, "tier_in_force", **columns)
    return found if dates else found.limit(0)


def collect(facts: ir.Table) -> pd.DataFrame:
    """Return facts as a frame, by date and account; sums are rounded to what they mean."""
    frame: pd.DataFrame = facts.to_pyarrow().to_pandas(date_as_object=False)
    frame["evaluated_on"] = frame["evaluated_on"].astype("datetime64[ns]")
    numbers = [c for c in frame.columns if c not in (*KEY, "tier_in_force")]
    frame[numbers] = frame[numbers].astype("float64").round(6) + 0.0
    return frame.sort_values(["evaluated_on", "account_id"], ignore_index=True)


def _sales(book: Book) -> ir.Table:
    lines = owner(book, book["transactions"])
    lines = lines.mutate(month=month_of(lines.date), known=known_month(lines, lines.date))
    return lines.group_by("account_id", "month", "known").agg(
        revenue=lines.amount.sum(),
        list_amount=lines.list_amount.sum(),
        net_of_list=lines.amount.sum(where=lines.list_amount.notnull()),
        is_bought=lines.amount.max() > 0,
    )


def _trade(sales: ir.Table, days: ir.Table) -> ir.Table:
    rows = sales.join(days, [sales.month <= days.evaluated_on, sales.known <= days.evaluated_on])
    now = rows.month > months_before(rows.evaluated_on, YEAR)
    earlier = rows.month > months_before(rows.evaluated_on, 2 * YEAR)
    before = ~now & earlier
    sums = rows.group_by(*KEY).agg(
        first_month=rows.month.min(where=rows.is_bought),
        buying_months=rows.month.nunique(where=rows.is_bought & now),
        revenue=rows.revenue.sum(where=now),
        earlier=rows.revenue.sum(where=before),
        listed=rows.list_amount.sum(where=now),
        listed_before=rows.list_amount.sum(where=before),
        net=rows.net_of_list.sum(where=now),
        net_before=rows.net_of_list.sum(where=before),
    )
    sums = sums.filter(sums.buying_months > 0)
    day, first = sums.evaluated_on, sums.first_month
    months = 12 * (day.year() - first.year()) + day.month() - first.month() + 1
    # of an account that came later, the year before is no whole one
    whole = months >= 2 * YEAR
    none = ibis.null("float64")
    return sums.select(
        *KEY,
        "first_month",
        "buying_months",
        "revenue",
        months_seen=ibis.least(months, YEAR),
        revenue_before=whole.ifelse(sums.earlier, none),
        price_realisation=(sums.listed > 0).ifelse(sums.net / sums.listed, none),
        price_realisation_before=(whole & (sums.listed_before > 0)).ifelse(
            sums.net_before / sums.listed_before, none
        ),
    )


def _breadth(book: Book, days: ir.Table) -> ir.Table:
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.product_line.notnull(), lines.amount > 0)
    lines = lines.mutate(month=month_of(lines.date), known=known_month(lines, lines.date))
    lines = lines.select("account_id", "product_line", "month", "known").distinct()
    rows = lines.join(
        days,
        [
            lines.month > months_before(days.evaluated_on, YEAR),
            lines.month <= days.evaluated_on,
            lines.known <= days.evaluated_on,
        ],
    )
    own = rows.group_by(*KEY).agg(breadth=rows.product_line.nunique())
    every = rows.group_by("evaluated_on").agg(lines_sold=rows.product_line.nunique())
    return own.join(every, "evaluated_on").select(*KEY, "breadth", "lines_sold")


def _referrals(book: Book, days: ir.Table) -> ir.Table:
    rows = book["referrals"]
    rows = rows.select("date", "recorded_on", sent="account_id", account_id="referrer_id")
    return _events(owner(book, rows), days).agg(n_referrals=lambda t: t.sent.nunique())


def _partial_losses(book: Book, days: ir.Table) -> ir.Table:
    rows = owner(book, book["defections"])
    rows = rows.filter(rows.extent == "partial")
    return _events(rows, days).agg(n_partial_losses=lambda t: t.count())


def _events(rows: ir.Table, days: ir.Table) -> ir.Table:
    """Return dated rows of the year before each day, as known then, grouped by account and day."""
    known = ibis.greatest(rows.recorded_on.fill_null(rows.date), rows.date)
    inside = rows.join(
        days,
        [rows.date > months_before(days.evaluated_on, YEAR), known <= days.evaluated_on],
    )
    return inside.group_by(*KEY)


def _incidents(
    book: Book, trade: ir.Table, sales: ir.Table, kinds: Sequence[str], after: int
) -> ir.Table:
    """Return revenue of the months before and after each month with an incident, summed."""
    reach, month = ibis.interval(months=after), ibis.interval(months=1)
    whole = YEAR + 2 * after
    opens = sales.aggregate(opens=sales.month.min())
    rows = owner(book, book["service_events"])
    rows = rows.filter(rows.kind.isin(list(kinds)))
    opened = rows.opened_at.cast("date")
    rows = rows.mutate(incident=month_of(opened), told=known_month(rows, opened))
    rows = rows.group_by("account_id", "incident").agg(told=rows.told.min())
    rows = rows.join(trade.select(*KEY, "first_month"), "account_id").cross_join(opens)
    day = rows.evaluated_on
    rows = rows.filter(
        rows.incident > months_before(day, YEAR + after),
        rows.incident <= months_before(day, after),
        rows.told <= day,
        # part of a year is another season
        (month_of(months_before(day, whole)) + month).cast("date") >= rows.opens,
        # before an account's first order there is nothing to compare with
        (rows.incident - reach).cast("date") >= rows.first_month,
    )
    counts = rows.group_by(*KEY).agg(n_incidents=rows.count())
    near = rows.join(
        sales,
        [
            rows.account_id == sales.account_id,
            sales.month >= (rows.incident - reach).cast("date"),
            sales.month <= (rows.incident + reach).cast("date"),
            sales.known <= rows.evaluated_on,
        ],
    )
    sums = near.group_by(*KEY).agg(
        revenue_before_incidents=near.revenue.sum(where=near.month < near.incident),
        revenue_after_incidents=near.revenue.sum(where=near.month > near.incident).fill_null(0.0),
    )
    return counts.left_join(sums, KEY).drop("account_id_right", "evaluated_on_right")


def _potential(book: Book, days: ir.Table) -> ir.Table:
    rows = owner(book, dated_number(book, days, "potential_per_year"))
    return rows.group_by(*KEY).agg(potential_per_year=rows.potential_per_year.sum())


def _tiers(book: Book, days: ir.Table) -> ir.Table:
    rows = owner(book, book["tier_decisions"])
    known = ibis.greatest(rows.recorded_on.fill_null(rows.valid_from), rows.valid_from)
    told = rows.join(days, known <= days.evaluated_on)
    last = latest(told, KEY, [ibis.desc("valid_from"), "tier"])
    return last.select(*KEY, tier_in_force=last.tier)
