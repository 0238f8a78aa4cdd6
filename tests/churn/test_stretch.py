"""Where a curve begins and ends: enough at risk, late entry, events after the end."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.churn.stretch import MONTH_DAYS, stretch


def lives(*rows):
    frame = pd.DataFrame(rows, columns=["entry_days", "duration_days", "event_type"])
    frame[["entry_days", "duration_days"]] *= MONTH_DAYS
    return frame


def test_it_begins_where_enough_have_entered():
    # at risk right after 0: 1, after 2: 2, after 4: 3
    part = stretch(lives((0, 9, None), (2, 9, None), (4, 9, "churn")), 3)
    assert part.start == pytest.approx(4)
    assert part.entry == pytest.approx([4, 4, 4])
    assert part.exit == pytest.approx([9, 9, 9])
    assert part.event_type.tolist() == [None, None, "churn"]


def test_it_ends_where_fewer_than_five_are_left():
    rows = [(0, month, "churn") for month in (1, 2, 3, 4, 5, 6, 7)]
    part = stretch(lives(*rows), 7)
    # seven at the start; after month 3 four are left, whose losses come after the end
    assert part.end == pytest.approx(3)
    assert part.event_type.tolist() == ["churn", "churn", "churn", None, None, None, None]
    assert part.exit.max() == pytest.approx(3)


def test_who_leaves_before_it_begins_is_not_in_it():
    part = stretch(lives((0, 1, "churn"), (2, 5, None), (2, 5, None)), 2)
    assert part.start == pytest.approx(2)
    assert len(part.exit) == 2


def test_a_start_that_is_set_needs_five_at_risk_there():
    rows = lives(*[(0, 10, None)] * 5)
    part = stretch(rows, 30, start=3)
    assert part.entry == pytest.approx([3] * 5)
    assert stretch(rows.head(4), 30, start=3) is None


def test_too_few_at_risk_or_nobody_gives_none():
    assert stretch(lives((0, 1, None)), 2) is None
    assert stretch(lives().astype({"entry_days": float}), 1) is None


@pytest.mark.parametrize(("horizon", "used"), [(3, 3), (9, 9), (36, 9)])
def test_a_horizon_is_cut_to_whole_months(horizon, used):
    assert stretch(lives((0, 9.7, None)), 1).within(horizon) == used
