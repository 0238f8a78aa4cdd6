from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.group_time import group_time
from kamlib.loyalty.panel.heterogeneity import cohorts_differ
from kamlib.loyalty.panel.scores import wald


def test_three_exposures_of_two_cohorts(fixture_panel):
    """Both are seen at exposures 0, 1 and 2: three differences."""
    cells = group_time(fixture_panel)
    statistic, df, p_value = cohorts_differ(cells)
    assert df == 3
    rel, cohort = (cells.frame[name].to_numpy() for name in ("rel_period", "cohort"))
    rows = np.zeros((3, len(rel)))
    for e in range(3):
        rows[e, (rel == e) & (cohort == 4)] = -1
        rows[e, (rel == e) & (cohort == 6)] = 1
    assert (statistic, p_value) == pytest.approx(wald(cells, rows)[::2])


def test_cohorts_alike_and_unlike(world):
    """The same growth for all: p is spread evenly; the second cohort higher by 0.6: it is seen."""
    rng = np.random.default_rng(2)
    alike = [
        cohorts_differ(group_time(world(rng, n=400, periods=8, cohorts=(4, 6))[0]))[2]
        for _ in range(60)
    ]
    # a share of .05 among 60 draws: 9 or more have a chance of .003
    assert np.mean(np.array(alike) < 0.05) <= 8 / 60
    panel, _ = world(rng, n=400, periods=8, cohorts=(4, 6))
    panel.outcome[panel.start == 6] += 0.6 * panel.after[panel.start == 6]
    assert cohorts_differ(group_time(panel))[2] < 0.01


def test_one_cohort_has_nothing_to_differ_from(fixture_rows):
    with pytest.raises(FitError, match="no two cohorts"):
        cohorts_differ(group_time(panel_of(fixture_rows[fixture_rows["cohort"] != 6])))
