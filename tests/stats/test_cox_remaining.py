"""Remaining life: the area under survival, its error, blocks, and changing covariates."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.stats import cox_remaining
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_baseline import baseline
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_paths import paths
from kamlib.stats.cox_remaining import remaining_life
from kamlib.stats.cox_survival import survival


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    n = 400
    x = rng.normal(size=(n, 2))
    time = np.ceil(12 * rng.exponential(np.exp(-x[:, 0] / 2)))
    return cox_data(x, np.minimum(time, 30), time <= 30, names=["a", "b"], strata=rng.integers(0, 2, n))  # fmt: skip


@pytest.fixture(scope="module")
def fit(sample):
    return fit_cox(sample)


CHANGING = {"path": [0, 1, 1], "start": [0, 0, 12], "stop": [30, 12, 30], "strata": [0, 0, 1]}
X = np.array([[0.5, 1.0], [-1.0, 0.0], [2.0, -1.0]])


def test_it_is_the_area_under_the_conditional_survival(fit):
    who = paths(fit.baseline, X, **CHANGING)
    found = remaining_life(fit.baseline, fit.covariance, who, [26, 29.5], alive_at=[5, 7.5])
    for row, (start, end) in enumerate(((5, 26), (7.5, 29.5))):
        grid = np.unique(np.r_[start, np.arange(1, 30), end])
        grid = grid[(grid >= start) & (grid <= end)]
        alive = survival(fit.baseline, fit.covariance, who, grid, alive_at=[5, 7.5]).survival[row]
        assert found.mean[row] == pytest.approx(alive[:-1] @ np.diff(grid))
    assert (found.conf_low < found.mean).all()
    assert (found.mean < found.conf_high).all()
    assert (found.conf_high < [21, 22]).all()


def test_errors_are_the_derivative(sample, fit):
    def life(beta=fit.coefficients, step=None):
        base = baseline(sample, beta)
        if step is not None:
            base.hazard[step] += 1e-6  # arrays of a baseline of our own
        who = paths(base, X, **CHANGING)
        return remaining_life(base, fit.covariance, who, 28, alive_at=4)

    found = life()
    units = 1e-5 * np.eye(2)
    slope = [
        (life(fit.coefficients + u).mean - life(fit.coefficients - u).mean) / 2e-5 for u in units
    ]
    by_beta = np.einsum("ip,ij,jp->p", slope, fit.covariance, slope)
    moved = [(life(step=j).mean - found.mean) / 1e-6 for j in range(len(fit.baseline.time))]
    by_step = np.square(moved).T @ fit.baseline.variance
    assert found.std_error == pytest.approx(np.sqrt(by_beta + by_step), rel=1e-5)


def test_blocks_change_nothing(fit, monkeypatch):
    rng = np.random.default_rng(2)
    path = np.sort(rng.integers(0, 40, 100))
    start = np.zeros(100)
    for k in range(1, 100):
        start[k] = start[k - 1] + 1 if path[k] == path[k - 1] else 0
    last = np.r_[path[1:] != path[:-1], True]
    who = paths(fit.baseline, rng.normal(size=(100, 2)), path=path, start=start,
                stop=np.where(last, 40, start + 1), strata=path % 2)  # fmt: skip
    whole = remaining_life(fit.baseline, fit.covariance, who, 25, alive_at=1)
    monkeypatch.setattr(cox_remaining, "_CELLS", 200)
    cut = remaining_life(fit.baseline, fit.covariance, who, 25, alive_at=1)
    assert cut.mean == pytest.approx(whole.mean, abs=1e-12)
    assert cut.std_error == pytest.approx(whole.std_error, abs=1e-12)


def test_without_events_ahead_all_time_remains(fit):
    base = fit.baseline
    who = paths(base, X[:1], strata=[0])
    found = remaining_life(base, fit.covariance, who, base.time.min(), alive_at=0.25)
    until = found.until - found.alive_at
    # the event at the very end takes nothing from the time before
    assert found.mean == pytest.approx(until)
    assert found.std_error == pytest.approx(0)


def test_beyond_what_was_seen_it_is_not_known(fit):
    who = paths(fit.baseline, X[:2], strata=[0, "elsewhere"])
    found = remaining_life(fit.baseline, fit.covariance, who, [31, 20], alive_at=2)
    assert found.known.tolist() == [False, False]
    assert np.isnan(found.mean).all()
    assert np.isnan(found.std_error).all()


@pytest.mark.parametrize("wrong", [{}, {"alive_at": 25}, {"alive_at": -np.inf}])
def test_a_begin_before_the_horizon_is_wanted(fit, wrong):
    who = paths(fit.baseline, X[:1], strata=[0])
    with pytest.raises(FitError, match="before the horizon"):
        remaining_life(fit.baseline, fit.covariance, who, 25, **wrong)
