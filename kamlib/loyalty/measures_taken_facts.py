"""Facts of measures taken with single accounts: compensation after a complaint, visits, training.

Each is laid out like a programme, so that the same ladder judges it: accounts × months, the month in
which it began for an account, and what was known of the account before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ibis
import numpy as np
import pandas as pd

from kamlib.accounts import Ledger, months_before
from kamlib.book import Book
from kamlib.loyalty.ladder.evidence import ARM_MIN
from kamlib.loyalty.measures_taken_records import (
    BASE,
    amounts,
    complaints_answered,
    complaints_before,
    efforts,
    first_orders,
    frame_of,
    shifted,
    traits,
)

Begin = Literal["complaint", "first", "doubled"]
_TIMES = 2
_QUARTER = 3
_VISITS_LEAST = 4
_SEVERITY_LEAST = 8
_LEAST_USUAL = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class MeasureFacts:
    """One measure, and the accounts that it could have been taken with.

    Attributes
    ----------
    measure
        "recovery", "visits" or "training".
    outcome
        "contribution", before what the measure itself costs; "revenue" where no contribution is known.
    panel
        One row per account and month: `unit`, `period` (12 is the month of the complaint, or the first
        one after the base year), `outcome` (money; 0 once an account has left).
    accounts
        One row per account: `unit`, `start` (period in which it began; NaN: never), `usual` (what an
        account of its revenue in periods 0 to 11 brings in a month: the part that all accounts
        together left of theirs), `covariates`, and where known `parent` and `other_start` (period in
        which it joined the loyalty programme).
    covariates
        Columns of `accounts` that were known before period 12.
    begins
        What starts it: a complaint answered with compensation, the first time, or the first quarter with
        at least twice as much of it as an average one of the base year.
    cost
        Money that it took from its starts on, beyond the rate of the base year; None: not known.
    months
        Months of accounts from their starts on.
    cost_missing
        Share of what was done without a recorded cost.
    n_open
        Accounts left out since it is not known yet whether they will be compensated.
    n_no_base
        Accounts left out since their revenue in the year before was next to nothing: less than a
        fiftieth of the median.
    """

    measure: str
    outcome: str
    panel: pd.DataFrame
    accounts: pd.DataFrame
    covariates: tuple[str, ...] = ()
    begins: Begin = "first"
    cost: float | None = None
    months: int = 0
    cost_missing: float = 0.0
    n_open: int = 0
    n_no_base: int = 0

    @property
    def usual_month(self) -> float:
        """Mean of `usual` over the accounts that it was taken with, in money."""
        inside = self.accounts["start"].notna()
        return float(self.accounts.loc[inside, "usual"].mean())


def measures_taken_facts(
    book: Book, made: Ledger, first: date, last: date
) -> dict[str, MeasureFacts | None]:
    """Return the facts of each measure; None where the unit lacks its table.

    Parameters
    ----------
    book, made
        Of one unit, with its ledger.
    first, last
        First day of the first month, last day of the last one.
    """
    events, answered = book.has("service_events"), book.has("service_events", "compensation")
    return {
        "recovery": _recovery(book, made, first, last) if answered else None,
        "visits": _begun(book, made, first, last, "visits") if book.has("visits") else None,
        "training": _begun(book, made, first, last, "training") if events else None,
    }


def _recovery(book: Book, made: Ledger, first: date, last: date) -> MeasureFacts:
    told = complaints_answered(book, first, last)
    whom = told.select("account_id", zero="zero", begin=months_before(told.zero, BASE),
                       stop=months_before(told.zero, -BASE))  # fmt: skip
    # what was paid out is a cost of the measure and not what it brought
    months = amounts(book, made, whom, "compensation" if made.parts["compensation"] else "")
    accounts = frame_of(told).merge(traits(book, whom), on=["account_id", "zero"], how="left")
    waits = accounts["n_open"] > 0
    answered = (accounts["compensation"] > 0) & ~waits
    accounts["start"] = np.where(answered, float(BASE), np.nan)
    accounts["years"] = (accounts["zero"] - pd.Timestamp(first)).dt.days / 365.25
    found = _laid_out(made, "recovery", months, accounts[~waits], BASE * 2 + 1)
    accounts = found.pop("accounts")
    severity, names = _severities(accounts)
    found["accounts"] = pd.concat([accounts, severity], axis=1)
    inside = accounts["start"].notna()
    return _facts(
        **found, covariates=("size", "tier_steps", "complaints_before", "years", *names),
        begins="complaint", cost=float(accounts.loc[inside, "compensation"].sum()),
        months=int(inside.sum()) * (BASE + 1), n_open=int(waits.sum()),
    )  # fmt: skip


def _begun(book: Book, made: Ledger, first: date, last: date, measure: str) -> MeasureFacts:
    width = (last.year - first.year) * 12 + last.month - first.month + 1
    zero = shifted(first, BASE)
    whom = first_orders(book)
    # who came later grows by itself
    whom = whom.filter(whom.since < ibis.date(shifted(first, _QUARTER)))
    whom = whom.select("account_id", zero=ibis.date(zero), begin=ibis.date(first),
                       stop=ibis.date(last.replace(day=1)))  # fmt: skip
    taken = efforts(book, measure, last).semi_join(whom, "account_id")
    taken = frame_of(taken.filter(taken.month >= ibis.date(first)))
    taken["period"] = _between(pd.Timestamp(first), taken["month"])
    visits = measure == "visits"
    months = amounts(book, made, whom, "visit_cost" if visits and made.parts["visits"] else "")
    if not visits and made.parts["service"] and made.has_contribution:
        spent = taken.rename(columns={"account_id": "unit"})[["unit", "period", "spent"]]
        months = months.merge(spent, on=["unit", "period"], how="left")
        months["contribution"] += months.pop("spent").fillna(0.0)
    complained = frame_of(complaints_before(book, whom, last)).set_index("account_id")["n"]
    accounts = traits(book, whom)
    accounts["complaints_before"] = accounts["account_id"].map(complained).fillna(0.0)
    starts, begins = _starts(taken, pd.Index(accounts["account_id"]), width)
    accounts["start"] = accounts["account_id"].map(starts)
    if begins == "first":
        visited = taken.loc[taken["period"] < BASE, "account_id"]
        accounts = accounts[~accounts["account_id"].isin(visited)]
    else:
        often = taken[taken["period"] < BASE].groupby("account_id")["n"].sum()
        accounts = accounts[accounts["account_id"].map(often).fillna(0) >= _VISITS_LEAST]
    found = _laid_out(made, measure, months, accounts, width)
    return _facts(
        **found, covariates=("size", "tier_steps", "complaints_before"), begins=begins,
        **_spent(taken, found["accounts"], width),
    )  # fmt: skip


def _starts(taken: pd.DataFrame, accounts: pd.Index, width: int) -> tuple[pd.Series, Begin]:
    """Return the period in which a measure began by account, and by which rule.

    Where nearly all accounts knew it in the base year, more of it counts.
    """
    rows = taken[taken["account_id"].isin(accounts) & (taken["n"] > 0)]
    base = rows[rows["period"] < BASE].groupby("account_id")["n"].sum()
    later = rows[rows["period"] >= BASE]
    fresh = later[~later["account_id"].isin(base.index)].groupby("account_id")["period"].min()
    n_never = len(accounts) - len(base) - len(fresh)
    if min(len(fresh), n_never) >= ARM_MIN:
        return fresh.astype("float64"), "first"
    often = base[base >= _VISITS_LEAST]
    quarter = later["period"] // _QUARTER * _QUARTER
    counts = later.groupby(["account_id", quarter])["n"].sum().reset_index()
    needed = counts["account_id"].map(often) * _QUARTER / BASE * _TIMES
    more = counts[(counts["n"] >= needed) & (counts["period"] + _QUARTER <= width)]
    doubled = more.groupby("account_id")["period"].min()
    if min(len(doubled), len(often) - len(doubled)) >= ARM_MIN:
        return doubled.astype("float64"), "doubled"
    return fresh.astype("float64"), "first"


def _spent(taken: pd.DataFrame, accounts: pd.DataFrame, width: int) -> dict[str, Any]:
    """Return what a measure cost from its starts on, beyond the rate of the base year."""
    start = accounts.set_index("unit")["start"].dropna()
    rows = taken[taken["account_id"].isin(start.index)]
    since = rows["period"] >= rows["account_id"].map(start)
    months = width - start
    before = rows[rows["period"] < BASE].groupby("account_id")["spent"].sum() / BASE
    usual = float((before.reindex(start.index).fillna(0.0) * months).sum())
    n = int(rows.loc[since, "n"].sum())
    known = bool(rows["spent"].notna().any())
    return {
        "cost": float(rows.loc[since, "spent"].sum()) - usual if known else None,
        "months": int(months.sum()),
        "cost_missing": float(rows.loc[since, "n_free"].sum()) / n if n else 0.0,
    }


def _laid_out(
    made: Ledger, measure: str, months: pd.DataFrame, accounts: pd.DataFrame, width: int
) -> dict[str, Any]:
    """Return panel and accounts of those that brought something in the year before."""
    outcome = "contribution" if made.has_contribution else "revenue"
    accounts = accounts.rename(columns={"account_id": "unit", "parent_id": "parent"})
    # months before its first row are months without trade
    index = pd.MultiIndex.from_product([accounts["unit"], range(width)], names=["unit", "period"])
    panel = months.set_index(["unit", "period"]).reindex(index, fill_value=0.0).reset_index()
    base = panel[panel["period"] < BASE].groupby("unit")
    size = accounts["unit"].map(base["revenue"].mean())
    kept = size > _LEAST_USUAL * size[size > 0].median()
    accounts = accounts.assign(size=np.log(size.where(kept)))[kept]
    accounts = accounts.sort_values("unit", ignore_index=True)
    panel = panel[panel["unit"].isin(accounts["unit"])].assign(outcome=lambda t: t[outcome])
    first = panel[panel["period"] < BASE]
    # what an account of this size brings: its own contribution may be next to nothing, or less
    rate = float(first["outcome"].sum()) / float(first["revenue"].sum()) if len(first) else 1.0
    accounts["usual"] = np.exp(accounts["size"]) * (rate if rate > 0 else 1.0)
    panel = panel[["unit", "period", "outcome"]].sort_values(["unit", "period"], ignore_index=True)
    if "other_month" in accounts:
        joined = _between(accounts["zero"], accounts.pop("other_month")) + BASE
        accounts["other_start"] = joined.where(joined.between(BASE, width - 1))
    return {"measure": measure, "outcome": outcome, "panel": panel, "accounts": accounts,
            "n_no_base": int((~kept).sum())}  # fmt: skip


def _facts(*, covariates: tuple[str, ...], accounts: pd.DataFrame, **more: Any) -> MeasureFacts:
    # what is the same for all tells nobody apart
    told = tuple(c for c in covariates if accounts[c].nunique() > 1)
    kept = [c for c in ("unit", "start", "parent", "other_start", "usual") if c in accounts]
    return MeasureFacts(accounts=accounts[[*kept, *told]], covariates=told, **more)


def _severities(accounts: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a column per severity with enough complaints; the commonest is what others differ from."""
    text = accounts["severity"].astype("string").fillna("")
    counts = text.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    names = [str(s) for s in counts.index[1:] if counts[s] >= _SEVERITY_LEAST]
    columns = {f"severity {s or '?'}": (text == s).to_numpy(np.float64) for s in names}
    return pd.DataFrame(columns, index=accounts.index), tuple(columns)


def _between(first: Any, month: pd.Series) -> pd.Series:
    """Return months from `first` on; NaN where the month is not known."""
    begin = first.dt if isinstance(first, pd.Series) else first
    months: pd.Series = (month.dt.year - begin.year) * 12 + month.dt.month - begin.month
    return months
