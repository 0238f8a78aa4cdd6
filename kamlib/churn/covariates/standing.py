"""Who an account is and where it stands with us: tier, programme level, role, segment, region.

Only what is dated counts: `tier_decisions`, `programme`, `account_history`. What a table of today says
of the past is no predictor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on
from kamlib.churn.covariates.stack import Source, during, entries, month_after
from kamlib.churn.engine import flag

LEVELS = (1, 2, 3)
# of two decisions of one day the first by name counts, as in accounts.tiers
_TIERS = {"gold": 4, "iron": 3, "lead": 2, "platinum": 1}
_DATE_LENGTH = 10


def tier(book: Book) -> Source:
    """Return the tier in force, as the firm decided it; measure: `tier_key`."""
    rows = tier_keys(book)
    rows = entries(rows, month_after(rows.known), day_number(rows.known), tier_key=rows.key)
    return Source(rows, lambda t: {"tier_in_force": tier_of(t.tier_key)}, lasts=("tier_key",))


def tier_keys(book: Book) -> ir.Table:
    """Return the tier decisions: `account_id`, `known` (day), `key`, the largest of which counts."""
    rows = owner(book, book["tier_decisions"])
    code = ibis.cases(*((rows.tier == name, n) for name, n in _TIERS.items()), else_=0)
    return rows.select(
        "account_id",
        known=known_on(book, "tier_decisions", rows, rows.valid_from),
        key=day_number(rows.valid_from) * 8 + code,
    )


def tier_of(key: Any) -> Any:
    """Return the tier that a key of `tier_keys` stands for."""
    return ibis.cases(*((key % 8 == n, name) for name, n in _TIERS.items()), else_=None)


def attribute(book: Book, name: str) -> Source:
    """Return an attribute as `account_history` dates it; its measure is `<name>_key`."""
    rows, key = attribute_keys(book, name), f"{name}_key"
    rows = entries(rows, month_after(rows.known), day_number(rows.known), **{key: rows.key})
    return Source(rows, lambda t: {name: value_of(t[key])}, lasts=(key,))


def attribute_keys(book: Book, name: str) -> ir.Table:
    """Return the values of an attribute: `account_id`, `known` (day), `key`, the largest counts."""
    rows = owner(book, book["account_history"])
    rows = rows.filter(rows.attribute == name)
    return rows.select(
        "account_id",
        known=known_on(book, "account_history", rows, rows.valid_from),
        key=rows.valid_from.strftime("%Y-%m-%d") + rows.value.fill_null(""),
    )


def value_of(key: Any) -> Any:
    """Return the value that a key of `attribute_keys` stands for."""
    return key.substr(_DATE_LENGTH).nullif("")


def programme(book: Book) -> Source:
    """Return the highest programme level in force, 0 for none; measures: `n_level_<level>`.

    The last day of a membership still counts, so that a rise from one day to the next is no gap.
    """
    rows = owner(book, book["programme"])
    known = known_on(book, "programme", rows, rows.enrolled_on)
    rows = rows.mutate(
        known=known,
        over=ibis.greatest((rows.left_on + ibis.interval(days=1)).cast("date"), known),
    )
    # greatest() passes over what is unknown, and who has not left is still in
    after = rows.left_on.isnull().ifelse(ibis.null("int64"), month_after(rows.over))
    at = {f"n_level_{n}": flag(rows.level == n) for n in LEVELS}
    rows = during(rows, month_after(rows.known), after, day_number(rows.known), **at)
    return Source(rows, _of_programme, sums=tuple(at))


def _of_programme(rows: ir.Table) -> Mapping[str, Any]:
    held = [(rows[f"n_level_{n}"] > 0, n) for n in reversed(LEVELS)]
    return {"programme_level": ibis.cases(*held, else_=0).cast("float64")}
