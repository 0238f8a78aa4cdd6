"""Survival along paths: identities, late strata, errors against the derivative, clocks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_baseline import baseline
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_paths import paths
from kamlib.stats.cox_survival import survival


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    n = 400
    x = rng.normal(size=(n, 2)) * [1, 10] + [0, 500]
    entry = rng.integers(0, 10, n).astype(float)
    time = entry + np.ceil(12 * rng.exponential(np.exp(-x[:, 0] / 2)))
    exit_ = np.minimum(time, 30)
    return cox_data(x, exit_, time <= 30, names=["a", "b"], entry=entry, strata=rng.integers(0, 2, n))  # fmt: skip


@pytest.fixture(scope="module")
def fit(sample):
    return fit_cox(sample)


X = np.array([[0.5, 505.0], [-1.0, 490.0]])


@given(st.floats(1, 28), st.floats(0.1, 10), st.floats(0.1, 10))
def test_conditional_chances_multiply(fit, start, first, second):
    middle, end = min(start + first, 29.0), min(start + first + second, 29.5)
    who = paths(fit.baseline, X, strata=[0, 1])

    def chance(since, until):
        return survival(fit.baseline, fit.covariance, who, [until], alive_at=since).survival[:, 0]

    assert chance(start, end) == pytest.approx(chance(start, middle) * chance(middle, end))


def test_limits_lie_within_and_around(fit):
    who = paths(fit.baseline, X, strata=[0, 1])
    found = survival(fit.baseline, fit.covariance, who, np.arange(1, 31), conf_level=0.9)
    assert found.known.all()
    assert ((found.conf_low >= 0) & (found.conf_low <= found.survival)).all()
    assert ((found.survival <= found.conf_high) & (found.conf_high <= 1)).all()
    assert (np.diff(found.survival, axis=1) <= 0).all()
    wider = survival(fit.baseline, fit.covariance, who, np.arange(1, 31), conf_level=0.99)
    assert (wider.conf_low <= found.conf_low).all()
    assert found.cumulative_hazard == pytest.approx(-np.log(found.survival))


def test_times_are_absolute_and_may_differ_by_path(fit):
    who = paths(fit.baseline, X, strata=[0, 1])
    each = survival(fit.baseline, fit.covariance, who, [[12, 24], [17, 29]], alive_at=[12, 17])
    assert each.survival[:, 0].tolist() == [1, 1]
    assert each.std_error[:, 0].tolist() == [0, 0]
    assert each.conf_low[:, 0].tolist() == each.conf_high[:, 0].tolist() == [1, 1]
    alone = survival(fit.baseline, fit.covariance, who, [29], alive_at=17)
    assert each.survival[1, 1] == alone.survival[1, 0]
    whole = survival(fit.baseline, fit.covariance, who, [17, 29]).survival[1]
    assert each.survival[1, 1] == pytest.approx(whole[1] / whole[0])


def test_an_event_at_the_time_itself_is_past(fit):
    who = paths(fit.baseline, X[:1], strata=[0])
    moments = fit.baseline.time[fit.baseline.of(0)]
    now, later = moments[5], moments[6]
    found = survival(fit.baseline, fit.covariance, who, [now, later], alive_at=now)
    assert found.survival[0, 0] == 1
    step = fit.baseline.hazard[fit.baseline.of(0)][6] * who.ratio[0]
    assert found.cumulative_hazard[0, 1] == pytest.approx(step)


def test_a_path_in_pieces_of_the_same_is_the_whole(fit):
    whole = survival(fit.baseline, fit.covariance, paths(fit.baseline, X[:1], strata=[0]), [9, 25])
    pieces = paths(
        fit.baseline, X[[0, 0, 0]], path=["p"] * 3, start=[20, 0, 7], stop=[30, 7, 20], strata=[0] * 3,
    )  # fmt: skip
    cut = survival(fit.baseline, fit.covariance, pieces, [9, 25])
    assert cut.survival == pytest.approx(whole.survival)
    assert cut.std_error == pytest.approx(whole.std_error)


def test_errors_are_the_derivative(sample, fit):
    # a path that changes covariates and stratum on its way
    more = {"path": [0, 0], "start": [0, 12], "stop": [12, 30], "strata": [0, 1]}

    def hazard(beta):
        base = baseline(sample, beta)
        return survival(base, fit.covariance, paths(base, X, **more), [20], alive_at=3)

    found = hazard(fit.coefficients)
    slope = []
    for unit in np.eye(2):
        up, down = (hazard(fit.coefficients + s * 1e-5 * unit) for s in (1, -1))
        slope.append((up.cumulative_hazard - down.cumulative_hazard).item() / 2e-5)
    base = fit.baseline
    ratio = paths(base, X, **more).ratio
    mine = (base.stratum == 0) & (base.time > 3) & (base.time <= 12)
    later = (base.stratum == 1) & (base.time > 12) & (base.time <= 20)
    own = ratio[0] ** 2 * base.variance[mine].sum() + ratio[1] ** 2 * base.variance[later].sum()
    total = own + np.array(slope) @ fit.covariance @ np.array(slope)
    assert found.std_error.item() == pytest.approx(found.survival.item() * np.sqrt(total), rel=1e-6)


def test_beyond_what_was_seen_nothing_is_said(fit):
    who = paths(fit.baseline, X, strata=[0, "elsewhere"])
    found = survival(fit.baseline, fit.covariance, who, [10, 30, 30.5])
    assert found.known.tolist() == [[True, True, False], [False, False, False]]
    for values in (found.survival, found.std_error, found.conf_low, found.conf_high):
        assert np.array_equal(np.isnan(values), ~found.known)


def test_extreme_ratios_stay_finite(fit):
    who = paths(fit.baseline, [[900.0, 500.0], [-900.0, 500.0]], strata=[0, 0])
    found = survival(fit.baseline, fit.covariance, who, [25])
    assert found.survival[:, 0] == pytest.approx([0, 1])
    for field in dataclasses.fields(found):
        assert np.isfinite(getattr(found, field.name)).all() or field.name == "alive_at"


def test_times_must_be_times(fit):
    who = paths(fit.baseline, X, strata=[0, 1])
    for wrong in (5.0, [np.nan], np.ones((2, 2, 2))):
        with pytest.raises(FitError, match="times"):
            survival(fit.baseline, fit.covariance, who, wrong)
