from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.glossary import Style, columns, say
from kamlib.loyalty.effects.clusters import FEW_GROUPS
from kamlib.loyalty.effects.effect import Effect, estimate, limits, spread
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.overlap import overlap_checks
from kamlib.loyalty.effects.randomised import common_slopes, difference_in_means
from kamlib.loyalty.effects.sample import Unfit, sample
from kamlib.loyalty.effects.weighting import weighted


def accounts(n_treated, n_control, outcome=None, **more):
    n = n_treated + n_control
    rows = pd.DataFrame({"margin": np.arange(n) % 7 * 1.0 if outcome is None else outcome,
                         "member": np.arange(n) < n_treated} | more)  # fmt: skip
    return rows


def test_the_error_of_groups():
    # parts of groups: 1 and −1, so √(2 ÷ 1 · 2) = 2; of accounts: √(4 ÷ 3 · 1) = 1.1547
    parts = np.array([0.5, 0.5, -0.5, -0.5])
    assert spread(parts, np.array([3, 3, 9, 9])) == pytest.approx(2.0)
    assert spread(parts, None) == pytest.approx(np.sqrt(4 / 3))
    with pytest.raises(Unfit, match="at least 2"):
        spread(parts, np.zeros(4, dtype=int))


def test_limits_widen_with_fewer_degrees():
    few, many = (limits(Effect("ate", 0.0, 1.0, df, ""), 0.95)[1] for df in (5.0, np.inf))
    # t(5) and the normal, 97.5 %
    assert (few, many) == (pytest.approx(2.570582), pytest.approx(1.959964))


def test_what_is_told():
    found = estimate(sample(accounts(10, 12), "margin", "member"), difference_in_means, "margin")
    assert set(found.frame) <= set(columns())
    row = found.frame.iloc[0]
    assert (row["term"], row["n_treated"], row["n_control"], row["n_obs"]) == ("ate", 10, 12, 22)
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    assert row["statistic"] == pytest.approx(row["estimate"] / row["std_error"])
    assert "over all 22 accounts" in str(found.note)
    assert "22 个客户" in say(found.note, Style("zh", "CNY"))


def test_the_interval_leaves_zero_out_as_p_says():
    rows = accounts(20, 20)
    for shift in (0.0, 1.0, 1.3, 1.4, 1.6, 3.0):
        shifted = rows.assign(margin=rows["margin"] + shift * rows["member"])
        row = estimate(sample(shifted, "margin", "member"), difference_in_means, "m").frame.iloc[0]
        assert (row["p_value"] < 0.05) == (row["conf_low"] > 0 or row["conf_high"] < 0)


@pytest.mark.parametrize(
    ("scale", "term", "words"),
    [("money", "ate", "per account"), ("share", "ate_share", "percentage points"),
     ("log", "ate_log", "it by 20.0\xa0% ")],
)  # fmt: skip
def test_the_scale_of_the_outcome(scale, term, words):
    # the logarithm of those in it is higher by log 1.2
    outcome = {"money": None, "share": np.tile([0.0, 1.0, 1.0], 8),
               "log": np.tile([1.0, 2.0], 12) * np.where(np.arange(24) < 12, 1.2, 1.0)}[scale]  # fmt: skip
    found = estimate(
        sample(accounts(12, 12, outcome), "margin", "member", scale=scale),
        difference_in_means, "margin",
    )  # fmt: skip
    assert found.frame["term"].tolist() == [term]
    assert words in str(found.note)


@pytest.mark.parametrize(
    ("estimand", "words"),
    [("att", "in the programme it changed"), ("ato", "as well have been")],
)
def test_whom_the_effect_is_of(chosen_accounts, estimand, words):
    rows = chosen_accounts(200, 1)
    found = estimate(rows, lambda s: weighted(s, estimand), "margin", checks=overlap_checks)
    assert found.frame["term"].tolist() == [estimand]
    assert words in str(found.note)
    assert [c.name for c in found.checks] == ["overlap_size", "overlap_weight", "balance"]


