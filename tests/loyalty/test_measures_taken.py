"""Measures taken, through the ladder: what turns back by itself is no effect, what chance decided is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.glossary import Style, columns, say
from kamlib.loyalty.measures_taken import NAMES, break_even, find, measures_taken
from kamlib.loyalty.measures_taken_facts import MeasureFacts, measures_taken_facts
from tests.loyalty import worlds  # type: ignore[import-not-found]
from tests.loyalty.measures_rows import (  # type: ignore[import-not-found]
    book_of,
    facts_of,
    many,
)

FIRST, LAST = date(2021, 1, 1), date(2023, 12, 31)


def told(facts: MeasureFacts, seed: int = 0):
    found = find(facts, rng=np.random.default_rng(seed))
    table = measures_taken(
        {facts.measure: facts}, rng=np.random.default_rng(seed), findings={facts.measure: found}
    )
    return found, table


def through_a_book(small, world):
    book = small.open(book_of(world), kind="parquet", as_of="2023-12-31")
    return measures_taken_facts(book, ledger(book), FIRST, LAST)["visits"]


def test_what_turns_back_by_itself_is_no_effect(small):
    """Accounts in trouble are visited, visits do nothing, and afterwards they bring more."""
    found, table = told(through_a_book(small, worlds.rtm_bad(1)))
    assert found.grade == "D"
    assert "RECENT_JUMP" in found.codes
    row = table.frame.iloc[0]
    assert row[["effect_share", "effect_share_low", "effect_share_high"]].isna().all()
    # the truth is 0
    assert row["naive_change_low"] > 0
    assert "RECENT_JUMP" in row["refusal_codes"]
    check = table.checks[0]
    assert check.passed is None
    assert "neither is its effect" in str(check.note)
    assert "Visits go where there was trouble" in str(check.note)
    assert table["n_told"] == 0


@pytest.mark.parametrize("seed", range(8))
def test_no_seed_makes_an_effect_of_bad_news(seed):
    found, table = told(facts_of(worlds.rtm_bad(seed)), seed)
    assert "RECENT_JUMP" in found.codes
    # by likeness an effect may be told, and then it is none
    row = table.frame.iloc[0]
    assert found.grade == "D" or row["effect_share_low"] <= 0 <= row["effect_share_high"]


def test_what_chance_decided_shows_its_effect(small):
    world = worlds.rct(0)
    found, table = told(through_a_book(small, world))
    assert found.grade == "C"  # nobody told the ladder that it was chance
    row = table.frame.iloc[0]
    truth = np.expm1(world.truth)
    assert row["effect_share_low"] <= truth <= row["effect_share_high"]
    # the others rose as well
    assert row["naive_change_low"] > truth
    assert table.checks[0].passed is True
    assert table["n_told"] == 1


@pytest.mark.slow
def test_the_planted_effect_is_covered():
    """Of 60 worlds at least 50 tell an effect, whose 95 % interval holds the truth in 9 of 10."""
    held = []
    for seed in range(60):
        world = worlds.rct(seed)
        found, table = told(facts_of(world), seed)
        row = table.frame.iloc[0]
        if found.grade in ("B", "C"):
            truth = np.expm1(world.truth)
            held.append(row["effect_share_low"] <= truth <= row["effect_share_high"])
    assert len(held) >= 50
    assert np.mean(held) >= 0.87


def test_break_even_by_hand():
    facts = facts_of(worlds.rct(1, 40), cost=1000.0, months=100)
    # 10 a month for an account that usually brings so much
    usual = facts.accounts.loc[facts.accounts["start"].notna(), "usual"].mean()
    assert break_even(facts) == pytest.approx(10 / usual)
    row = told(facts)[1].frame.iloc[0]
    assert row["break_even_share"] == pytest.approx(10 / usual)
    assert row["measure_cost"] == 10
    unknown = told(replace(facts, cost=None))[1].frame.iloc[0]
    assert unknown[["measure_cost", "break_even_share"]].isna().all()


def test_revenue_is_described_and_no_more():
    found, table = told(replace(facts_of(worlds.rct(2)), outcome="revenue"))
    assert (found.grade, found.codes) == ("R", ("MARGIN_MISSING",))
    row = table.frame.iloc[0]
    assert np.isnan(row["effect_share"])
    assert row[["naive_change", "naive_gap"]].notna().all()


def test_too_few_accounts():
    panel = many(20, 36, np.random.default_rng(0))
    start = np.where(np.arange(20) < 3, 12.0, np.nan)
    accounts = pd.DataFrame({"unit": range(20), "start": start, "usual": 1.0})
    found, table = told(MeasureFacts("training", "contribution", panel, accounts))
    assert (found.grade, found.codes) == ("R", ("NO_TREATED_MIN",))
    assert table.frame["n_with"].tolist() == [3]
    nobody = MeasureFacts("training", "contribution", panel.head(0), accounts.head(0))
    assert told(nobody)[1].frame["n_without"].tolist() == [0]


def test_amounts_are_told_as_a_share_of_the_usual_month():
    """Accounts that bring less than nothing leave only money to compare."""
    rng = np.random.default_rng(3)
    panel = many(60, 24, rng)
    panel.loc[panel["unit"].isin([0, 59]), "outcome"] = -1.0
    start = np.where(np.arange(60) < 30, 12.0, np.nan)
    usual = np.where(np.arange(60) == 0, -1.0, 500.0)
    accounts = pd.DataFrame({"unit": range(60), "start": start, "usual": usual})
    found, table = told(MeasureFacts("training", "contribution", panel, accounts))
    rows = found.naive.frame.set_index("estimator")
    assert set(rows["term"]) == {"att"}
    row = table.frame.iloc[0]
    # of the thirty with it 29 usually bring 500
    assert row["naive_gap"] == pytest.approx(
        rows.loc["Members against others (naive)", "estimate"] / ((29 * 500 - 1) / 30)
    )


def test_what_is_missing_is_named():
    none = measures_taken(dict.fromkeys(NAMES), rng=np.random.default_rng(0))
    assert none.refused
    assert [check.name for check in none.checks] == [f"measure_{name}" for name in NAMES]
    assert "service_events.compensation would bring it" in str(none.checks[0].note)


def test_the_table_speaks_both_languages():
    facts = {"visits": facts_of(worlds.rtm_bad(1)), "recovery": facts_of(worlds.rct(1), "recovery",
             begins="complaint"), "training": None}  # fmt: skip
    table = measures_taken(facts, rng=np.random.default_rng(1))
    assert set(table.frame.columns) <= set(columns())
    assert table.frame["measure_taken"].tolist() == ["Visits", "Compensation after a complaint"]
    assert len(table.checks) == 3
    for note in (table.note, *(check.note for check in table.checks)):
        assert say(note, Style("zh"))
