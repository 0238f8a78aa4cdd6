"""The Brier score with censoring: R's figures, ties, and edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.brier import brier_score, integrated_brier
from kamlib.stats.censoring import follow_up

# R counts an account that is censored at the very horizon as unknown, kamlib as there (see known_by):
# a horizon just behind it is R's convention, and gives R's digits
behind = np.nextafter
LATER = np.inf


def test_gbsg(gbsg):
    # riskRegression 2022.11.28, Score(…, cens.model = "km") at 1 to 5 years of 365 days
    times = behind(365.0 * np.arange(1, 6), LATER)
    score = brier_score(gbsg.chance(times), gbsg.exit, gbsg.event, times)
    expected = [0.101560, 0.185956, 0.189738, 0.215361, 0.222251]
    null = [0.097185, 0.206379, 0.232238, 0.249028, 0.248497]
    assert score["estimate"].tolist() == pytest.approx(expected, abs=5e-7)
    assert score["brier_null"].tolist() == pytest.approx(null, abs=5e-7)
    scaled = 1 - np.array(expected) / null
    assert score["brier_scaled"].tolist() == pytest.approx(scaled, abs=1e-5)
    # its integral is by the left ends of five years, ours by trapezia: both from the same scores
    five = [score[name].shift(fill_value=0.0).mean() for name in ("estimate", "brier_null")]
    assert five == pytest.approx([0.138523, 0.156966], abs=5e-7)
    ours = integrated_brier(score).iloc[0]
    assert ours["estimate"] == pytest.approx(five[0] + expected[-1] / 10, abs=1e-6)


def test_gbsg_at_the_horizon_itself(gbsg):
    # one of 352 is censored at three years: known to be there, it counts here
    score = brier_score(gbsg.chance([1095.0]), gbsg.exit, gbsg.event, [1095.0])
    assert score["estimate"].iloc[0] == pytest.approx(0.193076, abs=5e-7)


# riskRegression, surpyval 0.25 and hand-written weights agree on these to all digits
TIED = {
    1: [0.164515, 0.220131, 0.206900],
    3: [0.163590, 0.220104, 0.208153],
    6: [0.162453, 0.220467, 0.210253],
}


@pytest.mark.parametrize("months", TIED)
def test_tied_times(survival_folder, months):
    rows = pd.read_csv(survival_folder / f"tie{months}.csv")
    times = np.array([12, 24, 36]) / months
    given = rows[["p0", "p1", "p2"]], rows["t"], rows["e"]
    reference = brier_score(*given, behind(times, LATER))
    assert reference["estimate"].tolist() == pytest.approx(TIED[months], abs=5e-7)
    # at the horizon itself the score is the same figure from more accounts, without a drift by ties
    ours = brier_score(*given, times)
    assert (ours["estimate"] / reference["estimate"]).tolist() == pytest.approx(
        [1, 1, 1], abs=0.007
    )


def test_the_weight_after_the_event_drifts_with_ties(survival_folder):
    """scikit-survival 0.28 reads G(t) where events need G(t−): 1, 3 and 7 % too high at 24 months."""
    wrong = {1: 0.222327, 3: 0.227335, 6: 0.236822}
    for months, expected in wrong.items():
        rows = pd.read_csv(survival_folder / f"tie{months}.csv")
        seen, time = follow_up(rows["t"], rows["e"]), 24 / months
        after = seen.lasts(behind(np.minimum(seen.exit, time), LATER))
        known = (seen.exit > time) | (seen.event == 1)
        loss = (((seen.exit <= time) - rows["p1"]) ** 2)[known] / after[known]
        assert loss.sum() / len(rows) == pytest.approx(expected, abs=5e-7)
        assert expected / TIED[months][1] > 1 + 0.009 * months


@given(st.integers(0, 200))
def test_without_censoring_it_is_the_mean_square(seed):
    rng = np.random.default_rng(seed)
    exit_, chance = rng.integers(1, 9, 30), rng.random(30)
    row = brier_score(chance, exit_, np.ones(30), [4]).iloc[0]
    loss = ((exit_ <= 4) - chance) ** 2
    assert row["estimate"] == pytest.approx(loss.mean())
    assert row["std_error"] == pytest.approx(loss.std(ddof=1) / np.sqrt(30))


@given(st.integers(0, 200))
def test_order_and_unit_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    exit_, event, chance = rng.integers(3, 9, 30), rng.choice([0, 1, 2], 30), rng.random(30)
    exit_[0] = 9
    order = rng.permutation(30)
    one = brier_score(chance, exit_, event, [3, 5])
    other = brier_score(chance[order], exit_[order] * 7, event[order], [21, 35])
    pd.testing.assert_frame_equal(one.drop(columns="time"), other.drop(columns="time"))


def test_the_base_rate_has_no_skill_and_perfection_has_all():
    exit_, event = [1, 2, 3, 4], [1, 1, 0, 0]
    assert brier_score([0.5] * 4, exit_, event, [2])["brier_scaled"].tolist() == [0.0]
    assert brier_score([1, 1, 0, 0], exit_, event, [2])["brier_scaled"].tolist() == [1.0]
    given = brier_score([0.5] * 4, exit_, event, [2], base_rate=0.25)
    # (2 · 0.5625 + 2 · 0.0625) ÷ 4
    assert given["brier_null"].tolist() == [0.3125]


def test_all_censored_and_one_row():
    row = brier_score([0.2], [5], [0], [3]).iloc[0]
    assert row["estimate"] == pytest.approx(0.04)
    assert np.isnan([row["std_error"], row["conf_low"], row["brier_scaled"]]).all()


def test_horizon_beyond_follow_up():
    with pytest.raises(FitError, match="horizon: 9 cannot be judged"):
        brier_score([0.2, 0.1], [5, 6], [0, 0], [3, 9])


def test_integral_needs_rising_times():
    score = brier_score([0.2, 0.1], [5, 6], [0, 1], [3, 5])
    # trapezia of 0, 0.025 to 3 and 0.025, 0.025 to 5: (0.0375 + 0.05) ÷ 5
    assert integrated_brier(score)["estimate"].iloc[0] == pytest.approx(0.0175)
    for wrong in (score.iloc[:1], score.iloc[::-1]):
        with pytest.raises(FitError, match="expected two or more that rise"):
            integrated_brier(wrong)
    names = {*score, *integrated_brier(score), "brier", "brier_integrated"}
    assert names <= set(glossary.columns())


@pytest.mark.slow
def test_the_score_is_that_of_the_uncensored():
    """Half are censored in ties of a quarter; the mean over samples is that of whole lives."""
    rng = np.random.default_rng(2)
    seen, whole = [], []
    for _ in range(300):
        line = rng.normal(size=400)
        life = np.ceil(rng.exponential(10 * np.exp(-line)))
        limit = np.ceil(rng.uniform(0, 16, 400))
        chance = -np.expm1(-8 / 10 * np.exp(line))
        row = brier_score(chance, np.minimum(life, limit), life <= limit, [8]).iloc[0]
        seen.append(row["estimate"])
        whole.append(np.mean(((life <= 8) - chance) ** 2))
    assert np.mean(seen) == pytest.approx(np.mean(whole), abs=3 * np.std(seen) / np.sqrt(300))
