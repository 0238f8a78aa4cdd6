"""A budget split by what spending brings: facts by hand, recovery of a known curve, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.accounts import ledger
from kamlib.glossary import Style, say
from kamlib.loyalty.budget import allocation, marginal_return, responses, spend_tried
from kamlib.loyalty.budget_facts import budget_facts
from kamlib.loyalty.economics_facts import economics_facts
from kamlib.loyalty.response import fit_response, spend_levels
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.economics_rows import AS_OF, TABLES, cost  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams(draws=200)
AMOUNTS = (100.0, 400.0, 1_000.0, 2_000.0)


def sound(estimate):
    assert set(estimate.frame.columns) <= set(glossary.columns())
    told = [estimate.note, *(check.note for check in estimate.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return {check.name: check.passed for check in estimate.checks}


def cell(rng, n, ceiling, pace, *, tier="gold", level=2, noise=300.0, amounts=AMOUNTS):
    """Return two years of n members on whom amounts drawn by lot were spent."""
    parts = []
    for ago in (1, 0):
        spend = rng.choice(amounts, n)
        before = 5_000 + 2_000 * rng.standard_normal(n)
        brought = 400 * ago + 0.9 * before + ceiling * -np.expm1(-pace * spend)
        parts.append(pd.DataFrame(
            {"account_id": [f"{tier}{level}-{k}" for k in range(n)], "years_ago": ago,
             "tier": tier, "level": level, "named": spend, "spend": spend + 50.0,
             "contribution": brought + noise * rng.standard_normal(n),
             "contribution_before": before}
        ))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def unit(small):
    extra = [
        cost("2024-03-01", "service", 30, 1, "a"),
        cost("2024-05-01", "communication", 5, None, "a"),
        cost("2024-05-01", "service", 12, 2),
        cost("2024-06-01", "reward", 99, 1, "a"),
        cost("2024-06-01", "service", 8, 1, "e"),
    ]
    tiers = [
        {"account_id": "a", "tier": "gold", "valid_from": "2023-02-01"},
        {"account_id": "a", "tier": "iron", "valid_from": "2024-02-01"},
    ]
    costs = TABLES["programme_costs"] + extra
    book = small.open(TABLES | {"programme_costs": costs, "tier_decisions": tiers}, as_of=AS_OF)
    return book, economics_facts(book, ledger(book))


def test_facts(unit):
    found = budget_facts(*unit)
    by = found.set_index(["account_id", "years_ago"])
    # a in 2023 and 2024, b in 2024: each a member at one level throughout, and known the year before
    assert sorted(by.index) == [("a", 0), ("a", 1), ("b", 0)]
    # on 1 January 2024 a was gold; rewards are no decision on it; e was never a member
    assert by.loc[("a", 0)].tolist() == ["gold", 1, 35, 35, 30, 40]
    assert by.loc[("a", 1)].tolist() == ["unknown", 1, 0, 0, 40, 40]
    # all that names level 2 only falls on its one member
    assert by.loc[("b", 0)].tolist() == ["unknown", 2, 0, 12, 80, 74]


def test_no_facts(small):
    tables = {n: TABLES[n] for n in ("transactions", "visits", "programme")}
    book = small.open(tables, as_of=AS_OF)
    found = budget_facts(book, economics_facts(book, ledger(book)))
    assert found is None
    tried = spend_tried(found)
    for refused in (tried, marginal_return(tried, {}, RULES), allocation(tried, {}, RULES)):
        assert refused.refused
        assert "programme_costs" in str(refused.note)
        sound(refused)


def test_levels_of_spend():
    who = pd.Series(range(15))
    # 95 and 105 are one amount: a tenth of the mean of 150 is 15
    assert spend_levels(pd.Series([95.0, 105, 250] * 5), who) == 2
    # four accounts do not make a level
    assert spend_levels(pd.Series([100.0] * 11 + [200.0] * 4), who) == 1
    # nor does one account in many years
    assert spend_levels(pd.Series([100.0, 200.0, 300.0] * 5), pd.Series([1] * 15)) == 0
    assert spend_levels(pd.Series([0.0] * 15), who) == 1


def test_a_known_curve_is_found():
    rng = np.random.default_rng(20261122)
    rows = cell(rng, 300, 3_000.0, 1 / 600)
    before = rows.copy()
    fit = fit_response(rows, draws=200, caution=0.2, rng=rng)
    pd.testing.assert_frame_equal(rows, before)
    # spend is 50 more than what names the account
    truth = 3_000 / 600 * np.exp(-(fit.now - 50) / 600)
    low, high = np.quantile(fit.draws, [0.025, 0.975])
    assert low <= truth <= high
    assert fit.marginal == pytest.approx(truth, rel=0.25)
    assert fit.pace == pytest.approx(1 / 600, rel=0.25)
    # above the least spend: 3,000 · e^(−100 / 600)
    assert fit.ceiling == pytest.approx(3_000 * np.exp(-100 / 600), rel=0.15)
    assert (fit.low, fit.high, fit.n_accounts, fit.n_rows, fit.n_now) == (150, 2050, 300, 600, 300)


def test_the_interval_of_the_marginal_return_holds_the_truth():
    rng = np.random.default_rng(20261123)
    held, runs = 0, 60
    for _ in range(runs):
        fit = fit_response(cell(rng, 150, 3_000.0, 1 / 600), draws=200, caution=0.2, rng=rng)
        truth = 3_000 / 600 * np.exp(-(fit.now - 50) / 600)
        low, high = np.quantile(fit.draws, [0.025, 0.975])
        held += low <= truth <= high
    # .95 less three binomial errors of 60 draws is .866
    assert held / runs >= 0.866


def test_a_straight_line_moves_no_budget():
    rng = np.random.default_rng(1)
    rows = cell(rng, 200, 0.0, 1.0)
    rows["contribution"] += 2.0 * rows["named"]
    fitted = responses(rows, RULES, rng)
    tried = spend_tried(rows)
    found = marginal_return(tried, fitted, RULES)
    assert sound(found) == {"responses_bend": False, "not_an_experiment": None}
    row = found.frame.iloc[0]
    assert row["response_form"] == "straight line"
    assert row["marginal_low"] <= 2.0 <= row["marginal_high"]
    split = allocation(tried, fitted, RULES)
    assert split.refused
    assert "returns fall as more is spent" in str(split.note)


def test_spending_that_never_varied_is_refused():
    rng = np.random.default_rng(1)
    rows = cell(rng, 200, 3_000.0, 1 / 600, amounts=(500.0,))
    tried = spend_tried(rows)
    sound(tried)
    assert tried.frame["n_spend_levels"].tolist() == [1]
    fitted = responses(rows, RULES, rng)
    assert fitted == {}
    for refused in (marginal_return(tried, fitted, RULES), allocation(tried, fitted, RULES)):
        assert refused.refused
        assert sound(refused) == {refused.name: None}
        assert "spending never varied" in str(refused.note)
        assert "1 amount was tried at the most" in str(refused.note)
    # another amount in each year, the same for all within it
    parts = [rows.assign(years_ago=k, named=100.0 * (k + 1)) for k in range(4)]
    assert responses(pd.concat(parts), RULES, rng) == {}
    empty = spend_tried(rows.head(0))
    assert "No member stood at one level" in str(empty.note)


@pytest.fixture(scope="module")
def two():
    rng = np.random.default_rng(7)
    rows = pd.concat(
        [
            # at gold 2 money brings much, at iron 1 little; lead 3 was always given the same
            cell(rng, 200, 6_000.0, 1 / 700),
            cell(rng, 200, 900.0, 1 / 700, tier="iron", level=1, noise=60.0),
            cell(rng, 20, 0.0, 1.0, tier="lead", level=3, amounts=(100.0,)),
        ],
        ignore_index=True,
    )
    return spend_tried(rows), responses(rows, RULES, rng)


def test_marginal_return_by_tier_and_level(two):
    found = marginal_return(*two, RULES)
    assert sound(found) == {"responses_bend": True, "not_an_experiment": None}
    frame = found.frame
    assert list(zip(frame["tier"], frame["programme_level"], strict=True)) == [
        ("gold", 2), ("iron", 1)
    ]  # fmt: skip
    assert frame["n_spend_levels"].tolist() == [4, 4]
    assert (frame["marginal_low"] < frame["marginal_gain"]).all()
    assert (frame["marginal_gain"] < frame["marginal_high"]).all()
    assert "brings most at tier gold, level 2" in str(found.note)


def test_money_moves_to_where_it_brings_more(two):
    found = allocation(*two, RULES)
    assert sound(found) == {"whole_programme": False, "not_an_experiment": None}
    frame = found.frame.set_index("tier")
    assert frame.loc["gold", "spend_change"] > 0 > frame.loc["iron", "spend_change"]
    # without a stated budget, what is spent now
    assert frame["spend"].sum() == pytest.approx(frame["spend_now"].sum())
    assert found["gain"] == pytest.approx(frame["gain_change"].sum())
    assert 0 < found["gain_low"] < found["gain"] < found["gain_high"]
    # no account below or above what was tried: 150 to 2,050
    each = frame["spend"] / frame["n_accounts"]
    assert each.between(150 - 1e-6, 2_050 + 1e-6).all()
    inside = each.between(151, 2_049)
    assert frame.loc[inside, "marginal_gain"].to_numpy() == pytest.approx(
        float(found["shadow_price"]), rel=1e-6
    )


def test_a_budget_that_is_stated(two):
    rich = allocation(*two, LoyaltyRoiParams(budget=10_000_000))
    # all that was tried, and the rest is left
    assert rich["spent"] == pytest.approx(2 * 200 * 2_050)
    poor = allocation(*two, LoyaltyRoiParams(budget=1_000))
    assert poor.refused
    assert "less than the least that was tried" in str(poor.note)
    more = allocation(*two, LoyaltyRoiParams(budget=500_000))
    less = allocation(*two, LoyaltyRoiParams(budget=200_000))
    assert more["gain"] > less["gain"]
    assert more["shadow_price"] < less["shadow_price"]


def test_the_more_cautious_the_less_goes_where_little_is_known():
    rng = np.random.default_rng(3)
    rows = pd.concat(
        [
            cell(rng, 200, 3_000.0, 1 / 700, noise=60.0),
            cell(rng, 200, 3_000.0, 1 / 700, tier="iron", level=1, noise=900.0),
        ]
    )
    tried, fitted = spend_tried(rows), responses(rows, RULES, rng)
    iron = [
        allocation(tried, fitted, LoyaltyRoiParams(caution=caution)).frame["spend"].iloc[1]
        for caution in (0.05, 0.2, 0.5)
    ]
    assert iron[0] < iron[1] < iron[2]
