"""What a member costs in a month, by level, as effects are held against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.loyalty.comparisons import ABOVE, BY_LOT, WHOLE
from kamlib.loyalty.finance.cost import ITEMS
from kamlib.loyalty.identities import LEVELS
from kamlib.loyalty.programme_facts import ProgrammeFacts
from kamlib.loyalty.spending import Spending
from kamlib.results import Estimate

NONE = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class MemberCosts:
    """Costs of a programme since it began.

    Attributes
    ----------
    by_level
        Cost by level, what is common spread by member-months, shape of `cost_by_level`'s frame, with
        level as index: `cost`, `member_months`.
    set_up
        Of it, money laid out before anybody joined.
    members
        Members by level on the last day.
    """

    by_level: pd.DataFrame
    set_up: float
    members: dict[int, int]

    def per_month(self, level: int) -> float:
        """Return what a member and month cost at a level; 0: at all levels."""
        rows = self.by_level if level == 0 else self.by_level.reindex([level])
        months = float(rows["member_months"].sum())
        return float(rows["cost"].sum()) / months if months > 0 else NONE

    def of(self, name: str, level: int) -> float:
        """Return the cost of a member and month of a comparison; of a level, beyond the one below."""
        if name == ABOVE.get(level) and level > 1:
            return self.per_month(level) - self.per_month(level - 1)
        return self.per_month(level)

    def months(self, level: int) -> float:
        """Return months of membership at a level; 0: at all levels."""
        rows = self.by_level if level == 0 else self.by_level.reindex([level])
        return float(rows["member_months"].sum())

    def now(self, level: int) -> int:
        """Return members at a level on the last day; 0: at all levels."""
        return sum(self.members.values()) if level == 0 else self.members.get(level, 0)


def costs_of(by_level: Estimate, members: Estimate, facts: ProgrammeFacts) -> MemberCosts | None:
    """Return costs per member from the ledger; None where members or costs are not known."""
    if by_level.refused or members.refused or facts.costs is None:
        return None
    rows = by_level.frame.set_index("programme_level")[["cost", "member_months"]]
    last = members.frame[members.frame["month"] == members.frame["month"].max()]
    now = last.set_index("programme_level")["n_members"]
    laid_out = float(facts.costs.loc[facts.costs["kind"] == "setup", "amount"].sum())
    return MemberCosts(rows, laid_out, {level: int(now.get(level, 0)) for level in LEVELS})


def kinds_missing(found: Spending) -> float:
    """Return the share of the kinds of cost that nobody booked, and that no price gives."""
    known = set(found.rows["cost_item"])
    return sum(item not in known for item in ITEMS) / len(ITEMS)


def cost_by_comparison(costs: MemberCosts | None) -> dict[str, float]:
    """Return the cost of a member and month of every comparison there may be."""
    if costs is None:
        return {}
    found = {WHOLE: costs.per_month(0)}
    found |= {ABOVE[k]: costs.of(ABOVE[k], k) for k in LEVELS}
    found |= {BY_LOT[k]: costs.per_month(k) for k in LEVELS}
    return {name: cost for name, cost in found.items() if np.isfinite(cost) and cost > 0}


def cost_of_year(costs: MemberCosts | None) -> float | None:
    """Return what today's members cost in a year; None where not known."""
    return None if costs is None else 12 * costs.per_month(0) * costs.now(0)


def members_now(costs: MemberCosts | None) -> int:
    """Return today's members."""
    return 0 if costs is None else costs.now(0)


def needed_of(costs: MemberCosts | None, amounts: pd.Series) -> float | None:
    """Return the cost of a member as a share of what accounts bring in a month; None where not known."""
    brought = float(amounts.mean()) if len(amounts) else 0.0
    return costs.per_month(0) / brought if costs is not None and brought > 0 else None
