"""Partial loss: an account spends far less, or drops a product line, while the relation lives.

spend
    Revenue of three calendar months × 4 lies below `partial_share` of the revenue of twelve, at the
    end of two months running; both above zero, and the first order at least twelve months ago.
line
    The account went without a product line for longer than its rhythm there allows
    (`silence.own_rhythm`; at least three orders of it), the line had made at least `line_share` of
    its revenue in the twelve months up to the last one, and the account has bought something else
    since the next order of the line would have been due.
recorded
    `defections` says so (`extent` partial).

The first two are judged at month ends, and fall on the last day of the month.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, day_of, month_number, month_start
from kamlib.churn.covariates.orders import NOTHING, QUARTER, YEAR
from kamlib.churn.covariates.stack import MONTH, Source, during, entries, together
from kamlib.churn.engine import ONE, flag, settled
from kamlib.churn.month_facts import MonthFacts
from kamlib.churn.silence import own_rhythm
from kamlib.churn.statements import partial_statements
from kamlib.params import ChurnParams


def dropped_lines(book: Book, rules: ChurnParams, facts: MonthFacts) -> ir.Table | None:
    """Return the product lines that accounts dropped; None where no product line is known.

    Returns
    -------
    Table
        One row per account, line and drop, in months as numbers: `account_id`, `product_line`,
        `lost_month` (at whose end it was dropped), `back_month` (in which it was known to be bought
        again; null: not yet).
    """
    if facts.lines is None:
        return None
    key = ["account_id", "product_line"]
    found = own_rhythm(book, rules, facts, None, "product_line")
    found = found.filter(
        found.usual_gap.notnull(),
        found.lost_day <= day_count(book.as_of),
        found.lost_day >= found.known_day,
        found.next_day.isnull() | (found.next_day > found.lost_day),
    )
    found = found.select(
        *key,
        told=month_number(day_of(found.known_day)),
        due_day=found.last_day + found.usual_gap.ceil().cast("int64"),
        lost_month=month_number(day_of(found.lost_day)),
        back_month=month_number(day_of(found.next_day)),
    )
    found = found.distinct()
    lines, whole = facts.told(facts.lines, *key), facts.told(facts.accounts, "account_id")
    lines = lines.select(*key, line_month=lines.told, line_amount=lines.amount)
    year = (lines.line_month <= found.told) & (lines.line_month > found.told - YEAR)
    both = found.join(lines, [*key, year])
    found = both.group_by(*found.columns).agg(of_line=both.line_amount.sum())
    whole = whole.select(
        "account_id", whole_month=whole.told, whole_amount=whole.amount,
        bought_day=day_number(whole.last_on),
    )  # fmt: skip
    both = found.join(whole, ["account_id", whole.whole_month <= found.lost_month])
    in_year = (both.whole_month <= both.told) & (both.whole_month > both.told - YEAR)
    both = both.filter(in_year | (both.bought_day >= both.due_day))
    found = both.group_by(*key, "told", "due_day", "lost_month", "back_month").agg(
        of_line=both.of_line.max(),
        of_account=both.whole_amount.sum(where=in_year),
        bought_day=both.bought_day.max(),
    )
    found = found.filter(
        found.of_line >= rules.line_share * found.of_account, found.bought_day >= found.due_day
    )
    drops = found.select(*key, "lost_month", "back_month").distinct()
    return settled(book, drops, "dropped_lines", facts.cuts)


def partial_source(book: Book, drops: ir.Table | None) -> Source:
    """Return entries of dropped lines and of partial losses that were recorded.

    A line counts as dropped until it is bought again, but no longer than twelve months, when the
    account's level has followed. Measures: `lines_out`, `recorded_month` (number of the month after
    the last partial loss was recorded).
    """
    none = ibis.null("int64")
    empty = book["transactions"].limit(0).select("account_id")
    parts = [entries(empty, none, none, lines_out=ibis.null("float64"), recorded_month=none)]
    if drops is not None:
        until = drops.lost_month + YEAR
        until = ibis.least(until, drops.back_month.fill_null(until)) + 1
        end = day_number(month_start(drops.lost_month + 1)) - 1
        parts.append(during(drops, drops.lost_month + 1, until, end, lines_out=ONE))
    told = partial_statements(book)
    if told is not None:
        month = month_number(day_of(told.known_day)) + 1
        parts.append(entries(told, month, told.known_day, recorded_month=month))
    return Source(together(parts), lambda t: {}, sums=("lines_out",), lasts=("recorded_month",))


def low(rows: ir.Table, rules: ChurnParams) -> ir.Table:
    """Return months of accounts with whether spending was low before each.

    Parameters
    ----------
    rows
        One row per account and month, with the measures of the stack.
    rules
        `partial_share`.

    Returns
    -------
    Table
        The same with `is_low`, and `low_before`, `low_then`: whether it was in the rows of one and of
        two months earlier.
    """
    order = ibis.window(group_by="account_id", order_by=MONTH)
    quarter, year = rows.revenue_3m, rows.revenue_12m
    is_low = (quarter > NOTHING) & (quarter * (YEAR / QUARTER) < rules.partial_share * year)
    old = rows.first_month <= rows[MONTH] - YEAR
    rows = rows.mutate(is_low=(is_low & old).fill_null(False))
    return rows.mutate(
        low_before=rows.is_low.lag(1).over(order), low_then=rows.is_low.lag(2).over(order)
    )


def marked(rows: ir.Table) -> ir.Table:
    """Return months of spells with what is known of partial losses before each.

    Parameters
    ----------
    rows
        One row per account, spell and month, with the measures of the stack, what `low` adds, and
        `entered_month`, from which on the spell has a row for each month.

    Returns
    -------
    Table
        The same with `spend_fell` (true: it became known in the month before) and `partial_loss`
        (1: spending is low, a line is dropped, or a partial loss is on record in this spell).
    """
    # months before the spell say nothing of it
    low_before = rows.low_before & (rows[MONTH] > rows.entered_month)
    low_then = rows.low_then & (rows[MONTH] > rows.entered_month + 1)
    twice = rows.is_low & low_before
    some = (
        twice | (rows.lines_out > 0) | (rows.recorded_month >= rows.entered_month).fill_null(False)
    )
    return rows.mutate(spend_fell=twice & ~(low_before & low_then), partial_loss=flag(some))


def partial_losses(
    book: Book, spells: ir.Table, rows: ir.Table, drops: ir.Table | None
) -> ir.Table:
    """Partial losses of each account, as they became known.

    Parameters
    ----------
    book
        The unit's book.
    spells
        One row per account and spell: `account_id`, `spell_no`, `entered_on`, `ended_on`.
    rows
        What `marked` returns, with `month` (its first day).
    drops
        What `dropped_lines` returns.

    Returns
    -------
    Table
        One row per account, spell, day, kind and product line: `account_id`, `spell_no`,
        `declared_on`, `kind` ("spend", "line", "recorded"), `product_line` (of a line).
    """
    key, nothing = ["account_id", "spell_no"], ibis.null("string")
    fell = rows.filter(rows.spend_fell)
    # what is known at the end of as_of is known on the morning after
    before = ibis.least(day_number(fell.month) - 1, day_count(book.as_of))
    parts = [
        fell.select(
            *key, declared_on=day_of(before), kind=ibis.literal("spend"),
            product_line=nothing,
        )
    ]  # fmt: skip
    spells = spells.select(
        *key, entered_day=day_number(spells.entered_on), ended_day=day_number(spells.ended_on)
    )
    told = partial_statements(book)
    if told is not None:
        told = told.select("account_id", day="known_day", product_line=nothing)
        parts.append(_within(spells, told, "recorded"))
    if drops is not None:
        end = day_number(month_start(drops.lost_month + 1)) - 1
        lost = drops.select("account_id", "product_line", day=end)
        lost = lost.filter(lost.day <= day_count(book.as_of))
        parts.append(_within(spells, lost, "line"))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _within(spells: ir.Table, told: ir.Table, kind: str) -> ir.Table:
    """Return what falls within a spell, before its end."""
    both = spells.join(told, "account_id")
    lives = both.ended_day.isnull() | (both.day < both.ended_day)
    both = both.filter(both.day >= both.entered_day, lives)
    return both.select(
        "account_id", "spell_no", declared_on=day_of(both.day), kind=ibis.literal(kind),
        product_line=both.product_line,
    )  # fmt: skip
