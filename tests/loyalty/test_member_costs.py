"""What a member costs in a month: by hand, and the parts make the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty import member_costs
from kamlib.loyalty.identities import CENT, LEVELS
from kamlib.loyalty.ledger import cost_by_item, cost_by_level
from kamlib.loyalty.members import members
from kamlib.loyalty.programme_facts import programme_facts
from kamlib.loyalty.spending import spending
from kamlib.params import unit_from
from tests.loyalty.programme_rows import AS_OF, TABLES  # type: ignore[import-not-found]

UNIT = unit_from(
    {"book": {"tables": {"transactions": "sales.csv"}}}, name="north", folder=Path(".")
)


@pytest.fixture(scope="module")
def facts(small):
    return programme_facts(small.open(TABLES, as_of=AS_OF))


def costs_of(facts):
    spent = spending(facts, UNIT)
    return member_costs.costs_of(cost_by_level(spent, facts), members(facts), facts)


def test_costs_by_hand(facts):
    found = costs_of(facts)
    # 90 of set-up; platform, 10, goes on; at the end of March two members at level 1, one at level 2
    assert found.set_up == 90.0
    assert found.members == {1: 2, 2: 1, 3: 0}
    assert [found.now(level) for level in (0, 1, 2, 3)] == [3, 2, 1, 0]
    months = {1: 96 / 31 + 4, 2: 2.0, 3: 0.5}
    whole = sum(months.values())
    assert found.months(0) == pytest.approx(whole)
    # 16, 9 and 1 of their own, and 102 in common
    each = {k: own / months[k] + 102 / whole for k, own in {1: 16, 2: 9, 3: 1}.items()}
    assert {k: found.per_month(k) for k in LEVELS} == pytest.approx(each)
    assert found.per_month(0) == pytest.approx(128 / whole)


def test_costs_of_levels_make_the_whole_to_the_cent(facts):
    found, items = costs_of(facts), cost_by_item(spending(facts, UNIT))
    parts = sum(found.per_month(level) * found.months(level) for level in LEVELS)
    assert abs(parts - items["cost"]) < CENT
    assert abs(found.per_month(0) * found.months(0) - items["cost"]) < CENT


def test_a_level_costs_what_it_takes_beyond_the_one_below(facts):
    found = costs_of(facts)
    assert found.of("level 2 over level 1", 2) == found.per_month(2) - found.per_month(1)
    assert found.of("level 1 over none", 1) == found.per_month(1)
    # a trial holds a level against nothing
    assert found.of("level 2 by lot", 2) == found.per_month(2)
    every = member_costs.cost_by_comparison(found)
    # level 2 has 4.5 of its own per month, level 1 only 2.25, level 3 2.0: less than level 2
    assert set(every) == {
        "whole programme", "level 1 over none", "level 2 over level 1", "level 1 by lot",
        "level 2 by lot", "level 3 by lot",
    }  # fmt: skip
    assert every["level 2 over level 1"] == pytest.approx(4.5 - 16 / (96 / 31 + 4))


def test_a_level_without_members_has_no_cost_per_month(facts):
    found = costs_of(facts)
    empty = found.by_level.assign(member_months=[4.0, 2.0, 0.0])
    found = replace(found, by_level=empty)
    assert np.isnan(found.per_month(3))
    assert "level 3 by lot" not in member_costs.cost_by_comparison(found)


def test_today_in_a_year_and_as_a_share(facts):
    found = costs_of(facts)
    assert member_costs.members_now(found) == 3
    assert member_costs.cost_of_year(found) == pytest.approx(36 * found.per_month(0))
    amounts = pd.Series([100.0, np.nan, 300.0])
    assert member_costs.needed_of(found, amounts) == pytest.approx(found.per_month(0) / 200)
    assert member_costs.needed_of(found, pd.Series([-1.0])) is None
    assert member_costs.needed_of(found, pd.Series([], dtype="float64")) is None


def test_kinds_that_nobody_booked(facts):
    assert member_costs.kinds_missing(spending(facts, UNIT)) == 0.0
    unbooked = facts.costs[~facts.costs["kind"].isin(["reward", "service"])]
    fewer = spending(replace(facts, costs=unbooked, cost=103.0), UNIT)
    # two of set-up, rewards, service, communication
    assert member_costs.kinds_missing(fewer) == 0.5


def test_without_costs_or_members_nothing_is_known(facts, small):
    bare = programme_facts(small.open({"transactions": TABLES["transactions"]}, as_of=AS_OF))
    assert costs_of(bare) is None
    assert costs_of(replace(facts, members=None, n_members=0)) is None
    assert member_costs.cost_by_comparison(None) == {}
    assert member_costs.cost_of_year(None) is None
    assert member_costs.members_now(None) == 0
    assert member_costs.needed_of(None, pd.Series([1.0])) is None
