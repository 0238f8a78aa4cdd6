"""Did it pay: by hand, from the effect and the cost of a member and month, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from kamlib import glossary
from kamlib.glossary import Style, say
from kamlib.loyalty.member_costs import MemberCosts
from kamlib.loyalty.programme_return import gain_per_month, headline, months_of, programme_return
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.effect_rows import finding, judged_by_hand, records  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams(draws=400)
COSTS = MemberCosts(
    pd.DataFrame(
        {"cost": [3000.0, 2000.0, 0.0], "member_months": [100.0, 40.0, 0.0]},
        index=pd.Index([1, 2, 3], name="programme_level"),
    ),
    set_up=1400.0,
    members={1: 10, 2: 5, 3: 0},
)
Z = float(norm.ppf(0.975))
GAIN = ["gain_per_month", "net_value", "roi", "chance_paid", "npv", "payback_months"]


def returned(*judged, rules=RULES, costs=COSTS, margin_known=True, missing=0.0, n_months=60):
    found = programme_return(
        judged, costs, rules, margin_known=margin_known, cost_missing=missing, n_months=n_months,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert set(found.frame.columns) <= set(glossary.columns())
    told = [found.note, *(check.note for check in found.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return found


def by_lot(value=0.04, error=0.01, grade="A", joined=(True, False, False), **more):
    found = finding(grade, value, error)
    return judged_by_hand(
        "level 1 by lot", 1, found, assigned_on=more.pop("at", 36), joined=joined, **more
    )


def only(found):
    return found.frame.iloc[0]


def test_what_a_member_brings_more_in_a_month():
    # 0.04 of 1,000, the mean of 800 and 1,200, and half of those drawn took part
    assert gain_per_month(by_lot(), 0.95) == pytest.approx((80.0, 20.0))
    whole = judged_by_hand("whole programme", 0, finding("C", 0.04, 0.01, term="att_ratio"))
    assert gain_per_month(whole, 0.95) == pytest.approx((40.0, 10.0))
    # told in money already
    money = judged_by_hand("whole programme", 0, finding("C", 7.0, 2.0, term="att"))
    assert gain_per_month(money, 0.95) == pytest.approx((7.0, 2.0))
    # nobody took part because of the lot, and no effect is told
    assert np.isnan(gain_per_month(by_lot(joined=(False, False, False)), 0.95)).all()
    assert np.isnan(gain_per_month(by_lot(grade="D"), 0.95)).all()


def test_the_level_of_the_interval_does_not_change_the_error():
    rules = LoyaltyRoiParams(draws=400, conf_level=0.8)
    one = judged_by_hand(
        "level 1 by lot", 1, finding("A", 0.04, 0.01, conf_level=0.8), assigned_on=36,
        joined=(True, False, False),
    )  # fmt: skip
    row = only(returned(one, rules=rules))
    half = 20 * float(norm.ppf(0.9))
    assert (row["gain_month_low"], row["gain_month_high"]) == pytest.approx((80 - half, 80 + half))


def test_return_by_hand():
    found = returned(by_lot())
    row = only(found)
    assert (row["n_members"], row["member_months"], row["cost_per_member_month"]) == (10, 100, 30)
    assert row["break_even_share"] == pytest.approx(0.03)
    assert row["gain_per_month"] == pytest.approx(80)
    assert row["gain_month_low"] == pytest.approx(80 - 20 * Z)
    # 100 member-months: 8,000 ± 2,000 gained for 3,000
    assert row["net_value"] == pytest.approx(5000)
    assert row["net_value_low"] == pytest.approx(5000 - 2000 * Z)
    assert row["roi"] == pytest.approx(8 / 3 - 1)
    assert row["roi_low"] == pytest.approx((8000 - 2000 * Z) / 3000 - 1)
    assert row["roi_high"] == pytest.approx((8000 + 2000 * Z) / 3000 - 1)
    assert row["chance_paid"] == pytest.approx(norm.cdf(2.5))
    assert found["chance_paid"] == row["chance_paid"]
    assert row["refusal_code"] is None
    assert [check.passed for check in found.checks] == [True]
    assert found.note.key == "programme_effect.return"
    assert "99.4" in str(found.note)


def test_present_value_and_payback_by_hand():
    rules = LoyaltyRoiParams(draws=400, discount_rate=0.0, horizon_months=24)
    row = only(returned(by_lot(error=0.0), rules=rules))
    # of the set-up 1,400 × 100 ÷ 140 fall to level 1, 10 of the 30 of a month; ten members bring
    # 800 and cost 200 a month
    assert (row["npv"], row["npv_from"], row["npv_to"]) == pytest.approx([24 * 600 - 1000] * 3)
    assert row["payback_months"] == pytest.approx(1000 / 600)
    rate = 1.1 ** (1 / 12) - 1
    discounted = sum(600 / (1 + rate) ** k for k in range(1, 25)) - 1000
    row = only(returned(by_lot(error=0.0), rules=rules.model_copy(update={"discount_rate": 0.1})))
    assert row["npv"] == pytest.approx(discounted)
    # an effect that is not known for sure: 10 members × 24 months × 20
    row = only(returned(by_lot(), rules=rules))
    assert row["npv_to"] - row["npv_from"] == pytest.approx(2 * Z * 4800, rel=0.2)


def test_a_level_beyond_another_costs_what_it_takes_beyond_and_sets_nothing_up():
    rules = LoyaltyRoiParams(draws=400, discount_rate=0.0, horizon_months=24)
    one = judged_by_hand("level 2 over level 1", 2, finding("B", 0.05, 0.0, term="att_ratio"))
    row = only(returned(one, rules=rules))
    assert (row["cost_per_member_month"], row["break_even_share"]) == pytest.approx((20, 0.02))
    # 50 a month of gain and 20 of cost, over 40 member-months
    assert row["net_value"] == pytest.approx(40 * 30)
    assert row["roi"] == pytest.approx(1.5)
    # five members over two years, and nothing laid out
    assert (row["npv"], row["payback_months"]) == pytest.approx((5 * 24 * 30, 0.0))


def test_the_whole_programme():
    rules = LoyaltyRoiParams(draws=400, discount_rate=0.0, horizon_months=24)
    row = only(returned(judged_by_hand("whole programme", 0, finding("C", 0.05, 0.0)), rules=rules))
    assert (row["n_members"], row["member_months"]) == (15, 140)
    assert row["net_value"] == pytest.approx(140 * 50 - 5000)
    # of 5,000 ÷ 140 a month 10 are set-up
    assert row["npv"] == pytest.approx(24 * 15 * (50 - (5000 / 140 - 10)) - 1400)


@pytest.mark.parametrize("grade", ["D", "R"])
def test_without_an_effect_only_what_it_would_take_is_told(grade):
    found = returned(by_lot(grade=grade))
    row = only(found)
    assert row[GAIN].isna().all()
    assert (row["break_even_share"], row["cost_per_member_month"]) == pytest.approx((0.03, 30))
    assert row["refusal_code"].split(", ")[0] == "NO_CAUSE"
    assert found.note.key == "programme_effect.break_even"
    assert [check.passed for check in found.checks] == [False]
    assert "3.0" in str(found.note)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("COST_MISSING", {"missing": 0.5}),
        ("MARGIN_MISSING", {"margin_known": False}),
    ],
)
def test_without_costs_or_a_margin_no_return_is_told(code, given):
    row = only(returned(by_lot(), **given))
    assert row["refusal_code"] == code
    assert row[GAIN].isna().all()


def test_nothing_is_valued_far_beyond_what_was_seen():
    rules = LoyaltyRoiParams(draws=400, horizon_months=24)
    # drawn in month 49 of 60: eleven months seen, twice of which is less than 24
    row = only(returned(by_lot(at=49), rules=rules))
    assert row["refusal_code"] == "HORIZON_BEYOND_DATA"
    assert np.isfinite(row["roi"])
    assert np.isnan(row[["npv", "npv_from", "npv_to", "payback_months"]].astype(float)).all()
    assert only(returned(by_lot(at=48), rules=rules))["refusal_code"] is None
    # members that joined in month 50
    late = judged_by_hand("whole programme", 0, finding("C", 0.05, 0.01), start=50)
    assert "HORIZON_BEYOND_DATA" in only(returned(late, rules=rules))["refusal_code"]
    # with a word on how it fades it is valued: full for eleven months, then 10 % less a month
    fading = rules.model_copy(update={"fade": 0.1, "discount_rate": 0.0})
    row = only(returned(by_lot(at=49, error=0.0), rules=fading))
    gain = 800 * (11 + sum(0.9**k for k in range(1, 14)))
    assert row["npv"] == pytest.approx(gain - 24 * 200 - 1000)


def test_a_lot_that_made_nobody_join_says_nothing_per_member():
    found = returned(by_lot(joined=(False, False, False)))
    assert only(found)["refusal_code"] == "CROSSOVER"
    assert only(found)[GAIN].isna().all()
    assert [check.passed for check in found.checks] == [False]
    assert found.note.key == "programme_effect.break_even"


def test_a_chance_too_small_to_be_found_is_said_beside_the_figures():
    # the cost, 3,000, against an error of 10,000: found in one case of sixteen
    found = returned(by_lot(error=0.05))
    assert only(found)["refusal_code"] == "EXAGGERATION"
    assert np.isfinite(only(found)["roi"])
    assert [check.passed for check in found.checks] == [False]


def test_a_level_without_members_so_far_has_no_return():
    one = judged_by_hand("level 3 by lot", 3, finding("A", 0.05, 0.01), assigned_on=36)
    row = only(returned(one))
    assert "COST_MISSING" in row["refusal_code"]
    assert row[[*GAIN, "cost_per_member_month", "break_even_share"]].isna().all()


def test_the_best_comparison_is_the_headline():
    worse = judged_by_hand("whole programme", 0, finding("C", 0.01, 0.001))
    found = returned(worse, by_lot())
    assert found.frame["comparison"].tolist() == ["whole programme", "level 1 by lot"]
    assert found["grade"] == "A"
    assert found["chance_paid"] == pytest.approx(norm.cdf(2.5))
    value, said = headline(found)["chance_paid"]
    assert value == found["chance_paid"]
    assert "A" in str(said)
    # two of one name: the first of the highest grade
    found = returned(by_lot(0.01, grade="B"), by_lot(0.04))
    assert found["chance_paid"] == pytest.approx(norm.cdf(2.5))


def test_the_headline_without_a_return():
    assert headline(returned(by_lot(grade="D"))) == {
        "break_even_share": (pytest.approx(0.03), None)
    }
    one = judged_by_hand("level 3 by lot", 3, finding("D", 0.05), assigned_on=36)
    assert headline(returned(one)) == {}
    assert headline(returned(costs=None)) == {}


def test_refused_without_costs_or_comparisons():
    assert returned(by_lot(), costs=None).note.key == "programme_effect.no_costs"
    assert returned(costs=None).note.key == "programme_effect.no_programme"
    assert returned().note.key == "programme_effect.nothing"
    assert (returned().refused, months_of(None)) == (True, 0)
    assert months_of(records([], ["a"], months=30)) == 30
