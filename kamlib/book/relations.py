"""How the tables fit together: one currency, every account listed, references that lead somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir

from kamlib.book.raw import Origin
from kamlib.book.schemas import schema
from kamlib.errors import BookError
from kamlib.glossary import Sentence
from kamlib.params import Unit
from kamlib.results import Check

# accounts whose names may stand in a statement
_FEW = 5_000


def one_currency(unit: Unit, tables: Mapping[str, ir.Table]) -> str:
    """Return the currency of all money, of which these tables name one."""
    found: dict[str, str] = {}
    for name, table in tables.items():
        for code in table.select(code=table.currency.upper()).distinct().code.execute():
            if code:
                found.setdefault(code, name)
    strange = sorted(set(found) - {unit.currency}) if unit.currency else sorted(found)
    if strange and (unit.currency or len(strange) > 1):
        where = ", ".join(f"{code} in {found[code]}" for code in strange)
        raise BookError(
            f"currencies are mixed ({where}); state `currency`, and under `rates` what one unit of "
            "each other currency is worth in it"
        )
    return unit.currency or next(iter(found), "")


def known_renewals(contracts: ir.Table) -> ir.Table:
    """Make renewals unknown that are not there: they start later, or were set aside."""
    there = contracts.renewed_by.isin(contracts.view().contract_id)
    return contracts.mutate(renewed_by=there.ifelse(contracts.renewed_by, ibis.null("string")))


def every_account(origin: Origin, kept: Mapping[str, ir.Table]) -> tuple[ir.Table, list[Check]]:
    """Return the accounts with those added that are not listed, their attributes unknown."""
    made = _spelt_out(origin.stage(_unlisted(kept), "accounts_made"), origin)
    columns = schema("accounts").columns
    blank = {c: ibis.null(spec.dtype.type) for c, spec in columns.items() if c != "account_id"}
    every = made.mutate(**blank).select(*columns)
    if "accounts" not in kept:
        return every, []
    n = int(made.count().execute())
    if not n:
        return kept["accounts"], [Check("accounts_known", True, Sentence("book.accounts_known"))]
    sales = kept["transactions"]
    unknown = sales.semi_join(made, "account_id").amount.sum()
    part, whole = (float(total.fill_null(0.0).execute()) for total in (unknown, sales.amount.sum()))
    values = {"n": n, "revenue": part, "share": part / whole if whole else None}
    check = Check("accounts_known", False, Sentence("book.unknown_accounts", values))
    return kept["accounts"].union(every), [check]


def _spelt_out(made: ir.Table, origin: Origin) -> ir.Table:
    """Return a server's few accounts as names that travel with each statement.

    It holds no table of ours: what is not spelt out is gathered from all tables again in every statement.
    """
    if origin.staged:
        return made
    names = made.limit(_FEW + 1).execute().account_id.tolist()
    if len(names) > _FEW:
        return made
    return ibis.literal(names, "array<string>").unnest().name("account_id").as_table()


def every_invoice(kept: Mapping[str, ir.Table], as_of: date) -> list[Check]:
    """Return whether every payment has its invoice; one that has none is nobody's, and left out."""
    if not {"invoices", "payments"} <= kept.keys():
        return []
    payments = kept["payments"]
    stray = payments.anti_join(kept["invoices"], "invoice_id")
    found = stray.aggregate(n=stray.count(), paid=stray.amount.sum(), one=stray.invoice_id.min())
    n, paid, one = found.execute().iloc[0]
    if not n:
        return [Check("invoices_known", True, Sentence("book.invoices_known"))]
    whole = float(payments.amount.sum().execute())
    values = {"n": int(n), "paid": float(paid), "share": paid / whole if whole else None}
    values |= {"as_of": as_of, "one": one}
    return [Check("invoices_known", False, Sentence("book.unknown_invoices", values))]


def _unlisted(kept: Mapping[str, ir.Table]) -> ir.Table:
    """Return the `account_id` of every account that only tables other than `accounts` name."""
    named = [table.select("account_id") for name, table in kept.items()
             if name != "accounts" and "account_id" in table.columns]  # fmt: skip
    ids = ibis.union(*named).distinct()
    ids = ids.filter(ids.account_id.notnull())
    return ids.anti_join(kept["accounts"], "account_id") if "accounts" in kept else ids
