"""Where enough are at risk: the stretch of time over which a curve rests on more than a few accounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.stats.spells import flows, spells

MONTH_DAYS = 365.25 / 12
FEWEST = 5  # a curve ends where fewer than this are at risk
_CLOSE = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Lives within the stretch of time over which enough are at risk, in months.

    Attributes
    ----------
    entry, exit
        One element per row, observed in (entry, exit].
    event_type
        What happened at `exit`; None: nothing, or after the stretch.
    start, end
        Of the stretch.
    """

    entry: Floats
    exit: Floats
    event_type: NDArray[np.object_]
    start: float
    end: float

    def within(self, horizon: float) -> float:
        """Return a horizon in months, cut to whole months where the stretch is shorter."""
        length = self.end - self.start
        if horizon <= length:
            return float(horizon)
        return float(np.floor(length)) if length >= 1 else length * (1 - _CLOSE)


def start_size(rows: pd.DataFrame, n_start: int) -> int:
    """Return how many must be at risk at once where a curve begins: a third of a small unit will do."""
    return min(n_start, max(FEWEST, rows["account_id"].nunique() // 3))


def stretch(rows: pd.DataFrame, n_start: int, *, start: float | None = None) -> Stretch | None:
    """Cut lives to where a curve can be drawn.

    With late entry the first who are at risk are few, and so are the last: a single loss among two
    would halve a curve for good, and after the last of a while nothing more can be learnt.

    Parameters
    ----------
    rows
        One row per life or part of one: `entry_days`, `duration_days`, `event_type` (missing:
        none).
    n_start
        At risk at once where the stretch begins.
    start
        Month at which it begins, where that is set: fewer at risk then will do, but no fewer than
        where it ends.

    Returns
    -------
    Stretch or None
        From the first time after which `n_start` are at risk to the first after it at which fewer
        than `FEWEST` (or than `n_start`) are, or to the last. None: so many are never at risk.
    """
    if rows.empty:
        return None
    entry, exit_ = (
        rows[name].to_numpy(dtype=np.float64) / MONTH_DAYS
        for name in ("entry_days", "duration_days")
    )
    fewest = min(FEWEST, n_start)
    flow = flows(spells(exit_, np.zeros(len(rows)), entry=entry))
    time, after = flow.time, flow.after[0]
    if start is None:
        enough = after >= n_start
        first = int(np.argmax(enough))
    else:
        first = max(int(np.searchsorted(time, start + _CLOSE)) - 1, 0)
        enough = after[first : first + 1] >= fewest
    if not enough.any():
        return None
    begin = float(time[first]) if start is None else max(start, float(time[0]))
    few = np.flatnonzero(after[first:] < fewest)
    end = float(time[first + few[0]] if few.size else time[-1])
    inside = (exit_ > begin + _CLOSE) & (entry < end - _CLOSE)
    kind = rows["event_type"].to_numpy(dtype=object, copy=True)
    kind[rows["event_type"].isna().to_numpy() | (exit_ > end + _CLOSE)] = None
    return Stretch(
        np.maximum(entry, begin)[inside], np.minimum(exit_, end)[inside], kind[inside], begin, end
    )
