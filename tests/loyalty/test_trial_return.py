"""Whether an arm paid: the published return, and no return where nobody stated margin or cost."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.book.layouts import CONTROL
from kamlib.errors import FitError
from kamlib.glossary import Style, columns, say
from kamlib.loyalty.effects.power import find
from kamlib.loyalty.trial_draw import judge
from kamlib.loyalty.trial_results import effects
from kamlib.loyalty.trial_return import findable, returns, stated_costs
from tests.loyalty.trial_rows import CALL, COSTS, LETTER, MARGIN, demo, hillstrom, small

AMOUNT = "revenue_after"


def changed_in(record):
    return effects(record, judge(record), rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def changed():
    return changed_in(demo())


def test_the_e_mail_test_paid_as_published(data_folder):
    found = changed_in(hillstrom(data_folder))
    costs = {"Mens E-Mail": 0.10, "Womens E-Mail": 0.10}
    paid = returns(found, outcome=AMOUNT, margin=0.30, costs=costs)
    row = paid.frame.set_index("trial_arm").loc["Mens E-Mail"]
    # loyalty.md 4b
    assert row["gain_each"] == pytest.approx(0.230948, abs=5.1e-7)
    assert row["break_even_each"] == pytest.approx(0.333333, abs=5.1e-7)
    assert row["roi"] == pytest.approx(1.309481, abs=5.1e-7)
    assert row["chance_paid"] == pytest.approx(0.998673, abs=5.1e-7)
    assert [row["roi_low"], row["roi_high"]] == pytest.approx([0.4554, 2.1635], abs=5.1e-5)
    assert row["net_value"] == pytest.approx(21_307 * 0.130948, abs=0.02)
    assert row["evidence_grade"] == "A"


def test_what_brings_most_does_not_pay(changed):
    paid = returns(changed, outcome=AMOUNT, margin=MARGIN, costs=COSTS)
    rows = paid.frame.set_index("trial_arm")
    assert rows.loc[CALL, "gain_each"] > rows.loc[LETTER, "gain_each"]
    # true: 0.35 · 6 − 0.90 = 1.20 and 0.35 · 9 − 5.90 = −2.75
    for arm, net in ((LETTER, 1.20), (CALL, -2.75)):
        assert rows.loc[arm, "net_low"] < net < rows.loc[arm, "net_high"]
        # return and its limits are net and its limits ÷ a cost without error
        for name, part in (("roi", "net_each"), ("roi_low", "net_low"), ("roi_high", "net_high")):
            assert rows.loc[arm, name] == pytest.approx(rows.loc[arm, part] / COSTS[arm])
    assert rows.loc[LETTER, "chance_paid"] > 0.9
    assert rows.loc[CALL, "chance_paid"] < 0.1
    assert set(paid.frame) <= set(columns())


@pytest.mark.parametrize(
    ("margin", "costs", "told"),
    [
        (None, COSTS, ["loyalty_trial.margin"]),
        (0.3, {LETTER: None, CALL: None}, ["loyalty_trial.cost_per_contact"]),
        (None, {}, ["loyalty_trial.margin", "loyalty_trial.cost_per_contact"]),
    ],
)
def test_no_return_without_margin_and_cost(changed, margin, costs, told):
    paid = returns(changed, outcome=AMOUNT, margin=margin, costs=costs)
    assert paid.refused
    for language in ("en", "zh"):
        words = say(paid.note, Style(language, "EUR"))
        assert all(name in words for name in told)
        # but what is known is told
        assert "10.29" in words


def test_an_arm_without_a_cost_has_no_return(changed):
    paid = returns(changed, outcome=AMOUNT, margin=0.3, costs={LETTER: 0.9, CALL: None})
    assert paid.frame["trial_arm"].tolist() == [LETTER]
    assert paid.checks[0].passed is False
    assert stated_costs([LETTER, CALL], None, {LETTER: 0.9}) == {LETTER: 0.9, CALL: None}
    with pytest.raises(FitError, match="no arm 'catalog' – did you mean 'catalogue'"):
        stated_costs([LETTER, CALL], 0.1, {"catalog": 0.9})


def test_few_customers_widen_the_interval():
    few = {CONTROL: [0.0, 2.0] * 10, LETTER: [4.0, 6.0] * 10}
    row = returns(changed_in(small(few)), outcome=AMOUNT, margin=0.5, costs={LETTER: 1.0}).frame
    error = 0.5 * np.sqrt(2 * (20 / 19) / 20)
    half = (row["net_high"] - row["net_low"]).iloc[0] / 2
    # Student's t of 19 degrees, 2.0930, not the normal law's 1.9600
    assert half == pytest.approx(2.0930 * error, rel=1e-4)


def test_what_the_trial_could_find(changed):
    told = {"outcome": AMOUNT, "mean_none": 21.697733, "margin": MARGIN, "costs": COSTS}
    found = findable(changed, **told)
    row = found.frame.iloc[0]
    # 2.801585 errors are found with 80 %
    assert row["detectable_each"] == pytest.approx(2.801585 * row["error_each"], rel=1e-6)
    assert row["relevant_each"] == pytest.approx(0.90 / 0.35)
    chance = find(0.90 / 0.35, row["error_each"])
    assert (row["power"], row["exaggeration"]) == (chance.power, chance.exaggeration)
    assert row["n_needed"] == pytest.approx(8000 * (row["detectable_each"] / row["relevant_each"]) ** 2, abs=1)  # fmt: skip
    assert found.checks[0].passed
    without = findable(changed, **(told | {"margin": None}))
    assert "power" not in without.frame
    assert not without.checks
    weak = findable(changed, **(told | {"costs": {LETTER: 0.2, CALL: 0.2}}))
    assert weak.checks[0].passed is False
    assert weak.note.values["times"] > 4
    assert set(found.frame) <= set(columns())
