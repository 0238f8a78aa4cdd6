"""Lives as rows, by hand: all spells, groups of a landmark, and groups that accounts move between."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
import pytest

from kamlib.churn.curve_rows import (
    AT_LANDMARK,
    IN_TIME,
    groups_at,
    landmark_rows,
    membership_rows,
    spell_rows,
)
from kamlib.churn.engine import collect
from kamlib.churn.spells import spells

RULES = {"definition": "fixed_months", "silent_months": 3}


@pytest.fixture(scope="module")
def book(small, monthly):
    tables = {
        "accounts": [
            {"account_id": "a", "onboarded_on": "2019-06-01", "role": "end_customer"},
            {"account_id": "b", "onboarded_on": None, "role": "intermediary"},
            {"account_id": "c", "onboarded_on": None, "role": None},
        ],
        "transactions": [
            *monthly("a", "2022-01-10", 24, amount=1),
            *monthly("b", "2022-02-10", 12, amount=1),  # silent from 10 January 2023
            *monthly("c", "2023-05-10", 8, amount=1),
        ],
        "tier_decisions": [
            {"account_id": "a", "tier": "gold", "valid_from": "2022-02-01"},
            {"account_id": "a", "tier": "platinum", "valid_from": "2023-02-01"},
            {"account_id": "b", "tier": "iron", "valid_from": "2022-06-15"},
        ],
        "programme": [
            {"account_id": "a", "level": 1, "enrolled_on": "2022-05-01", "left_on": "2022-12-31"},
            {"account_id": "a", "level": 2, "enrolled_on": "2022-09-01", "left_on": None},
        ],
        "assignments": [
            {"account_id": "a", "manager_id": "m1", "starts_on": "2022-01-01", "ends_on": None},
        ],
    }  # fmt: skip
    return small.open(tables, as_of="2023-12-31", churn_survival=RULES)


@pytest.fixture(scope="module")
def found(book):
    return spells(book, book.unit.churn_survival)


def by_account(table):
    return collect(table).set_index("account_id")


def test_spells_begin_when_a_loss_can_be_declared(book, found):
    rows = by_account(spell_rows(book, found))
    # a: won on 1 June 2019, seen from 10 January 2022, at risk from 30 April, the end of three
    # months after January: 1,064 days after its start
    assert rows.loc["a", ["entry_days", "duration_days"]].tolist() == [1064, 1675]
    # b: first order 10 February 2022; lost on 30 April 2023
    assert rows.loc["b", "duration_days"] == (date(2023, 4, 30) - date(2022, 2, 10)).days + 1
    assert rows["event_type"].where(rows["event_type"].notna(), None).to_dict() == {
        "a": None, "b": "churn", "c": None,
    }  # fmt: skip


def test_at_a_landmark_time_counts_from_it(book, found):
    day = date(2022, 12, 31)
    rows = by_account(landmark_rows(book, found, day, "tier"))
    # c came later
    assert rows.index.tolist() == ["a", "b"]
    assert rows["entry_days"].tolist() == [0, 0]
    assert rows["duration_days"].tolist() == [365, 120]
    # platinum came later, too
    assert rows["group"].tolist() == ["gold", "iron"]
    early = by_account(landmark_rows(book, found, date(2022, 3, 31), "tier"))
    # b cannot be declared lost before the end of May: 60 days after the landmark
    assert early.loc["b", "entry_days"] == 60


@pytest.mark.parametrize(
    ("by", "day", "expected"),
    [("role", "2022-12-31", {"a": "end customer", "b": "intermediary"}),
     ("programme_level", "2022-12-31", {"a": "level 2", "b": "no programme"}),
     ("programme_level", "2022-08-31", {"a": "level 1", "b": "no programme"}),
     ("manager_id", "2022-12-31", {"a": "m1", "b": None})],
)  # fmt: skip
def test_groups_of_a_day(book, found, by, day, expected):
    rows = by_account(landmark_rows(book, found, date.fromisoformat(day), by))
    assert rows["group"].where(rows["group"].notna(), None).to_dict() == expected


def test_every_group_can_be_asked_for(book):
    for by in AT_LANDMARK:
        assert groups_at(book, date(2023, 1, 1), by).execute().columns.tolist() == [
            "account_id",
            "group",
        ]


def test_without_a_programme_nobody_is_known_to_be_in_none(small, monthly):
    bare = small.open({"transactions": monthly("a", "2022-01-10", 24, amount=1)},
                      as_of="2023-12-31", churn_survival=RULES)  # fmt: skip
    found = spells(bare, bare.unit.churn_survival)
    rows = collect(landmark_rows(bare, found, date(2022, 12, 31), "programme_level"))
    assert rows["group"].isna().all()


def test_an_account_counts_for_a_group_only_while_it_is_in_it():
    months = pd.DataFrame(
        {
            "account_id": "a", "spell_no": 1, "month": pd.date_range("2023-01-01", periods=5, freq="MS"),
            "entry_days": [10, 31, 59, 90, 120], "duration_days": [31, 59, 90, 120, 140],
            "event_type": [None, None, None, None, "churn"],
            "tier_in_force": [None, "iron", "iron", "gold", "gold"],
            "programme_level": [0.0, 1.0, 1.0, 0.0, 2.0],
        }
    )  # fmt: skip
    rows = collect(membership_rows(ibis.memtable(months), "tier")).sort_values("entry_days")
    # three stays, without a gap; the loss counts for gold
    assert rows["entry_days"].tolist() == [10, 31, 90]
    assert rows["duration_days"].tolist() == [31, 90, 140]
    assert rows["group"].tolist()[1:] == ["iron", "gold"]
    assert pd.isna(rows["group"].iloc[0])
    assert rows["event_type"].tolist()[2] == "churn"
    levels = collect(membership_rows(ibis.memtable(months), "programme_level"))
    levels = levels.sort_values("entry_days")["group"]
    assert levels.tolist() == ["no programme", "level 1", "no programme", "level 2"]


def test_stays_hold_the_same_losses_and_the_same_time_as_months(demo, built):
    book = demo("industrial_supplies", 0.05)
    months = built(book).table
    every = collect(months)
    time = (every["duration_days"] - every["entry_days"]).sum()
    for by in IN_TIME:
        rows = collect(membership_rows(months, by))
        assert (rows["duration_days"] - rows["entry_days"]).sum() == time
        assert (rows["event_type"] == "churn").sum() == every["event"].sum()
        assert len(rows) < len(every) / 5
    # and the same as spells at risk
    whole = collect(spell_rows(book, spells(book, book.unit.churn_survival)))
    assert (whole["duration_days"] - whole["entry_days"]).sum() == time
