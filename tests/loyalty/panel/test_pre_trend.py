from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, f, norm, t

from kamlib.errors import FitError
from kamlib.loyalty.panel.pre_trend import erasing_slope, power, pre_trend, seen_slope
from kamlib.loyalty.panel.scores import Effects


def test_by_hand(effects):
    """Effects −2 and −1 at −3 and −2: W = 5; slope through zero (−2·−2 + −1·−1) ÷ 5 = 1, error 1 ÷ √5."""
    found = pre_trend(effects([-2.0, -1.0], [1.0]), normal=True)
    assert found.statistic == pytest.approx(5.0)
    assert found.p_value == pytest.approx(chi2.sf(5, 2))
    assert found.slope == pytest.approx(1.0)
    assert found.slope_error == pytest.approx(1 / np.sqrt(5))
    assert found.slope_p_value == pytest.approx(2 * norm.sf(np.sqrt(5)))
    small = pre_trend(effects([-2.0, -1.0], [1.0], df=10))
    # Hotelling: 5 · 9 ÷ (2 · 10) on 2 and 9 degrees of freedom
    assert small.p_value == pytest.approx(f.sf(2.25, 2, 9))
    assert small.slope_p_value == pytest.approx(2 * t.sf(np.sqrt(5), 10))


def test_more_periods_than_treated_leave_the_slope(effects):
    found = pre_trend(effects([0.0] * 6, [1.0], df=4))
    assert np.isnan(found.p_value)
    assert found.slope_p_value == pytest.approx(1.0)
    with pytest.raises(FitError, match="5 treated clusters cannot test 6 effects"):
        power(effects([0.0] * 6, [1.0], df=4), 1.0)


def test_nothing_before(effects):
    with pytest.raises(FitError, match="nothing to compare before the start"):
        pre_trend(effects([], [1.0]))


def test_more_effects_than_accounts(effects):
    twice = effects([1.0, 1.0], [1.0])
    same = Effects(twice.frame, twice.estimate, np.ones((3, 3)), twice.cluster, 40)
    with pytest.raises(FitError, match="more than the accounts can tell apart"):
        pre_trend(same)


@pytest.mark.parametrize("kind", ["joint", "slope"])
@pytest.mark.parametrize("normal", [True, False])
def test_power_is_the_share_of_draws_that_reject(kind, normal, effects):
    """Without a trend it is the level; with one the share among 4,000 draws (error .008)."""
    seen = effects([0.0, 0.0, 0.0], [1.0], df=100_000 if normal else 400)
    assert power(seen, 0.0, kind=kind, normal=normal) == pytest.approx(0.05)
    slope = 0.7
    course = slope * np.array([-3.0, -2.0, -1.0])
    rng = np.random.default_rng(3)
    draws = course + rng.normal(size=(4_000, 3))
    if kind == "joint":
        rejected = (draws**2).sum(axis=1) > chi2.isf(0.05, 3)
    else:
        rejected = np.abs(draws @ [-3, -2, -1]) / np.sqrt(14) > 1.96
    assert power(seen, slope, kind=kind, normal=normal) == pytest.approx(rejected.mean(), abs=0.03)


def test_seen_slope_undoes_power(effects):
    found = effects([0.3, -0.2, 0.1], [1.0], error=0.2)
    for chance in (0.5, 0.8):
        for kind in ("joint", "slope"):
            slope = seen_slope(found, chance=chance, kind=kind)
            assert power(found, slope, kind=kind) == pytest.approx(chance, abs=1e-6)
    with pytest.raises(FitError, match=r"must lie between 0\.05 and 1"):
        seen_slope(found, chance=0.01)


def test_a_steady_trend_is_seen_by_the_slope_before_the_joint_test(effects):
    found = effects([0.0] * 8, [1.0])
    assert power(found, 0.2, kind="slope") > power(found, 0.2)


def test_the_slope_that_erases(effects):
    """Effects 2 and 4 at 0 and 1, mean 3; a trend adds s · (1 + 2) ÷ 2; down to 1.5 it takes 1."""
    assert erasing_slope(effects([0.0], [2.0, 4.0]), 1.5) == pytest.approx(1.0)
    with pytest.raises(FitError, match="no effect from the start on"):
        erasing_slope(effects([0.0, 1.0], []))
