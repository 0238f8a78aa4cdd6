"""Logistic regression with a ridge penalty, fitted by iteratively re-weighted least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kamlib.errors import FitError

Floats = NDArray[np.float64]
_STEPS = 100
_TOLERANCE = 1e-10
_CERTAIN = 25.0  # log odds beyond which a chance is 0 or 1 to ten digits


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """A fitted model: log odds = intercept + (x − mean) ÷ scale · slopes.

    Attributes
    ----------
    intercept
        Log odds of an average row.
    slopes
        Log odds per standard deviation of each column, shape (k,).
    mean, scale
        By which the columns were standardised; a constant column has scale 1 and slope 0.
    """

    intercept: float
    slopes: Floats
    mean: Floats
    scale: Floats

    def chance(self, features: Floats) -> Floats:
        """Return the chance of each row, shape (n_rows,), within 0 and 1."""
        chances: Floats = expit(self.intercept + (features - self.mean) / self.scale @ self.slopes)
        return chances


def ridge_logistic(
    features: Floats, outcome: Floats, *, penalty: float, standardise: bool = True
) -> Logistic:
    """Fit the chance of an outcome by penalised maximum likelihood.

    Minimises −Σ [y log p + (1 − y) log(1 − p)] + penalty ÷ 2 · Σ slope²; the intercept is free. With
    a penalty above zero there is one finite solution, also where the outcomes are separated.

    Parameters
    ----------
    features
        Shape (n_rows, k), finite.
    outcome
        0 or 1, both of which occur, shape (n_rows,).
    penalty
        Not below zero, on slopes per standard deviation.
    standardise
        Whether columns are divided by their standard deviation before the penalty counts.

    Raises
    ------
    FitError
        One outcome only, or no finite solution (without a penalty): take a penalty above zero.

    References
    ----------
    le Cessie, S. and van Houwelingen, J. C. (1992). Ridge estimators in logistic regression.
    Applied Statistics 41, 191–201. doi:10.2307/2347628

    Examples
    --------
    >>> x = np.repeat([[0.0], [1.0]], 10, axis=0)
    >>> fit = ridge_logistic(x, np.r_[[1.0] * 2, [0.0] * 8, [1.0] * 5, [0.0] * 5], penalty=0.0)
    >>> fit.chance(np.array([[0.0], [1.0]])).round(6).tolist()
    [0.2, 0.5]
    """
    y = np.asarray(outcome, dtype=np.float64)
    if y.min(initial=1.0) == y.max(initial=0.0):
        raise FitError("a chance is learnt from cases and from others; only one kind was given")
    mean = features.mean(axis=0)
    scale = features.std(axis=0) if standardise else np.ones_like(mean)
    scale = np.where(scale > 1e-12, scale, 1.0)
    x = np.column_stack([np.ones(len(y)), (features - mean) / scale])
    ridge = np.full(x.shape[1], penalty)
    ridge[0] = 0.0
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(y.mean() / (1 - y.mean()))
    loss = _loss(x, y, beta, ridge)
    for _ in range(_STEPS):
        p = expit(x @ beta)
        slope = x.T @ (y - p) - ridge * beta
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        # a constant or repeated column makes the curvature singular without a penalty
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        for _ in range(40):
            after = _loss(x, y, beta + step, ridge)
            if after <= loss + 1e-12 * abs(loss):
                break
            step = step / 2
        beta, loss = beta + step, after
        if penalty == 0 and np.abs(x @ beta).max() > _CERTAIN:
            break
        if np.abs(step).max() < _TOLERANCE * (1 + np.abs(beta).max()):
            return Logistic(float(beta[0]), beta[1:], mean, scale)
    raise FitError("the outcomes are separated by the features: give a penalty above zero")


def _loss(x: Floats, y: Floats, beta: Floats, ridge: Floats) -> float:
    odds = x @ beta
    return float(np.sum(np.logaddexp(0.0, odds) - y * odds) + 0.5 * np.sum(ridge * beta**2))
