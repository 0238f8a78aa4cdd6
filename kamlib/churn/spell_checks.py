"""What must hold of spells for their figures to be trusted."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number
from kamlib.churn.contracts import wait_days
from kamlib.churn.spells import Spells
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check

_SOON_DAYS = 92  # who is seen so soon after the records begin may have been there before
_FEW = 0.10  # share of ends with a reason that may be taken back


def spell_checks(book: Book, rules: ChurnParams, spells: Spells) -> tuple[Check, ...]:
    """Return whether spells cover the business, know their beginnings, and trust reasons rightly.

    Three checks: accounts that buy without ever being a customer by the definition; accounts that
    were there when the records began, nobody knows since when; and, where a reason declares the end
    of a contract at once, ends that a new contract took back within the grace.
    """
    checks = [_covered(book, spells), _starts(book, spells)]
    if spells.definition == "contracts" and wait_days(book, rules) == 0:
        checks.append(_reasons(rules, spells))
    return tuple(checks)


def _covered(book: Book, spells: Spells) -> Check:
    lines = owner(book, book["transactions"])
    left_out = lines.anti_join(spells.table, "account_id")
    found = left_out.aggregate(n=left_out.account_id.nunique(), revenue=left_out.amount.sum())
    n, revenue = found.execute().iloc[0]
    if not n:
        return Check("accounts_covered", True, Sentence("spells.all_covered"))
    whole = float(lines.amount.sum().execute())
    values = {"n": int(n), "share": float(revenue) / whole if whole else None}
    return Check("accounts_covered", False, Sentence("spells.not_covered", values))


def _starts(book: Book, spells: Spells) -> Check:
    people = owner(book, book["accounts"])
    won = people.group_by("account_id").agg(won_on=people.onboarded_on.min())
    rows = spells.table.filter(spells.table.spell_no == 1).left_join(won, "account_id")
    soon = ibis.date(spells.records_from + timedelta(days=_SOON_DAYS))
    early = (rows.entered_on < soon) & (rows.started_on == rows.entered_on) & rows.won_on.isnull()
    n, of = (int(v) for v in rows.aggregate(n=_count(early), of=rows.count()).execute().iloc[0])
    values = {"n": n, "of": of, "start": spells.records_from}
    key = "spells.start_unknown" if n else "spells.start_known"
    return Check("starts_known", n == 0, Sentence(key, values))


def _reasons(rules: ChurnParams, spells: Spells) -> Check:
    table = spells.table
    order = ibis.window(group_by="account_id", order_by="spell_no")
    rows = table.mutate(back=table.entered_on.lead().over(order))
    told = (rows.ended_on == rows.silent_since) & rows.reason.notnull()
    gap = day_number(rows.back) - day_number(rows.ended_on)
    soon = told & (gap <= rules.renewal_grace_days + 1).fill_null(False)
    n, of = (int(v) for v in rows.aggregate(n=_count(soon), of=_count(told)).execute().iloc[0])
    if not of:
        return Check("reasons_hold", None, Sentence("spells.no_reason"))
    values = {"n": n, "of": of, "days": rules.renewal_grace_days}
    passed = n <= _FEW * of
    key = "spells.reasons_hold" if passed else "spells.reasons_astray"
    return Check("reasons_hold", passed, Sentence(key, values))


def _count(condition: ir.BooleanColumn) -> ir.IntegerScalar:
    return condition.fill_null(False).ifelse(1, 0).sum().fill_null(0)
