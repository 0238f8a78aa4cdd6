"""How many times as often: a ratio of rates over strata, where some strata hold few events or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from kamlib.churn.sensitivity import exact_poisson


def mantel_haenszel(
    events: ArrayLike,
    time: ArrayLike,
    other_events: ArrayLike,
    other_time: ArrayLike,
    conf_level: float,
) -> tuple[float, float, float]:
    """Ratio of two rates that are compared within strata only, with its limits.

    Parameters
    ----------
    events, time
        Events and time at risk of those who are looked at, one element per stratum.
    other_events, other_time
        Of those they are compared with, in the same strata.
    conf_level
        Of the interval.

    Returns
    -------
    tuple
        Ratio, lower and upper limit. With no event among those looked at the ratio is 0, and the
        upper limit that of their Poisson count over what was to be expected. NaN where nothing was
        to be expected.

    Notes
    -----
    The ratio is R ÷ S with R = Σ a T₀ ÷ T and S = Σ b T₁ ÷ T, the variance of its logarithm
    Σ (a + b) T₁ T₀ ÷ T² ÷ (R S), where a and b are events, T₁ and T₀ times and T their sum. It holds for
    many strata with few events each; events are taken as independent.

    References
    ----------
    Greenland, S. and Robins, J. M. (1985). Estimation of a common effect parameter from sparse
    follow-up data. Biometrics 41, 55–68. doi:10.2307/2530643

    Examples
    --------
    >>> ratio, low, high = mantel_haenszel([8, 4], [100, 100], [4, 2], [100, 100], 0.95)
    >>> ratio, round(low, 3), round(high, 3)
    (2.0, 0.751, 5.329)
    """
    a, t1, b, t0 = (
        np.asarray(v, dtype=np.float64) for v in (events, time, other_events, other_time)
    )
    both = (t1 > 0) & (t0 > 0)
    a, t1, b, t0 = a[both], t1[both], b[both], t0[both]
    total = t1 + t0
    above, below = float(np.sum(a * t0 / total)), float(np.sum(b * t1 / total))
    if below == 0:
        return float("nan"), float("nan"), float("nan")
    if above == 0:
        most = float(exact_poisson([0], conf_level)[1][0])
        return 0.0, 0.0, most / float(np.sum(t1 * b / t0))
    ratio = above / below
    variance = float(np.sum((a + b) * t1 * t0 / total**2)) / (above * below)
    half = float(ndtri((1 + conf_level) / 2)) * np.sqrt(variance)
    return ratio, float(ratio * np.exp(-half)), float(ratio * np.exp(half))
