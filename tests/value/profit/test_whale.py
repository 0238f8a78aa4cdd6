from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.value.profit.whale import loss_makers, whale_curve


def test_peak_and_loss_by_hand(facts):
    curve = whale_curve(facts)
    # 30 + 15 = 45 at the peak, then 0, -2 and -3
    assert curve.frame["cumulative"].tolist() == [30.0, 45.0, 45.0, 43.0, 40.0]
    found = [float(curve[name]) for name in ("peak", "n_peak", "total", "lost", "n_loss")]
    assert found == [45.0, 2.0, 40.0, 5.0, 2.0]
    assert "2 accounts cost more than they bring and take 5 of it away again" in str(curve.note)


def test_losses_stand_largest_first(facts):
    assert loss_makers(whale_curve(facts), length=9)["account_id"].tolist() == ["e", "c"]
    assert len(loss_makers(whale_curve(facts), length=1)) == 1


def test_unknown_contribution_is_left_out_and_counted(facts):
    facts.loc[0, "contribution"] = np.nan
    curve = whale_curve(facts)
    assert len(curve.frame) == 4
    [check] = curve.checks
    assert check.passed is False
    assert "1 account stands outside" in str(check.note)


def test_no_contribution_at_all_is_refused_with_what_would_bring_it(facts):
    curve = whale_curve(facts.assign(contribution=np.nan))
    assert curve.refused
    assert "transactions.cost" in str(curve.note)
    assert loss_makers(curve, length=5).empty


def test_no_losses_have_a_sentence_of_their_own(facts):
    assert "No account cost more" in str(whale_curve(facts.head(2)).note)


def test_all_losses_have_a_peak_of_zero(facts):
    curve = whale_curve(facts.assign(contribution=-1.0))
    assert (curve["peak"], curve["n_peak"], curve["lost"]) == (0.0, 0, 5.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=5))
def test_curve_ends_at_the_total_and_peaks_at_the_top(contributions):
    import pandas as pd

    frame = pd.DataFrame({"account_id": list("abcde"), "name": None, "revenue": 1.0,
                          "contribution": contributions})  # fmt: skip
    curve = whale_curve(frame)
    assert curve.frame["cumulative"].iloc[-1] == pytest.approx(sum(contributions), abs=1e-6)
    assert curve["peak"] == pytest.approx(max(0, curve.frame["cumulative"].max()), abs=1e-6)
