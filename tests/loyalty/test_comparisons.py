"""Who is compared with whom, over which months, and who is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from kamlib.loyalty.comparisons import comparisons, ladder_records, stay_records
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.effect_rows import records  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams()
NAMES = ["never", "joins", "early", "late", "rises", "jumps", "straight", "small", "silent"]
STAYS = [
    ("joins", 1, 20, 48),
    # no year before, less than half a year after
    ("early", 1, 8, 48),
    ("late", 1, 44, 48),
    ("rises", 1, 14, 30),
    ("rises", 2, 30, 48),
    # past level 2 at once
    ("jumps", 1, 16, 32),
    ("jumps", 3, 32, 48),
    ("straight", 3, 18, 40),
]


def made(**more):
    # two that bought nothing in their first year
    return records(STAYS, NAMES, usual={"small": 0.0, "silent": 0.0}, **more)


def by_name(found, rules=RULES):
    return {one.name: one for one in comparisons(found, rules)}


def who(one):
    """Return the first month with it, by account; None: never."""
    rows = one.accounts
    starts = [None if np.isnan(s) else int(s) for s in rows["start"]]
    return dict(zip(rows["unit"], starts, strict=True))


def test_the_programme_as_a_whole():
    one = by_name(made())["whole programme"]
    assert who(one) == {"never": None, "joins": 20, "rises": 14, "jumps": 16, "straight": 18}
    assert (one.level, one.first, one.last, one.assigned_on) == (0, 0, 48, None)
    # early, late, and the two that bought nothing
    assert one.n_left_out == 4
    assert one.accounts["usual"].tolist() == [100.0] * 5
    assert (one.accounts[["begin", "end"]] == [0, 48]).all().all()


def test_a_small_account_counts_as_a_quarter_of_the_one_in_the_middle():
    one = by_name(records(STAYS, NAMES, usual={"small": 2.0, "silent": 0.0}))["whole programme"]
    usual = dict(zip(one.accounts["unit"], one.accounts["usual"], strict=True))
    assert usual == dict.fromkeys(["never", "joins", "rises", "jumps", "straight"], 100.0) | {
        "small": 25.0
    }
    assert one.accounts["size"].min() == np.log(25.0)


def test_the_first_level_ends_where_the_second_begins():
    one = by_name(made())["level 1 over none"]
    # who began at level 3 was never at level 1
    assert who(one) == {"never": None, "joins": 20, "rises": 14, "jumps": 16}
    assert dict(zip(one.accounts["unit"], one.accounts["end"], strict=True)) == {
        "never": 48, "joins": 48, "rises": 30, "jumps": 32,
    }  # fmt: skip
    assert one.n_left_out == 4


def test_a_level_against_the_one_below_begins_with_that():
    one = by_name(made())["level 2 over level 1"]
    # jumps and straight were never at level 2; late was not followed long enough
    assert who(one) == {"joins": None, "early": None, "rises": 30}
    assert dict(zip(one.accounts["unit"], one.accounts["begin"], strict=True)) == {
        "joins": 20, "early": 8, "rises": 14,
    }  # fmt: skip
    assert one.n_left_out == 1
    top = by_name(made())["level 3 over level 2"]
    # jumps and straight had no year at level 2 before
    assert (who(top), top.n_left_out) == ({"rises": None}, 2)


def test_levels_that_nobody_reached_are_not_compared():
    found = records([("a", 1, 20, 48)], ["a", "b"])
    assert list(by_name(found)) == ["whole programme", "level 1 over none"]


def test_what_an_account_usually_brings_is_of_its_own_first_year():
    found = made()
    rising = found.panel["account_id"] == "rises"
    # 100 a month in its first year, and 10 more from month 12 on, so in the first year at level 1
    later = rising & (found.panel["month"] >= found.months[12])
    panel = found.panel.assign(revenue=found.panel["revenue"].where(~later, 110.0))
    every = by_name(replace(found, panel=panel))
    usual = {name: one.accounts.set_index("unit")["usual"]["rises"] for name, one in every.items()}
    assert usual == {"whole programme": 100.0, "level 1 over none": 100.0,
                     "level 2 over level 1": 110.0, "level 3 over level 2": 110.0}  # fmt: skip


LOT = [
    ("t", "never", "control", 24), ("t", "joins", "1", 24), ("t", "early", "control", 24),
    ("t", "late", "1", 24), ("t", "gone", "1", 24),
]  # fmt: skip


def test_a_trial_by_arm():
    found = records(
        [("joins", 1, 25, 48), ("early", 1, 8, 48), ("late", 1, 44, 48)], NAMES, lot=LOT,
    )  # fmt: skip
    one = by_name(found)["level 1 by lot"]
    # who was a member before the draw did not join because of it
    assert who(one) == {"never": None, "joins": 25, "early": None, "late": 44}
    drawn = dict(zip(one.accounts["unit"], one.accounts["assigned"], strict=True))
    assert drawn == {"never": False, "joins": True, "early": False, "late": True}
    # a year before the draw is looked at; "gone" is not among the accounts
    assert (one.first, one.last, one.assigned_on, one.level) == (12, 48, 24, 1)
    assert one.n_left_out == 1
    assert next(iter(by_name(found))) == "level 1 by lot"


@pytest.mark.parametrize(
    ("until", "last"),
    [(date(2024, 6, 30), 42), (date(2024, 6, 29), 41), (date(2024, 7, 1), 42), (date(2024, 12, 31), 48),
     (date(2030, 1, 1), 48)],
)  # fmt: skip
def test_a_trial_ends_with_its_last_whole_month(until, last):
    found = records([("joins", 1, 25, 48), ("late", 1, 41, 48)], NAMES, lot=LOT)
    one = by_name(found, LoyaltyRoiParams(trial_until=until))["level 1 by lot"]
    assert one.last == last
    assert who(one)["late"] == (41 if last > 41 else None)
    # other comparisons go on
    assert by_name(found, LoyaltyRoiParams(trial_until=until))["whole programme"].last == 48


def test_a_trial_that_was_only_just_drawn_is_not_there_yet():
    lot = [(trial, name, arm, 48) for trial, name, arm, _ in LOT]
    assert comparisons(records([], NAMES, lot=lot), RULES) == ()
    over = LoyaltyRoiParams(trial_until=date(2022, 12, 31))
    assert comparisons(records([], NAMES, lot=LOT), over) == ()


def test_each_arm_against_the_controls():
    lot = [*LOT, ("t", "rises", "2", 24), ("t", "jumps", "2", 24)]
    found = records([("rises", 1, 25, 30), ("rises", 2, 30, 48)], NAMES, lot=lot)
    every = by_name(found)
    assert set(who(every["level 1 by lot"])) == {"never", "joins", "early", "late"}
    # to have taken part is to have reached the level of the arm
    assert who(every["level 2 by lot"]) == {
        "never": None, "early": None, "rises": 30, "jumps": None,
    }  # fmt: skip


def test_whoever_was_drawn_to_both_arms_is_left_out():
    one = by_name(records([], NAMES, lot=[*LOT, ("t", "never", "1", 24)]))["level 1 by lot"]
    assert set(who(one)) == {"joins", "early", "late"}
    assert one.n_left_out == 2


def test_groups_of_a_trial_stand_in_for_parents():
    found = records([], NAMES, lot=LOT)
    trials = found.trials.assign(cluster=["g", "g", None, "h", "h"])
    accounts = by_name(replace(found, trials=trials))["level 1 by lot"].accounts
    parents = dict(zip(accounts["unit"], accounts["parent"], strict=True))
    assert parents == {"never": "g", "joins": "g", "early": "early", "late": "h"}


def test_units_without_a_programme_or_with_a_trial_only():
    assert comparisons(records([], NAMES), RULES) == ()
    assert list(by_name(records([], NAMES, lot=LOT))) == ["level 1 by lot"]


def test_months_as_the_ladder_takes_them():
    found = made()
    one = by_name(found)["level 1 over none"]
    rows = ladder_records(found, one, "contribution", needed=0.02, cost_missing=0.1)
    assert rows.panel["period"].tolist() == list(range(48)) * 4
    # what rises brought at level 2 says nothing of level 1
    known = rows.panel.dropna().groupby("unit")["period"].max()
    assert known.to_dict() == {"never": 47, "joins": 47, "rises": 29, "jumps": 31}
    assert (rows.outcome, rows.needed, rows.cost_missing) == ("contribution", 0.02, 0.1)
    # an order every month
    assert rows.purchase_cycle == 1.0
    # all are of one size and age: nothing is left to hold equal
    assert rows.covariates == ()


def test_characteristics_that_do_not_differ_on_a_side_are_dropped():
    found = made()
    tenure = found.accounts["account_id"].map({"never": 1.0, "joins": 2.0, "rises": 3.0})
    found = replace(found, accounts=found.accounts.assign(tenure_years=tenure))
    one = by_name(found)["whole programme"]
    # unknown ones are taken at the mean of 1, 2, 3
    assert one.accounts["tenure_years"].tolist() == [1.0, 2.0, 3.0, 2.0, 2.0]
    # of those outside there is one alone
    assert ladder_records(found, one, "revenue").covariates == ()
    more = replace(found, panel=found.panel, accounts=found.accounts, stays=found.stays[:1])
    one = by_name(more)["whole programme"]
    assert ladder_records(more, one, "revenue").covariates == ()
    pair = replace(more, stays=more.stays.iloc[[0, 0]].assign(account_id=["joins", "rises"]))
    one = by_name(pair)["whole programme"]
    assert ladder_records(pair, one, "revenue").covariates == ("tenure_years",)
    known = ladder_records(pair, one, "revenue").known_on
    # of the first year
    assert known == {"tenure_years": 11}


@pytest.mark.parametrize(
    ("outcome", "usual"), [("revenue", 100.0), ("n_orders", 1.0), ("n_interactions", 1.0)]
)
def test_what_is_usual_of_each_outcome(outcome, usual):
    found = made()
    rows = ladder_records(found, by_name(found)["whole programme"], outcome)
    assert rows.accounts["usual"].tolist() == [usual] * 5


def test_months_stayed_by_hand():
    found = made()
    # never orders last in month 40, joins in month 43, jumps in month 5
    for name, last in {"never": 40, "joins": 43, "jumps": 5}.items():
        gone = (found.panel["account_id"] == name) & (found.panel["month"] > found.months[last])
        found.panel.loc[gone, "n_orders"] = 0.0
    one = by_name(found)["whole programme"]
    stays = stay_records(found, one, landmark=12)
    rows = stays.accounts.set_index("unit")
    # counted from month 12 to month 48 − 6 = 42, whose silence is known; jumps had left before
    assert (stays.last, stays.landmark) == (30.0, 12.0)
    assert "jumps" not in rows.index
    # 41 − 12; joins left in month 44, which nobody can know yet
    assert rows["left"].dropna().to_dict() == {"never": 29.0}
    assert rows["start"].dropna().to_dict() == {"joins": 8.0, "rises": 2.0, "straight": 6.0}


def test_months_stayed_of_a_level_count_who_had_the_one_below():
    found = made()
    one = by_name(found)["level 2 over level 1"]
    rows = stay_records(found, one, landmark=4).accounts
    # at level 1 by month 16: joins, at month 20, was not
    assert rows["unit"].tolist() == ["early", "rises"]


def test_months_stayed_in_a_trial_count_from_the_draw():
    found = records([("joins", 1, 25, 48)], NAMES, lot=LOT)
    gone = (found.panel["account_id"] == "never") & (found.panel["month"] > found.months[29])
    found.panel.loc[gone, "n_orders"] = 0.0
    stays = stay_records(found, by_name(found)["level 1 by lot"], landmark=12)
    assert (stays.last, stays.landmark, stays.lot) == (18.0, 0.0, True)
    rows = stays.accounts.set_index("unit")
    assert rows["left"].dropna().to_dict() == {"never": 6.0}
    assert rows["start"].dropna().to_dict() == {"joins": 1.0}
