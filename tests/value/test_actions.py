from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.value.actions import next_actions
from kamlib.value.dependence.shares import herfindahl
from kamlib.value.profit.whale import whale_curve
from kamlib.value.rfm import rfm, silent_large
from kamlib.value.totals import movers


def steps(facts, period, length=5):
    scores = rfm(facts)
    return [
        step.key
        for step in next_actions(
            silent=silent_large(scores, n_days=366, length=length),
            curve=whale_curve(facts),
            moved=movers(facts, period, length=length),
            by_account=herfindahl(facts),
            by_manager=herfindahl(facts, by="manager_id"),
        )
    ]


def test_findings_become_steps_most_urgent_first(facts, period):
    assert steps(facts, period) == [
        "action.ask_fallen", "action.reprice", "action.spread_account_id",
        "action.spread_manager_id",
    ]  # fmt: skip


def test_missing_records_are_asked_for(facts, period):
    bare = facts.assign(contribution=np.nan, manager_id=None)
    found = steps(bare, replace(period, previous=None))
    assert found == ["action.spread_account_id", "action.bring_costs", "action.bring_years"]


def test_nothing_found_says_so(facts, period):
    calm = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(10)], "name": None, "manager_id": None,
            "revenue": 10.0, "revenue_before": 10.0, "contribution": 1.0, "n_orders": 12.0,
            "days_since_last": 3,
        }
    )  # fmt: skip
    assert steps(calm, period) == ["action.none"]


def test_an_account_without_a_name_is_called_by_its_id(facts, period):
    found = next_actions(
        silent=silent_large(rfm(facts), n_days=366, length=5), curve=whale_curve(facts),
        moved=movers(facts, period, length=5), by_account=herfindahl(facts.iloc[1:]),
        by_manager=herfindahl(facts, by="manager_id"),
    )  # fmt: skip
    words = [str(step) for step in found]
    assert any(text.startswith("b alone holds 60.0\xa0%") for text in words)
