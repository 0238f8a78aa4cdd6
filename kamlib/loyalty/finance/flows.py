"""What a row of yearly or monthly sums is worth today, and when it has paid itself back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from kamlib.errors import FitError

Floats = NDArray[np.float64]


def monthly_rate(yearly: float) -> float:
    """Return the rate per month that makes the yearly one.

    >>> round(monthly_rate(0.1), 6)
    0.007974
    """
    return float((1 + yearly) ** (1 / 12) - 1)


def present_value(flows: ArrayLike, rate: float) -> float:
    """Net present value: Σ flow ÷ (1 + rate)^period, the first flow now.

    Parameters
    ----------
    flows
        Sums per period, outlays negative, shape (periods + 1,).
    rate
        What money loses in a period, above −1.

    Examples
    --------
    >>> round(present_value([-100_000, 30_000, 42_000, 48_000, 30_000], 0.10), 6)
    18536.985179
    """
    sums = _checked(flows)
    if rate <= -1:
        raise FitError(f"a discount rate of {rate:g} makes no sense: it must be above −1")
    return float(sums @ (1 + rate) ** -np.arange(len(sums), dtype=np.float64))


def internal_rate(flows: ArrayLike) -> float:
    """Internal rate of return: the rate at which the flows are worth nothing.

    Parameters
    ----------
    flows
        As for `present_value`.

    Raises
    ------
    FitError
        Flows that do not change their sign exactly once: they have no such rate, or several.

    Examples
    --------
    >>> round(internal_rate([-100_000, 30_000, 42_000, 48_000, 30_000]), 6)
    0.181384
    """
    sums = _checked(flows)
    signs = np.sign(sums[sums != 0])
    changes = int((signs[1:] != signs[:-1]).sum())
    if changes != 1:
        raise FitError(
            f"the flows change their sign {changes} times; an internal rate of return takes exactly "
            "one change: read the net present value instead"
        )
    low, high = -0.9, 1.0
    while present_value(sums, high) * signs[0] < 0:
        high *= 2
    while present_value(sums, low) * signs[0] > 0:
        low = (low - 1) / 2
    return float(brentq(lambda rate: present_value(sums, rate), low, high, xtol=1e-14))


def profitability_index(flows: ArrayLike, rate: float) -> float:
    """What each unit of money laid out now is worth: 1 + net present value ÷ outlay.

    Raises
    ------
    FitError
        The first flow is no outlay.

    Examples
    --------
    >>> round(profitability_index([-100_000, 30_000, 42_000, 48_000, 30_000], 0.10), 6)
    1.18537
    """
    sums = _checked(flows)
    if sums[0] >= 0:
        raise FitError("the first flow must be an outlay, below zero")
    return 1 - present_value(sums, rate) / float(sums[0])


def payback(flows: ArrayLike, rate: float = 0.0) -> float:
    """Periods until the sum of the flows turns positive for good, even within a period.

    Parameters
    ----------
    flows
        As for `present_value`.
    rate
        Above zero for the discounted payback.

    Returns
    -------
    float
        Infinite where the outlay does not come back; zero where there is none to come back.

    Examples
    --------
    >>> flows = [-100_000, 30_000, 42_000, 48_000, 30_000]
    >>> round(payback(flows), 6), round(payback(flows, 0.10), 6)
    (2.583333, 3.095333)
    """
    sums = _checked(flows)
    course = balances(sums * (1 + rate) ** -np.arange(len(sums), dtype=np.float64))
    if course[-1] < 0:
        return float("inf")
    below = np.flatnonzero(course < 0)
    if not len(below):
        return 0.0
    last = int(below[-1])
    return float(last + course[last] / (course[last] - course[last + 1]))


def balances(flows: Floats) -> Floats:
    """Return sums up to each period along the last axis; what rounding leaves of zero is zero.

    >>> balances(np.array([-0.3, 0.1, 0.2])).tolist()
    [-0.3, -0.19999999999999998, 0.0]
    """
    sums = np.cumsum(flows, axis=-1)
    least = 1e-12 * np.abs(flows).sum(axis=-1, keepdims=True)
    return np.where(np.abs(sums) <= least, 0.0, sums)


def _checked(flows: ArrayLike | Sequence[float]) -> Floats:
    sums = np.asarray(flows, dtype=np.float64)
    if sums.ndim != 1 or not len(sums) or not np.isfinite(sums).all():
        raise FitError("flows must be a row of finite sums, one per period")
    return sums
