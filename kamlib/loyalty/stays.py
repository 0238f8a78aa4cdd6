"""Stays in the programme: from when to when each account was a member, and at which level."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book


def stays(book: Book, day: date | None = None) -> ir.Table:
    """Return the unbroken stays of accounts at one level of the programme, as known on a day.

    An account that the records have at two levels at once counts at the higher one, since levels
    are cumulative; with `ledger.grain: parent_group` a group stands at its highest member's level.
    So nobody is counted twice on any day.

    Parameters
    ----------
    book
        Of one unit.
    day
        Last day that is known; `as_of` unless given. Rows that were recorded later are not there,
        and nobody is known to leave later.

    Returns
    -------
    Table
        One row per account and stay: `account_id`, `level` (1–3), `begin` (its first day), `stop`
        (the first day after it; the day after `day` where it still goes on), `is_entry`, `is_exit`
        (from, and to, no programme; false where it moved between levels or still stays),
        `until` (where its next stay begins; null: there is none).
    """
    day = day or book.as_of
    rows = _rows(book, day)
    begins = rows.select("account_id", cut=rows.begin)
    cuts = begins.union(rows.select("account_id", cut=rows.stop), distinct=True)
    by_day = ibis.window(group_by="account_id", order_by="cut")
    cuts = cuts.mutate(following=cuts.cut.lead().over(by_day))
    held = cuts.join(rows, [cuts.account_id == rows.account_id, rows.begin <= cuts.cut,
                            rows.stop > cuts.cut])  # fmt: skip
    pieces = held.group_by("account_id", "cut").agg(
        following=held.following.min(), level=held.level.max()
    )
    same = pieces.following.lag().over(by_day).identical_to(pieces.cut) & (
        pieces.level.lag().over(by_day).identical_to(pieces.level)
    )
    pieces = pieces.mutate(fresh=same.ifelse(0, 1))
    so_far = ibis.cumulative_window(group_by="account_id", order_by="cut")
    pieces = pieces.mutate(stay=pieces.fresh.sum().over(so_far))
    found = pieces.group_by("account_id", "stay").agg(
        level=pieces.level.max(), begin=pieces.cut.min(), stop=pieces.following.max()
    )
    by_stay = ibis.window(group_by="account_id", order_by="stay")
    until = found.begin.lead().over(by_stay)
    came_from = found.stop.lag().over(by_stay)
    return found.mutate(
        is_entry=~came_from.identical_to(found.begin),
        is_exit=~until.identical_to(found.stop) & (found.stop <= ibis.date(day)),
        until=until,
    ).drop("stay")


def level_then(rows: ir.Table, found: ir.Table, on: Any) -> ir.Table:
    """Return rows with the `level` their account then had, its last one where it had left.

    Parameters
    ----------
    rows
        With `account_id`.
    found
        As `stays` returns them.
    on
        Day of each row; null level before the account's first stay, or without an account.
    """
    match = found.select("level", "until", member=found.account_id, since=found.begin)
    within = (match.since <= on) & (match.until.isnull() | (match.until > on))
    joined = rows.left_join(match, [rows.account_id == match.member, within])
    return joined.drop("member", "since", "until")


def _rows(book: Book, day: date) -> ir.Table:
    """Return memberships known on a day from their first day to the first one outside."""
    last = ibis.date(day)
    rows = owner(book, book["programme"])
    rows = rows.filter(
        rows.enrolled_on <= last, rows.recorded_on.fill_null(rows.enrolled_on) <= last
    )
    left = (rows.left_on + ibis.interval(days=1)).cast("date")
    tomorrow = ibis.date(day + timedelta(days=1))
    return rows.select(
        "account_id", "level", begin=rows.enrolled_on,
        stop=ibis.least(left.fill_null(tomorrow), tomorrow),
    )  # fmt: skip
