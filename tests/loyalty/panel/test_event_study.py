from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib import glossary
from kamlib.loyalty.panel.event_study import event_study
from kamlib.loyalty.panel.grid import panel_of


def test_the_event_study_of_the_fixture(fixture_panel, checks, said):
    found = event_study(fixture_panel, outcome="revenue", horizon=2)
    frame = found.frame
    assert frame["rel_period"].tolist() == [-5, -4, -3, -2, 0, 1, 2]
    assert set(frame.columns) <= set(glossary.columns())
    assert frame["conf_low"].lt(frame["estimate"]).all()
    # twelve treated test four effects; a trend of 0.3 a period against errors of 0.1 is seen
    assert set(checks(found)) == {"pre_trend", "pre_trend_power", "drift", "cohorts"}
    assert checks(found)["pre_trend_power"] is True
    assert all(said(found))
    assert "over the 3 periods from the start on" in said(found)[0]


def test_a_trend_of_their_own_is_found(world, checks, said):
    """Those who join gain 0.2 a period before and after: the test sees it, and the effect falls."""
    panel, _ = world(
        np.random.default_rng(4), n=120, periods=10, cohorts=(5,), share=0.4, effect=0.0
    )
    drift = replace(panel, outcome=panel.outcome + 0.2 * np.arange(10) * panel.treated[:, None])
    found = event_study(drift, outcome="revenue")
    assert checks(found) == {
        "pre_trend": False,
        "pre_trend_power": True,
        "drift": False,
        "cohorts": True,
    }
    assert all(said(found))


def test_no_effect_withstands_no_drift(world, checks, said):
    panel, _ = world(np.random.default_rng(7), n=80, periods=10, cohorts=(5,), effect=0.0)
    found = event_study(panel, outcome="revenue")
    assert checks(found)["drift"] is False
    assert "chance alone explains it" in said(found)[-4]


def test_nothing_before_cannot_be_judged(fixture_rows, checks, said):
    """Periods from 3 on: cohort 4 has one period before, cohort 6 is left out."""
    rows = fixture_rows[(fixture_rows["period"] >= 3) & (fixture_rows["cohort"] != 6)]
    found = event_study(panel_of(rows), outcome="revenue")
    assert checks(found) == {
        "pre_trend": None,
        "pre_trend_power": None,
        "drift": None,
        "cohorts": True,
    }
    assert all(said(found))


def test_many_periods_before_and_few_treated_take_the_slope(world, checks):
    panel, _ = world(np.random.default_rng(5), n=60, periods=20, cohorts=(15,), share=0.15)
    # nine treated, fourteen effects before
    assert checks(event_study(panel, outcome="revenue"))["pre_trend"] is not None


def test_covariates_that_part_all_are_refused_and_those_of_one_cohort_left_out(
    fixture_rows, checks, said
):
    """By x cohort 4 lies apart from all others; cohort 6 does not."""
    joined = fixture_rows["unit"] < 12
    all_apart = panel_of(fixture_rows.assign(x=joined.astype(float)), covariates=["x"])
    refused = event_study(all_apart, outcome="revenue")
    assert refused.refused
    assert "nobody alike" in said(refused)[0]
    shifted = fixture_rows["x"] + 10.0 * (fixture_rows["unit"] < 6)
    one_apart = panel_of(fixture_rows.assign(x=shifted), covariates=["x"])
    found = event_study(one_apart, outcome="revenue")
    assert checks(found)["cohorts"] is False
    assert "6 of 12 accounts that joined are left out" in said(found)[-2]
    # cohort 6 is seen three periods from its start on
    assert found.frame["rel_period"].max() == 2
