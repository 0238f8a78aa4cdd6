"""Residuals by row and by event against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_residuals import martingale, schoenfeld


@pytest.fixture(scope="module", params=["efron", "breslow"])
def fitted(request):
    rng = np.random.default_rng(1)
    n = 150
    x = rng.normal(size=(n, 2)) * [1, 20] + [3, 0]
    entry = rng.integers(0, 5, n).astype(float)
    exit_ = entry + rng.integers(1, 7, n)
    event = (rng.random(n) < 0.4) & (exit_ > 2)
    data = cox_data(x, exit_, event, names=["a", "b"], entry=entry, weight=rng.integers(1, 3, n))
    return fit_cox(data, ties=request.param), data


def test_martingale_is_seen_less_expected(fitted):
    fit, data = fitted
    found = martingale(fit, data)
    assert data.weight @ found == pytest.approx(0, abs=1e-9)
    ratio = np.exp(data.covariates @ fit.coefficients)
    expected = np.zeros(data.n_obs)
    for time in np.unique(data.exit[data.event]):
        there = (data.entry < time) & (data.exit >= time)
        ends = data.event & (data.exit == time)
        d = ends.sum()
        for k in range(d):
            share = k / d if fit.ties == "efron" else 0.0
            left = there - share * ends
            expected += ratio * left * data.weight[ends].mean() / (data.weight * ratio @ left)
    assert found == pytest.approx(data.event - expected, abs=1e-9)
    # who left before the first event is in no risk set
    assert found[data.exit < data.exit[data.event].min()] == pytest.approx(0)


def test_schoenfeld_adds_up_to_the_slope(fitted):
    fit, data = fitted
    found = schoenfeld(fit, data)
    assert found.time.tolist() == data.exit[found.row].tolist()
    assert len(found.row) == fit.n_event
    assert data.weight[found.row] @ found.residual == pytest.approx(np.zeros(2), abs=1e-5)
    weighted = data.weight[found.row] / data.weight[found.row].sum()
    assert weighted @ found.scaled == pytest.approx(fit.coefficients, abs=1e-6)


def test_schoenfeld_by_hand():
    # two at risk, of x 0 and 1, at no effect: 1 less the mean of ½; then the other alone
    data = cox_data([[1.0], [0.0]], [1, 2], [1, 1], names=["x"])
    fit = fit_cox(data, penalty=1e12)
    assert schoenfeld(fit, data).residual.ravel() == pytest.approx([0.5, 0.0])
