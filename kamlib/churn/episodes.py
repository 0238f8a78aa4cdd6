"""Account-months at risk: how the month ended, and what was known of the account before it began.

Time runs in days since the spell began, counted at the ends of days: a row covers the days after
`entry_days` up to `duration_days`, both included in neither the row before nor the row after. An event
falls at the end of its day, so an account that is won and lost on one day lasted one day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

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
from kamlib.churn.covariates import COVARIATES, MONTH, carried, sources, unknown
from kamlib.churn.engine import settled
from kamlib.churn.partial import dropped_lines, low, marked, partial_losses, partial_source
from kamlib.churn.spells import Spells
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check

_YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """What models of churn read, in the book's engine.

    Attributes
    ----------
    table
        One row per account, spell and month at risk; see `episodes`.
    living
        One row per account that stays at the end of `as_of`, with all that is known of it then:
        what a forecast from that day on reads. Columns as in `table`, without those of an end;
        `duration_days` is its age.
    partial
        Partial losses; see `partial.partial_losses`.
    checks
        Covariates that are unknown, and what would bring them.
    """

    table: ir.Table
    living: ir.Table
    partial: ir.Table
    checks: tuple[Check, ...]


def episodes(book: Book, rules: ChurnParams, spells: Spells) -> Episodes:
    """Account-months at risk, with covariates known before the month.

    Months before a spell's `at_risk_from` are left out: the definition cannot declare a loss there.
    Every covariate rests on rows that were dated and recorded before the first day of the month. Of
    the account it knows what is dated: `tier_decisions`, `programme`, `account_history`.

    Under own_rhythm and fixed_months a loss is a silence, and silence shows before it is declared:
    covariates that `covariates.leaking` names must not be fed to a model of these rows, and any
    forecast is fitted to accounts that were not silent at a landmark.

    Parameters
    ----------
    book, rules
        Of one unit.
    spells
        What `spells.spells` returns for them.

    Returns
    -------
    Episodes
        Its table has one row per account, spell and calendar month at risk: `account_id`,
        `spell_no`, `month` (its first day), `ends_on` (last day of the row), `entry_days` (left
        truncation included), `duration_days`, `event` (1: churn, 0: none), `event_type` ("churn",
        or why the row ends without one: "insolvent", "merged", "ended_by_us"; null: goes on),
        `known_on` (last day on which anything in the row came to be known). And the covariates:

        `tenure_at_entry` (years from the start of the spell to when it was first seen);
        `partial_loss` (1: spending is low, a line is dropped, or one is on record in this spell; see
        `partial`); `log_revenue_12m` (natural logarithm of the revenue of twelve months, of a
        newer account at the rate of a year), `price_realisation` (net ÷ list, twelve months), `breadth`
        (product lines bought in twelve months), `revenue_trend` (revenue of three months × 4 ÷ that
        of twelve; null in the first year), `days_since_last` (order); `open_complaints`, `complaints_3m`,
        `late_responses_6m` (first responses later than promised), `standard_broken`,
        `standard_broken_again` (1: one, two such in this spell); `weeks_since_visit`;
        `satisfaction` (0 to 10, as last answered); `manager_left_6m`, `manager_rotated_6m` (1:
        yes); `share_overdue` (of open invoices), `mean_days_overdue` (by amount);
        `contract_due` (1: a longer contract ends within `due_months`), `days_to_due` (of the next
        contract of more than a month), `monthly_contract`, `notice_given` (1: yes);
        `programme_level` (0: none), `tier_in_force`, `role`, `segment`, `region`. Windows are
        calendar months. Null: unknown, or the table is missing.
    """
    drops = dropped_lines(book, rules, spells.facts)
    some = [*sources(book, rules, spells.facts), partial_source(book, drops)]
    table = _spells(book, spells)
    asked = each_month(table, table.entered_month, table.last_month + 1, MONTH)
    months = low(carried(asked, some), rules)
    within = (months[MONTH] >= table.entered_month) & (months[MONTH] <= table.last_month)
    rows = months.join(table, ["account_id", within])
    # what is known at the end of as_of is known on the morning after, whatever the month
    start = ibis.least(day_number(month_start(rows[MONTH])), day_count(book.as_of) + 1)
    rows = marked(rows.mutate(start_day=start))
    values: dict[str, Any] = {}
    for source in some:
        values |= source.covariates(rows)
    values["tenure_at_entry"] = (rows.entered_day - rows.started_day).cast("float64") / _YEAR_DAYS
    values["partial_loss"] = rows.partial_loss
    lacking = unknown(book)
    known = {one.name: values[one.name] for one in COVARIATES if one.name not in lacking}
    # windows over a spell need all of its months: rows are chosen after the covariates are made
    full = _timed(book, rows).select(
        *_ROW, "is_at_risk", "spend_fell", known_on=day_of(rows.known_day), **known
    )
    full = settled(book, full, "account_months", spells.facts.cuts)
    full = full.mutate({c.name: ibis.null(c.kind) for c in COVARIATES if c.name in lacking})
    names = [one.name for one in COVARIATES]
    is_to_come = full.month > ibis.date(book.as_of)
    living = full.filter(is_to_come)
    table = full.filter(~is_to_come, full.is_at_risk)
    return Episodes(
        table.select(*_ROW, "known_on", *names),
        living.select("account_id", "spell_no", "duration_days", "known_on", *names),
        settled(book, partial_losses(book, spells.table, full, drops), "partial_losses"),
        (_covariates_check(lacking),),
    )


_ROW = (
    "account_id", "spell_no", "month", "ends_on", "entry_days", "duration_days", "event",
    "event_type",
)  # fmt: skip


def _spells(book: Book, spells: Spells) -> ir.Table:
    """Return spells in numbers; for the living the month that comes is their last."""
    table = spells.table
    over = table.ended_on.notnull()
    last = over.ifelse(month_number(table.ended_on), month_count(book.as_of) + 1)
    return table.select(
        "account_id",
        "spell_no",
        "event_type",
        started_day=day_number(table.started_on),
        entered_day=day_number(table.entered_on),
        risk_day=day_number(table.at_risk_from),
        ended_day=day_number(table.ended_on),
        entered_month=month_number(table.entered_on),
        last_month=last,
    )


def _timed(book: Book, rows: ir.Table) -> ir.Table:
    """Return the rows with their times, whether they lie at risk, and how they end."""
    final = rows.ended_day.fill_null(day_count(book.as_of))
    month_end = day_number(month_start(rows[MONTH] + 1)) - 1
    rows = rows.mutate(
        from_day=ibis.greatest(rows.start_day, rows.risk_day), to_day=ibis.least(month_end, final)
    )
    ends = (rows.to_day == rows.ended_day).fill_null(False)
    kind = ends.ifelse(rows.event_type, ibis.null("string"))
    return rows.mutate(
        is_at_risk=rows.from_day <= rows.to_day,
        month=month_start(rows[MONTH]),
        ends_on=day_of(rows.to_day),
        entry_days=rows.from_day - rows.started_day,
        duration_days=rows.to_day - rows.started_day + 1,
        event_type=kind,
        event=(kind == "churn").fill_null(False).ifelse(1, 0).cast("int64"),
    )


def _covariates_check(lacking: dict[str, str]) -> Check:
    if not lacking:
        return Check(
            "covariates_known", True, Sentence("episodes.all_known", {"n": len(COVARIATES)})
        )
    tables = ", ".join(dict.fromkeys(lacking.values()))
    values = {"n": len(lacking), "of": len(COVARIATES), "tables": tables}
    frame = pd.DataFrame({"term": list(lacking), "table": list(lacking.values())})
    return Check("covariates_known", False, Sentence("episodes.unknown", values), frame)
