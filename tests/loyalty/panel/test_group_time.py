from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.loyalty.panel.aggregation import aggregate, overall, simple
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.group_time import group_time
from kamlib.loyalty.panel.scores import difference


def test_one_cell_by_hand():
    """Treated change by 3 and 5, controls by 1 and 2: 4 − 1.5; variance 2 ÷ 2² + 0.5 ÷ 2²."""
    rows = [("a", 1, 2, 0.0), ("a", 2, 2, 3.0), ("b", 1, 2, 0.0), ("b", 2, 2, 5.0),
            ("c", 1, None, 0.0), ("c", 2, None, 1.0), ("d", 1, None, 0.0), ("d", 2, None, 2.0)]  # fmt: skip
    panel = panel_of(pd.DataFrame(rows, columns=["unit", "period", "cohort", "outcome"]))
    cells = group_time(panel, min_units=2)
    assert cells.estimate.tolist() == [2.5]
    # sums of squares 2 and 0.5, each over the square of two units
    assert cells.std_error[0] == pytest.approx(np.sqrt(2 / 4 + 0.5 / 4))
    assert cells.frame.iloc[0].to_dict() == {"cohort": 2, "period": 2, "rel_period": 0, "n_obs": 2}


def test_no_never_treated(fixture_rows):
    panel = panel_of(fixture_rows[fixture_rows["cohort"].notna()])
    with pytest.raises(FitError, match="control='not_yet'"):
        group_time(panel)
    cells = group_time(panel, control="not_yet")
    # the last cohort has nobody left to compare with, the first only until the last one starts
    assert set(cells.frame["cohort"]) == {4, 6}
    assert cells.frame["period"].max() == 5
    assert (cells.frame.loc[cells.frame["cohort"] == 6, "rel_period"] < 0).all()


def test_a_single_cohort(fixture_rows):
    panel = panel_of(fixture_rows[fixture_rows["cohort"] != 6])
    cells = group_time(panel)
    never, not_yet = cells, group_time(panel, control="not_yet")
    assert not_yet.estimate == pytest.approx(never.estimate)
    # one cohort: all means are the plain mean over its five periods
    mean = cells.estimate[cells.frame["rel_period"] >= 0].mean()
    for found in (simple(panel, cells), *(overall(panel, aggregate(panel, cells, by))
                  for by in ("rel_period", "cohort", "period"))):  # fmt: skip
        assert found.estimate[0] == pytest.approx(mean)


def test_small_cohorts_are_left_out_and_alone_refused(fixture_rows):
    alone = fixture_rows.assign(cohort=fixture_rows["cohort"].where(fixture_rows["unit"] != 7, 5.0))
    assert set(group_time(panel_of(alone)).frame["cohort"]) == {4, 6}
    assert set(group_time(panel_of(alone), min_units=1).frame["cohort"]) == {4, 5, 6}
    few = panel_of(fixture_rows[~fixture_rows["unit"].isin([0, 1, 2, 6, 7, 8])])
    with pytest.raises(FitError, match="no cohort has 5 treated units"):
        group_time(few)


def test_a_gap_takes_a_unit_out_of_the_cells_it_touches(fixture_rows):
    """Unit 0 lacks its base period 3: cells of cohort 4 from the start on are those of the others."""
    gap = fixture_rows[~((fixture_rows["unit"] == 0) & (fixture_rows["period"] == 3))]
    without = fixture_rows[fixture_rows["unit"] != 0]
    one, other = group_time(panel_of(gap)), group_time(panel_of(without))
    keep = ((one.frame["cohort"] == 4) & (one.frame["rel_period"] >= 0)).to_numpy()
    assert one.estimate[keep] == pytest.approx(other.estimate[keep])
    assert one.frame.loc[keep, "n_obs"].tolist() == [5] * 5


def test_covariates_that_part_the_groups_are_refused(fixture_rows):
    parted = fixture_rows.assign(x=(fixture_rows["unit"] < 12).astype(float))
    with pytest.raises(FitError, match="nobody alike to compare with"):
        group_time(panel_of(parted, covariates=["x"]))


