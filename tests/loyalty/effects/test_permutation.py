from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import columns
from kamlib.loyalty.effects.permutation import permutation_test, permute
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.sample import Unfit, sample


def accounts(outcome, n_treated, **more):
    member = np.arange(len(outcome)) < n_treated
    return sample(
        pd.DataFrame({"margin": outcome, "member": member} | more), "margin", "member",
        [c for c in more if c != "parent"], cluster="parent" if "parent" in more else None,
    )  # fmt: skip


def test_the_figure_is_welchs(chosen_accounts):
    rows = chosen_accounts(50, 5)
    found, plain = permute(rows, 10, np.random.default_rng(1)), difference_in_means(rows)
    assert (found.value, found.std_error) == (
        pytest.approx(plain.value), pytest.approx(plain.std_error),
    )  # fmt: skip


def test_all_assignments_against_a_loop():
    y = np.array([4.0, 9.0, 2.0, 7.0, 1.0, 3.0, 5.5])
    rows = accounts(y, 3)

    def figure(place):
        d = np.isin(np.arange(7), place)
        variance = y[d].var(ddof=1) / 3 + y[~d].var(ddof=1) / 4
        return abs(y[d].mean() - y[~d].mean()) / np.sqrt(variance)

    every = [figure(place) for place in combinations(range(7), 3)]
    found = permute(rows, 35, np.random.default_rng(1))
    assert found.complete
    assert found.p_value == np.mean(np.array(every) >= figure([0, 1, 2]) - 1e-9)
    # one more than may be drawn: they are drawn
    assert not permute(rows, 34, np.random.default_rng(1)).complete


def test_groups_are_assigned_whole():
    y = np.array([5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 2.5])
    rows = accounts(y, 4, parent=np.arange(8) // 2)
    found = permute(rows, 100, np.random.default_rng(1))
    # four groups, two of them in the programme: six assignments, of which this and its mirror are the most extreme
    assert (len(found.drawn), found.p_value) == (6, 2 / 6)
    # groups of a mean 5.5 and 7.5 about 6.5 and of 1.5 and 2.75 about 2.125, each of two accounts:
    # 2 ÷ 1 · (2² + 2²) ÷ 4² + 2 · (1.25² + 1.25²) ÷ 4² = 1.390625
    assert found.std_error == pytest.approx(np.sqrt(1.390625))


def test_groups_in_part_are_refused():
    rows = accounts(np.arange(8.0), 4, parent=[0, 0, 0, 1, 1, 2, 2, 3])
    with pytest.raises(Unfit, match="1 of 4 groups is partly"):
        permute(rows, 10, np.random.default_rng(1))
    ten = accounts(np.arange(20.0), 10, parent=np.arange(20) // 3)
    assert permutation_test(ten, "m", rng=np.random.default_rng(1)).refused


def test_degenerate_outcomes():
    with pytest.raises(Unfit, match="does not differ"):
        permute(accounts(np.ones(10), 5), 10, np.random.default_rng(1))
    # the three are apart from the four, and only in this assignment has an arm no spread
    apart = accounts(np.array([1.0, 1.0, 1.001, 0.0, 0.0, 0.0, 0.0]), 3)
    found = permute(apart, 35, np.random.default_rng(1))
    assert found.p_value == 1 / 35


def test_what_is_told(chosen_accounts):
    rows = chosen_accounts(60, 8)
    found = permutation_test(rows, "margin", draws=999, rng=np.random.default_rng(2))
    assert set(found.frame) <= set(columns())
    row = found.frame.iloc[0]
    assert (row["p_value"] * 1000) % 1 == pytest.approx(0, abs=1e-9)
    assert row["p_value"] <= 0.05
    assert 0 < row["conf_low"] < row["estimate"] < row["conf_high"]
    assert "999 other assignments" in str(found.note)
    assert found["method"] == "permutation, 999 assignments (drawn)"


def test_p_and_interval_agree(chosen_accounts):
    for seed in range(30):
        rows = chosen_accounts(24, seed)
        rows = replace(rows, outcome=rows.outcome - 0.5 * rows.treated)
        found = permutation_test(rows, "margin", draws=199, rng=np.random.default_rng(seed))
        if not found.refused:
            row = found.frame.iloc[0]
            assert (row["p_value"] <= 0.05) == (row["conf_low"] > 0 or row["conf_high"] < 0)


def test_too_few_assignments_are_refused():
    rows = accounts(np.arange(40.0), 20, parent=np.arange(40) // 10)
    found = permutation_test(rows, "margin", rng=np.random.default_rng(1))
    # four groups, two in the programme: six assignments, two-sided no less than 2 ÷ 6
    assert "only 6 assignments" in str(found.note)
    three = accounts(np.arange(30.0), 20, parent=np.arange(30) // 10)
    assert "at least 4" in str(permutation_test(three, "m", rng=np.random.default_rng(1)).note)


def test_the_small_arm_of_skewed_money():
    """Size of the test at 5 %, 3 of 30 accounts in the programme, log-normal money of spread 1.25.

    Nobody's money is changed. Welch's test rejects in 17 % (loyalty.md, 4e); 400 draws know 5 % to 1.1.
    """
    rng = np.random.default_rng(20)
    welch, permuted = 0, 0
    for _ in range(400):
        rows = accounts(np.exp(1.25 * rng.normal(size=30)), 3)
        found = difference_in_means(rows)
        welch += abs(found.value) > 1.96 * found.std_error
        permuted += permute(rows, 199, rng).p_value <= 0.05
    assert welch / 400 > 0.15
    assert 0.02 <= permuted / 400 <= 0.08


def test_accounts_of_parents():
    """Size at 5 %: 8 parents of 8 accounts, 4 in the programme, likeness 0.3; accounts alone reject in 29 %."""
    rng = np.random.default_rng(21)
    alone, permuted = 0, 0
    for _ in range(300):
        parent = np.repeat(np.arange(8), 8)
        y = np.sqrt(0.3) * rng.normal(size=8)[parent] + np.sqrt(0.7) * rng.normal(size=64)
        rows = accounts(y, 32, parent=parent)
        found = difference_in_means(replace(rows, cluster=None))
        alone += abs(found.value) > 1.998 * found.std_error
        permuted += permute(rows, 100, rng).p_value <= 0.05
    assert alone / 300 > 0.2
    assert permuted / 300 <= 0.09
