"""Order lines by account and month: the one pass over all lines on which the rest stands.

The days of a month on which an account ordered are the bits of one number, so that days are counted
without a row for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import known_on, month_number
from kamlib.churn.engine import account_cuts, packed, settled


@dataclass(frozen=True, slots=True, eq=False)
class MonthFacts:
    """Sums of order lines by month, and by month and product line.

    Attributes
    ----------
    accounts
        One row per account, `month` (number) and `told` (number of the month in which the lines
        were known): `amount`, `list_amount`, `net_of_list` (net amount of lines with a list
        amount), `days` (bits: days with a line above zero), `first_on`, `last_on` (the first and
        the last of them), `known` (last day on which a line was known).
    lines
        The same with `product_line`, null where a line has none; None where no line has any.
    is_late
        Whether lines may have been recorded after their month.
    cuts
        Accounts at which the rows can be cut into parts; see `engine.settled`.
    """

    accounts: ir.Table
    lines: ir.Table | None
    is_late: bool
    cuts: Sequence[str] = ()

    def told(self, rows: ir.Table, *key: str) -> ir.Table:
        """Return the amounts and months of `rows` by the month in which they were known."""
        if not self.is_late:
            return rows
        return rows.group_by(*key, "told").agg(
            amount=rows.amount.sum(), month=rows.month.max(), known=rows.known.max(),
            last_on=rows.last_on.max(),
        )  # fmt: skip


def month_facts(book: Book) -> MonthFacts:
    """Return the order lines of a book by month; its grain decides who an account is."""
    rows = owner(book, book["transactions"])
    is_late = book.has("transactions", "recorded_on")
    known = known_on(book, "transactions", rows, rows.date)
    month = month_number(rows.date)
    bought, listed = rows.amount > 0, rows.list_amount.notnull()
    none = ibis.null("date")
    # PostgreSQL shifts a whole number by a small one, and takes 1 for a short one
    one = ibis.literal(1, "int32").cast("int64")
    rows = rows.mutate(
        known=known,
        month=month,
        told=month_number(known) if is_late else month,
        net_of_list=listed.ifelse(rows.amount, 0.0),
        list_amount=rows.list_amount.fill_null(0.0),
        first_on=bought.ifelse(rows.date, none),
        last_on=bought.ifelse(rows.date, none),
        days=bought.ifelse(one << (rows.date.day().cast("int16") - 1), 0),
    )
    by_line = book.has("transactions", "product_line")
    key = ["account_id", "product_line", "month", "told"]
    if not by_line:
        months, lines = settled(book, _sums(rows, _but(key)), "months"), None
    else:
        lines = settled(book, _sums(rows, key), "line_months")
        months = settled(book, _sums(lines, _but(key)), "months")
    packed(book)
    return MonthFacts(months, lines, is_late, account_cuts(book, months))


def count_days(days: Any) -> Any:
    """Return how many days the bits of a number stand for.

    Pairs of bits are added up side by side, then fours, then eights, as in Warren, H. S. (2012),
    Hacker's Delight, 2nd ed., section 5–1.
    """
    days = days - ((days >> 1) & 0x55555555)
    days = (days & 0x33333333) + ((days >> 2) & 0x33333333)
    days = (days + (days >> 4)) & 0x0F0F0F0F
    return ((days * 0x01010101) >> 24) & 0xFF


def _but(key: list[str]) -> list[str]:
    return [name for name in key if name != "product_line"]


def _sums(rows: ir.Table, key: list[str]) -> ir.Table:
    return rows.group_by(*key).agg(
        amount=rows.amount.sum(),
        list_amount=rows.list_amount.sum(),
        net_of_list=rows.net_of_list.sum(),
        days=rows.days.bit_or(),
        first_on=rows.first_on.min(),
        last_on=rows.last_on.max(),
        known=rows.known.max(),
    )
