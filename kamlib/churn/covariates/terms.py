"""Contracts in force: whether one runs out soon, is monthly, or has been given notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.book import Book
from kamlib.churn.clock import (
    day_count,
    day_number,
    day_of,
    each_month,
    month_count,
    month_number,
    month_start,
)
from kamlib.churn.contracts import in_force
from kamlib.churn.covariates.stack import KNOWN, MONTH, Source
from kamlib.churn.engine import flag
from kamlib.params import ChurnParams

_MONTHLY_DAYS = 31


def due(book: Book, rules: ChurnParams) -> Source:
    """Return what the contracts in force on the last day before a month say.

    A contract counts as due where its term is longer than `due_months`, so that a monthly one is not
    always due. Measures: `next_end`, `next_long_end` (negative numbers of the nearest planned ends
    in the month or later), `is_longer` (1: a contract of more than a month), `has_notice` (1: yes).
    """
    rows = in_force(book)
    first = month_number(day_of(rows.known_day)) + 1
    # still in force on the last day before the month; of the month after as_of, on the day of as_of
    after = month_number(day_of(rows.last_day + 1)) + 1
    now = month_count(book.as_of) + 1
    after = ibis.greatest(after, (rows.last_day > day_count(book.as_of)).ifelse(now + 1, 0))
    rows = each_month(rows, first, after, "month")
    starts = ibis.least(day_number(month_start(rows.month)), day_count(book.as_of) + 1)
    term = rows.ends_day - rows.starts_day + 1
    long = term > 31 * rules.due_months
    ahead = rows.ends_day >= starts
    none = ibis.null("int64")
    notice = (rows.notice_day < starts).fill_null(False)
    told = rows.select(
        "account_id",
        **{MONTH: rows.month, KNOWN: notice.ifelse(
            ibis.greatest(rows.known_day, rows.notice_day), rows.known_day)},
        next_end=(ahead & (term > _MONTHLY_DAYS)).ifelse(-rows.ends_day, none),
        next_long_end=(ahead & long).ifelse(-rows.ends_day, none),
        is_longer=(term > _MONTHLY_DAYS).ifelse(1, 0).cast("int64"),
        has_notice=notice.ifelse(1, 0).cast("int64"),
    )  # fmt: skip
    measures = ("next_end", "next_long_end", "is_longer", "has_notice")
    return Source(told, lambda t: _of_terms(t, rules), now=measures)


def _of_terms(rows: ir.Table, rules: ChurnParams) -> Mapping[str, Any]:
    until = day_number(month_start(rows[MONTH] + rules.due_months))
    is_due = -rows.next_long_end < until
    return {
        "days_to_due": (-rows.next_end - rows.start_day).cast("float64"),
        "contract_due": flag(is_due),
        "monthly_contract": flag(rows.is_longer == 0),
        "notice_given": flag(rows.has_notice == 1),
    }
