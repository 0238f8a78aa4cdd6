"""The cumulative hazard of those whose covariates are average, step by step, in each stratum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kamlib.stats.cox_data import CoxData, Floats, Ints
from kamlib.stats.cox_likelihood import Likelihood, Point, Ties, likelihood


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Steps of the baseline hazard at the m moments of events, with what their error needs.

    Attributes
    ----------
    names, coefficients
        Covariates and their log hazard ratios, at which the steps were taken.
    ties
        "efron" or "breslow".
    strata, end
        Labels of the strata; the last time at which anybody was under observation, shape
        (n_strata,), −∞ where the stratum has no rows.
    centre
        Covariates that the steps are of: the means of the stratum, shape (n_strata, k).
    stratum, time
        Of each moment, in rising order, shape (m,).
    n_risk, n_event
        Rows at risk, and events; not weighted.
    hazard, variance
        Step of the cumulative hazard, and of its variance at known coefficients.
    slope
        Step of the hazard times the mean covariates of those at risk, less `centre`, shape (m, k).
    """

    names: tuple[str, ...]
    coefficients: Floats
    ties: Ties
    strata: tuple[Any, ...]
    end: Floats
    centre: Floats
    stratum: Ints
    time: Floats
    n_risk: Ints
    n_event: Ints
    hazard: Floats
    variance: Floats
    slope: Floats

    def of(self, stratum: int) -> slice:
        """Return the moments of a stratum, given by its place in `strata`."""
        low, high = np.searchsorted(self.stratum, [stratum, stratum + 1])
        return slice(int(low), int(high))


def baseline(data: CoxData, coefficients: Floats, *, ties: Ties = "efron") -> Baseline:
    """Baseline of given coefficients; entry is late where the data say so.

    A fit carries the baseline of its own ties; this one serves other ties or other rows.

    Parameters
    ----------
    data
        Rows of time at risk.
    coefficients
        Log hazard ratios in the order of the covariates, shape (k,).
    ties
        "efron" or "breslow" (Breslow, 1974: events over the sum of hazard ratios at risk).

    References
    ----------
    Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the Cox Model.
    Springer, sections 3.3 (ties) and 10.2.4 (standard errors). doi:10.1007/978-1-4757-3294-8

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> data = cox_data(np.zeros((4, 1)), [1, 1, 2, 3], [1, 1, 0, 0], names=["x"])
    >>> baseline(data, np.zeros(1)).hazard.round(6).tolist()  # 1 ÷ 4 + 1 ÷ 3
    [0.583333]
    """
    found = likelihood(data, ties)
    return steps(data, found, found.point(coefficients * found.scale), coefficients, ties)


def steps(
    data: CoxData, found: Likelihood, point: Point, coefficients: Floats, ties: Ties
) -> Baseline:
    """Return the baseline from sums that are at hand."""
    sets = found.sets
    # the sums are of offsets less their mean; a baseline is of offset zero
    back = np.exp(-found.known)[sets.stratum]
    h0, h1, _ = point.square
    slope = h0[:, None] * point.in_set_x - h1[:, None] * point.of_events_x
    end = np.full(len(data.strata), -np.inf)
    np.maximum.at(end, data.stratum, data.exit)
    ones = np.ones(len(found.x))
    return Baseline(
        data.names,
        coefficients,
        ties,
        data.strata,
        end,
        found.centre,
        sets.stratum,
        sets.time,
        sets.sums(ones).round().astype(np.int32),
        np.bincount(sets.at, minlength=sets.size).astype(np.int32),
        point.hazard[0] * back,
        h0 * back**2,
        slope * found.scale * back[:, None],
    )
