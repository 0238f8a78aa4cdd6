"""The programme's ledger by hand and on the demo units: parts make the whole, to the cent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.book import open_book
from kamlib.book.simulate import DEMO_UNITS, write_demo
from kamlib.glossary import Style, say
from kamlib.loyalty import ledger
from kamlib.loyalty.members import members
from kamlib.loyalty.points_ledger import points_ledger
from kamlib.loyalty.programme_facts import programme_facts
from kamlib.loyalty.spending import spending
from kamlib.params import unit_from
from tests.loyalty.programme_rows import AS_OF, TABLES, cost  # type: ignore[import-not-found]

BY_POINTS = {"rewards": "points", "point_cost": 0.5}


@pytest.fixture(scope="module")
def facts(small):
    return programme_facts(small.open(TABLES, as_of=AS_OF))


def unit(**loyalty):
    hourly = {"service_rate_per_hour": loyalty.pop("hourly", None)}
    raw = {
        "book": {"tables": {"transactions": "sales.csv"}},
        "loyalty_roi": loyalty,
        "ledger": hourly,
    }
    return unit_from(raw, name="north", folder=Path("."))


def sound(estimate):
    """Return the checks by name, having seen that columns are known and all can be said."""
    assert set(estimate.frame.columns) <= set(glossary.columns())
    told = [estimate.note, *(check.note for check in estimate.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return {check.name: check.passed for check in estimate.checks}


def test_members(facts):
    before = facts.members.copy()
    found = members(facts)
    assert sound(found) == {"levels_add_up": True, "members_carried_forward": True}
    pd.testing.assert_frame_equal(facts.members, before)
    # every level of every month stands there, also without a member
    assert len(found.frame) == 9
    wide = found.frame.pivot(index="month", columns="programme_level", values="n_members")
    assert wide.to_numpy().tolist() == [[4, 0, 0], [1, 1, 1], [2, 1, 0]]
    assert (found["n_members"], found["n_joined"], found["n_left"]) == (3, 4, 1)
    assert "2 at level 1, 1 at level 2, 0 at level 3" in str(found.note)


def test_members_that_do_not_carry_forward_are_found(facts):
    broken = facts.members.assign(n_left=0)
    found = sound(members(replace(facts, members=broken, n_members=2)))
    assert found == {"levels_add_up": False, "members_carried_forward": False}


def test_cost_by_item(facts):
    found = ledger.cost_by_item(spending(facts, unit()))
    costs = dict(zip(found.frame["cost_item"], found.frame["cost"], strict=True))
    # set-up with platform; 6 + 4; 3 + 5 + 7; 2 + 1
    assert costs == {"set_up": 100.0, "rewards": 10.0, "service": 15.0, "communication": 3.0}
    assert found["cost"] == 128.0
    assert np.isnan(found["subsidy"])
    assert "is unknown until its effect is" in str(found.note)
    expected = {"items_add_up": True, "cost_complete": True, "rewards_counted_once": True}
    assert sound(found) == expected


def test_rewards_on_purchases_that_would_have_been_made_anyway(facts):
    spent = spending(facts, unit())
    found = ledger.cost_by_item(spent, baseline_share=0.9)
    assert found["subsidy"] == pytest.approx(9.0)
    # they are a part of the rewards and no cost on top
    assert found["cost"] == 128.0
    assert ledger.cost_by_item(spent, baseline_share=0.0)["subsidy"] == 0.0


def test_rewards_by_points(facts):
    spent = spending(facts, unit(**BY_POINTS))
    found = ledger.cost_by_item(spent)
    # 50 of 500 points expired: 450 × 0.5 in place of the 10 booked
    assert found["cost"] == pytest.approx(128 - 10 + 225)
    assert sound(found)["items_add_up"]
    rewards = spent.rows[spent.rows["cost_item"] == "rewards"]
    # a and b at level 1: 400 points, a at level 2: 100; c was issued none
    by_level = rewards.groupby("programme_level")["cost"].sum()
    assert by_level.to_dict() == pytest.approx({1: 180.0, 2: 45.0, 3: 0.0})
    for each in (ledger.cost_by_level(spent, facts), ledger.cost_by_month(spent, facts)):
        assert all(sound(each).values())
    # with nothing booked for rewards, points are taken without being asked for
    unbooked = facts.costs[facts.costs["kind"] != "reward"]
    spent = spending(replace(facts, costs=unbooked, cost=118.0), unit(point_cost=0.5))
    assert ledger.cost_by_item(spent)["cost"] == pytest.approx(118 + 225)


def test_rewards_are_unknown_where_nobody_books_or_prices_them(facts):
    unbooked = facts.costs[facts.costs["kind"] != "reward"]
    found = ledger.cost_by_item(spending(replace(facts, costs=unbooked, cost=118.0), unit()))
    assert "rewards" not in set(found.frame["cost_item"])
    assert sound(found)["cost_complete"] is False
    # what is booked was asked for, and points do not step in
    asked = unit(rewards="booked", point_cost=0.5)
    found = ledger.cost_by_item(spending(replace(facts, costs=unbooked, cost=118.0), asked))
    assert sound(found) == {"items_add_up": True, "cost_complete": False}


def test_points_that_are_not_there_leave_what_is_booked(facts):
    found = ledger.cost_by_item(spending(replace(facts, points=None), unit(**BY_POINTS)))
    assert found["cost"] == 128.0
    assert sound(found)["rewards_counted_once"] is False


@pytest.mark.parametrize("rate", [{"minute_rate": 0.8}, {"hourly": 48.0}])
def test_minutes_of_service_at_their_rate(facts, rate):
    spent = spending(facts, unit(minutes_per_member=[0, 30, 60], **rate))
    found = ledger.cost_by_item(spent)
    # 2 months at level 2 × 30 min × 0.8, half a month at level 3 × 60 min × 0.8
    assert found["cost"] == pytest.approx(128 + 48 + 24)
    assert sound(found)["minutes_have_a_rate"]
    direct = ledger.cost_by_level(spent, facts).frame.set_index("programme_level")["cost_direct"]
    assert direct.to_dict() == pytest.approx({1: 16.0, 2: 9.0 + 48, 3: 1.0 + 24})


def test_minutes_without_a_rate_are_left_out_and_said(facts):
    found = ledger.cost_by_item(spending(facts, unit(minutes_per_member=[0, 30, 60])))
    assert found["cost"] == 128.0
    assert sound(found)["minutes_have_a_rate"] is False


def test_cost_by_level(facts):
    found = ledger.cost_by_level(spending(facts, unit()), facts)
    assert sound(found) == {"costs_of_levels_add_up": True}
    frame = found.frame.set_index("programme_level")
    months = {1: 96 / 31 + 4, 2: 2.0, 3: 0.5}
    assert frame["member_months"].to_dict() == pytest.approx(months)
    assert frame["cost_direct"].to_dict() == {1: 16.0, 2: 9.0, 3: 1.0}
    # 100 of set-up and platform and 2 for e, by time of membership
    whole = sum(months.values())
    common = {level: 102 * share / whole for level, share in months.items()}
    assert frame["cost_common"].to_dict() == pytest.approx(common)
    assert frame.loc[3, "cost_per_member_year"] == pytest.approx(12 * (1 + common[3]) / 0.5)
    assert found["cost"] == pytest.approx(128.0, abs=1e-9)
    assert found["cost_per_member_year"] == pytest.approx(12 * 128 / whole)


def test_a_level_without_members_has_no_cost_per_member(facts):
    fewer = facts.members[facts.members["level"] != 3]
    found = ledger.cost_by_level(spending(facts, unit()), replace(facts, members=fewer))
    row = found.frame.set_index("programme_level").loc[3]
    assert (row["cost"], row["member_months"]) == (1.0, 0.0)
    assert np.isnan(row["cost_per_member_year"])
    assert sound(found) == {"costs_of_levels_add_up": True}


def test_cost_by_month(facts):
    found = ledger.cost_by_month(spending(facts, unit()), facts)
    assert sound(found) == {"costs_of_months_add_up": True}
    by_month = found.frame.groupby("month")["cost"].sum()
    assert by_month.to_dict() == {
        pd.Timestamp("2023-01-01"): 109.0,
        pd.Timestamp("2023-02-01"): 19.0,
    }
    # the twelve months up to March 2023 hold all of it
    assert (found["cost"], found["cost_last_year"]) == (128.0, 128.0)


def test_twelve_months_are_counted_from_the_last_one_known(facts):
    later = replace(facts, day=pd.Timestamp("2024-01-10").date())
    found = ledger.cost_by_month(spending(facts, unit()), later)
    # February 2023 to January 2024
    assert found["cost_last_year"] == 19.0


def test_a_row_that_is_counted_twice_or_lost_is_found(facts):
    twice = replace(facts, costs=pd.concat([facts.costs, facts.costs.head(1)]))
    spent = spending(twice, unit())
    for found in (ledger.cost_by_item(spent), ledger.cost_by_level(spent, facts), ledger.cost_by_month(spent, facts)):  # fmt: skip
        assert False in sound(found).values()


def test_refusals(facts, small):
    bare = programme_facts(small.open({"transactions": TABLES["transactions"]}, as_of=AS_OF))
    spent = spending(bare, unit())
    refused = {
        "programme (account_id": members(bare),
        "programme_costs (date": ledger.cost_by_item(spent),
        "loyalty_roi.point_cost": ledger.cost_by_month(spent, bare),
        "points (account_id": points_ledger(bare, unit().loyalty_roi),
    }
    for told, found in refused.items():
        assert found.refused
        assert told in str(found.note)
        assert sound(found) == {found.name: None}
    empty = replace(facts, members=facts.members.head(0), n_members=0)
    assert "No account was in the programme" in str(members(empty).note)
    assert ledger.cost_by_level(spending(facts, unit()), empty).refused
    assert ledger.cost_by_level(spent, bare).refused


def test_a_correction_without_a_cost_is_no_cost(small):
    costs = [cost("2023-01-01", "setup", 90.0), cost("2023-01-31", "reward", -4.0, level=1)]
    facts = programme_facts(small.open(TABLES | {"programme_costs": costs}, as_of=AS_OF))
    found = ledger.cost_by_item(spending(facts, unit()))
    assert found.refused
    assert "Rewards of the programme comes to −4" in str(found.note)


@pytest.mark.parametrize("name", DEMO_UNITS)
@pytest.mark.parametrize("rules", [{}, BY_POINTS | {"minutes_per_member": [1, 7, 31], "minute_rate": 0.83}])  # fmt: skip
def test_demo_units_keep_their_books(name, rules, demo):
    book = demo(name)
    facts = programme_facts(book)
    mine = unit(**rules)
    spent = spending(facts, mine)
    found = [
        members(facts), ledger.cost_by_item(spent, baseline_share=0.9), ledger.cost_by_month(spent, facts),
        ledger.cost_by_level(spent, facts), points_ledger(facts, mine.loyalty_roi),
    ]  # fmt: skip
    for estimate in found:
        checks = sound(estimate)
        assert not estimate.refused
        assert False not in checks.values(), checks
    booked = book["programme_costs"].amount.sum().execute()
    if not rules:
        assert found[1]["cost"] == pytest.approx(booked, abs=0.005)
    # what the parameters leave unsaid is not filled in
    assert np.isnan(found[4]["points_liability"]) == (not rules)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    books = {}

    def call(name):
        if name not in books:
            made = write_demo(name, folder, size=0.05 if name == "telecom_lines" else 0.1)
            names = ("transactions", "accounts", "programme", "programme_costs", "points")
            tables = {n: {"file": str(made / f"{n}.parquet")} for n in names}
            raw = {"book": {"tables": tables}, "as_of": "2025-12-31"}
            books[name] = open_book(unit_from(raw, name=name, folder=Path(".")))
        return books[name]

    return call
