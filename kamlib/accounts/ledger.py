"""The account × month ledger: what every study stands on.

For account i and month m, with sums over what is dated within m:

* revenue = Σ net amount; margin = Σ (net amount − cost) over lines whose cost is known;
* service cost = Σ cost of service events (else minutes ÷ 60 × the hourly rate of the parameters),
  compensation = Σ compensation, billed = Σ amounts billed for service, visit cost likewise;
* financing cost = Σ over days of the receivable balance × yearly rate ÷ 365, the balance being
  invoices issued less payments received, zero where the records begin;
* cost to serve = service cost + compensation − billed + visit cost + financing cost;
* contribution = margin − cost to serve.

A part whose table the unit lacks is unknown, not zero: its column is null, and `cost_to_serve` holds
the known parts only, which `parts` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.book import Book

MONEY = (
    "revenue", "revenue_costed", "margin", "service_cost", "compensation", "billed_amount",
    "visit_cost", "financing_cost",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """The ledger and what it is made of.

    Attributes
    ----------
    table
        One row per account and month from the account's first month to that of `as_of`: the
        columns `account_id`, `month` (its first day), `n_orders`, `n_lines`, `volume`
        (Σ |net amount|), `volume_costed`, the money columns of `MONEY`, `cost_to_serve`,
        `contribution`.
    parts
        Part of the cost to serve -> whether it is known.
    missing
        Part that is unknown -> the tables or columns that would bring it.
    has_cost
        Whether order lines carry their cost, so that there is a margin.
    """

    table: ir.Table
    parts: dict[str, bool]
    missing: dict[str, str]
    has_cost: bool

    @property
    def has_contribution(self) -> bool:
        """Whether margin and at least one part of the cost to serve are known."""
        return self.has_cost and any(self.parts.values())


def ledger(book: Book) -> Ledger:
    """Return the ledger of a book as an expression in the book's engine.

    Accounts count by themselves or, with `ledger.grain: parent_group`, under their parent's id.
    """
    parts, missing = _parts(book)
    flows = [_sales(book)]
    if parts["service"] or parts["compensation"] or parts["billed"]:
        flows.append(_service(book))
    if parts["visits"]:
        flows.append(_visits(book))
    if parts["financing"]:
        flows.append(_receivables(book))
    columns = ["account_id", "month", *_MEASURES]
    lined_up = [
        flow.select(**{c: flow[c] if c in flow.columns else ibis.null("float64") for c in columns})
        for flow in flows
    ]
    stacked = ibis.union(*lined_up) if len(lined_up) > 1 else lined_up[0]
    sparse = stacked.group_by("account_id", "month").agg(
        **{c: stacked[c].sum().fill_null(0.0) for c in _MEASURES}
    )
    dense = _dense(book, sparse)
    table = _with_results(book, dense, parts)
    if book.con.name == "duckdb":
        # under a name of its own: another ledger of the same book must not take its place
        table = book.con.create_table(ibis.util.gen_name("ledger"), table)
    return Ledger(table, parts, missing, book.has("transactions", "cost"))


_MEASURES = (
    "n_orders", "n_lines", "volume", "volume_costed", "revenue", "revenue_costed", "margin",
    "service_cost", "compensation", "billed_amount", "visit_cost", "flow", "flow_days",
)  # fmt: skip


def _parts(book: Book) -> tuple[dict[str, bool], dict[str, str]]:
    rates = book.unit.ledger
    timed = rates.service_rate_per_hour is not None and book.has("service_events", "minutes")
    visited = rates.visit_rate_per_hour is not None and book.has("visits", "minutes")
    parts = {
        "service": book.has("service_events", "cost") or timed,
        "compensation": book.has("service_events", "compensation"),
        "billed": book.has("service_events", "billed_amount"),
        "visits": book.has("visits", "cost") or visited,
        "financing": book.has("invoices") and book.has("payments"),
    }
    bring = {
        "service": "service_events.cost, service_events.minutes + ledger.service_rate_per_hour",
        "compensation": "service_events.compensation",
        "billed": "service_events.billed_amount",
        "visits": "visits.cost, visits.minutes + ledger.visit_rate_per_hour",
        "financing": "invoices + payments",
    }
    return parts, {part: bring[part] for part, known in parts.items() if not known}


def owner(book: Book, table: ir.Table) -> ir.Table:
    """Return `table` with `account_id` replaced by the parent's where groups count together."""
    if book.unit.ledger.grain == "account":
        return table
    accounts = book["accounts"].select(member=lambda t: t.account_id, group=lambda t: t.parent_id)
    joined = table.left_join(accounts, table.account_id == accounts.member)
    return joined.mutate(account_id=ibis.coalesce(joined.group, joined.account_id)).drop(
        "member", "group"
    )


def _month(day: Any) -> Any:
    return day.cast("date").truncate("M").cast("date")


