"""A budget over tiers, so that the last unit of money brings the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Response:
    """What a spend x on a tier brings: ceiling · (1 − e^(−pace · x)).

    Attributes
    ----------
    name
        Of the tier.
    ceiling
        The most that can be gained, in money.
    pace
        How fast the ceiling is neared, per unit of money.
    low, high
        Least and most that may be spent.
    levels
        Levels of spend that the curve was fitted to; one level identifies no curve.
    """

    name: str
    ceiling: float
    pace: float
    low: float = 0.0
    high: float = float("inf")
    levels: int = 3


def allocate(responses: Sequence[Response], budget: float, *, min_levels: int = 3) -> Estimate:
    """Split a budget over tiers so that their gain is the largest.

    Parameters
    ----------
    responses
        Curves of the tiers; for caution those at the lower end of what the data hold.
    budget
        What may be spent in all; what would bring nothing more is left.
    min_levels
        Levels of spend that each curve must have been fitted to.

    Returns
    -------
    Estimate
        One row per tier: `tier`, `spend`, `gain`, `marginal_gain` (of one unit more there). The
        summary has `budget`, `spent`, `gain`, `even_gain` (of an even split) and `shadow_price`:
        what one unit more of budget would bring.

    Raises
    ------
    FitError
        Curves that rest on too few levels of spend or do not bend, limits that contradict, or a
        budget that does not reach for the least spends.

    Examples
    --------
    >>> curves = [Response("1", 100, .02), Response("2", 60, .05), Response("3", 30, .10)]
    >>> found = allocate(curves, 100)
    >>> found.frame["spend"].round(6).tolist(), round(float(found["shadow_price"]), 6)
    ([54.897529, 30.068314, 15.034157], 0.667108)
    """
    _check(responses, budget, min_levels)
    a, b, low, high = (
        np.array([getattr(r, name) for r in responses], dtype=np.float64)
        for name in ("ceiling", "pace", "low", "high")
    )

    first = np.log(a) + np.log(b)  # of the marginal gain of the first unit of money

    def spends(log_price: float) -> Floats:
        return np.clip((first - log_price) / b, low, high)

    price, spend = 0.0, high
    if high.sum() > budget:
        floor = float((first - b * budget).min())
        found = brentq(lambda v: spends(v).sum() - budget, floor - 1, float(first.max()) + 1e-9)
        price, spend = float(np.exp(found)), spends(found)
    even = np.clip(np.full(len(a), budget / len(a)), low, high)
    frame = pd.DataFrame(
        {
            "tier": [r.name for r in responses],
            "spend": spend,
            "gain": a * -np.expm1(-b * spend),
            "marginal_gain": a * b * np.exp(-b * spend),
        }
    )
    told = {
        "budget": budget,
        "spent": float(spend.sum()),
        "gain": float(frame["gain"].sum()),
        "even_gain": float((a * -np.expm1(-b * even)).sum()),
        "shadow_price": price,
    }
    summary = one_row(len(frame), "equal marginal gain", **told)
    note = Sentence("allocation.note", told | {"n": len(frame)})
    return Estimate("allocation", frame, summary, note)


def _check(responses: Sequence[Response], budget: float, min_levels: int) -> None:
    if not responses:
        raise FitError("give at least one tier to spend on")
    faults = [
        f"{r.name}: spend was tried at {r.levels} level(s); it takes {min_levels} to know how gains "
        "bend: vary what is spent on the tier before a budget is moved by it"
        for r in responses
        if r.levels < min_levels
    ]
    faults += [
        f"{r.name}: ceiling and pace of the response must be above zero"
        for r in responses
        if not (r.ceiling > 0 and r.pace > 0)
    ]
    faults += [
        f"{r.name}: the least spend is below zero or above the most"
        for r in responses
        if not 0 <= r.low <= r.high
    ]
    least = sum(r.low for r in responses)
    if least > budget:
        faults.append(
            f"the least spends come to {least:,.0f}, more than the budget of {budget:,.0f}"
        )
    if faults:
        raise FitError(*faults)
