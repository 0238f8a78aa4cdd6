"""Contracts in force: when an account's last one has run out for good.

The day named as the end is the last one in force: the earlier of the planned end and, once it is
known, the actual one. A contract that runs on past its planned end without a word is out of force.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on
from kamlib.churn.runs import with_ends
from kamlib.params import ChurnParams

_ROOM, _SHIFT = (
    1000,
    100_000,
)  # no wait is longer than a thousand days; no day lies before year 1726


def contract_steps(book: Book, rules: ChurnParams, ends: ir.Table | None) -> ir.Table:
    """Return steps of contracts, lost when none has been in force for longer than the grace.

    What counts is the contract that was in force last. The account is lost `renewal_grace_days` and
    one day after its last day; with `reason_declares`, on the day on which a reason for its end was
    given, where that is earlier. Of several that end on one day the one that waits longest counts.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    rules
        `renewal_grace_days`, `reason_declares`.
    ends
        Ends stated for accounts: `account_id`, `known_day`; None: none.

    Returns
    -------
    Table
        As `runs.runs` takes it.
    """
    rows = in_force(book)
    # the last day and the days waited after it in one number, the largest of which counts
    wait = _lost(rows, rules) - rows.last_day
    held = rows.select(
        "account_id",
        known_day=rows.known_day,
        first_day=rows.starts_day,
        last_and_wait=(rows.last_day + _SHIFT) * _ROOM + wait,
        is_end=ibis.literal(False),
    )
    if ends is not None:
        none = ibis.null("int64")
        told = ends.select(
            "account_id", "known_day", first_day=none, last_and_wait=none,
            is_end=ibis.literal(True),
        )  # fmt: skip
        held = held.union(told)
    steps = held.group_by("account_id", "known_day").agg(
        first_day=held.first_day.min(), newest=held.first_day.max(),
        last_and_wait=held.last_and_wait.max(), is_end=held.is_end.any(),
    )  # fmt: skip
    so_far = ibis.cumulative_window(group_by="account_id", order_by="known_day")
    steps = steps.mutate(
        newest=steps.newest.max().over(so_far), top=steps.last_and_wait.max().over(so_far)
    )
    wait = steps.top % _ROOM
    last = ((steps.top - wait) / _ROOM).cast("int64") - _SHIFT
    steps = steps.mutate(last_day=last, lost_day=last + wait)
    return with_ends(steps, steps.newest, ["account_id"], ends is not None)


def in_force(book: Book) -> ir.Table:
    """Return contracts with the days that count, as numbers.

    Returns
    -------
    Table
        One row per contract: `account_id`, `contract_id`, `starts_day`, `ends_day` (as planned),
        `last_day` (in force), `known_day`, `reason`, `reason_day` (on which it was known; null: no
        reason, or no day of the end), `notice_day`, `value_per_year`.
    """
    rows = owner(book, book["contracts"])
    last = ibis.least(rows.ended_on.fill_null(rows.ends_on), rows.ends_on)
    told = (rows.end_reason.notnull() & rows.ended_on.notnull()).ifelse(
        ibis.greatest(rows.ended_on, last), ibis.null("date")
    )
    return rows.select(
        "account_id",
        "contract_id",
        "value_per_year",
        starts_day=day_number(rows.starts_on),
        ends_day=day_number(rows.ends_on),
        # an end on record that lies before the start leaves the first day
        last_day=ibis.greatest(day_number(last), day_number(rows.starts_on)),
        known_day=day_number(known_on(book, "contracts", rows, rows.starts_on)),
        reason=rows.end_reason,
        reason_day=day_number(told),
        notice_day=day_number(rows.notice_on),
    )


def wait_days(book: Book, rules: ChurnParams) -> int:
    """Return how many days after its start a contract can be lost at the earliest."""
    if rules.reason_declares and book.has("contracts", "ended_on", "end_reason"):
        return 0
    return rules.renewal_grace_days + 1


def _lost(rows: ir.Table, rules: ChurnParams) -> Any:
    lapsed = rows.last_day + rules.renewal_grace_days + 1
    if not rules.reason_declares:
        return lapsed
    return ibis.least(lapsed, rows.reason_day.fill_null(lapsed))
