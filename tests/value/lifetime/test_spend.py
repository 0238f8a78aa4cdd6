"""Gamma-gamma as published; where it is forbidden, the reason and a model that bears it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.glossary import LANGUAGES, Style, say
from kamlib.value.lifetime.purchases.fit import fit
from kamlib.value.lifetime.spend import fit_spend, spend_correlation, spenders
from kamlib.value.lifetime.spend_models import GAMMA_GAMMA, LogNormal, log_normal


@pytest.fixture
def cdnow_spends(cdnow):
    return spenders(cdnow.x, cdnow.spend)[0]


def test_cdnow(cdnow_spends):
    """Fader and Hardie (2013) print 6.25 3.74 15.44; further digits agree between four systems."""
    found = fit(GAMMA_GAMMA, cdnow_spends, prior=None)
    assert found.n_obs == 946
    p, q, gamma = found.parameters.values()
    assert (round(p, 6), round(q, 6), round(gamma, 6)) == (6.249572, 3.744225, 15.443521)
    assert round(found.log_likelihood, 4) == -4055.9177
    errors = [round(value, 5) for value in found.std_error.values()]
    # one unit in the last printed digit of the last: differences of the reference's own Hessian
    assert errors == pytest.approx((1.19006, 0.29013, 4.15942), abs=1.1e-5)
    assert round(p * gamma / (q - 1), 6) == 35.170371
    assert found.gradient_norm < 1e-9


def test_at_fixed_parameters():
    natural = np.array([6.25, 3.74, 15.44])
    found = GAMMA_GAMMA.expected(natural, [2, 0, 7, 1], [22.35, 0, 73.74, 11.77])
    expected = [24.663713911, 35.218978102, 71.469670897, 18.916852058]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_correlation_on_cdnow(cdnow_spends):
    pearson = np.corrcoef(cdnow_spends.frequency, cdnow_spends.monetary_value)[0, 1]
    assert round(pearson, 4) == 0.1139
    check = spend_correlation(cdnow_spends)
    assert round(check.note.values["rho"], 3) == 0.206
    assert check.passed
    assert "0.21" in str(check.note)


SHAPE = st.floats(0.3, 20)


@given(natural=st.tuples(SHAPE, SHAPE, SHAPE))
@settings(deadline=None)
def test_gradients(natural):
    rows, _ = spenders([1, 2, 7, 30], [3.0, 20.0, 0.5, 7.0])
    for model, at in (
        (GAMMA_GAMMA, np.array(natural)),
        (log_normal(rows), np.array([1.0, 0.1, *natural[:2]])),
    ):
        value, slope = model.gradient(at, rows)
        assert value == pytest.approx(model.log_likelihood(at[None], rows)[0], rel=1e-12)
        steps = np.diag(1e-5 * np.maximum(at, 0.1))
        ends = model.log_likelihood(np.concatenate([at + steps, at - steps]), rows)
        numeric = (ends[: len(at)] - ends[len(at) :]) / (2 * np.diag(steps))
        np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-4)


def test_the_unit_of_money_does_not_matter(cdnow_spends):
    cents, _ = spenders(cdnow_spends.frequency, 100 * cdnow_spends.monetary_value)
    for one, other in ((fit_spend(cdnow_spends)[0], fit_spend(cents)[0]),):
        here = one.model.expected(one.natural, [0, 3], [0, 50])
        there = other.model.expected(other.natural, [0, 3], [0, 5000])
        np.testing.assert_allclose(100 * here, there, rtol=1e-6)


def _accounts(n, rng, *, slope=0.0, tail=6.0):
    x = rng.poisson(4, n) + 1.0
    level = 50 * tail / rng.gamma(tail, 1, n) * np.exp(slope * (np.log1p(x) - 1.6))
    return x, level * rng.gamma(6 * x) / (6 * x), level


def test_allowed_where_nothing_forbids_it():
    rng = np.random.default_rng(1)
    x, z, _ = _accounts(300, rng)
    found, checks = fit_spend(spenders(x, z)[0])
    assert found.model is GAMMA_GAMMA
    assert all(check.passed for check in checks)


def test_correlation_forbids_it_and_log_normal_learns_it():
    rng = np.random.default_rng(2)
    x, z, level = _accounts(300, rng, slope=1.5)
    found, checks = fit_spend(spenders(x, z)[0])
    assert isinstance(found.model, LogNormal)
    assert found.parameters["slope"] == pytest.approx(1.5, abs=0.4)
    model = next(check for check in checks if check.name == "spend_model")
    assert model.passed is False
    for language in LANGUAGES:
        assert "gamma-gamma" in say(model.note, Style(language))
    assert "rank correlation" in str(model.note)
    expected = found.model.expected(found.natural, x, z)
    assert np.median(np.abs(expected / level - 1)) < 0.2


def test_no_mean_forbids_it():
    rng = np.random.default_rng(3)
    x, z, _ = _accounts(400, rng, tail=0.6)
    rows, _ = spenders(x, z)
    assert fit(GAMMA_GAMMA, rows).parameters["q"] < 1
    found, checks = fit_spend(rows)
    assert isinstance(found.model, LogNormal)
    assert any(check.note.key == "spend.log_normal" for check in checks)
    with pytest.raises(FitError, match="must exceed 1"):
        GAMMA_GAMMA.expected(np.array([6.0, 0.8, 15.0]), [1], [3])


def test_averages_that_are_not_positive_are_counted():
    rows, check = spenders([2, 1, 0, 3, 4], [10.0, -5.0, 0.0, 0.0, np.nan])
    assert rows.n_obs == 1
    assert check.passed is False
    assert "3 of 4 accounts" in str(check.note)
    assert "are left out" in str(check.note)


@pytest.mark.parametrize(
    ("x", "z"),
    [([], []), ([1], [5]), ([2] * 12, [7.0] * 12), ([1] * 12, [1e-6, 1e9] * 6)],
    ids=["none", "one", "all alike", "extremes"],
)
def test_hard_data_give_a_fit_or_a_reason(x, z):
    rows, _ = spenders(x, z)
    found, checks = fit_spend(rows)
    assert np.isfinite([*found.parameters.values(), *found.std_error.values()]).all()
    assert found.trouble is not None or found.converged
    if rows.n_obs < 10:
        assert found.trouble.key == "spend.too_few"
        assert checks[0].passed is None
    assert np.isfinite(found.model.expected(found.natural, [0, 3], [0, 5])).all()


def _by_pace(seed, n=400):
    """Return accounts whose spend goes with their pace, seen for 10 to 1,000 days."""
    rng = np.random.default_rng(seed)
    pace, seen = np.exp(rng.normal(-3, 1, n)), np.exp(rng.uniform(np.log(10), np.log(1000), n))
    x = np.maximum(rng.poisson(pace * seen), 1.0)
    level = 50 * (pace / np.exp(-3)) ** 0.8 * np.exp(0.2 * rng.standard_normal(n))
    return x, level * rng.gamma(3 * x) / (3 * x), pace, level


def test_spend_that_goes_with_pace_is_not_mistaken_for_one_that_goes_with_counts():
    """Who has just come has bought little so far, whatever it spends: a count would mislead."""
    x, z, pace, level = _by_pace(6)
    by_count, by_pace = (fit_spend(spenders(x, z, p)[0])[0] for p in (None, pace))
    assert by_pace.parameters["slope"] == pytest.approx(0.8, abs=0.08)
    few = x <= 2
    off = [
        np.abs(np.log(found.model.expected(found.natural, x, z, p)[few] / level[few])).mean()
        for found, p in ((by_count, None), (by_pace, pace))
    ]
    assert off[1] < 0.5 * off[0]


def test_single_purchases_say_how_far_an_average_can_be_trusted():
    x, z, pace, _ = _by_pace(7)
    # gamma(3): a spread of 1 / sqrt(3) of the mean, from as many purchases as there are
    known, _ = spenders(x, z, pace, within=(3**-0.5, float(x.sum())))
    found, _ = fit_spend(known)
    assert found.parameters["sigma"] == pytest.approx(3**-0.5, rel=0.1)
    for nothing in (None, (0.0, 100.0), (0.5, 0.0)):
        rows, _ = spenders(x, z, pace, within=nothing)
        assert rows.within is None


@pytest.mark.parametrize("kind", ["gamma-gamma", "log-normal"])
def test_future_spend_has_the_expected_mean(kind):
    rng = np.random.default_rng(4)
    x, z = np.array([0.0, 2.0, 7.0]), np.array([0.0, 22.0, 80.0])
    model = GAMMA_GAMMA if kind == "gamma-gamma" else LogNormal(1.2)
    natural = np.array([6.25, 3.74, 15.44] if kind == "gamma-gamma" else [3.4, 0.1, 0.5, 0.5])
    draws = model.future(np.tile(natural, (40_000, 1)), x, z, np.full((40_000, 3), 4.0), rng)
    expected = 4 * model.expected(natural, x, z)
    error = draws.std(axis=0) / 200
    assert (np.abs(draws.mean(axis=0) - expected) < 4 * error).all()
    none = model.future(natural[None], x, z, np.zeros((1, 3)), rng)
    np.testing.assert_array_equal(none, 0)


def test_small_units_never_fail():
    rng = np.random.default_rng(5)
    for _ in range(40):
        n = int(rng.integers(10, 40))
        x, z, _ = _accounts(n, rng, slope=rng.normal(), tail=np.exp(rng.normal(1, 0.7)))
        found, _ = fit_spend(spenders(x, z)[0])
        assert found.converged
        assert np.isfinite(found.model.expected(found.natural, x, z)).all()
