"""Concordance against the count of pairs, with late entry, strata, weights and equal scores."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.stats.concordance import harrell_concordance
from kamlib.stats.cox_concordance import concordance
from kamlib.stats.cox_data import cox_data


def pairs(data, score):
    """Pairs in order (equal scores a half), and all, by loops over events."""
    weight = np.ones(data.n_obs) if data.weight is None else data.weight
    right = every = 0.0
    for i in np.flatnonzero(data.event):
        time = data.exit[i]
        later = (data.exit > time) | ((data.exit == time) & ~data.event)
        there = later & (data.entry < time) & (data.stratum == data.stratum[i])
        better = (score < score[i]) + (score == score[i]) / 2
        right += weight[i] * (weight * better)[there].sum()
        every += weight[i] * weight[there].sum()
    return right, every


@st.composite
def samples(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(1, 40))
    entry = rng.integers(0, 5, n).astype(float)
    choices = {
        "entry": entry, "strata": rng.integers(0, 3, n), "weight": rng.integers(1, 4, n) / 2,
    }  # fmt: skip
    more = {name: values for name, values in choices.items() if draw(st.booleans())}
    data = cox_data(
        np.empty((n, 0)), entry + rng.integers(1, 5, n), rng.random(n) < 0.5, names=[], **more
    )
    return data, rng.integers(0, 6, n).astype(float)


@given(samples())
def test_share_of_pairs_and_its_jackknife(sample):
    data, score = sample
    found = concordance(data, score)
    right, every = pairs(data, score)
    assert found.n_pairs == pytest.approx(every)
    assert found.value == pytest.approx(right / every if every else 0.5)
    # the infinitesimal jackknife is the derivative by each row's weight
    weight = np.ones(data.n_obs) if data.weight is None else data.weight
    moved = []
    for row in range(data.n_obs if every else 0):
        more = weight * (1 + 1e-6 * (np.arange(data.n_obs) == row))
        up, total = pairs(dataclasses.replace(data, weight=more), score)
        moved.append((up / total - right / every) / 1e-6)
    assert found.std_error == pytest.approx(np.sqrt(np.sum(np.square(moved))), abs=1e-4)


def test_rows_of_a_cluster_move_together():
    rng = np.random.default_rng(1)
    x, exit_, event = rng.normal(size=60), rng.integers(1, 20, 60), rng.random(60) < 0.6
    once = concordance(cox_data(np.empty((60, 0)), exit_, event, names=[]), x)
    twice = np.r_[np.arange(60), np.arange(60)]
    data = cox_data(np.empty((120, 0)), exit_[twice], event[twice], names=[])
    again = concordance(data, x[twice], cluster=twice)
    # each pair stands four times, and errors are those of sixty
    assert again.value == pytest.approx(once.value)
    assert again.n_pairs == pytest.approx(4 * once.n_pairs)
    assert again.std_error == pytest.approx(once.std_error)


def test_the_same_as_harrells_where_all_are_seen_from_the_start():
    rng = np.random.default_rng(2)
    score, exit_, event = rng.normal(size=80), rng.integers(1, 20, 80), rng.random(80) < 0.6
    found = concordance(cox_data(np.empty((80, 0)), exit_, event, names=[]), score)
    other = harrell_concordance(score, exit_, event).iloc[0]
    assert found.value == pytest.approx(other["estimate"])
    assert found.std_error == pytest.approx(other["std_error"])


def test_account_months_with_scores_that_change():
    # the one lost in month 2 had the higher score then, not before
    data = cox_data(np.empty((4, 0)), [1, 2, 1, 2], [0, 1, 0, 0], names=[], entry=[0, 1, 0, 1])
    assert concordance(data, [1, 5, 4, 3]).value == 1.0
    assert concordance(data, [5, 1, 4, 3]).value == 0.0


def test_nothing_to_compare():
    data = cox_data(np.empty((3, 0)), [1, 2, 3], [0, 0, 1], names=[])
    found = concordance(data, [1, 2, 3])
    assert (found.value, found.std_error, found.n_pairs) == (0.5, 0, 0)


@pytest.mark.parametrize("wrong", [[1, 2], [1, 2, np.nan]])
def test_scores_that_cannot_be_compared(wrong):
    data = cox_data(np.empty((3, 0)), [1, 2, 3], [0, 0, 1], names=[])
    with pytest.raises(FitError, match="give 3 numbers"):
        concordance(data, wrong)
