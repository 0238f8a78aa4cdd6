from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.value.split import split


def test_groups_partition_the_revenue(facts):
    frame = split(facts, "segment").frame.set_index("group")
    assert frame["revenue"].to_dict() == {"x": 160.0, "y": 35.0}
    assert frame["share_revenue"].sum() == pytest.approx(1)
    assert frame["change_share"]["x"] == pytest.approx(30 / 130)
    assert frame["margin_rate"]["x"] == pytest.approx(60 / 160)
    assert frame["n_accounts"].to_dict() == {"x": 2, "y": 3}


def test_unknown_values_form_a_group_and_fail_a_check(facts):
    found = split(facts, "role")
    # d has no role: 10 of 195
    unknown = found.frame[found.frame["group"].isna()]
    assert unknown["revenue"].tolist() == [10.0]
    [check] = found.checks
    assert check.passed is False
    assert "Role is unknown for accounts with 5.1\xa0% of revenue" in str(check.note)


def test_roles_are_words(facts):
    assert "end customer" in set(split(facts, "role").frame["group"].dropna())


def test_attribute_that_nobody_has_is_refused(facts):
    assert "accounts.region would bring it" in str(split(facts, "region").note)


def test_only_known_dimensions(facts):
    with pytest.raises(ValueError, match="role"):
        split(facts, "manager")


def test_margin_rate_stands_on_revenue_whose_margin_is_known(facts):
    facts.loc[1, "margin"] = np.nan
    assert split(facts, "segment").frame.set_index("group")["margin_rate"]["x"] == 0.4


@given(st.lists(st.sampled_from(["x", "y", None]), min_size=5, max_size=5))
def test_nothing_is_lost_however_groups_fall(segments):
    import pandas as pd

    frame = pd.DataFrame({"segment": segments, "revenue": [5.0, 4.0, 3.0, 2.0, 1.0],
                          "revenue_before": np.nan, "margin": np.nan, "contribution": np.nan})  # fmt: skip
    found = split(frame, "segment")
    if found.refused:
        assert set(segments) == {None}
    else:
        assert found.frame["revenue"].sum() == 15.0
        assert found.frame["n_accounts"].sum() == 5
