"""A ratio of rates over strata: by hand, at the edges, and its interval held against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.churn.rate_ratio import mantel_haenszel


def test_two_strata_by_hand():
    # R = 8 · 100 / 200 + 4 · 300 / 400 = 7, S = 4 · 100 / 200 + 2 · 100 / 400 = 2.5
    ratio, low, high = mantel_haenszel([8, 4], [100, 100], [4, 2], [100, 300], 0.95)
    assert ratio == pytest.approx(2.8)
    # (12 · 1 / 4 + 6 · 3 / 16) / (7 · 2.5)
    error = np.sqrt((12 / 4 + 6 * 3 / 16) / 17.5)
    assert np.log(high / ratio) == pytest.approx(1.959964 * error, rel=1e-5)
    assert np.log(ratio / low) == pytest.approx(1.959964 * error, rel=1e-5)


def test_strata_in_which_nobody_could_be_compared_count_for_nothing():
    with_empty = mantel_haenszel([8, 9], [100, 100], [4, 0], [100, 0], 0.95)
    assert with_empty == mantel_haenszel([8], [100], [4], [100], 0.95)


def test_no_event_has_an_upper_limit_and_no_control_has_none():
    ratio, low, high = mantel_haenszel([0], [100], [10], [200], 0.95)
    # 5 expected; no event rules out more than 3.689 (Garwood)
    assert (ratio, low) == (0.0, 0.0)
    assert high == pytest.approx(3.689 / 5, abs=1e-3)
    assert np.isnan(mantel_haenszel([5], [100], [0], [200], 0.95)).all()


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    rate = rng.uniform(0.005, 0.02, 40)  # a rate of its own in every month
    held = 0
    for _ in range(400):
        a, b = rng.poisson(2.0 * rate * 50), rng.poisson(rate * 300)
        _, low, high = mantel_haenszel(a, np.full(40, 50.0), b, np.full(40, 300.0), 0.95)
        held += low < 2.0 < high
    # 380 of 400 expected, standard deviation 4.4
    assert 364 <= held <= 394
