"""Facts of a budget: what was spent on each member in a year, and what the member brought in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Window, owner, tier_in_force
from kamlib.book import Book
from kamlib.loyalty.economics_facts import YEAR, EconomicsFacts

# rewards follow what an account buys, and set-up and platform are nobody's: neither is a decision on it
_DECIDED = ("service", "communication")
_KEY = ["account_id", "years_ago"]


def budget_facts(book: Book, facts: EconomicsFacts) -> pd.DataFrame | None:
    """Return what was spent on members in the years in which they stood at one level throughout.

    Parameters
    ----------
    book
        Of the unit.
    facts
        Its facts of retention economics.

    Returns
    -------
    DataFrame
        One row per account and such year, whose contribution and that of the year before are known:
        `account_id`, `years_ago`, `tier` (in force on the year's first day; "unknown" without), `level`,
        `named` (service and communication that name the account), `spend` (with its part, by days,
        of what names its level only), `contribution`, `contribution_before`. None without members,
        costs of the programme or a contribution.
    """
    if facts.days is None or not book.has("programme_costs"):
        return None
    if not facts.ledger.has_contribution:
        return None
    days = facts.days
    lengths = {k: float(year.n_days) for k, year in enumerate(facts.years)}
    loose = _frame(level_spend(book, facts.years))
    per_day = days.groupby(["years_ago", "level"])["n_days"].sum().rename("all_days").reset_index()
    per_day = per_day.merge(loose, on=["years_ago", "level"], how="left")
    per_day["per_day"] = per_day["amount"].fillna(0.0) / per_day["all_days"]
    rows = days[days["n_days"] >= days["years_ago"].map(lengths)]
    rows = rows.merge(per_day[["years_ago", "level", "per_day"]], on=["years_ago", "level"])
    rows = rows.merge(_frame(named_spend(book, facts.years)), on=_KEY, how="left")
    rows = rows.merge(_frame(tiers_then(book, facts.years)), on=_KEY, how="left")
    earned = facts.account_years[[*_KEY, "contribution"]]
    before = earned.assign(years_ago=earned["years_ago"] - 1)
    rows = rows.merge(earned, on=_KEY)
    rows = rows.merge(before.rename(columns={"contribution": "contribution_before"}), on=_KEY)
    named = rows["named"].fillna(0.0)
    rows = rows.assign(
        tier=rows["tier"].fillna("unknown"),
        named=named,
        spend=named + rows["per_day"] * rows["n_days"],
    )
    columns = [*_KEY, "tier", "level", "named", "spend", "contribution", "contribution_before"]
    known = rows[["contribution", "contribution_before"]].notna().all(axis=1)
    return rows.loc[known, columns].sort_values(_KEY, ignore_index=True)


def named_spend(book: Book, years: Sequence[Window]) -> ir.Table:
    """Return service and communication that name an account: `account_id`, `years_ago`, `named`."""
    rows = owner(book, _decided(book, years))
    rows = rows.filter(rows.account_id.notnull())
    return rows.group_by(*_KEY).agg(named=rows.amount.sum())


def level_spend(book: Book, years: Sequence[Window]) -> ir.Table:
    """Return service and communication that name a level only: `years_ago`, `level`, `amount`."""
    rows = _decided(book, years)
    rows = rows.filter(rows.account_id.isnull(), rows.level.notnull())
    return rows.group_by("years_ago", "level").agg(amount=rows.amount.sum())


def tiers_then(book: Book, years: Sequence[Window]) -> ir.Table:
    """Return the tier in force on the first day of each year: `account_id`, `years_ago`, `tier`."""
    parts = [
        tier_in_force(book, year.start).mutate(years_ago=ibis.literal(k, "int64"))
        for k, year in enumerate(years)
    ]
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _decided(book: Book, years: Sequence[Window]) -> ir.Table:
    rows = book["programme_costs"]
    last, first = ibis.date(years[0].end), ibis.date(years[-1].start)
    rows = rows.filter(
        rows.kind.isin(_DECIDED), rows.date >= first, rows.date <= last,
        rows.recorded_on.fill_null(rows.date) <= last,
    )  # fmt: skip
    end = years[0].end.year * YEAR + years[0].end.month
    ago: Any = end - (rows.date.year() * YEAR + rows.date.month())
    return rows.mutate(years_ago=(ago / YEAR).floor().cast("int64")).select(
        "account_id", "years_ago", "level", "amount"
    )


def _frame(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame
