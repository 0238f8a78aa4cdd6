"""What the reader does now follows from the findings, and the top of the report from the tables."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.book.layouts import CONTROL
from kamlib.glossary import LANGUAGES, Style, say
from kamlib.loyalty.trial_actions import headline, next_steps
from kamlib.loyalty.trial_draw import judge
from kamlib.loyalty.trial_groups import by_class
from kamlib.loyalty.trial_results import between_arms, effects
from kamlib.loyalty.trial_return import returns
from tests.loyalty.trial_rows import CALL, COSTS, LETTER, MARGIN, demo, small


def found_in(record, margin=MARGIN, costs=COSTS):
    draw, rng = judge(record), np.random.default_rng(1)
    changed = effects(record, draw, rng=rng)
    paid = returns(changed, outcome="revenue_after", margin=margin, costs=costs)
    return draw, changed, paid, between_arms(record, draw, rng=rng), by_class(record, draw)


@pytest.fixture(scope="module")
def findings():
    return found_in(demo())


def keys(steps):
    return [step.key.removeprefix("trial.") for step in steps]


def test_the_demo_sends_what_pays_and_stops_what_does_not(findings):
    steps = next_steps(*findings)
    assert keys(steps) == ["do_send", "do_stop", "do_better", "do_class", "do_hold_back"]
    assert [steps[0].values["arm"], steps[1].values["arm"]] == [LETTER, CALL]
    # after cost: 1.3175 less −2.3002, the arms compared with each other
    assert steps[2].values["value"] == pytest.approx(3.6177, abs=1e-4)
    for step in steps:
        for language in LANGUAGES:
            assert "{" not in say(step, Style(language, "EUR"))


def test_the_bar_is_the_readers(findings):
    assert keys(next_steps(*findings, act_from=0.99))[0] == "do_undecided"


def test_without_a_margin_one_is_asked_for():
    record = demo(n=3000)
    steps = keys(next_steps(*found_in(record, margin=None)))
    assert steps[0] == "do_state"
    assert "do_send" not in steps
    assert steps[-1] == "do_hold_back"


def test_without_a_fair_draw_the_draw_is_mended():
    record = small({CONTROL: [1.0, 2.0] * 90, LETTER: [1.0, 2.0] * 40})
    steps = next_steps(*found_in(record, costs={LETTER: 1.0}))
    assert keys(steps) == ["do_mend"]
    same = small({CONTROL: [0.0] * 120, LETTER: [0.0] * 120})
    draw, changed, paid, between, classes = found_in(same, costs={LETTER: 1.0})
    assert keys(next_steps(draw, changed, paid, between, classes)) == ["do_longer"]


def test_the_top_is_what_the_tables_say(findings):
    _, changed, paid, _, _ = findings
    top = headline(12_000, paid, changed, "revenue_after")
    row = paid.frame.set_index("trial_arm").loc[LETTER]
    assert {name: value for name, (value, _) in top.items()} == {
        "n_accounts": 12_000, "net_each": row["net_each"], "roi": row["roi"],
        "chance_paid": row["chance_paid"],
    }  # fmt: skip
    unpriced = returns(changed, outcome="revenue_after", margin=None, costs={})
    top = headline(12_000, unpriced, changed, "revenue_after")
    # of what brings most, since nobody knows what pays: the plain difference, not the adjusted ones
    assert top["revenue_after"][0] == pytest.approx(10.285, abs=0.001)
    unfair = small({CONTROL: [1.0, 2.0] * 90, LETTER: [1.0, 2.0] * 40})
    _, changed, paid, _, _ = found_in(unfair, costs={LETTER: 1.0})
    assert list(headline(260, paid, changed, "revenue_after")) == ["n_accounts"]
