from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.aggregation import aggregate
from kamlib.loyalty.panel.drift import breakdown, relative_magnitudes, smoothness
from kamlib.loyalty.panel.group_time import group_time


def test_relative_magnitudes_by_hand(effects):
    """One effect before, 0.5, and one after, 2, without error: the move is 0.5, so 2 ∓ M · 0.5."""
    found = relative_magnitudes(effects([0.5], [2.0], error=0.0), 2.0)
    assert (found.low, found.high) == (1.0, 3.0)
    assert (found.set_low, found.set_high) == (1.0, 3.0)
    # with errors of 0.1: of 2 ∓ (0 − 0.5)·M they are 0.1 · √(1 + M²)
    noisy = relative_magnitudes(effects([0.5], [2.0], error=0.1), 2.0)
    assert noisy.low == pytest.approx(1.0 - 1.959964 * 0.1 * np.sqrt(5))


def test_parallel_trends_are_the_plain_interval(effects):
    found = relative_magnitudes(effects([0.5, 0.1], [2.0, 3.0], error=0.1), 0.0)
    # mean of two independent effects
    assert (found.low + found.high) / 2 == pytest.approx(2.5)
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * 0.1 / np.sqrt(2), rel=1e-6)


def test_breakdown(effects):
    """Without error 2 − M · 0.5 reaches 0 at 4 and 1 at 2; an effect of its own error never leaves it."""
    seen = effects([0.5], [2.0], error=1e-9)
    assert breakdown(seen) == pytest.approx(4.0, abs=1e-6)
    assert breakdown(seen, needed=1.0) == pytest.approx(2.0, abs=1e-6)
    assert breakdown(effects([0.5], [1.0])) == 0.0
    assert breakdown(effects([0.0], [2.0], error=0.0)) == np.inf


def test_more_drift_never_makes_it_surer(effects):
    seen = effects([0.4, -0.3, 0.2], [2.0, 2.5], error=0.2)
    bounds = [relative_magnitudes(seen, m) for m in np.linspace(0, 3, 7)]
    assert (np.diff([b.low for b in bounds]) < 0).all()
    assert (np.diff([b.high for b in bounds]) > 0).all()


def test_a_straight_line_is_taken_off(effects):
    """Effects −2, −1 before and 1 + 5 after lie on a slope of one: 5 is left."""
    found = smoothness(effects([-2.0, -1.0], [6.0], error=0.1), 0.0)
    assert (found.low + found.high) / 2 == pytest.approx(5.0)
    # slope error 0.1 ÷ √5
    assert found.high - 5 == pytest.approx(1.959964 * 0.1 * np.sqrt(1 + 1 / 5), rel=1e-6)


def test_a_bend_by_hand(effects):
    """No error: 6 − 1 · 1 by the last slope, and a bend of M at the base moves it by M."""
    found = smoothness(effects([-2.0, -1.0], [6.0], error=1e-9), 0.25)
    assert (found.set_low, found.set_high) == pytest.approx((4.75, 5.25))
    two = smoothness(effects([-1.0], [6.0, 7.0], error=1e-9), 0.25, loading=np.array([0.0, 1.0]))
    # bends at the base and a period later reach the second period two and one times
    assert (two.set_low, two.set_high) == pytest.approx((5 - 0.75, 5 + 0.75))


def test_only_event_studies_of_a_universal_base(fixture_panel, effects):
    cells = group_time(fixture_panel)
    varying = aggregate(fixture_panel, cells, "rel_period")
    gap = effects([1.0, 2.0], [1.0])
    for wrong in (varying, gap.only(np.array([True, False, False])), effects([], [1.0])):
        with pytest.raises(FitError, match="universal base"):
            relative_magnitudes(wrong, 1.0)
    with pytest.raises(FitError, match="must not be below zero"):
        relative_magnitudes(gap, -1.0)
    with pytest.raises(FitError, match="must not be below zero"):
        smoothness(gap, -1.0)
    with pytest.raises(FitError, match="1 effects from the start on take as many weights; 2 given"):
        breakdown(gap, loading=np.ones(2))


@pytest.mark.parametrize("mbar", [0.5, 2.0])
def test_the_worst_drift_is_held(mbar, effects):
    """Drift before of 0.3 once, after of mbar times that, 1,000 draws: at least .95 less three errors."""
    rng = np.random.default_rng(8)
    before, truth = np.array([-0.3, 0.0, 0.0]), 1.0
    held = 0
    for _ in range(1_000):
        noise = 0.2 * rng.normal(size=4)
        seen = effects(before + noise[:3], [truth + mbar * 0.3 + noise[3]], error=0.2)
        found = relative_magnitudes(seen, mbar)
        held += found.low <= truth <= found.high
    assert held / 1_000 >= 0.93


def test_a_contrast_that_no_trend_moves(effects):
    """Twice the first effect less the second: a trend of s moves it by 2 s − 2 s; 2 · 3 − 4 is left."""
    found = smoothness(
        effects([-2.0, -1.0], [3.0, 4.0], error=0.1), 0.0, loading=np.array([2.0, -1.0])
    )
    assert (found.low + found.high) / 2 == pytest.approx(2.0)
    assert found.high - 2.0 == pytest.approx(1.959964 * 0.1 * np.sqrt(5), rel=1e-6)


def test_effects_that_cannot_be_told_apart_have_no_slope(effects):
    seen = effects([-2.0, -1.0], [3.0])
    same = replace(seen, scores=np.ones((3, 3)))
    with pytest.raises(FitError, match="more than the accounts can tell apart"):
        smoothness(same, 0.1)
