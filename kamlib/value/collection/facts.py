"""Facts of collection: what was sold, billed, due and paid, as known on a day.

Only invoices above zero are counted as owed; a credit note names no invoice that it settles, so that
credit notes stand apart. A payment counts up to the amount of its invoice.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import Window, evaluation_dates, owner
from kamlib.book import Book

BUCKETS = ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90")


def paid_by(book: Book, day: date) -> ir.Table:
    """Return every invoice above zero issued by `day` with what was paid on it by then.

    Returns
    -------
    Table
        One row per invoice: `invoice_id`, `account_id`, `issued_on`, `due_on`, `amount`,
        `disputed` (unknown counts as no), `paid` (at most the amount), `settled_on` (the payment
        that left less than half a cent open; null while open).
    """
    invoices = book["invoices"]
    invoices = invoices.filter(invoices.issued_on <= ibis.date(day), invoices.amount > 0)
    invoices = owner(book, invoices).mutate(disputed=invoices.disputed.fill_null(False))
    running = _running(book, day)
    joined = invoices.left_join(running, "invoice_id")
    left = joined.amount - joined.running < 0.005
    paid = joined.group_by("invoice_id").agg(
        paid=joined.running.max(), settled_on=joined.date.min(where=left)
    )
    out = invoices.left_join(paid, "invoice_id")
    return out.select(
        "invoice_id", "account_id", "issued_on", "due_on", "amount", "disputed", "settled_on",
        paid=ibis.greatest(ibis.least(out.paid.fill_null(0.0), out.amount), 0.0),
    )  # fmt: skip


def _running(book: Book, day: date) -> ir.Table:
    """Return what had been paid on each invoice by each day of a payment."""
    payments = book["payments"]
    payments = payments.filter(payments.date <= ibis.date(day))
    daily = payments.group_by("invoice_id", "date").agg(amount=payments.amount.sum())
    so_far = ibis.cumulative_window(group_by="invoice_id", order_by="date")
    running = daily.mutate(running=daily.amount.sum().over(so_far))
    return running.select("invoice_id", "date", "running")


def account_collection(book: Book, window: Window) -> ir.Table:
    """Return what each account bought, paid, owed and owes, as known at the window's end.

    Returns
    -------
    Table
        One row per account with a sale, a payment or an invoice up to then: `account_id`; `sales`
        and `collected` (payments) of the window; `fell_due` (invoices due within it) and `paid_due`
        (of these, paid by its end); `open_balance`, of which one column per age in `BUCKETS` by days
        past due, `disputed_balance`, `overdue_balance`, `n_open` invoices; `billed` and `credited`
        (invoices above and below zero issued within the window).
    """
    start, end = ibis.date(window.start), ibis.date(window.end)
    sold = owner(book, book["transactions"])
    sold = sold.filter(sold.date >= start, sold.date <= end)
    sold = sold.group_by("account_id").agg(sales=sold.amount.sum())
    issued = owner(book, book["invoices"])
    issued = issued.filter(issued.issued_on >= start, issued.issued_on <= end)
    issued = issued.group_by("account_id").agg(
        billed=issued.amount.sum(where=issued.amount > 0),
        credited=-issued.amount.sum(where=issued.amount < 0),
    )
    cash = book["payments"].join(book["invoices"].select("invoice_id", "account_id"), "invoice_id")
    cash = owner(book, cash.filter(cash.date >= start, cash.date <= end))
    cash = cash.group_by("account_id").agg(collected=cash.amount.sum())
    owed = _owed(book, window)
    every = ibis.union(*(t.select("account_id") for t in (sold, issued, cash, owed)), distinct=True)
    out = every
    for part in (sold, issued, cash, owed):
        out = out.left_join(part, "account_id").drop("account_id_right")
    return out.mutate(**{c: out[c].fill_null(0) for c in out.columns if c != "account_id"})


def _owed(book: Book, window: Window) -> ir.Table:
    end = ibis.date(window.end)
    invoices = paid_by(book, window.end)
    rest = invoices.amount - invoices.paid
    invoices = invoices.mutate(
        rest=(rest < 0.005).ifelse(0.0, rest), late=end.delta(invoices.due_on, unit="day")
    )
    late = invoices.late
    ages = (late <= 0, late.between(1, 30), late.between(31, 60), late.between(61, 90), late > 90)
    due = (invoices.due_on >= ibis.date(window.start)) & (invoices.due_on <= end)
    sums: dict[str, Any] = {
        name: invoices.rest.sum(where=age) for name, age in zip(BUCKETS, ages, strict=True)
    }
    return invoices.group_by("account_id").agg(
        fell_due=invoices.amount.sum(where=due),
        paid_due=invoices.paid.sum(where=due),
        open_balance=invoices.rest.sum(),
        overdue_balance=invoices.rest.sum(where=late > 0),
        disputed_balance=invoices.rest.sum(where=invoices.disputed),
        n_open=invoices.count(where=invoices.rest > 0),
        **sums,
    )


def days_to_settle(book: Book, window: Window) -> ir.Table:
    """Return how long invoices that fell due within a window took or have taken, as known at its end.

    Returns
    -------
    Table
        One row per `account_id`, `disputed`, `days_overdue` (from the due date to the settling
        payment or, while open, to the window's end; below zero: early) and `event` (1 settled, 0
        open): `n_invoices`.
    """
    start, end = ibis.date(window.start), ibis.date(window.end)
    invoices = paid_by(book, window.end)
    invoices = invoices.filter(invoices.due_on >= start, invoices.due_on <= end)
    until = invoices.settled_on.fill_null(end)
    counted = invoices.mutate(
        days_overdue=until.delta(invoices.due_on, unit="day").cast("int64"),
        event=invoices.settled_on.notnull().ifelse(1, 0),
    )
    return counted.group_by("account_id", "disputed", "days_overdue", "event").agg(
        n_invoices=counted.count()
    )


def year_to(day: date) -> Window:
    """Return the twelve months that end on a day.

    >>> year_to(date(2024, 12, 31)).start
    datetime.date(2024, 1, 1)
    """
    following = day + timedelta(days=1)
    return Window(following, following).before()


def rate_facts(book: Book, records: Window) -> ir.Table:
    """Return sales, cash, what fell due and what of it was paid, at each evaluation date.

    Returns
    -------
    Table
        One row per date: `evaluated_on`, `sales`, `collected`, `fell_due`, `paid_due`, each over
        the twelve months that end there and as known then. Records of less than a year have one
        row, for `as_of`.
    """
    dates = evaluation_dates(records.start, book.as_of) or [book.as_of]
    running = _running(book, dates[-1])
    before = ibis.window(group_by="invoice_id", order_by="date")
    previous = running.running.lag().over(before).fill_null(0.0)
    invoices = book["invoices"].filter(book["invoices"].amount > 0)
    paid = running.mutate(previous=previous).join(invoices, "invoice_id")
    applied = ibis.least(paid.running, paid.amount) - ibis.least(paid.previous, paid.amount)
    paid = paid.select("due_on", "date", applied=applied)
    sales, payments = book["transactions"], book["payments"]
    known = payments.semi_join(book["invoices"], "invoice_id")
    rows = []
    for day in dates:
        start, end = ibis.date(year_to(day).start), ibis.date(day)
        one = [
            sales.aggregate(sales=sales.amount.sum(where=sales.date.between(start, end))),
            known.aggregate(collected=known.amount.sum(where=known.date.between(start, end))),
            invoices.aggregate(
                fell_due=invoices.amount.sum(where=invoices.due_on.between(start, end)
                                             & (invoices.issued_on <= end))
            ),
            paid.aggregate(
                paid_due=paid.applied.sum(where=paid.due_on.between(start, end)
                                          & (paid.date <= end))
            ),
        ]  # fmt: skip
        row = one[0].cross_join(*one[1:])
        rows.append(row.mutate(**{c: row[c].fill_null(0.0) for c in row.columns},
                               evaluated_on=end))  # fmt: skip
    return ibis.union(*rows) if len(rows) > 1 else rows[0]
