"""Factors on what a model plays forward: their means, and how they grow with the time ahead."""

import numpy as np
import pytest

from kamlib.value.lifetime.wander import STEADY, Shift


def test_nothing_is_allowed_for_where_nothing_was_learnt():
    rng = np.random.default_rng(1)
    state = rng.bit_generator.state
    assert (STEADY.rate.draw_common(3, rng) == 1).all()
    assert (STEADY.spend.draw_own((3, 2), rng) == 1).all()
    assert rng.bit_generator.state == state  # a forecast without is drawn as before


def test_own_factors_have_mean_one_and_the_stated_spread():
    drawn = Shift(spread=0.5).draw_own((400_000,), np.random.default_rng(2))
    # standard error of the mean: sqrt(exp(0.25) - 1) / sqrt(400,000) = 0.00084
    assert drawn.mean() == pytest.approx(1, abs=0.004)
    assert np.log(drawn).std() == pytest.approx(0.5, rel=0.01)


def test_the_common_factor_is_one_per_draw():
    drawn = Shift(common=np.log(1.2), common_sd=0.1).draw_common(100_000, np.random.default_rng(3))
    assert drawn.shape == (100_000, 1)
    assert np.log(drawn).mean() == pytest.approx(np.log(1.2), abs=0.002)
    assert np.log(drawn).std() == pytest.approx(0.1, rel=0.02)


def test_four_times_the_variance_is_twice_the_spread_and_the_same_level():
    assert Shift(0.1, 0.2, 0.3).over(4.0) == Shift(0.1, 0.4, 0.6)
