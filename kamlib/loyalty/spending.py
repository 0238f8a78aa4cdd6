"""All that a programme costs, each cost once: what is booked, points at their cost, minutes at their rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.loyalty.finance.cost import Points, minute_rate
from kamlib.loyalty.identities import LEVELS
from kamlib.loyalty.points_ledger import breakage
from kamlib.loyalty.programme_facts import ProgrammeFacts
from kamlib.params import LoyaltyRoiParams, Unit
from kamlib.results import Check

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
            whole += float(months_by_level(facts.members).to_numpy() @ worth)
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


def _rate(unit: Unit) -> float | None:
    hourly = unit.ledger.service_rate_per_hour
    if unit.loyalty_roi.minute_rate is not None:
        return unit.loyalty_roi.minute_rate
    return None if hourly is None else minute_rate(hourly, 60)


def months_by_level(members: pd.DataFrame) -> pd.Series:
    """Return months of membership by level."""
    return members.groupby("level")["member_months"].sum().reindex(LEVELS, fill_value=0.0)
