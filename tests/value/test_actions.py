from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal
from kamlib.value.actions import MOST, next_actions
from kamlib.value.dependence.shares import herfindahl
from kamlib.value.profit.loss_makers import LOSES, MAY_LOSE
from kamlib.value.profit.whale import whale_curve
from kamlib.value.rfm import rfm, silent_large
from kamlib.value.standard.migration import BECAME_KEY, NO_LONGER_KEY
from kamlib.value.totals import movers


def counted(facts, period):
    return (
        herfindahl(facts, by="manager_id"),
        herfindahl(facts),
        movers(facts, period, length=5),
        whale_curve(facts),
        silent_large(rfm(facts), n_days=366, length=5),
    )


def found(name, **columns):
    frame = pd.DataFrame({"account_id": ["a", "b"], "name": ["Alpha", None]} | columns)
    return Estimate(name, frame, one_row(2, "full count"), Sentence("action.none"))


def keys(*findings):
    return [step.key for step in next_actions(*findings)]


def test_findings_become_steps_most_urgent_first(facts, period):
    assert keys(*counted(facts, period)) == [
        "action.ask_fallen", "action.spread_account_id", "action.spread_manager_id"
    ]  # fmt: skip


def test_missing_records_are_asked_for(facts, period):
    bare = facts.assign(contribution=np.nan, manager_id=None)
    steps = keys(*counted(bare, replace(period, previous=None)))
    assert steps == ["action.bring_years", "action.spread_account_id", "action.bring_costs"]


def test_nothing_found_says_so(facts, period):
    calm = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(10)], "name": None, "manager_id": None,
            "revenue": 10.0, "revenue_before": 10.0, "contribution": 1.0, "n_orders": 12.0,
            "days_since_last": 3,
        }
    )  # fmt: skip
    assert keys(*counted(calm, period)) == ["action.none"]


def test_an_account_without_a_name_is_called_by_its_id(facts, period):
    words = [str(step) for step in next_actions(herfindahl(facts.iloc[1:]))]
    assert words[0].startswith("b alone holds 60.0\xa0%")


def test_only_accounts_that_surely_lose_are_to_be_repriced():
    losing = found("loss_makers", verdict=[MAY_LOSE, LOSES], contribution=[-9.0, -4.0])
    [step] = next_actions(losing)
    assert (step.key, step.values["n"], step.values["first"]) == ("action.reprice", 1, "b")
    assert step.values["lost"] == 4.0
    unsure = found("loss_makers", verdict=[MAY_LOSE, MAY_LOSE], contribution=[-9.0, -4.0])
    assert keys(unsure) == ["action.none"]


def test_who_left_the_key_tiers_is_named_and_who_entered_is_not():
    moved = found("tier_moves", key_change=[BECAME_KEY, NO_LONGER_KEY])
    [step] = next_actions(moved)
    assert (step.key, step.values["first"]) == ("action.keep_key", "b")


def test_oldest_debt_is_named_first():
    owing = found("exposure", over_90=[1.0, 5.0])
    [step] = next_actions(owing)
    assert (step.values["first"], step.values["owed"], step.values["n"]) == ("b", 6.0, 2)


def test_other_rules_name_the_accounts_they_are_about():
    steps = next_actions(
        found("tiers_differ", steps=[-2.0, 1.0]),
        found("contact_coverage", is_decider_met=[True, False]),
        found("potential", chance=[0.7, 0.2]),
        found("concessions", price_effect=[-1.0, -1.0]),
    )
    assert [(step.key, step.values["n"], step.values["first"]) for step in steps] == [
        ("action.take_back", 2, "Alpha"), ("action.promote", 1, "Alpha"),
        ("action.meet", 1, "b"), ("action.review", 1, "Alpha"),
    ]  # fmt: skip


def test_chance_that_is_not_known_promotes_nobody():
    assert keys(found("potential", chance=[np.nan, np.nan])) == ["action.none"]


def test_what_was_refused_asks_for_nothing_else():
    names = ("silent_large", "tier_moves", "exposure", "loss_makers", "concessions", "potential",
             "contact_coverage", "tiers_differ", "herfindahl_manager_id")  # fmt: skip
    assert keys(*(refusal(name, "action.none") for name in names)) == ["action.none"]


def test_no_more_steps_than_anybody_takes(facts, period):
    steps = next_actions(
        *counted(facts, period),
        found("tiers_differ", steps=[-2.0, 1.0]),
        found("contact_coverage", is_decider_met=[False, False]),
        found("potential", chance=[0.7, 0.2]),
        found("concessions", price_effect=[-1.0, -1.0]),
        found("exposure", over_90=[1.0, 5.0]),
        found("loss_makers", verdict=[LOSES, LOSES], contribution=[-9.0, -4.0]),
        found("tier_moves", key_change=[NO_LONGER_KEY, None]),
    )
    assert len(steps) == MOST
