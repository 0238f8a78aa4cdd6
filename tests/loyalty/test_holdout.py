"""Design of a trial to come: by hand, at its edges, and by trials that are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

from kamlib.glossary import Style, columns, say
from kamlib.loyalty.effects.randomised import common_slopes
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.holdout import holdout_design
from kamlib.loyalty.holdout_assignment import assignment
from kamlib.loyalty.holdout_spread import in_usual_months, spread_of, usual_month
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.holdout_rows import facts_of, years  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()


def found(seed: int, effect: float | None = None) -> bool:
    """Whether a trial finds an effect, or the one that its design says it would find."""
    rng = np.random.default_rng(seed)
    frame = years(rng)
    facts = facts_of(frame)
    rules = RULES.model_copy(update={"seed": seed})
    row = holdout_design(facts, rules, needed=None).frame.iloc[0]
    true = float(row["detectable_usual"]) if effect is None else effect
    arms = assignment(facts, rules).frame.set_index("account_id")["arm"]
    treated = (frame["account_id"].map(arms) == "1").to_numpy()
    before = frame["second"].to_numpy()
    after = frame["third"].to_numpy() + true * treated * usual_month(before)
    ratio, known = in_usual_months(before, after)
    group = pd.factorize(frame["cluster"])[0].astype(np.int64)
    got = common_slopes(Sample(ratio, treated, known, ("x", "z"), "ratio", "ratio", group))
    return bool(got.value > stdtrit(got.df, 0.975) * got.std_error)


def test_a_trial_finds_the_effect_of_the_stated_size():
    shots = [found(seed) for seed in range(100)]
    # four in five; the standard error of a share over 100 is 0.04
    assert 0.68 < np.mean(shots) < 0.92


@pytest.mark.slow
def test_a_trial_finds_the_effect_of_the_stated_size_in_the_long_run():
    shots = [found(seed) for seed in range(1000, 1800)]
    # the standard error of a share over 800 is 0.014
    assert 0.75 < np.mean(shots) < 0.86


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is():
    shots = [found(seed, effect=0.0) for seed in range(600)]
    # one side of a 95 % interval
    assert np.mean(shots) < 0.045


def plain(months: int = 12, twins: bool = False) -> pd.DataFrame:
    """Return a hundred accounts that brought 100 a month, then 150 or 50, one half each."""
    second = np.where(np.arange(100) % 4 < 2, 150.0, 50.0)
    group = np.arange(100) // 2 if twins else np.arange(100)
    return pd.DataFrame(
        {"account_id": [f"a{i:03d}" for i in range(100)], "cluster": [f"g{g:03d}" for g in group],
         "first": 100.0, "second": second}
    )  # fmt: skip


def test_by_hand():
    design = holdout_design(facts_of(plain()), RULES, needed=0.284403)
    row = design.frame.iloc[0]
    # residuals of ±0.5, one degree of freedom taken: 0.5 · √(100 / 99)
    assert row["spread_usual"] == pytest.approx(0.5025189)
    assert row["design_effect"] == 1
    # (1.984467 + 0.845304, Student's t with 98 degrees) · 0.5025189 · √(1 / (100 · 0.25))
    assert row["detectable_usual"] == pytest.approx(0.284403, abs=2e-6)
    # the usual month of a trial that starts now is that of the last year: 100 on average
    assert row["detectable"] == pytest.approx(28.4403, abs=2e-4)
    assert row["n_treated"] == 50
    # the effect that is found with 80 % is found with 80 %, and by so many accounts, rounding aside
    assert row["power"] == pytest.approx(0.8, abs=1e-4)
    assert row["accounts_needed"] == pytest.approx(100, abs=2)


def test_groups_that_are_alike_count_as_one():
    # both accounts of a pair bring the same: likeness 1, and the variance is 1 + (2 − 1) · 1 = 2 times
    row = holdout_design(facts_of(plain(twins=True)), RULES, needed=None).frame.iloc[0]
    assert row["icc"] == pytest.approx(1)
    assert row["design_effect"] == pytest.approx(2)
    # (2.010635 + 0.849174, 48 degrees) · 0.5025189 · √(2 / 25)
    assert row["detectable_usual"] == pytest.approx(0.406475, abs=2e-6)
    assert "power" not in row


def test_more_accounts_more_months_or_a_larger_effect_are_found_more_often():
    frame = years(np.random.default_rng(1))
    small, large = (
        holdout_design(facts_of(part), RULES, needed=0.3).frame.iloc[0]
        for part in (frame[:120], frame)
    )
    assert small["detectable_usual"] > large["detectable_usual"]
    assert small["power"] < large["power"]
    low, high = (holdout_design(facts_of(frame), RULES, needed=x).frame.iloc[0] for x in (0.1, 0.2))
    assert low["power"] < high["power"]
    assert low["accounts_needed"] > high["accounts_needed"]
    uneven = RULES.model_copy(update={"trial_share": 0.2})
    less = holdout_design(facts_of(frame), uneven, needed=None).frame.iloc[0]
    # 0.5 · 0.5 against 0.2 · 0.8
    ratio = less["detectable_usual"] / large["detectable_usual"]
    assert ratio == pytest.approx(np.sqrt(0.25 / 0.16))


def test_one_giant_does_not_move_it():
    frame = years(np.random.default_rng(2))
    giant = frame.copy()
    giant.loc[0, ["first", "second"]] *= 1e6
    grown = frame.copy()
    grown.loc[0, "second"] *= 1e6
    at = [spread_of(f["first"].to_numpy(), f["second"].to_numpy(), np.arange(len(f))).std_dev
          for f in (frame, giant, grown)]  # fmt: skip
    assert at[1] == pytest.approx(at[0], rel=0.05)
    assert at[2] == pytest.approx(at[0], rel=0.05)


def test_amounts_in_another_currency_or_in_another_order_give_the_same():
    frame = years(np.random.default_rng(3))
    money = frame.assign(first=7 * frame["first"], second=7 * frame["second"])
    one, other, turned = (
        holdout_design(facts_of(f), RULES, needed=0.1).frame
        for f in (frame, money, frame.sample(frac=1, random_state=1))
    )
    assert other["detectable"].iloc[0] == pytest.approx(7 * one["detectable"].iloc[0])
    rest = one.columns.drop(["detectable"])
    for found_ in (other, turned):
        pd.testing.assert_frame_equal(one[rest], found_[rest])


def test_nothing_and_credits_count_as_they_are():
    ratio, known = in_usual_months(np.array([8.0, 8.0, 0.0, -8.0]), np.array([8.0, 0.0, 2.0, -1.0]))
    # usual months 8, 8, 2, 2: a quarter of 8 at least
    assert ratio.tolist() == [1.0, 0.0, 1.0, -0.5]
    assert known[:, 1].tolist() == [1.0, 1.0, 0.0, -1.0]


def test_refusals():
    frame = years(np.random.default_rng(4), groups=15)
    few = holdout_design(facts_of(frame), RULES, needed=None)
    assert few.refused
    assert few.note.key == "loyalty_holdout.few"
    frame = years(np.random.default_rng(4), groups=39)
    assert not holdout_design(facts_of(frame), RULES, needed=None).refused
    # a fifth of 39 groups is less than eight
    uneven = RULES.model_copy(update={"trial_share": 0.2})
    assert holdout_design(facts_of(frame), uneven, needed=None).note.key == "loyalty_holdout.few"
    empty = facts_of(frame, past=facts_of(frame).past.iloc[:0])
    assert holdout_design(empty, RULES, needed=None).note.key == "loyalty_holdout.no_before"
    none = frame.assign(first=0.0, second=-1.0)
    assert holdout_design(facts_of(none), RULES, needed=None).note.key == "loyalty_holdout.nothing"
    alike = frame.assign(first=5.0, second=5.0)
    assert holdout_design(facts_of(alike), RULES, needed=None).note.key == "loyalty_holdout.nothing"


def test_what_is_told():
    facts = facts_of(years(np.random.default_rng(5)))
    design = holdout_design(facts, RULES, needed=0.05)
    assert set(design.frame.columns) <= set(columns())
    assert {c.name: c.passed for c in design.checks} == {
        "holdout_measure": True, "holdout_lengths": False, "holdout_left_out": True,
        "holdout_power": False,
    }  # fmt: skip
    by_revenue = holdout_design(facts_of(years(np.random.default_rng(5)), measure="revenue"), RULES,
                                needed=None)  # fmt: skip
    assert by_revenue.checks[0].passed is False
    for estimate in (design, by_revenue):
        for sentence in (estimate.note, *(c.note for c in estimate.checks)):
            for language in ("en", "zh"):
                assert "–" not in say(sentence, Style(language, "EUR"))
    assert "of Revenue" in str(by_revenue.note)
