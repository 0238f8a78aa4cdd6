"""Facts of contracts: how they follow one another in chains, as it was known on a day.

A chain is a contract with those that renew it. What a day does not know yet is null: ends and renewals
after it; contracts that start, or were recorded, later are not there. A month is 30.4375 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.glossary import Sentence
from kamlib.params import LifetimeParams
from kamlib.value.lifetime.facts import trailing_revenue

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MONTH_DAYS = 30.4375
YEAR_DAYS = 365
CLASSES = ("monthly", "yearly", "longer")
_HALF = 0.5  # share of revenue from which contracts are what binds a unit's accounts
_BOUNDS = (6, 19)  # months: below the first monthly, below the second yearly


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Contracts of a unit in their chains, as known on a day.

    Attributes
    ----------
    frame
        One row per contract, by chain and start: `account_id`, `contract_id`, `chain_id` (the
        first contract of the chain), `term_class` ("monthly" below 6 months, "yearly" to 18,
        "longer"), `term_months`, `renewals` (behind the chain when this term began), `starts_on`
        (the day after the term before, where it follows one), `ends_on`, `stopped_on` (last day in
        force; null while it runs), `outcome` – "running", "waiting" (over for no longer than the
        grace, no reason given, no successor known), "renewed", "switched" (goes on in a term of
        another class or in another chain) or "lost" –, `waited` (was over for a day or more without
        a reason or a successor in force) and `value_per_year`.
    day
        Last day that was known.
    grace_days
        Days without a contract after which it is lost.
    opens
        First day of which the records tell who left: the first order line or the first end of a
        contract, whichever is earlier. Chains that were running before are seen from then on.
    closes
        Last day of which it is known by `day` who was lost: the grace before it.
    """

    frame: pd.DataFrame
    day: date
    grace_days: int
    opens: date
    closes: date


def contract_terms(book: Book, day: date, *, grace_days: int) -> Terms:
    """Contracts known on a day, linked into chains.

    A contract is renewed by the one that `renewed_by` names, else by the nearest one of the same
    account that starts on the day of its end or up to `grace_days` later and renews no other. Where
    two are renewed by the same one, the larger goes on and the other has switched. Renewals before
    the records begin are counted from `accounts.onboarded_on`, in terms of the first contract's
    length, for contracts that ran when the records began.

    Parameters
    ----------
    book
        The unit's book; its grain decides who an account is.
    day
        Last day that is known.
    grace_days
        Days without a contract after which it is lost.
    """
    rows = _known(book, day)
    successor, switched = _successors(rows, grace_days)
    opens = pd.Timestamp(book["transactions"].date.min().execute())
    if rows["stopped_on"].notna().any():
        opens = min(opens, rows["stopped_on"].min())
    closes = pd.Timestamp(day) - pd.Timedelta(days=grace_days + 1)

    before = np.full(len(rows), -1)
    linked = np.flatnonzero(successor >= 0)
    before[successor[linked]] = linked
    follows = before >= 0
    # one whose successor has begun is over, whatever else is known of it
    stop = rows["stopped_on"].to_numpy().copy()
    open_ = linked[np.isnat(stop[linked])]
    stop[open_] = rows["starts_on"].to_numpy()[successor[open_]] - np.timedelta64(1, "D")
    # a late signature belongs to the term that it prolongs; an early one cuts the one before short
    start = rows["starts_on"].to_numpy().copy()
    start[follows] = np.minimum(start[follows], stop[before[follows]] + np.timedelta64(1, "D"))
    term = np.maximum(np.round(months(start, rows["ends_on"].to_numpy(), whole=True)), 1.0)
    kind = np.digitize(term, _BOUNDS)
    same = follows.copy()
    same[follows] = kind[follows] == kind[before[follows]]
    root = _roots(np.where(same, before, np.arange(len(rows))))

    over = ~np.isnat(stop)
    final = rows["has_reason"].to_numpy() | (stop <= closes.to_datetime64())
    outcome = np.select(
        [~over, (successor >= 0) & same[successor], (successor >= 0) | switched, final],
        ["running", "renewed", "switched", "lost"],
        "waiting",
    )
    ids = rows["contract_id"].to_numpy(dtype=object)
    begun = rows["starts_on"].to_numpy()[successor]
    gap = np.where(successor >= 0, begun > stop + np.timedelta64(1, "D"), outcome == "lost")
    frame = rows.assign(
        chain_id=ids[root], term_class=np.array(CLASSES, dtype=object)[kind], term_months=term,
        starts_on=start, stopped_on=stop, outcome=outcome, waited=gap & ~rows["has_reason"],
    )  # fmt: skip
    step = frame.groupby("chain_id").cumcount().to_numpy(dtype=np.float64)
    behind = np.where(~follows, _before_records(frame, rows["onboarded_on"], opens), 0.0)
    frame["renewals"] = step + behind[root]
    columns = [
        "account_id", "contract_id", "chain_id", "term_class", "term_months", "renewals",
        "starts_on", "ends_on", "stopped_on", "outcome", "waited", "value_per_year",
    ]  # fmt: skip
    frame = frame[columns].sort_values(["chain_id", "starts_on"], ignore_index=True, kind="stable")
    return Terms(frame, day, grace_days, opens.date(), closes.date())


