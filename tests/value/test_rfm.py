from __future__ import annotations

import pandas as pd

from kamlib.value.rfm import rfm, rfm_grid, silent_large


def ten(**columns) -> pd.DataFrame:
    base = {
        "account_id": [f"a{i}" for i in range(10)], "name": None, "manager_id": None,
        "days_since_last": range(10, 110, 10), "n_orders": [float(i) for i in range(10, 0, -1)],
        "revenue": [1000.0 - 90 * i for i in range(10)],
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_fifths_of_ten_accounts_hold_two_each():
    scores = rfm(ten()).frame.sort_values("account_id")
    assert scores["recency_score"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert scores["rfm"].tolist()[0] == 555
    assert scores["rfm"].tolist()[-1] == 111


def test_equal_values_have_equal_scores():
    # one rank for all: mean rank 5.5 of 10, ⌈5 · 5.5 / 10⌉ = 3
    scores = rfm(ten(n_orders=4.0))
    assert set(scores.frame["frequency_score"]) == {3}
    [check] = scores.checks
    assert check.passed is False


def test_accounts_without_an_order_stand_outside(facts):
    assert rfm(pd.concat([ten(), facts[facts["n_orders"] == 0]]))["n_obs"] == 10


def test_fewer_than_five_are_refused(facts):
    scores = rfm(facts)
    assert scores.refused
    assert "there are 4" in str(scores.note)
    assert rfm_grid(scores).empty
    assert silent_large(scores, n_days=366, length=5).refused


def test_grid_holds_every_pair_and_all_the_revenue():
    scores = rfm(ten())
    grid = rfm_grid(scores)
    assert len(grid) == 25
    assert grid["n_accounts"].sum() == 10
    assert grid["revenue"].sum() == scores.frame["revenue"].sum()


def test_silent_against_its_own_rhythm():
    # the two largest order every 36.6 and 40.7 days of 366: three gaps are 110 and 122 days
    found = silent_large(rfm(ten(days_since_last=[115, 115, *[1] * 8])), n_days=366, length=5)
    assert found.frame["account_id"].tolist() == ["a0"]
    assert found.frame["usual_gap_days"].tolist() == [36.6]
    assert "1 account of the top fifth" in str(found.note)
    assert "has been silent" in str(found.note)


def test_accounts_of_fewer_than_three_orders_have_no_rhythm():
    few = ten(n_orders=[2.0] * 10, days_since_last=[360] * 10)
    assert silent_large(rfm(few), n_days=366, length=5).refused


def test_nobody_silent_says_so():
    assert "No account" in str(silent_large(rfm(ten()), n_days=366, length=5).note)
