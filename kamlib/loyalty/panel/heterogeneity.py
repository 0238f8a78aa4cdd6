"""Whether the effect differs by when accounts joined: then one figure for all hides something."""

from __future__ import annotations

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.panel.scores import Effects, wald


def cohorts_differ(cells: Effects) -> tuple[float, int, float]:
    """Test that cohorts have the same effect at the same time since the start.

    Parameters
    ----------
    cells
        By cohort and period, from the start on, as `group_time` returns them with others.

    Returns
    -------
    tuple
        Statistic, degrees of freedom, and chance of a larger one if cohorts did not differ (large
        samples).

    Raises
    ------
    FitError
        No two cohorts at the same time since their start, or more comparisons than the accounts can
        tell apart.

    References
    ----------
    Sun, L. and Abraham, S. (2021). Estimating dynamic treatment effects in event studies with
    heterogeneous treatment effects. Journal of Econometrics 225, 175–199.
    doi:10.1016/j.jeconom.2020.09.006
    """
    rel = cells.frame["rel_period"].to_numpy()
    unit = np.eye(len(rel))
    rows = []
    for exposure in np.unique(rel[rel >= 0]):
        first, *others = np.flatnonzero(rel == exposure)
        rows += [unit[other] - unit[first] for other in others]
    if not rows:
        raise FitError("no two cohorts are seen at the same time since their start")
    return wald(cells, np.array(rows))
