"""What a finding tells: its grade on every number, the naive figures beside, and why not more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.glossary import Style, columns, headings, say
from kamlib.loyalty.ladder.grades import claims_effect, is_higher, lower, meaning
from kamlib.loyalty.ladder.ladder import climb
from tests.loyalty import worlds  # type: ignore[import-not-found]


@pytest.fixture(scope="module")
def findings():
    makers = {
        "A": worlds.rct,
        "B": worlds.staggered,
        "C": worlds.select,
        "D": worlds.hidden,
        "R": worlds.tiny,
    }
    seeds = {"A": 1, "B": 0, "C": 0, "D": 0, "R": 0}
    return {
        grade: climb(worlds.records(make(seeds[grade])), rng=np.random.default_rng(1), draws=0)
        for grade, make in makers.items()
    }


@pytest.mark.parametrize("grade", ["A", "B", "C", "D", "R"])
def test_the_grade_stands_on_every_number_and_sentence(findings, grade):
    found = findings[grade]
    assert found.grade == grade
    assert say(found.note, Style("en")).startswith(f"Evidence {grade}.")
    assert say(found.note, Style("zh")).startswith(f"证据等级 {grade}。")
    assert found.frame["evidence_grade"].isin([grade, "D"]).all()
    assert (found.frame["evidence_grade"] == grade).any() or grade == "R"


@pytest.mark.parametrize("grade", ["A", "B", "C", "D"])
def test_naive_figures_are_of_grade_d_and_told_with_their_bias(findings, grade):
    frame = findings[grade].frame
    naive = frame[frame["estimator"].str.contains("naive")]
    assert (naive["evidence_grade"] == "D").all()
    assert "before anybody had joined" in str(findings[grade].naive.note)


def test_no_effect_is_told_at_d_and_r(findings):
    for grade in ("D", "R"):
        assert findings[grade].answer is None
        assert findings[grade].refusals
    told = findings["D"].frame["estimator"]
    assert told.str.contains("naive").all()
    assert findings["R"].frame.empty


def test_frames_hold_columns_and_names_of_the_glossary(findings):
    for found in findings.values():
        assert set(found.frame.columns) <= set(columns())
        assert set(found.frame["estimator"]) <= set(headings())


def test_checks_have_names_of_their_own(findings):
    for found in findings.values():
        names = [check.name for check in found.checks]
        assert len(set(names)) == len(names)


def test_every_check_speaks_both_languages(findings):
    for found in findings.values():
        for check in found.checks:
            assert all(say(check.note, Style(language)) for language in ("en", "zh"))


def test_nothing_that_is_given_is_changed():
    world = worlds.rct(3)
    before = world.panel.copy(), world.accounts.copy()
    climb(worlds.records(world), rng=np.random.default_rng(1))
    assert before[0].equals(world.panel)
    assert before[1].equals(world.accounts)


def test_the_order_of_rows_does_not_matter():
    world = worlds.rct(3)
    shuffled = replace(
        world, panel=world.panel.sample(frac=1, random_state=1),
        accounts=world.accounts.sample(frac=1, random_state=2),
    )  # fmt: skip
    one, other = (
        climb(worlds.records(w), rng=np.random.default_rng(1)).answer.frame["estimate"].iloc[0]
        for w in (world, shuffled)
    )
    assert one == pytest.approx(other, abs=1e-12)


def test_orders_with_empty_months_are_compared_over_longer_windows():
    """A third of the months have no order: logarithms of windows are taken, none of months."""
    world, rng = worlds.rct(5), np.random.default_rng(5)
    raised = np.where(world.accounts["assigned"].to_numpy()[world.panel["unit"]], 1.5, 1.0)
    rate = np.where(world.panel["period"] >= 12, raised, 1.0)
    panel = world.panel.assign(outcome=rng.poisson(1.1 * rate).astype(float))
    records = replace(worlds.records(replace(world, panel=panel)), outcome="orders")
    found = climb(records, rng=np.random.default_rng(1))
    assert found.grade == "A"
    assert found.codes == ("NEGATIVE_BASE_LOG",)
    row = found.answer.frame.iloc[0]
    assert row["conf_low"] < np.log(1.5) < row["conf_high"]


def test_few_groups_are_judged_by_permutation():
    world = worlds.rct_cluster(1, n=100)  # 20 groups
    found = climb(worlds.records(world), rng=np.random.default_rng(1))
    assert found.grade == "A"
    assert found.answer["method"].startswith("permutation")


def test_a_seed_gives_one_answer():
    records = worlds.records(worlds.select(0))
    one, other = (climb(records, rng=np.random.default_rng(7), draws=50) for _ in range(2))
    assert one.answer.frame.equals(other.answer.frame)


def test_grades_are_ordered():
    assert [lower(g) for g in "ABCDR"] == ["B", "C", "D", "D", "R"]
    assert is_higher("A", "B")
    assert not is_higher("D", "D")
    assert [claims_effect(g) for g in "ABCDR"] == [True, True, True, False, False]
    assert len({str(meaning(g)) for g in "ABCDR"}) == 5
