"""Accounts outside a programme weighted so that their means are exactly those of the accounts in it."""

from __future__ import annotations

import numpy as np

from kamlib.loyalty.effects.effect import Effect, degrees, spread
from kamlib.loyalty.effects.regression import least_squares, refuse_dependent
from kamlib.loyalty.effects.sample import Floats, Sample, Unfit

_STEPS = 200
_HALVINGS = 40
_CLOSE = 1e-10
_ROUNDING = 1e-14
_FAR = 500.0  # log weights beyond which balance is bought with one account


def balancing_weights(covariates: Floats, target: Floats) -> Floats:
    """Weights closest to equal ones under which means hit a target.

    Parameters
    ----------
    covariates
        Of the accounts outside, shape (n, k).
    target
        Means to hit, shape (k,).

    Returns
    -------
    array
        Shape (n,), above zero, sum 1.

    Raises
    ------
    Unfit
        No weights hit it: the target lies beyond all accounts.

    References
    ----------
    Hainmueller, J. (2012). Entropy balancing for causal effects: a multivariate reweighting method to
    produce balanced samples in observational studies. Political Analysis 20, 25–46.
    doi:10.1093/pan/mpr025

    Examples
    --------
    >>> balancing_weights(np.array([[0.0], [1.0]]), np.array([0.25])).round(6)
    array([0.75, 0.25])
    """
    scale = covariates.std(axis=0)
    z = (covariates - target) / np.where(scale > 0, scale, 1.0)
    slopes = np.zeros(z.shape[1])
    loss, weight = _dual(z, slopes)
    for _ in range(_STEPS):
        off = z.T @ weight
        if np.abs(off).max(initial=0.0) < _CLOSE:
            return weight
        curve = (z * weight[:, None]).T @ z - np.outer(off, off)
        step = np.linalg.lstsq(curve, off, rcond=None)[0]
        for _ in range(_HALVINGS):
            after, trial = _dual(z, slopes - step)
            # near the solution the loss moves by less than its own rounding
            if after <= loss + _ROUNDING * (1 + abs(loss)):
                break
            step = step / 2
        slopes, loss, weight = slopes - step, after, trial
        if np.abs(z @ slopes).max() > _FAR:
            break
    raise Unfit("effect.no_balance", n=len(z))


def entropy_balanced(sample: Sample) -> Effect:
    """Effect on accounts in the programme against outsiders whose covariates have the same means.

    Right if the chance to be in the programme follows a logit, or the outcome without it a line, in
    these covariates. The error is that of the weighted residuals of such a line.

    Raises
    ------
    Unfit
        The means of the accounts in the programme lie beyond all outside, or a covariate is constant
        or follows from others.

    References
    ----------
    Zhao, Q. and Percival, D. (2017). Entropy balancing is doubly robust. Journal of Causal Inference 5,
    20160010. doi:10.1515/jci-2016-0010
    """
    y, d = sample.outcome, sample.treated
    inside, outside = sample.covariates[d], sample.covariates[~d]
    design = np.column_stack([np.ones(sample.n_control), outside])
    names = ("constant", *sample.names)
    refuse_dependent(design, names)
    own = balancing_weights(outside, inside.mean(axis=0))
    line = least_squares(design, y[~d], names, own)
    left = y[d] - line.coefficients[0] - inside @ line.coefficients[1:]
    weight = np.full(sample.n_obs, 1 / sample.n_treated)
    weight[~d] = own
    value = float(y[d].mean() - own @ y[~d])
    parts = np.empty(sample.n_obs)
    parts[d] = (left - left.mean()) / sample.n_treated
    parts[~d] = -own * line.residual
    error = spread(parts, sample.cluster)
    return Effect("att", value, error, degrees(sample), "entropy balancing", weight)


def _dual(z: Floats, slopes: Floats) -> tuple[float, Floats]:
    line = z @ slopes
    top = line.max()
    weight = np.exp(line - top)
    total = weight.sum()
    return float(top + np.log(total)), weight / total