def test_too_few_accounts_are_refused():
    found = estimate(sample(accounts(7, 30), "margin", "member"), difference_in_means, "margin")
    assert found.refused
    assert "there are 7 in the programme and 30 outside" in str(found.note)


def test_outcomes_all_alike_are_refused():
    rows = sample(accounts(10, 10, outcome=4.0), "margin", "member")
    assert "does not differ" in str(estimate(rows, difference_in_means, "margin").note)
    # a line that explains all leaves no error either
    rows = accounts(10, 10).assign(twice=np.arange(20) % 7 * 2.0)
    rows = sample(rows, "margin", "member", ["twice"])
    found = estimate(rows, common_slopes, "margin")
    assert found.refused
    assert "beyond what is held equal" in str(found.note)


def test_what_an_estimator_cannot_carry_is_refused_in_words():
    rows = sample(accounts(10, 10, same=1.0), "margin", "member", ["same"])
    found = estimate(rows, common_slopes, "margin")
    assert found.refused
    assert "“same” is the same for all accounts" in str(found.note)
    assert "“same”" in say(found.note, Style("zh"))


def test_groups_must_be_many_enough():
    rows = accounts(20, 20)
    five = sample(rows.assign(parent=np.arange(40) // 8), "margin", "member", cluster="parent")
    assert "at least 6" in str(estimate(five, difference_in_means, "margin").note)
    # all that are in the programme belong to one parent
    one = rows.assign(parent=np.where(rows["member"], 0, np.arange(40)))
    one = sample(one, "margin", "member", cluster="parent")
    assert estimate(one, difference_in_means, "margin").refused
    ten = sample(rows.assign(parent=np.arange(40) // 4), "margin", "member", cluster="parent")
    found = estimate(ten, difference_in_means, "margin")
    assert found["n_clusters"] == 10
    assert found["df"] == 9
    assert [(c.name, c.passed) for c in found.checks] == [("groups_enough", False)]
    assert f"below {FEW_GROUPS}" in str(found.checks[0].note)


def test_an_error_from_draws(chosen_accounts):
    rows = chosen_accounts(150, 3)
    plain = estimate(rows, entropy_balanced, "margin")
    drawn = estimate(rows, entropy_balanced, "margin", draws=200, rng=np.random.default_rng(1))
    assert drawn.frame["estimate"].item() == plain.frame["estimate"].item()
    # 200 draws know an error to about 5 %
    assert drawn.frame["std_error"].item() == pytest.approx(
        plain.frame["std_error"].item(), rel=0.25
    )
    assert "bootstrap of 200 draws" in drawn["method"]
    assert [(c.name, c.passed) for c in drawn.checks] == [("draws", True)]


def test_draws_that_fail_are_counted():
    """Of eight that are in it one alone is large; without it "large" is constant among them."""
    rows = accounts(8, 40).assign(large=(np.arange(48) % 8 == 0) * 1.0)
    rows = sample(rows, "margin", "member", ["large"])
    found = estimate(rows, _inside_slope, "margin", draws=100, rng=np.random.default_rng(2))
    # left out of a draw with (7 ÷ 8)^8 = 0.34
    check = found.checks[0]
    assert check.passed is False
    assert 20 <= check.note.values["failed"] <= 50
    assert "may be too short" in str(check.note)


def _inside_slope(rows):
    if np.ptp(rows.covariates[rows.treated]) == 0:
        raise Unfit("effect.dependent", covariate="large")
    return difference_in_means(rows)


def test_draws_that_mostly_fail_are_refused():
    rows = sample(accounts(10, 10), "margin", "member")

    def only_whole(drawn):
        if drawn is not rows:
            raise Unfit("effect.no_balance", n=10)
        return difference_in_means(drawn)

    found = estimate(rows, only_whole, "margin", draws=20, rng=np.random.default_rng(3))
    assert found.refused
    assert "Of 20 samples drawn anew 20" in str(found.note)


def test_draws_need_a_source():
    with pytest.raises(FitError, match="numpy Generator"):
        estimate(sample(accounts(10, 10), "margin", "member"), difference_in_means, "m", draws=9)
