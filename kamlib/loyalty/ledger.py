"""The programme's ledger: all that it costs, by item, level and month."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.loyalty.finance.cost import ITEMS, Points, minute_rate, programme_cost
from kamlib.loyalty.identities import LEVELS, adds_up
from kamlib.loyalty.points_ledger import breakage
from kamlib.loyalty.programme_facts import ProgrammeFacts
from kamlib.params import LoyaltyRoiParams, Unit
from kamlib.results import Check, Estimate, one_row, refusal

Floats = NDArray[np.float64]
_ITEM = {
    "setup": "set_up", "platform": "set_up", "reward": "rewards", "service": "service",
    "communication": "communication",
}  # fmt: skip
_KEY = ["month", "programme_level", "cost_item"]


@dataclass(frozen=True, slots=True, eq=False)
class Spending:
    """All costs of a programme that are known.

    Attributes
    ----------
    rows
        One row per `month`, `programme_level` (null: common to all levels) and `cost_item`: `cost`.
    rewards
        Rewards as `finance.cost` takes them; None where not known.
    whole
        Sum of all costs, counted apart from the rows.
    checks
        What is not known of them.
    """

    rows: pd.DataFrame
    rewards: Points | None
    whole: float
    checks: tuple[Check, ...]


def spending(facts: ProgrammeFacts, unit: Unit) -> Spending:
    """All costs of the programme: booked ones, points at their cost, minutes at their rate.

    Rewards are taken from one source, never two (`loyalty_roi.rewards`). From points they are the
    points issued in the month × `point_cost`, less the share that is never redeemed. Minutes are
    those of `loyalty_roi.minutes_per_member` × months of membership × their rate, beside the service
    that is booked.

    Parameters
    ----------
    facts
        Of the unit.
    unit
        Its `loyalty_roi`, and `ledger.service_rate_per_hour`.
    """
    rules = unit.loyalty_roi
    booked = pd.DataFrame(columns=[*_KEY, "cost"])
    if facts.costs is not None:
        named = {"level": "programme_level", "kind": "cost_item", "amount": "cost"}
        booked = facts.costs.rename(columns=named).replace({"cost_item": _ITEM})
    is_reward = booked["cost_item"] == "rewards"
    of_rewards = float(booked.loc[is_reward, "cost"].sum())
    rewards = Points(of_rewards, 1.0, 0.0) if is_reward.any() else None
    parts, whole, checks = [booked], facts.cost, []
    priced = _priced(facts, rules, is_booked=rewards is not None)
    if priced is not None and facts.points is not None:
        rewards, whole = priced, whole + priced.cost - of_rewards
        parts = [booked[~is_reward], _rewards(facts.points.by_month, priced)]
        checks.append(_once("programme_ledger.rewards_by_points", True, of_rewards))
    elif rules.rewards == "points":
        checks.append(_once("programme_ledger.rewards_without_points", False, of_rewards))
    elif rewards is not None and facts.points is not None:
        checks.append(_once("programme_ledger.rewards_booked", True, of_rewards))
    if any(rules.minutes_per_member) and facts.members is not None:
        rate = _rate(unit)
        key = "programme_ledger.no_rate" if rate is None else "programme_ledger.rate"
        checks.append(Check("minutes_have_a_rate", rate is not None, Sentence(key, {"rate": rate})))
        if rate is not None:
            worth = np.array(rules.minutes_per_member) * rate
            parts.append(_service(facts.members, worth))
            whole += float(_months(facts.members).to_numpy() @ worth)
    filled = [part for part in parts if not part.empty]
    rows = pd.concat(filled, ignore_index=True) if filled else booked
    rows = rows.groupby(_KEY, dropna=False)["cost"].sum().reset_index()
    return Spending(rows, rewards, whole, tuple(checks))


def _priced(facts: ProgrammeFacts, rules: LoyaltyRoiParams, *, is_booked: bool) -> Points | None:
    """Return the points that count as rewards; None where what is booked counts, or nothing."""
    wanted = rules.rewards == "points" or (rules.rewards == "auto" and not is_booked)
    if not wanted or facts.points is None or rules.point_cost is None:
        return None
    issued = float(facts.points.by_account["issued"].sum())
    return Points(issued, rules.point_cost, breakage(facts.points, rules)[0])


def _once(key: str, passed: bool, cost: float) -> Check:
    return Check("rewards_counted_once", passed, Sentence(key, {"cost": cost}))


def _rewards(points: pd.DataFrame, all_of_them: Points) -> pd.DataFrame:
    """Return what the points of each month and level will cost."""
    cost = [replace(all_of_them, issued=issued).cost for issued in points["issued"]]
    rows = points.rename(columns={"level": "programme_level"})
    return rows.assign(cost_item="rewards", cost=cost)[[*_KEY, "cost"]]


def _service(members: pd.DataFrame, worth: Floats) -> pd.DataFrame:
    """Return what the minutes of each month and level cost; `worth`: of a member-month by level."""
    rows = members.rename(columns={"level": "programme_level"})
    cost = rows["member_months"] * worth[rows["programme_level"].astype("int64") - 1]
    return rows.assign(cost_item="service", cost=cost)[[*_KEY, "cost"]]


def _months(members: pd.DataFrame) -> pd.Series:
    """Return months of membership by level."""
    return members.groupby("level")["member_months"].sum().reindex(LEVELS, fill_value=0.0)


def _rate(unit: Unit) -> float | None:
    hourly = unit.ledger.service_rate_per_hour
    if unit.loyalty_roi.minute_rate is not None:
        return unit.loyalty_roi.minute_rate
    return None if hourly is None else minute_rate(hourly, 60)


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
    months = _months(facts.members)
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
