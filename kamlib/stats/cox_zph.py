"""Whether a covariate multiplies the hazard alike at all times: the test of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtrc

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.stats.cox import CoxFit
from kamlib.stats.cox_data import CoxData, Floats
from kamlib.stats.cox_likelihood import Likelihood, likelihood

Transform = Literal["identity", "km", "rank", "log"]
_SINGULAR = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class ProportionalHazards:
    """Score tests of whether coefficients change with a function of time.

    Attributes
    ----------
    transform
        The function of time.
    names, statistic, p_value
        By covariate: χ² of one degree of freedom, and the chance of as much if the hazards are
        proportional, shape (k,); 0 and 1 where accounts differ in it at one moment only.
    global_statistic, global_p_value
        Of all covariates together that can be tested, χ² of as many degrees of freedom.
    trouble
        Why there is no test, statistics then being 0 and chances 1; None where there is one.
    """

    transform: Transform
    names: tuple[str, ...]
    statistic: Floats
    p_value: Floats
    global_statistic: float
    global_p_value: float
    trouble: Sentence | None


def proportional_hazards(
    fit: CoxFit, data: CoxData, *, transform: Transform = "km"
) -> ProportionalHazards:
    """Test proportional hazards of every covariate, and of all together.

    The score test of β + θ · g(time) against θ = 0, with the exact information of both. It takes
    rows to be independent given the model: with few clusters it finds too much.

    Parameters
    ----------
    fit, data
        A fit without a penalty, and the rows that it was fitted to.
    transform
        g: "identity" (time itself), "log", "rank" (among the ends of all rows), or "km" (1 less the
        Kaplan–Meier curve of all rows just before the time), which no few late events can rule.

    Raises
    ------
    FitError
        A fit with a penalty or in trouble; log of times not above zero.

    References
    ----------
    Grambsch, P. M. and Therneau, T. M. (1994). Proportional hazards tests and diagnostics based on
    weighted residuals. Biometrika 81, 515–526. doi:10.1093/biomet/81.3.515
    Therneau, T. M. (2020). survival 3.0 for R, cox.zph: the score test in place of its approximation.
    """
    if fit.trouble is not None or fit.penalty > 0:
        raise FitError("fit: proportional hazards are tested of a sound fit without a penalty")
    found = likelihood(data, fit.ties)
    point = found.point(fit.coefficients * found.scale)
    by = _transformed(found, data, transform)
    k, n_event = len(fit.names), np.bincount(found.sets.at, minlength=found.sets.size)
    by = by - by @ n_event / n_event.sum()
    by = by / max(float(np.abs(by).max()), np.finfo(float).tiny)
    once, twice = found.information(point, by), found.information(point, by**2)
    curve = np.block([[found.information(point), once], [once, twice]])
    (full, part), event = point.hazard, found.sets.event
    seen = np.zeros((found.sets.size, k))
    weight = np.ones(len(event)) if found.weight is None else found.weight[event]
    np.add.at(seen, found.sets.at, weight[:, None] * found.chosen)
    expected = full[:, None] * point.in_set_x - part[:, None] * point.of_events_x
    slope = by @ (seen - expected)
    # what is left of the information of θ when β is free
    left = curve[k:, k:] - once @ np.linalg.solve(curve[:k, :k], once)
    size = np.sqrt(np.maximum(np.diag(twice), np.finfo(float).tiny))
    part = left / np.outer(size, size)
    # who differ at a single moment show no change over time, and take no other's test away
    able = np.diag(part) > _SINGULAR
    # a test needs events at more than one time, and more of them than there are covariates
    if not able.any() or np.linalg.eigvalsh(part[np.ix_(able, able)])[0] < _SINGULAR:
        trouble = Sentence("cox.no_time_test", {"events": len(event), "moments": len(by)})
        return ProportionalHazards(
            transform, fit.names, np.zeros(k), np.ones(k), 0.0, 1.0, trouble
        )  # fmt: skip
    slope, left = slope[able], left[np.ix_(able, able)]
    statistic = np.zeros(k)
    statistic[able] = slope**2 / np.diag(left)
    total = float(slope @ np.linalg.solve(left, slope))
    overall = float(chdtrc(len(slope), total))
    return ProportionalHazards(
        transform, fit.names, statistic, chdtrc(1, statistic), total, overall, None
    )


def _transformed(found: Likelihood, data: CoxData, transform: Transform) -> Floats:
    """Return the function of time at each moment, shape (m,)."""
    times = found.sets.time
    if transform == "identity":
        return times
    if transform == "log":
        if (times <= 0).any():
            raise FitError(
                "transform: the log of times not above zero does not exist; take another"
            )
        return np.asarray(np.log(times))
    if transform == "rank":
        ends = np.sort(data.exit)
        below, with_it = (np.searchsorted(ends, times, side=side) for side in ("left", "right"))
        return np.asarray((below + with_it + 1) / 2)
    return 1 - _just_before(data, times)


def _just_before(data: CoxData, times: Floats) -> Floats:
    """Return the Kaplan–Meier curve of all rows, strata and weights aside, just before each time."""
    distinct, n_event = np.unique(data.exit[data.event], return_counts=True)
    at_risk = _after(data.exit, distinct) - _after(data.entry, distinct)
    left = np.concatenate([[1.0], np.cumprod(1 - n_event / at_risk)])
    return np.asarray(left[np.searchsorted(distinct, times)])


def _after(values: Floats, times: Floats) -> Floats:
    """Return how many values are not before each time."""
    return (len(values) - np.searchsorted(np.sort(values), times)).astype(np.float64)
