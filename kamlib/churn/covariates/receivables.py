"""Late payment: what is past its due date, as it was known then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on
from kamlib.churn.covariates.orders import NOTHING
from kamlib.churn.covariates.stack import Source, entries, month_after, together


def overdue(book: Book) -> Source:
    """Return the share of open invoices that is overdue, and for how long it has been.

    Invoices above zero. A payment takes off the open balance when it is known, and off what is
    overdue when it is known and due. Measures: `open_balance`, `overdue_balance`, `overdue_days`
    (balance × number of the due day).
    """
    invoices = owner(book, book["invoices"])
    invoices = invoices.filter(invoices.amount > 0)
    issued = known_on(book, "invoices", invoices, invoices.issued_on)
    bills = invoices.select("invoice_id", "account_id", "amount", "due_on", issued=issued)
    payments = book["payments"]
    paid = payments.select(
        "invoice_id", part=payments.amount,
        paid=known_on(book, "payments", payments, payments.date),
    )  # fmt: skip
    paid = paid.join(bills, "invoice_id")
    paid = paid.mutate(paid=ibis.greatest(paid.paid, paid.issued))
    parts = [
        *_flows(bills, bills.issued, bills.amount),
        *_flows(paid, paid.paid, -paid.part),
    ]
    names = ("open_balance", "overdue_balance", "overdue_days")
    return Source(together(parts), _of_balances, sums=names)


def _flows(rows: ir.Table, known: Any, amount: Any) -> list[ir.Table]:
    """Return a change of the open balance, and of what is overdue once the due date is over."""
    due = ibis.greatest(known, rows.due_on)
    return [
        entries(rows, month_after(known), day_number(known), open_balance=amount),
        entries(
            rows, month_after(due), day_number(due), overdue_balance=amount,
            overdue_days=amount * day_number(rows.due_on).cast("float64"),
        ),
    ]  # fmt: skip


def _of_balances(rows: ir.Table) -> Mapping[str, Any]:
    late, open_ = rows.overdue_balance, rows.open_balance
    # what was paid too much on one invoice does not make another one less overdue than nothing
    share = ibis.least(late / open_.nullif(0.0), 1.0)
    since = rows.start_day.cast("float64") - rows.overdue_days / late.nullif(0.0)
    is_late = (late > NOTHING) & (open_ > NOTHING)
    return {
        "share_overdue": is_late.ifelse(share, 0.0),
        "mean_days_overdue": is_late.ifelse(ibis.greatest(since, 0.0), 0.0),
    }