def months(first: Any, last: Any, *, whole: bool = False) -> Floats:
    """Return months from one day to another; with `whole`, of days with both ends included."""
    days = (np.asarray(last, "M8[D]") - np.asarray(first, "M8[D]")).astype(np.float64)
    return np.asarray((days + whole) / MONTH_DAYS)


def _known(book: Book, day: date) -> pd.DataFrame:
    """Return one row per contract known on `day`, by start; what came later is null."""
    rows, end = owner(book, book["contracts"]), ibis.date(day)
    rows = rows.filter(rows.starts_on <= end, rows.recorded_on.fill_null(rows.starts_on) <= end)
    # on the last day of a term nobody knows yet whether it is renewed on the next
    due = (rows.ended_on == end) & (rows.ends_on <= end) & rows.end_reason.isnull()
    over = ((rows.ended_on <= end) & ~due).fill_null(False)
    # a contract that runs on past its planned end without a word is out of force
    lapsed = rows.ended_on.isnull() & (rows.ends_on < end)
    nothing = ibis.null("string")
    rows = rows.mutate(
        stopped_on=over.ifelse(rows.ended_on, lapsed.ifelse(rows.ends_on, ibis.null("date"))),
        has_reason=over & rows.end_reason.notnull(),
        renewed_by=(over | rows.ended_on.isnull()).ifelse(rows.renewed_by, nothing),
    )
    people = owner(book, book["accounts"])
    joined = people.group_by("account_id").agg(onboarded_on=people.onboarded_on.min())
    rows = rows.left_join(joined, "account_id")
    frame: pd.DataFrame = rows.select(
        "account_id", "contract_id", "starts_on", "ends_on", "stopped_on", "has_reason",
        "renewed_by", "value_per_year", "onboarded_on",
    ).execute()  # fmt: skip
    for column in ("starts_on", "ends_on", "stopped_on", "onboarded_on"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
    frame["has_reason"] = frame["has_reason"].fillna(False).astype(bool)
    # one that was called off before it began has lasted a day
    frame["stopped_on"] = (
        frame[["stopped_on", "starts_on"]].max(axis=1).where(frame["stopped_on"].notna())
    )
    return frame.sort_values(["starts_on", "contract_id"], ignore_index=True, kind="stable")


def _successors(rows: pd.DataFrame, grace_days: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the row that renews each contract (-1: none), and which go on in another's chain."""
    named = rows["renewed_by"].map(pd.Series(rows.index, index=rows["contract_id"]))
    successor = named.fillna(-1).to_numpy(dtype=np.int64)
    place = np.arange(len(rows))
    account, start = rows["account_id"].to_numpy(dtype=object), rows["starts_on"].to_numpy()
    there = successor >= 0
    astray = there & (account[successor] != account)
    there &= ~astray & (start[successor] > start)
    # of several that one contract renews the largest goes on
    order = np.lexsort((place, -rows["value_per_year"].to_numpy()))
    order = order[there[order]]
    _, first = np.unique(successor[order], return_index=True)
    kept = np.zeros(len(rows), dtype=bool)
    kept[order[first]] = True
    switched = (there & ~kept) | astray
    successor[~kept] = -1
    free = np.ones(len(rows), dtype=bool)
    free[successor[kept]] = False
    ends = pd.DataFrame({"account_id": account, "on": rows["stopped_on"], "end": place})
    ends = ends[~kept & ~switched & rows["stopped_on"].notna().to_numpy()].sort_values("on")
    starts = pd.DataFrame({"account_id": account, "on": rows["starts_on"], "start": place})
    starts = starts[free].sort_values("on", kind="stable")
    near = pd.Timedelta(days=grace_days)
    ahead = pd.merge_asof(
        ends, starts, on="on", by="account_id", tolerance=near, direction="forward"
    ).dropna(subset="start")
    back = pd.merge_asof(
        starts, ends, on="on", by="account_id", tolerance=near, direction="backward"
    ).dropna(subset="end")
    pairs = ahead.merge(back, on=["end", "start"])[["end", "start"]].to_numpy(dtype=np.int64)
    pairs = pairs[start[pairs[:, 0]] < start[pairs[:, 1]]]
    successor[pairs[:, 0]] = pairs[:, 1]
    return successor, switched


def _roots(before: Ints) -> Ints:
    """Return the first of each chain, given the one before each; the first names itself."""
    while (before[before] != before).any():
        before = before[before]
    return before


def _before_records(frame: pd.DataFrame, onboarded: pd.Series, opens: pd.Timestamp) -> Floats:
    """Return renewals between the day an account was won and a start before the records begin."""
    lived = months(onboarded, frame["starts_on"]) / frame["term_months"].to_numpy()
    early = (frame["starts_on"] < opens).to_numpy() & onboarded.notna().to_numpy()
    return np.where(early, np.maximum(np.round(np.where(early, lived, 0.0)), 0.0), 0.0)


def yearly_revenue(book: Book, day: date) -> ir.Table:
    """Return the revenue of each account in the years of 365 days that end on `day`.

    Returns
    -------
    Table
        One row per account and year with an order line known by `day`: `account_id`, `years_ago`
        (0: the last one), `revenue` (net), `first_order_on` (first line of that year).
    """
    lines, end = book["transactions"], ibis.date(day)
    lines = lines.filter(lines.date <= end, lines.recorded_on.fill_null(lines.date) <= end)
    lines = owner(book, lines)
    ago = end.delta(lines.date, unit="day").cast("float64") / YEAR_DAYS
    lines = lines.mutate(years_ago=ago.floor().cast("int64"))
    return lines.group_by("account_id", "years_ago").agg(
        revenue=lines.amount.sum(), first_order_on=lines.date.min()
    )


def relation_of(book: Book, day: date, params: LifetimeParams) -> tuple[str, Sentence]:
    """Whether a unit's accounts are bound by contracts or simply buy.

    With `relation: auto`, by contracts where accounts with one in force on `day`, or over for no
    longer than the grace, hold at least half of the revenue of the 365 days up to it.

    Returns
    -------
    tuple
        "contracts" or "purchases", and the sentence that says why.
    """
    if params.relation != "auto":
        return params.relation, Sentence(f"relation.stated_{params.relation}")
    if not book.has("contracts"):
        return "purchases", Sentence("relation.no_contracts")
    rows, end = owner(book, book["contracts"]), ibis.date(day)
    over = (rows.ended_on <= end).fill_null(False)
    last = over.ifelse(rows.ended_on, rows.ends_on)
    grace = end - ibis.interval(days=book.unit.churn_survival.renewal_grace_days)
    held = rows.filter(
        rows.starts_on <= end,
        rows.recorded_on.fill_null(rows.starts_on) <= end,
        last >= grace.cast("date"),
        ~(over & rows.end_reason.notnull()),
    )
    sales = trailing_revenue(book, day)
    bound = sales.account_id.isin(held.account_id)
    found = sales.aggregate(
        whole=sales.revenue.sum(), part=sales.revenue.sum(where=bound),
        n=sales.count(where=bound),
    ).execute().iloc[0].fillna(0.0)  # fmt: skip
    share = float(found["part"] / found["whole"]) if found["whole"] > 0 else 0.0
    kind = "contracts" if share >= _HALF else "purchases"
    return kind, Sentence(f"relation.{kind}", {"share": share, "n": int(found["n"])})
