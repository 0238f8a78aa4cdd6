"""What service did: complaints open and recent, and first responses later than promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on, month_number
from kamlib.churn.covariates.promises import promised_hours
from kamlib.churn.covariates.stack import Source, during, entries, month_after, together
from kamlib.churn.engine import ONE, flag

COMPLAINTS_MONTHS = 3
LATE_MONTHS = 6


def complaints(book: Book) -> Source:
    """Return complaints that are open, and those opened in three calendar months.

    A case is open from the day on which it was known to the day on which it was resolved, and again
    where it was reopened after that. Measures: `open_complaints`, `complaints_3m`.
    """
    rows = owner(book, book["service_events"])
    rows = rows.filter(rows.kind == "complaint")
    known = known_on(book, "service_events", rows, rows.opened_at)
    rows = rows.mutate(
        known=known,
        closed=ibis.greatest(rows.resolved_at.cast("date"), known),
        again=(rows.reopened_at > rows.resolved_at).ifelse(
            ibis.greatest(rows.reopened_at.cast("date"), known), ibis.null("date")
        ),
    )
    opened = month_after(rows.known)
    # greatest() passes over what is unknown, and an open case has no end
    closed = rows.resolved_at.isnull().ifelse(ibis.null("int64"), month_after(rows.closed))
    back = rows.filter(rows.again.notnull())
    parts = [
        during(rows, opened, closed, day_number(rows.known), open_complaints=ONE),
        entries(back, month_after(back.again), day_number(back.again), open_complaints=ONE),
        during(
            rows, opened, month_number(rows.opened_at) + 1 + COMPLAINTS_MONTHS,
            day_number(rows.known), complaints_3m=ONE,
        ),
    ]  # fmt: skip
    names = ("open_complaints", "complaints_3m")
    return Source(together(parts), lambda t: {n: t[n] for n in names}, sums=names)


def late_responses(book: Book) -> Source:
    """Return first responses later than promised; measures: `late_responses_6m`, `n_broken`.

    A promise breaks at the hour promised if no response was given by then, and counts from then on.
    """
    rows = promised_hours(book)
    due = rows.opened_at + (rows.promised_h * 3600).round().cast("int64").as_interval("s")
    rows = rows.mutate(due=due)
    late = rows.first_response_at.isnull() | (rows.first_response_at > rows.due)
    # what falls due later is not broken yet
    rows = rows.filter(late, rows.due.cast("date") <= ibis.date(book.as_of))
    rows = rows.mutate(known=ibis.greatest(rows.due.cast("date"), rows.known))
    broken = month_after(rows.known)
    known = day_number(rows.known)
    parts = [
        entries(rows, broken, known, n_broken=ONE),
        during(
            rows, broken, month_number(rows.due) + 1 + LATE_MONTHS, known, late_responses_6m=ONE
        ),
    ]  # fmt: skip
    return Source(together(parts), _of_promises, sums=("n_broken", "late_responses_6m"))


def _of_promises(rows: ir.Table) -> Mapping[str, Any]:
    before = rows.n_broken.min().over(ibis.window(group_by=["account_id", "spell_no"]))
    broken = rows.n_broken - before
    return {
        "late_responses_6m": rows.late_responses_6m,
        "standard_broken": flag(broken >= 1),
        "standard_broken_again": flag(broken >= 2),
    }
