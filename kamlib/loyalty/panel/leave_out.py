"""Whether an effect hangs on one account, or one parent company."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.scores import Effects

MOST = 5


def without_largest(
    panel: Panel, estimator: Callable[[Panel], Effects], *, most: int = MOST
) -> pd.DataFrame:
    """Effect once each of the clusters that move it most is left out.

    Only clusters with a treated unit are looked at, by the size of their scores, so that a large
    panel is fitted anew a few times and not once per account.

    Parameters
    ----------
    panel
        Of accounts.
    estimator
        Returns one effect, as `imputation` does.
    most
        How many clusters are left out, one at a time.

    Returns
    -------
    DataFrame
        One row per cluster, the one that moves the effect most first: `unit` (the first unit of it),
        `estimate` (without it), `moved` (by how much it moves the effect as a whole).
    """
    whole = estimator(panel)
    value = float(whole.estimate[0])
    size = np.abs(whole.cluster_scores[:, 0])
    joined = np.unique(panel.cluster[panel.treated])
    largest = joined[np.argsort(-size[joined], kind="stable")][:most]
    if len(joined) < 3:
        largest = largest[:0]
    rows = []
    for cluster in largest:
        keep = panel.cluster != cluster
        rest = replace(
            panel,
            units=panel.units[keep],
            start=panel.start[keep],
            outcome=panel.outcome[keep],
            covariates=panel.covariates[keep],
            weight=panel.weight[keep] / panel.weight[keep].mean(),
            cluster=np.unique(panel.cluster[keep], return_inverse=True)[1],
        )
        without = float(estimator(rest).estimate[0])
        rows.append((panel.units[~keep][0], without, value - without))
    frame = pd.DataFrame(rows, columns=["unit", "estimate", "moved"])
    order = frame["moved"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)
