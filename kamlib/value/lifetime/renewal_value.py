"""What the renewals to come are worth: survival, retention, discounted residual lifetime, futures.

Time is counted in contract periods, as in `kamlib.value.lifetime.renewals`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.value.lifetime.renewals import BetaWeibull

Floats = NDArray[np.float64]

_PERIODS = 200_000


def survival(model: BetaWeibull, natural: ArrayLike, renewals: ArrayLike) -> Floats:
    """Share of contracts that survive each number of renewals, shape (..., k) -> (..., m).

    Examples
    --------
    >>> from kamlib.value.lifetime.renewals import SBG
    >>> survival(SBG, [1.0, 1.0], [0, 1, 2]).round(4).tolist()
    [1.0, 0.5, 0.3333]
    """
    return np.exp(model.log_survival(np.asarray(natural, dtype=np.float64), renewals))


def retention(model: BetaWeibull, natural: ArrayLike, renewals: ArrayLike) -> Floats:
    """Share of contracts renewed at each renewal (1, 2, …) among those that reached it.

    With draws of parameters, shape (n, k), there is one curve per draw: quantiles over draws give
    its interval.

    Examples
    --------
    >>> from kamlib.value.lifetime.renewals import SBG
    >>> retention(SBG, [1.0, 1.0], [1, 2]).round(4).tolist()
    [0.5, 0.6667]
    """
    parameters, t = np.asarray(natural, dtype=np.float64), np.asarray(renewals, dtype=np.float64)
    return np.exp(model.log_survival(parameters, t) - model.log_survival(parameters, t - 1))


def expected_renewals(
    model: BetaWeibull,
    natural: ArrayLike,
    survived: ArrayLike,
    *,
    discount: float = 0.0,
    horizon: float = np.inf,
) -> Floats:
    """Discounted expected renewals to come of contracts that survived so many.

    Parameters
    ----------
    model, natural
        A renewal model and its parameters, shape (k,).
    survived
        Renewals survived, shape (n,).
    discount
        Rate per period, 0.1 for 10 % (not continuous). The next renewal is due now and is not
        discounted, the one after it by one period.
    horizon
        Number of renewals looked ahead; infinite is allowed where there is a discount.

    Returns
    -------
    ndarray
        Discounted expected residual lifetime (DERL), shape (n,).

    Raises
    ------
    FitError
        Where there is neither an end nor a discount of at least 0.1 %.

    References
    ----------
    Fader, P. and Hardie, B. (2010). Customer-base valuation in a contractual setting: the perils of
    ignoring heterogeneity. Marketing Science 29, 85–93, equation 6. doi:10.1287/mksc.1080.0482

    Examples
    --------
    >>> from kamlib.value.lifetime.renewals import SBG
    >>> expected_renewals(SBG, [0.7041, 1.1820], [0, 1, 4], discount=0.1).round(2).tolist()
    [2.96, 4.1, 5.89]
    """
    n = np.atleast_1d(np.asarray(survived, dtype=np.float64))
    if discount < 0 or (np.isinf(horizon) and discount < 1e-3) or horizon < 0:
        raise FitError(
            "expected renewals: without an end, a discount of at least 0.001 per period is needed; "
            "give a horizon or a discount rate"
        )
    length = min(horizon, np.ceil(45 / np.log1p(discount)) if discount > 0 else np.inf)
    if length > _PERIODS:
        raise FitError(f"expected renewals: the horizon exceeds {_PERIODS:,} periods")
    parameters = np.asarray(natural, dtype=np.float64)
    ahead = np.arange(1, int(length) + 1)
    present = (1 + discount) ** -(ahead - 1.0)
    distinct, index = np.unique(n, return_inverse=True)
    found = [
        present
        @ np.exp(model.log_survival(parameters, m + ahead) - model.log_survival(parameters, m))
        for m in distinct
    ]
    return np.array(found)[index]


def simulate_renewals(
    model: BetaWeibull, natural: Floats, survived: ArrayLike, rng: np.random.Generator
) -> Floats:
    """Renewals still to come of running contracts, one draw per set of parameters.

    Parameters
    ----------
    model, natural
        A renewal model and draws of its parameters, shape (draws, k).
    survived
        Renewals survived, shape (n,).
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        Numbers of renewals, shape (draws, n).
    """
    n = np.asarray(survived, dtype=np.float64)
    alpha, beta, c = model.three(natural)
    behind = n**c
    leaves = rng.beta(alpha, beta + behind)
    hazard = -np.log1p(-np.minimum(leaves, 1 - 1e-16))
    with np.errstate(over="ignore", divide="ignore"):
        reached = (behind + rng.standard_exponential(leaves.shape) / hazard) ** (1 / c)
    # the course ends with the first whole t beyond what was reached
    return np.asarray(np.floor(np.minimum(reached, 1e15)) - n)
