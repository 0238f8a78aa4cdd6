"""What each arm changed: published figures by way of the adapter, the demo's truth, and edges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kamlib.book.layouts import CONTROL
from kamlib.book.simulate.mailing import true_effect
from kamlib.glossary import columns
from kamlib.loyalty.trial_draw import judge
from kamlib.loyalty.trial_results import (
    CUPED,
    LIN,
    PLAIN,
    between_arms,
    effects,
    holm,
    on_shares,
)
from tests.loyalty.trial_rows import CALL, LETTER, demo, hillstrom, small

REFERENCE = Path(__file__).parent / "effects" / "effects_reference.json"
NAMES = {"revenue_after": "spend", "visited": "visit", "bought": "conversion"}
WAYS = {PLAIN: "difference", LIN: "lin", CUPED: "cuped"}


def found_in(record, seed=1):
    return effects(record, judge(record), rng=np.random.default_rng(seed))


def test_the_e_mail_test_as_published(data_folder):
    expected = json.loads(REFERENCE.read_text("utf-8"))["hillstrom"]["effects"]
    record = hillstrom(data_folder)
    found = found_in(record)
    assert len(found.frame) == 2 * 3 * 3
    # conversion by the women's e-mail was not published
    known = found.frame[
        (found.frame["trial_arm"] == "Mens E-Mail") | (found.frame["term"] != "bought")
    ]
    assert len(known) == 15
    for row in known.itertuples():
        told = expected[f"{row.trial_arm.split()[0]} {NAMES[row.term]}"][WAYS[row.estimator]]
        got = [row.estimate, row.error_each][: len(told)]
        assert got == pytest.approx(told, abs=5.1e-7), (row.trial_arm, row.term, row.estimator)
    plain = found.frame[found.frame["estimator"] == PLAIN].set_index(["trial_arm", "term"])
    assert plain["estimate"][("Mens E-Mail", "revenue_after")] == pytest.approx(0.769827, abs=5e-7)
    assert plain["estimate"][("Womens E-Mail", "revenue_after")] == pytest.approx(
        0.424412, abs=5e-7
    )
    assert set(plain["evidence_grade"]) == {"A"}
    assert (found["n_comparisons"], found["n_standing"]) == (6, 6)
    # the past foretells nothing here: R² of spend is 0.0015
    assert found.checks[0].passed
    assert found.checks[0].note.values["ratio"] == pytest.approx(1.0, abs=0.001)
    two = between_arms(record, judge(record), rng=np.random.default_rng(1)).frame.iloc[0]
    assert (two["trial_arm"], two["other_arm"]) == ("Mens E-Mail", "Womens E-Mail")
    # the difference of the two published effects: 0.769827 − 0.424412
    assert two["estimate"] == pytest.approx(0.345415, abs=1e-6)


def test_the_demo_holds_its_truth():
    found = found_in(demo()).frame
    rows = found[found["term"] == "revenue_after"]
    assert len(rows) == 6
    for row in rows.itertuples():
        assert row.conf_low < true_effect(row.trial_arm) < row.conf_high, row.estimator


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    hits = {(arm, way): 0 for arm in (LETTER, CALL) for way in WAYS}
    draws = 400
    for seed in range(draws):
        frame = found_in(demo(n=1500, seed=1000 + seed)).frame
        for row in frame[frame["term"] == "revenue_after"].itertuples():
            inside = row.conf_low < true_effect(row.trial_arm) < row.conf_high
            hits[row.trial_arm, row.estimator] += inside
    # three binomial errors of 0.95 over 400 draws: 0.033
    assert all(abs(hit / draws - 0.95) <= 0.033 for hit in hits.values()), hits


def test_intervals_hold_the_truth_in_a_sample_of_draws():
    hit = 0
    for seed in range(40):
        frame = found_in(demo(n=1500, seed=seed)).frame.iloc[0]
        hit += frame["conf_low"] < true_effect(LETTER) < frame["conf_high"]
    # of 40 at 0.95 fewer than 33 with less than 1 in 500
    assert hit >= 33


def test_small_arms_are_judged_by_draws_made_anew():
    few = {CONTROL: [0.0, 1.0, 2.0, 3.0] * 3, LETTER: [5.0, 6.0, 7.0, 8.0] * 3}
    record = small(few)
    first, again = (found_in(record, seed=5).frame for _ in range(2))
    row = first[first["estimator"] == PLAIN].iloc[0]
    assert row["estimate"] == 5.0
    # 24 customers, every one of an arm above all of the other: none of 4,999 draws comes as far
    assert row["p_value"] == pytest.approx(1 / 5000)
    assert first.equals(again)


def test_arms_are_compared_with_one_another():
    many = {CONTROL: [0.0, 2.0] * 60, LETTER: [1.0, 3.0] * 60, CALL: [4.0, 6.0] * 60}
    record = small(many)
    found = between_arms(record, judge(record), rng=np.random.default_rng(1))
    # the one that brought more stands first, whatever the order on record: 5 − 2
    row = found.frame.iloc[0]
    assert (row["trial_arm"], row["other_arm"], row["estimate"]) == (CALL, LETTER, 3.0)
    assert found.note.values["note"].key == "trial.arms_differ"
    lone = small({CONTROL: [0.0, 2.0] * 60, LETTER: [1.0, 3.0] * 60})
    found = between_arms(lone, judge(lone), rng=np.random.default_rng(1))
    assert found.refused
    assert found.checks[0].passed is True


def test_what_does_not_vary_is_not_compared():
    record = small({CONTROL: [0.0] * 120, LETTER: [0.0] * 120})
    found = found_in(record)
    assert found.refused
    assert found.note.key == "effect.no_spread"
    assert on_shares(record, found).refused


def test_shares_are_told_in_points():
    record = small({CONTROL: [0.0] * 90 + [1.0] * 30, LETTER: [0.0] * 60 + [1.0] * 60})
    found = on_shares(record, found_in(record))
    # 60 of 120 less 30 of 120
    assert found.frame["estimate"].tolist() == [0.25]
    assert "“Bought” by 25.0 percentage points" in str(found.note)


def test_holm_allows_for_what_was_looked_at():
    # by hand: 4 · 0.01, then 3 · 0.02, then 2 · 0.03, then 0.5
    assert holm([0.5, 0.02, 0.01, 0.03]) == pytest.approx([0.5, 0.06, 0.04, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([0.2]).tolist() == [0.2]


def test_every_column_is_in_the_glossary():
    record = demo(n=900)
    draw = judge(record)
    rng = np.random.default_rng(1)
    for one in (effects(record, draw, rng=rng), between_arms(record, draw, rng=rng)):
        assert set(one.frame) <= set(columns())
