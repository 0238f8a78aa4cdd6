"""What each account cost to keep in each year: its cost to serve and its part of the programme."""

from __future__ import annotations

import pandas as pd

from kamlib.loyalty.economics_facts import YEAR, EconomicsFacts
from kamlib.loyalty.spending import Spending

KEY = ["account_id", "years_ago"]


def keeping(facts: EconomicsFacts, spent: Spending | None) -> tuple[pd.DataFrame, pd.Series]:
    """Return what each account cost to keep in each year.

    What the programme costs at a level is spread over its members' days there in the year, what it
    costs at none over all members' days.

    Returns
    -------
    tuple
        One row per account and year: `account_id`, `years_ago`, `there` (1: it bought, else 0),
        `cost_to_serve` (0 where unknown), `programme_cost`; and by year what can be spread over
        nobody.
    """
    rows = facts.account_years
    rows = rows.assign(
        there=(rows["n_orders"] > 0).astype("int64"),
        cost_to_serve=rows["cost_to_serve"].astype("float64").fillna(0.0),
    )[["account_id", "years_ago", "there", "cost_to_serve"]]
    shares, common = _programme(facts, spent)
    rows = rows.merge(shares, on=KEY, how="outer")
    counts = ["there", "cost_to_serve", "programme_cost"]
    rows[counts] = rows[counts].fillna(0.0)
    return rows, common


def _programme(
    facts: EconomicsFacts, spent: Spending | None
) -> tuple[pd.DataFrame, pd.Series]:
    nothing = pd.DataFrame(
        {"account_id": pd.Series(dtype=object), "years_ago": pd.Series(dtype="int64"),
         "programme_cost": pd.Series(dtype="float64")}
    )  # fmt: skip
    loose: dict[int, float] = {}
    if spent is None:
        return nothing, pd.Series(loose, dtype="float64")
    costs = within_years(facts, spent).groupby(["years_ago", "programme_level"], dropna=False)["cost"]
    parts = []
    for (ago, level), cost in costs.sum().items():
        days = facts.days
        days = days[days["years_ago"] == ago] if days is not None else nothing.assign(n_days=0.0)
        own = days if pd.isna(level) else days[days["level"] == level]
        own = days if own.empty else own
        if own.empty:
            loose[int(ago)] = loose.get(int(ago), 0.0) + float(cost)
            continue
        share = own["n_days"] / own["n_days"].sum()
        parts.append(own[KEY].assign(programme_cost=share * cost))
    every = pd.concat(parts, ignore_index=True) if parts else nothing
    return every.groupby(KEY, as_index=False)["programme_cost"].sum(), pd.Series(
        loose, dtype="float64"
    )


def within_years(facts: EconomicsFacts, spent: Spending) -> pd.DataFrame:
    """Return the programme's costs of the whole years, with `years_ago`."""
    rows, last = spent.rows, facts.years[0].end
    months = pd.to_datetime(rows["month"])
    ago = (last.year - months.dt.year) * YEAR + last.month - months.dt.month
    inside = (ago >= 0) & (ago < YEAR * len(facts.years))
    return rows[inside].assign(years_ago=(ago[inside] // YEAR).astype("int64"))


