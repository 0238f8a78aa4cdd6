"""Accounts that others sent: by hand, and when nothing can be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.accounts import ledger
from kamlib.glossary import Style, say
from kamlib.loyalty.economics_facts import economics_facts
from kamlib.loyalty.referrals import referral_value, referrers
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.economics_rows import AS_OF, TABLES  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()


@pytest.fixture(scope="module")
def facts(small):
    book = small.open(TABLES, as_of=AS_OF)
    return economics_facts(book, ledger(book))


def sound(estimate):
    assert set(estimate.frame.columns) <= set(glossary.columns())
    told = [estimate.note, *(check.note for check in estimate.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return {check.name: check.passed for check in estimate.checks}


def test_value(facts):
    found = referral_value(facts, RULES)
    # c and e had bought before they were sent
    assert sound(found) == {"referred_came": False, "not_an_effect": None}
    assert "2 of 4 accounts" in str(found.checks[0].note)
    sent, other = found.frame.to_dict("records")
    # b came; d, e, f and g did by themselves
    assert (sent["came_by"], sent["n_won"], other["n_won"]) == ("referred", 1, 4)
    assert (sent["revenue_first_year"], sent["cost_named"]) == (200, 30)
    assert sent["contribution_first_year"] == pytest.approx(74)
    assert (other["n_first_year"], other["n_second_year"]) == (3, 1)
    # d 40, e 120, f 20
    assert other["contribution_first_year"] == pytest.approx(60)
    assert np.isnan(other["contribution_low"])
    assert other["share_second_year"] == 0
    # d 50, e 40, f 8; g has no cost of its own
    assert other["cost_named"] == pytest.approx(98 / 3)
    assert (found["n_referrals"], found["n_came"], found["n_referrers"]) == (4, 1, 2)
    assert found["revenue"] == 400
    assert found["contribution"] == pytest.approx(154)
    assert found["difference"] == pytest.approx(14)
    assert "too few have a first year" in str(found.note)


def test_difference_of_enough(facts):
    n = 12
    won = pd.DataFrame(
        {"account_id": [f"n{k}" for k in range(n)], "won_on": pd.Timestamp("2022-02-01"),
         "month": pd.Timestamp("2022-02-01"), "n_months": 35, "acquisition_cost": 5.0,
         "revenue_first_year": 10.0, "contribution_first_year": [1, 2, 3, 4, 5, 6] * 2,
         "bought_second_year": 1.0, "revenue": 20.0, "contribution": 7.0, "years_ago": 2}
    )  # fmt: skip
    won.loc[:5, "contribution_first_year"] += 10.0
    sent = pd.DataFrame(
        {"account_id": won["account_id"][:6], "referrer_id": "a", "name": "A",
         "referred_on": pd.Timestamp("2022-02-20"),
         "first_order_on": pd.Timestamp("2022-02-15")}
    )  # fmt: skip
    found = referral_value(replace(facts, won=won, referrals=sent), RULES)
    # sent within the month in which they were won
    assert sound(found)["referred_came"]
    assert found["n_came"] == 6
    # variances 3.5 in both, 6 each: standard error √(7 / 6), Welch's df 10, t = 2.228139
    half = 2.228139 * np.sqrt(7 / 6)
    assert found["difference"] == pytest.approx(10)
    assert found["difference_low"] == pytest.approx(10 - half, abs=1e-5)
    assert found["difference_high"] == pytest.approx(10 + half, abs=1e-5)
    assert "50.0" in say(found.note, Style("en", "EUR"))


def test_referrers(facts):
    found = referrers(facts, RULES)
    sound(found)
    # a sent b, c and z; b sent e, which had come before
    assert found.frame.drop(columns="contribution_sent").to_numpy().tolist() == [
        ["a", "A", 3, 1, 400.0],
        ["b", "B", 1, 0, 0.0],
    ]
    assert found.frame["contribution_sent"].tolist() == pytest.approx([154, 0])


def test_nothing_to_say(facts):
    for estimate in (referral_value, referrers):
        unknown = estimate(replace(facts, referrals=None), RULES)
        assert unknown.refused
        assert sound(unknown) == {unknown.name: None}
        none = estimate(replace(facts, referrals=facts.referrals.head(0)), RULES)
        assert sound(none) == {none.name: True}
    nobody = referral_value(replace(facts, won=facts.won.head(0)), RULES)
    assert sound(nobody) == {"referral_value": True}
