"""Intervals of a share of a count."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


def wilson(events: ArrayLike, n_obs: ArrayLike, conf_level: float) -> tuple[Floats, Floats]:
    """Wilson score interval of shares of independent cases.

    Parameters
    ----------
    events, n_obs
        Cases that count and all cases, any shape; no case gives no interval (NaN).
    conf_level
        Level between 0 and 1.

    Returns
    -------
    tuple
        Lower and upper limits, between 0 and 1.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22, 209–212. doi:10.1080/01621459.1927.10502953
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion. Statistics in
    Medicine 17, 857–872: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611.

    Examples
    --------
    >>> [float(limit.round(4)) for limit in wilson(81, 263, 0.95)]
    [0.2553, 0.3662]
    """
    x, n = np.asarray(events, dtype=np.float64), np.asarray(n_obs, dtype=np.float64)
    z = float(ndtri((1 + conf_level) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = x / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        # at none and at all the limits are exact, whatever rounding says
        low = np.where(x == 0, 0.0 * middle, middle - half)
        high = np.where(x == n, middle / middle, middle + half)
    return low, high
