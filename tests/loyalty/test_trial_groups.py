"""For whom an arm works: a planted difference is found, one that is not there mostly is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kamlib.book.layouts import CONTROL
from kamlib.glossary import columns
from kamlib.loyalty.trial_draw import judge
from kamlib.loyalty.trial_groups import by_class
from tests.loyalty.trial_rows import CALL, LETTER, demo, hillstrom, small


def test_the_planted_difference_is_found():
    record = demo()
    found = by_class(record, judge(record))
    rows = found.frame.set_index(["trial_arm", "covariate", "category"])
    # true: 10.50 by phone and 1.50 by web for the catalogue, 9.00 both ways with the call
    for arm, way, true in ((LETTER, "phone", 10.5), (LETTER, "web", 1.5), (CALL, "phone", 9.0),
                           (CALL, "web", 9.0)):  # fmt: skip
        row = rows.loc[(arm, "channel", way)]
        assert row["conf_low"] < true < row["conf_high"], (arm, way)
    assert rows.loc[(LETTER, "channel", "phone"), "p_holm"] < 0.05
    assert rows.loc[(CALL, "channel", "phone"), "p_holm"] > 0.05
    assert found.note.values["note"].key == "trial.classes_differ"
    assert found["n_comparisons"] == 8
    assert set(found.frame) <= set(columns())


def test_classes_that_do_not_differ_are_rarely_told_apart():
    told = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        none, letter = rng.exponential(5.0, 300), rng.exponential(6.0, 300)
        known = {
            "revenue_before": rng.normal(50.0, 9.0, 600), "newcomer": rng.integers(0, 2, 600) * 1.0,
            "months_since_order": rng.integers(1, 13, 600) * 1.0,
            "channel": rng.choice(["web", "phone"], 600),
        }  # fmt: skip
        record = small({CONTROL: none.tolist(), LETTER: letter.tolist()}, **known)
        told += int(by_class(record, judge(record))["n_standing"] > 0)
    # 5 % of 60 is 3; more than 8 by chance with less than 1 in 200
    assert told <= 8


def test_small_classes_are_left_out():
    record = small({CONTROL: [0.0, 2.0] * 20, LETTER: [1.0, 3.0] * 20})
    found = by_class(record, judge(record), least=50)
    assert found.refused
    assert found.note.key == "trial.no_classes"
    some = by_class(record, judge(record), least=10)
    assert (some.frame[["n_arm", "n_other"]] >= 10).all(axis=None)


def test_the_e_mail_test_works_for_nobody_in_particular(data_folder):
    record = hillstrom(data_folder)
    found = by_class(record, judge(record))
    # loyalty.md 4b: not significant after multiplicity
    assert (found["n_comparisons"], found["n_standing"]) == (14, 0)
    assert json.dumps(str(found.note)).count("among so many") == 1
    rows = found.frame.set_index(["trial_arm", "covariate", "category"])["estimate"]
    # bought only women's goods 0.62, of which all that bought no men's goods consist
    assert round(rows[("Mens E-Mail", "bought_mens", "no")], 2) == pytest.approx(0.62)
