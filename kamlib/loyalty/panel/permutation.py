"""Inference for a handful of treated accounts: who starts when is dealt out anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.scores import Effects


def permutation_p_value(
    panel: Panel,
    estimator: Callable[[Panel], Effects],
    *,
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Chance of as large a t value if the treatment changed nothing for anybody.

    Starts are dealt out among clusters; each time the estimate is divided by its own error. It is
    exact where starts were dealt by lot, and elsewhere says how large a figure chance alone makes.

    Parameters
    ----------
    panel
        Clusters start together.
    estimator
        Returns one effect, as `imputation` does.
    draws, rng
        Number of deals, source of randomness; 199 deals are enough to reject at 5 %.

    Returns
    -------
    float
        (1 + deals with as large a |t|) ÷ (1 + deals).

    Raises
    ------
    FitError
        A cluster whose units start at different times, or an effect without an error.

    References
    ----------
    Wu, J. and Ding, P. (2021). Randomization tests for weak null hypotheses in randomized experiments.
    Journal of the American Statistical Association 116, 1898–1913.
    doi:10.1080/01621459.2020.1750415
    """
    first = np.full(int(panel.cluster.max()) + 1, -1)
    first[panel.cluster] = panel.start
    mixed = len(np.unique(panel.cluster[first[panel.cluster] != panel.start]))
    if mixed:
        raise FitError(
            f"{mixed} clusters hold units that start at different times: starts can be dealt out only "
            "where whole clusters start together"
        )
    seen = _ratio(estimator(panel))
    if not np.isfinite(seen):
        raise FitError("the effect has no error, so that its size cannot be judged")
    larger = 0
    for _ in range(draws):
        dealt = rng.permutation(first)[panel.cluster]
        larger += _ratio(estimator(replace(panel, start=dealt))) >= seen * (1 - 1e-9)
    return (1 + larger) / (1 + draws)


def _ratio(effects: Effects) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.abs(effects.estimate / effects.std_error)[0])
