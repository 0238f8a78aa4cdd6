"""Curves by hand, what a curve must not do, and the traps of late entry and of immortal time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.curves import at_risk, compare_groups, months_of, survival, survival_by
from kamlib.churn.groups import OTHERS, by_cohort
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import LANGUAGES, Style, columns, say

SMALL = {"least": 1, "n_risk_min": 1}


def lives(*rows, group=None) -> pd.DataFrame:
    """Return lives from months of entry and end and what happened there, one account each."""
    frame = pd.DataFrame(rows, columns=["entry_days", "duration_days", "event_type"])
    frame[["entry_days", "duration_days"]] *= MONTH_DAYS
    frame.insert(0, "account_id", [f"a{i}" for i in range(len(frame))])
    frame.insert(1, "spell_no", 1)
    return frame if group is None else frame.assign(group=group)


FOUR = lives((0, 3, "churn"), (0, 5, "churn"), (0, 5, None), (0, 8, "churn"))


def told(found):
    """Assert that an estimate can be read in both languages, and holds glossary columns only."""
    assert set(found.frame.columns) <= set(columns())
    for language in LANGUAGES:
        for note in (found.note, *(check.note for check in found.checks)):
            assert "{" not in say(note, Style(language))
    return found


def test_all_by_hand():
    found = told(survival(FOUR, horizon=8, n_risk_min=1))
    # 1, then 3/4, then 3/4 · 2/3, then none; lived within 8: 3 · 1 + 2 · 3/4 + 3 · 1/2
    assert found.frame["estimate"].tolist() == pytest.approx([1, 0.75, 0.5, 0])
    assert found["mean_stay"] == pytest.approx(6)
    assert found["median"] == pytest.approx(5)
    assert (found["n_obs"], found["n_event"], found["start"]) == (4, 3, 0)
    assert found.note.values["who"].key == "curves.who_new"


def test_an_insolvency_takes_an_account_out_and_is_no_loss():
    rows = FOUR.assign(event_type=["insolvent", "churn", None, "churn"])
    found = told(survival(rows, horizon=8, n_risk_min=1))
    # three at risk at month 5, one lost
    assert found.frame["estimate"].tolist() == pytest.approx([1, 1, 2 / 3, 0])
    assert (found["n_competing"], found["n_event"]) == (1, 2)
    check = found.checks[0]
    assert (check.name, check.passed) == ("other_ends_few", None)
    assert "1 of 3 ends was" in str(check.note)


def test_a_late_curve_says_of_whom_it_is():
    found = survival(FOUR.assign(entry_days=[0, 2 * MONTH_DAYS, 0, 0]), horizon=2, n_risk_min=4)
    assert found["start"] == pytest.approx(2)
    # after the loss at month 3 fewer than four are left, and the curve ends
    assert "have stayed 2.0 months, 75.0\xa0% are still there 1 months later" in str(found.note)


def test_a_small_unit_gets_its_curve_and_a_warning():
    # twelve accounts: a third of them is four, and five is the least
    rows = lives(*[(0, 2 + n, "churn" if n % 3 else None) for n in range(12)])
    found = told(survival(rows, horizon=12))
    assert not found.refused
    check = found.checks[-1]
    assert (check.name, check.passed) == ("curve_begins_with_enough", False)
    assert check.note.values == {"n": 5, "need": 30}


def test_a_landmark_is_named():
    note = survival(FOUR, horizon=2, n_risk_min=1, landmark=date(2024, 6, 30)).note
    assert str(note).startswith("Of accounts that were there on 2024-06-30, 100.0\xa0% are")


def test_the_horizon_is_no_longer_than_the_records():
    found = survival(FOUR.assign(event_type=["churn", None, None, None]), horizon=36, n_risk_min=1)
    assert found["horizon"] == 8
    assert found.note.values["half"].key == "curves.half_unknown"


@pytest.mark.parametrize(
    ("rows", "key"),
    [(FOUR.head(0), "curves.too_few"), (FOUR.head(2), "curves.too_few"),
     (FOUR.assign(event_type=None), "curves.no_loss")],
)  # fmt: skip
def test_refusals(rows, key):
    found = survival(rows, horizon=12, n_risk_min=3)
    assert found.refused
    assert found.note.key == key


def test_repeated_spells_are_said():
    found = survival(FOUR.assign(spell_no=[1, 2, 1, 2]), horizon=3, n_risk_min=1)
    check = found.checks[1]
    assert (check.name, check.passed) == ("spells_independent", False)


# Groups


AB = lives((0, 1, "churn"), (0, 2, "churn"), (0, 3, "churn"), (0, 4, "churn"), group=list("aabb"))


def test_groups_by_hand():
    # as in the docstring of stats.logrank
    found = told(compare_groups(AB, "tier", horizon=12, **SMALL))
    frame = found.frame.set_index("group")
    assert frame["n_expected"].tolist() == pytest.approx([5 / 6, 19 / 6])
    assert found["statistic"] == pytest.approx(2.8824, abs=1e-4)
    # the shorter curve ends at month 2, and so does the horizon of both
    assert frame["horizon"].tolist() == [2, 2]
    assert frame["remaining"].tolist() == [0, 1]
    assert frame["restricted_mean"].tolist() == pytest.approx([1.5, 2])
    assert frame["median_stay"].tolist() == pytest.approx([1, 3])
    # fewer than five losses were to be expected of either
    assert found.checks[-1].note.key == "curves.few_losses"
    # p = 0.09
    assert found.note.values["verdict"].key == "curves.alike"


def test_curves_of_groups_begin_together():
    late = lives((6, 9, "churn"), (6, 12, None), group="gold")
    early = lives((0, 3, "churn"), (0, 8, "churn"), (0, 12, None), group="lead")
    frame = told(survival_by(pd.concat([late, early]), "tier", **SMALL)).frame
    assert frame["group"].unique().tolist() == ["gold", "lead"]
    # the loss at month 3 came before anybody could be gold
    assert frame.groupby("group")["time"].min().tolist() == pytest.approx([6, 6])
    assert frame[frame["group"] == "lead"]["estimate"].tolist() == pytest.approx([1, 0.5, 0.5])


def test_tiers_stand_best_first_and_others_last():
    sizes = {"lead": 4, "x": 2, "platinum": 5, "y": 3, "iron": 4}
    rows = lives(*[(0, 2 + n % 3, "churn") for n in range(sum(sizes.values()))])
    rows = rows.assign(group=np.repeat(list(sizes), list(sizes.values())))
    found = told(survival_by(rows, "tier", least=4, n_risk_min=1, join_small=True))
    assert found.frame["group"].unique().tolist() == ["platinum", "iron", "lead", OTHERS]
    check = found.checks[0]
    assert (check.name, check.passed) == ("groups_kept_tier", True)
    assert check.note.key == "curves.groups_joined"
    assert check.frame.to_dict("list") == {"group": ["x", "y"], "n_accounts": [2, 3]}
    left_out = told(survival_by(rows, "tier", least=4, n_risk_min=1))
    assert left_out.frame["group"].unique().tolist() == ["platinum", "iron", "lead"]
    assert left_out.checks[0].note.key == "curves.groups_left_out"
    assert left_out.checks[0].passed is None
    assert at_risk(rows, [0], least=4, join_small=True)["group"].tolist()[-1] == OTHERS


def test_groups_that_are_never_at_risk_together_where_one_is_lost():
    # a ends at month 3 with the only loss; b enters at month 2 and nobody of a is there later
    rows = lives((0, 1, None), (0, 4, None), (1, 6, "churn"), (1, 6, "churn"))
    rows = rows.assign(group=["a", "a", "b", "b"])
    found = told(compare_groups(rows, "role", horizon=2, **SMALL))
    assert found.note.key == "curves.never_together"


def test_groups_of_a_day_name_the_day():
    note = survival_by(AB, "role", landmark=date(2024, 6, 30), **SMALL).note
    assert "there on 2024-06-30, by the Role known on that day (2 groups" in str(note)


def test_counts_stand_at_whole_years():
    found = survival(FOUR, horizon=8, n_risk_min=1)
    assert months_of(found) == [0]
    # 20 years: nine counts are enough, so every third year
    long = found.frame.assign(time=found.frame["time"] * 30)
    assert months_of(replace(found, frame=long)) == [0, 36, 72, 108, 144, 180, 216]
    assert months_of(survival(FOUR.head(0), horizon=8)) == []


def test_unknown_groups_are_left_out_and_said():
    rows = pd.concat([AB, lives((0, 9, "churn")).assign(account_id="z", group=None)])
    found = told(compare_groups(rows, "role", horizon=2, **SMALL))
    assert found["n_obs"] == 4
    assert found.checks[0].note.key == "curves.groups_unknown"


@pytest.mark.parametrize(
    ("rows", "key"),
    [(AB.assign(group=None), "curves.no_group"), (AB.assign(group="a"), "curves.few_groups"),
     (AB.assign(event_type=None), "curves.no_loss")],
)  # fmt: skip
def test_groups_that_cannot_be_compared(rows, key):
    assert compare_groups(rows, "role", horizon=2, **SMALL).note.key == key


def test_a_group_without_a_loss_has_no_interval():
    rows = AB.assign(event_type=["churn", "churn", None, None])
    frame = compare_groups(rows, "role", horizon=2, **SMALL).frame.set_index("group")
    assert frame.loc["b", "remaining"] == 1
    assert np.isnan(frame.loc["b", "share_low"])


def test_counts_at_risk():
    # as in the docstring of stats.kaplan_meier.at_risk_table
    assert at_risk(FOUR, [0, 5, 6])["n_risk"].tolist() == [4, 3, 1]
    by_group = at_risk(AB, [0, 2], least=1)
    assert by_group["n_risk"].tolist() == [2, 1, 2, 2]
    assert by_group["n_event"].tolist() == [0, 2, 0, 0]


def test_spells_that_began_before_the_records_belong_to_no_cohort():
    rows = FOUR.assign(
        started_on=pd.to_datetime(["2019-05-01", "2021-01-01", "2021-12-31", "2022-01-01"])
    )
    groups = by_cohort(rows, date(2021, 1, 1))["group"]
    assert groups.isna().tolist() == [True, False, False, False]
    assert groups.tolist()[1:] == ["2021", "2021", "2022"]
    found = told(compare_groups(rows.assign(group=groups), "cohort", horizon=2, **SMALL))
    assert found.checks[0].passed is True
    assert str(found.checks[0].note).startswith("1 account began before the records do")


# The traps: shown wrong when done naively, and right as built


@pytest.fixture(scope="module")
def seen_late():
    """6,000 accounts over twelve years, mean stay 24 months; records tell of the last four."""
    rng = np.random.default_rng(7)
    start, stay = rng.uniform(0, 144, 6000), rng.exponential(24.0, 6000)
    end = start + stay
    visible = end > 96
    entry = np.maximum(96 - start, 0)[visible]
    exit_ = np.minimum(end, 144)[visible] - start[visible]
    lost = end[visible] <= 144
    rows = [(a, b, "churn" if c else None) for a, b, c in zip(entry, exit_, lost, strict=True)]
    return lives(*rows)


def test_survivors_alone_stay_too_long(seen_late):
    truth = np.exp(-1)  # after 24 of 24 months
    right = survival(seen_late, horizon=24)
    naive = survival(seen_late.assign(entry_days=0.0), horizon=24)
    at_24 = right.frame[right.frame["time"] <= right["start"] + 24].iloc[-1]
    assert at_24["conf_low"] < truth < at_24["conf_high"]
    assert at_24["conf_high"] - at_24["conf_low"] < 0.08
    assert naive["remaining_low"] > truth + 0.08


def joined_later(seed):
    """Return lives by membership, and by membership ever: joining has no effect on leaving."""
    rng = np.random.default_rng(seed)
    stay, joins = rng.exponential(24.0, 2000), rng.exponential(20.0, 2000)
    exit_, lost = np.minimum(stay, 48), stay <= 48
    parts, ever = [], []
    for i, (until, is_lost, joined) in enumerate(zip(exit_, lost, joins, strict=True)):
        event, member = "churn" if is_lost else None, joined < until
        ever.append((f"a{i}", 1, 0, until, event, "member" if member else "none"))
        if member:
            parts.append((f"a{i}", 1, 0, joined, None, "none"))
            parts.append((f"a{i}", 1, joined, until, event, "member"))
        else:
            parts.append((f"a{i}", 1, 0, until, event, "none"))
    names = ["account_id", "spell_no", "entry_days", "duration_days", "event_type", "group"]
    frames = [pd.DataFrame(rows, columns=names) for rows in (parts, ever)]
    for frame in frames:
        frame[["entry_days", "duration_days"]] *= MONTH_DAYS
    return frames


def test_members_do_not_stay_longer_because_who_stays_becomes_a_member():
    right, naive = joined_later(4)
    apart = compare_groups(naive, "programme_level", horizon=24)
    assert apart["p_value"] < 1e-6
    members = apart.frame.set_index("group").loc["member"]
    assert members["share_low"] > np.exp(-1) + 0.1
    # who joined later is not at risk before, so neither is anybody where the curves begin
    fair = compare_groups(right, "programme_level", horizon=24)
    truth = np.exp(-1)
    assert fair["p_value"] > 0.05
    frame = fair.frame.set_index("group")
    for group in ("member", "none"):
        assert frame.loc[group, "share_low"] < truth < frame.loc[group, "share_high"]
    assert fair.checks[-1].note.key == "curves.enough_losses"
    # an account that joined counts for both groups, and once in all
    assert fair["n_obs"] == 2000
    assert frame["n_accounts"].sum() > 2000


@pytest.mark.slow
def test_late_joining_is_no_difference_as_often_as_the_level_says():
    found = [
        compare_groups(joined_later(seed)[0], "programme_level", horizon=24)["p_value"]
        for seed in range(100)
    ]
    # 5 of 100 expected; 12 or more have a chance of 0.4 %
    assert np.sum(np.array(found) < 0.05) < 12
