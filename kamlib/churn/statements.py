"""What the firm wrote down about ends: reasons, competitors, and ends that are no churn."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kamlib.accounts import latest, owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on
from kamlib.churn.contracts import in_force

COMPETING = ("insolvent", "merged", "ended_by_us")
# a statement belongs to an end if it names a day at most a quarter before the last sign of life
_NEAR_DAYS = 92


def stated_ends(book: Book) -> ir.Table | None:
    """Return the ends that are no churn, as `defections` states them: `account_id`, `known_day`.

    None where the unit has no reasons there. One row per account and day.
    """
    if not book.has("defections", "reason"):
        return None
    rows = _defections(book)
    return rows.filter(rows.reason.isin(COMPETING)).select("account_id", "known_day").distinct()


def partial_statements(book: Book) -> ir.Table | None:
    """Return the partial losses that were recorded: `account_id`, `known_day`; None: no table."""
    if not book.has("defections", "extent"):
        return None
    rows = owner(book, book["defections"])
    rows = rows.filter(rows.extent == "partial")
    known = day_number(known_on(book, "defections", rows, rows.date))
    return rows.select("account_id", known_day=known).distinct()


def with_reasons(book: Book, spells: ir.Table) -> ir.Table:
    """Return spells with what was known of their end on the day it was declared.

    Parameters
    ----------
    book
        The unit's book.
    spells
        One row per account and spell: `account_id`, `spell_no`, and as numbers `started_day`,
        `ended_day` (null: goes on), `silent_day`.

    Returns
    -------
    Table
        The same with `reason` (of `contracts`, else of `defections`; the last one stated, one that
        is no churn first), `competitor`, and `event_type`: "churn", the reason where that is one of
        `COMPETING`, null while the account stays.
    """
    said = _statements(book)
    if said is None:
        nothing = ibis.null("string")
        found = spells.mutate(reason=nothing, competitor=nothing)
    else:
        pairs = spells.filter(spells.ended_day.notnull()).join(said, "account_id")
        near = pairs.said_day >= pairs.silent_day - _NEAR_DAYS
        stated = pairs.is_other & (pairs.known_day == pairs.ended_day)
        pairs = pairs.filter(
            pairs.known_day <= pairs.ended_day,
            pairs.said_day <= pairs.ended_day,
            (pairs.said_day >= pairs.started_day) & near | stated,
        )
        key = ["account_id", "spell_no"]
        last = [ibis.desc("said_day"), ibis.desc("known_day"), ibis.desc("value"), "reason"]
        given = pairs.filter(pairs.reason.notnull())
        why = latest(given, key, ["source", ibis.desc("is_other"), *last])
        rival = pairs.filter(pairs.competitor.notnull())
        who = latest(rival, key, [*last[:2], "competitor"])
        found = spells.left_join(why.select(*key, "reason"), key).drop(
            "account_id_right", "spell_no_right"
        )
        found = found.left_join(who.select(*key, "competitor"), key)
        found = found.drop("account_id_right", "spell_no_right")
    kind = found.reason.isin(COMPETING).fill_null(False).ifelse(found.reason, "churn")
    return found.mutate(event_type=found.ended_day.isnull().ifelse(ibis.null("string"), kind))


def _statements(book: Book) -> ir.Table | None:
    """Return all reasons and competitors on record; `source` 0 is a contract, 1 a defection."""
    parts = []
    if book.has("contracts", "ended_on", "end_reason"):
        rows = in_force(book)
        rows = rows.filter(rows.reason_day.notnull())
        parts.append(
            rows.select(
                "account_id", source=ibis.literal(0, "int64"), said_day=rows.last_day,
                known_day=ibis.greatest(rows.reason_day, rows.known_day), reason=rows.reason,
                competitor=ibis.null("string"), value=rows.value_per_year,
            )
        )  # fmt: skip
    if book.has("defections"):
        rows = _defections(book)
        parts.append(
            rows.select(
                "account_id", source=ibis.literal(1, "int64"), said_day=rows.said_day,
                known_day=rows.known_day, reason=rows.reason, competitor=rows.competitor,
                value=ibis.literal(0.0),
            )
        )  # fmt: skip
    if not parts:
        return None
    said = parts[0] if len(parts) == 1 else parts[0].union(parts[1])
    return said.mutate(is_other=said.reason.isin(COMPETING).fill_null(False))


def _defections(book: Book) -> ir.Table:
    rows = owner(book, book["defections"])
    rows = rows.filter(rows.extent.fill_null("whole") == "whole")
    return rows.select(
        "account_id",
        "reason",
        "competitor",
        said_day=day_number(rows.date),
        known_day=day_number(known_on(book, "defections", rows, rows.date)),
    )
