"""What was promised for a case: the first response by the standards that held when it was opened."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on
from kamlib.churn.covariates.standing import attribute_keys, tier_keys, tier_of, value_of

# what a standard may be limited to; an empty cell means any
_LIMITS = ("tier", "role", "stage", "kind", "severity")


def promised_hours(book: Book) -> ir.Table:
    """Return the cases for which a first response was promised.

    Of the standards that held on the day of the case and fit its tier, role, stage, kind and
    severity the most specific one counts, then the newest. Tier and role are those of the day; a
    case of an account without a tier fits no standard of a tier.

    Returns
    -------
    Table
        One row per case with a promise: `account_id`, `opened_at`, `first_response_at`, `known` (day
        on which the case was known), `promised_h`.
    """
    standards = _standards(book)
    cases = owner(book, book["service_events"])
    cases = cases.mutate(
        known=known_on(book, "service_events", cases, cases.opened_at),
        opened_on=cases.opened_at.cast("date"),
    )
    for attribute in ("tier", "role"):
        needed = bool(standards[attribute].notna().any())
        cases = _dated(book, cases, attribute) if needed else cases
    branches = [(_fits(cases, row), float(row["first_response_h"])) for row in
                standards.to_dict("records")]  # fmt: skip
    hours = ibis.cases(*branches, else_=None) if branches else ibis.null("float64")
    cases = cases.mutate(promised_h=hours.cast("float64"))
    cases = cases.filter(cases.promised_h.notnull())
    return cases.select("account_id", "opened_at", "first_response_at", "known", "promised_h")


def _standards(book: Book) -> pd.DataFrame:
    """Return the promises of a first response, the one that counts first on top."""
    rows = book["standards"]
    rows = rows.filter(rows.first_response_h.notnull())
    rows = rows.mutate(since=known_on(book, "standards", rows, rows.valid_from))
    frame: pd.DataFrame = rows.select(*_LIMITS, "since", "valid_from", "first_response_h").execute()
    frame["specific"] = frame[list(_LIMITS)].notna().sum(axis=1)
    return frame.sort_values(
        ["specific", "valid_from", "first_response_h"], ascending=[False, False, True]
    )


def _fits(cases: ir.Table, standard: dict[Any, Any]) -> Any:
    fits = cases.opened_on >= ibis.date(pd.Timestamp(standard["since"]).date())
    for limit in _LIMITS:
        if pd.notna(standard[limit]):
            fits = fits & (cases[limit] == standard[limit]).fill_null(False)
    return fits


def _dated(book: Book, cases: ir.Table, attribute: str) -> ir.Table:
    """Return cases with the tier or role of their account on the day on which they were opened."""
    is_tier = attribute == "tier"
    said = tier_keys(book) if is_tier else attribute_keys(book, attribute)
    said = said.select("account_id", event_id=ibis.null("string"), day=said.known, key=said.key)
    own = cases.select(
        "account_id", "event_id", day=cases.opened_on, key=ibis.null(said.key.type())
    )
    both = own.union(said).mutate(day=lambda t: day_number(t.day))
    # a decision of the day itself counts: rows of one day are peers
    so_far = ibis.range_window(group_by="account_id", order_by="day", preceding=None, following=0)
    both = both.mutate(key=both.key.max().over(so_far))
    both = both.filter(both.event_id.notnull())
    found = both.select("event_id", **{attribute: (tier_of if is_tier else value_of)(both.key)})
    return cases.left_join(found, "event_id").drop("event_id_right")
