"""Effects against what would have been, imputed from all that is untreated (Borusyak et al.; Gardner)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Flags, Floats, Panel, Places
from kamlib.loyalty.panel.group_time import MIN_UNITS
from kamlib.loyalty.panel.scores import Effects, effects
from kamlib.loyalty.panel.two_way import TwoWay, two_way

By = Literal["rel_period", "cohort", "period"]


def imputation(panel: Panel, *, by: By | None = None, min_units: int = MIN_UNITS) -> Effects:
    """Mean effect on the treated, against unit + period levels of all untreated cells.

    Levels are fitted to units never treated, and to the others before their start; the effect in a
    treated cell is the value less its levels. It uses every period before the start, and so is
    more precise than a comparison with the last one alone where months are noisy.

    Parameters
    ----------
    panel
        Gaps are allowed. Covariates are not used.
    by
        One effect per time since the start, cohort or period; else one of all treated cells.
    min_units
        For the error, effects are compared with the mean of their cohort and period; those of a
        cohort of fewer units with the mean of all cohorts at the same time since the start.

    Returns
    -------
    Effects
        `n_obs` are the treated units; cells without a level (a period in which all are treated, a
        unit without a before) are left out.

    Raises
    ------
    FitError
        No treated cell has a level.

    Notes
    -----
    The error is conservative: what effects differ by within a cohort and period counts as noise.

    References
    ----------
    Borusyak, K., Jaravel, X. and Spiess, J. (2024). Revisiting event-study designs: robust and
    efficient estimation. Review of Economic Studies 91, 3253–3285, theorem 2 and equation 8.
    doi:10.1093/restud/rdae007
    """
    return _imputed(panel, by, _small(panel, min_units))


def two_stage(panel: Panel, *, by: By | None = None) -> Effects:
    """The same effects with the error of a second regression, in which all cells share one effect.

    Parameters
    ----------
    panel, by
        As for `imputation`.

    Raises
    ------
    FitError
        No treated cell has a level.

    References
    ----------
    Gardner, J. (2022). Two-stage differences in differences. arXiv:2207.05943.
    """
    return _imputed(panel, by, None)


def _imputed(panel: Panel, by: By | None, small: Flags | None) -> Effects:
    seen, after = panel.seen, panel.after
    fit = two_way(seen & ~after, panel.weight)
    target = seen & after & fit.reach
    if not target.any():
        raise FitError(
            "nothing says what the treated would have done: in the periods in which they are treated "
            "nobody else is left untreated"
        )
    gap = np.where(seen, panel.outcome, 0.0) - fit.levels(panel.outcome)
    key = _key(panel, by)
    found = [_one(panel, fit, gap, target & (key == v), small) for v in np.unique(key[target])]
    frame = pd.DataFrame({by: np.unique(key[target])} if by else {})
    frame["n_obs"] = [n for _, _, n in found]
    estimate = np.array([estimate for estimate, _, _ in found])
    return effects(panel, frame, estimate, np.column_stack([s for _, s, _ in found]))


def _one(
    panel: Panel, fit: TwoWay, gap: Floats, target: Flags, small: Flags | None
) -> tuple[float, Floats, int]:
    """Return the mean effect of some cells, its scores, and the units behind it."""
    share = target * panel.weight[:, None]
    share = share / share.sum()
    estimate = float((share * gap).sum())
    loading = fit.mask * panel.weight[:, None] * fit.loading(share)
    centre = np.full_like(gap, estimate)
    if small is not None:
        at, start = np.arange(panel.n_periods), panel.start[:, None]
        centre = _centres(share, gap, start * panel.n_periods + at)
        if small.any():
            alike = _centres(share, gap, at - start + panel.n_periods)
            centre = np.where(small, alike, centre)
    scores = (share * (gap - centre)).sum(axis=1) - (loading * gap).sum(axis=1)
    return estimate, scores, int(target.any(axis=1).sum())


def _centres(share: Floats, gap: Floats, code: Places) -> Floats:
    """Return the mean effect of cells of the same code, weighted by the square of shares."""
    centres = np.zeros_like(gap)
    inside = share > 0
    codes, square = code[inside], share[inside] ** 2
    weight = np.bincount(codes, square)
    mean = np.bincount(codes, square * gap[inside]) / np.where(weight > 0, weight, 1.0)
    centres[inside] = mean[codes]
    return centres


def _small(panel: Panel, min_units: int) -> Flags:
    """Return whether a unit is of a cohort with few units, shape (n, 1)."""
    sizes = np.bincount(panel.start, minlength=panel.n_periods + 1)
    small: Flags = sizes[panel.start][:, None] < min_units
    return small


def _key(panel: Panel, by: By | None) -> Floats:
    at = np.arange(panel.n_periods)
    shape = panel.outcome.shape
    if by == "rel_period":
        return np.broadcast_to(at - panel.start[:, None], shape).astype(np.float64)
    if by == "cohort":
        cohort = panel.periods[0] + panel.start[:, None]
        return np.broadcast_to(cohort, shape).astype(np.float64)
    if by == "period":
        return np.broadcast_to(panel.periods, shape).astype(np.float64)
    return np.zeros(shape)
