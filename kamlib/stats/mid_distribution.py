"""Where a value stands among reference values: the mid-distribution function."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mid_distribution(values: pd.Series, reference: Floats) -> Floats:
    """Return scores 0–100 of values against reference values.

    A score is 100 · (share of the reference below the value + half the share equal to it): among the
    reference itself the mean is 50, whatever its ties.

    Parameters
    ----------
    values
        Any numbers; unknown stays unknown.
    reference
        Sorted, at least one.

    References
    ----------
    Parzen, E. (2004). Quantile probability and statistical data modeling. Statistical Science 19,
    652–662. doi:10.1214/088342304000000387

    Examples
    --------
    >>> mid_distribution(pd.Series([1.0, 0.0, 9.0]), np.array([1.0, 1.0, 2.0, 3.0])).tolist()
    [25.0, 0.0, 100.0]
    """
    x = values.to_numpy(dtype=np.float64)
    below = np.searchsorted(reference, x, side="left")
    up_to = np.searchsorted(reference, x, side="right")
    scores: Floats = np.where(np.isnan(x), np.nan, 50.0 * (below + up_to) / len(reference))
    return scores