def _sales(book: Book) -> ir.Table:
    lines = owner(book, book["transactions"])
    lines = lines.mutate(month=_month(lines.date), known=lines.cost.notnull())
    # an order is an order number where there is one, else a day with a purchase
    order = ibis.coalesce(lines.order_id, lines.date.cast("string"))
    bought = lines.amount > 0
    return lines.group_by("account_id", "month").agg(
        n_orders=order.nunique(where=bought).cast("float64"),
        n_lines=lines.count().cast("float64"),
        volume=lines.amount.abs().sum(),
        volume_costed=lines.amount.abs().sum(where=lines.known),
        revenue=lines.amount.sum(),
        revenue_costed=lines.amount.sum(where=lines.known),
        margin=(lines.amount - lines.cost).sum(where=lines.known),
    )


def _service(book: Book) -> ir.Table:
    events = owner(book, book["service_events"])
    rate = book.unit.ledger.service_rate_per_hour
    timed = events.minutes / 60.0 * rate if rate is not None else ibis.null("float64")
    events = events.mutate(month=_month(events.opened_at), effort=ibis.coalesce(events.cost, timed))
    return events.group_by("account_id", "month").agg(
        service_cost=events.effort.sum(),
        compensation=events.compensation.sum(),
        billed_amount=events.billed_amount.sum(),
    )


def _visits(book: Book) -> ir.Table:
    visits = owner(book, book["visits"])
    rate = book.unit.ledger.visit_rate_per_hour
    timed = visits.minutes / 60.0 * rate if rate is not None else ibis.null("float64")
    visits = visits.mutate(month=_month(visits.date), effort=ibis.coalesce(visits.cost, timed))
    return visits.group_by("account_id", "month").agg(visit_cost=visits.effort.sum())


def _receivables(book: Book) -> ir.Table:
    """Return changes of the receivable balance, and each change times its days left in the month."""
    invoices = book["invoices"]
    issued = invoices.select("account_id", day=invoices.issued_on, flow=invoices.amount)
    payments = book["payments"].join(invoices.select("invoice_id", "account_id"), "invoice_id")
    paid = payments.select("account_id", day=payments.date, flow=-payments.amount)
    flows = owner(book, issued.union(paid))
    flows = flows.mutate(month=_month(flows.day))
    stop = _stop(book, flows.month)
    flows = flows.mutate(days_left=_days_between(flows.day, stop))
    return flows.group_by("account_id", "month").agg(
        flow=flows.flow.sum(), flow_days=(flows.flow * flows.days_left).sum()
    )


def _stop(book: Book, month: Any) -> Any:
    """Return the first day after a month, or after `as_of` where that comes first."""
    following = (month + ibis.interval(months=1)).cast("date")
    end = (ibis.date(book.as_of) + ibis.interval(days=1)).cast("date")
    return ibis.least(following, end)


def _days_between(first: Any, last: Any) -> Any:
    """Return whole days from `first` to `last`."""
    return last.delta(first, unit="day").cast("float64")


def _dense(book: Book, sparse: ir.Table) -> ir.Table:
    """Return a row for every month from an account's first to that of `as_of`."""
    first = sparse.month.min()
    births = sparse.group_by("account_id").agg(birth=first)
    born = births.birth.min()
    months = births.aggregate(start=(born.year() * 12 + born.month() - 1).cast("int64"))
    last = book.as_of.year * 12 + book.as_of.month - 1
    months = months.select(n=ibis.range(months.start, last + 1).unnest())
    day = ibis.date((months.n / 12).floor().cast("int32"), (months.n % 12 + 1).cast("int32"), 1)
    months = months.select(month=day)
    spine = births.join(months, months.month >= births.birth).select("account_id", "month")
    dense = spine.left_join(sparse, ["account_id", "month"])
    return dense.select("account_id", "month", **{c: dense[c].fill_null(0.0) for c in _MEASURES})


def _with_results(book: Book, dense: ir.Table, parts: dict[str, bool]) -> ir.Table:
    earlier = ibis.cumulative_window(group_by="account_id", order_by="month")
    balance = dense.flow.sum().over(earlier) - dense.flow
    days = _days_between(dense.month, _stop(book, dense.month))
    financing = (balance * days + dense.flow_days) * (book.unit.ledger.financing_rate / 365.0)
    unknown = ibis.null("float64")
    columns: dict[str, Any] = {
        "service_cost": dense.service_cost if parts["service"] else unknown,
        "compensation": dense.compensation if parts["compensation"] else unknown,
        "billed_amount": dense.billed_amount if parts["billed"] else unknown,
        "visit_cost": dense.visit_cost if parts["visits"] else unknown,
        "financing_cost": financing if parts["financing"] else unknown,
    }
    if not book.has("transactions", "cost"):
        columns["margin"] = unknown
    table = dense.mutate(**columns).drop("flow", "flow_days")
    known = [part for part in parts if parts[part]]
    if not known:
        return table.mutate(cost_to_serve=unknown, contribution=unknown)
    signs = {"service": ("service_cost", 1), "compensation": ("compensation", 1),
             "billed": ("billed_amount", -1), "visits": ("visit_cost", 1),
             "financing": ("financing_cost", 1)}  # fmt: skip
    terms = [table[signs[part][0]] * signs[part][1] for part in known]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    table = table.mutate(cost_to_serve=total)
    return table.mutate(contribution=table.margin - table.cost_to_serve)
