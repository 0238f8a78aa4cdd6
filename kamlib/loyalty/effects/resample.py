"""How far a figure would move with other accounts of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.effects.sample import Floats, Ints, Sample


def redrawn(
    sample: Sample,
    figure: Callable[[Sample], float],
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, int]:
    """Compute a figure on accounts drawn anew, with everything fitted again.

    Accounts are drawn within their arm; where they belong to groups, whole groups are drawn, so
    that the arms' sizes move.

    Parameters
    ----------
    sample
        Accounts with and without a programme.
    figure
        Takes a sample and returns a number.
    draws
        Samples drawn.
    rng
        Source of randomness.

    Returns
    -------
    tuple
        The figures, and how many samples could not carry it; these are left out.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall.
    """
    values, failed = [], 0
    drawn = _of_arms(sample) if sample.cluster is None else _of_groups(sample, sample.cluster)
    for _ in range(draws):
        try:
            values.append(figure(drawn(rng)))
        except FitError:
            failed += 1
    return np.array(values, dtype=np.float64), failed


def _of_arms(sample: Sample) -> Callable[[np.random.Generator], Sample]:
    arms = np.flatnonzero(sample.treated), np.flatnonzero(~sample.treated)

    def drawn(rng: np.random.Generator) -> Sample:
        return sample.rows(np.concatenate([rng.choice(rows, len(rows)) for rows in arms]))

    return drawn


def _of_groups(sample: Sample, cluster: Ints) -> Callable[[np.random.Generator], Sample]:
    order = np.argsort(cluster, kind="stable")
    _, first, size = np.unique(cluster[order], return_index=True, return_counts=True)

    def drawn(rng: np.random.Generator) -> Sample:
        chosen = rng.integers(len(first), size=len(first))
        sizes = size[chosen]
        # a group that is drawn twice is two groups
        again = np.repeat(np.arange(len(chosen)), sizes)
        within = np.arange(len(again)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = order[np.repeat(first[chosen], sizes) + within]
        return replace(sample.rows(rows), cluster=again)

    return drawn
