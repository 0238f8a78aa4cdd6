"""Months stayed: who counts as a member, and from when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.ladder.refusals import ImmortalTimeError
from kamlib.loyalty.ladder.retained import (
    Stays,
    at_landmark,
    climb_retention,
    naive_stay,
    refuse_immortal,
)
from tests.loyalty import worlds  # type: ignore[import-not-found]


def few(**more):
    rows = {"unit": range(20), "start": [3.0] * 10 + [np.nan] * 9 + [15.0],
            "left": [2.0] + [20.0] * 9 + [np.nan] * 10}  # fmt: skip
    return Stays(pd.DataFrame(rows | more), last=36, landmark=12)


def test_only_who_is_still_there_counts_and_later_members_are_others():
    sample, lot = at_landmark(few())
    assert not lot
    # one member left in month 2; the nine others left 8 months after the landmark
    assert sample.n_treated == 9
    assert sample.n_control == 10
    assert sample.outcome[sample.treated].tolist() == [8.0] * 9
    assert sample.outcome[~sample.treated].tolist() == [24.0] * 10


def test_who_joined_later_is_no_member_from_the_first_day():
    with pytest.raises(ImmortalTimeError, match="11 accounts count as members"):
        refuse_immortal(few())
    refuse_immortal(few(start=[0.0] * 10 + [np.nan] * 10))


def test_naive_stay_counts_from_the_first_day():
    # members (2 + 9 · 20 + 36) ÷ 11 less 36
    assert naive_stay(few()).frame["estimate"].iloc[0] == pytest.approx(218 / 11 - 36)


def test_chance_earns_an_a_and_counts_from_the_day_of_the_lot():
    world, rng = worlds.immortal(0), np.random.default_rng(0)
    accounts = world.accounts.assign(assigned=rng.random(300) < 0.5)
    found = climb_retention(replace(worlds.stays(world), accounts=accounts), rng=rng)
    assert found.grade == "A"
    row = found.answer.frame.iloc[0]
    assert row["n_treated"] + row["n_control"] == 300
    assert "Evidence A." in str(found.note)


def test_members_unlike_others_are_described_only():
    world = worlds.immortal(0)
    accounts = world.accounts.assign(size=np.where(world.accounts["start"] <= 12, 9.0, 0.0))
    found = climb_retention(
        replace(worlds.stays(world), accounts=accounts), rng=np.random.default_rng(0)
    )
    assert found.grade == "D"
    assert found.codes == ("NO_ASSIGNMENT", "OVERLAP")
    assert found.answer is None


def test_too_few_members_at_the_landmark():
    found = climb_retention(replace(few(), landmark=1), rng=np.random.default_rng(0))
    assert (found.grade, found.codes) == ("R", ("NO_TREATED_MIN",))
