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


def _programme(facts: EconomicsFacts, spent: Spending | None) -> tuple[pd.DataFrame, pd.Series]:
    """Return the programme's cost by account and year, and by year what can be spread over nobody."""
    nothing = pd.DataFrame({"account_id": [], "years_ago": [], "programme_cost": []})
    parts = [nothing.astype({"account_id": object, "years_ago": "int64"})]
    loose: dict[int, float] = {}
    if spent is None:
        return parts[0], pd.Series(loose, dtype="float64")
    members = facts.days
    for ago, costs in within_years(facts, spent).groupby("years_ago"):
        days = None if members is None else members[members["years_ago"] == ago]
        if days is None or days.empty:
            loose[int(str(ago))] = float(costs["cost"].sum())
            continue
        there = costs["programme_level"].isin(days["level"])
        parts.append(_spread(days, costs.loc[~there, "cost"].sum()))
        for level, cost in costs[there].groupby("programme_level")["cost"].sum().items():
            parts.append(_spread(days[days["level"] == level], cost))
    every = pd.concat([p for p in parts if not p.empty] or parts, ignore_index=True)
    return every.groupby(KEY, as_index=False)[["programme_cost"]].sum(), pd.Series(
        loose, dtype="float64"
    )


def _spread(days: pd.DataFrame, cost: float) -> pd.DataFrame:
    return days[KEY].assign(programme_cost=cost * days["n_days"] / days["n_days"].sum())


def within_years(facts: EconomicsFacts, spent: Spending) -> pd.DataFrame:
    """Return the programme's costs of the whole years, with `years_ago`."""
    rows, last = spent.rows, facts.years[0].end
    months = pd.to_datetime(rows["month"])
    ago = (last.year - months.dt.year) * YEAR + last.month - months.dt.month
    inside = (ago >= 0) & (ago < YEAR * len(facts.years))
    return rows[inside].assign(years_ago=(ago[inside] // YEAR).astype("int64"))
