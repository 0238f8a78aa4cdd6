"""What a programme costs, item by item; the items add up to the total."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row

ITEMS = ("set_up", "rewards", "service", "communication")


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a time.

    Attributes
    ----------
    issued
        Points given in the time.
    unit_cost
        Cost of a redeemed point, in money.
    breakage
        Share that is never redeemed, 0 to below 1.
    on_baseline
        Share of the points that went to purchases that would have been made anyway, 0 to 1.
    booked
        Share of their cost that was booked as a liability before, so that it does not count twice.
    """

    issued: float
    unit_cost: float
    breakage: float
    on_baseline: float = 0.0
    booked: float = 0.0

    @property
    def cost(self) -> float:
        """Cost of all redemptions to come of these points that is not booked yet, in money."""
        return self.issued * self.unit_cost * (1 - self.breakage) * (1 - self.booked)


def minute_rate(cost: float, minutes: float) -> float:
    """Return what a minute of capacity costs (time-driven activity-based costing).

    >>> minute_rate(560_000, 700_000)
    0.8
    """
    if minutes <= 0:
        raise FitError("the minutes of capacity must be above zero")
    return cost / minutes


def programme_cost(
    *,
    set_up: float | None,
    points: Points | None,
    service: float | None,
    communication: float | None,
) -> Estimate:
    """Cost of a programme by item; what is not known is said and not taken as nothing.

    Parameters
    ----------
    set_up, service, communication
        Money of the time: set-up and platform as charged to it, minutes of service × their rate,
        mails and events. None where not known; 0 where there was none.
    points
        Points given in the time; None where not known.

    Returns
    -------
    Estimate
        One row per known item: `cost_item`, `cost`, `cost_share`. The summary has the total as
        `cost`, and `subsidy`: rewards on purchases that would have been made anyway. A failed check
        names items that are not known: a return then is too high.

    Raises
    ------
    FitError
        A cost below zero, shares outside their range, or no item known at all.

    Examples
    --------
    >>> found = programme_cost(
    ...     set_up=15_000, points=Points(100_000, 0.2, 0.25), service=4_000, communication=0)
    >>> float(found["cost"])
    34000.0
    """
    faults = []
    if points is not None and not (
        0 <= points.breakage < 1 and 0 <= points.on_baseline <= 1 and 0 <= points.booked <= 1
    ):
        faults.append(
            "breakage and the shares on baseline purchases and booked must lie from 0 to 1"
        )
    rewards = None if points is None else points.cost
    given = dict(zip(ITEMS, (set_up, rewards, service, communication), strict=True))
    known = {name: float(value) for name, value in given.items() if value is not None}
    faults += [f"{name}: a cost must not be below zero" for name, v in known.items() if v < 0]
    if not known:
        faults.append("no cost of the programme is known: without it there is no return")
    if faults:
        raise FitError(*faults)
    total = sum(known.values())
    frame = pd.DataFrame({"cost_item": list(known), "cost": list(known.values())})
    frame["cost_share"] = frame["cost"] / total if total else float("nan")
    unknown = [name for name in ITEMS if name not in known]
    complete = Sentence(
        "programme_cost.incomplete" if unknown else "programme_cost.complete",
        {"n": len(unknown), "of": len(ITEMS)},
    )
    subsidy = points.cost * points.on_baseline if points is not None else float("nan")
    note = Sentence("programme_cost.note", {"cost": total, "rewards": rewards, "subsidy": subsidy})
    summary = one_row(len(frame), "sum of items", cost=total, subsidy=subsidy)
    checks = (Check("cost_complete", not unknown, complete),)
    return Estimate("programme_cost", frame, summary, note, checks)
