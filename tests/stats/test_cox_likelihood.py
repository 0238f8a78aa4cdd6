"""The partial likelihood, its slope and its curvature against the definition, written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_likelihood import likelihood


def plain(data, beta, ties):
    """Log-likelihood by loops over moments and over the events of each."""
    weight = np.ones(data.n_obs) if data.weight is None else data.weight
    line = data.covariates @ beta + (0 if data.offset is None else data.offset)
    line -= line.mean()  # of no consequence, but for what an exponential can hold
    value = 0.0
    for stratum in range(len(data.strata)):
        mine = (data.stratum == stratum) & (weight > 0)
        for time in np.unique(data.exit[mine & data.event]):
            there = mine & (data.entry < time) & (data.exit >= time)
            ends = mine & data.event & (data.exit == time)
            in_set, of_events = (np.sum((weight * np.exp(line))[who]) for who in (there, ends))
            d = ends.sum()
            for k in range(d):
                share = k / d if ties == "efron" else 0.0
                value -= weight[ends].mean() * np.log(in_set - share * of_events)
            value += weight[ends] @ line[ends]
    return value


@st.composite
def samples(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(2, 60))
    entry = rng.integers(0, 6, n).astype(float)
    given_more = {
        "entry": entry,
        "strata": rng.integers(0, 3, n),
        "weight": rng.integers(0, 4, n) / 2,
        "offset": rng.normal(size=n),
    }
    more = {name: values for name, values in given_more.items() if draw(st.booleans())}
    x = rng.normal(size=(n, 3)) * [1.0, 100.0, 0.01] + [0.0, 500.0, 3.0]
    exit_ = entry + rng.integers(1, 5, n)
    return cox_data(x, exit_, rng.random(n) < 0.5, names=["a", "b", "c"], **more)


@given(samples(), st.sampled_from(["efron", "breslow"]))
def test_value_slope_and_curvature(data, ties):
    found = likelihood(data, ties)
    beta = np.array([0.3, -0.2, 0.1])
    point = found.point(beta)

    def value(b):
        return plain(data, b / found.scale, ties)

    assert point.log_likelihood == pytest.approx(value(beta), abs=1e-9)
    step = 1e-5
    sides = np.eye(3) * step
    slope = [(value(beta + s) - value(beta - s)) / (2 * step) for s in sides]
    assert found.score(point) == pytest.approx(np.array(slope), abs=1e-5)
    bent = [
        (found.score(found.point(beta - s)) - found.score(found.point(beta + s))) / (2 * step)
        for s in sides
    ]
    assert found.information(point) == pytest.approx(np.array(bent), abs=1e-5)


@given(samples())
def test_information_by_moment_adds_up(data):
    found = likelihood(data)
    point = found.point(np.array([0.3, -0.2, 0.1]))
    one = np.eye(found.sets.size)
    parts = sum((found.information(point, by) for by in one), np.zeros((3, 3)))
    assert parts == pytest.approx(found.information(point), abs=1e-9)


def test_efron_by_hand():
    # two of three have the event at once: log 1·h − log(1 + 1 + h) − log(1 + 1 + h − (1 + h) ÷ 2)
    data = cox_data([[0.0], [1.0], [0.0]], [1, 1, 2], [1, 1, 0], names=["x"])
    found = likelihood(data)
    h = 2.0
    expected = np.log(h) - np.log(2 + h) - np.log(2 + h - (1 + h) / 2)
    assert found.point(np.log([h]) * found.scale).log_likelihood == pytest.approx(expected)


def test_a_step_too_far_is_minus_infinity():
    data = cox_data(np.arange(10.0)[:, None], np.arange(10) + 1, [1] * 10, names=["x"])
    assert likelihood(data).point(np.array([1e4])).log_likelihood == -np.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_values_that_cannot_be_computed_with_are_named(bad):
    x = np.ones((4, 2))
    x[1, 1] = bad
    data = cox_data(x, [1, 2, 3, 4], [1, 1, 1, 1], names=["fine", "wrong"])
    with pytest.raises(FitError, match="covariate wrong") as told:
        likelihood(data)
    assert len(told.value.faults) == 1


def test_centres_and_scales_are_those_of_the_strata():
    x = np.array([[1e9], [1e9 + 2], [5.0], [7.0]])
    data = cox_data(x, [1, 2, 1, 2], [1, 0, 1, 0], names=["x"], strata=["b", "b", "a", "a"])
    found = likelihood(data)
    assert found.centre.ravel().tolist() == [6.0, 1e9 + 1]
    # deviations −1, 1, −1, 1: sum of squares 4 over 4 − 1
    assert found.scale[0] == pytest.approx(np.sqrt(4 / 3))
