"""Rates by the patience of the rule, by hand, and exact Poisson limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kamlib.churn.sensitivity import exact_poisson, rhythm_sensitivity


def test_exact_limits_hold_their_tails():
    low, high = exact_poisson([0, 1, 7], 0.9)
    assert low[0] == 0
    # as many or more come with 5 % at the lower limit, as many or fewer with 5 % at the upper one
    assert stats.poisson.sf([0, 6], low[1:]) == pytest.approx(0.05)
    assert stats.poisson.cdf([0, 1, 7], high) == pytest.approx(0.05)


def test_a_unit_by_hand(small, orders):
    lines = [
        # lost after k × 10 days, and back after 60: with k = 2 and 3 a false alarm, with 6 none
        *orders("a", "2023-01-01", "2023-01-11", "2023-01-21", "2023-03-22", "2023-04-01"),
        *orders("b", "2023-01-01", "2023-01-11", "2023-01-21"),
    ]
    book = small.open({"transactions": lines}, as_of="2023-12-31")
    found = rhythm_sensitivity(book, book.unit.churn_survival, ks=(6, 3))
    frame = found.frame.set_index("k")
    assert frame.index.tolist() == [3, 6]
    assert frame["n_spells"].tolist() == [3, 2]
    assert frame["n_event"].tolist() == [3, 2]
    assert frame["n_returned"].tolist() == [1, 0]
    # k = 3: from 1 February to 21 February twice, and after 22 March + 31 days, 22 April, to 1 April +
    # 3 × 22.5 + 1 days, 8 June (90 days in four gaps)
    days = 21 + 21 + 48
    assert frame.loc[3, "account_years"] == pytest.approx(days / 365.25)
    assert frame.loc[3, "churn_rate"] == pytest.approx(3 / (days / 365.25))
    assert frame.loc[3, "false_alarm_share"] == pytest.approx(1 / 3)
    assert (frame["rate_low"] < frame["churn_rate"]).all()
    assert (frame["churn_rate"] < frame["rate_high"]).all()
    [check] = found.checks
    assert check.passed is False  # a third is more than a quarter
    assert "Raise churn_survival.k" in str(check.note)
    assert str(found.note).startswith("Declared lost after 3.0 usual gaps of silence")


def test_records_too_short_are_refused(small, orders):
    book = small.open({"transactions": orders("a", "2023-01-01", "2023-01-11")})
    found = rhythm_sensitivity(book, book.unit.churn_survival)
    assert found.refused
    assert "too short" in str(found.note)


def test_patience_only_lowers_the_rate(demo):
    book = demo("industrial_supplies", 0.05)
    frame = rhythm_sensitivity(book, book.unit.churn_survival).frame
    assert np.all(np.diff(frame["churn_rate"]) < 0)
    assert np.all(np.diff(frame["false_alarm_share"]) < 0)
    assert frame["k"].tolist() == [2, 3, 4]
