"""What is read from comparisons that were judged: the best of them, shares, and what stays unsaid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.glossary import Sentence, Style, say
from kamlib.loyalty import judged
from kamlib.results import Estimate, one_row
from tests.loyalty.effect_rows import finding, judged_by_hand  # type: ignore[import-not-found]


def by_lot(found, **more):
    return judged_by_hand("level 1 by lot", 1, found, assigned_on=36, **more)


def test_the_highest_grade_counts_and_the_first_of_several():
    every = [
        judged_by_hand("whole programme", 0, finding(grade, 0.1)) for grade in ("R", "C", "B", "B")
    ]
    assert judged.best_of(tuple(every)) is every[2]
    assert judged.best_of(tuple(every[:1])) is every[0]
    assert judged.best_of(()) is None


def test_changes_of_logarithms_are_told_as_shares():
    assert judged.in_percent(finding("A", 0.25, 0.0)) == (0.25, 0.25, 0.25)
    # e^0.25 − 1
    assert judged.in_percent(finding("B", 0.25, term="att_log"))[0] == pytest.approx(0.2840254)
    assert np.isnan(judged.in_percent(finding("D", 0.25))).all()


def test_who_took_part_because_of_the_lot():
    assert judged.took_part(judged_by_hand("whole programme", 0, finding("C", 0.1)).comparison) == 1
    # of two that were drawn one joined, and of one that was not none did; then the other way round
    one = by_lot(finding("A", 0.1), joined=(True, False, False)).comparison
    assert judged.took_part(one) == 0.5
    other = by_lot(finding("A", 0.1), joined=(True, False, True)).comparison
    assert judged.took_part(other) == -0.5


def test_members_are_who_joined_or_was_drawn():
    chosen = judged_by_hand("whole programme", 0, finding("C", 0.1), joined=(True, False, False))
    assert judged.with_it(chosen.comparison)["unit"].tolist() == ["x"]
    assert judged.usual_of_members(chosen.comparison) == 800.0
    drawn = by_lot(finding("A", 0.1), joined=(True, False, False)).comparison
    assert judged.with_it(drawn)["unit"].tolist() == ["x", "y"]
    assert judged.usual_of_members(drawn) == 1000.0
    nobody = judged_by_hand("whole programme", 0, finding("R", 0.1), joined=(False, False, False))
    assert np.isnan(judged.usual_of_members(nobody.comparison))


@pytest.mark.parametrize(
    ("grade", "value", "joined", "expected"),
    [
        # 1 ÷ (1 + 0.25), and twice the effect where half took part
        ("A", 0.25, (True, True, False), 0.8),
        ("A", 0.25, (True, False, False), 1 / 1.5),
        ("A", -0.25, (True, True, False), 1.0),
        ("D", 0.25, (True, True, False), None),
        ("A", 0.25, (False, False, False), None),
    ],
)
def test_purchases_that_would_have_been_made_anyway(grade, value, joined, expected):
    found = {"contribution": finding("A", 9.0), "revenue": finding(grade, value)}
    share = judged.baseline_share(by_lot(found, joined=joined))
    assert share == (None if expected is None else pytest.approx(expected))


def test_without_revenue_or_a_comparison_nothing_is_said_of_rewards():
    assert judged.baseline_share(None) is None
    assert judged.baseline_share(by_lot(finding("A", 0.1))) is None
    assert judged.conditions(None) == ()


def staying(grade, value, error, months=24.0):
    """Return a finding on months stayed with the share still there after so many months."""
    row = {"estimate": value, "std_error": error}
    note = Sentence("loyalty_ladder.naive_stay", {"horizon": months})
    share = Estimate("share_retained", pd.DataFrame([row]), one_row(3, "by hand"), note)
    return {
        "contribution": finding("R", 0.0),
        "months_stayed": finding(grade, 2.0, beside=(share,)),
    }


def test_a_year_of_what_the_programme_keeps():
    every = (
        judged_by_hand("whole programme", 0, staying("C", 0.30, 0.1)),
        by_lot(staying("A", 0.10, 0.04), joined=(True, False, False)),
        by_lot(staying("A", 0.90, 0.04)),
    )
    found = judged.retention_rise(every)
    # the first of grade A: 0.10 over two years, of those half of whom took part
    assert (found.value, found.error) == pytest.approx((0.10, 0.04))
    assert judged.retention_rise(every[:1]).value == pytest.approx(0.15)


def test_where_nothing_is_known_of_staying_no_rise_is_told():
    assert judged.retention_rise(()) is None
    assert (
        judged.retention_rise((judged_by_hand("whole programme", 0, staying("D", 0.3, 0.1)),))
        is None
    )
    nobody = by_lot(staying("A", 0.3, 0.1), joined=(False, False, False))
    assert judged.retention_rise((nobody,)) is None
    alone = {"contribution": finding("A", 0.1), "months_stayed": finding("A", 2.0)}
    assert judged.retention_rise((by_lot(alone),)) is None


@pytest.mark.parametrize("grade", ["A", "D"])
def test_a_finding_is_told_with_its_comparison_and_who_was_left_out(grade):
    found = judged.told(by_lot(finding(grade, 0.1)))
    assert found.name == "finding_level_1_by_lot"
    assert set(found.frame.columns) <= set(glossary.columns())
    assert found.frame["evidence_grade"].tolist() == (["A", "D"] if grade == "A" else ["D"])
    told = say(found.note, Style("en"))
    assert told.startswith("level 1 by lot. Evidence")
    assert told.endswith("or bought nothing in that year: 4.")
    assert "证据" in say(found.note, Style("zh"))
