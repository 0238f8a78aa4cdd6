"""How often the one of two with the higher score has the event first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kamlib.errors import FitError
from kamlib.stats.cox_data import CoxData, Flags, Floats
from kamlib.stats.cox_risk import grouped
from kamlib.stats.cox_robust import cluster_codes
from kamlib.stats.dominance import dominated


@dataclass(frozen=True, slots=True, eq=False)
class Concordance:
    """Harrell's C of a score.

    Attributes
    ----------
    value
        Share of comparable pairs that the score puts in the right order, pairs of equal scores
        counting half; 0.5 is no order at all. 0.5 with an error of 0 where no pair is comparable.
    std_error
        Infinitesimal jackknife over rows, or over clusters.
    n_pairs
        Comparable pairs, weights multiplied.
    """

    value: float
    std_error: float
    n_pairs: float


def concordance(
    data: CoxData, score: ArrayLike, *, cluster: ArrayLike | None = None
) -> Concordance:
    """Concordance of a score, higher meaning sooner, with what happened.

    A pair is an event and a row of the same stratum that was at risk at that time and had no event
    then. Unlike `kamlib.stats.concordance`, which is of accounts seen from one day on, rows may be
    pieces of a subject's time whose score changes, and may enter late.

    Parameters
    ----------
    data
        Rows of time at risk; covariates are not looked at.
    score
        One per row, for example covariates times coefficients.
    cluster
        What belongs together, for the error.

    References
    ----------
    Harrell, F. E., Lee, K. L. and Mark, D. B. (1996). Multivariable prognostic models. Statistics in
    Medicine 15, 361–387.
    doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> data = cox_data(np.empty((3, 0)), [1, 2, 3], [1, 1, 0], names=[])
    >>> concordance(data, [3.0, 1.0, 2.0]).value  # of three pairs the second with the third is wrong
    0.6666666666666666
    """
    values = np.asarray(score, dtype=np.float64)
    if values.shape != (data.n_obs,) or not np.isfinite(values).all():
        raise FitError(f"score: give {data.n_obs} numbers, none missing")
    weight = np.ones(data.n_obs) if data.weight is None else data.weight
    happened = data.event & (weight > 0)
    leave, enter = _clock(data, happened)
    mass = np.where(happened, weight, 0.0)
    # a row adds itself where it leaves and takes itself off where it enters
    time, twice = np.r_[leave, enter], np.r_[values, values]
    there, ends = np.r_[weight, -weight], np.r_[mass, np.zeros(data.n_obs)]
    lower = dominated(-time, twice, there)[: data.n_obs]
    others = _above(time, there)[: data.n_obs]
    before, events = dominated(time, -twice, ends), _above(-time, ends)
    right, every = float(mass @ lower), float(mass @ others)
    if every <= 0:
        return Concordance(0.5, 0.0, 0.0)
    value = right / every
    # of each row: the pairs that it leads, and those in which another event was compared with it
    good = happened * lower + before[: data.n_obs] - before[data.n_obs :]
    all_pairs = happened * others + events[: data.n_obs] - events[data.n_obs :]
    moved = weight * (good - value * all_pairs) / every
    if cluster is not None:
        code, n = cluster_codes(data, cluster)
        moved = grouped(code, moved, None, n)
    return Concordance(value, float(np.sqrt(moved @ moved)), every)


def _clock(data: CoxData, happened: Flags) -> tuple[Floats, Floats]:
    """Return exits and entries as whole numbers, strata one after the other.

    Events stand on even numbers. A row is compared with an event at the number t if it leaves after
    t and does not enter after t: ends without an event stand one later than events of the same time,
    entries one later than events that are past.
    """
    times = np.unique(data.exit[happened])
    past = np.searchsorted(times, data.exit, side="right")
    shift = data.stratum.astype(np.float64) * (2 * len(times) + 4)
    entered = np.searchsorted(times, data.entry, side="right")
    return shift + 2 * past + ~happened, shift + 2 * entered + 1


def _above(order: Floats, weight: Floats) -> Floats:
    """Return the weight of all whose order is higher."""
    _, place = np.unique(order, return_inverse=True)
    sums = np.bincount(place, weight)
    return np.asarray((sums[::-1].cumsum()[::-1] - sums)[place])
