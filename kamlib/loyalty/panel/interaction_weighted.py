"""Sun and Abraham: a saturated regression whose coefficients are weighted by the cohorts' sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.group_time import MIN_UNITS, group_time
from kamlib.loyalty.panel.scores import Effects, effects
from kamlib.loyalty.panel.two_way_effect import crv1_factor


def interaction_weighted(
    panel: Panel, *, by_rel_period: bool = False, min_units: int = MIN_UNITS
) -> Effects:
    """Mean effect on the treated, from one coefficient per cohort and period since its start.

    On a balanced panel the coefficients are the changes since the last period before the start
    against those never treated, so that no regression need be run; the error is that of the
    regression, with the cohorts' sizes taken as fixed.

    Parameters
    ----------
    panel
        Without gaps. Covariates are not used.
    by_rel_period
        One effect per time since the start (also before it); else one of all treated cells.
    min_units
        Cohorts of fewer units are left out.

    Raises
    ------
    FitError
        A gap in the panel (take `imputation`), or nobody who is never treated.

    References
    ----------
    Sun, L. and Abraham, S. (2021). Estimating dynamic treatment effects in event studies with
    heterogeneous treatment effects. Journal of Econometrics 225, 175–199.
    doi:10.1016/j.jeconom.2020.09.006
    """
    gaps = int((~panel.seen).sum())
    if gaps:
        raise FitError(
            f"{gaps:,} of {panel.outcome.size:,} cells of the panel have no value: this regression "
            "takes none missing; take the imputation, or units that are there throughout"
        )
    bare = replace(panel, covariates=panel.covariates[:, :0])
    cells = group_time(bare, base="universal", min_units=min_units)
    clusters = len(np.unique(panel.cluster))
    factor = crv1_factor(clusters, panel.outcome.size, len(cells.estimate) + panel.n_periods)
    rel = cells.frame["rel_period"].to_numpy()
    values = np.unique(rel)
    keeps = [rel == v for v in values] if by_rel_period else [rel >= 0]
    sizes = np.bincount(panel.start, panel.weight)[cells.frame["cohort"] - panel.periods[0]]
    weights = np.column_stack([np.where(keep, sizes, 0.0) / sizes[keep].sum() for keep in keeps])
    frame = pd.DataFrame({"rel_period": values} if by_rel_period else {})
    frame["n_obs"] = [_units(cells.frame[keep]) for keep in keeps]
    scores = cells.scores @ weights * np.sqrt(factor)
    return effects(panel, frame, cells.estimate @ weights, scores)


def _units(cells: pd.DataFrame) -> int:
    return int(cells.groupby("cohort")["n_obs"].max().sum())
