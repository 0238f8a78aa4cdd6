from __future__ import annotations

import numpy as np
import pytest

from kamlib.loyalty.effects.regression import least_squares, parts, standard_error
from kamlib.loyalty.effects.sample import Unfit

RNG = np.random.default_rng(7)
X = np.column_stack([np.ones(40), RNG.normal(size=(40, 2)) * [1.0, 1e5]])
Y = RNG.normal(size=40)
NAMES = ("constant", "small", "large")


def test_coefficients_and_leverage_against_the_textbook():
    fit = least_squares(X, Y, NAMES)
    inverse = np.linalg.inv(X.T @ X)
    assert fit.coefficients == pytest.approx(inverse @ X.T @ Y)
    assert fit.leverage == pytest.approx(np.einsum("ij,jk,ik->i", X, inverse, X))
    assert fit.leverage.sum() == pytest.approx(3)


def test_weights_against_rows_that_are_repeated():
    times = RNG.integers(1, 4, 40)
    weighted = least_squares(X, Y, NAMES, times.astype(float))
    repeated = least_squares(np.repeat(X, times, axis=0), np.repeat(Y, times), NAMES)
    assert weighted.coefficients == pytest.approx(repeated.coefficients)


@pytest.mark.parametrize("errors", ["HC0", "HC2", "HC3"])
def test_errors_against_the_sandwich(errors):
    fit = least_squares(X, Y, NAMES)
    inverse = np.linalg.inv(X.T @ X)
    power = {"HC0": 0, "HC2": 1, "HC3": 2}[errors]
    meat = (X * (fit.residual**2 / (1 - fit.leverage) ** power)[:, None]).T @ X
    expected = np.sqrt(np.diag(inverse @ meat @ inverse))
    found = [standard_error(fit, place, errors, None) for place in range(3)]
    assert [error for error, _ in found] == pytest.approx(expected)
    assert {df for _, df in found} == {37.0}


def test_errors_of_groups_are_those_of_statistical_packages():
    """CR1: G ÷ (G − 1) · (n − 1) ÷ (n − k) times the sandwich of sums."""
    fit, group = least_squares(X, Y, NAMES), np.arange(40) // 5
    inverse = np.linalg.inv(X.T @ X)
    sums = np.array([(X * fit.residual[:, None])[group == g].sum(axis=0) for g in range(8)])
    expected = inverse @ sums.T @ sums @ inverse * 8 / 7 * 39 / 37
    error, df = standard_error(fit, 1, "HC2", group)
    assert (error, df) == (pytest.approx(np.sqrt(expected[1, 1])), 7.0)


def test_sums_of_coefficients_have_the_error_of_a_prediction():
    fit, at = least_squares(X, Y, NAMES), np.array([1.0, 2.0, 3e5])
    inverse = np.linalg.inv(X.T @ X)
    expected = at @ inverse @ (X * (fit.residual**2)[:, None]).T @ X @ inverse @ at
    assert np.sum(parts(fit, at, "HC0") ** 2) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("more", "name"), [(np.ones(40), "same"), (X[:, 1] - 2e-5 * X[:, 2], "same")]
)
def test_a_column_that_follows_is_named(more, name):
    with pytest.raises(Unfit, match=f"“{name}” is the same"):
        least_squares(np.column_stack([X, more]), Y, (*NAMES, name))


def test_more_columns_than_rows():
    with pytest.raises(Unfit, match="3 figures would have to be found from 3 accounts"):
        least_squares(X[:3], Y[:3], NAMES)


def test_a_row_that_settles_a_coefficient_alone():
    only = np.column_stack([np.ones(5), np.arange(5) == 2])
    fit = least_squares(only, np.arange(5.0) ** 2, ("constant", "only"))
    with pytest.raises(Unfit, match="row 2"):
        standard_error(fit, 1, "HC2", None)
