"""Intervals by resampling whole accounts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

MIN_DRAWS = 200
# a block of weights stays near 16 MB; a unit of a million accounts still ends within seconds
_BLOCK = 2_000_000
_WORK = 400_000_000


def bootstrap_t_share(
    statistics: Callable[[Floats], tuple[Floats, Floats]],
    n_obs: int,
    *,
    draws: int,
    conf_level: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, int]:
    """Bootstrap-t intervals of statistics that lie between 0 and 1, on the log-odds scale.

    Accounts are redrawn whole: the interval says how far the figure would move if the unit had
    drawn its accounts anew from the same kind of accounts.

    Parameters
    ----------
    statistics
        Takes weights, shape (n_draws, n_obs), with row sums n_obs, and returns estimates and their
        standard errors, each of shape (n_draws, k). Weights of one give the figures themselves.
    n_obs
        Number of accounts; fewer than two give no interval (NaN).
    draws
        Number of draws; above 400 million account-draws fewer are made, at least 200.
    conf_level
        Level between 0 and 1.
    rng
        Source of randomness.

    Returns
    -------
    tuple
        Lower and upper limits, shape (k,), and the number of draws made.

    Notes
    -----
    Against draws from a log-normal of sigma 1, limits of level 0.95 hold the truth in about 93 % of
    samples of 300 accounts and 87 % of 30; of sigma 1.6 in 92 % of 300 and 74 % of 30. Few, very
    unequal accounts give intervals that are too short, whatever the method.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, section 12.5.
    Davidson, R. (2009). Reliable inference for the Gini index. Journal of Econometrics 150, 30–40.
    doi:10.1016/j.jeconom.2008.11.004
    """
    estimate, error = (values[0] for values in statistics(np.ones((1, max(n_obs, 1)))))
    low, high = np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
    if n_obs < 2:
        return low, high, 0
    draws = max(MIN_DRAWS, min(draws, _WORK // n_obs))
    size = max(1, _BLOCK // n_obs)
    even = np.full(n_obs, 1.0 / n_obs)
    blocks = [
        statistics(rng.multinomial(n_obs, even, min(size, draws - done)).astype(np.float64))
        for done in range(0, draws, size)
    ]
    drawn = np.concatenate([block[0] for block in blocks])
    errors = np.concatenate([block[1] for block in blocks])
    tails = [(1 + conf_level) / 2, (1 - conf_level) / 2]
    for k, value in enumerate(estimate):
        if not (0 < value < 1) or not error[k] > 0:
            continue
        usable = (drawn[:, k] > 0) & (drawn[:, k] < 1) & (errors[:, k] > 0)
        odds, odds_error = _log_odds(drawn[usable, k], errors[usable, k])
        centre, spread = _log_odds(value, error[k])
        limits = centre - np.quantile((odds - centre) / odds_error, tails) * spread
        low[k], high[k] = expit(limits)
    return low, high, draws


def _log_odds(share: Floats, error: Floats) -> tuple[Floats, Floats]:
    return np.log(share / (1 - share)), error / (share * (1 - share))
