"""What the programme changed: planted effects are found, and none is told where none may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.accounts import ledger
from kamlib.book.simulate import simulate, units
from kamlib.glossary import Style, display, say
from kamlib.loyalty.comparisons import ABOVE, BY_LOT, WHOLE
from kamlib.loyalty.judged import retention_rise
from kamlib.loyalty.programme_effects import Terms, by_tier, effects, judge, stay_effects
from kamlib.loyalty.programme_records import programme_records
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.effect_rows import finding, judged_by_hand, planted, records  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()
TOLD = ["effect_share", "effect_share_low", "effect_share_high"]


def climbed(made, rules=RULES, *, margin_known=True, cost=None, missing=0.0):
    terms = Terms(cost or {}, missing)
    return judge(made, rules, terms, margin_known=margin_known, rng=np.random.default_rng(1))


def sound(estimate):
    assert set(estimate.frame.columns) <= set(glossary.columns())
    told = [estimate.note, *(check.note for check in estimate.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    return estimate


def rows_of(judged):
    return sound(effects(judged)).frame.set_index(["comparison", "outcome"])


@pytest.fixture(scope="module")
def found():
    return climbed(planted(3))


def test_a_planted_effect_is_found(found):
    rows = rows_of(found)
    lot = rows.loc["level 1 by lot"]
    assert lot.loc["contribution", "evidence_grade"] == "A"
    # 10 % of what is usual, of which 0.4 is contribution; both in percent of usual revenue
    for outcome, true in (("contribution", 0.04), ("revenue", 0.10)):
        assert 0 < lot.loc[outcome, "effect_share_low"] < true
        assert true < lot.loc[outcome, "effect_share_high"]
        whole = rows.loc[("whole programme", outcome)]
        assert whole["evidence_grade"] in ("B", "C")
        assert whole["effect_share_low"] < true < whole["effect_share_high"]
    contribution, revenue = (lot.loc[o, "effect_share"] for o in ("contribution", "revenue"))
    assert contribution == pytest.approx(0.4 * revenue)
    # orders were not touched
    orders = lot.loc["n_orders"]
    assert orders["effect_share_low"] < 0 < orders["effect_share_high"]
    assert lot[["n_treated", "n_control"]].to_numpy().tolist() == [[120, 120]] * 3
    assert effects(found)["best_grade"] == "A"


def test_an_effect_on_contribution_is_in_percent_of_revenue_also_where_all_months_are_positive():
    made = planted(2, zeros=False)
    assert (made.panel["contribution"] > 0).all()
    lot = rows_of(climbed(made)).loc["level 1 by lot"]
    contribution, revenue = (lot.loc[o, "effect_share"] for o in ("contribution", "revenue"))
    assert contribution == pytest.approx(0.4 * revenue)
    assert lot.loc["contribution", "effect_share_low"] < 0.04
    assert lot.loc["contribution", "effect_share_high"] > 0.04


def test_every_outcome_of_every_comparison_has_a_row(found):
    frame = effects(found).frame
    assert frame["comparison"].unique().tolist() == [
        "level 1 by lot", "whole programme", "level 1 over none",
    ]  # fmt: skip
    assert frame["outcome"].tolist() == 3 * ["contribution", "revenue", "n_orders"]
    claimed = frame["evidence_grade"].isin(["A", "B", "C"])
    assert frame.loc[claimed, [*TOLD, "conf_level"]].notna().all(axis=None)
    # a reason for all that is less than by chance
    assert frame.loc[frame["evidence_grade"].isin(["B", "C"]), "refusal_code"].notna().all()
    assert frame.loc[frame["evidence_grade"] == "A", "refusal_code"].isna().all()


def leaving(seed, *, kept=0.0):
    """Return records in which accounts leave at 3 % a month, those drawn at `kept` less of it."""
    made = planted(seed, n=400, effect=0.0, zeros=False, months=48, at=18)
    rng = np.random.default_rng(seed)
    inside = made.accounts["account_id"].isin(made.stays["account_id"]).to_numpy()
    # at the earliest in the second month after the draw
    left = rng.geometric(np.where(inside, 0.03 * (1 - kept), 0.03)) + 18
    gone = np.tile(np.arange(48), 400) >= np.repeat(left, 48)
    columns = ["contribution", "revenue", "n_orders"]
    return replace(made, panel=made.panel.assign(**made.panel[columns].mul(~gone, axis=0)))


def test_months_stayed_by_lot():
    found = climbed(leaving(1, kept=0.8))
    rows = sound(stay_effects(found)).frame.set_index("comparison")
    lot = rows.loc["level 1 by lot"]
    assert (lot["evidence_grade"], lot["horizon_months"]) == ("A", 24.0)
    # of 24 months, within which stays at 3 % and 0.6 % a month come to Σ 0.97^k and Σ 0.994^k
    true = sum(0.994**k - 0.97**k for k in range(24))
    assert 0 < lot["stay_gain_low"] < true < lot["stay_gain_high"]
    assert lot["share_gain"] == pytest.approx(100 * (0.994**24 - 0.97**24), abs=15)
    assert lot[["n_treated", "n_control"]].sum() == 400
    # of a year's part of the two years
    rise = retention_rise(found)
    assert rise.value == pytest.approx(lot["share_gain"] / 100 / 2)
    assert rise.error > 0


def test_months_stayed_where_nobody_leaves_are_not_told(found):
    stayed = sound(stay_effects(found))
    assert stayed.frame["evidence_grade"].isin(["D", "R"]).all()
    assert stayed.frame[["stay_gain", "stay_gain_low", "share_gain"]].isna().all(axis=None)
    assert stayed.note.key == "programme_effect.stay_none"
    assert sound(stay_effects(())).refused


def test_the_same_records_and_seed_give_the_same_and_stay_as_they_are():
    made = planted(5, n=120)
    before = made.panel.copy(), made.accounts.copy()
    pd.testing.assert_frame_equal(effects(climbed(made)).frame, effects(climbed(made)).frame)
    pd.testing.assert_frame_equal(made.panel, before[0])
    pd.testing.assert_frame_equal(made.accounts, before[1])


def test_without_a_margin_no_effect_on_contribution_is_told():
    made = planted(3, n=120)
    bare = replace(made, panel=made.panel.assign(contribution=np.nan))
    rows = rows_of(climbed(bare, margin_known=False))
    contribution = rows.xs("contribution", level="outcome")
    assert (contribution["evidence_grade"] == "R").all()
    assert (contribution["refusal_code"] == "MARGIN_MISSING").all()
    assert contribution[["effect_share", "naive_gap"]].isna().all(axis=None)
    # revenue needs none
    assert rows.loc[("level 1 by lot", "revenue"), "evidence_grade"] == "A"


def test_a_margin_of_which_no_month_is_known_is_none():
    made = planted(3, n=120)
    bare = replace(made, panel=made.panel.assign(contribution=np.nan))
    rows = rows_of(climbed(bare, margin_known=True)).xs("contribution", level="outcome")
    assert (rows["refusal_code"] == "MARGIN_MISSING").all()


def test_a_margin_that_is_stated_makes_contribution_of_revenue():
    made = planted(3, n=120)
    bare = replace(made, panel=made.panel.assign(contribution=np.nan))
    rows = rows_of(climbed(bare, LoyaltyRoiParams(margin=0.25), margin_known=False))
    lot = rows.loc["level 1 by lot"]
    assert lot.loc["contribution", "evidence_grade"] == "A"
    revenue = lot.loc["revenue", "effect_share"]
    assert lot.loc["contribution", "effect_share"] == pytest.approx(0.25 * revenue)
    # what the ledger knows is not overwritten
    known = rows_of(climbed(made, LoyaltyRoiParams(margin=0.25))).loc["level 1 by lot"]
    assert known.loc["contribution", "effect_share"] == pytest.approx(0.4 * revenue)


def test_grade_d_tells_the_naive_difference_only():
    # joining follows a good run: the large rise just before is what sets members apart
    made = planted(4, lot=False)
    ran = made.panel["account_id"].isin(made.stays["account_id"])
    ran &= made.panel["month"].isin(made.months[15:18])
    panel = made.panel.copy()
    panel.loc[ran, ["contribution", "revenue"]] *= 2.0
    rows = rows_of(climbed(replace(made, panel=panel)))
    one = rows.loc[("whole programme", "contribution")]
    assert one["evidence_grade"] == "D"
    assert one[[*TOLD, "conf_level"]].isna().all()
    assert np.isfinite(one["naive_gap"])
    assert one["refusal_code"]


def test_costs_lower_the_grade_where_they_are_mostly_unknown():
    made = planted(3, n=120)
    rows = rows_of(climbed(made, cost={"level 1 by lot": 20.0}, missing=0.5))
    lot = rows.loc[("level 1 by lot", "contribution")]
    assert (lot["evidence_grade"], lot["refusal_code"]) == ("B", "COST_MISSING")


def test_few_accounts_are_refused_and_nobody_is_no_crash():
    found = records([("a", 1, 20, 48), ("b", 2, 20, 48)], ["a", "b", "c"])
    rows = rows_of(climbed(found))
    assert rows.index.get_level_values("comparison").unique().tolist() == [
        "whole programme", "level 1 over none", "level 2 over level 1",
    ]  # fmt: skip
    assert (rows["evidence_grade"] == "R").all()
    assert (rows["refusal_code"] == "NO_TREATED_MIN").all()
    assert rows["effect_share"].isna().all()
    assert "None of 3 comparisons carries an effect" in str(effects(climbed(found)).note)


def test_what_is_known_only_before_cannot_be_compared():
    made = planted(1, n=80)
    before = made.panel["month"] < made.months[18]
    panel = made.panel.assign(contribution=made.panel["contribution"].where(before))
    rows = rows_of(climbed(replace(made, panel=panel))).xs("contribution", level="outcome")
    assert (rows["refusal_code"] == "NO_TREATED_MIN").all()


def test_a_trial_without_a_year_before_is_refused():
    rows = rows_of(climbed(planted(1, n=80, at=8)))
    lot = rows.loc["level 1 by lot"]
    assert (lot["refusal_code"] == "POST_TREATMENT_COVARIATE").all()


def test_nothing_to_compare():
    assert judge(None, RULES, Terms({}), margin_known=True, rng=np.random.default_rng(1)) == ()
    for nothing in ((), climbed(records([], ["a", "b"]))):
        assert sound(effects(nothing)).refused
    assert sound(by_tier(None, rng=np.random.default_rng(1))).refused


def test_a_change_of_what_there_was_none_of_before_is_not_told():
    made = planted(3, n=120)
    late = made.panel["month"] >= made.months[30]
    panel = made.panel.assign(n_interactions=made.panel["n_interactions"].where(late, 0.0))
    # visits are recorded only since month 30; level 2 is judged by them, against a year before
    stays = pd.concat([made.stays, made.stays.iloc[:20].assign(level=2, begin=30)])
    outcomes = {
        one.comparison.name: set(one.findings)
        for one in climbed(replace(made, panel=panel, stays=stays, trials=None))
    }
    assert "n_interactions" not in outcomes["level 2 over level 1"]
    assert "n_orders" in outcomes["whole programme"]


def test_the_best_comparison_by_tier(found):
    apart = sound(by_tier(found[0], rng=np.random.default_rng(1)))
    # best tier first, as it was before anybody joined
    assert apart.frame["group"].tolist() == ["gold", "iron", "lead"]
    assert (apart.frame["evidence_grade"] == "A").all()
    assert apart["conf_low"] < 0.04 < apart["conf_high"]


def test_every_comparison_has_a_name_in_both_languages():
    names = [WHOLE, *ABOVE.values(), *BY_LOT.values()]
    for name in names:
        assert display(name, "term", Style("en")) == name
        assert display(name, "term", Style("zh")) != name


def test_a_reason_is_given_for_the_last_condition_that_failed():
    codes = ("NO_ASSIGNMENT", "DRIFT", "NEGATIVE_BASE_LOG")
    frame = effects((judged_by_hand(WHOLE, 0, finding("C", 0.1, codes=codes)),)).frame
    assert frame["refusal_code"].tolist() == ["DRIFT"]


def does_nothing(name, monkeypatch):
    """Let the simulator make a unit whose programme does nothing."""
    model = units.MODELS[name]
    programme = replace(model.programme, spend_level_1=0.0, spend_level_2=0.0, spend_level_3=0.0)
    retention = replace(model.retention, level_1=0.0, level_2=0.0, level_3=0.0)
    changed = replace(model, programme=programme, retention=retention)
    monkeypatch.setitem(units.MODELS, name, changed)


def without_effect(small, seed, size):
    """Return effects on contribution that are told of a unit of telecom lines."""
    made = simulate("telecom_lines", seed=seed, size=size)
    rules = {"trial_until": "2024-12-31"}
    book = small.open(made.tables, kind="parquet", as_of="2025-12-31", loyalty_roi=rules)
    months = ledger(book)
    found = climbed(
        programme_records(book, months), book.unit.loyalty_roi, margin_known=months.has_contribution
    )
    frame = effects(found).frame
    told = frame["evidence_grade"].isin(["A", "B", "C"])
    return frame[told & (frame["outcome"] == "contribution")].set_index("comparison")


def test_a_programme_that_does_nothing_is_not_said_to_do_something(small, monkeypatch):
    does_nothing("telecom_lines", monkeypatch)
    rows = without_effect(small, 1001, 0.2)
    assert rows.loc["level 1 by lot", "evidence_grade"] in ("A", "B")
    assert (rows["effect_share_low"] < 0).all()
    assert (rows["effect_share_high"] > 0).all()


@pytest.mark.slow
def test_programmes_that_do_nothing_are_seldom_said_to_do_something(small, monkeypatch):
    does_nothing("telecom_lines", monkeypatch)
    told = pd.concat([without_effect(small, 1000 + seed, 0.4) for seed in range(10)])
    # about one in ten at most; ten trials, and as many comparisons of other kinds as are told
    wrong = (told["effect_share_low"] > 0) | (told["effect_share_high"] < 0)
    assert len(told) >= 20
    assert wrong.mean() <= 0.1
