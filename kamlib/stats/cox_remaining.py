"""Expected remaining life up to a horizon, along paths of covariates, from a Cox model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from kamlib.errors import FitError
from kamlib.stats.cox_baseline import Baseline
from kamlib.stats.cox_data import Flags, Floats
from kamlib.stats.cox_paths import Paths, Stretches, alive, stretches
from kamlib.stats.cox_risk import grouped

_CELLS = 4_000_000  # rows times moments at a time


@dataclass(frozen=True, slots=True, eq=False)
class RemainingLife:
    """Expected time until the event or the horizon, whichever is first, of those alive.

    Attributes
    ----------
    mean, std_error, conf_low, conf_high
        In the unit of the model's times, shape (n,); NaN where it is not known. The limits stay
        between 0 and the time to the horizon.
    until, alive_at
        Absolute horizon, and time at which the path is known to be alive, shape (n,).
    known
        As in `kamlib.stats.cox_survival.Survival`.
    conf_level
        Of the interval.
    """

    mean: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    until: Floats
    alive_at: Floats
    known: Flags
    conf_level: float


def remaining_life(
    base: Baseline,
    covariance: Floats,
    who: Paths,
    until: ArrayLike,
    *,
    alive_at: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> RemainingLife:
    """Restricted mean of the remaining life: the area under the conditional survival.

    Parameters
    ----------
    base, covariance
        Of a fit: `fit.baseline`, `fit.covariance`.
    who
        Paths of covariates, n of them.
    until
        Absolute time beyond which nothing counts: one, or one per path.
    alive_at
        As in `kamlib.stats.cox_survival.survival`; must be finite, and before `until`.
    conf_level
        Level of the intervals.

    Returns
    -------
    RemainingLife
        Errors by the delta method; that an error in an early step lowers all that follows is
        allowed for.

    Raises
    ------
    FitError
        A begin that is not finite, or not before the horizon.

    References
    ----------
    Karrison, T. (1987). Restricted mean life with adjustment for covariates. Journal of the American
    Statistical Association 82, 1169–1176. doi:10.1080/01621459.1987.10478555

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> from kamlib.stats.cox import fit_cox
    >>> from kamlib.stats.cox_paths import paths
    >>> fit = fit_cox(cox_data(np.empty((4, 0)), [1, 2, 3, 4], [1, 0, 0, 0], names=[]))
    >>> who = paths(fit.baseline, np.empty((1, 0)))
    >>> life = remaining_life(fit.baseline, fit.covariance, who, 4, alive_at=0)  # 1 + 3 · exp(−1/4)
    >>> life.mean.round(4).item()
    3.3364
    """
    since = alive(who, alive_at)
    horizon = alive(who, until)
    if not np.isfinite(since).all() or not (since < horizon).all():
        raise FitError("alive_at: must be finite and before the horizon `until` on every path")
    longest = horizon - since
    mean, variance = longest.copy(), np.zeros(who.size)
    part = stretches(base, who, since, horizon)
    order = np.argsort(who.path, kind="stable")
    ends = np.searchsorted(who.path[order], np.arange(who.size + 1))
    size = max(1, _CELLS // max(len(base.time), 1))
    low = 0
    while low < who.size:
        high = max(low + 1, int(np.searchsorted(ends, ends[low] + size, side="right")) - 1)
        some, rows = slice(low, high), order[ends[low] : ends[high]]
        mean[some], variance[some] = _areas(
            base, covariance, who, part, rows, since[some], horizon[some], low
        )
        low = high
    error = np.sqrt(variance)
    half = float(ndtri((1 + conf_level) / 2)) * error
    # on the scale of log(mean ÷ rest of the time), whose limits are 0 and the whole time
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = mean / (longest - mean)
        spread = np.exp(half * longest / (mean * (longest - mean)))
        lower, upper = (longest * o / (1 + o) for o in (odds / spread, odds * spread))
    sure = error == 0
    unknown = np.where(part.known, 0.0, np.nan)
    return RemainingLife(
        mean + unknown,
        error + unknown,
        np.where(sure, mean, lower) + unknown,
        np.where(sure, mean, upper) + unknown,
        horizon,
        since,
        part.known,
        conf_level,
    )


def _areas(
    base: Baseline,
    covariance: Floats,
    who: Paths,
    part: Stretches,
    rows: NDArray[np.int64],
    since: Floats,
    until: Floats,
    first: int,
) -> tuple[Floats, Floats]:
    """Return areas under survival and their variances, of consecutive paths from `first` on."""
    # moments of all strata in the order of time; those of other strata are masked
    moment = np.argsort(base.time, kind="stable")
    path, ratio = who.path[rows] - first, who.ratio[rows]
    mine = (moment >= part.low[rows, None]) & (moment < part.high[rows, None])
    hazard = base.hazard[moment]
    survival = np.exp(-np.cumsum(grouped(path, ratio, mine * hazard, len(since)), axis=1))
    edges = np.concatenate([[-np.inf], base.time[moment], [np.inf]])
    width = np.minimum(edges[1:], until[:, None]) - np.maximum(edges[:-1], since[:, None])
    area = np.maximum(width, 0.0)
    area[:, 1:] *= survival
    # what follows a moment is what an error of its step takes from
    after = np.cumsum(area[:, :0:-1], axis=1)[:, ::-1]
    weight = np.where(mine, after[path], 0.0)
    moved = weight @ base.slope[moment] - who.away[rows] * (weight @ hazard)[:, None]
    turned = grouped(path, ratio, moved, len(since))
    own = np.bincount(path, ratio**2 * (weight**2 @ base.variance[moment]), len(since))
    return area.sum(axis=1), own + np.einsum("ij,jk,ik->i", turned, covariance, turned)
