from __future__ import annotations

import numpy as np
import pytest

from kamlib.stats import resampling
from kamlib.stats.resampling import MIN_DRAWS, bootstrap_t_share
from kamlib.value.concentration import _curve_statistics


def share_of_ones(values):
    """Share of accounts with a mark, with its standard error."""

    def statistics(weights):
        n = weights.shape[1]
        share = np.sum(weights * values, axis=1, keepdims=True) / n
        return share, np.sqrt(share * (1 - share) / max(n - 1, 1))

    return statistics


def interval(values, *, draws=1000, level=0.95, seed=1):
    return bootstrap_t_share(
        share_of_ones(values), len(values), draws=draws, conf_level=level,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def test_interval_of_a_share_is_near_the_normal_one():
    # 40 of 200: log odds -1.3863 ± 1.96 · 0.1772 gives 0.150 to 0.261
    low, high, made = interval(np.repeat([1.0, 0.0], [40, 160]))
    assert low[0] == pytest.approx(0.150, abs=0.012)
    assert high[0] == pytest.approx(0.261, abs=0.012)
    assert made == 1000


def test_higher_level_is_wider():
    values = np.repeat([1.0, 0.0], [40, 160])
    narrow, wide = interval(values, level=0.8), interval(values, level=0.99)
    assert wide[0] < narrow[0]
    assert wide[1] > narrow[1]


@pytest.mark.parametrize("values", [np.array([1.0]), np.ones(5), np.zeros(5)])
def test_no_interval_where_there_is_none(values):
    low, high, _ = interval(values)
    assert np.isnan([low[0], high[0]]).all()


def test_many_accounts_get_fewer_draws_but_never_less_than_the_least(monkeypatch):
    monkeypatch.setattr(resampling, "_WORK", 500 * 100)
    values = np.resize([1.0, 0.0], 100)
    assert interval(values, draws=5000)[2] == 500
    assert interval(np.resize(values, 10_000), draws=5000)[2] == MIN_DRAWS


def covered(sigma: float, n: int, samples: int, seed: int) -> float:
    """Share of samples whose interval of the Gini coefficient holds the truth."""
    from scipy.special import ndtr

    truth = 2 * ndtr(sigma / np.sqrt(2)) - 1  # Gini of a log-normal
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(samples):
        x = np.sort(np.exp(sigma * rng.standard_normal(n)))[::-1]
        statistics = _curve_statistics(x, 0.2, 0.8)
        low, high, _ = bootstrap_t_share(statistics, n, draws=300, conf_level=0.95, rng=rng)
        hits += low[0] <= truth <= high[0]
    return hits / samples


def test_interval_of_the_gini_holds_the_truth_sampled():
    # 60 samples of a true rate of 0.94: below 0.83 comes once in a thousand
    assert covered(1.0, 300, samples=60, seed=3) >= 0.83


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "n", "least", "most"),
    [(1.0, 300, 0.92, 0.97), (1.0, 30, 0.82, 0.93), (1.6, 300, 0.87, 0.96), (1.6, 30, 0.68, 0.84)],
)
def test_interval_of_the_gini_keeps_what_the_docstring_says(sigma, n, least, most):
    assert least <= covered(sigma, n, samples=1000, seed=4) <= most
