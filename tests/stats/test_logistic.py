"""The ridge logistic fit against published figures, its own equations, and separated outcomes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from kamlib.errors import FitError
from kamlib.stats.logistic import ridge_logistic

# Dalal, S. R., Fowlkes, E. B. and Hoadley, B. (1989). Risk analysis of the space shuttle. Journal of
# the American Statistical Association 84, 945–957, table 1: temperature (°F), thermal distress.
# Maximum likelihood for the binary outcome: intercept 15.043, slope −0.232.
TEMPERATURE = np.array([53, 57, 58, 63, 66, 67, 67, 67, 68, 69, 70, 70, 70, 70, 72, 73, 75, 75, 76,
                        76, 78, 79, 81], dtype=float)[:, None]  # fmt: skip
DISTRESS = np.array(
    [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], dtype=float
)


def plain(fit):
    """Return intercept and slopes on the columns as they were given."""
    slopes = fit.slopes / fit.scale
    return fit.intercept - fit.mean @ slopes, slopes


def test_published_fit_without_a_penalty():
    intercept, [slope] = plain(ridge_logistic(TEMPERATURE, DISTRESS, penalty=0.0))
    assert intercept == pytest.approx(15.043, abs=5e-4)
    assert slope == pytest.approx(-0.232, abs=5e-4)
    # and the chance at 31 °F of the same fit, above 0.99
    assert ridge_logistic(TEMPERATURE, DISTRESS, penalty=0.0).chance(np.array([[31.0]])) > 0.99


def data(seed, n=80, k=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 2.0]
    return x, (rng.random(n) < expit(x[:, 0] - 0.1 * x[:, 1])).astype(float)


@given(st.integers(0, 200), st.floats(0.1, 50))
def test_the_penalised_score_is_zero_at_the_fit(seed, penalty):
    x, y = data(seed)
    fit = ridge_logistic(x, y, penalty=penalty)
    z = (x - fit.mean) / fit.scale
    error = y - fit.chance(x)
    assert error.sum() == pytest.approx(0.0, abs=1e-6)
    assert z.T @ error == pytest.approx(penalty * fit.slopes, abs=1e-6)


def test_the_same_optimum_as_a_general_minimiser():
    x, y = data(5)
    z = (x - x.mean(axis=0)) / x.std(axis=0)

    def loss(beta):
        odds = beta[0] + z @ beta[1:]
        return np.sum(np.logaddexp(0, odds) - y * odds) + 2.0 * np.sum(beta[1:] ** 2) / 2

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    fit = ridge_logistic(x, y, penalty=2.0)
    assert [fit.intercept, *fit.slopes] == pytest.approx(best, abs=1e-5)


def test_separated_outcomes_need_a_penalty():
    x = np.arange(10.0)[:, None]
    y = (x[:, 0] >= 5).astype(float)
    fit = ridge_logistic(x, y, penalty=1.0)
    assert np.isfinite([fit.intercept, *fit.slopes]).all()
    assert fit.chance(x)[0] < 0.1
    assert fit.chance(x)[-1] > 0.9
    with pytest.raises(FitError, match="separated"):
        ridge_logistic(x, y, penalty=0.0)


def test_a_constant_or_repeated_column_does_no_harm():
    x, y = data(3)
    alone = ridge_logistic(x[:, :1], y, penalty=0.0)
    more = ridge_logistic(np.column_stack([x[:, 0], np.ones(80), x[:, 0]]), y, penalty=0.0)
    assert more.slopes[1] == 0.0
    assert more.chance(np.column_stack([x[:, 0], np.ones(80), x[:, 0]])) == pytest.approx(
        alone.chance(x[:, :1]), abs=1e-8
    )


def test_more_penalty_shrinks_towards_the_share():
    x, y = data(7)
    sizes = [np.abs(ridge_logistic(x, y, penalty=p).slopes).sum() for p in (0.1, 1, 10, 100, 1e6)]
    assert sizes == sorted(sizes, reverse=True)
    assert ridge_logistic(x, y, penalty=1e9).chance(x) == pytest.approx(y.mean(), abs=1e-5)


def test_a_single_outcome_is_refused():
    with pytest.raises(FitError, match="one kind"):
        ridge_logistic(np.ones((4, 1)), np.zeros(4), penalty=1.0)
