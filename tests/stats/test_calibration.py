"""Calibration by group and along the chance: R's figures, recovery, and edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.calibration import (
    _spline,
    calibration_by_group,
    calibration_curve,
    calibration_error,
    quantile_groups,
)
from kamlib.stats.cox_baseline import baseline
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_likelihood import likelihood

# the reference took the chances from Breslow's baseline
YEARS_3 = 1095.0


def test_gbsg_quintiles(gbsg):
    chance = gbsg.chance([YEARS_3], ties="breslow")[:, 0]
    groups = quantile_groups(chance, 5)
    found = calibration_by_group(chance, gbsg.exit, gbsg.event, groups, horizon=YEARS_3)
    expected = [0.147836, 0.243982, 0.321141, 0.420915, 0.670451]
    observed = [0.160168, 0.172846, 0.258801, 0.586007, 0.661933]
    assert found["expected"].tolist() == pytest.approx(expected, abs=5e-7)
    assert found["observed"].tolist() == pytest.approx(observed, abs=5e-7)
    assert found["estimate"].tolist() == pytest.approx(np.divide(observed, expected), abs=1e-5)
    assert found["n_obs"].tolist() == [71, 70, 70, 70, 71]


def test_gbsg_in_the_large(gbsg):
    chance = gbsg.chance([YEARS_3], ties="breslow")[:, 0]
    row = calibration_by_group(chance, gbsg.exit, gbsg.event, ["all"] * 352, horizon=YEARS_3).iloc[
        0
    ]
    assert row["expected"] == pytest.approx(0.361139, abs=5e-7)
    assert row["observed"] == pytest.approx(0.366727, abs=5e-7)


REFERENCE = [0.055146, 0.049880, 0.092345]


def test_gbsg_distances(gbsg):
    chance = gbsg.chance([YEARS_3], ties="breslow")[:, 0]
    curve = calibration_curve(chance, gbsg.exit, gbsg.event, horizon=YEARS_3)
    found = calibration_error(curve)
    assert found["term"].tolist() == ["ici", "e50", "e90"]
    # rms stops at a change of the likelihood of 1e-4, before the last two digits (next test)
    assert found["estimate"].tolist() == pytest.approx(REFERENCE, abs=7e-5)
    assert found["estimate"].tolist() == pytest.approx([0.055200, 0.049931, 0.092406], abs=5e-7)


def test_gbsg_distances_where_rms_stops(gbsg):
    """The reference's digits, from the fourth of Newton's steps in place of the maximum."""
    chance = gbsg.chance([YEARS_3], ties="breslow")[:, 0]
    x = _spline(np.log(-np.log1p(-chance)))
    data = cox_data(x, gbsg.exit, gbsg.event, names=["chance", "bend"])
    found, beta = likelihood(data), np.zeros(2)
    for _ in range(4):
        point = found.point(beta)
        beta = beta + np.linalg.solve(found.information(point), found.score(point))
    steps = baseline(data, beta / found.scale)
    reached = steps.hazard[steps.time <= YEARS_3].sum()
    risk = np.exp((x - steps.centre[0]) @ steps.coefficients)
    distance = np.abs(-np.expm1(-risk * reached) - chance)
    shown = [distance.mean(), *np.quantile(distance, [0.5, 0.9])]
    assert shown == pytest.approx(REFERENCE, abs=5e-7)


def book(seed=0, n=4000, scale=1.0):
    """Return chances of 12 months that are right, times and events; scale > 1: more leave."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 6, n)
    rate = -np.log1p(-chance) / 12 * scale
    life, limit = rng.exponential(1 / rate), rng.uniform(6, 30, n)
    return chance, np.minimum(life, limit), (life <= limit).astype(int)


