"""What to do now: each rule speaks where it should and is silent elsewhere, in both languages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Sentence, Style, say, sentences
from kamlib.loyalty.actions import MOST, next_actions
from kamlib.loyalty.holdout import holdout_design
from kamlib.loyalty.holdout_assignment import assignment
from kamlib.loyalty.indicators.behaviour import ALL
from kamlib.loyalty.indicators.matrix import CLASSES
from kamlib.loyalty.programme_return import programme_return
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Estimate, one_row, refusal
from tests.loyalty.effect_rows import finding, judged_by_hand  # type: ignore[import-not-found]
from tests.loyalty.holdout_rows import facts_of, years  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()


def steps(*findings, act_from=0.8):
    """Return the steps by the last part of their key, having seen that they can be said."""
    found = next_actions(*findings, act_from=act_from)
    assert all(say(step, Style(language, "EUR")) for step in found for language in ("en", "zh"))
    return {step.key.removeprefix("loyalty_action."): step for step in found}


def estimate(name, rows, **summary):
    note = Sentence("loyalty_action.none")
    return Estimate(name, pd.DataFrame(rows), one_row(1, "by hand", **summary), note)


def paid(chance, *, needed=0.03, grade="A", low=-5.0, high=9.0, code=None):
    rows = [
        # of as high a chance, and of less evidence
        {"comparison": "whole programme", "evidence_grade": "C", "chance_paid": chance,
         "net_value_low": 1.0, "net_value_high": 2.0, "refusal_code": None},
        {"comparison": "level 1 by lot", "evidence_grade": grade, "chance_paid": chance,
         "net_value_low": low, "net_value_high": high, "refusal_code": code},
    ]  # fmt: skip
    return estimate(
        "programme_return", rows, chance_paid=chance, break_even_share=needed, grade=grade
    )


@pytest.mark.parametrize(
    ("chance", "expected"),
    [
        (0.95, "go_on"),
        (0.8, "go_on"),
        (0.79, "weak"),
        (0.21, "weak"),
        (0.2, "stop"),
        (0.01, "stop"),
    ],
)
def test_go_on_wait_or_stop(chance, expected):
    found = steps(paid(chance))
    assert list(found) == [expected]
    assert found[expected].values["chance"] == chance
    assert found[expected].values["grade"] == "A"


def test_who_would_not_have_seen_a_return_does_not_stop_for_want_of_one():
    assert list(steps(paid(0.1, code="HORIZON_BEYOND_DATA"))) == ["stop"]
    assert list(steps(paid(0.1, code="HORIZON_BEYOND_DATA, EXAGGERATION"))) == ["weak"]
    assert list(steps(paid(0.9, code="EXAGGERATION"))) == ["go_on"]


def test_the_chance_asked_for_is_the_readers_own():
    assert list(steps(paid(0.7), act_from=0.7)) == ["go_on"]
    found = steps(paid(0.7), act_from=0.9)
    assert "90" in str(found["weak"])


def test_the_range_is_that_of_the_best_comparison():
    values = steps(paid(0.9))["go_on"].values
    assert (values["low"], values["high"]) == (-5.0, 9.0)


def test_no_return_is_claimed_where_none_is_known():
    found = steps(paid(np.nan, grade="D"))
    assert list(found) == ["unknown"]
    assert "3.0" in str(found["unknown"])
    assert list(steps(paid(np.nan, needed=np.nan, grade="D"))) == ["none"]


def test_costs_are_asked_for_where_there_are_none():
    rng = np.random.default_rng(1)
    one = judged_by_hand("whole programme", 0, finding("C", 0.1, 0.01))
    given = {"margin_known": True, "cost_missing": 0.0, "n_months": 60, "rng": rng}
    assert list(steps(programme_return((one,), None, RULES, **given))) == ["book_costs"]
    # no programme, or no costs, and nothing that could be compared
    assert list(steps(programme_return((), None, RULES, **given))) == ["record"]
    assert list(steps(refusal("programme_return", "programme_effect.nothing"))) == ["none"]


@pytest.fixture(scope="module")
def trial():
    facts = facts_of(years(np.random.default_rng(1)))
    return holdout_design(facts, RULES, needed=None), assignment(facts, RULES)


def graded(best):
    return estimate("programme_effects", [{"comparison": "whole programme"}], best_grade=best)


def test_a_trial_is_asked_for_until_there_was_one(trial):
    plan, drawn = trial
    found = steps(plan, drawn, graded("C"))["trial"].values
    assert found["n"] == len(drawn.frame)
    assert found["groups"] == 140
    # of the lengths that the records can tell the one nearest to a year
    assert found["months"] == 12
    assert found["least"] == plan.frame.set_index("trial_months").loc[12, "detectable"]
    assert "trial" in steps(plan, drawn)
    assert list(steps(plan, drawn, graded("A"))) == ["none"]
    assert list(steps(plan, refusal("holdout_assignment", "loyalty_action.none"))) == ["none"]
    assert list(steps(refusal("holdout_design", "loyalty_action.none"), drawn)) == ["none"]


def classes(**counts):
    rows = [
        {"group": group, "loyalty_class": name, "n_accounts": counts.get(name.split()[0], 0),
         "class_share": 0.1, "revenue": 1e6}
        for group in ("gold", ALL) for name in CLASSES
    ]  # fmt: skip
    return estimate("loyalty_matrix", rows)


def test_accounts_without_conviction_or_without_orders():
    assert list(steps(classes(true=5, no=3))) == ["none"]
    found = steps(classes(spurious=7, latent=4))
    assert list(found) == ["spurious", "latent"]
    assert (found["spurious"].values["n"], found["latent"].values["n"]) == (7, 4)
    assert list(steps(refusal("loyalty_matrix", "loyalty_action.none"))) == ["none"]


def test_what_a_point_of_retention_is_worth():
    rows = [
        {"clv_gain": 5e5, "affordable_spend": 40.0},
        {"clv_gain": 9e6, "affordable_spend": 90.0},
    ]
    found = steps(estimate("worth_of_retention", rows))["retain"].values
    # of one point, not of five
    assert found == {"gain": 5e5, "spend": 40.0}
    assert list(steps(refusal("worth_of_retention", "loyalty_economics.no_rate"))) == ["none"]


def more(low):
    rows = [
        {"tier": "gold", "programme_level": 1, "marginal_gain": 1.1, "marginal_low": 1.05,
         "marginal_high": 1.2},
        {"tier": "iron", "programme_level": 2, "marginal_gain": 2.0, "marginal_low": low,
         "marginal_high": 3.0},
    ]  # fmt: skip
    return estimate("marginal_return", rows)


def test_money_goes_where_it_surely_comes_back():
    assert steps(more(1.2))["move"].values["tier"] == "iron"
    # the best may bring less than it takes
    assert list(steps(more(0.9))) == ["none"]
    assert list(steps(more(1.0))) == ["none"]


def test_amounts_that_never_varied_are_to_be_varied():
    never = refusal("marginal_return", "loyalty_economics.never_varied", n=2, need=3)
    assert list(steps(never)) == ["vary"]
    assert list(steps(refusal("marginal_return", "loyalty_economics.no_member_years"))) == ["none"]


def helped(*grades):
    return estimate("measures_taken", [{"evidence_grade": grade} for grade in grades])


def test_measures_whose_figures_are_no_effects():
    assert steps(helped("D", "C", "R"))["helped"].values["n"] == 2
    assert list(steps(helped("B", "C"))) == ["none"]
    assert list(steps(refusal("measures_taken", "loyalty_measures_taken.none"))) == ["none"]


def test_nothing_to_do():
    assert list(steps()) == ["none"]
    # results of other names say nothing here
    assert list(steps(estimate("win_or_keep", [{"n": 1}]))) == ["none"]


def test_at_most_seven_and_the_most_urgent_first(trial):
    all_of_them = (helped("D"), classes(spurious=1, latent=1), more(1.5), *trial,
                   estimate("worth_of_retention", [{"clv_gain": 1.0, "affordable_spend": 1.0}]),
                   paid(0.5))  # fmt: skip
    found = next_actions(*all_of_them, act_from=0.8)
    assert len(found) == MOST == 7
    keys = [step.key.removeprefix("loyalty_action.") for step in found]
    assert keys == ["weak", "trial", "spurious", "retain", "move", "latent", "helped"]
    # the order in which findings come changes nothing
    assert next_actions(*all_of_them[::-1], act_from=0.8) == found


VALUES = {
    "chance": 0.4, "grade": "C", "need": 0.8, "low": -1e5, "high": 2e6, "needed": 0.02, "n": 3,
    "groups": 2, "months": 12, "least": 40.0, "share": 0.25, "revenue": 1e6, "gain": 2.5,
    "spend": 60.0, "tier": "gold", "at": 2, "claimed": 1, "comparison": "level 1 by lot",
    "why": Sentence("loyalty_action.none"), "mend": Sentence("loyalty_action.none"),
    "note": Sentence("loyalty_action.none"), "level": 0.95, "left": 4, "gain_per_month": 80.0,
    "gain_month_low": 40.0, "gain_month_high": 120.0, "cost_per_member_month": 30.0,
    "member_months": 100.0, "net_value": 5e3, "net_value_low": 1e3, "net_value_high": 9e3,
    "roi": 1.6, "roi_low": 0.4, "roi_high": 3.0, "chance_paid": 0.99, "break_even_share": 0.03,
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "key",
    [key for key in sentences() if key.split(".")[0] in ("programme_effect", "loyalty_action")],
)
def test_every_sentence_can_be_said_with_one_and_with_many(key, language):
    for n in (1, 3):
        told = say(Sentence(key, VALUES | {"n": n, "claimed": n}), Style(language, "EUR"))
        assert told
        assert "{" not in told
        assert "–" not in told
        chinese = any("一" <= letter <= "鿿" for letter in told)
        assert chinese == (language == "zh")
