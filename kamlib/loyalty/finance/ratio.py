"""The interval of a ratio of two uncertain figures (Fieller)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm, t

from kamlib.errors import FitError


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio with its interval.

    Attributes
    ----------
    value, low, high
        Ratio and limits. Where the interval is not "bounded" the limits are those that part what is
        held from what is not, and infinite where nothing is parted.
    shape
        "bounded"; "outside": all ratios are held but those between the limits; "all": every ratio is.
    g
        Square of quantile × error ÷ size of the denominator; at one and above it cannot be told from
        zero, and the interval has no bounds.
    """

    value: float
    low: float
    high: float
    shape: Literal["bounded", "outside", "all"]
    g: float


def fieller(
    above: float,
    below: float,
    variance_above: float,
    variance_below: float,
    covariance: float = 0.0,
    *,
    conf_level: float = 0.95,
    df: float | None = None,
) -> Ratio:
    """Ratio of two means with the set of ratios that a test does not reject.

    Parameters
    ----------
    above, below
        Estimates; `below` is not zero.
    variance_above, variance_below, covariance
        Squared standard errors of the estimates and their covariance.
    conf_level
        Of the interval.
    df
        Degrees of freedom; None for large samples.

    Raises
    ------
    FitError
        A denominator of zero, or variances that are below zero or contradict their covariance.

    References
    ----------
    Fieller, E. C. (1954). Some problems in interval estimation. Journal of the Royal Statistical
    Society B 16, 175–185. doi:10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    >>> found = fieller(50, 20, 100, 9, 12)
    >>> found.value, round(found.low, 6), round(found.high, 6), found.shape
    (2.5, 1.598456, 3.622301, 'bounded')
    """
    if below == 0:
        raise FitError("a ratio to zero has no value: give what was spent")
    if min(
        variance_above, variance_below
    ) < 0 or covariance**2 > variance_above * variance_below * (1 + 1e-9):
        raise FitError(
            "variances must not be below zero, and the covariance not beyond their product"
        )
    quantile = float(
        norm.isf((1 - conf_level) / 2) if df is None else t.isf((1 - conf_level) / 2, df)
    )
    square = quantile**2
    # (above − ratio · below)² ≤ q² · its variance, as a·ratio² − 2·b·ratio + c ≤ 0
    a = below**2 - square * variance_below
    b = above * below - square * covariance
    c = above**2 - square * variance_above
    g = square * variance_below / below**2
    root = b**2 - a * c
    value = above / below
    if a <= 0 and root <= 0:
        return Ratio(value, -np.inf, np.inf, "all", g)
    if a == 0:
        edge = c / (2 * b)
        low, high = (edge, np.inf) if b > 0 else (-np.inf, edge)
        return Ratio(value, low, high, "outside", g)
    ends = sorted((b + sign * np.sqrt(max(root, 0.0))) / a for sign in (-1, 1))
    return Ratio(value, float(ends[0]), float(ends[1]), "bounded" if a > 0 else "outside", g)
