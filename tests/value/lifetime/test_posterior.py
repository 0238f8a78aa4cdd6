"""Draws agree with what can be computed, and say when they must not be trusted."""

import numpy as np
import pytest
from scipy.stats import genpareto

from kamlib.value.lifetime import posterior as module
from kamlib.value.lifetime.posterior import posterior, smoothed
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD
from kamlib.value.lifetime.purchases.fit import Prior, fit
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.purchases.summary import compress


@pytest.fixture
def unit(buyers):
    rng = np.random.default_rng(1)
    return compress(*buyers(60, 1.0, 60.0, 0.6, 3.0, rng.uniform(200, 700, 60), 0, rng)[:3])


def test_pareto_k_of_known_tails():
    rng = np.random.default_rng(2)
    for k in (0.2, 0.5, 0.9):
        ratios = np.log(genpareto.rvs(k, size=40_000, random_state=rng))
        assert smoothed(ratios)[1] == pytest.approx(k, abs=0.12)


def test_smoothed_weights_are_weights():
    weights, _ = smoothed(np.random.default_rng(3).normal(0, 2, 1000))
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    lost, k = smoothed(np.array([np.nan, -np.inf, 0.0, 0.0]))
    np.testing.assert_array_equal(lost, [0, 0, 0.5, 0.5])
    assert k == -np.inf
    assert smoothed(np.full(4, -np.inf))[1] == np.inf


def test_a_firm_prior_is_its_own_posterior(unit):
    """Where the prior outweighs the data the posterior is the prior: mean and spread are known."""
    prior = Prior(
        np.array([-4.0, 0.0, -1.5, 1.4]), np.diag([1e-3, 2e-3, 1e-3, 5e-4]) ** 2, "pooled"
    )
    drawn = posterior(
        fit(BG_NBD, unit, prior=prior), unit, draws=8000, rng=np.random.default_rng(4)
    )
    theta = BG_NBD.coordinates(drawn.natural)
    np.testing.assert_allclose(theta.mean(axis=0), prior.mean, atol=1e-3)
    np.testing.assert_allclose(theta.std(axis=0), np.sqrt(np.diag(prior.covariance)), rtol=0.08)


@pytest.mark.parametrize("model", [BG_NBD, PARETO_NBD], ids=["BG/NBD", "Pareto/NBD"])
def test_importance_sampling_and_chains_agree(model, unit, monkeypatch):
    found = fit(model, unit)
    draws = posterior(found, unit, draws=4000, rng=np.random.default_rng(5))
    assert draws.method == "importance"
    assert draws.pareto_k < 0.7
    assert draws.ess > 1000
    assert draws.check.passed
    monkeypatch.setattr(module, "TRUST", -np.inf)
    monkeypatch.setattr(module, "_KEEP", 200 if model is BG_NBD else 100)
    chains = posterior(found, unit, draws=4000, rng=np.random.default_rng(6))
    assert chains.method == "metropolis"
    one, two = (np.quantile(model.coordinates(d.natural), [0.05, 0.5, 0.95], axis=0)
                for d in (draws, chains))  # fmt: skip
    spread = np.sqrt(np.diag(found.covariance))
    assert (np.abs(one - two) < 0.35 * spread).all()


def test_chains_that_have_not_met_say_so(unit, monkeypatch):
    monkeypatch.setattr(module, "TRUST", -np.inf)
    monkeypatch.setattr(module, "_WARM", 0)
    monkeypatch.setattr(module, "_KEEP", 6)
    drawn = posterior(fit(BG_NBD, unit), unit, draws=100, rng=np.random.default_rng(7))
    assert drawn.check.passed is False
    assert "not to be relied on" in str(drawn.check.note)


def test_same_seed_same_draws(unit):
    found = fit(BG_NBD, unit)
    one, two = (posterior(found, unit, draws=50, rng=np.random.default_rng(8)) for _ in range(2))
    np.testing.assert_array_equal(one.natural, two.natural)


def test_no_data_leave_the_prior():
    rows = compress([0], [0], [0])
    found = fit(BG_NBD, rows)
    drawn = posterior(found, rows, draws=4000, rng=np.random.default_rng(9))
    np.testing.assert_allclose(
        np.median(BG_NBD.coordinates(drawn.natural), axis=0), found.prior.mean, atol=0.15
    )
    assert np.isfinite(drawn.natural).all()


@pytest.mark.slow
def test_cdnow(cdnow):
    """value.md: importance sampling on CDNOW keeps more than 3,000 of 4,000 draws, k .15."""
    rows = compress(cdnow.x, cdnow.t_x, cdnow.age)
    drawn = posterior(fit(BG_NBD, rows), rows, rng=np.random.default_rng(10))
    assert drawn.ess > 3000
    assert drawn.pareto_k < 0.5
    pareto = posterior(fit(PARETO_NBD, rows), rows, rng=np.random.default_rng(11))
    assert pareto.check.passed
