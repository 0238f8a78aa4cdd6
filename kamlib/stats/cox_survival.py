"""Survival along paths of covariates, from a Cox model, with errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from kamlib.errors import FitError
from kamlib.stats.cox_baseline import Baseline
from kamlib.stats.cox_data import Flags, Floats
from kamlib.stats.cox_paths import Paths, alive, stretches
from kamlib.stats.cox_risk import added_up, grouped


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Chances to survive of n paths at k times each, given that they were alive.

    Attributes
    ----------
    times, alive_at
        Absolute, on the clock of the model: shapes (n, k) and (n,).
    survival, std_error, conf_low, conf_high
        Shape (n, k); NaN where it is not known.
    cumulative_hazard
        From `alive_at` to each time, shape (n, k): survival = exp(−cumulative hazard).
    known
        False where the time lies beyond the last observation of the stratum, the path does not hold
        all of the time, or the model knows no events in the stratum. A Cox model says nothing there.
    conf_level
        Of the interval, which is symmetric for log(−log survival) and stays within 0 and 1.
    """

    times: Floats
    alive_at: Floats
    survival: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    cumulative_hazard: Floats
    known: Flags
    conf_level: float


def survival(
    base: Baseline,
    covariance: Floats,
    who: Paths,
    times: ArrayLike,
    *,
    alive_at: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Survival:
    """Chance to be alive at each time of those alive at another.

    All times are absolute: with months since the first order as the clock, the chance of an account
    of 20 months to be there a year later is `times=[32], alive_at=20`.

    Parameters
    ----------
    base, covariance
        Of a fit: `fit.baseline`, `fit.covariance`.
    who
        Paths of covariates, n of them.
    times
        Shape (k,), the same for all, or (n, k).
    alive_at
        One time, or one per path; events up to and with it are past. Not given: from the first
        start of each path. Times not after it have a survival of 1.
    conf_level
        Level of the intervals.

    Returns
    -------
    Survival
        Errors by the delta method, of coefficients and steps of the baseline both.

    References
    ----------
    Tsiatis, A. A. (1981). A large sample study of Cox's regression model. Annals of Statistics 9,
    93–108. doi:10.1214/aos/1176345335
    Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the Cox Model.
    Springer, section 10.2. doi:10.1007/978-1-4757-3294-8

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> from kamlib.stats.cox import fit_cox
    >>> from kamlib.stats.cox_paths import paths
    >>> fit = fit_cox(cox_data(np.empty((4, 0)), [1, 2, 3, 4], [1, 1, 0, 1], names=[]))
    >>> who = paths(fit.baseline, np.empty((1, 0)))
    >>> found = survival(fit.baseline, fit.covariance, who, [2], alive_at=1)
    >>> found.survival.round(4).item()  # one of three is lost at 2: exp(−1 ÷ 3)
    0.7165
    """
    since = alive(who, alive_at)
    asked = np.asarray(times, dtype=np.float64)
    if not np.isfinite(asked).all() or asked.ndim not in (1, 2):
        raise FitError("times: give a list, or one list per path, of times that are not missing")
    until = np.array(np.broadcast_to(asked, (who.size, asked.shape[-1])))
    hazard, square, slope = (added_up(v) for v in (base.hazard, base.variance, base.slope))
    total, variance = np.zeros_like(until), np.zeros_like(until)
    known = np.ones(until.shape, dtype=bool)
    for column, t in enumerate(until.T):
        part = stretches(base, who, since, t)
        step = hazard[part.high] - hazard[part.low]
        moved = slope[part.high] - slope[part.low] - who.away * step[:, None]
        turned = grouped(who.path, who.ratio, moved, who.size)
        total[:, column] = np.bincount(who.path, who.ratio * step, who.size)
        squares = who.ratio**2 * (square[part.high] - square[part.low])
        variance[:, column] = np.bincount(who.path, squares, who.size) + np.einsum(
            "ij,jk,ik->i", turned, covariance, turned
        )
        known[:, column] = part.known
    alive_share = np.exp(-total)
    error = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        spread = np.exp(float(ndtri((1 + conf_level) / 2)) * error / total)
        low, high = np.exp(-total * spread), np.exp(-total / spread)
    still = total == 0
    low, high = np.where(still, 1.0, low), np.where(still, 1.0, high)
    unknown = np.where(known, 0.0, np.nan)
    return Survival(
        until,
        since,
        alive_share + unknown,
        alive_share * error + unknown,
        low + unknown,
        high + unknown,
        total + unknown,
        known,
        conf_level,
    )
