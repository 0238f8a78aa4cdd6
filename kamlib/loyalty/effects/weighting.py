"""Accounts outside a programme weighted to be like those in it, by their chance to be in it."""

from __future__ import annotations

import numpy as np

from kamlib.loyalty.effects.effect import Effect, Estimand, degrees, spread
from kamlib.loyalty.effects.propensity import propensity
from kamlib.loyalty.effects.sample import Bools, Floats, Sample

_NAMES = {"ate": "inverse probability weights", "att": "inverse probability weights",
          "ato": "overlap weights"}  # fmt: skip


def weighted(sample: Sample, estimand: Estimand = "att") -> Effect:
    """Difference of weighted means (Hájek), with weights from a logit.

    Parameters
    ----------
    sample
        With covariates, all from before the programme.
    estimand
        "att": accounts outside count p ÷ (1 − p); "ate": accounts in the programme 1 ÷ p, those
        outside 1 ÷ (1 − p); "ato": 1 − p and p, so that those whose membership was a toss-up count
        most, and none counts without bound.

    Raises
    ------
    Unfit
        As `propensity`.

    Notes
    -----
    Weights sum to one within each arm and are not clipped: `overlap` shows how few accounts carry
    them. The error counts that of the logit. It is too small by 10 to 15 % where weights are very
    unequal: draw anew.

    References
    ----------
    Lunceford, J. K. and Davidian, M. (2004). Stratification and weighting via the propensity score in
    estimation of causal treatment effects. Statistics in Medicine 23, 2937–2960.
    doi:10.1002/sim.1903
    Li, F., Morgan, K. L. and Zaslavsky, A. M. (2018). Balancing covariates via propensity score
    weighting. Journal of the American Statistical Association 113, 390–400.
    doi:10.1080/01621459.2016.1260466
    """
    y, d = sample.outcome, sample.treated
    fit = propensity(sample)
    weight, slope = _weights(fit.chance, d, estimand)
    x = np.column_stack([np.ones(sample.n_obs), sample.covariates])
    value, parts = 0.0, np.zeros(sample.n_obs)
    for sign, arm in ((1.0, d), (-1.0, ~d)):
        total = weight[arm].sum()
        weight[arm] /= total
        mean = float(weight[arm] @ y[arm])
        value += sign * mean
        parts[arm] += sign * weight[arm] * (y[arm] - mean)
        # a coefficient of the logit moves the mean by this much
        gradient = x[arm].T @ (slope[arm] / total * (y[arm] - mean))
        parts += sign * (fit.influence @ gradient)
    error = spread(parts, sample.cluster)
    return Effect(estimand, value, error, degrees(sample), _NAMES[estimand], weight)


def _weights(chance: Floats, treated: Bools, estimand: Estimand) -> tuple[Floats, Floats]:
    """Return weights, and their slope by the log odds of the chance."""
    p, q = chance, 1 - chance
    if estimand == "ato":
        return np.where(treated, q, p), np.where(treated, -p * q, p * q)
    outside = p / q if estimand == "att" else 1 / q
    inside = np.ones_like(p) if estimand == "att" else 1 / p
    inside_slope = np.zeros_like(p) if estimand == "att" else -q / p
    return np.where(treated, inside, outside), np.where(treated, inside_slope, p / q)
