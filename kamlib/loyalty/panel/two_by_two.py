"""One comparison of changes: the treated against controls, plain or adjusted for covariates."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Flags, Floats

_STEPS = 50
_CERTAIN = 0.995  # a control this sure to be treated carries no weight


class NoOverlap(FitError):
    """Covariates that leave nobody alike to compare with, or that repeat one another."""


def plain(change: Floats, treated: Flags, weight: Floats) -> tuple[Floats, Floats]:
    """Difference of mean changes between the treated and the controls.

    Parameters
    ----------
    change
        Change of the outcome from base to period, shape (n, c) for c periods.
    treated
        Shape (n,); all others are controls.
    weight
        Shape (n,).

    Returns
    -------
    tuple
        Effects, shape (c,), and scores, shape (n, c).

    Examples
    --------
    >>> change, treated = np.array([[3.0], [5.0], [1.0], [1.0]]), np.array([True, True, False, False])
    >>> plain(change, treated, np.ones(4))[0].tolist()
    [3.0]
    """
    own, other = weight * treated, weight * ~treated
    own, other = own / own.sum(), other / other.sum()
    mean, base = own @ change, other @ change
    scores = own[:, None] * (change - mean) - other[:, None] * (change - base)
    return mean - base, scores


def doubly_robust(
    change: Floats, treated: Flags, weight: Floats, covariates: Floats
) -> tuple[Floats, Floats]:
    """The same, where trends may differ by covariates: right if one of two models is.

    One model says how likely a unit is treated (logistic), the other how controls change (least
    squares); both are linear in the covariates, and both enter the error.

    Parameters
    ----------
    change, treated, weight
        As for `plain`.
    covariates
        Shape (n, k), without a constant.

    Raises
    ------
    NoOverlap
        Covariates that tell the treated and the controls fully apart (no overlap), or that repeat
        one another among controls.

    References
    ----------
    Sant'Anna, P. H. C. and Zhao, J. (2020). Doubly robust difference-in-differences estimators.
    Journal of Econometrics 219, 101–122, equation 3.1. doi:10.1016/j.jeconom.2020.06.003
    """
    # any scale gives the same effect; this one keeps the sums of squares well conditioned
    spread = covariates.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    x = np.column_stack([np.ones(len(change)), (covariates - covariates.mean(axis=0)) / scale])
    chance, curve = _propensity(x, treated, weight)
    own = weight * treated
    other = np.where(chance < _CERTAIN, weight * chance / (1 - chance), 0.0) * ~treated
    control = (weight * ~treated)[:, None] * x
    moment = control.T @ x
    if np.linalg.matrix_rank(moment) < x.shape[1]:
        raise NoOverlap("covariates repeat one another among controls: leave one of them out")
    inverse = np.linalg.inv(moment)
    rest = change - x @ (inverse @ (control.T @ change))
    own_mean, other_mean = own @ rest / own.sum(), other @ rest / other.sum()
    # influence of the two models: regression of changes, and chance to be treated
    by_regression = control @ inverse
    by_chance = ((weight * (treated - chance))[:, None] * x) @ np.linalg.inv(curve)
    shift = own @ x / own.sum() - other @ x / other.sum()
    lean = x.T @ (other[:, None] * (rest - other_mean)) / other.sum()
    scores = (
        own[:, None] * (rest - own_mean) / own.sum()
        - other[:, None] * (rest - other_mean) / other.sum()
        - (by_regression @ shift)[:, None] * rest
        - by_chance @ lean
    )
    return own_mean - other_mean, scores


def _propensity(x: Floats, treated: Flags, weight: Floats) -> tuple[Floats, Floats]:
    """Return the chance of treatment and the curvature of its likelihood."""
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        chance = expit(x @ beta)
        curve = (x * (weight * chance * (1 - chance))[:, None]).T @ x
        slope = x.T @ (weight * (treated - chance))
        if np.linalg.cond(curve) > 1e12:
            break
        step = np.linalg.solve(curve, slope)
        beta = beta + step / max(1.0, float(np.abs(step).max()) / 5)
        if np.abs(step).max() < 1e-10:
            return expit(x @ beta), curve
    raise NoOverlap(
        "the covariates tell the treated and the controls fully apart, or repeat one another: there "
        "is nobody alike to compare with; leave covariates out or widen the controls"
    )
