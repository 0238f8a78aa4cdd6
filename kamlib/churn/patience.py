"""Patience: how long the definition waits for the next order of an account before it is lost."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from kamlib.book import Book
from kamlib.churn.clock import day_of
from kamlib.churn.covariates import MONTH, Source, carried
from kamlib.churn.covariates.stack import entries, month_after
from kamlib.churn.silence import fixed_months, own_rhythm
from kamlib.churn.spells import Spells
from kamlib.churn.statements import stated_ends
from kamlib.params import ChurnParams

PATIENCE = "patience_days"
# three numbers of days in one, of which the first says which entry is the last
_WAIT, _PLACE, _ZERO = 10_000, 10_000_000, 100_000


def patience(book: Book, rules: ChurnParams, spells: Spells, months: ir.Table) -> ir.Table:
    """Return how long accounts may stay silent, as known before each month.

    Only under definitions by silence: under contracts the day of a loss hangs on an end that may
    come to be known long after the contract began.

    Parameters
    ----------
    book, rules, spells
        Of one unit and one definition.
    months
        `account_id`, `month_no`.

    Returns
    -------
    Table
        One row per account and month: `account_id`, `month_no`, `last_day` (number of the day of
        the last order) and `patience_days` (days of silence after which it is lost); null before
        the first order.
    """
    ends = stated_ends(book)
    if spells.definition == "own_rhythm":
        steps = own_rhythm(book, rules, spells.facts, ends)
    else:
        steps = fixed_months(book, rules, spells.facts, ends)
    steps = steps.filter(steps.is_sign)
    key = (
        (steps.known_day + _ZERO) * _PLACE * _WAIT
        + (steps.last_day - steps.known_day + _ZERO) * _WAIT
        + (steps.lost_day - steps.last_day)
    )
    told = entries(steps, month_after(day_of(steps.known_day)), steps.known_day, wait_key=key)
    source = Source(told, lambda t: {}, lasts=("wait_key",))
    found = months.join(carried(months, [source]), ["account_id", MONTH])
    wait: Any = found.wait_key % _WAIT
    rest: Any = (found.wait_key - wait) / _WAIT
    rest = rest.cast("int64")
    away = rest % _PLACE
    known = ((rest - away) / _PLACE).cast("int64") - _ZERO
    return found.select(
        "account_id", MONTH, last_day=known + away - _ZERO, **{PATIENCE: wait.cast("int64")}
    )
