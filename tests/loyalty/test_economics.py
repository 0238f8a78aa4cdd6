"""Costs to win and to keep by hand and on the demo units, and their ratio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.accounts import ledger
from kamlib.book import open_book
from kamlib.book.simulate import DEMO_UNITS, write_demo
from kamlib.glossary import Sentence, Style, say
from kamlib.loyalty.budget import allocation, marginal_return, responses, spend_tried
from kamlib.loyalty.budget_facts import budget_facts
from kamlib.loyalty.economics import cost_to_keep, cost_to_win
from kamlib.loyalty.economics_facts import economics_facts
from kamlib.loyalty.finance.uncertain import Uncertain
from kamlib.loyalty.keeping import keeping
from kamlib.loyalty.programme_facts import programme_facts
from kamlib.loyalty.referrals import referral_value, referrers
from kamlib.loyalty.retention_worth import retention_by_year, worth_of_retention
from kamlib.loyalty.spending import spending
from kamlib.loyalty.win_or_keep import win_or_keep, win_or_retain
from kamlib.params import LoyaltyRoiParams, unit_from
from kamlib.results import Estimate
from tests.loyalty.economics_rows import AS_OF, TABLES  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()


def opened(small, **tables):
    """Return facts and costs of the programme of the unit that can be counted by hand."""
    given = {n: rows for n, rows in (TABLES | tables).items() if rows is not None}
    book = small.open(given, as_of=AS_OF)
    spent = spending(programme_facts(book), book.unit) if book.has("programme_costs") else None
    return economics_facts(book, ledger(book)), spent


@pytest.fixture(scope="module")
def unit(small):
    return opened(small)


def sound(estimate):
    """Return the checks by name, having seen that columns are known and all can be said."""
    assert set(estimate.frame.columns) <= set(glossary.columns())
    told = [estimate.note, *(check.note for check in estimate.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return {check.name: check.passed for check in estimate.checks}


def test_cost_to_win(unit):
    facts, _ = unit
    before = facts.spent.copy()
    found = cost_to_win(facts, RULES)
    assert sound(found) == {"winning_has_a_cost": True}
    pd.testing.assert_frame_equal(facts.spent, before)
    frame = found.frame
    assert frame["year_ends_on"].dt.year.tolist() == [2022, 2023, 2024]
    # f; b and d with what won nobody; e and g
    assert frame["n_won"].tolist() == [1, 2, 2]
    assert frame["acquisition_total"].tolist() == [8, 100, 40]
    assert frame["cost_to_win"].tolist() == [8, 50, 20]
    assert found["cost_to_win"] == pytest.approx(148 / 5)
    assert found["n_won"] == 5
    assert 0 <= found["win_low"] < 148 / 5 < found["win_high"]
    # of the latest year alone two were won, which is too few
    few = cost_to_win(facts, LoyaltyRoiParams(economics_years=1))
    assert few.refused
    assert "2 accounts were won; a cost to win one takes at least 5" in str(few.note)


def test_years_that_won_accounts_for_nothing_are_told(unit):
    facts, _ = unit
    spent = facts.spent.assign(amount=facts.spent["amount"].where(facts.spent["years_ago"] != 2, 0))
    found = cost_to_win(replace(facts, spent=spent), RULES)
    assert sound(found) == {"winning_has_a_cost": False}


def test_cost_to_win_is_unknown_without_records_of_it(small):
    facts, _ = opened(small, acquisition_costs=None)
    found = cost_to_win(facts, RULES)
    assert found.refused
    assert "acquisition_costs" in str(found.note)
    assert win_or_keep(found, found, RULES).refused


def test_what_each_account_cost(unit):
    rows, common = keeping(*unit)
    # set-up before there was a member falls on nobody
    assert common.to_dict() == {2: 7.0}
    now = rows[rows["years_ago"] == 0].set_index("account_id")
    # platform 20 and level 3's 3 by equal days; level 2's reward on b
    assert now["programme_cost"].to_dict() == {
        "a": 11.5, "b": 15.5, "c": 0, "d": 0, "e": 0, "f": 0
    }  # fmt: skip
    assert now["cost_to_serve"].to_dict() == {"a": 10, "b": 0, "c": 5, "d": 0, "e": 0, "f": 0}
    assert now["there"].sum() == 3


def test_cost_to_keep(unit):
    found = cost_to_keep(*unit, RULES)
    # only visits are known of the cost to serve
    assert sound(found) == {"cost_to_serve_known": False, "programme_spread": True}
    frame = found.frame
    assert frame["n_bought"].tolist() == [3, 4, 3]
    assert frame["serve_total"].tolist() == [0, 26, 15]
    assert frame["programme_total"].tolist() == [7, 12, 27]
    assert frame["cost_to_keep"].tolist() == pytest.approx([7 / 3, 38 / 4, 42 / 3])
    assert found["cost_to_keep"] == pytest.approx(87 / 10)
    assert found["n_bought"] == 10
    # a, b, c, d, e and f bought
    assert found["n_obs"] == 6


def test_cost_to_keep_of_what_is_known(small):
    facts, _ = opened(small, programme_costs=None)
    alone = cost_to_keep(facts, None, RULES)
    assert sound(alone) == {"cost_to_serve_known": False, "programme_known": None}
    assert alone["cost_to_keep"] == pytest.approx(41 / 10)
    facts, spent = opened(small, visits=None)
    found = cost_to_keep(facts, spent, RULES)
    assert found["cost_to_keep"] == pytest.approx(46 / 10)
    assert found.frame["serve_total"].isna().all()
    assert sound(found)["cost_to_serve_known"] is False
    facts, _ = opened(small, visits=None, programme_costs=None)
    neither = cost_to_keep(facts, None, RULES)
    assert neither.refused
    assert "service_events.cost" in str(neither.note)


def test_records_of_less_than_a_year(small):
    # from June 2023, as of March 2024
    kept_rows = {
        "transactions": [row for row in TABLES["transactions"] if row["date"] >= "2023-05-31"],
        "referrals": [],
        "acquisition_costs": TABLES["acquisition_costs"][4:5],
    }
    tables = {n: rows for n, rows in (TABLES | kept_rows).items() if rows}
    book = small.open(tables, as_of="2024-03-10")
    facts, rng = economics_facts(book, ledger(book)), np.random.default_rng(1)
    spent = spending(programme_facts(book), book.unit)
    tried = spend_tried(budget_facts(book, facts))
    for found in (
        cost_to_win(facts, RULES), cost_to_keep(facts, spent, RULES),
        retention_by_year(facts, RULES), worth_of_retention(facts, RULES, rng), tried,
    ):  # fmt: skip
        assert found.refused, found.name
        sound(found)


def estimate(value, error, name="cost_to_win", limits="win", n=100, df=35):
    """Return a cost as `cost_to_win` or `cost_to_keep` gives it."""
    low, high = value - 2 * error, value + 2 * error
    summary = pd.DataFrame(
        {name: [value], "std_error": error, "df": df, f"{limits}_low": low,
         f"{limits}_high": high, "n_won": n, "n_bought": n}
    )  # fmt: skip
    return Estimate(name, summary, summary, Sentence("loyalty_economics.parts_known"))


def kept(value, error):
    return estimate(value, error, "cost_to_keep", "keep")


def test_win_or_keep():
    found = win_or_keep(estimate(50.0, 10.0, df=1e9), kept(20.0, 3.0), LoyaltyRoiParams())
    assert sound(found) == {}
    row = found.frame.set_index("term").loc["win_to_keep"]
    # Fieller with a = 50, b = 20, variances 100 and 9, no covariance, t(35) = 2.030108:
    # (400 − 4.121339·9) r² − 2·1000 r + (2500 − 412.1339) = 0
    roots = np.roots([400 - 4.121339 * 9, -2000, 2500 - 412.1339])
    assert row["estimate"] == 2.5
    assert sorted(roots) == pytest.approx([row["conf_low"], row["conf_high"]], abs=1e-4)


def test_no_ratio_to_what_may_be_nothing():
    found = win_or_keep(estimate(50.0, 10.0), kept(20.0, 15.0), RULES)
    assert found.refused
    assert "cannot be told from zero" in str(found.note)
    assert win_or_keep(estimate(50.0, 10.0), kept(-1.0, 0.1), RULES).refused
    unsure = win_or_keep(estimate(50.0, float("nan")), kept(20.0, 1.0), RULES)
    assert "has no interval" in str(unsure.note)


def test_win_or_retain():
    rng = np.random.default_rng(1)
    # 30,000 on 100 members, three points: 10,000 per account that would have left
    found = win_or_retain(estimate(20_000.0, 0.0), 30_000.0, Uncertain(0.03, 0.01), 100, RULES, rng)
    rows = found.frame.set_index("term")
    assert rows.loc["cost_per_retained", "estimate"] == pytest.approx(10_000)
    assert rows.loc["win_to_retained", "estimate"] == pytest.approx(2.0)
    # limits of three points: 0.03 ± 1.959964 · 0.01
    assert rows.loc["cost_per_retained", "conf_low"] == pytest.approx(300 / 0.04959964)
    assert rows.loc["cost_per_retained", "conf_high"] == pytest.approx(300 / 0.01040036)
    # 20,000 ÷ (300 ÷ rise)
    assert rows.loc["win_to_retained", "conf_low"] == pytest.approx(0.01040036 / 0.015, abs=0.1)
    assert rows.loc["win_to_retained", "conf_high"] == pytest.approx(0.04959964 / 0.015, abs=0.1)
    assert sound(found) == {}


def test_a_rise_that_may_be_nothing_has_no_upper_cost():
    rng = np.random.default_rng(1)
    win = estimate(20_000.0, 500.0)
    found = win_or_retain(win, 30_000.0, Uncertain(0.03, 0.03), 100, RULES, rng)
    rows = found.frame.set_index("term")
    assert np.isnan(rows.loc["cost_per_retained", "conf_high"])
    assert rows.loc["win_to_retained", "conf_low"] == 0
    assert "no upper limit" in str(found.note)
    for rise, cost in ((None, 30_000.0), (Uncertain(0.03, 0.01), None), (Uncertain(-0.01), 1.0)):
        refused = win_or_retain(win, cost, rise, 100, RULES, rng)
        assert refused.refused
        assert sound(refused)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    books = {}

    def call(name):
        if name not in books:
            made = write_demo(name, folder, size=0.08 if name == "telecom_lines" else 0.25)
            names = ("transactions", "accounts", "programme", "programme_costs", "points", "visits",
                     "acquisition_costs", "referrals", "tier_decisions", "service_events")  # fmt: skip
            tables = {n: {"file": str(made / f"{n}.parquet")} for n in names}
            raw = {"book": {"tables": tables}, "as_of": "2025-12-31"}
            books[name] = open_book(unit_from(raw, name=name, folder=Path(".")))
        return books[name]

    return call


@pytest.mark.parametrize("name", DEMO_UNITS)
def test_demo_units(demo, name):
    book = demo(name)
    facts = economics_facts(book, ledger(book))
    spent = spending(programme_facts(book), book.unit)
    rng = np.random.default_rng(1)
    won, kept_ = cost_to_win(facts, RULES), cost_to_keep(facts, spent, RULES)
    # the simulator books an account's cost on the day it is won: counted from the tables themselves
    costs = book["acquisition_costs"].execute()
    costs = costs[pd.to_datetime(costs["date"]).dt.year >= 2023]
    n_won = int(costs["account_id"].notna().sum())
    assert won["n_won"] == n_won
    assert won["cost_to_win"] == pytest.approx(costs["amount"].sum() / n_won)
    assert sound(kept_)["programme_spread"]
    both = win_or_keep(won, kept_, RULES)
    sound(both)
    assert not both.refused
    stayed = retention_by_year(facts, RULES)
    worth = worth_of_retention(facts, RULES, rng)
    for estimate_ in (stayed, worth, referral_value(facts, RULES), referrers(facts, RULES)):
        sound(estimate_)
        assert not estimate_.refused
    assert 0.8 < stayed["retention_rate"] < 0.97
    # every account that the simulator has sent was won by it
    sent = referral_value(facts, RULES)
    assert sent["n_came"] == sent["n_referrals"] == book["referrals"].count().execute()
    # what is spent on a member of a level is the same for all: nothing can be said
    tried = spend_tried(budget_facts(book, facts))
    fitted = responses(budget_facts(book, facts), RULES, rng)
    assert fitted == {}
    for refused in (marginal_return(tried, fitted, RULES), allocation(tried, fitted, RULES)):
        sound(refused)
        assert refused.refused
        assert "at least 3 different amounts" in str(refused.note)
