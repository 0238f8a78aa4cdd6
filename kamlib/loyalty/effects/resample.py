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
    groups = _groups(sample)
    for _ in range(draws):
        try:
            values.append(figure(_draw(sample, groups, rng)))
        except FitError:
            failed += 1
    return np.array(values, dtype=np.float64), failed


def _groups(sample: Sample) -> list[Ints]:
    if sample.cluster is None:
        return [np.flatnonzero(sample.treated), np.flatnonzero(~sample.treated)]
    order = np.argsort(sample.cluster, kind="stable")
    starts = np.flatnonzero(np.diff(sample.cluster[order])) + 1
    return np.split(order, starts)


def _draw(sample: Sample, groups: list[Ints], rng: np.random.Generator) -> Sample:
    if sample.cluster is None:
        chosen = np.concatenate([rng.choice(rows, len(rows)) for rows in groups])
        return sample.rows(chosen)
    drawn = [groups[g] for g in rng.integers(len(groups), size=len(groups))]
    sizes = [len(rows) for rows in drawn]
    # a group that is drawn twice is two groups
    again = np.repeat(np.arange(len(drawn)), sizes)
    return replace(sample.rows(np.concatenate(drawn)), cluster=again)
