"""Units lend each other strength: totals come nearer to what the true parameters would say."""

import json

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.value.lifetime.pooling import Pool, pool, pool_from, prior_for
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD, MBG_NBD
from kamlib.value.lifetime.purchases.expected import expected_purchases
from kamlib.value.lifetime.purchases.fit import Prior, fit
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.purchases.summary import compress

# how units differ: means and standard deviations of log rate (per day), log r, logit share, log size
CENTRE = np.array([np.log(0.08 / 7), 0.5, -2.0, np.log(3)])
SPREAD = np.array([0.6, 0.35, 0.6, 0.4])
YEAR = 364.0


def _units(buyers, rng, n_units=12, model=BG_NBD):
    units = {}
    for unit in range(n_units):
        n = int(np.exp(rng.uniform(np.log(30), np.log(500))))
        natural = model.natural(CENTRE + SPREAD * rng.standard_normal(4))
        left = bool(model.at_start)
        course = buyers(n, *natural, rng.uniform(140, 364, n), YEAR, rng, at_start=left)
        units[f"unit {unit}"] = natural, course, compress(*course[:3])
    return units


@pytest.fixture(scope="module")
def units(buyers):
    return _units(buyers, np.random.default_rng(1))


@pytest.fixture(scope="module")
def pooled(units):
    return pool(BG_NBD, {name: rows for name, (_, _, rows) in units.items()})


def test_a_pool_knows_where_it_comes_from(pooled, units):
    assert set(pooled.units) == set(units)
    assert pooled.model == "BG/NBD"
    assert pooled.rounds < 30
    assert np.linalg.eigvalsh(pooled.covariance)[0] > 0
    # twelve units: the mean of each coordinate is known to about sd / sqrt(12), and then some
    assert (np.abs(pooled.mean - CENTRE) < 3 * SPREAD / np.sqrt(12) + 0.3).all()


def test_a_pool_survives_its_file(pooled):
    again = pool_from(json.loads(json.dumps(pooled.as_dict())))
    assert again.digest == pooled.digest
    assert again.prior.digest == pooled.digest
    np.testing.assert_allclose(again.covariance, pooled.covariance, atol=1e-11)
    moved = Pool(pooled.model, pooled.mean + 1e-6, pooled.covariance, pooled.units, pooled.rounds)
    assert moved.digest != pooled.digest


def test_order_of_units_does_not_matter(pooled, units):
    turned = {name: units[name][2] for name in reversed(list(units))}
    assert pool(BG_NBD, turned).digest == pooled.digest


@pytest.mark.parametrize("change", [
    {"mean": [0.0]}, {"covariance": [[1, 2], [2, 1]]}, {"units": None}, {"mean": "no"},
])  # fmt: skip
def test_a_broken_file_is_refused(pooled, change):
    with pytest.raises(FitError, match="pooling again"):
        pool_from(pooled.as_dict() | change)
    with pytest.raises(FitError, match="cannot be read"):
        pool_from({})


def test_four_units_are_too_few(units):
    few = {name: units[name][2] for name in list(units)[:4]}
    assert pool(BG_NBD, few) is None
    # a unit that cannot carry the model does not count
    idle = compress([0] * 50, [0] * 50, [300] * 50)
    assert pool(BG_NBD, few | {"idle": idle}) is None


def test_which_prior_a_unit_uses(pooled, units):
    rows = next(iter(units.values()))[2]
    used, why = prior_for(pooled, BG_NBD, rows)
    assert used.digest == pooled.digest
    assert f"12 comparable units have in common (pooled prior {pooled.digest[:12]})" in str(why)
    none, why = prior_for(None, BG_NBD, rows)
    assert (none.source, none.digest) == ("weak", "")
    assert "at least 5" in str(why)
    other, why = prior_for(pooled, MBG_NBD, rows)
    assert other.source == "weak"
    assert "BG/NBD and this unit is fitted with MBG/NBD" in str(why)
    small = Pool(pooled.model, pooled.mean, pooled.covariance, pooled.units[:3], 5)
    assert prior_for(small, BG_NBD, rows)[0].source == "weak"


def errors(buyers, n_pools, seed, model=BG_NBD):
    """Return mean |error| of unit totals a year ahead, for all units and for those of 30 to 60.

    Columns: separate maximum likelihood, weak prior, pooled prior, true distribution of units as
    prior, true parameters. Then the same against what the true parameters expect, which leaves out
    chance.
    """
    found = []
    true = Prior(CENTRE, np.diag(SPREAD**2))
    for number in range(n_pools):
        units = _units(buyers, np.random.default_rng([seed, number]), model=model)
        prior = pool(model, {name: rows for name, (_, _, rows) in units.items()}).prior
        for natural, course, rows in units.values():
            fits = [fit(model, rows, prior=p).natural for p in (None, "weak", prior, true)]
            totals = np.array(
                [
                    expected_purchases(model, one, *course[:3], horizon_days=YEAR).sum()
                    for one in (*fits, natural)
                ]
            )
            came = np.abs(totals / max(course[3].sum(), 1) - 1)
            found.append([len(course[0]), *came, *np.abs(totals / totals[-1] - 1)])
    table = np.array(found)
    return table[:, 1:].mean(axis=0), table[table[:, 0] <= 60, 1:].mean(axis=0)


