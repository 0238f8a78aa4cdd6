"""Records of measures taken with single accounts, summed by account and month where they are."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Ledger, latest, month_of, months_before, owner
from kamlib.book import Book
from kamlib.book.schemas import TIERS
from kamlib.loyalty.stays import stays

BASE = 12


def complaints_answered(book: Book, first: date, last: date) -> ir.Table:
    """Return the first complaint of each account that can be followed for a year to either side.

    Returns
    -------
    Table
        One row per account with a complaint in a month from the second year to a year before the last
        month, which had ordered a year before it: `account_id`, `zero` (month of the first of them),
        `severity` (of that one), `compensation` (of all complaints of the month), `n_open` (of these,
        neither compensated nor resolved), `complaints_before` (in the twelve months before).
    """
    rows = _known(book, "service_events", "opened_at", last)
    rows = rows.filter(rows.kind == "complaint").mutate(month=month_of(rows.opened_at))
    begin, stop = shifted(first, BASE), shifted(last.replace(day=1), -BASE)
    within = rows.filter(rows.month >= ibis.date(begin), rows.month <= ibis.date(stop))
    zero = latest(within, ["account_id"], [within.opened_at, within.event_id])
    zero = zero.select("account_id", "severity", zero=zero.month)
    since = first_orders(book)
    zero = zero.join(since, "account_id")
    zero = zero.filter(zero.since <= months_before(zero.zero, BASE))
    near = rows.select("month", "compensation", "resolved_at", member=rows.account_id)
    near = zero.join(
        near,
        [
            zero.account_id == near.member,
            near.month <= zero.zero,
            near.month >= months_before(zero.zero, BASE),
        ],
    )
    now = near.month == near.zero
    waits = near.resolved_at.isnull() & (near.compensation.fill_null(0.0) <= 0)
    return near.group_by("account_id", "zero", "severity").agg(
        compensation=near.compensation.sum(where=now).fill_null(0.0),
        n_open=near.count(where=now & waits),
        complaints_before=near.count(where=~now),
    )


def efforts(book: Book, measure: str, last: date) -> ir.Table:
    """Return how often a measure was taken with each account in each month, and what it cost.

    Returns
    -------
    Table
        One row per `account_id` and `month`: `n`, `spent` (recorded cost, else minutes at the hourly
        rate of the parameters; null: none known), `n_free` (without a known cost).
    """
    rates = book.unit.ledger
    if measure == "visits":
        rows, rate = _known(book, "visits", "date", last), rates.visit_rate_per_hour
        rows = rows.mutate(month=month_of(rows.date))
    else:
        rows, rate = _known(book, "service_events", "opened_at", last), rates.service_rate_per_hour
        rows = rows.filter(rows.kind == measure).mutate(month=month_of(rows.opened_at))
    timed = ibis.null("float64") if rate is None else rows.minutes / 60.0 * rate
    rows = rows.mutate(effort=ibis.coalesce(rows.cost, timed))
    return rows.group_by("account_id", "month").agg(
        n=rows.count(), spent=rows.effort.sum(), n_free=rows.count(where=rows.effort.isnull())
    )


def amounts(book: Book, made: Ledger, whom: ir.Table, own: str) -> pd.DataFrame:
    """Return what accounts brought in each month, zeros kept after they left.

    Parameters
    ----------
    book, made
        Of one unit, with its ledger.
    whom
        `account_id`, `begin` and `stop` (first and last month).
    own
        Column of the ledger that is the measure's own cost and is added back; "": none.

    Returns
    -------
    DataFrame
        One row per account and month from its first one in the ledger: `unit`, `period` (0: `begin`),
        `revenue`, `contribution` (NaN where costs are not known).
    """
    table, whom = made.table, whom.select("begin", "stop", member=whom.account_id)
    within = [table.month >= whom.begin, table.month <= whom.stop]
    rows = table.join(whom, [table.account_id == whom.member, *within])
    enough = rows.volume_costed >= book.unit.ledger.min_cost_coverage * rows.volume
    brought = rows.contribution + rows[own] if own else rows.contribution
    rows = rows.select(
        "revenue",
        unit=rows.account_id,
        period=12 * (rows.month.year() - rows.begin.year())
        + rows.month.month()
        - rows.begin.month(),
        contribution=enough.ifelse(brought, ibis.null("float64")),
    )
    frame = frame_of(rows)
    frame[["revenue", "contribution"]] = (
        frame[["revenue", "contribution"]].astype("float64").round(6)
    )
    return frame


def traits(book: Book, whom: ir.Table) -> pd.DataFrame:
    """Return what is known of accounts besides their months.

    Parameters
    ----------
    book
        Of one unit.
    whom
        `account_id` and `zero` (month of which the tier before it counts).

    Returns
    -------
    DataFrame
        One row per account: `account_id`, `zero`, `tier_steps` (0: the lowest tier, or none), and where
        known `parent_id` and `other_month` (first month in the loyalty programme).
    """
    found = whom.select("account_id", "zero")
    decided = owner(book, book["tier_decisions"])
    told = ibis.greatest(decided.recorded_on.fill_null(decided.valid_from), decided.valid_from)
    decided = decided.select("tier", "valid_from", member=decided.account_id, told=told)
    seen = found.join(decided, [found.account_id == decided.member, decided.told < found.zero])
    tier = latest(seen, ["account_id"], [ibis.desc("valid_from"), "tier"])
    table = found.left_join(tier.select("account_id", "tier"), "account_id").drop(
        "account_id_right"
    )
    if book.unit.ledger.grain == "account":
        parents = book["accounts"].select("parent_id", member=book["accounts"].account_id)
        table = table.left_join(parents, table.account_id == parents.member).drop("member")
    if book.has("programme"):
        joined = (
            stays(book).group_by("account_id").agg(other_month=lambda t: month_of(t.begin.min()))
        )
        table = table.left_join(joined, "account_id").drop("account_id_right")
    frame = frame_of(table)
    steps = {tier: float(len(TIERS) - 1 - i) for i, tier in enumerate(TIERS)}
    # an account without a decision stands at the lowest tier
    frame["tier_steps"] = frame.pop("tier").map(steps).fillna(0.0)
    return frame


def complaints_before(book: Book, whom: ir.Table, last: date) -> ir.Table:
    """Return complaints of each account from `begin` to before `zero`: `account_id`, `n`."""
    rows = _known(book, "service_events", "opened_at", last)
    rows = rows.filter(rows.kind == "complaint")
    rows = rows.select(member=rows.account_id, month=month_of(rows.opened_at))
    within = [rows.month >= whom.begin, rows.month < whom.zero]
    seen = whom.join(rows, [whom.account_id == rows.member, *within])
    return seen.group_by("account_id").agg(n=seen.count())


def first_orders(book: Book) -> ir.Table:
    """Return the month of the first order of each account: `account_id`, `since`."""
    lines = owner(book, book["transactions"])
    lines = lines.filter(lines.amount > 0)
    return lines.group_by("account_id").agg(since=month_of(lines.date.min()))


def _known(book: Book, table: str, own: str, last: date) -> ir.Table:
    rows = owner(book, book[table])
    day = rows[own].cast("date")
    known = ibis.greatest(rows.recorded_on.fill_null(day), day)
    return rows.filter(known <= ibis.date(last))


def shifted(day: date, months: int) -> date:
    """Return the day some months later.

    >>> str(shifted(date(2024, 1, 1), -12))
    '2023-01-01'
    """
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()


def frame_of(table: ir.Table) -> pd.DataFrame:
    """Return rows in order; months as datetime64, whole numbers as such."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    for column in frame.columns.intersection(["month", "zero", "other_month"]):
        frame[column] = frame[column].astype("datetime64[ns]")
    key = [c for c in ("account_id", "unit", "month", "period") if c in frame]
    return frame.sort_values(key, ignore_index=True)
