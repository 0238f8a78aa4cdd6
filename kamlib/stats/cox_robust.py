"""Errors that stand where rows belong together: an account's months, a manager's accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kamlib.errors import FitError
from kamlib.stats.cox_data import CoxData, Floats, Ints
from kamlib.stats.cox_likelihood import Likelihood, Point
from kamlib.stats.cox_risk import grouped

_BLOCK = 262_144  # rows at a time, so that memory stays small beside the data


def cluster_codes(data: CoxData, cluster: ArrayLike) -> tuple[Ints, int]:
    """Return the code of each row's cluster, and how many clusters there are.

    Raises
    ------
    FitError
        A length that differs from the data's, or a cluster that is missing.
    """
    labels = np.asarray(cluster)
    if labels.shape != (data.n_obs,):
        raise FitError(f"cluster: shape {labels.shape} for {data.n_obs} rows; give one per row")
    codes, found = pd.factorize(labels)
    if (codes < 0).any():
        bad = codes < 0
        raise FitError(
            f"cluster: is missing in {bad.sum():,} of {data.n_obs:,} rows "
            f"(first: row {int(bad.argmax())})"
        )
    return codes.astype(np.int32), len(found)


def cluster_scores(found: Likelihood, point: Point, code: Ints, n_clusters: int) -> Floats:
    """Score residuals added up by cluster, in units of the scaled covariates.

    A row's residual is what it adds to the slope of the likelihood, in the sense of an infinitesimal
    change of its weight: its covariates less the mean of those at risk, at its own event, less the
    same at every moment at which it is at risk times its hazard there. With Efron's ties an event
    takes part in its own moment by what is left of it. One pass over the rows, in any order.

    Parameters
    ----------
    found, point
        Likelihood, and its sums at the coefficients.
    code, n_clusters
        Cluster of each row of the data, and their number.

    Returns
    -------
    array
        Shape (n_clusters, k); the columns add up to the slope of the likelihood.

    References
    ----------
    Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the Cox Model.
    Springer, section 4.6 and appendix (score residuals with Efron's ties).
    """
    sets, event, cell = found.sets, found.sets.event, found.sets.at
    code = code[sets.rows]
    own = point.risk[event]
    (full, part), (h0, h1, h2) = point.hazard, point.square
    in_set, of_events = point.in_set_x, point.of_events_x
    weight = np.ones(len(event)) if found.weight is None else found.weight[event]
    # covariates times what was seen less what was expected
    residual = -point.risk * sets.over(full)
    residual[event] += weight + own * part[cell]
    steps = h0[:, None] * in_set - h1[:, None] * of_events
    total = np.zeros((n_clusters, found.x.shape[1]))
    for low in range(0, len(residual), _BLOCK):
        part_of = slice(low, low + _BLOCK)
        rows = sets.over(steps, part_of) * point.risk[part_of, None]
        rows += residual[part_of, None] * found.x[part_of]
        total += grouped(code[part_of], np.ones(len(rows)), rows, n_clusters)
    # at its own event: the mean of those at risk, and what Efron's ties take off its hazard
    mean = full[:, None] * in_set - part[:, None] * of_events
    mean /= np.bincount(cell, weight, sets.size)[:, None]
    taken = h1[:, None] * in_set - h2[:, None] * of_events
    own_rows = weight[:, None] * mean[cell] + own[:, None] * taken[cell]
    return total - grouped(code[event], np.ones(len(event)), own_rows, n_clusters)


def sandwich(covariance: Floats, scores: Floats) -> Floats:
    """Covariance of coefficients from the scores of independent clusters, shape (k, k).

    No correction for few clusters: below about 20 the errors are too small.

    References
    ----------
    Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox proportional hazards model.
    Journal of the American Statistical Association 84, 1074–1078. doi:10.1080/01621459.1989.10478874
    """
    moved = scores @ covariance
    return np.asarray(moved.T @ moved)
