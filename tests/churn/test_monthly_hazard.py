"""The monthly chance to leave: by hand, against its own derivatives, and against copies of months."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from kamlib.churn.monthly_hazard import Followed, _sums, fit_monthly, row_scores
from kamlib.errors import FitError

MONTHS, CELLS = 6, 2
TRUE = np.array([0.5, -0.3, 0.0])


def free_shape() -> tuple[np.ndarray, np.ndarray]:
    own = np.eye(CELLS * MONTHS).reshape(CELLS, MONTHS, -1)
    shape = np.concatenate([np.ones((CELLS, MONTHS, 1)), own], axis=2)
    return shape, np.r_[0.0, np.full(CELLS * MONTHS, 0.1)]


def drawn(n: int, seed: int = 1) -> Followed:
    rng = np.random.default_rng(seed)
    x, cell = rng.normal(size=(n, 3)), rng.integers(0, CELLS, n)
    survived, event = np.full(n, MONTHS), np.zeros(n, bool)
    for month in range(MONTHS):
        alive = (survived == MONTHS) & ~event
        chance = 1 - np.exp(-np.exp(x @ TRUE - 3 + 0.1 * month + 0.4 * cell))
        leaves = alive & (rng.random(n) < chance)
        survived[leaves], event = month, event | leaves
    seen = rng.integers(0, MONTHS + 1, n)
    event = event & (seen > survived)
    return Followed(x, cell, np.minimum(seen, survived), event, np.full(n, 0.25))


def test_derivatives_are_those_of_the_likelihood():
    rows, (shape, loose) = drawn(400), free_shape()
    penalties = np.r_[loose, np.full(3, 2.0)]
    rng = np.random.default_rng(2)
    at = np.r_[-3.0, 0.1 * rng.normal(size=len(penalties) - 1)]
    _, slope, curve = _sums(rows, shape, at, penalties)
    steps = 1e-5 * np.eye(len(at))

    def around(which):
        pairs = [(_sums(rows, shape, at + s, penalties), _sums(rows, shape, at - s, penalties))
                 for s in steps]  # fmt: skip
        return np.array([(up[which] - down[which]) / 2e-5 for up, down in pairs])

    assert_allclose(around(0), slope, atol=1e-6)
    assert_allclose(-around(1), curve, atol=1e-6)


def test_same_as_a_row_per_month():
    """Copies of each row, one per month at risk, and a general optimiser give the same figures."""
    rows = drawn(800, seed=3)
    shape = np.ones((CELLS, MONTHS, 2))
    shape[0, :, 1] = 0.0
    fit = fit_monthly(rows, shape, penalty=0.5, baseline_penalties=np.zeros(2))
    copies = rows.survived + rows.event
    at = np.repeat(np.arange(800), copies)
    last = np.r_[np.diff(at) != 0, True]
    left = rows.event[at] & last
    x = (rows.x - fit.mean) / fit.scale
    z = np.column_stack([np.ones(len(at)), rows.cell[at], x[at]])

    def loss(beta):
        rate = np.exp(z @ beta)
        each = np.where(left, np.log(-np.expm1(-rate)), -rate)
        return 0.5 * 0.5 * beta[2:] @ beta[2:] - 0.25 * each.sum()

    found = minimize(loss, np.r_[-3.0, np.zeros(4)], method="BFGS", options={"gtol": 1e-6})
    assert_allclose(fit.parameters, found.x, atol=1e-4)


def test_finds_what_was_planted():
    rows, (shape, loose) = drawn(40_000, seed=4), free_shape()
    fit = fit_monthly(rows, shape, penalty=0.1, baseline_penalties=loose)
    assert_allclose(fit.slopes, TRUE, atol=0.06)
    planted = np.exp(-3 + 0.1 * np.arange(MONTHS) + 0.4 * np.arange(CELLS)[:, None])
    assert_allclose(fit.hazards(), planted, rtol=0.2)


def test_one_cell_by_hand():
    # two leave in 2 + 2 + 1 + 1 + 2 months at risk: the chance of a month is 2/8
    rows = Followed(np.empty((5, 0)), np.zeros(5, int), np.array([2, 1, 1, 0, 2]),
                    np.array([False, True, False, True, False]), np.ones(5))  # fmt: skip
    fit = fit_monthly(rows, np.ones((1, 2, 1)), penalty=1.0, baseline_penalties=np.zeros(1))
    assert_allclose(1 - np.exp(-fit.hazards()), 2 / 8, rtol=1e-8)


def test_constant_and_repeated_columns_do_no_harm():
    rows = drawn(500, seed=5)
    x = np.column_stack([rows.x[:, 0], rows.x[:, 0], np.ones(500)])
    twins = Followed(x, rows.cell, rows.survived, rows.event, rows.weight)
    fit = fit_monthly(
        twins, np.ones((CELLS, MONTHS, 1)), penalty=1.0, baseline_penalties=np.zeros(1)
    )
    assert fit.slopes[0] == pytest.approx(fit.slopes[1])
    assert fit.slopes[2] == 0


def test_separated_covariates_have_a_finite_effect():
    rows = drawn(500, seed=6)
    split = Followed(rows.event[:, None].astype(float), rows.cell, rows.survived, rows.event,
                     rows.weight)  # fmt: skip
    shape = np.ones((CELLS, MONTHS, 1))
    fit = fit_monthly(split, shape, penalty=1.0, baseline_penalties=np.zeros(1))
    assert 1 < fit.slopes[0] < 30


def test_no_loss_is_refused():
    rows = drawn(50)
    stayed = Followed(rows.x, rows.cell, rows.survived, np.zeros(50, bool), rows.weight)
    with pytest.raises(FitError, match="learnt from losses"):
        fit_monthly(
            stayed, np.ones((CELLS, MONTHS, 1)), penalty=1.0, baseline_penalties=np.zeros(1)
        )


def test_order_and_unit_do_not_matter():
    rows, (shape, loose) = drawn(600, seed=7), free_shape()
    fit = fit_monthly(rows, shape, penalty=3.0, baseline_penalties=loose)
    turned = np.random.default_rng(0).permutation(600)
    other = Followed(rows.x[turned] * 100, rows.cell[turned], rows.survived[turned],
                     rows.event[turned], rows.weight[turned])  # fmt: skip
    again = fit_monthly(other, shape, penalty=3.0, baseline_penalties=loose)
    assert_allclose(again.slopes * 100, fit.slopes, rtol=1e-6)
    assert_allclose(again.hazards(), fit.hazards(), rtol=1e-6)


def test_scores_add_up_and_redrawing_them_is_like_fitting_anew():
    rows = drawn(3000, seed=8)
    shape = np.ones((CELLS, MONTHS, 1))
    owner = np.arange(3000) // 3  # three rows each
    fit = fit_monthly(rows, shape, penalty=2.0, baseline_penalties=np.zeros(1))
    scores = row_scores(fit, rows, owner, 1000)
    # at the maximum the slope of the likelihood is that of the penalty
    assert_allclose(scores.sum(axis=0), fit.penalties * fit.parameters, atol=1e-6)
    rng = np.random.default_rng(9)
    quick, full = [], []
    for _ in range(60):
        times = rng.multinomial(1000, np.full(1000, 1e-3)).astype(float)
        quick.append(fit.parameters + fit.inverse @ ((times - 1) @ scores))
        anew = Followed(rows.x, rows.cell, rows.survived, rows.event, rows.weight * times[owner])
        one = fit_monthly(anew, shape, penalty=2.0, baseline_penalties=np.zeros(1))
        full.append(np.r_[one.baseline, one.slopes * fit.scale])
    quick, full = np.array(quick), np.array(full)
    for column in range(1, 3):  # the first two covariates: draw by draw nearly the same
        assert np.corrcoef(quick[:, column], full[:, column])[0, 1] > 0.97
    assert_allclose(quick[:, 1:].std(axis=0), full[:, 1:].std(axis=0), rtol=0.12)