def test_pooling_brings_totals_nearer_sampled(buyers):
    (*_, alone, _, together, best, _), _ = errors(buyers, 2, seed=2)
    assert together < alone
    assert together < 1.3 * best


@pytest.mark.slow
@pytest.mark.parametrize("model", [BG_NBD, MBG_NBD], ids=lambda model: model.name)
def test_pooling_brings_totals_nearer(buyers, model):
    # 20 times 12 units, in % (BG/NBD, MBG/NBD) against what the true parameters expect: separate
    # 12.2, 10.7, weak prior 8.9, 8.1, pooled 7.1, 7.5, true distribution 6.7, 6.7;
    # units of 30 to 60 accounts: 17.2, 12.7 – 13.2, 9.6 – 9.7, 7.7 – 8.9, 7.5
    every, small = errors(buyers, 20, seed=3, model=model)
    for separate, _, together, best, true, separate_, weak_, together_, best_, _ in (every, small):
        assert together < separate
        # no method can know more of a unit than the true distribution of units and its records
        assert together < 1.06 * best
        assert together_ < 0.8 * separate_
        assert together_ < weak_
        assert together_ < 1.15 * best_
        assert true < together
    assert small[7] < 0.85 * small[6]  # it helps most where there are few accounts


def _small_units(buyers, unit_parameters, n_units, seed):
    rng = np.random.default_rng(seed)
    units = {}
    for number in range(n_units):
        n = int(rng.integers(30, 61))
        course = buyers(n, *unit_parameters(rng), rng.uniform(100, 730, n), 0, rng)
        units[f"unit {number}"] = compress(*course[:3])
    return units


def _none_fails(units, n_taught):
    """Pool the first units, fit all: usable and finite, or refused with the reason."""
    for model in (BG_NBD, MBG_NBD, PARETO_NBD):
        taught = pool(model, dict(list(units.items())[:n_taught]))
        for rows in units.values():
            prior, why = prior_for(taught, model, rows)
            assert "comparable units have in common" in str(why)
            found = fit(model, rows, prior=prior)
            assert (found.trouble is None) == (rows.n_repeat >= 10)
            assert found.trouble is None or "bought again" in str(found.trouble)
            numbers = [*found.theta, *found.parameters.values(), *found.std_error.values()]
            assert np.isfinite([*numbers, found.log_likelihood]).all()
            assert found.converged
            course = rows.frequency, rows.recency_days, rows.age_days
            ahead = expected_purchases(model, found.natural, *course, horizon_days=YEAR)
            assert np.isfinite(ahead).all()
            assert (ahead >= 0).all()


def test_small_units_never_fail_on_a_pooled_prior(buyers, unit_parameters):
    _none_fails(_small_units(buyers, unit_parameters, 12, seed=4), n_taught=6)


@pytest.mark.slow
def test_two_hundred_small_units_never_fail_on_a_pooled_prior(buyers, unit_parameters):
    _none_fails(_small_units(buyers, unit_parameters, 200, seed=5), n_taught=40)


ODD = {
    "all buy every week and never leave": ([52.0] * 60, [364.0] * 60, [364.0] * 60),
    "one buys 5,000 times": ([1.0] * 59 + [5000.0], [5.0] * 59 + [3000.0], [3000.0] * 60),
    "all left at once": ([1.0] * 60, [1.0] * 60, [3000.0] * 60),
    "a century": ([2.0] * 60, [30000.0] * 60, [36500.0] * 60),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_unit_spoils_no_pool(units, odd):
    rows = compress(*ODD[odd])
    some = {name: units[name][2] for name in list(units)[:6]}
    with_it = pool(MBG_NBD, some | {"odd": rows})
    assert np.isfinite(with_it.mean).all()
    for one in (rows, *some.values()):
        found = fit(MBG_NBD, one, prior=with_it.prior)
        assert found.converged
        assert np.isfinite(list(found.std_error.values())).all()
    # the pool grows wider, and says less: what the others learn hardly moves
    for name, without in some.items():
        both = [fit(MBG_NBD, without, prior=p).natural for p in ("weak", with_it.prior)]
        weak, leaning = (
            expected_purchases(MBG_NBD, natural, *units[name][1][:3], horizon_days=YEAR).sum()
            for natural in both
        )
        assert leaning == pytest.approx(weak, rel=0.25)
