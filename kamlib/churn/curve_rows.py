"""Lives as rows: from when to when each account was observed, of which group it was, how that ended.

Months in which the definition cannot declare a loss are in no row. Groups are either those of one day,
the landmark, from which time then counts; or those of each month, and an account is counted for a group
only while it is in it: late entry, no credit for the time before.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import attributes, managers, owner, tier_in_force
from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, known_on, month_count
from kamlib.churn.spells import Spells

AT_LANDMARK = ("tier", "role", "segment", "region", "programme_level")
IN_TIME = {"tier": "tier_in_force", "role": "role", "segment": "segment", "region": "region",
           "programme_level": "programme_level"}  # fmt: skip
NO_PROGRAMME = "no programme"
_FOLLOWED = 36  # months


def spell_rows(book: Book, spells: Spells) -> ir.Table:
    """Spells from the day on which a loss could first be declared, time in days since they began.

    Returns
    -------
    Table
        One row per account and spell at risk: `account_id`, `spell_no`, `started_on`, `entry_days`,
        `duration_days` (observed after the one, up to the other), `event_type` ("churn",
        "insolvent", "merged", "ended_by_us"; null: stays), `reason`.
    """
    rows = _ends(book, spells)
    began = day_number(rows.started_on)
    rows = rows.mutate(entry_days=rows.risk_day - began, duration_days=rows.end_day - began + 1)
    rows = rows.filter(rows.entry_days < rows.duration_days)
    return rows.select(*_KEY, "started_on", *_TIMES, "reason")


def landmark_day(book: Book, spells: Spells) -> date:
    """Return the day from which groups are followed: three years back, or halfway into the records.

    It is the last day of a month; groups of that day are known from then on, so that there is time
    both to know them and to follow them.
    """
    start, end = spells.records_from, book.as_of
    known = (end.year - start.year) * 12 + end.month - start.month
    back = min(_FOLLOWED, max(known // 2, 1))
    first = month_count(end) - back + (1 if (end + timedelta(days=1)).day == 1 else 0)
    return date(first // 12, first % 12 + 1, 1) - timedelta(days=1)


def landmark_rows(book: Book, spells: Spells, day: date, by: str) -> ir.Table:
    """Accounts that were there at the end of a day, time in days since then, in the groups of that day.

    Parameters
    ----------
    book, spells
        Of one unit.
    day
        The landmark, before `as_of`.
    by
        One of `AT_LANDMARK`, or "manager_id".

    Returns
    -------
    Table
        One row per account: `account_id`, `spell_no`, `entry_days`, `duration_days`, `event_type`,
        `reason`, `group` (null: unknown on that day).
    """
    landmark = day_count(day)
    rows = _ends(book, spells)
    rows = rows.filter(day_number(rows.entered_on) <= landmark, rows.end_day > landmark)
    rows = rows.mutate(
        entry_days=ibis.greatest(rows.risk_day - landmark - 1, 0),
        duration_days=rows.end_day - landmark,
    )
    rows = rows.filter(rows.entry_days < rows.duration_days)
    rows = rows.left_join(groups_at(book, day, by), "account_id").drop("account_id_right")
    if by == "programme_level" and book.has("programme"):
        rows = rows.mutate(group=rows.group.fill_null(NO_PROGRAMME))
    return rows.select(*_KEY, *_TIMES, "reason", "group")


def membership_rows(months: ir.Table, by: str) -> ir.Table:
    """Stretches of time that accounts spent in a group, time in days since the spell began.

    Parameters
    ----------
    months
        Account-months at risk, as `episodes.episodes` returns them: the group of a month is the one
        known before it.
    by
        One of `IN_TIME`.

    Returns
    -------
    Table
        One row per account, spell and unbroken stay in a group: `account_id`, `spell_no`,
        `entry_days` (on which it joined, or was first at risk), `duration_days`, `event_type` (at
        the end of the spell, for the group it then was in), `group` (null: unknown).
    """
    key = ["account_id", "spell_no"]
    order = ibis.window(group_by=key, order_by="month")
    so_far = ibis.cumulative_window(group_by=key, order_by="month")
    rows = months.mutate(group=_label(months[IN_TIME[by]], by))
    moved = ~rows.group.identical_to(rows.group.lag().over(order))
    rows = rows.mutate(moved=moved.ifelse(1, 0))
    rows = rows.mutate(stay=rows.moved.sum().over(so_far))
    stays = rows.group_by(*key, "stay").agg(
        entry_days=rows.entry_days.min(), duration_days=rows.duration_days.max(),
        event_type=rows.event_type.max(), group=rows.group.max(),
    )  # fmt: skip
    return stays.drop("stay")


def groups_at(book: Book, day: date, by: str) -> ir.Table:
    """Return the group of each account on a day, as known then: `account_id`, `group`."""
    if by == "tier":
        rows = tier_in_force(book, day)
        return rows.select("account_id", group=rows.tier)
    if by == "manager_id":
        rows = managers(book, day)
        return rows.select("account_id", group=rows.manager_id)
    if by == "programme_level":
        rows = owner(book, book["programme"])
        known = known_on(book, "programme", rows, rows.enrolled_on)
        rows = rows.filter(
            known <= ibis.date(day), rows.left_on.isnull() | (rows.left_on >= ibis.date(day))
        )
        top = rows.group_by("account_id").agg(level=rows.level.max())
        return top.select("account_id", group=_label(top.level, by))
    rows = attributes(book, day)
    return rows.select("account_id", group=_label(rows[by], by))


_KEY = ("account_id", "spell_no")
_TIMES = ("entry_days", "duration_days", "event_type")


def _ends(book: Book, spells: Spells) -> ir.Table:
    """Return spells with the days, as numbers, from which they are at risk and on which they end."""
    table = spells.table
    return table.mutate(
        risk_day=day_number(table.at_risk_from),
        end_day=day_number(table.ended_on).fill_null(day_count(book.as_of)),
    )


def _label(column: Any, by: str) -> Any:
    """Return groups as a reader meets them."""
    if by == "role":
        return column.replace("_", " ")
    if by == "programme_level":
        level = column.cast("int64")
        named = [(level == 0, NO_PROGRAMME), *((level == n, f"level {n}") for n in (1, 2, 3))]
        return ibis.cases(*named, else_=None)
    return column
