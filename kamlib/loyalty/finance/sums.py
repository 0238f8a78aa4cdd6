"""A ratio of two sums over accounts or months, such as cost per account, with its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.loyalty.finance.ratio import Ratio, fieller

Floats = NDArray[np.float64]


def influences(above: ArrayLike, below: ArrayLike) -> Floats:
    """Return how far each case moves the ratio of sums; they add up to zero.

    Parameters
    ----------
    above, below
        One number per independent case; the sum of `below` is above zero.

    Examples
    --------
    >>> influences([2.0, 4.0], [1.0, 1.0]).tolist()
    [-0.5, 0.5]
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (above, below))
    return np.asarray((a - a.sum() / b.sum() * b) / b.sum())


def ratio_of_sums(
    above: ArrayLike, below: ArrayLike, conf_level: float
) -> tuple[Ratio, float, float]:
    """Ratio of two sums over independent cases, both of which would be others another time.

    Parameters
    ----------
    above, below
        One number per case, for instance cost and accounts won of a month.
    conf_level
        Of the interval.

    Returns
    -------
    tuple
        Ratio with its interval (Fieller), its standard error (from the influences of the cases) and
        the degrees of freedom, cases − 1.

    Raises
    ------
    FitError
        Fewer than two cases, or a sum below the line that is not above zero.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, third edition, sections 6.2–6.4. Wiley.

    Examples
    --------
    >>> found, error, df = ratio_of_sums([2.0, 4.0, 3.0], [1.0, 1.0, 1.0], 0.95)
    >>> found.value, round(error, 6), round(found.low, 3), round(found.high, 3), df
    (3.0, 0.57735, 0.516, 5.484, 2.0)
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (above, below))
    n = len(a)
    if n < 2 or not b.sum() > 0:
        raise FitError("a ratio of sums takes two cases, and something to divide by")
    # of the sums: n cases, each drawn from what cases are like
    spread = np.cov(a, b) * n
    df = float(n - 1)
    limits = fieller(
        float(a.sum()), float(b.sum()), float(spread[0, 0]), float(spread[1, 1]),
        float(spread[0, 1]), conf_level=conf_level, df=df,
    )  # fmt: skip
    error = float(np.sqrt(n / (n - 1) * np.sum(influences(a, b) ** 2)))
    return limits, error, df
