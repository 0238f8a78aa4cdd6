"""Two programmes at once: the effect of both, told as such and never split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.glossary import Style, say
from kamlib.loyalty.ladder.joint import joint_effect
from kamlib.loyalty.ladder.ladder import climb
from tests.loyalty import worlds  # type: ignore[import-not-found]

# what better service adds to the programme's own effect in `overlap`
SERVICE = 0.03


def found_in(world, seed=0, **more):
    records = worlds.records(world, **more)
    return joint_effect(records, rng=np.random.default_rng(seed), draws=0)


def with_accounts(world, **columns):
    return replace(world, accounts=world.accounts.assign(**columns))


def test_the_joint_effect_is_told_of_both_and_not_split():
    world = worlds.overlap(0)
    accounts = world.accounts
    found = found_in(world)
    assert found.grade == "C"
    assert found.codes[0] == "OVERLAPPING_PROGRAMMES"
    assert [c.passed for c in found.checks if c.name == "overlapping_programmes"] == [False]
    assert not any(c.name == "other_programme" for c in found.checks)
    row = found.answer.frame.iloc[0]
    assert row["conf_low"] < world.truth + SERVICE < row["conf_high"]
    joined, other = (accounts[c].notna() for c in ("start", "other_start"))
    assert row["n_treated"] == (joined & other).sum()
    note = str(found.note)
    assert note == str(found.answer.note)
    assert note.startswith("Evidence C. Of two programmes together, which cannot be split")
    assert f"{(joined & other).sum()} accounts in both" in note
    assert f"{(~joined & ~other).sum()} in neither" in note
    assert f"{(joined ^ other).sum()} in one alone" in note
    assert "两个计划合计" in say(found.note, Style("zh"))


def errors_of(seeds):
    inside, errors, grades = [], [], []
    for seed in seeds:
        world = worlds.overlap(seed)
        found = found_in(world, seed)
        grades.append(found.grade)
        if found.answer is not None:
            row = found.answer.frame.iloc[0]
            truth = world.truth + SERVICE
            inside.append(row["conf_low"] <= truth <= row["conf_high"])
            errors.append(row["estimate"] - truth)
    return np.array(inside), np.array(errors), grades


def test_the_truth_is_held_sample():
    inside, errors, grades = errors_of(range(25))
    assert inside.mean() >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(inside))
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors))
    assert "A" not in grades


@pytest.mark.slow
def test_the_truth_is_held_in_four_hundred_draws():
    inside, errors, grades = errors_of(range(400))
    assert inside.mean() >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(inside))
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors))
    assert "A" not in grades


def test_who_was_reached_much_later_is_left_out():
    world = worlds.overlap(0)
    served = world.accounts["other_start"].to_numpy()
    late = np.isfinite(served) & (np.arange(300) < 100)
    plain = found_in(world).answer.frame["n_treated"].iloc[0]
    near = found_in(with_accounts(world, other_start=np.where(late, 15.0, served)))
    assert near.answer.frame["n_treated"].iloc[0] == plain
    far = found_in(with_accounts(world, other_start=np.where(late, 16.0, served)))
    both = late & world.accounts["start"].notna().to_numpy()
    assert far.note.values["note"].values["n"] == plain - both.sum()


def test_months_count_from_the_first_of_either():
    world = worlds.overlap(0)
    earlier = world.accounts["other_start"] - 2
    found = found_in(with_accounts(world, other_start=earlier))
    # 36 months, of which the other programme came in month 10
    short = [c for c in found.checks if c.name == "short_window"]
    assert "seen for 26 months" in str(short[0].note)


def test_a_lot_stands_only_where_nobody_is_left_out():
    world = worlds.overlap(0)
    joined = world.accounts["start"].notna()
    same = with_accounts(world, assigned=joined, other_start=world.accounts["start"])
    assert found_in(same).grade == "A"
    broken = with_accounts(world, assigned=joined)
    found = found_in(broken)
    assert found.grade == "C"
    assert "NO_ASSIGNMENT" in found.codes


def test_too_few_in_both():
    world = worlds.overlap(0)
    starts = np.full((2, 300), np.nan)
    starts[0, :20], starts[1, 14:100] = 12.0, 12.0
    alone = with_accounts(world, start=starts[0], other_start=starts[1])
    # six accounts are in both: too few to split, and too few to tell
    found = found_in(alone)
    assert found.grade == "R"
    assert found.codes == ("OVERLAPPING_PROGRAMMES", "NO_TREATED_MIN")
    assert found.answer is None
    assert "Of two programmes together" in str(found.note)


def test_programmes_that_can_be_told_apart_are_not_joined():
    with pytest.raises(FitError, match="told apart"):
        found_in(worlds.select(0))
    with pytest.raises(FitError, match="refused with NO_TREATED_MIN"):
        found_in(worlds.tiny(0))


def test_records_are_left_as_they_were():
    records = worlds.records(worlds.overlap(0))
    before = records.accounts.copy()
    joint_effect(records, rng=np.random.default_rng(0), draws=0)
    assert records.accounts.equals(before)
    assert climb(records, rng=np.random.default_rng(0)).codes == ("OVERLAPPING_PROGRAMMES",)
