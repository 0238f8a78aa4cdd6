"""Boosted trees: what is planted is found, nothing later is known, and both models stand side by side."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.challenger import (
    BOOSTED,
    MODEL,
    _held_aside,
    boosted_chance,
    challenged,
    learn_boosted,
)
from kamlib.churn.covariates import COVARIATES, MONTH
from kamlib.churn.landmarks import Landmarks
from kamlib.churn.validation import rehearse
from kamlib.churn.worth import account_worth
from kamlib.glossary import Sentence, Style, columns, say

NOW = 2025 * 12


def crossed(n: int, *, seed: int = 1, other: float = 0.0) -> Landmarks:
    """Accounts that leave at 0.08 a month where breadth and monthly contract differ, else at 0.01."""
    rng = np.random.default_rng(seed)
    two = rng.integers(0, 2, (n, 2)).astype(float)
    leave = np.where(two[:, 0] != two[:, 1], 0.08, 0.01)
    life = np.floor(rng.exponential(1 / (leave + other)))
    kind = np.where(rng.random(n) < leave / (leave + other), 1, 2)
    empty = {c.name: None if c.kind == "string" else np.nan for c in COVARIATES}
    frames = []
    for start in range(0, 25, 3):
        there = life >= start
        seen = np.minimum(life[there], 24) - start
        frames.append(
            pd.DataFrame(empty, index=range(int(there.sum()))).assign(
                account_id=np.flatnonzero(there).astype(str), spell_no=1, tenure_years=start / 12,
                breadth=two[there, 0], monthly_contract=two[there, 1], is_apart=0, wait_months=0,
                followed=seen.astype(int), event=np.where(life[there] < 24, kind[there], 0),
                segment=np.where(two[there, 0] == 1, "mining", "farming"),
                **{MONTH: NOW - 24 + start},
            )
        )  # fmt: skip
    living = frames.pop().drop(columns=["followed", "event"])
    rows = pd.concat(frames, ignore_index=True)
    return Landmarks(rows, living, "contracts", date(2024, 12, 31), 3)


@pytest.fixture(scope="module")
def one(study):
    return study("telecom_lines", 0.25, due_months=1)


@pytest.fixture(scope="module")
def tried(one):
    return rehearse(one.landmarks, one.rules)


@pytest.fixture(scope="module")
def worth(one, tried):
    return account_worth(ledger(one.book), tried.day, months=12, discount_rate=0.1)


@pytest.fixture(scope="module")
def both(tried, worth, one):
    return challenged(tried, worth, one.rules, np.random.default_rng(1))


def test_a_joint_effect_is_found():
    found = crossed(3000)
    chance = boosted_chance(learn_boosted(found, horizon=6, seed=1), found.living)
    differ = (found.living["breadth"] != found.living["monthly_contract"]).to_numpy()
    # 1 − exp(−6 · rate)
    assert chance[differ].mean() == pytest.approx(1 - np.exp(-0.48), rel=0.1)
    assert chance[~differ].mean() == pytest.approx(1 - np.exp(-0.06), rel=0.25)


def test_landmarks_of_which_only_losses_are_known_are_not_read():
    """Trees would learn that whoever came so late is lost: of the others nothing is known yet."""
    found = crossed(600)
    learnt = learn_boosted(found, horizon=6, seed=1)
    early = found.rows[found.rows[MONTH] <= NOW - 6]
    assert learnt.n_rows == len(early) < len(found.rows)
    only = learn_boosted(replace(found, rows=early), horizon=6, seed=1)
    np.testing.assert_array_equal(
        boosted_chance(only, found.living), boosted_chance(learnt, found.living)
    )


def test_other_ends_are_known_not_to_be_leaving():
    found = crossed(3000, other=0.08)
    chance = boosted_chance(learn_boosted(found, horizon=6, seed=1), found.living)
    differ = (found.living["breadth"] != found.living["monthly_contract"]).to_numpy()
    # half of the ends at 0.16 a month
    assert chance[differ].mean() == pytest.approx((1 - np.exp(-0.96)) / 2, rel=0.1)


def test_same_seed_same_chances_and_inputs_stay():
    found = crossed(400)
    rows, living = found.rows.copy(), found.living.copy()
    first, again = (
        boosted_chance(learn_boosted(found, horizon=6, seed=7), living) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    pd.testing.assert_frame_equal(found.rows, rows)
    pd.testing.assert_frame_equal(found.living, living)


def test_unknown_numbers_and_new_texts_are_taken():
    found = crossed(400)
    living = found.living.assign(segment="fishing", breadth=np.nan, region=None)
    chance = boosted_chance(learn_boosted(found, horizon=6, seed=1), living)
    assert ((chance > 0) & (chance < 1)).all()


def test_accounts_held_aside_are_a_quarter_of_those_that_left_and_of_the_others():
    lost = np.arange(200) < 40
    aside = _held_aside(lost, seed=3)
    # 160 and 40 in one line, each fourth is taken
    assert aside.sum() == 50
    assert aside[lost].sum() == 10
    # as few as ten losses leave some on either side
    assert 0 < _held_aside(np.arange(37) < 10, seed=1)[:10].sum() < 10


def test_what_leaks_is_not_read():
    found = crossed(400)
    assert "notice_given" not in learn_boosted(found, horizon=6, seed=1).columns
    silent = replace(
        found, definition="own_rhythm",
        rows=found.rows.assign(days_since_last=5.0, revenue_trend=1.0, partial_loss=0.0),
    )  # fmt: skip
    read = learn_boosted(silent, horizon=6, seed=1).columns
    assert not {"days_since_last", "revenue_trend", "partial_loss"} & set(read)


def test_it_knew_nothing_that_came_later(one, tried, worth):
    rows = one.landmarks.rows.copy()
    later = one.landmarks.over - 12
    after = (rows[MONTH] + rows["followed"] >= later) & (rows["event"] > 0)
    changed = rows.assign(
        event=rows["event"].where(~after, 3 - rows["event"].clip(upper=2)),
        satisfaction=rows["satisfaction"].where(rows[MONTH] <= later, 0.0),
    )
    other = rehearse(replace(one.landmarks, rows=changed), one.rules)
    own, theirs = (learn_boosted(t.past, horizon=12, seed=1) for t in (tried, other))
    living = tried.past.living
    np.testing.assert_array_equal(boosted_chance(own, living), boosted_chance(theirs, living))


def test_both_models_side_by_side(both, tried):
    frame = both.frame
    assert set(frame.columns) <= set(columns())
    own = frame[frame["against"].isna()]
    assert set(own["ranking"]) == {MODEL, BOOSTED}
    assert set(own["term"]) == {
        "value_captured",
        "brier",
        "concordance_uno",
        "observed_to_expected",
    }
    assert len(own) == 8
    less = frame[frame["against"] == MODEL].set_index("term")
    plain = own.set_index(["term", "ranking"])["estimate"]
    for term in ("value_captured", "brier"):
        difference = plain[term, BOOSTED] - plain[term, MODEL]
        assert less.loc[term, "estimate"] == pytest.approx(difference)
    assert (
        less.loc["brier", "conf_low"]
        < less.loc["brier", "estimate"]
        < less.loc["brier", "conf_high"]
    )
    for language in ("en", "zh"):
        assert say(both.note, Style(language))
        assert say(both.checks[0].note, Style(language))
    # the model's own figure is that of the rehearsal
    rows, chance = tried.accounts, tried.chances[:, -1]
    left = ((rows["event"] == 1) & (rows["left_months"] <= 12)).to_numpy()
    assert plain["brier", MODEL] == pytest.approx(np.mean((left - chance) ** 2), rel=0.01)


def test_where_nothing_of_worth_was_lost_the_errors_are_told(tried, worth, one):
    rules = one.rules.model_copy(update={"draws": 200})
    found = challenged(tried, worth.assign(value=0.0), rules, np.random.default_rng(1))
    assert "value_captured" not in set(found.frame["term"])
    assert found.note.key == "churn_challenger.errors"
    assert say(found.note)
    assert say(found.note, Style("zh"))


def test_where_trees_are_surely_nearer_the_check_says_so():
    """A joint effect that the model of the report does not hold."""
    from kamlib.params import ChurnParams

    found = crossed(3000)
    # the day of the rehearsal needs a year before it, and six months to learn from
    rules = ChurnParams(penalty=1.0, horizons=(6,))
    tried = rehearse(found, rules)
    worth = (
        found.rows[["account_id"]]
        .drop_duplicates()
        .assign(value=1.0, revenue=1.0, revenue_drop=0.0)
    )
    found = challenged(tried, worth, rules, np.random.default_rng(1))
    assert found.checks[0].passed is False
    assert "nearer to what happened" in say(found.checks[0].note)
    order = found.frame[found.frame["term"] == "concordance_uno"].set_index("ranking")["estimate"]
    assert order[BOOSTED] > order[MODEL] + 0.1


def test_refused_rehearsal_is_passed_on_and_short_records_are_refused(one, tried, worth):
    rng = np.random.default_rng(1)
    why = Sentence("churn_validation.too_far", {"months": 18})
    assert challenged(why, worth, one.rules, rng).note.key == "churn_validation.too_far"
    rows = tried.past.rows
    late = rows[rows[MONTH] > tried.past.over - 12]
    short = replace(tried, past=replace(tried.past, rows=late))
    found = challenged(short, worth, one.rules, rng)
    assert found.note.key == "churn_challenger.too_few"
    assert "0 of these were known to have left" in say(found.note)
    assert "至少需要 10 个" in say(found.note, Style("zh"))


def test_who_does_not_ask_for_trees_does_not_wait_for_their_import():
    code = "import sys, kamlib.churn.challenger; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
