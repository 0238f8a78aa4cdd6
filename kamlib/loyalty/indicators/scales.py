"""Scales from 0 to 100 that are frozen: where a measure stands among the accounts of a reference date.

Measures of different kinds – months, shares, counts – come to one scale on which 50 is the middle of the
accounts at the reference date. So an account of which a measure is unknown stands neither higher nor
lower for it, and nobody's score moves because others changed later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.stats.mid_distribution import mid_distribution

Floats = NDArray[np.float64]
MIN_REFERENCE = 20


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """Reference values of measures.

    Attributes
    ----------
    reference
        Sorted values of each measure on its reference date; a measure that was never known of enough
        accounts has none.
    reference_on
        That date: the first on which enough accounts are known.
    """

    reference: Mapping[str, Floats]
    reference_on: Mapping[str, pd.Timestamp]


def freeze(
    rows: pd.DataFrame, measures: Sequence[str], *, since: pd.Timestamp | None = None
) -> Scales:
    """Freeze the scale of each measure on the first date that enough accounts are known on.

    Parameters
    ----------
    rows
        One row per account and date: `evaluated_on` and the measures.
    measures
        Columns to freeze.
    since
        First date that may be a reference; None: any. Twenty known accounts are enough.

    Examples
    --------
    >>> rows = pd.DataFrame({"evaluated_on": pd.Timestamp("2024-12-31"), "x": range(20)})
    >>> place(rows, ["x"], freeze(rows, ["x"]))["x"].iloc[[0, 19]].tolist()
    [2.5, 97.5]
    """
    rows = rows if since is None else rows[rows["evaluated_on"] >= since]
    reference, days = {}, {}
    for name in measures:
        known = rows.loc[rows[name].notna(), ["evaluated_on", name]]
        counts = known.groupby("evaluated_on").size()
        enough = counts.index[counts >= MIN_REFERENCE]
        if len(enough):
            days[name] = enough.min()
            then = known.loc[known["evaluated_on"] == days[name], name]
            reference[name] = np.sort(then.to_numpy(dtype=np.float64))
    return Scales(reference, days)


def place(rows: pd.DataFrame, measures: Sequence[str], scales: Scales) -> pd.DataFrame:
    """Return the scores 0–100 of measures, a column each; null where unknown or without a scale.

    A row before a measure's reference date has no score: the scale was not known then.
    """
    columns = {}
    for name in measures:
        if name not in scales.reference:
            columns[name] = pd.Series(np.nan, rows.index)
            continue
        score = pd.Series(mid_distribution(rows[name], scales.reference[name]), rows.index)
        columns[name] = score.where(rows["evaluated_on"] >= scales.reference_on[name])
    return pd.DataFrame(columns)
