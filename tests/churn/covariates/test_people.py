"""Visits, managers and answers as they stood before July 2023: see RICH in conftest."""

from __future__ import annotations

import numpy as np
import pytest


def test_weeks_since_the_last_visit(july):
    assert july["weeks_since_visit"] == 1  # 24 June; the visit of 29 June was recorded in July


def test_departures_apart_from_rotations(rich, july):
    assert (july["manager_left_6m"], july["manager_rotated_6m"]) == (1, 0)
    rows = rich[rich["account_id"] == "a"].set_index("month")
    # rotated on 31 December: January to June
    assert rows["manager_rotated_6m"].loc["2022-12-01":"2023-08-01"].tolist() == (
        [0] + [1] * 6 + [0, 0]
    )
    assert rows["manager_left_6m"].loc["2023-02-01":"2023-09-01"].tolist() == [0] + [1] * 6 + [0]


def test_the_last_answers_on_satisfaction(rich, july):
    # 4 and 5 of 1 to 5 are 7.5 and 10 of 10; other items, a competitor and July do not count
    assert july["satisfaction"] == pytest.approx(8.75)
    rows = rich[rich["account_id"] == "a"].set_index("month")["satisfaction"]
    assert np.isnan(rows["2023-02-01"])
    assert rows["2023-03-01"] == 0
    assert rich.loc[rich["account_id"] == "b", "satisfaction"].isna().all()
