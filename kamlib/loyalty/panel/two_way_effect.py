"""The naive figure: one coefficient of a regression with unit and period levels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.scores import Effects, effects
from kamlib.loyalty.panel.two_way import two_way


def two_way_effect(panel: Panel) -> Effects:
    """Effect by two-way fixed effects, to be shown beside the right one and not instead of it.

    Where units start at different times it also compares those who start with those already
    treated, whose effect then counts with a negative sign as soon as effects grow or differ.

    Parameters
    ----------
    panel
        Gaps are allowed. Covariates are not used.

    Raises
    ------
    FitError
        The treatment follows from units and periods: all start together, or nobody changes.

    Notes
    -----
    The error is CRV1: clusters G ÷ (G − 1) × (N − 1) ÷ (N − K), where K counts the coefficient and the
    periods, and no units, since they lie within clusters. A tool that counts units too (Stata's xtreg
    with dfadj, linearmodels) shows a larger one.

    References
    ----------
    Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment timing. Journal
    of Econometrics 225, 254–277. doi:10.1016/j.jeconom.2021.03.014
    """
    mask = panel.seen
    fit = two_way(mask, panel.weight)
    cells = mask * panel.weight[:, None]
    state = panel.after.astype(np.float64)
    left = np.where(mask, state - fit.levels(state), 0.0)
    spread = float((cells * left**2).sum())
    if spread <= 1e-9 * cells.sum():
        raise FitError(
            "all who are in the panel start in the same period: no comparison is left once units "
            "and periods have their levels"
        )
    outcome = np.where(mask, panel.outcome, 0.0)
    estimate = float((cells * left * outcome).sum()) / spread
    rest = outcome - estimate * state
    rest = np.where(mask, rest - fit.levels(rest), 0.0)
    clusters, n_obs = len(np.unique(panel.cluster)), int(mask.sum())
    factor = crv1_factor(clusters, n_obs, 1 + panel.n_periods)
    scores = (cells * left * rest).sum(axis=1) / spread * np.sqrt(factor)
    frame = pd.DataFrame({"n_obs": [int(panel.treated.sum())]})
    return effects(panel, frame, np.array([estimate]), scores[:, None])


def crv1_factor(clusters: int, n_obs: int, coefficients: int) -> float:
    """Return G ÷ (G − 1) × (N − 1) ÷ (N − K), by which a clustered variance is enlarged.

    Raises
    ------
    FitError
        One cluster only, or as many coefficients as values.

    Examples
    --------
    >>> crv1_factor(2, 11, 1)
    2.0
    """
    if clusters < 2 or n_obs <= coefficients:
        raise FitError(
            f"{n_obs} values in {clusters} cluster(s) leave nothing to tell the error of "
            f"{coefficients} coefficients by"
        )
    return clusters / (clusters - 1) * (n_obs - 1) / (n_obs - coefficients)
