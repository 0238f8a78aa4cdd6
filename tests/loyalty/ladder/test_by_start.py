"""Half-years that begin with the first start, and months before a start that falls into one."""

from __future__ import annotations

import numpy as np

from kamlib.loyalty.ladder.by_start import half_years
from kamlib.loyalty.panel.grid import Panel


def panel(starts, width=24):
    n = len(starts)
    outcome = np.tile(np.arange(width, dtype=float), (n, 1))
    return Panel(
        np.arange(n), np.arange(width), np.array(starts), outcome, np.empty((n, 0)), np.ones(n),
        np.arange(n), 0,
    )  # fmt: skip


def test_half_years_begin_with_the_first_start():
    joined = half_years(panel([12, 18, 24]), 12)
    assert joined.periods.tolist() == [-2, -1, 0, 1]
    assert joined.start.tolist() == [2, 3, 4]  # 4: not within the panel
    # months 0 to 5 have mean 2.5
    assert joined.outcome[0].tolist() == [2.5, 8.5, 14.5, 20.5]


def test_a_start_within_a_half_year_counts_from_the_next():
    joined = half_years(panel([12, 14, 24]), 12)
    assert joined.start.tolist() == [2, 3, 4]
    # of the half-year 12 to 17 only months 12 and 13 are before the start
    assert joined.outcome[1].tolist() == [2.5, 8.5, 12.5, 20.5]


def test_months_that_do_not_fill_a_half_year_are_left_out():
    joined = half_years(panel([13, 13, 24]), 13)
    # month 0, and months 19 to 23 only in part: one whole half-year after
    assert joined.periods.tolist() == [-2, -1, 0]
    assert joined.outcome[2].tolist() == [3.5, 9.5, 15.5]
