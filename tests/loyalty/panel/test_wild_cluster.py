from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.wild_cluster import wild_cluster


def rows(rng, groups=8, size=8, treated=4, icc=0.3):
    cluster = np.repeat(np.arange(groups), size)
    noise = np.sqrt(icc) * rng.normal(size=groups)[cluster]
    noise += np.sqrt(1 - icc) * rng.normal(size=groups * size)
    chosen = rng.permutation(groups) < treated
    return noise, chosen[cluster].astype(float), cluster


def wild(y, d, cluster, rng, draws=399, more=()):
    x = np.column_stack([np.ones(len(y)), d, *more])
    return wild_cluster(y, x, 1, cluster, draws=draws, conf_level=0.95, rng=rng)


def slowly(y, x, cluster, signs):
    """The bootstrap of the null of no effect, one regression per pattern of signs."""

    def ratio(outcome):
        beta = np.linalg.lstsq(x, outcome, rcond=None)[0]
        rest = outcome - x @ beta
        inverse = np.linalg.inv(x.T @ x)
        meat = sum(
            np.outer(s, s) for s in (x[cluster == g].T @ rest[cluster == g] for g in set(cluster))
        )
        return beta[1] / np.sqrt((inverse @ meat @ inverse)[1, 1])

    null = np.delete(x, 1, axis=1)
    fitted = null @ np.linalg.lstsq(null, y, rcond=None)[0]
    drawn = np.array([ratio(fitted + s[cluster] * (y - fitted)) for s in signs])
    return float((np.abs(drawn) >= abs(ratio(y)) * (1 - 1e-9)).mean())


def test_it_is_what_one_regression_per_draw_gives():
    rng = np.random.default_rng(2)
    y, d, cluster = rows(rng, groups=6, treated=3)
    z = rng.normal(size=len(y))
    signs = 1.0 - 2.0 * ((np.arange(64)[:, None] >> np.arange(6)) & 1)
    found = wild(y, d, cluster, rng, more=[z])
    assert found.draws == 64
    x = np.column_stack([np.ones(len(y)), d, z])
    assert found.p_value == pytest.approx(slowly(y, x, cluster, signs))


def test_estimate_and_error_are_those_of_least_squares():
    rng = np.random.default_rng(4)
    y, d, cluster = rows(rng, groups=12, treated=6)
    found = wild(y, d, cluster, rng)
    assert found.estimate == pytest.approx(y[d == 1].mean() - y[d == 0].mean())
    # scores of a difference in means are sums of deviations over the size of the arm
    mean = np.where(d == 1, y[d == 1].mean(), y[d == 0].mean())
    sums = np.bincount(cluster, (y - mean) / 48)
    factor = 12 / 11 * 95 / 94
    assert found.std_error == pytest.approx(np.sqrt(factor * (sums**2).sum()))


def test_the_interval_is_what_is_not_rejected():
    rng = np.random.default_rng(5)
    y, d, cluster = rows(rng, groups=10, treated=5)
    found = wild(y, d, cluster, np.random.default_rng(1), draws=2_000)
    inside = wild(y - (found.high - 1e-4) * d, d, cluster, np.random.default_rng(1), draws=2_000)
    outside = wild(y - (found.high + 1e-4) * d, d, cluster, np.random.default_rng(1), draws=2_000)
    assert inside.p_value > 0.05 >= outside.p_value


def test_its_level_among_eight_parents():
    """No effect, intra-class correlation .3: 300 draws at 5 % reject some .05 to .09, not .29."""
    rng = np.random.default_rng(6)
    wilds = [wild(*rows(rng), rng, draws=256) for _ in range(150)]
    assert np.mean([w.p_value <= 0.05 for w in wilds]) < 0.12


def test_too_few_clusters_and_nothing_of_its_own():
    rng = np.random.default_rng(7)
    y, d, cluster = rows(rng, groups=5, treated=2)
    with pytest.raises(FitError, match="5 clusters are too few"):
        wild(y, d, cluster, rng)
    y, d, cluster = rows(rng)
    with pytest.raises(FitError, match="repeat one another"):
        wild(y, d, cluster, rng, more=[2 * d])
