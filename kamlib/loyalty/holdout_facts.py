"""Facts of a trial to come: who could be drawn today, and what trials of the past would have seen.

Windows are whole half-years that end on the last evaluation date, so that an earlier `as_of` gives the
same past. An account's month is what it brought ÷ the months since its first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.accounts import Ledger, attributes, owner, period, tier_in_force
from kamlib.book import Book
from kamlib.loyalty.stays import stays

LENGTHS = (6, 12, 18, 24)
HALF, YEAR = 6, 12
KNOWN_MIN = 0.8
_SUMS = ("n_months", "n_orders", "revenue", "contribution", "volume", "volume_costed")

Measure = Literal["contribution", "revenue"]


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutFacts:
    """What a trial to come is planned with.

    Attributes
    ----------
    day
        Last evaluation date.
    measure
        What accounts are compared by: their contribution, or their revenue where the contribution of
        less than four fifths of them is known.
    accounts
        One row per account that could be drawn: it ordered within the last twelve months, and
        neither it nor another of its group is a member, or in a trial that still runs, on that day.
        `account_id`, `name`, `cluster` (its parent group, else itself), `tier_in_force` ("unknown"
        without a decision), `amount` (of the measure), `contribution`, `revenue` (all per month of
        the last twelve), `amount_before`, `contribution_before`, `revenue_before` (of the twelve
        before; NaN: not there yet, or costs unknown), `n_orders` (of the last twelve).
    past
        One row per account and `trial_months` of a trial that would end on that day, where records
        reach back to the year before its start. The account had ordered within that year and stayed
        outside the programme to the end; whoever left in between is there with nothing. `account_id`,
        `cluster`, `trial_months`, `before` (month of the year before), `after` (month since).
    n_taken
        Accounts that ordered and are members or in a trial.
    n_siblings
        Accounts that ordered and are neither, and share their group with one that is.
    """

    day: date
    measure: Measure
    accounts: pd.DataFrame
    past: pd.DataFrame
    n_taken: int
    n_siblings: int


def holdout_facts(book: Book, ledger: Ledger) -> HoldoutFacts:
    """Return the facts that a trial of the programme is planned with, at the unit's grain."""
    found = period(book)
    end, tomorrow = found.current.end, pd.Timestamp(found.current.end) + pd.Timedelta(days=1)
    halves = _frame(half_years(book, ledger, end))
    people = _frame(people_then(book, end)).set_index("account_id")
    people["cluster"] = people["cluster"].fillna(people.index.to_series())
    outside = _frame(last_stay(book, end)).set_index("account_id")["outside_from"]
    outside = pd.to_datetime(outside).reindex(people.index)
    now, before = _months(book, halves, 0, 2), _months(book, halves, 2, 4)
    # whose stay ends on the day itself is a member on it
    taken = (outside >= tomorrow) | people.index.isin(_frame(in_trial(book, end))["account_id"])
    beside = people["cluster"].isin(people.loc[taken, "cluster"])
    there = pd.Series(people.index.isin(now.index[now["n_orders"] > 0]), people.index)
    known = now.loc[now["n_orders"] > 0, "contribution"].notna().mean()
    measure: Measure = "contribution" if known >= KNOWN_MIN else "revenue"
    drawn = (
        people[there & ~beside]
        .join(now)
        .join(before.drop(columns="n_orders").add_suffix("_before"))
    )
    drawn = drawn.assign(amount=drawn[measure], amount_before=drawn[f"{measure}_before"])
    parts = []
    for months in LENGTHS:
        start = tomorrow - pd.DateOffset(months=months)
        reach = start - pd.DateOffset(months=YEAR)
        if found.previous is None or reach < pd.Timestamp(found.records.start.replace(day=1)):
            continue
        base = _months(book, halves, months // HALF, (months + YEAR) // HALF)
        # who left the programme on the day before the start was outside from the start on
        base = base[(base["n_orders"] > 0) & ~(outside.reindex(base.index) > start)]
        after = _months(book, halves, 0, months // HALF)[measure].reindex(base.index)
        part = pd.DataFrame({"before": base[measure], "after": after}).dropna()
        parts.append(part.assign(trial_months=months, cluster=people["cluster"]))
    past = pd.concat(parts) if parts else pd.DataFrame(columns=["trial_months"])
    return HoldoutFacts(
        end, measure, drawn.reset_index(), past.rename_axis("account_id").reset_index(),
        int((there & taken).sum()), int((there & beside & ~taken).sum()),
    )  # fmt: skip


def half_years(book: Book, ledger: Ledger, end: date) -> ir.Table:
    """Return what each account brought by half-years before a day, the last three years at most.

    Returns
    -------
    Table
        One row per account and `half` (0 the last one) with a month in the ledger: `account_id`,
        `n_months`, `n_orders`, `revenue`, `contribution`, `volume`, `volume_costed`.
    """
    rows = ledger.table
    ago = end.year * 12 + end.month - (rows.month.year() * 12 + rows.month.month())
    rows = rows.mutate(ago=ago)
    rows = rows.filter(rows.ago >= 0, rows.ago < YEAR + LENGTHS[-1])
    rows = rows.mutate(half=(rows.ago / HALF).floor().cast("int64"))
    sums = {name: rows[name].sum() for name in _SUMS[1:]}
    return rows.group_by("account_id", "half").agg(n_months=rows.count(), **sums)


def people_then(book: Book, day: date) -> ir.Table:
    """Return who accounts are: `account_id`, `name`, `cluster` (null: of no group), `tier_in_force`."""
    rows = owner(book, attributes(book, day).select("account_id", "name", "parent_id"))
    rows = rows.group_by("account_id").agg(name=rows.name.min(), cluster=rows.parent_id.min())
    tiers = tier_in_force(book, day).rename(tier_in_force="tier")
    return rows.left_join(tiers, "account_id").drop("account_id_right").mutate(
        name=lambda t: ibis.coalesce(t.name, t.account_id),
        tier_in_force=lambda t: t.tier_in_force.fill_null("unknown"),
    )  # fmt: skip


def last_stay(book: Book, day: date) -> ir.Table:
    """Return the first day after the last stay of each account: `account_id`, `outside_from`."""
    found = stays(book, day)
    return found.group_by("account_id").agg(outside_from=found.stop.max())


def in_trial(book: Book, day: date) -> ir.Table:
    """Return accounts that a trial drew by a day and whose arms are still kept apart: `account_id`.

    The records do not say when a trial ends: `trial_until` of the parameters does, for all of them.
    """
    rows, last = owner(book, book["trials"]), ibis.date(day)
    until = book.unit.loyalty_roi.trial_until
    drawn = rows.filter(
        rows.assigned_on <= last,
        rows.recorded_on.fill_null(rows.assigned_on) <= last,
        ibis.literal(until is None or until >= day),
    )
    return drawn.select("account_id").distinct()


def _months(book: Book, halves: pd.DataFrame, first: int, stop: int) -> pd.DataFrame:
    """Return means per month over half-years [first, stop), orders summed, by account."""
    rows = halves[(halves["half"] >= first) & (halves["half"] < stop)]
    sums = rows.groupby("account_id")[list(_SUMS)].sum(min_count=1)
    enough = sums["volume_costed"] >= book.unit.ledger.min_cost_coverage * sums["volume"]
    found = sums[["n_orders"]].copy()
    found["revenue"] = sums["revenue"] / sums["n_months"]
    found["contribution"] = (sums["contribution"] / sums["n_months"]).where(enough, np.nan)
    return found


def _frame(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    key = ["account_id", *frame.columns.intersection(["half"])]
    return frame.sort_values(key, ignore_index=True)
