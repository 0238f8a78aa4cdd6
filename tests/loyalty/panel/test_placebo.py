from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.placebo import placebo_in_time, recent_jump


def flat(starts, periods=9):
    """Units without noise, at 1.0 throughout."""
    rows = [(u, p, s, 1.0) for u, s in enumerate(starts) for p in range(periods)]
    return panel_of(pd.DataFrame(rows, columns=["unit", "period", "cohort", "outcome"]))


def test_a_jump_by_hand():
    """Cohort 6 rises by 0.5 in its last three periods, cohort 7 by 0.2; two and one units: 0.4."""
    panel = flat([6, 6, 7, None, None])
    rise = np.zeros((5, 9))
    rise[:2, 3:6] = 0.5
    rise[2, 4:7] = 0.2
    # cohort 7 is a control of cohort 6, and stands (0 + 0.2 + 0.2) ÷ 3 higher then
    found = recent_jump(replace(panel, outcome=panel.outcome + rise))
    first = 0.5 - (0.4 / 3) / 3
    assert found.estimate[0] == pytest.approx((2 * first + 0.2) / 3)
    assert found.frame["n_obs"].tolist() == [3]


def test_a_jump_needs_periods_and_others():
    with pytest.raises(FitError, match="no cohort has 6 periods before its start"):
        recent_jump(flat([5, 5, None, None]))
    with pytest.raises(FitError, match="others to compare it with"):
        recent_jump(flat([6, 6, 6]))


def test_gaps_count_with_what_is_known():
    panel = flat([6, 6, None, None])
    outcome = panel.outcome.copy()
    outcome[0, [1, 4]] = np.nan
    outcome[1, :6] = np.nan
    found = recent_jump(replace(panel, outcome=outcome))
    assert found.frame["n_obs"].tolist() == [1]
    assert found.estimate[0] == pytest.approx(0.0)


def jumps(world, draws, rng, dip):
    fired = 0
    for _ in range(draws):
        panel, _ = world(rng, n=80, cohorts=(12,), share=0.4, effect=0.0)
        at = np.arange(24)
        fall = ((at >= 9) & (at < 12)) * panel.treated[:, None] * dip
        row = recent_jump(replace(panel, outcome=panel.outcome - fall)).table().iloc[0]
        fired += not row["conf_low"] <= 0 <= row["conf_high"]
    return fired / draws


def test_a_dip_fires_and_chance_does_not(world):
    """A dip of 0.8 against noise of 0.35: in all of 20; none: at 5 % in 60, at most 8 (p = .004)."""
    assert jumps(world, 20, np.random.default_rng(1), 0.8) == 1.0
    assert jumps(world, 60, np.random.default_rng(2), 0.0) <= 8 / 60


def test_a_placebo_finds_the_move_before_and_not_the_effect(fixture_panel):
    """The effect from the start on is cut away; a rise of 2 in the last period before is found whole."""
    at = np.arange(8)
    rise = 2.0 * (at == fixture_panel.start[:, None] - 1)
    calm = placebo_in_time(fixture_panel, 1)
    moved = placebo_in_time(replace(fixture_panel, outcome=fixture_panel.outcome + rise), 1)
    huge = replace(fixture_panel, outcome=fixture_panel.outcome + 100.0 * fixture_panel.after)
    assert moved.estimate[0] - calm.estimate[0] == pytest.approx(2.0)
    assert placebo_in_time(huge, 1).estimate == pytest.approx(calm.estimate)
    assert calm.frame["n_obs"].tolist() == [12]
    # cohort 4 has three periods before its start: moved by three it has none
    assert placebo_in_time(fixture_panel, 3).frame["n_obs"].tolist() == [6]


def test_placebos_that_cannot_be(fixture_panel):
    with pytest.raises(FitError, match="at least one period"):
        placebo_in_time(fixture_panel, 0)
    with pytest.raises(FitError, match="nobody is seen for more than 6 periods"):
        placebo_in_time(fixture_panel, 6)
