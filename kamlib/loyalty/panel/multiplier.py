"""Multiplier bootstrap: errors and bands of effects from their scores, without a refit."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from kamlib.loyalty.panel.grid import Floats
from kamlib.loyalty.panel.scores import Effects

_BLOCK = 2_000_000


def multiplier_bootstrap(
    effects: Effects, *, draws: int, conf_level: float, rng: np.random.Generator
) -> tuple[Floats, float]:
    """Bootstrap errors of effects, and the factor of a band that holds all of them at once.

    Each draw gives every cluster's scores a random sign. An error is the range between the quartiles
    of the draws over that of a normal one, as R's did takes it.

    Parameters
    ----------
    effects
        Any with scores.
    draws, conf_level, rng
        Number of draws, level of the band, source of randomness.

    Returns
    -------
    tuple
        Standard errors, shape (k,), and the factor c: estimate ± c · error holds all true effects
        together at the level.

    References
    ----------
    Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225, 200–230, algorithm 1. doi:10.1016/j.jeconom.2020.12.001
    """
    sums = effects.cluster_scores
    size = max(1, _BLOCK // len(sums))
    blocks = []
    for done in range(0, draws, size):
        signs = rng.choice([-1.0, 1.0], size=(min(size, draws - done), len(sums)))
        blocks.append(signs @ sums)
    drawn = np.concatenate(blocks)
    low, high = np.quantile(drawn, [0.25, 0.75], axis=0)
    error = (high - low) / float(norm.ppf(0.75) - norm.ppf(0.25))
    moving = error > 0
    largest = (np.abs(drawn[:, moving]) / error[moving]).max(axis=1, initial=0.0)
    return error, float(np.quantile(largest, conf_level))
