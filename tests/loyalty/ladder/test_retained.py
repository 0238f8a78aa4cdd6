"""Months stayed: who counts as a member, and from when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
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


def kept(seed, *, ratio=0.5, slope=0.3, pull=0.5, hidden=0.0, group=1, shared=0.0, n=400):
    """Accounts that leave at the rate .025 exp(−slope · size − hidden · h), members at `ratio` times it.

    They are asked in the first twelve months and agree the likelier the larger `pull` · size and
    `hidden` · h; groups agree or not as a whole and share a cause of leaving.
    """
    rng = np.random.default_rng(seed)
    size, h = rng.normal(size=(2, n))
    parent = np.arange(n) // group
    rate = 0.025 * np.exp(-slope * size - hidden * h + shared * rng.normal(size=n)[parent])
    life, asked = rng.exponential(size=n), rng.uniform(0, 12, n)[parent]
    odds = pull * size + (hidden > 0) * h
    agrees = rng.random(n)[parent] < 1 / (1 + np.exp(-(odds if group == 1 else 0.0)))
    alone = life / rate
    member = agrees & (alone > asked)
    left = np.where(member, asked + (life - rate * asked) / (rate * ratio), alone)
    rows = pd.DataFrame(
        {"unit": range(n), "start": np.where(member, asked, np.nan), "left": left, "size": size}
    )
    if group > 1:
        rows["parent"] = parent
    return Stays(rows, 48.0, 12.0, ("size",)), rate


def climbed(stays, **more):
    return climb_retention(stays, rng=np.random.default_rng(0), **{"draws": 0} | more)


def beside(found, name):
    return next(e for e in found.beside if e.name == name)


def truths(stays, rate, ratio):
    """Mean months and share that the members of the landmark gain: their rates are constant from there."""
    own = rate[stays.there & (stays.joined <= stays.landmark)]
    months = (1 - np.exp(-36 * own * ratio)) / (own * ratio) - (1 - np.exp(-36 * own)) / own
    share = np.exp(-36 * own * ratio) - np.exp(-36 * own)
    return months.mean(), share.mean()


def test_what_lies_beyond_the_last_month_is_not_known():
    rows = few(start=[3.0] * 10 + [np.nan] * 9 + [40.0], left=[2.0] + [20.0] * 9 + [50.0] * 10)
    assert np.isinf(rows.joined[10:]).all()
    assert np.isinf(rows.left[10:]).all()
    sample, _ = at_landmark(rows)
    assert sample.outcome[~sample.treated].tolist() == [24.0] * 10
    # ever members (2 + 9 · 20) ÷ 10; who joined in month 40 had not by month 36
    assert naive_stay(rows).frame["estimate"].iloc[0] == pytest.approx(18.2 - 36)


def test_accounts_that_stand_twice_are_refused():
    found = climbed(few(unit=[1, 1, *range(2, 20)]))
    assert (found.grade, found.codes, found.naive) == ("R", ("DUPLICATE_KEYS",), None)


def test_a_covariate_is_needed_of_those_who_are_there_only():
    stays = few(size=[np.nan] + [0.0] * 19)
    at_landmark(replace(stays, covariates=("size",)))
    late = few(size=[0.0] * 19 + [np.nan])
    with pytest.raises(FitError, match="still there"):
        at_landmark(replace(late, covariates=("size",)))


def test_an_effect_that_is_there_is_found():
    stays, rate = kept(0)
    found, (months, share) = climbed(stays), truths(stays, rate, 0.5)
    assert found.grade == "C"
    row = found.answer.frame.iloc[0]
    assert 0 < row["conf_low"] < months < row["conf_high"]
    points = beside(found, "share_retained").frame.iloc[0]
    assert 0 < points["conf_low"] < share < points["conf_high"]
    ratio = beside(found, "hazard").frame.iloc[0]
    assert ratio["conf_low"] < 0.5 < ratio["conf_high"] < 1
    assert beside(found, "e_value").frame["e_value_limit"].iloc[0] > 1
    assert beside(found, "hidden_cause")["robustness_value"] > 0.1
    rival = found.frame[found.frame["estimator"] == "Likeness and line together"].iloc[0]
    assert rival["evidence_grade"] == "D"
    assert rival["estimate"] == pytest.approx(row["estimate"], abs=row["std_error"])
    assert len({check.name for check in found.checks}) == len(found.checks)


def coverage(seeds, ratio):
    held = []
    for seed in seeds:
        stays, rate = kept(seed, ratio=ratio)
        found = climbed(stays)
        if found.answer is None:
            continue
        months, share = truths(stays, rate, ratio)
        shown = [(found.answer, months), (beside(found, "rivals"), months),
                 (beside(found, "share_retained"), share), (beside(found, "hazard"), ratio)]  # fmt: skip
        held.append([e.frame["conf_low"].iloc[0] <= truth <= e.frame["conf_high"].iloc[0]
                     for e, truth in shown])  # fmt: skip
    return np.array(held)


def test_the_truth_is_held_sample():
    held = coverage(range(40), 0.5)
    assert len(held) >= 36
    assert (held.mean(axis=0) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(held))).all()


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0])
def test_the_truth_is_held_in_four_hundred_draws(ratio):
    held = coverage(range(400), ratio)
    assert (held.mean(axis=0) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(held))).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_known_cause_as_strong_as_the_effect_forbids_it(seed):
    # size drives both who agrees and who leaves: another cause like it would explain all
    stays, _ = kept(seed, ratio=0.7, slope=0.9, pull=1.2, n=800)
    found = climbed(stays)
    assert (found.grade, found.codes) == ("D", ("NO_ASSIGNMENT", "HIDDEN_CAUSE"))
    assert found.answer is None
    assert [e.name for e in found.beside] == ["overlap"]


def test_without_anything_known_no_effect_is_claimed():
    stays, _ = kept(0)
    found = climbed(replace(stays, covariates=()))
    assert (found.grade, found.codes) == ("D", ("NO_ASSIGNMENT", "HIDDEN_CAUSE"))


def test_what_nobody_recorded_is_not_found_out():
    # members leave as others do, and a hidden cause makes them stay: the limit of this ladder
    found = climbed(kept(0, ratio=1.0, hidden=0.6)[0])
    assert found.grade == "C"
    assert found.answer.frame["conf_low"].iloc[0] > 0
    assert 1 < beside(found, "e_value").frame["e_value_limit"].iloc[0] < 2


def test_accounts_of_a_group_are_not_as_many_witnesses():
    stays, _ = kept(0, ratio=1.0, group=4, shared=0.8)
    found = climbed(stays)
    alone = climbed(replace(stays, accounts=stays.accounts.drop(columns="parent")))
    assert found.grade == alone.grade == "C"
    one, other = (f.answer.frame.iloc[0] for f in (found, alone))
    assert one["estimate"] == other["estimate"]
    assert one["std_error"] > 1.1 * other["std_error"]
    assert found.answer["n_clusters"] < 100 < alone.answer["n_clusters"]
    rates = [beside(f, "hazard").frame.iloc[0] for f in (found, alone)]
    width = [np.log(rate["conf_high"] / rate["conf_low"]) for rate in rates]
    assert width[0] > 1.1 * width[1]


def test_groups_are_drawn_whole():
    stays, _ = kept(0, ratio=1.0, group=4, shared=0.8)
    plain, drawn = climbed(stays), climbed(stays, draws=60)
    assert "bootstrap of 60 draws" in drawn.answer["method"]
    one, other = (f.answer.frame["std_error"].iloc[0] for f in (plain, drawn))
    # 60 draws tell an error to about 1 ÷ √120 = 9 %
    assert other == pytest.approx(one, rel=0.3)


def test_members_among_siblings_are_no_comparison():
    stays, _ = kept(0)
    mixed = replace(stays, accounts=stays.accounts.assign(parent=np.arange(400) // 4))
    found = climbed(mixed)
    assert (found.grade, found.codes) == ("D", ("NO_ASSIGNMENT", "MIXED_GROUPS"))
    # by lot it is no other: siblings of who is in the programme may be reached by it too
    assigned = mixed.accounts["start"].notna()
    lot = climbed(replace(mixed, accounts=mixed.accounts.assign(assigned=assigned)))
    assert (lot.grade, lot.codes) == ("D", ("MIXED_GROUPS",))


def test_few_groups():
    stays, _ = kept(0)
    parent = np.where(stays.accounts["start"].notna(), 0, 1 + np.arange(400) % 4)
    found = climbed(replace(stays, accounts=stays.accounts.assign(parent=parent)))
    assert found.codes == ("NO_ASSIGNMENT", "CLUSTER_TOO_FEW")


def test_few_groups_by_lot_are_permuted():
    stays, _ = kept(0, ratio=1.0)
    parent = np.arange(400) // 20
    accounts = stays.accounts.assign(parent=parent, assigned=parent % 2 == 0)
    found = climbed(replace(stays, accounts=accounts))
    assert found.grade == "A"
    assert "permutation" in found.answer["method"]


def test_one_account_that_decides_lowers_the_grade():
    # 39 members leave two months after the others, and one never: of 2 + 33 ÷ 40 months that one
    # makes more than a quarter
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"unit": range(200), "start": [1.0] * 40 + [np.nan] * 160,
                         "left": rng.uniform(13, 14, 200), "size": rng.normal(size=200)})  # fmt: skip
    rows.loc[:39, "left"] += 2
    rows.loc[0, "left"] = np.nan
    found = climbed(Stays(rows, 48.0, 12.0, ("size",)))
    assert (found.grade, found.codes) == ("D", ("NO_ASSIGNMENT", "TOP_ACCOUNT"))
    rows.loc[0, "left"] = 16.0
    assert climbed(Stays(rows, 48.0, 12.0, ("size",))).grade == "C"


def test_nobody_left():
    rows = few(left=[np.nan] * 20)
    found = climbed(
        replace(rows, accounts=rows.accounts.assign(assigned=[True] * 10 + [False] * 10))
    )
    assert (found.grade, found.answer, found.codes) == ("D", None, ())
    assert "Evidence D." in str(found.note)


def test_rates_that_claim_the_opposite_lower_the_grade():
    # members of the landmark stay longer; who joins later leaves at once, and most of them do
    stays, _ = kept(0, n=800)
    late = stays.accounts["start"].isna() & (stays.left > 14) & (np.arange(800) % 3 > 0)
    accounts = stays.accounts.assign(
        start=stays.accounts["start"].where(~late, 13.0),
        left=stays.accounts["left"].where(~late, 13.5 + 0.001 * np.arange(800)),
    )
    found = climbed(replace(stays, accounts=accounts))
    assert (found.grade, found.codes[1:]) == ("D", ("ESTIMATORS_DISAGREE",))
    check = next(c for c in found.checks if c.name == "hazard_agrees")
    assert check.passed is False
    assert "opposite" in str(check.note)
