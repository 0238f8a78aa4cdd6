"""At which ages a record without dates can carry a curve."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.churn.curves import at_risk
from kamlib.churn.stretch import FEWEST, MONTH_DAYS

_LEAST = 12  # months: a curve over less says nothing of how long customers stay


def carrying(rows: pd.DataFrame) -> tuple[float, float] | None:
    """Return the longest stretch of ages over which the curve of every group rests on enough customers.

    Who is at risk in a record of one day are the customers of one age, and their number goes up and down:
    in a group that one joins late few are young. So what counts is how many were there where one left,
    and that not all of them did.

    Parameters
    ----------
    rows
        As `snapshot.snapshot_rows` returns them, with `group`.

    Returns
    -------
    tuple of float or None
        First and last age in months; None where there is no stretch of a year.
    """
    if rows.empty:
        return None
    months = np.arange(1, np.ceil(rows["duration_days"].max() / MONTH_DAYS) + 1)
    counts = at_risk(rows, months.tolist(), least=1)
    n, lost = counts["n_risk"], counts["n_event"]
    few = (n == 0) | ((lost > 0) & ((n < FEWEST) | (lost == n)))
    bad = few.groupby(counts["time"]).any().to_numpy()
    edges = np.r_[0, months[bad], months[-1] + 1]
    longest = int(np.diff(edges).argmax())
    first, last = float(edges[longest]), float(edges[longest + 1] - 1)
    return (first, last) if last - first >= _LEAST else None


def within(rows: pd.DataFrame, first: float, last: float) -> pd.DataFrame:
    """Return the lives of customers between two ages in months."""
    start, end = first * MONTH_DAYS, last * MONTH_DAYS
    some = rows[(rows["duration_days"] > start) & (rows["entry_days"] < end)]
    return some.assign(
        entry_days=np.maximum(some["entry_days"], start),
        duration_days=np.minimum(some["duration_days"], end),
        event_type=some["event_type"].where(some["duration_days"] <= end),
    )
