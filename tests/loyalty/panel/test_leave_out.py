from __future__ import annotations

import pytest

from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.imputation import imputation
from kamlib.loyalty.panel.leave_out import without_largest


def test_without_is_the_panel_without(fixture_panel, fixture_rows):
    found = without_largest(fixture_panel, imputation, most=12)
    assert len(found) == 12
    assert found["moved"].abs().is_monotonic_decreasing
    for _, row in found.head(3).iterrows():
        rest = panel_of(fixture_rows[fixture_rows["unit"] != row["unit"]])
        assert row["estimate"] == pytest.approx(imputation(rest).estimate[0])
        whole = imputation(fixture_panel).estimate[0]
        assert row["estimate"] + row["moved"] == pytest.approx(whole)


def test_the_five_that_move_most_hold_the_first(fixture_panel):
    few, all_ = (without_largest(fixture_panel, imputation, most=most) for most in (5, 12))
    assert few["unit"][0] == all_["unit"][0]


def test_a_parent_is_left_out_whole(fixture_rows):
    panel = panel_of(fixture_rows.assign(parent=fixture_rows["unit"] // 2), cluster="parent")
    found = without_largest(panel, imputation, most=1)
    first = int(found["unit"][0])
    rest = panel_of(fixture_rows[~fixture_rows["unit"].isin([first, first + 1])])
    assert found["estimate"][0] == pytest.approx(imputation(rest).estimate[0])


def test_two_treated_leave_nothing_out(fixture_rows):
    two = panel_of(fixture_rows[fixture_rows["unit"].isin([0, 7, *range(12, 24)])])
    assert without_largest(two, imputation).empty
