"""Net benefit: by hand, with censoring, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.kaplan_meier import at_times, kaplan_meier
from kamlib.stats.net_benefit import net_benefit


@given(st.integers(0, 200), st.floats(0.05, 0.9))
def test_without_censoring_it_is_counted(seed, threshold):
    rng = np.random.default_rng(seed)
    chance, exit_, event = rng.random(50), rng.integers(1, 9, 50), rng.choice([1, 2], 50)
    happened, flagged = (exit_ <= 4) & (event == 1), chance >= threshold
    odds = threshold / (1 - threshold)
    row = net_benefit(chance, exit_, event, [threshold], horizon=4).iloc[0]
    worth = np.where(happened, 1, -odds)
    assert row["estimate"] == pytest.approx((worth * flagged).sum() / 50, abs=1e-12)
    assert row["treat_all"] == pytest.approx(worth.mean())
    assert row["n_flagged"] == flagged.sum()
    # and its error is that of a mean
    if 0 < happened[flagged].sum() < flagged.sum():
        assert row["std_error"] == pytest.approx((worth * flagged).std() / np.sqrt(50), abs=1e-9)


def test_kaplan_meier_stands_in_the_flagged_group(gbsg):
    chance = gbsg.chance([1095.0])[:, 0]
    row = net_benefit(chance, gbsg.exit, gbsg.event, [0.3], horizon=1095).iloc[0]
    flagged = chance >= 0.3
    curve = kaplan_meier(gbsg.exit[flagged], gbsg.event[flagged])
    lost = 1 - at_times(curve, [1095])["estimate"].iloc[0]
    share = flagged.mean()
    assert row["observed"] == pytest.approx(lost)
    assert row["estimate"] == pytest.approx(share * lost - share * (1 - lost) * 0.3 / 0.7)
    # between acting on none and on all, the model is worth something
    assert row["conf_low"] > max(0, row["treat_all"])


def test_nobody_flagged_gains_nothing():
    row = net_benefit([0.1, 0.2], [1, 3], [1, 0], [0.5], horizon=2).iloc[0]
    assert row[["n_flagged", "estimate", "std_error"]].tolist() == [0, 0.0, 0.0]
    assert np.isnan(row["observed"])


def test_a_chance_at_the_threshold_is_flagged():
    assert net_benefit([0.5, 0.2], [1, 3], [1, 0], [0.5], horizon=2)["n_flagged"].tolist() == [1]


def test_flagged_accounts_that_were_not_followed_so_far():
    row = net_benefit([0.9, 0.2], [1, 3], [0, 0], [0.5], horizon=2).iloc[0]
    assert np.isnan([row["estimate"], row["conf_low"]]).all()


def test_faults_and_columns():
    with pytest.raises(FitError, match=r"found \[0.0, 1.0\]"):
        net_benefit([0.9], [3], [0], [0, 0.5, 1], horizon=2)
    with pytest.raises(FitError, match="horizon: 9 cannot be judged"):
        net_benefit([0.9], [3], [0], [0.5], horizon=9)
    found = net_benefit([0.9], [3], [0], [0.5], horizon=2)
    assert {*found, "net_benefit"} <= set(glossary.columns())


@pytest.mark.slow
def test_intervals_hold_the_truth():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(500):
        chance = rng.beta(2, 5, 400)
        life = rng.exponential(-12 / np.log1p(-chance))
        limit = rng.uniform(6, 30, 400)
        found = net_benefit(chance, np.minimum(life, limit), life <= limit, [0.3], horizon=12)
        # chances are right: the worth of flagging is their mean above the threshold
        truth = 0.0
        grid = (np.arange(4000) + 0.5) / 4000
        weight = grid * (1 - grid) ** 4
        truth = np.sum(weight * (grid >= 0.3) * (grid - (1 - grid) * 3 / 7)) / weight.sum()
        hits += found["conf_low"].iloc[0] <= truth <= found["conf_high"].iloc[0]
    assert 0.93 <= hits / 500 <= 0.97
