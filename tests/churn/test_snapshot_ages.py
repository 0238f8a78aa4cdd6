"""At which ages a curve can be drawn, and lives cut to them."""

from __future__ import annotations

import pandas as pd

from kamlib.churn.snapshot import snapshot_rows
from kamlib.churn.snapshot_ages import carrying, within
from kamlib.churn.stretch import MONTH_DAYS


def lives(n_of_age, left_of_age=()):
    """Return rows with so many customers of each age, of whom so many left, in one group."""
    age = [float(age) for age, n in n_of_age.items() for _ in range(n)]
    customers = pd.DataFrame({"account_id": range(len(age)), "tenure_months": age})
    place = customers.groupby("tenure_months").cumcount()
    left = place < customers["tenure_months"].map(dict(left_of_age)).fillna(0)
    return snapshot_rows(customers.assign(left=left)).assign(group="all")


def test_the_longest_stretch_that_carries_a_curve():
    every = dict.fromkeys(range(1, 31), 6)
    assert carrying(lives(every)) == (0, 30)
    # nobody of age 10; few of age 10 and none left; few and one left; all left
    assert carrying(lives({k: n for k, n in every.items() if k != 10})) == (10, 30)
    assert carrying(lives(every | {10: 2})) == (0, 30)
    assert carrying(lives(every | {10: 4}, {10: 1})) == (10, 30)
    assert carrying(lives(every, {10: 6})) == (10, 30)
    assert carrying(lives(every, {20: 6})) == (0, 19)
    # less than a year
    assert carrying(lives(dict.fromkeys(range(1, 12), 6))) is None
    assert carrying(lives(every).head(0)) is None


def test_every_group_must_carry_its_curve():
    rows = lives(dict.fromkeys(range(1, 31), 20), {5: 1, 25: 1})
    # of group b one is there at each age, and it is the one that leaves at 5
    rows["group"] = ["b" if n % 20 == 0 else "a" for n in range(len(rows))]
    assert carrying(rows) == (5, 24)


def test_lives_are_cut_to_a_stretch():
    rows = within(lives({3: 1, 5: 1, 9: 1}, {3: 1, 5: 1, 9: 1}), 3, 7)
    # who is of age 3 was there before; who is of age 9 enters after
    assert (rows["entry_days"] / MONTH_DAYS).tolist() == [4]
    assert (rows["duration_days"] / MONTH_DAYS).tolist() == [5]
    wide = snapshot_rows(
        pd.DataFrame({"account_id": [1], "tenure_months": [9.0], "left": [True]}), window_months=6
    )
    (cut,) = within(wide, 4, 7).to_dict("records")
    assert (cut["entry_days"] / MONTH_DAYS, cut["duration_days"] / MONTH_DAYS) == (4, 7)
    assert pd.isna(cut["event_type"])  # it left later
