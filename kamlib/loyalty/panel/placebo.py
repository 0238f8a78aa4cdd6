"""Effects where there can be none: before the start. What they show is selection, not the programme."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Floats, Panel
from kamlib.loyalty.panel.imputation import imputation
from kamlib.loyalty.panel.scores import Effects, effects
from kamlib.loyalty.panel.two_by_two import plain

RECENT = 3


def recent_jump(panel: Panel, *, recent: int = RECENT) -> Effects:
    """How much those who joined moved just before, against the time before and against the others.

    A dip or a good run just before the start turns back by itself, and a comparison with before
    then takes the turn for an effect.

    Parameters
    ----------
    panel
        Each unit counts with the mean of what is known of it.
    recent
        Periods that count as just before; as many must lie before those.

    Returns
    -------
    Effects
        One row with `n_obs`, in the unit of the outcome.

    Raises
    ------
    FitError
        No cohort with twice as many periods before its start, or nobody to compare it with.
    """
    found: list[tuple[float, float, Floats, int]] = []
    for start in panel.cohorts:
        if start < 2 * recent:
            continue
        own, free = panel.start == start, panel.start > start
        change = _mean(panel.outcome[:, start - recent : start])
        change = change - _mean(panel.outcome[:, : start - recent])
        rows = np.flatnonzero((own | free) & np.isfinite(change))
        if not own[rows].any() or not free[rows].any():
            continue
        weight = panel.weight[rows]
        value, told = plain(change[rows, None], own[rows], weight)
        scores = np.zeros(panel.n_units)
        scores[rows] = told[:, 0]
        found.append(
            (float(weight[own[rows]].sum()), float(value[0]), scores, int(own[rows].sum()))
        )
    if not found:
        raise FitError(
            f"no cohort has {2 * recent} periods before its start and others to compare it with, so "
            "that a move just before it cannot be seen"
        )
    size = np.array([weight for weight, _, _, _ in found])
    share = size / size.sum()
    estimate = float(share @ [value for _, value, _, _ in found])
    frame = pd.DataFrame({"n_obs": [sum(n for _, _, _, n in found)]})
    together = np.column_stack([scores for _, _, scores, _ in found]) @ share
    return effects(panel, frame, np.array([estimate]), together[:, None])


def placebo_in_time(panel: Panel, shift: int) -> Effects:
    """Effect of a start that never was, `shift` periods early, from what was known before the true one.

    Parameters
    ----------
    panel
        Units that start within the first `shift` periods are left out.
    shift
        Periods, at least one.

    Returns
    -------
    Effects
        One row, as of `imputation`; it should be zero.

    Raises
    ------
    FitError
        A shift below one, or nobody with enough periods before the start.
    """
    if shift < 1:
        raise FitError(f"the start must be moved at least one period; shift is {shift}")
    early = np.where(panel.treated, panel.start - shift, panel.start)
    outcome = np.where(panel.after, np.nan, panel.outcome)
    outcome = np.where((early >= 1)[:, None], outcome, np.nan)
    pretended = replace(panel, start=np.maximum(early, 1), outcome=outcome)
    if not (pretended.seen & pretended.after).any():
        raise FitError(f"nobody is seen for more than {shift} periods before the start")
    return imputation(pretended)


def _mean(values: Floats) -> Floats:
    """Return row means of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
