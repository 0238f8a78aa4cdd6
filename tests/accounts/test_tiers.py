"""Tiers by hand, their hysteresis, and the past that stays the past."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.accounts import assign_tiers, contribution_standing, tier_in_force, walk_tiers
from kamlib.book.schemas import TIERS

BOUNDS = (70.0, 55.0, 35.0)
scores = st.lists(st.floats(0, 100), min_size=1, max_size=12)


def tiers(values, before=None, margin=3.0):
    held = None if before is None else pd.Series(before, dtype=object)
    return assign_tiers(pd.Series(values), held, bounds=BOUNDS, margin=margin).tolist()


def test_a_bound_is_reached_by_what_equals_it():
    assert tiers([70.0, 69.999, 55.0, 35.0, 34.999]) == ["platinum", "gold", "gold", "iron", "lead"]


def test_an_account_leaves_its_tier_only_beyond_the_margin():
    # gold lies from 55 to 70: it ends below 52 and from 73 on
    assert tiers([52.0, 51.9, 72.9, 73.0], ["gold"] * 4) == ["gold", "iron", "gold", "platinum"]
    # each bound on the way must be passed by the margin: 71 leaves iron for gold, not for platinum
    assert tiers([71.0, 73.0], ["iron"] * 2) == ["gold", "platinum"]
    assert tiers([34.0, 31.9], ["platinum"] * 2) == ["iron", "lead"]


def test_unknown_standing_has_no_tier_and_unknown_past_no_margin():
    found = assign_tiers(
        pd.Series([np.nan, 71.0]), pd.Series([None, None]), bounds=BOUNDS, margin=3
    )
    assert pd.isna(found[0])
    assert found[1] == "platinum"


def test_bounds_must_fall():
    with pytest.raises(ValueError, match="falling"):
        assign_tiers(pd.Series([1.0]), bounds=(1, 2, 3))


@given(scores, st.lists(st.sampled_from([*TIERS, None]), min_size=12, max_size=12), st.floats(0, 9))
def test_hysteresis_keeps_within_the_margin(values, before, margin):
    before = before[: len(values)]
    edges = [np.inf, *BOUNDS, -np.inf]
    for value, was, now in zip(values, before, tiers(values, before, margin), strict=True):
        place = TIERS.index(now)
        slack = 0.0 if was is None else margin
        # every tier is right within the margin ...
        assert edges[place + 1] - slack <= value < edges[place] + slack
        if was is not None:
            kept = TIERS.index(was)
            # ... and one that is right within the margin is kept
            if edges[kept + 1] - margin <= value < edges[kept] + margin:
                assert now == was


@given(scores)
def test_tiers_partition_accounts_and_rise_with_the_standing(values):
    found = tiers(values)
    assert len(found) == len(values)
    assert set(found) <= set(TIERS)
    order = np.argsort(values, kind="stable")[::-1]
    places = [TIERS.index(found[i]) for i in order]
    assert places == sorted(places)


def test_standing_by_contribution_by_hand():
    found = contribution_standing(pd.Series([50.0, 25.0, 25.0, 0.0, -10.0, np.nan]))
    # both accounts of 25 have half of the 100 above them
    assert found.tolist()[:5] == [1.0, 0.5, 0.5, 0.0, 0.0]
    assert np.isnan(found[5])
    assert contribution_standing(pd.Series([-1.0, 0.0])).tolist() == [0.0, 0.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_accounts_that_make_the_first_half_stand_above_one_half(amounts):
    amounts = pd.Series(amounts).round(2)
    standing = contribution_standing(amounts)
    assert standing.between(0, 1).all()
    total = amounts.clip(lower=0).sum()
    for amount, place in zip(amounts, standing, strict=True):
        if amount > 0:
            larger = amounts[amounts > amount].sum()
            assert place == pytest.approx(1 - larger / total, abs=1e-9)


def walk(*rows):
    frame = pd.DataFrame(rows, columns=["account_id", "evaluated_on", "standing"])
    frame["evaluated_on"] = pd.to_datetime(frame["evaluated_on"])
    return walk_tiers(frame, bounds=BOUNDS, margin=3.0)


def test_walking_forward_by_hand():
    days = ["2023-12-31", "2024-03-31", "2024-06-30", "2024-09-30"]
    found = walk(*zip("aaaa", days, [56.0, 53.0, 51.0, 56.0], strict=True),
                 ("b", days[0], 80.0), ("b", days[2], 71.0))  # fmt: skip
    mine = found[found["account_id"] == "a"]
    # 53 stays gold within the margin, 51 falls, and 56 does not pass 55 by 3 again
    assert mine["tier"].tolist() == ["gold", "gold", "iron", "iron"]
    assert mine["tier_before"].tolist()[1:] == ["gold", "gold", "iron"]
    back = found[found["account_id"] == "b"]
    # whoever was away has no tier before: 71 is platinum without a margin
    assert back["tier"].tolist() == ["platinum", "platinum"]
    assert back["tier_before"].isna().all()


@settings(max_examples=20)
@given(st.lists(st.floats(0, 100), min_size=2, max_size=8), st.integers(1, 7))
def test_the_past_does_not_change_with_what_comes_later(values, cut):
    days = pd.date_range("2021-12-31", periods=len(values), freq="QE")
    rows = list(zip("a" * len(values), days, values, strict=True))
    whole, early = walk(*rows), walk(*rows[:cut])
    pd.testing.assert_frame_equal(whole.head(len(early)), early)


def test_no_rows_give_no_tiers():
    assert list(walk().columns) == ["account_id", "evaluated_on", "standing", "tier", "tier_before"]


def test_tier_in_force_is_the_last_decision_known_on_the_day(small):
    sales = [{"account_id": a, "date": "2024-01-01", "amount": 1} for a in "abc"]
    decisions = [
        {
            "account_id": "a",
            "tier": "gold",
            "valid_from": "2023-02-01",
            "recorded_on": "2023-02-01",
        },
        {
            "account_id": "a",
            "tier": "iron",
            "valid_from": "2024-02-01",
            "recorded_on": "2024-02-01",
        },
        {
            "account_id": "b",
            "tier": "lead",
            "valid_from": "2023-02-01",
            "recorded_on": "2024-03-01",
        },
    ]
    book = small.open({"transactions": sales, "tier_decisions": decisions}, as_of="2024-12-31")

    def on(day):
        found = tier_in_force(book, day).order_by("account_id").execute()
        return dict(zip(found["account_id"], found["tier"], strict=True))

    assert on(date(2023, 12, 31)) == {"a": "gold"}  # b was written down later
    assert on(date(2024, 2, 1)) == {"a": "iron"}
    assert on(date(2024, 12, 31)) == {"a": "iron", "b": "lead"}
    assert tier_in_force(small.open({"transactions": sales}), date(2024, 12, 31)).execute().empty
