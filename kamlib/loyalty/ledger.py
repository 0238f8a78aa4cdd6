"""The programme's ledger: what it costs by item, level and month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.finance.cost import ITEMS, programme_cost
from kamlib.loyalty.identities import LEVELS, adds_up
from kamlib.loyalty.programme_facts import ProgrammeFacts
from kamlib.loyalty.spending import Spending, months_by_level
from kamlib.results import Estimate, one_row, refusal


def cost_by_item(found: Spending, *, baseline_share: float | None = None) -> Estimate:
    """What the programme costs, item by item.

    Parameters
    ----------
    found
        All costs.
    baseline_share
        Share of the rewards that goes to purchases that would have been made anyway; None where it
        cannot be told.

    Returns
    -------
    Estimate
        As `finance.cost.programme_cost`: one row per known item: `cost_item`, `cost`, `cost_share`;
        the summary has the total as `cost` and `subsidy` (unknown without a share). Refused where
        no cost is known, or an item is below zero on balance.
    """
    sums = found.rows.groupby("cost_item")["cost"].sum()
    if sums.empty:
        return refusal("programme_cost", "programme_ledger.no_costs")
    if (sums < 0).any():
        item = str(sums.idxmin())
        return refusal("programme_cost", "programme_ledger.negative", item=item, cost=sums.min())
    told = {item: float(sums[item]) for item in ITEMS if item in sums}
    rewards = found.rewards and replace(found.rewards, on_baseline=baseline_share or 0.0)
    estimate = programme_cost(
        set_up=told.get("set_up"), points=rewards, service=told.get("service"),
        communication=told.get("communication"),
    )  # fmt: skip
    checks = (
        adds_up("items_add_up", float(estimate["cost"]), found.whole), *estimate.checks, *found.checks
    )  # fmt: skip
    if baseline_share is not None or rewards is None:
        return replace(estimate, checks=checks)
    summary = estimate.summary.assign(subsidy=np.nan)
    values = {"cost": float(estimate["cost"]), "rewards": rewards.cost}
    note = Sentence("programme_ledger.items", values)
    return replace(estimate, summary=summary, note=note, checks=checks)


def cost_by_level(found: Spending, facts: ProgrammeFacts) -> Estimate:
    """What a member costs, by level of the programme.

    What names a level or an account counts there; what names neither is spread over all levels by
    their months of membership.

    Parameters
    ----------
    found
        All costs.
    facts
        Months of membership.

    Returns
    -------
    Estimate
        One row per level with members or costs: `programme_level`, `member_months`, `cost_direct`,
        `cost_common`, `cost` (their sum), `cost_per_member_year` (12 × cost ÷ member-months; null
        without members). The summary has `cost` and `cost_per_member_year` of all. Refused without
        members or costs.
    """
    if found.rows.empty:
        return refusal("cost_by_level", "programme_ledger.no_costs")
    if facts.members is None or facts.members.empty:
        return refusal("cost_by_level", "programme_ledger.no_members")
    months = months_by_level(facts.members)
    common = found.rows["programme_level"].isna()
    direct = found.rows[~common].groupby("programme_level")["cost"].sum()
    frame = pd.DataFrame(
        {
            "programme_level": list(LEVELS),
            "member_months": months.to_numpy(),
            "cost_direct": direct.reindex(LEVELS, fill_value=0.0).to_numpy(),
            "cost_common": float(found.rows.loc[common, "cost"].sum())
            * (months / months.sum()).to_numpy(),
        }
    )
    frame["cost"] = frame["cost_direct"] + frame["cost_common"]
    some = (frame["member_months"] > 0) | (frame["cost"] != 0)
    frame = frame[some].reset_index(drop=True)
    frame["cost_per_member_year"] = 12 * frame["cost"] / frame["member_months"].replace(0, np.nan)
    cost, n = float(frame["cost"].sum()), float(months.sum())
    yearly = dict(zip(frame["programme_level"], frame["cost_per_member_year"], strict=True))
    told = {f"level_{level}": yearly.get(level) for level in LEVELS}
    told |= {"all": 12 * cost / n, "years": n / 12}
    summary = one_row(len(frame), "full count", cost=cost, cost_per_member_year=12 * cost / n)
    checks = (adds_up("costs_of_levels_add_up", cost, found.whole),)
    note = Sentence("programme_ledger.by_level", told)
    return Estimate("cost_by_level", frame, summary, note, checks)


def cost_by_month(found: Spending, facts: ProgrammeFacts) -> Estimate:
    """What the programme costs month by month.

    Parameters
    ----------
    found
        All costs.
    facts
        The last day known.

    Returns
    -------
    Estimate
        One row per month with costs and item: `month`, `cost_item`, `cost`. The summary has `cost`
        (all), `cost_last_year` (twelve months up to that of the last day known). Refused without
        costs.
    """
    if found.rows.empty:
        return refusal("cost_by_month", "programme_ledger.no_costs")
    sums = found.rows.groupby(["month", "cost_item"])["cost"].sum()
    frame = sums.reset_index()
    start = pd.Timestamp(facts.day).to_period("M").to_timestamp() - pd.DateOffset(months=11)
    recent = frame["month"] >= start
    last, cost = float(frame.loc[recent, "cost"].sum()), float(frame["cost"].sum())
    told = {"cost": cost, "first": frame["month"].iloc[0], "last": last, "as_of": facts.day}
    summary = one_row(len(frame), "full count", cost=cost, cost_last_year=last)
    checks = (adds_up("costs_of_months_add_up", cost, found.whole),)
    return Estimate(
        "cost_by_month", frame, summary, Sentence("programme_ledger.by_month", told), checks
    )
