from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.value.concentration import concentration, lorenz, robustness

# R package ineq 0.2-13, example of ineq(): Gini of ten incomes
INCOMES = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]
GINI_OF_INCOMES = 0.4620911
amounts = st.lists(st.floats(0.01, 1e9), min_size=2, max_size=40)


def accounts(revenue, before=None) -> pd.DataFrame:
    frame = pd.DataFrame({"revenue": np.asarray(revenue, dtype=float)})
    return frame if before is None else frame.assign(revenue_before=before)


def concentrate(frame, *, top=0.2, bulk=0.8, draws=200, seed=1):
    return concentration(
        frame, top_share=top, bulk_share=bulk, conf_level=0.95, draws=draws,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def term(estimate, name, column="estimate"):
    return estimate.frame.set_index("term")[column][name]


def test_gini_agrees_with_r():
    assert term(concentrate(accounts(INCOMES)), "gini") == pytest.approx(GINI_OF_INCOMES, abs=5e-8)


def test_lorenz_curve_agrees_with_r():
    # R: ineq::Lc(x)$L, the cumulative shares of the sorted incomes over their sum, 66,586
    shares = np.cumsum([0, *INCOMES]) / 66586
    assert lorenz(accounts(INCOMES)).frame["share_revenue"].to_numpy() == pytest.approx(shares)


def test_equal_accounts_have_no_concentration():
    found = concentrate(accounts([7.0] * 10))
    assert term(found, "gini") == pytest.approx(0, abs=1e-12)
    assert term(found, "top_share_revenue") == pytest.approx(0.2)
    assert term(found, "bulk_share_accounts") == pytest.approx(0.8)
    assert found["bulk_accounts"] == 8


def test_boundary_account_counts_in_proportion():
    # a fifth of four accounts is 0.8 of the largest, which holds 100 of 200
    found = concentrate(accounts([100.0, 60.0, 30.0, 10.0]))
    assert term(found, "top_share_revenue") == pytest.approx(0.8 * 100 / 200)
    # 80 % are 160 = the two largest, half of the accounts
    assert term(found, "bulk_share_accounts") == pytest.approx(0.5)
    assert found["bulk_accounts"] == 2


def test_ranked_on_the_year_before_leaves_luck_behind():
    # the account that was largest last year brings 60 of 200 now, and counts by 0.8
    found = concentrate(accounts([100.0, 60.0, 30.0, 10.0], [50.0, 80.0, 30.0, 0.0]))
    assert term(found, "top_share_before") == pytest.approx(0.8 * 60 / 200)
    assert term(found, "top_share_before") < term(found, "top_share_revenue")


def test_without_a_year_before_the_term_is_not_there():
    assert "top_share_before" not in set(concentrate(accounts([1.0, 2.0])).frame["term"])


def test_net_credits_stand_outside_and_are_counted(facts):
    found = concentrate(facts)
    assert found["n_obs"] == 4
    [credits] = [check for check in found.checks if check.name == "no_net_credits"]
    assert credits.passed is False
    assert "1 account returned more than it bought (5 net)" in str(credits.note)


@pytest.mark.parametrize("revenue", [[], [0.0, 0.0], [-3.0, -4.0], [5.0]])
def test_too_few_accounts_are_refused_with_the_reason(revenue):
    found = concentrate(accounts(revenue))
    assert found.refused
    assert "at least two accounts" in str(found.note)
    assert np.isnan(found["conf_level"])


def test_lorenz_of_nothing_is_refused():
    assert "none of the 2 accounts" in str(lorenz(accounts([0.0, -1.0])).note)


def test_few_accounts_are_a_weak_result():
    [size] = [
        c for c in concentrate(accounts([3.0, 2.0, 1.0])).checks if c.name == "enough_accounts"
    ]
    assert size.passed is False


@given(amounts)
def test_shares_stay_within_their_limits(revenue):
    found = concentrate(accounts(revenue))
    values = found.frame["estimate"]
    assert values.between(-1e-9, 1 + 1e-9).all()
    low, high = found.frame["conf_low"], found.frame["conf_high"]
    known = low.notna()
    assert (low[known] <= high[known]).all()


@given(amounts, st.floats(0.001, 1000))
def test_unit_of_money_and_order_of_rows_do_not_matter(revenue, factor):
    once = concentrate(accounts(revenue)).frame["estimate"]
    again = concentrate(accounts([factor * value for value in reversed(revenue)])).frame["estimate"]
    assert again.to_numpy() == pytest.approx(once.to_numpy(), rel=1e-6, abs=1e-9)


@given(amounts)
def test_lorenz_curve_rises_and_lies_below_equality(revenue):
    curve = lorenz(accounts(revenue)).frame
    assert (curve["share_revenue"].diff().dropna() >= -1e-12).all()
    assert (curve["share_revenue"] <= curve["share_accounts"] + 1e-9).all()
    assert curve["share_revenue"].iloc[-1] == pytest.approx(1)


def test_standard_errors_behind_the_intervals_agree_with_the_jackknife():
    from kamlib.value.concentration import _curve_statistics

    rng = np.random.default_rng(7)
    x = np.sort(np.exp(rng.standard_normal(400)))[::-1]
    errors = _curve_statistics(x, 0.2, 0.8)(np.ones((1, 400)))[1][0]
    left_out = [
        _curve_statistics(np.delete(x, i), 0.2, 0.8)(np.ones((1, 399)))[0][0] for i in range(400)
    ]
    jackknife = np.sqrt(399**2 / 400 * np.var(left_out, axis=0, ddof=1))
    # a jackknife of shares at a boundary is rough: 10 %
    assert errors == pytest.approx(jackknife, rel=0.1)


def test_same_seed_same_interval():
    frame = accounts(np.arange(1.0, 50))
    pd.testing.assert_frame_equal(concentrate(frame).frame, concentrate(frame).frame)
    other = concentrate(frame, seed=2).frame["conf_low"]
    assert not np.allclose(concentrate(frame).frame["conf_low"], other)


def test_robustness_drops_the_largest_account(facts):
    found = robustness(facts, top_share=0.5, bulk_share=0.8)
    held = found.frame.set_index("scenario")["top_share_revenue"]
    # the larger half: 160 of 200; without the largest 60 + 0.5 · 30 of 100; the year before, of
    # 50, 80, 30 and 20: 130 of 180
    assert held["all accounts"] == pytest.approx(0.8)
    assert held["without the largest account"] == pytest.approx(0.75)
    assert held["the year before"] == pytest.approx(130 / 180)
    assert "moves by 7.8" in str(found.note)


def test_inputs_are_left_as_they_were(facts):
    before = facts.copy()
    concentrate(facts)
    lorenz(facts)
    robustness(facts, top_share=0.2, bulk_share=0.8)
    pd.testing.assert_frame_equal(facts, before)
