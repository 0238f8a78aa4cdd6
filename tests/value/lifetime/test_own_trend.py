"""Own growth that lasts, from levels made by hand and at random."""

import numpy as np
import pytest

from kamlib.value.lifetime.own_trend import own_trend


def grown(n, lasting, passing, rng, years=5):
    """Return levels, latest first, of accounts whose yearly growth is theirs plus a passing part."""
    own = rng.normal(0, lasting, n)
    steps = own[:, None] + rng.normal(0, passing, (n, years))
    level = np.exp(5 + np.cumsum(steps, axis=1))[:, ::-1]
    settled = np.ones(level.shape, dtype=bool)
    settled[:, 0] = False
    return own, level, settled


def test_growth_that_lasts_is_carried_on():
    """sd 0.1 lasts and 0.1 passes: of the mean of four years 0.01 ÷ (0.01 + 0.01 ÷ 4) = 0.8 lasts."""
    own, level, settled = grown(2000, 0.1, 0.1, np.random.default_rng(1))
    trend = np.log(own_trend(level, level, settled)[:, 0])
    found = np.cov(trend, own)[0, 1] / own.var()
    assert found == pytest.approx(0.8, abs=0.06)
    # it is the best guess of what an account's own growth is: the slope of one on the other is 1
    assert np.cov(trend, own)[0, 1] / trend.var() == pytest.approx(1, abs=0.06)


def test_a_unit_grows_faster_than_its_past_says():
    """Weights move to those that grow: growth rises by about 0.2² = 0.04 a year; the trend holds it."""
    own, level, settled = grown(4000, 0.2, 0.0, np.random.default_rng(2))
    based = level * own_trend(level, level, settled)
    rose = [np.log(level[:, k - 1].sum() / level[:, k].sum()) for k in (3, 2, 1)]
    assert np.diff(rose) == pytest.approx([0.04, 0.04], abs=0.01)
    left = [np.log(level[:, k - 1].sum() / based[:, k].sum()) for k in (3, 2, 1)]
    assert np.diff(left) == pytest.approx([0, 0], abs=0.01)
    assert own.mean() == pytest.approx(0, abs=0.01)


def test_growth_that_passes_is_not():
    rng = np.random.default_rng(3)
    level = np.exp(rng.normal(5, 0.3, (300, 5)))
    settled = np.ones(level.shape, dtype=bool)
    settled[:, 0] = False
    assert (own_trend(level, level, settled) == 1).all()


def test_one_without_a_past_is_given_the_mean():
    _, level, settled = grown(400, 0.2, 0.05, np.random.default_rng(4))
    level[:10, 1:], settled[:10] = 0, False
    found = own_trend(level, level, settled)
    mean = np.average(np.log(found[10:, 0]), weights=level[10:, 0])
    assert np.log(found[:10, 0]) == pytest.approx(mean)
    assert mean > 0.02
    # nobody had a past at the end of the oldest year
    assert (found[10:, -1] == 1).all()


def test_few_accounts_say_nothing():
    _, level, settled = grown(19, 0.2, 0.0, np.random.default_rng(5))
    assert (own_trend(level, level, settled) == 1).all()


def test_nothing_changes_its_input():
    _, level, settled = grown(50, 0.2, 0.05, np.random.default_rng(6))
    before = level.copy(), settled.copy()
    own_trend(level, level, settled)
    assert (level == before[0]).all()
    assert (settled == before[1]).all()
