"""What the reader does now follows from findings, and from nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.churn.actions import next_actions
from kamlib.churn.validation import EXPECTED_LOSS, REVENUE
from kamlib.glossary import LANGUAGES, Sentence, Style, say
from kamlib.results import Estimate, one_row, refusal


def found(name, frame=None, **summary):
    frame = pd.DataFrame({"name": ["Alpha"]}) if frame is None else frame
    return Estimate(name, frame, one_row(2, "counted", **summary), Sentence("churn_action.none"))


def keys(*findings, visits=1):
    steps = next_actions(*findings, visits=visits)
    for step in steps:
        for language in LANGUAGES:
            assert "{" not in say(step, Style(language))
    return [step.key.removeprefix("churn_action.") for step in steps]


LISTED = found("watchlist", pd.DataFrame({"account_id": ["a", "b"], "name": [None, "Beta"],
                                          "expected_loss": [30.0, 10.0]}))  # fmt: skip


def captured(low, high):
    rows = pd.DataFrame({"term": "value_captured", "listed": [5, 10], "ranking": EXPECTED_LOSS,
                         "against": REVENUE, "estimate": [-0.2, 0.3], "conf_low": [low, 0.2],
                         "conf_high": [high, 0.4]})  # fmt: skip
    return found("churn_captured", rows)


def test_the_list_comes_first_and_is_named():
    (step,) = next_actions(LISTED, visits=1)
    assert step.key == "churn_action.visit"
    # an account without a name goes by its id; 30 of 40 lie with the first
    assert (step.values["first"], step.values["share"]) == ("a", 0.75)


@pytest.mark.parametrize(
    ("finding", "key"),
    [
        (captured(-0.3, -0.1), "by_revenue"),
        (found("churn_calibration", pd.DataFrame({"observed_low": [0.1], "observed_high": [0.2],
               "expected": [0.3], "estimate": [0.5]})), "look_again"),
        (found("renewals", pd.DataFrame({"months_ahead": [3, 6], "name": ["A", "B"],
               "account_id": ["a", "b"], "expected_loss": [5.0, 9.0]})), "renew"),
        (found("partial_losses"), "partial"),
        (found("manager_left_company", rate_ratio=2.0, ratio_low=1.5, ratio_high=3.0), "hand_over"),
        (found("incidence_by_reason", top="price", top_share=0.1, horizon=12.0), "reason"),
        (refusal("incidence_by_reason", "reasons.none_known", n=3), "reasons"),
        (found("winback", share_soon=0.5), "patience"),
    ],
)  # fmt: skip
def test_a_finding_asks_for_its_step(finding, key):
    assert keys(finding) == [key]


@pytest.mark.parametrize(
    "finding",
    [
        captured(-0.3, 0.1),
        found("churn_calibration", pd.DataFrame({"observed_low": [0.1], "observed_high": [0.3],
              "expected": [0.2], "estimate": [1.0]})),
        found("manager_left_company", rate_ratio=2.0, ratio_low=0.9, ratio_high=3.0),
        found("incidence_by_reason", top="insolvent", top_share=0.1, horizon=12.0),
        found("winback", share_soon=0.1),
        refusal("watchlist", "prediction.nobody", as_of=None),
        found("watchlist", pd.DataFrame({"account_id": ["a"], "name": ["A"], "expected_loss": [0.0]})),
    ],
)  # fmt: skip
def test_what_proves_nothing_asks_for_nothing(finding):
    assert keys(finding) == ["none"]
