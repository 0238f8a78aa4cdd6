"""Scores of clusters against the definition of a score residual, written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_likelihood import likelihood
from kamlib.stats.cox_robust import cluster_codes, cluster_scores


def residuals(data, found, beta, ties):
    """Weighted score residuals by loops (Therneau and Grambsch, 2000, section 4.6)."""
    weight = np.ones(data.n_obs) if data.weight is None else data.weight
    x = data.covariates / found.scale
    risk = np.exp(x @ beta - (x @ beta).mean())
    total = np.zeros(x.shape)
    for stratum in range(len(data.strata)):
        mine = (data.stratum == stratum) & (weight > 0)
        for time in np.unique(data.exit[mine & data.event]):
            there = mine & (data.entry < time) & (data.exit >= time)
            ends = mine & data.event & (data.exit == time)
            d, mean_weight = ends.sum(), weight[ends].mean()
            for k in range(d):
                share = k / d if ties == "efron" else 0.0
                left = (weight * risk) * (there - share * ends)
                mean = left @ x / left.sum()
                total[ends] += weight[ends, None] * (x[ends] - mean) / d
                hazard = mean_weight / left.sum()
                total -= left[:, None] * hazard * (x - mean)
    return total


@st.composite
def samples(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(2, 50))
    entry = rng.integers(0, 6, n).astype(float)
    choices = {
        "entry": entry, "strata": rng.integers(0, 3, n), "weight": rng.integers(0, 4, n) / 2,
    }  # fmt: skip
    more = {name: values for name, values in choices.items() if draw(st.booleans())}
    x = rng.normal(size=(n, 2)) * [1.0, 10.0] + [5.0, 0.0]
    exit_ = entry + rng.integers(1, 5, n)
    data = cox_data(x, exit_, rng.random(n) < 0.5, names=["a", "b"], **more)
    return data, rng.integers(0, 7, n)


@given(samples(), st.sampled_from(["efron", "breslow"]))
def test_scores_are_those_of_the_definition(sample, ties):
    data, cluster = sample
    found, beta = likelihood(data, ties), np.array([0.4, -0.3])
    point = found.point(beta)
    code, n = cluster_codes(data, cluster)
    scores = cluster_scores(found, point, code, n)
    expected = np.zeros((n, 2))
    np.add.at(expected, code, residuals(data, found, beta, ties))
    assert scores == pytest.approx(expected, abs=1e-9)
    assert scores.sum(axis=0) == pytest.approx(found.score(point), abs=1e-9)


def small(seed=3, n=200):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    time = np.ceil(10 * rng.exponential(np.exp(-x[:, 0])))
    return cox_data(x, np.minimum(time, 20), time <= 20, names=["a", "b"]), rng


def test_pieces_of_a_row_in_one_cluster_change_nothing():
    data, _ = small()
    whole = fit_cox(data, cluster=np.arange(200))
    # each row cut at time 5 where it is longer
    long = data.exit > 5
    order = np.r_[np.arange(200), np.flatnonzero(long)]
    exit_ = np.r_[np.where(long, 5.0, data.exit), data.exit[long]]
    event = np.r_[data.event & ~long, data.event[long]]
    entry = np.r_[np.full(200, -np.inf), np.full(long.sum(), 5.0)]
    cut = cox_data(data.covariates[order], exit_, event, names=["a", "b"], entry=entry)
    pieces = fit_cox(cut, cluster=order)
    assert pieces.coefficients == pytest.approx(whole.coefficients, abs=1e-10)
    assert pieces.covariance == pytest.approx(whole.covariance, abs=1e-12)
    # as if each piece were independent, errors differ
    assert fit_cox(cut, cluster=np.arange(len(order))).covariance != pytest.approx(whole.covariance)


def test_neither_names_nor_order_of_clusters_matter():
    data, rng = small()
    cluster = rng.integers(0, 30, 200)
    first = fit_cox(data, cluster=cluster)
    again = fit_cox(data, cluster=np.array([f"account {100 - c}" for c in cluster]))
    assert again.covariance == pytest.approx(first.covariance, rel=1e-12)
    assert first.n_clusters == again.n_clusters == len(np.unique(cluster))


def test_clusters_must_fit_the_rows():
    data, _ = small()
    with pytest.raises(FitError, match="one per row"):
        fit_cox(data, cluster=[1, 2, 3])
    with pytest.raises(FitError, match="missing in 1 of 200"):
        fit_cox(data, cluster=[None, *range(199)])