def test_a_constant_covariate_is_refused(fixture_rows):
    with pytest.raises(FitError, match="repeat one another"):
        group_time(panel_of(fixture_rows.assign(x=1.0), covariates=["x"]))


def test_a_covariate_on_any_scale_gives_the_same(fixture_rows):
    plain = group_time(panel_of(fixture_rows, covariates=["x"]))
    far = fixture_rows.assign(x=1e6 + 1e4 * fixture_rows["x"])
    assert group_time(panel_of(far, covariates=["x"])).estimate == pytest.approx(plain.estimate)


@given(shift=st.floats(-50, 50), scale=st.floats(0.1, 20))
def test_levels_do_not_matter_and_units_scale(fixture_panel, shift, scale):
    by_unit = np.sin(np.arange(24.0))[:, None] * shift
    by_period = np.cos(np.arange(8.0)) * shift
    moved = replace(fixture_panel, outcome=fixture_panel.outcome * scale + by_unit + by_period)
    one, other = group_time(fixture_panel), group_time(moved)
    assert other.estimate == pytest.approx(one.estimate * scale, abs=1e-9)
    assert other.std_error == pytest.approx(one.std_error * scale, abs=1e-9)


def test_a_weight_counts_like_repeated_units(fixture_rows):
    """Three units of weight two are like six: the same effects, with and without a covariate."""
    doubled = fixture_rows[fixture_rows["unit"].isin([1, 7, 15])]
    doubled = doubled.assign(unit=doubled["unit"] + 100)
    rows = pd.concat([fixture_rows, doubled])
    weighted = fixture_rows.assign(w=np.where(fixture_rows["unit"].isin([1, 7, 15]), 2.0, 1.0))
    for covariates in ([], ["x"]):
        many = panel_of(rows, covariates=covariates)
        few = panel_of(weighted, covariates=covariates, weight="w")
        one, other = group_time(many), group_time(few)
        assert other.estimate == pytest.approx(one.estimate)
        assert simple(few, other).estimate == pytest.approx(simple(many, one).estimate)


def test_clusters_of_one_are_units_and_pairs_are_not(fixture_rows):
    alone = group_time(panel_of(fixture_rows.assign(parent=fixture_rows["unit"]), cluster="parent"))
    assert alone.std_error == pytest.approx(group_time(panel_of(fixture_rows)).std_error)
    twins = pd.concat([fixture_rows, fixture_rows.assign(unit=fixture_rows["unit"] + 100)])
    twins = twins.assign(parent=twins["unit"] % 100)
    # a twin adds nothing: scores halve and pairs sum to what they were
    doubled = group_time(panel_of(twins, cluster="parent"))
    assert doubled.std_error == pytest.approx(alone.std_error)


def test_a_horizon_keeps_cohorts_that_are_seen_so_long(fixture_panel):
    cells = group_time(fixture_panel)
    # cohort 6 is seen for three periods from its start on, cohort 4 for five
    curve = aggregate(fixture_panel, cells, "rel_period", horizon=3)
    assert curve.frame["rel_period"].max() == 3
    after = curve.frame["rel_period"] >= 0
    assert curve.frame.loc[after, "n_obs"].tolist() == [6] * 4
    with pytest.raises(FitError, match="no cohort is seen 9 periods"):
        aggregate(fixture_panel, cells, "rel_period", horizon=9)


def test_a_difference_with_itself_is_nothing(fixture_panel, fixture_rows):
    cells = group_time(fixture_panel)
    gap = difference(cells, cells)
    assert not gap.estimate.any()
    assert not gap.std_error.any()
    with pytest.raises(FitError, match="same units"):
        difference(cells, group_time(panel_of(fixture_rows[fixture_rows["unit"] != 23])))


def test_intervals_are_students_with_the_treated_clusters(fixture_panel):
    cells = group_time(fixture_panel)
    # twelve treated units: t of 11 degrees of freedom, 2.200985
    table, large = cells.table(), cells.table(normal=True)
    half = (table["conf_high"] - table["estimate"]).to_numpy()
    assert half == pytest.approx(2.200985 * cells.std_error, rel=1e-6)
    assert (table["p_value"] > large["p_value"]).all()
