"""Retention and what a point of it is worth: by hand, and how often the interval holds the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.accounts import ledger
from kamlib.glossary import Style, say
from kamlib.loyalty.economics_facts import economics_facts
from kamlib.loyalty.retention_worth import retention_by_year, worth_of_retention
from kamlib.params import LoyaltyRoiParams
from kamlib.stats.proportions import wilson
from tests.loyalty.economics_rows import AS_OF, TABLES  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()


@pytest.fixture(scope="module")
def one(small):
    book = small.open(TABLES, as_of=AS_OF)
    return economics_facts(book, ledger(book))


@pytest.fixture(scope="module")
def many(one):
    """Ten units like the one that can be counted by hand."""
    parts = [one.account_years.assign(account_id=one.account_years["account_id"] + str(k))
             for k in range(10)]  # fmt: skip
    return replace(one, account_years=pd.concat(parts, ignore_index=True))


def sound(estimate):
    assert set(estimate.frame.columns) <= set(glossary.columns())
    told = [estimate.note, *(check.note for check in estimate.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return {check.name: check.passed for check in estimate.checks}


def test_retention(many):
    found = retention_by_year(many, RULES)
    sound(found)
    frame = found.frame
    # of a, c, f two; of a, b, c, d two
    assert frame["n_bought"].tolist() == [30, 40]
    assert frame["n_bought_again"].tolist() == [20, 20]
    assert frame["retention_rate"].tolist() == pytest.approx([2 / 3, 1 / 2])
    low, high = wilson(20, 40, 0.95)
    assert frame[["rate_low", "rate_high"]].iloc[1].tolist() == pytest.approx(
        [float(low), float(high)]
    )
    assert found["retention_rate"] == pytest.approx(4 / 7)
    # a, b, c, d and f, ten of each
    assert found["n_obs"] == 50
    assert found["rate_low"] < 4 / 7 < found["rate_high"]
    # of the latest pair alone
    assert retention_by_year(many, LoyaltyRoiParams(economics_years=1))[
        "retention_rate"
    ] == pytest.approx(1 / 2)


def test_retention_is_refused_of_few(one):
    found = retention_by_year(one, RULES)
    assert found.refused
    assert "it takes 20" in str(found.note)
    assert worth_of_retention(one, RULES, np.random.default_rng(1)).refused
    assert retention_by_year(replace(one, years=one.years[:1]), RULES).refused


def test_worth(many):
    before = many.account_years.copy()
    found = worth_of_retention(many, RULES, np.random.default_rng(1))
    assert sound(found) == {"contribution_known": True}
    pd.testing.assert_frame_equal(many.account_years, before)
    # 2022: a 40, c 40, f 20; 2023: a 40, b 74, c 20, d 40; 2024: a 30, b 80, e 120
    margin, rate = 504 / 10, 4 / 7
    assert found["contribution"] == pytest.approx(margin)
    assert found["n_accounts"] == 30
    value = margin * rate / (1.1 - rate)
    frame = found.frame
    assert frame["clv"].tolist() == pytest.approx([value, value])
    for k, rise in enumerate((0.01, 0.05)):
        more = margin * (rate + rise) / (1.1 - rate - rise)
        assert frame.loc[k, "clv_gain"] == pytest.approx(30 * (more - value))
        assert frame.loc[k, "clv_gain_share"] == pytest.approx(more / value - 1)
        assert frame.loc[k, "accounts_kept"] == pytest.approx(30 * rise)
        # d · m (1 + i) ÷ (1 + i − r)
        spend = rise * margin * 1.1 / (1.1 - rate)
        assert frame.loc[k, "affordable_spend"] == pytest.approx(spend)
        assert frame.loc[k, "gain_low"] < frame.loc[k, "clv_gain"] < frame.loc[k, "gain_high"]
        assert frame.loc[k, "spend_low"] < spend < frame.loc[k, "spend_high"]


def test_an_unknown_contribution_counts_in_retention_alone(many):
    rows = many.account_years.copy()
    rows.loc[rows["account_id"].str.startswith("e"), "contribution"] = np.nan
    found = worth_of_retention(replace(many, account_years=rows), RULES, np.random.default_rng(1))
    assert sound(found) == {"contribution_known": False}
    assert found["contribution"] == pytest.approx(384 / 9)
    assert found["retention_rate"] == pytest.approx(4 / 7)


def test_worth_is_refused(many):
    rng = np.random.default_rng(1)
    rows = many.account_years
    lossy = replace(many, account_years=rows.assign(contribution=-rows["contribution"]))
    costless = replace(many, ledger=replace(many.ledger, has_cost=False))
    # everyone buys every year
    stays = rows[rows["account_id"].str.startswith("a")]
    stays = pd.concat([stays, stays.assign(account_id="x" + stays["account_id"])])
    for facts, rules, words in (
        (lossy, RULES, "which is no gain"),
        (costless, RULES, "transactions.cost"),
        (many, LoyaltyRoiParams(discount_rate=0), "discount rate above zero"),
        (replace(many, account_years=stays), RULES, "cannot be told from that"),
    ):
        found = worth_of_retention(facts, rules, rng)
        assert found.refused
        assert words in str(found.note)
        sound(found)


def drawn(rng, one, n):
    """Return facts of accounts that stay with chance 0.85, a year's contribution being log-normal."""
    there = np.ones(n, dtype=bool)
    size = np.exp(0.8 * rng.standard_normal(n) - 0.32)
    parts = []
    for ago in (3, 2, 1, 0):
        earned = 1_000 * size * np.exp(0.3 * rng.standard_normal(n) - 0.045)
        parts.append(pd.DataFrame(
            {"account_id": np.arange(n)[there], "years_ago": ago, "n_orders": 1.0,
             "contribution": earned[there]}
        ))  # fmt: skip
        there = there & (rng.random(n) < 0.85)
    years = (*one.years, one.years[-1])
    return replace(one, years=years, account_years=pd.concat(parts, ignore_index=True))


def test_the_interval_holds_the_truth(one):
    rng = np.random.default_rng(20261122)
    rules = LoyaltyRoiParams(draws=400)
    truth = 1_000 * (0.86 / (1.1 - 0.86) - 0.85 / (1.1 - 0.85))
    held, runs = 0, 200
    for _ in range(runs):
        found = worth_of_retention(drawn(rng, one, 200), rules, rng)
        row = found.frame.iloc[0]
        n = found["n_accounts"]
        held += row["gain_low"] / n <= truth <= row["gain_high"] / n
    # .95 less three binomial errors of 200 draws is .904
    assert held / runs >= 0.904
