from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import Ledger
from kamlib.value.concentration import concentration
from kamlib.value.totals import headline, monthly, movers, totals


def test_totals_add_up_by_hand(facts, ledger, period):
    frame = totals(facts, ledger, period).frame.set_index("term")
    assert frame.loc["revenue", ["current", "previous", "change"]].tolist() == [195.0, 180.0, 15.0]
    assert frame["change_share"]["revenue"] == pytest.approx(15 / 180)
    assert frame["current"]["contribution"] == 40.0
    assert frame["n_obs"]["revenue"] == 5


def test_note_says_the_figures(facts, ledger, period):
    note = str(totals(facts, ledger, period).note)
    assert note.startswith("Revenue was 195 in the year to 2024-12-31, 8.3\xa0% more than the 180")


def test_without_a_year_before_nothing_is_compared(facts, ledger, period):
    found = totals(facts, ledger, replace(period, previous=None))
    assert found.frame["change"].isna().all()
    assert "no full year before" in str(found.note)


def test_a_base_that_is_not_positive_gives_no_rate(facts, ledger, period):
    found = totals(facts.assign(revenue_before=-1.0), ledger, period)
    assert np.isnan(found.frame["change_share"].iloc[0])
    assert "that base is not positive" in str(found.note)


def test_unknown_costs_are_unknown_not_zero(facts, period):
    bare = Ledger(None, {"service": False}, {"service": "service_events.cost"}, has_cost=False)
    found = totals(facts, bare, period)
    assert found.frame["term"].tolist() == ["revenue"]
    by_name = {check.name: check for check in found.checks}
    assert by_name["cost_known"].passed is None
    assert "service_events.cost" in str(by_name["cost_to_serve_known"].note)


def test_margin_that_is_partly_unknown_is_a_weak_result(facts, ledger, period):
    found = totals(facts.assign(margin=[np.nan, 20.0, 10.0, 2.0, -2.0]), ledger, period)
    [check] = [c for c in found.checks if c.name == "cost_known"]
    assert check.passed is False
    # 100 of 195
    assert "1 account with 51.3\xa0% of revenue" in str(check.note)


def test_movers_stand_by_the_size_of_their_change(facts, period):
    found = movers(facts, period, length=3)
    assert found.frame["account_id"].tolist() == ["a", "e", "b"]
    assert found.frame["change"].tolist() == [50.0, -25.0, -20.0]
    # a and d rose by 60 together, b and e fell by 45
    assert "2 accounts brought 60 more" in str(found.note)
    assert "2 brought 45 less" in str(found.note)


def test_movers_need_a_year_before_and_a_move(facts, period):
    assert "Two years" in str(movers(facts, replace(period, previous=None), length=3).note)
    still = facts.assign(revenue_before=facts["revenue"])
    assert movers(still, period, length=3).refused


def test_monthly_needs_an_amount():
    months = pd.DataFrame(
        {"month": pd.date_range("2024-01-01", periods=3, freq="MS"), "revenue": [1.0, 3.0, 2.0],
         "contribution": np.nan, "n_active": 1}
    )  # fmt: skip
    assert "between 1 and 3 over 3 months; the median month brought 2" in str(monthly(months).note)
    assert monthly(months.assign(revenue=0.0)).refused
    assert monthly(months.head(0)).refused


def test_headline_leaves_out_what_was_refused(facts, ledger, period):
    rng = np.random.default_rng(1)
    options = {"top_share": 0.2, "bulk_share": 0.8}
    level = {"conf_level": 0.95, "draws": 200, "rng": rng}
    full = headline(
        totals(facts, ledger, period), concentration(facts, **options, **level), **options
    )
    assert list(full) == [
        "revenue", "revenue_change", "contribution", "top_share_revenue", "bulk_accounts",
    ]  # fmt: skip
    one = facts.head(1)
    alone = totals(one, ledger, replace(period, previous=None))
    assert list(headline(alone, concentration(one, **options, **level), **options)) == [
        "revenue", "contribution",
    ]  # fmt: skip
