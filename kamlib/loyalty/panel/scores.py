"""Effects with what each unit adds to their error, so that sums, tests and intervals need no refit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, t

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Flags, Floats, Panel, Places


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """k effects of n units.

    Attributes
    ----------
    frame
        What each effect is of, one row per effect: some of `cohort` (period of the first
        treatment), `period` and `rel_period` (periods since it; negative: before), and `n_obs`,
        treated units behind it.
    estimate
        Shape (k,), in the unit of the outcome.
    scores
        Influence of each unit divided by n, shape (n, k): an effect's error is the sum of a column.
    cluster
        Number of the cluster of each unit, shape (n,).
    df
        Treated clusters less one: degrees of freedom of the intervals.
    """

    frame: pd.DataFrame
    estimate: Floats
    scores: Floats
    cluster: Places
    df: int

    @property
    def cluster_scores(self) -> Floats:
        """Scores summed by cluster, shape (n_clusters, k)."""
        sums = np.zeros((int(self.cluster.max(initial=-1)) + 1, self.scores.shape[1]))
        np.add.at(sums, self.cluster, self.scores)
        return sums

    @property
    def covariance(self) -> Floats:
        """Covariance of the effects, shape (k, k), robust to what units of a cluster share."""
        sums = self.cluster_scores
        return np.asarray(sums.T @ sums)

    @property
    def std_error(self) -> Floats:
        """Standard errors, shape (k,)."""
        return np.asarray(np.sqrt((self.cluster_scores**2).sum(axis=0)))

    def only(self, keep: Flags) -> Effects:
        """Return some of the effects, by a flag per effect."""
        frame = self.frame[keep].reset_index(drop=True)
        return Effects(frame, self.estimate[keep], self.scores[:, keep], self.cluster, self.df)

    def table(self, conf_level: float = 0.95, *, normal: bool = False) -> pd.DataFrame:
        """Return `frame` with `estimate`, `std_error`, `conf_low`, `conf_high` and `p_value`.

        Parameters
        ----------
        conf_level
            Of each interval by itself.
        normal
            Whether quantiles are the normal ones; else those of t with `df` degrees of freedom,
            which keep their level with a handful of treated units.
        """
        error = self.std_error
        law = norm if normal else t(self.df)
        half = float(law.ppf((1 + conf_level) / 2)) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(self.estimate) / error
        return self.frame.assign(
            estimate=self.estimate,
            std_error=error,
            conf_low=self.estimate - half,
            conf_high=self.estimate + half,
            p_value=2 * law.sf(ratio),
        )


def effects(panel: Panel, frame: pd.DataFrame, estimate: Floats, scores: Floats) -> Effects:
    """Return effects of a panel with its clusters and degrees of freedom."""
    df = max(panel.n_treated_clusters - 1, 1)
    return Effects(frame.reset_index(drop=True), estimate, scores, panel.cluster, df)


def difference(one: Effects, other: Effects) -> Effects:
    """Return the differences of two sets of effects of the same units, with their joint error.

    The error counts what both share, so that two estimators of the same panel can be compared.

    Raises
    ------
    FitError
        Units or numbers of effects that differ.
    """
    if one.scores.shape != other.scores.shape or not np.array_equal(one.cluster, other.cluster):
        raise FitError("two estimates can be compared only where they are of the same units")
    return Effects(
        one.frame, one.estimate - other.estimate, one.scores - other.scores, one.cluster, one.df
    )


def wald(effects: Effects, contrasts: Floats | None = None) -> tuple[float, int, float]:
    """Test that all effects, or all contrasts of them, are zero.

    Parameters
    ----------
    effects
        Any with scores.
    contrasts
        Weights of the effects, one contrast per row, shape (m, k); each effect by itself unless given.

    Returns
    -------
    tuple
        Statistic, degrees of freedom, and chance of a larger one (large samples).

    Raises
    ------
    FitError
        More contrasts than the units can tell apart.
    """
    rows = np.eye(len(effects.estimate)) if contrasts is None else contrasts
    value, covariance = rows @ effects.estimate, rows @ effects.covariance @ rows.T
    if np.linalg.matrix_rank(covariance, hermitian=True) < len(value):
        raise FitError(
            f"{len(value)} effects are more than the accounts can tell apart: take the event study "
            "instead of cells, or fewer periods"
        )
    statistic = float(value @ np.linalg.solve(covariance, value))
    return statistic, len(value), float(chi2.sf(statistic, len(value)))
