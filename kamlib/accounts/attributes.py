"""Who an account is and who holds it, as known on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.book import Book

DATED = ("role", "segment", "region")


def latest(table: ir.Table, group: list[str], order: list[Any]) -> ir.Table:
    """Return the first row of each group in the given, complete order."""
    ranked = table.mutate(place=ibis.row_number().over(ibis.window(group_by=group, order_by=order)))
    return ranked.filter(ranked.place == 0).drop("place")


def attributes(book: Book, day: date) -> ir.Table:
    """Return one row per account: `account_id`, `name`, `role`, `segment`, `region`, `parent_id`.

    Where `account_history` dates an attribute, its value on `day` counts; else today's value does.
    """
    table = book["accounts"].select("account_id", "name", "parent_id", *DATED)
    if not book.has("account_history"):
        return table
    history = book["account_history"]
    for attribute in DATED:
        known = history.filter(history.attribute == attribute, history.valid_from <= ibis.date(day))
        last = latest(known, ["account_id"], [ibis.desc("valid_from"), "value"])
        dated = last.select(owner_id=last.account_id, dated=last.value)
        joined = table.left_join(dated, table.account_id == dated.owner_id)
        table = joined.mutate(**{attribute: ibis.coalesce(joined.dated, joined[attribute])}).drop(
            "owner_id", "dated"
        )
    return table


def managers(book: Book, day: date) -> ir.Table:
    """Return one row per account with an account manager on `day`: `account_id`, `manager_id`.

    Of several assignments the one that began last counts; its last day still counts.
    """
    table = book["assignments"]
    current = table.filter(
        table.starts_on <= ibis.date(day),
        table.ends_on.isnull() | (table.ends_on >= ibis.date(day)),
        table.part.fill_null("account_manager") == "account_manager",
    )
    last = latest(current, ["account_id"], [ibis.desc("starts_on"), "manager_id"])
    return last.select("account_id", "manager_id")
