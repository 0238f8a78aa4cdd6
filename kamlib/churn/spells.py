"""Spells of accounts: when the relation began, when it was first seen, when and why it ended.

Everything is as it was known on its day. The event falls on the day of declaration, at whose end the
definition says that the account is lost; rows recorded later change nothing about it. So a book cut at
an earlier day gives the same ends up to that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, day_of, known_on
from kamlib.churn.contracts import contract_steps, wait_days
from kamlib.churn.engine import settled
from kamlib.churn.month_facts import MonthFacts, month_facts
from kamlib.churn.runs import runs
from kamlib.churn.silence import fixed_months, months_later, own_rhythm
from kamlib.churn.statements import stated_ends, with_reasons
from kamlib.errors import FitError
from kamlib.params import ChurnParams

Definition = Literal["contracts", "own_rhythm", "fixed_months"]


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """Spells of all accounts of a book under one definition.

    Attributes
    ----------
    table
        One row per account and spell, in the book's engine; see `spells`.
    definition
        When an account is lost.
    records_from
        First day of which the records tell who left.
    facts
        The orders of the book by month.
    """

    table: ir.Table
    definition: Definition
    records_from: date
    facts: MonthFacts


def spells(book: Book, rules: ChurnParams, facts: MonthFacts | None = None) -> Spells:
    """Spells of each account: its times as a customer, as they were known day by day.

    contracts
        A spell is under contract, parallel contracts and gaps up to the grace included
        (`contracts.contract_steps`); accounts without a contract have none.
    own_rhythm, fixed_months
        A spell goes from order to order without a silence that is a loss (`silence`).

    Insolvency, merger and endings by us that `defections` states end a spell on the day on which
    they were known, under every definition. What comes after a declared loss is a new spell.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    rules
        Section `churn_survival` of the parameters.
    facts
        Its orders by month, where they are at hand.

    Returns
    -------
    Spells
        Its table has one row per account and spell that did not end before the records begin:
        `account_id`; `spell_no` (1, 2, …); `started_on` (first order or contract, of the first spell
        the day on which the account was won, where no loss lies between); `entered_on` (first day on
        which it was seen: not before the records begin, left truncation); `at_risk_from` (first
        day on which the definition can declare a loss); `ended_on` (declaration; null: the account
        stays, right censoring at `as_of`); `silent_since` (last order or last day in force; null:
        stays); `event_type` ("churn", "insolvent", "merged", "ended_by_us"; null: stays); `reason`
        and `competitor` as known when it ended.

    Raises
    ------
    FitError
        The definition needs a table that the unit lacks, or nothing was known by `as_of`.
    """
    chosen = definition_of(book, rules)
    if chosen == "contracts" and not book.has("contracts"):
        raise FitError(
            "churn_survival.definition: 'contracts' needs the table contracts, which the unit lacks; give it, "
            "or choose own_rhythm or fixed_months"
        )
    start = records_from(book, rules)
    if start > book.as_of:
        raise FitError(
            f"churn: the records begin on {start} and the study looks at {book.as_of}, before "
            "anything was known; choose a later as_of, or an earlier churn_survival.records_from"
        )
    facts, ends = facts or month_facts(book), stated_ends(book)
    if chosen == "contracts":
        found = runs(contract_steps(book, rules, ends), ["account_id"])
        tolerance, wait = rules.renewal_grace_days, wait_days(book, rules)
        earliest = found.anchor_day + wait
    elif chosen == "own_rhythm":
        found = runs(own_rhythm(book, rules, facts, ends), ["account_id"])
        tolerance = rules.cap_days
        earliest = found.anchor_day + rules.floor_days + 1
    else:
        found = runs(fixed_months(book, rules, facts, ends), ["account_id"])
        tolerance = 31 * rules.silent_months
        earliest = months_later(found.anchor_day, rules.silent_months)
    found = found.mutate(earliest=earliest)
    found = found.filter(found.ended_day >= day_count(start)).rename(spell_no="run")
    found = _started(book, found, day_count(start), tolerance)
    none = ibis.null("int64")
    over = found.ended_day <= day_count(book.as_of)
    entered = ibis.greatest(found.started_day, found.open_day, day_count(start))
    found = found.mutate(
        entered_day=entered,
        risk_day=ibis.greatest(entered, found.earliest),
        ended_day=over.ifelse(found.ended_day, none),
        # the last sign of life may be a contract that was to run on
        silent_day=over.ifelse(ibis.least(found.silent_day, found.ended_day), none),
    )
    found = with_reasons(book, found)
    table = found.select(
        "account_id",
        "spell_no",
        started_on=day_of(found.started_day),
        entered_on=day_of(found.entered_day),
        at_risk_from=day_of(found.risk_day),
        ended_on=day_of(found.ended_day),
        silent_since=day_of(found.silent_day),
        event_type=found.event_type,
        reason=found.reason,
        competitor=found.competitor,
    )
    return Spells(settled(book, table, "spells"), chosen, start, facts)


def definition_of(book: Book, rules: ChurnParams) -> Definition:
    """Return the definition that is used: the one asked for, or the one that fits the unit.

    `auto` is contracts where accounts that have had a contract bring at least half of all revenue.
    """
    if rules.definition != "auto":
        return rules.definition
    if not book.has("contracts"):
        return "own_rhythm"
    lines = owner(book, book["transactions"])
    holders = owner(book, book["contracts"]).select("account_id").distinct()
    bound = lines.semi_join(holders, "account_id").amount.sum().fill_null(0.0)
    part, whole = (float(total.execute()) for total in (bound, lines.amount.sum()))
    return "contracts" if part >= whole / 2 else "own_rhythm"


def records_from(book: Book, rules: ChurnParams) -> date:
    """Return the first day of which the records tell who left: the first known order line."""
    if rules.records_from is not None:
        return rules.records_from
    lines = book["transactions"]
    first = known_on(book, "transactions", lines, lines.date).min().execute()
    return pd.Timestamp(first).date()


def _started(book: Book, found: ir.Table, start: int, tolerance: int) -> ir.Table:
    """Return spells with the day on which each began.

    The day on which an account was won counts for its first spell, where it was a customer from
    then on as far as is known: its first sign of life came before the records do, or soon after.
    """
    people = owner(book, book["accounts"])
    won = people.group_by("account_id").agg(won_on=people.onboarded_on.min())
    won = won.select("account_id", won_day=day_number(won.won_on))
    found = found.left_join(won, "account_id").drop("account_id_right")
    first: Any = found.first_day
    soon = first <= ibis.greatest(found.won_day, start) + tolerance + 1
    from_won = ((found.won_day <= first) & soon).fill_null(False)
    started = from_won.ifelse(found.won_day, first)
    return found.mutate(started_day=(found.spell_no == 1).ifelse(started, found.open_day))
