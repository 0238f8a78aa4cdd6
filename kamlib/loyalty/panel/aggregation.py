"""Effects by cohort and period brought to one figure, or to one per exposure, cohort or period."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Flags, Floats, Panel
from kamlib.loyalty.panel.scores import Effects, effects

By = Literal["rel_period", "cohort", "period"]


def simple(panel: Panel, cells: Effects) -> Effects:
    """Mean of all effects from the start on, each cohort and period weighted by the cohort's size.

    Cohorts that started early count with more periods; `overall` of "cohort" counts each once.

    Parameters
    ----------
    panel, cells
        As `group_time` took and returned them.

    Raises
    ------
    FitError
        No effect from the start on.
    """
    after = _after(cells)
    estimate, scores = _weighted(panel, cells, after)
    frame = pd.DataFrame({"n_obs": [_units(panel, cells, after)]})
    return effects(panel, frame, np.array([estimate]), scores[:, None])


def aggregate(panel: Panel, cells: Effects, by: By, *, horizon: int | None = None) -> Effects:
    """Effects by time since the start, by cohort, or by calendar period.

    Parameters
    ----------
    panel, cells
        As `group_time` took and returned them.
    by
        "rel_period" also holds what is before the start; cohorts are weighted by size. "cohort" is
        the plain mean over a cohort's periods. "period" weights the cohorts treated by then by size.
    horizon
        Under "rel_period": leave out cohorts that are not seen this long after their start, and
        what lies later, so that the curve bends by time and not by who is left in it.

    Returns
    -------
    Effects
        One row per value of `by`, with `n_obs`, the treated units behind it.

    Raises
    ------
    FitError
        No effect from the start on, or none with such a horizon.
    """
    after = _after(cells)
    frame = cells.frame
    keep = np.ones(len(frame), dtype=bool) if by == "rel_period" else after
    if by == "rel_period" and horizon is not None:
        longest = frame["rel_period"].groupby(frame["cohort"]).transform("max")
        keep = ((longest >= horizon) & (frame["rel_period"] <= horizon)).to_numpy()
        if not (keep & after).any():
            raise FitError(f"no cohort is seen {horizon} periods after its start")
    key = frame[by].to_numpy()
    values = np.unique(key[keep])
    found = [_weighted(panel, cells, keep & (key == value), by == "cohort") for value in values]
    told = {by: values, "n_obs": [_units(panel, cells, keep & (key == v)) for v in values]}
    estimate = np.array([estimate for estimate, _ in found])
    return effects(panel, pd.DataFrame(told), estimate, np.column_stack([s for _, s in found]))


def overall(panel: Panel, grouped: Effects) -> Effects:
    """One figure of effects by time since the start, cohort or period.

    Of "rel_period" and "period" it is the plain mean (from the start on), of "cohort" the mean
    weighted by the cohorts' size: what a unit that joined has gained per period, on average.

    Parameters
    ----------
    panel, grouped
        As `aggregate` took and returned them.
    """
    frame = grouped.frame
    if "cohort" in frame:
        estimate, scores = _weighted(panel, grouped, np.ones(len(frame), dtype=bool))
    else:
        after = _after(grouped) if "rel_period" in frame else np.ones(len(frame), dtype=bool)
        estimate, scores = float(grouped.estimate[after].mean()), grouped.scores[:, after].mean(1)
    told = pd.DataFrame({"n_obs": [int(frame["n_obs"].max())]})
    if "cohort" in frame:
        told["n_obs"] = int(frame["n_obs"].sum())
    return effects(panel, told, np.array([estimate]), scores[:, None])


def _after(cells: Effects) -> Flags:
    after: Flags = (cells.frame["rel_period"] >= 0).to_numpy()
    if not after.any():
        raise FitError("there is no effect from the start on: no cohort is seen after its start")
    return after


def _weighted(
    panel: Panel, cells: Effects, keep: Flags, even: bool = False
) -> tuple[float, Floats]:
    """Return the mean of some cells by size of cohort, and its scores.

    The sizes are a draw themselves, so that they add to the error unless the weights are even.
    """
    estimate, scores = cells.estimate[keep], cells.scores[:, keep]
    if even:
        return float(estimate.mean()), scores.mean(axis=1)
    cohort = cells.frame["cohort"].to_numpy()[keep] - panel.periods[0]
    weight = panel.weight / panel.n_units
    share = np.bincount(panel.start, weight, panel.n_periods + 1)[cohort]
    total = share.sum()
    mean = float(share @ estimate / total)
    # what a unit of a cohort adds, by place of its start
    added = np.bincount(cohort, estimate - mean, panel.n_periods + 1)[panel.start]
    drawn = (added * weight - share @ (estimate - mean) / panel.n_units) / total
    return mean, scores @ (share / total) + drawn


def _units(panel: Panel, cells: Effects, keep: Flags) -> int:
    """Return how many treated units some cells stand on."""
    chosen = cells.frame[keep]
    return int(chosen.groupby("cohort")["n_obs"].max().sum())
