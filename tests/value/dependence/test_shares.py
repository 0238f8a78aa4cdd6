from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.value.dependence.shares import herfindahl


def firms(shares) -> pd.DataFrame:
    ids = [f"f{i}" for i in range(len(shares))]
    return pd.DataFrame({"account_id": ids, "name": ids, "manager_id": None, "revenue": shares})


def test_index_of_the_merger_guidelines():
    # Horizontal Merger Guidelines (US DoJ and FTC), section 5.3: shares of 30, 30, 20, 20: 2,600
    assert 10_000 * herfindahl(firms([30.0, 30.0, 20.0, 20.0]))["herfindahl"] == pytest.approx(2600)


def test_leave_one_out_by_hand():
    found = herfindahl(firms([50.0, 30.0, 20.0]))
    # without 50: 0.6² + 0.4² = 0.52; without 20: (5/8)² + (3/8)² = 0.53125; without 30: (5/7)² + (2/7)²
    assert found["loo_low"] == pytest.approx(0.52)
    assert found["loo_high"] == pytest.approx((25 + 4) / 49)


def test_one_account_is_everything():
    found = herfindahl(firms([10.0]))
    assert found["herfindahl"] == 1
    assert np.isnan(found["loo_low"])
    assert "– to –" in str(found.note)


def test_managers_hold_their_accounts_together(facts):
    found = herfindahl(facts, by="manager_id")
    assert found.frame["manager_id"].tolist() == ["m1", "m2"]
    assert found.frame["revenue"].tolist() == [160.0, 30.0]
    [check] = found.checks
    # d has no manager: 10 of the 200 of accounts with revenue
    assert check.passed is False
    assert "5.0\xa0%" in str(check.note)


def test_without_managers_or_revenue_the_reason_is_given():
    assert "assignments" in str(herfindahl(firms([1.0, 2.0]), by="manager_id").note)
    assert "no account brought revenue" in str(herfindahl(firms([0.0, -2.0])).note)


@given(st.lists(st.floats(0.01, 1e9), min_size=1, max_size=30))
def test_index_lies_between_one_over_n_and_one(shares):
    found = herfindahl(firms(shares))
    assert 1 / len(shares) - 1e-9 <= found["herfindahl"] <= 1 + 1e-9
    assert found.frame["share_revenue"].sum() == pytest.approx(1)
