"""The share of a group that had the event within a horizon, where some were not followed so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kamlib.stats.aalen_johansen import incidence, incidence_limits
from kamlib.stats.proportions import wilson
from kamlib.stats.spells import exits, spells


@dataclass(frozen=True, slots=True, eq=False)
class ObservedShare:
    """A share with its interval; NaN where nobody was followed to the horizon.

    Attributes
    ----------
    share, std_error, low, high
        Estimate, its standard error (0 where none or all had the event) and its limits.
    n_event
        Accounts that had the event within the horizon.
    """

    share: float
    std_error: float
    low: float
    high: float
    n_event: int


def observed_share(
    exit_: ArrayLike, event: ArrayLike, horizon: float, conf_level: float
) -> ObservedShare:
    """Estimate the share with the event at or before a horizon, of accounts followed from time 0.

    Parameters
    ----------
    exit_, event
        One element per account; `event` is 0 (censored), 1 (the event) or 2 (another end that rules it
        out).
    horizon
        Time above zero.
    conf_level
        Of the interval. Where none or all had the event the curve has none, and Wilson's, of those of
        whom it is known, stands in.

    Returns
    -------
    ObservedShare
        Kaplan–Meier, or Aalen–Johansen where there are other ends.

    Raises
    ------
    FitError
        Faults of `spells.spells`.

    Examples
    --------
    >>> observed_share([1, 2, 3, 3], [1, 0, 1, 0], horizon=3, conf_level=0.95).share
    0.625
    """
    seen = spells(exit_, event, kinds=2)
    sets = exits(seen, kinds=2)
    known = (seen.exit >= horizon) | (seen.event > 0)
    happened = (seen.event == 1) & (seen.exit <= horizon)
    n_event = int(happened.sum())
    share, error, left = incidence(sets)
    place = int(np.searchsorted(sets.time, horizon, side="right")) - 1
    if sets.time[-1] < horizon and left[-1] > 0:
        unknown = float("nan")
        return ObservedShare(unknown, unknown, unknown, unknown, n_event)
    if n_event == 0 or share[place, 0] >= 1:
        value, error_at = float(n_event > 0), 0.0
        limits = wilson(value * known.sum(), known.sum(), conf_level)
    else:
        value, error_at = float(share[place, 0]), float(error[place, 0])
        limits = incidence_limits(share[place, :1], error[place, :1], conf_level)
    low, high = (float(np.ravel(limit)[0]) for limit in limits)
    return ObservedShare(value, error_at, low, high, n_event)
