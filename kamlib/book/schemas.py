"""The contract of the book of business: its tables and columns, as pandera schemas.

A schema says which columns a table must have (`required`), which may be unknown (`nullable`), their
types, vocabularies and ranges. Its `metadata` says what a table cannot say by itself:

own_date
    The column that dates the row; later than `as_of`: the row is not there.
until
    Columns that hold an outcome -> the columns that become unknown together with it where the
    outcome lies after `as_of`.
key
    Column whose values are unique.
order
    Pairs of columns of which the first may not lie after the second.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import ibis.expr.datatypes as dt
import pandera.ibis as pa

from kamlib.errors import KamError, nearest

TIERS = ("platinum", "gold", "iron", "lead")
REASONS = (
    "competitor", "manager_left", "price", "service", "no_need", "insolvent", "merged",
    "ended_by_us", "other",
)  # fmt: skip
METHODS = ("questionnaire", "phone", "interview")
KINDS = ("complaint", "grumble", "request", "maintenance", "installation", "training")
STAGES = ("pre_sale", "in_sale", "after_sale")
ROLES = ("intermediary", "end_customer")

TEXT, NUMBER, COUNT, DAY, TIME, FLAG = (
    dt.String(), dt.Float64(), dt.Int64(), dt.Date(), dt.Timestamp(), dt.Boolean()
)  # fmt: skip


def _column(
    dtype: Any, *checks: pa.Check, need: bool = False, blank: bool = False, money: bool = False
) -> pa.Column:
    """Return a column; `need`: it must be there, and filled in every row unless `blank`."""
    return pa.Column(
        dtype, list(checks), nullable=blank or not need, required=need, metadata={"money": money}
    )


_text, _number, _count, _day, _time, _flag = (
    partial(_column, kind) for kind in (TEXT, NUMBER, COUNT, DAY, TIME, FLAG)
)
_money = partial(_column, NUMBER, money=True)


def _one_of(*words: str, need: bool = False) -> pa.Column:
    return _column(TEXT, pa.Check.isin(list(words)), need=need)


def _table(
    name: str,
    own_date: str | None = None,
    /,
    *,
    until: dict[str, tuple[str, ...]] | None = None,
    key: str | None = None,
    order: tuple[tuple[str, str], ...] = (),
    **columns: pa.Column,
) -> pa.DataFrameSchema:
    # `from_` stands for the column `from`, which Python reserves
    named = {column.rstrip("_"): spec for column, spec in columns.items()}
    if any(spec.metadata["money"] for spec in named.values()):
        named.setdefault("currency", _text())
    if own_date is not None and name != "accounts":
        named.setdefault("recorded_on", _day())
    return pa.DataFrameSchema(
        named,
        name=name,
        metadata={"own_date": own_date, "until": until or {}, "key": key, "order": order},
    )


_not_negative = pa.Check.ge(0)
_level = pa.Check.isin([1, 2, 3])
_need_text = _text(need=True)
_need_day = _day(need=True)
_need_money = _money(need=True)

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    schema.name: schema
    for schema in (
        _table(
            "accounts", "onboarded_on", key="account_id",
            account_id=_need_text, name=_text(), segment=_text(), region=_text(),
            role=_one_of(*ROLES), parent_id=_text(), served_by=_text(), onboarded_on=_day(),
            credit_score=_number(pa.Check.in_range(0, 100)),
            potential_per_year=_money(_not_negative),
        ),
        _table(
            "account_history", "valid_from",
            account_id=_need_text, valid_from=_need_day,
            attribute=_one_of(
                "segment", "region", "role", "credit_score", "credit_limit",
                "potential_per_year", "relationship_stage", need=True,
            ),
            value=_text(need=True, blank=True),
        ),
        _table(
            "transactions", "date", key="line_id",
            account_id=_need_text, date=_need_day, amount=_need_money, line_id=_text(),
            order_id=_text(), quantity=_number(), list_amount=_money(), cost=_money(),
            product=_text(), product_line=_text(),
        ),
        _table(
            "contracts", "starts_on", key="contract_id", order=(("starts_on", "ends_on"),),
            until={"ended_on": ("end_reason", "renewed_by"), "notice_on": ()},
            contract_id=_need_text, account_id=_need_text, starts_on=_need_day,
            ends_on=_need_day, value_per_year=_money(_not_negative, need=True),
            notice_on=_day(), ended_on=_day(), end_reason=_one_of(*REASONS), renewed_by=_text(),
        ),
        _table(
            "invoices", "issued_on", key="invoice_id",
            invoice_id=_need_text, account_id=_need_text, issued_on=_need_day,
            due_on=_need_day, amount=_need_money, disputed=_flag(),
        ),
        _table("payments", "date", invoice_id=_need_text, date=_need_day, amount=_need_money),
        _table(
            "service_events", "opened_at", key="event_id",
            order=(("opened_at", "first_response_at"), ("opened_at", "resolved_at")),
            until={
                "first_response_at": (),
                "resolved_at": (
                    "minutes", "cost", "billed_amount", "compensation", "customer_score",
                    "handovers",
                ),
                "reopened_at": (),
            },
            event_id=_need_text, account_id=_need_text, kind=_one_of(*KINDS, need=True),
            stage=_one_of(*STAGES, need=True), opened_at=_time(need=True),
            first_response_at=_time(), resolved_at=_time(), reopened_at=_time(),
            severity=_text(), category=_text(), initiated_by=_one_of("us", "customer"),
            owner_id=_text(), handovers=_count(_not_negative), end_customer_id=_text(),
            minutes=_number(_not_negative), cost=_money(_not_negative),
            billed_amount=_money(_not_negative), compensation=_money(_not_negative),
            customer_score=_number(),
        ),
        _table(
            "standards", "valid_from",
            valid_from=_need_day, tier=_one_of(*TIERS), role=_one_of(*ROLES),
            stage=_one_of(*STAGES), kind=_one_of(*KINDS), severity=_text(),
            first_response_h=_number(_not_negative), resolution_h=_number(_not_negative),
            visits_per_year=_number(_not_negative), training_per_year=_number(_not_negative),
        ),
        _table(
            "tier_decisions", "valid_from",
            account_id=_need_text, tier=_one_of(*TIERS, need=True), valid_from=_need_day,
        ),
        _table(
            "visits", "date", key="visit_id",
            account_id=_need_text, date=_need_day, visit_id=_text(), planned_on=_day(),
            manager_id=_text(), contact_id=_text(), channel=_text(),
            minutes=_number(_not_negative), cost=_money(_not_negative),
            result=_one_of("order", "advance", "continuation", "no_sale"),
        ),
        _table(
            "contacts", "from", key="contact_id", until={"to": ()},
            contact_id=_need_text, account_id=_need_text,
            part=_one_of("decides", "influences", "uses", "buys", "blocks"),
            seniority=_text(), from_=_day(), to=_day(),
        ),
        _table(
            "assignments", "starts_on", order=(("starts_on", "ends_on"),),
            until={"ends_on": ("ended_because",)},
            account_id=_need_text, manager_id=_need_text, starts_on=_need_day, ends_on=_day(),
            part=_one_of("account_manager", "sponsor", "technical", "finance"),
            ended_because=_one_of("left_company", "rotated", "other"),
        ),
        _table(
            "survey_frame", "invited_on",
            wave=_need_text, account_id=_need_text, invited_on=_need_day,
            method=_one_of(*METHODS, need=True),
            selection=_one_of("random", "chosen", need=True), contact_id=_text(),
        ),
        _table(
            "survey_items", key="item",
            item=_need_text,
            construct=_one_of(
                "expectation", "perception", "satisfaction", "quality", "value", "recommend",
                "repurchase", "price_tolerance", "importance", "image", need=True,
            ),
            dimension=_text(), value_part=_text(), text_en=_text(), text_zh=_text(),
        ),
        _table(
            "surveys", "date", order=(("scale_min", "score"), ("score", "scale_max")),
            response_id=_need_text, account_id=_need_text, wave=_need_text, date=_need_day,
            method=_one_of(*METHODS, need=True), item=_need_text,
            score=_number(need=True, blank=True), scale_min=_number(need=True), scale_max=_number(need=True),
            competitor=_text(),
        ),
        _table(
            "programme", "enrolled_on", until={"left_on": ()}, order=(("enrolled_on", "left_on"),),
            account_id=_need_text, level=_count(_level, need=True), enrolled_on=_need_day,
            left_on=_day(),
        ),
        _table(
            "trials", "assigned_on",
            trial_id=_need_text, account_id=_need_text,
            arm=_one_of("control", "1", "2", "3", need=True), assigned_on=_need_day,
            cluster=_text(),
        ),
        _table(
            "programme_costs", "date",
            date=_need_day,
            kind=_one_of("setup", "platform", "reward", "service", "communication", need=True),
            amount=_need_money, level=_count(_level), account_id=_text(),
        ),
        _table(
            "points", "date",
            account_id=_need_text, date=_need_day, issued=_number(_not_negative),
            redeemed=_number(_not_negative), expired=_number(_not_negative),
        ),
        _table(
            "referrals", "date", referrer_id=_need_text, account_id=_need_text, date=_need_day
        ),
        _table(
            "defections", "date",
            account_id=_need_text, date=_need_day, extent=_one_of("whole", "partial"),
            competitor=_text(), reason=_one_of(*REASONS),
            source=_one_of("interview", "manager", "inferred"),
        ),
        _table(
            "acquisition_costs", "date", date=_need_day, amount=_need_money, account_id=_text()
        ),
    )
}  # fmt: skip


def schema(table: str) -> pa.DataFrameSchema:
    """Return the schema of one table; an unknown table is an error with the nearest known one."""
    try:
        return SCHEMAS[table]
    except KeyError:
        raise KamError(f"'{table}' is not a table of the book{nearest(table, SCHEMAS)}") from None


def vocabulary(column: pa.Column) -> list[Any] | None:
    """Return the values that a column may take, or None where any will do."""
    for check in column.checks:
        if check.name == "isin":
            return list(check.statistics["allowed_values"])
    return None


def limits(column: pa.Column) -> tuple[float | None, float | None]:
    """Return the smallest and largest allowed value of a column; None: no limit."""
    low = high = None
    for check in column.checks:
        stated = check.statistics or {}
        low = stated.get("min_value", low)
        high = stated.get("max_value", high)
    return low, high
