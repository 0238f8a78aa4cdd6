from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.glossary import columns
from kamlib.loyalty.effects.sample import sample
from kamlib.loyalty.effects.shares import share_difference, share_ratio, shares


def accounts(stayed, n_treated, other_stayed, n_control, **more):
    n = n_treated + n_control
    place = np.arange(n)
    member = place < n_treated
    stay = np.where(member, place < stayed, place - n_treated < other_stayed)
    return pd.DataFrame({"stayed": stay, "member": member} | more)


def test_published_limits(reference):
    for *counts, low, high in reference["newcombe"]["rows"]:
        _, *found = share_difference(*counts, 0.95)
        assert np.round(found, 4).tolist() == [low, high]


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1))
def test_limits_hold_the_figure(n1, n0, p1, p0):
    x1, x0 = round(p1 * n1), round(p0 * n0)
    value, low, high = share_difference(x1, n1, x0, n0, 0.95)
    assert -1 <= low <= value <= high <= 1
    ratio, low, high = share_ratio(x1, n1, x0, n0, 0.95)
    assert 0 <= low <= high
    if x0:
        assert low <= ratio <= high


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 1), st.floats(0.05, 1))
def test_arms_that_change_places(n1, n0, p1, p0):
    one = (max(1, round(p1 * n1)), n1)
    two = (max(1, round(p0 * n0)), n0)
    value, low, high = share_difference(*one, *two, 0.9)
    assert share_difference(*two, *one, 0.9) == pytest.approx((-value, -high, -low))
    value, low, high = share_ratio(*one, *two, 0.9)
    assert share_ratio(*two, *one, 0.9) == pytest.approx((1 / value, 1 / high, 1 / low))


def test_nobody_counts():
    value, low, high = share_ratio(3, 10, 0, 10, 0.95)
    assert np.isnan(value)
    assert (0 < low < np.inf, high) == (True, np.inf)
    assert share_ratio(0, 10, 3, 10, 0.95)[:2] == (0.0, 0.0)


def test_what_is_told():
    found = shares(sample(accounts(56, 70, 48, 80), "stayed", "member", scale="share"), "stay")
    assert set(found.frame) <= set(columns())
    assert found.frame["term"].tolist() == ["ate_share", "risk_ratio"]
    assert found.frame["estimate"].tolist() == pytest.approx([0.2, 0.8 / 0.6])
    assert "80.0\xa0% of the 70 accounts in the programme and 60.0\xa0%" in str(found.note)
    assert "20.0 percentage points (95\xa0% interval 5.2 to 33.4)" in str(found.note)


def test_a_ratio_to_nobody_is_unknown():
    found = shares(sample(accounts(5, 20, 0, 20), "stayed", "member", scale="share"), "stay")
    ratio = found.frame.set_index("term").loc["risk_ratio"]
    assert ratio[["estimate", "conf_high"]].isna().all()


def test_refusals():
    rows = accounts(5, 20, 0, 20, parent=np.arange(40) // 2)
    with pytest.raises(FitError, match="a share was expected"):
        shares(sample(rows, "stayed", "member"), "stay")
    with pytest.raises(FitError, match="difference_in_means"):
        shares(sample(rows, "stayed", "member", scale="share", cluster="parent"), "stay")
    few = accounts(5, 7, 0, 20)
    assert shares(sample(few, "stayed", "member", scale="share"), "stay").refused
