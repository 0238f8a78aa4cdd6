"""From signs of life to runs: how long something went on, as it was known day by day.

A step is a day on which a sign of life came to be known: an order, a contract. With it stands the day
on which the account is lost if nothing more comes to be known. A run goes on from step to step as long
as the next one is known by that day; it ends there, or on a later step that says it was over already.
What a day declared stays declared, whatever is recorded afterwards: an earlier end of the records gives
the same past.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir


def runs(steps: ir.Table, by: Sequence[str], *more: str) -> ir.Table:
    """Return the runs into which steps fall.

    Parameters
    ----------
    steps
        One row per key and day on which something came to be known; days are numbers: `known_day`,
        `first_day` (first sign of life in the step), `last_day` (last sign of life known by then),
        `lost_day` (lost at the end of this day if nothing more comes to be known), `is_sign`
        (false: a step that only ends a run).
    by
        Columns of the key.
    more
        Columns of the last step of a run to be kept.

    Returns
    -------
    Table
        One row per key and run: `run` (1, 2, …), `open_day` (first known), `first_day`,
        `anchor_day` (last sign of life known when it opened, but no later than that day),
        `ended_day` (at its end, known or foreseen), `silent_day` (last sign of life) and `more`.
    """
    order = ibis.window(group_by=list(by), order_by="known_day")
    so_far = ibis.cumulative_window(group_by=list(by), order_by="known_day")
    rows = steps.mutate(is_open=steps.is_sign & (steps.lost_day >= steps.known_day))
    in_time = rows.lost_day >= rows.known_day.lead().over(order)
    joined = rows.is_open.lag().over(order) & (rows.lost_day.lag().over(order) >= rows.known_day)
    rows = rows.mutate(
        goes_on=rows.is_open & in_time.fill_null(False), is_joined=joined.fill_null(False)
    )
    rows = rows.mutate(begins=rows.is_open & ~rows.is_joined)
    # the steps in between say nothing of a run
    rows = rows.filter(rows.begins | (rows.is_joined | rows.is_open) & ~rows.goes_on)
    rows = rows.mutate(run=rows.begins.ifelse(1, 0).sum().over(so_far))
    none = ibis.null("int64")
    anchor = ibis.least(rows.known_day, rows.last_day)
    ended = rows.is_open.ifelse(rows.lost_day, rows.known_day)
    return rows.group_by(*by, "run").agg(
        open_day=rows.known_day.min(),
        first_day=rows.begins.ifelse(rows.first_day, none).max(),
        anchor_day=rows.begins.ifelse(anchor, none).max(),
        ended_day=rows.goes_on.ifelse(none, ended).max(),
        silent_day=rows.goes_on.ifelse(none, rows.last_day).max(),
        **{
            name: rows.goes_on.ifelse(ibis.null(rows[name].type()), rows[name]).max()
            for name in more
        },
    )


def with_ends(rows: ir.Table, newest: Any, by: Sequence[str], some: bool) -> ir.Table:
    """Return steps with the ends that were stated among them.

    Parameters
    ----------
    rows
        Steps, with `is_end`: the end of the relation came to be known on `known_day`.
    newest
        Day on which the newest thing began that was known by then, an order or a contract: nothing
        older than an end brings an account back.
    by
        Columns of the key.
    some
        Whether any end was stated at all.

    Returns
    -------
    Table
        The same with `is_sign`, and `lost_day` where an end was stated.
    """
    if not some:
        return rows.mutate(is_sign=ibis.literal(True))
    so_far = ibis.cumulative_window(group_by=list(by), order_by="known_day")
    end = rows.is_end.ifelse(rows.known_day, ibis.null("int64"))
    over = (end.max().over(so_far) >= newest).fill_null(False)
    lost = rows.is_end.ifelse(rows.known_day, rows.lost_day)
    return rows.mutate(is_sign=~(rows.is_end | over), lost_day=lost)
