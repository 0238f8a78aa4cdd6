"""Concordance and AUC: R's figures, all pairs one by one, and edges."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.censoring import follow_up
from kamlib.stats.concordance import auc_at, harrell_concordance, uno_concordance


def test_gbsg_harrell_and_uno(gbsg):
    given = gbsg.line, gbsg.exit, gbsg.event
    # R 4.2.2, survival 3.5-3: concordance(…), timewt = "n/G2"
    assert harrell_concordance(*given)["estimate"].iloc[0] == pytest.approx(0.693336, abs=5e-7)
    whole = uno_concordance(*given, tau=1e9)["estimate"].iloc[0]
    assert whole == pytest.approx(0.666357, abs=5e-7)
    # noted as 0.667749; all pairs one by one give 0.6677479 (next test), whose "47" seems lost there
    at = uno_concordance(*given, tau=1825)["estimate"].iloc[0]
    assert at == pytest.approx(0.6677479, abs=5e-8)
    assert at == pytest.approx(0.667749, abs=2e-6)


def pairs(risk, exit_, event, weight):
    """Return the share of pairs in order, each pair looked at."""
    comes = (exit_[:, None] < exit_) | ((exit_[:, None] == exit_) & (event == 0))
    lead = comes * (weight * event)[:, None]
    right = (risk[:, None] > risk) + 0.5 * (risk[:, None] == risk)
    return (lead * right).sum() / lead.sum()


def test_gbsg_pair_by_pair(gbsg):
    ones = np.ones(len(gbsg.exit))
    given = gbsg.line, gbsg.exit, gbsg.event
    assert harrell_concordance(*given)["estimate"].iloc[0] == pytest.approx(pairs(*given, ones))
    weight = follow_up(gbsg.exit, gbsg.event).uncensored ** -2.0 * (gbsg.exit < 1825)
    found = uno_concordance(*given, tau=1825)["estimate"].iloc[0]
    assert found == pytest.approx(pairs(*given, weight), rel=1e-12)


def test_gbsg_auc(gbsg):
    # riskRegression 2022.11.28; a horizon just behind, see test_brier
    times = np.nextafter(365.0 * np.arange(1, 6), np.inf)
    expected = [0.771686, 0.768231, 0.764583, 0.725273, 0.703090]
    found = auc_at(gbsg.line, gbsg.exit, gbsg.event, times)
    assert found["estimate"].tolist() == pytest.approx(expected, abs=5e-7)
    # chances of a proportional model are in the same order at every time
    by_chance = auc_at(gbsg.chance(times), gbsg.exit, gbsg.event, times)
    assert by_chance["estimate"].tolist() == pytest.approx(expected, abs=5e-7)


def test_tied_auc(survival_folder):
    rows = pd.read_csv(survival_folder / "tie1.csv")
    times = np.nextafter([12.0, 24.0, 36.0], np.inf)
    found = auc_at(rows["lp"], rows["t"], rows["e"], times)["estimate"]
    assert found.tolist() == pytest.approx([0.650282, 0.696100, 0.726985], abs=5e-7)


@pytest.mark.parametrize(
    ("name", "covariates", "time", "event", "expected", "error"),
    [
        ("rossi", ["fin", "age", "race", "wexp", "mar", "paro", "prio"], "week", "arrest",
         0.640329, 0.026658),
        ("lung", ["age", "sex", "ph.ecog"], "time", "status", 0.637135, None),
    ],
)  # fmt: skip
def test_concordance_of_a_fit(request, name, covariates, time, event, expected, error):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines import CoxPHFitter

        rows = request.getfixturevalue(name)[[*covariates, time, event]].dropna()
        line = CoxPHFitter().fit(rows, time, event).predict_log_partial_hazard(rows)
    row = harrell_concordance(line, rows[time], rows[event]).iloc[0]
    assert row["estimate"] == pytest.approx(expected, abs=5e-7)
    assert error is None or row["std_error"] == pytest.approx(error, abs=5e-7)


def sample(seed, n=25):
    rng = np.random.default_rng(seed)
    # ties in time and in risk, and in both
    exit_, event = rng.integers(1, 10, n), rng.integers(0, 2, n)
    exit_[:2], event[:2] = [1, 10], [1, 0]
    return rng.integers(0, 8, n).astype(float), exit_, event


@given(st.integers(0, 300))
def test_all_pairs(seed):
    risk, exit_, event = sample(seed)
    weight = np.ones(25)
    found = harrell_concordance(risk, exit_, event).iloc[0]
    assert found["estimate"] == pytest.approx(pairs(risk, exit_, event, weight))
    # the error is that of an infinitesimal jackknife: how far one account's weight moves the share
    moved = []
    for i in range(25):
        comes = (exit_[:, None] < exit_) | ((exit_[:, None] == exit_) & (event == 0))
        lead = comes * event[:, None] * np.ones((25, 25))
        right = lead * ((risk[:, None] > risk) + 0.5 * (risk[:, None] == risk) - found["estimate"])
        moved.append((right[i].sum() + right[:, i].sum()) / lead.sum())
    assert found["std_error"] == pytest.approx(np.sqrt(np.square(moved).sum()), abs=1e-12)


@given(st.integers(0, 300))
def test_turned_round_risks_and_units(seed):
    risk, exit_, event = sample(seed)
    one = harrell_concordance(risk, exit_, event).iloc[0]
    other = harrell_concordance(-risk, exit_ * 30, event).iloc[0]
    assert one["estimate"] + other["estimate"] == pytest.approx(1)
    assert one["std_error"] == pytest.approx(other["std_error"])
    areas = [auc_at(s * risk, exit_, event, [4])["estimate"].iloc[0] for s in (1, -1)]
    assert sum(areas) == pytest.approx(1)
    order = np.random.default_rng(seed).permutation(25)
    again = uno_concordance(risk[order], exit_[order], event[order], tau=6)
    pd.testing.assert_frame_equal(again, uno_concordance(risk, exit_, event, tau=6))


@given(st.integers(0, 300))
def test_without_censoring(seed):
    risk, exit_, event = sample(seed)
    event[:] = 1
    harrell = harrell_concordance(risk, exit_, event)["estimate"].iloc[0]
    assert uno_concordance(risk, exit_, event, tau=99)["estimate"].iloc[0] == pytest.approx(harrell)
    case, control = risk[exit_ <= 5], risk[exit_ > 5]
    right = (case[:, None] > control) + 0.5 * (case[:, None] == control)
    row = auc_at(risk, exit_, event, [5]).iloc[0]
    assert row["estimate"] == pytest.approx(right.mean())
    # DeLong's error, with the variance divided by the number and not by one less
    each = right.mean(axis=1).var() / len(case) + right.mean(axis=0).var() / len(control)
    assert row["std_error"] == pytest.approx(np.sqrt(each), abs=1e-12)


def test_other_ends_are_controls_of_the_auc_and_refused_by_pairs():
    # the one with the highest risk went bankrupt: it did not leave, and one of two controls is above
    found = auc_at([3, 2, 1], [1, 2, 3], [2, 1, 0], [2])
    assert found["estimate"].tolist() == [0.5]
    with pytest.raises(FitError, match="pairs know one kind of event only"):
        harrell_concordance([3, 2, 1], [1, 2, 3], [2, 1, 0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([], [], []), "there is no row"),
        (([1], [1], [1]), "no two accounts can be compared"),
        (([1, 2], [1, 2], [0, 0]), "no two accounts can be compared"),
        (([1, 2], [3, 3], [1, 1]), "no two accounts can be compared"),
        (([1, np.nan], [1, 2], [1, 0]), "1 risks are unknown"),
        (([1, 2, 3], [1, 2], [1, 0]), r"risk \(3,\), exit \(2,\), event \(2,\)"),
    ],
    ids=["empty", "one row", "all censored", "all tied", "unknown risk", "lengths"],
)
def test_refused(given, message):
    with pytest.raises(FitError, match=message):
        harrell_concordance(*given)


def test_tau_and_horizon_must_be_possible():
    with pytest.raises(FitError, match="tau is 0 and must be above zero"):
        uno_concordance([1, 2], [1, 2], [1, 0], tau=0)
    with pytest.raises(FitError, match="horizon: 9 cannot be judged"):
        auc_at([1, 2], [1, 2], [1, 0], [9])
    with pytest.raises(FitError, match="1 risks are unknown"):
        auc_at([1, np.nan], [1, 2], [1, 0], [1])


def test_auc_is_unknown_without_cases_or_controls():
    found = auc_at([1, 2, 3], [2, 2, 4], [1, 1, 1], [1, 2, 4])
    assert found["estimate"].isna().tolist() == [True, False, True]
    assert found["n_event"].tolist() == [0, 2, 3]


def test_columns_are_in_the_glossary():
    given = [2, 1, 3], [1, 2, 3], [1, 1, 0]
    frames = [harrell_concordance(*given), uno_concordance(*given, tau=3), auc_at(*given, [1])]
    names = {name for frame in frames for name in (*frame, *frame["term"])}
    assert names <= set(glossary.columns())


@pytest.mark.slow
def test_uno_does_not_depend_on_the_censoring_where_harrell_does():
    rng = np.random.default_rng(9)
    line = rng.normal(size=60_000)
    # risks cross: early on the score tells much, later little
    early = rng.exponential(4 * np.exp(-1.5 * line))
    life = np.where(early < 3, early, 3 + rng.exponential(10, line.size))
    whole = uno_concordance(line, life, np.ones(line.size), tau=12)["estimate"].iloc[0]
    limit = rng.exponential(6, line.size)
    seen = np.minimum(life, limit), life <= limit
    uno = uno_concordance(line, *seen, tau=12)["estimate"].iloc[0]
    harrell = harrell_concordance(line, *seen)["estimate"].iloc[0]
    assert abs(uno - whole) < 0.006
    assert harrell - whole > 0.02
