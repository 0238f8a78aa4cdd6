"""What staying is worth: customer lifetime value by retention rate, and of a point more of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row

Floats = NDArray[np.float64]
POINT = 0.01


def lifetime_value(
    margin: float,
    retention: ArrayLike,
    rate: float,
    *,
    first_now: bool = False,
    periods: int | None = None,
) -> Floats:
    """Customer lifetime value at a constant margin and retention rate.

    Parameters
    ----------
    margin
        Of an account that is there, per period.
    retention
        Chance to be there a period later, from 0 to 1.
    rate
        What money loses in a period, above zero where retention may be 1.
    first_now
        Whether this period's margin counts: m(1 + i) ÷ (1 + i − r); else it begins with the next
        renewal: m r ÷ (1 + i − r).
    periods
        Renewals that are counted; all, unless given.

    Raises
    ------
    FitError
        Rates outside their range.

    References
    ----------
    Gupta, S. and Lehmann, D. R. (2003). Customers as assets. Journal of Interactive Marketing 17(1),
    9–24. doi:10.1002/dir.10045

    Examples
    --------
    >>> lifetime_value(1.0, [0.6, 0.8, 0.95], 0.10).round(6).tolist()
    [1.2, 2.666667, 6.333333]
    """
    r = np.asarray(retention, dtype=np.float64)
    if not ((r >= 0) & (r <= 1)).all():
        raise FitError("retention rates must lie from 0 to 1")
    if rate < 0 or (periods is None and (1 + rate - r <= 0).any()):
        raise FitError(
            "the discount rate must not be below zero, and above it where all accounts stay for ever"
        )
    ratio = r / (1 + rate)
    later = ratio / (1 - ratio) if periods is None else _finite(ratio, periods)
    return np.asarray(margin * (later + first_now))


def elasticity(retention: float, rate: float) -> float:
    """Return by how many percent lifetime value rises with one percent more retention.

    >>> round(elasticity(0.8, 0.10), 6)
    3.666667
    """
    return (1 + rate) / (1 + rate - retention)


def affordable_spend(margin: float, points: float, retention: float, rate: float) -> float:
    """What may be spent on an account in a period, at most, to raise its retention by some points.

    Parameters
    ----------
    margin
        Of an account that is there, per period.
    points
        Rise of retention, 0.03 for three points.
    retention, rate
        As for `lifetime_value`.

    Examples
    --------
    >>> round(affordable_spend(12_000, 0.03, 0.8, 0.10), 6)
    1320.0
    """
    return points * float(lifetime_value(margin, retention, rate, first_now=True))


def months_gained(hazard: float, hazard_ratio: float, months: float) -> float:
    """Months that an account stays longer within a horizon if its rate of leaving falls.

    Parameters
    ----------
    hazard
        Rate of leaving per month without the programme, constant.
    hazard_ratio
        Rate with it as a multiple of that.
    months
        Horizon.

    Returns
    -------
    float
        Difference of restricted mean times, months × 1 account.

    Raises
    ------
    FitError
        A rate, ratio or horizon that is not above zero.

    Examples
    --------
    >>> round(months_gained(0.02, 0.8, 36), 6)
    1.70371
    """
    if min(hazard, hazard_ratio, months) <= 0:
        raise FitError("rate of leaving, ratio and months must be above zero")
    rates = np.array([hazard, hazard * hazard_ratio])
    before, after = -np.expm1(-rates * months) / rates
    return float(after - before)


def cost_per_retained(cost: float, rise: float, n_accounts: int) -> float:
    """What it costs to keep one account that would have left, not one that was contacted.

    Parameters
    ----------
    cost
        Of the programme, in money.
    rise
        Rise of retention that it brought, 0.03 for three points.
    n_accounts
        Accounts in it.

    Returns
    -------
    float
        Money per account kept; compare it with what an account won costs. Infinite without a rise.

    Examples
    --------
    >>> cost_per_retained(30_000, 0.03, 100)
    10000.0
    """
    return cost / (rise * n_accounts) if rise > 0 else float("inf")


def worth_of_points(
    margin: float,
    retention: Sequence[float],
    rate: float,
    *,
    points: Sequence[float] = (0.01, 0.05),
    n_accounts: int = 1,
    first_now: bool = False,
) -> Estimate:
    """What a few points more of retention are worth at each rate of retention.

    Parameters
    ----------
    margin, retention, rate, first_now
        As for `lifetime_value`.
    points
        Rises, 0.01 for one point; those that would go beyond 100 % are left out.
    n_accounts
        Over how many accounts.

    Returns
    -------
    Estimate
        One row per rate and rise: `retention_rate`, `clv`, `retention_rise`, `clv_gain` (money, of
        all accounts), `clv_gain_share`. A value, not a yearly profit; it follows from the two rates
        and says nothing on whether a programme can raise retention.

    Raises
    ------
    FitError
        As `lifetime_value`; or no rate or rise.
    """
    pairs = [(r, d) for r in retention for d in points if r + d <= 1 + 1e-12]
    if not pairs:
        raise FitError("give a retention rate and a rise that do not go beyond 100 % together")
    before, rise = (np.array(v) for v in zip(*pairs, strict=True))
    now = lifetime_value(margin, before, rate, first_now=first_now)
    then = lifetime_value(margin, np.minimum(before + rise, 1.0), rate, first_now=first_now)
    frame = pd.DataFrame(
        {
            "retention_rate": before,
            "clv": now,
            "retention_rise": rise,
            "clv_gain": (then - now) * n_accounts,
            "clv_gain_share": then / now - 1,
        }
    )
    row = frame.iloc[0]
    note = Sentence(
        "retention_worth.note",
        {
            "n": n_accounts, "before": row["retention_rate"], "points": row["retention_rise"] / POINT,
            "gain": row["clv_gain"], "share": row["clv_gain_share"], "rate": rate,
        },
    )  # fmt: skip
    return Estimate("worth_of_points", frame, one_row(n_accounts, "Gupta-Lehmann"), note)


def _finite(ratio: Floats, periods: int) -> Floats:
    return np.asarray(sum(ratio**k for k in range(1, periods + 1)))
