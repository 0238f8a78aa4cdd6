"""Tier, level and dated attributes as they stood before July 2023: see RICH in conftest."""

from __future__ import annotations


def test_the_tier_in_force(rich, july):
    assert july["tier_in_force"] == "gold"  # iron was decided on 1 July
    rows = rich[rich["account_id"] == "a"].set_index("month")["tier_in_force"]
    assert rows["2023-02-01"] is None
    assert rows["2023-08-01"] == "iron"


def test_the_level_rises_without_a_gap(rich):
    rows = rich[rich["account_id"] == "a"].set_index("month")["programme_level"]
    # enrolled in May 2022, at level 2 from 1 June 2023 on, known before July
    assert rows["2022-05-01":"2022-06-01"].tolist() == [0, 1]
    assert rows["2023-05-01":"2023-07-01"].tolist() == [1, 1, 2]
    assert (rich.loc[rich["account_id"] == "b", "programme_level"] == 0).all()


def test_only_dated_attributes_count(rich, july):
    assert july["segment"] == "mining"  # changed in June, recorded on 10 July
    assert (july["role"], july["region"]) == ("end_customer", None)
    rows = rich[rich["account_id"] == "a"].set_index("month")["segment"]
    assert rows["2023-08-01"] == "farming"
    assert rich.loc[rich["account_id"] == "b", "segment"].isna().all()