def test_right_chances_are_found_right_and_wrong_ones_wrong():
    chance, exit_, event = book()
    groups = quantile_groups(chance, 4)
    found = calibration_by_group(chance, exit_, event, groups, horizon=12, conf_level=0.999)
    assert ((found["conf_low"] < 1) & (found["conf_high"] > 1)).all()
    assert (
        calibration_error(calibration_curve(chance, exit_, event, horizon=12))["estimate"].iloc[0]
        < 0.015
    )
    chance, exit_, event = book(scale=2.0)
    found = calibration_by_group(chance, exit_, event, groups, horizon=12, conf_level=0.999)
    assert (found["conf_low"] > 1.2).all()
    error = calibration_error(calibration_curve(chance, exit_, event, horizon=12))
    # 1 − (1 − p)² lies p (1 − p) above p: 0.161 on average for these chances
    assert error["estimate"].iloc[0] == pytest.approx(np.mean(chance * (1 - chance)), abs=0.02)


@given(st.integers(0, 100))
def test_without_censoring_it_is_the_mean(seed):
    rng = np.random.default_rng(seed)
    exit_, event, group = rng.integers(1, 9, 60), rng.choice([1, 2], 60), rng.choice(["a", "b"], 60)
    found = calibration_by_group(rng.random(60), exit_, event, group, horizon=4).set_index("group")
    for name, row in found.iterrows():
        happened = ((exit_ <= 4) & (event == 1))[group == name]
        assert row["observed"] == pytest.approx(happened.mean())
        assert row["n_event"] == happened.sum()


def test_smooth_curve_keeps_the_order_of_rows_and_the_unit():
    chance, exit_, event = book(3, n=300)
    order = np.random.default_rng(0).permutation(300)
    one = calibration_curve(chance, exit_, event, horizon=12)
    other = calibration_curve(chance[order], exit_[order] * 30, event[order], horizon=360)
    pd.testing.assert_frame_equal(one.iloc[order].reset_index(drop=True), other, rtol=1e-6)
    assert (one["observed_low"] <= one["observed"]).all()
    assert (one["observed"] <= one["observed_high"]).all()


def test_chances_of_0_and_1_have_a_place():
    chance, exit_, event = book(4, n=200)
    chance[:2] = [0.0, 1.0]
    curve = calibration_curve(chance, exit_, event, horizon=12)
    assert np.isfinite(curve["observed"]).all()


def test_a_group_without_event_or_follow_up():
    found = calibration_by_group(
        [0.1, 0.1, 0.2, 0.0], [9, 9, 3, 9], [0, 0, 0, 0], list("aabc"), horizon=6
    ).set_index("group")
    assert found.loc["a", ["observed", "estimate", "conf_low"]].tolist() == [0.0, 0.0, 0.0]
    assert found.loc["a", "conf_high"] > 1
    assert np.isnan(found.loc["b", "observed"])
    # nothing was expected: there is no ratio
    assert np.isnan(found.loc["c", "estimate"])
    assert {*found.reset_index(), "observed_to_expected"} <= set(glossary.columns())


def test_equal_chances_stay_together():
    assert quantile_groups([0.1] * 5, 5).tolist() == [1] * 5
    assert quantile_groups([0.1, 0.1, 0.1, 0.9], 4).tolist() == [1, 1, 1, 2]
    assert np.bincount(quantile_groups(np.arange(10) / 10, 5)).tolist() == [0, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([0.5] * 3, [1, 2, 3], [1, 0, 0]), "1 distinct chances are too few for a smooth curve"),
        (([0.1, 0.2, 0.3], [3, 3, 3], [0, 0, 0]), "calibration: "),
        (([0.1, 0.2, 0.3], [3, 3, 3], [0, 2, 1]), "a smooth curve knows one kind of end only"),
        (([0.1, 0.2, 1.3], [3, 3, 3], [0, 1, 1]), "outside 0 to 1; the first is row 2"),
        (([0.1, 0.2, 0.3], [1, 1, 1], [0, 1, 0]), "horizon: 2 cannot be judged"),
        (([], [], []), "there is no row"),
    ],
    ids=["all tied", "all censored", "other ends", "no chance", "horizon", "empty"],
)
def test_refused(given, message):
    with pytest.raises(FitError, match=message):
        calibration_curve(*given, horizon=2)


def test_missing_groups_are_refused():
    with pytest.raises(FitError, match="1 rows have a group, and 2 a chance"):
        calibration_by_group([0.1, 0.2], [3, 3], [0, 1], ["a", None], horizon=2)
