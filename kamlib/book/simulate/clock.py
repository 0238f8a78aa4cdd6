"""Five calendar years counted in whole days: day 0 is 2021-01-01.

Whole numbers rather than dates inside the simulator, since a comparison of integers is what the
monthly loop does most; frames carry dates only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]

FIRST_DAY = np.datetime64("2021-01-01", "D")
MONTHS = 60
NEVER = 10**6  # a day that no record reaches: "has not ended"

_FIRST_MONTH = int(np.datetime64("2021-01", "M").astype(np.int64))


def month_start(month: Any) -> Days:
    """Return the day on which a month begins (month 0 = January 2021; negative months allowed)."""
    months = (np.asarray(month, dtype=np.int64) + _FIRST_MONTH).astype("M8[M]")
    days: Days = (months.astype("M8[D]") - FIRST_DAY).astype(np.int64)
    return days


def month_of(day: Any) -> Days:
    """Return the month in which a day falls (month 0 = January 2021)."""
    months: Days = to_date(day).astype("M8[M]").astype(np.int64) - _FIRST_MONTH
    return months


def to_date(day: Any) -> NDArray[np.datetime64]:
    """Return calendar dates of day numbers."""
    return FIRST_DAY + np.asarray(day, dtype=np.int64).astype("m8[D]")


def add_months(day: Any, months: Any) -> Days:
    """Return the same day of the month, `months` later; days after the 28th are not accepted."""
    start = month_of(day)
    offset = np.asarray(day) - month_start(start)
    if np.any(offset > 27):
        raise ValueError("add_months: the 29th to 31st have no twin in every month")
    return month_start(start + months) + offset


MONTH_DAYS: Days = month_start(np.arange(MONTHS + 1))  # MONTHS + 1 boundaries
LAST_DAY = int(MONTH_DAYS[-1]) - 1
