"""Landmarks: who is alive and not silent, what became of them, and nothing that came later."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.clock import month_count
from kamlib.churn.covariates import MONTH
from kamlib.churn.episodes import episodes
from kamlib.churn.landmarks import known_at, landmarks
from kamlib.churn.spells import spells
from kamlib.errors import FitError
from kamlib.stats.concordance import auc_at


def marks(book, **rules):
    changed = book.unit.churn_survival.model_copy(update=rules)
    found = spells(book, changed)
    return landmarks(book, changed, found, episodes(book, changed, found))


@pytest.fixture
def contracts(small):
    """Account a: two years to the end of 2023, not renewed; b: four years; c: notice in June 2024."""
    rows = [
        {"contract_id": "1", "account_id": "a", "starts_on": "2022-01-01", "ends_on": "2023-12-31"},
        {"contract_id": "2", "account_id": "b", "starts_on": "2021-07-01", "ends_on": "2025-06-30"},
        {"contract_id": "3", "account_id": "c", "starts_on": "2022-03-15", "ends_on": "2025-03-14",
         "notice_on": "2024-06-10"},
    ]  # fmt: skip
    rows = [{"value_per_year": 100, "notice_on": None} | row for row in rows]
    lines = [
        {"account_id": a, "date": f"{day:%Y-%m-%d}", "amount": 10.0}
        for a in "abc" for day in pd.date_range("2022-01-05", "2023-12-05", freq="MS")
    ]  # fmt: skip
    return small.open({"transactions": lines, "contracts": rows}, as_of="2024-12-31")


def test_what_became_of_accounts_by_hand(contracts):
    found = marks(contracts, definition="contracts")
    rows = found.rows.set_index(["account_id", MONTH])
    assert found.step == 3
    # a runs out on 31 December 2023 and is lost after the grace, on 31 January 2024: seen from
    # October 2023 it stays three months and leaves in the fourth
    october = month_count(date(2023, 10, 1))
    assert rows.loc[("a", october), ["followed", "event"]].tolist() == [3, 1]
    # b stays: from January 2024 twelve months are seen
    january = month_count(date(2024, 1, 1))
    assert rows.loc[("b", january), ["followed", "event"]].tolist() == [12, 0]
    assert set(found.living["account_id"]) == {"b", "c"}


def test_under_contracts_the_month_of_the_planned_end_is_known(contracts):
    found = marks(contracts, definition="contracts")
    rows = found.rows.set_index(["account_id", MONTH])
    october = month_count(date(2023, 10, 1))
    # to 31 December 2023 and 31 days of grace and reckoning: the fourth month
    assert rows.loc[("a", october), "wait_months"] == 4
    living = found.living.set_index("account_id")
    # b to 30 June 2025, and July 31st is the seventh month from January
    assert living.loc["b", "wait_months"] == 7


def test_who_gave_notice_or_has_no_contract_is_held_apart(contracts):
    found = marks(contracts, definition="contracts")
    living = found.living.set_index("account_id")["is_apart"]
    assert living.to_dict() == {"b": 0, "c": 1}
    rows = found.rows.set_index(["account_id", MONTH])["is_apart"]
    # out of force on 1 January 2024, and not declared lost before the 31st
    assert rows[("a", month_count(date(2024, 1, 1)))] == 1
    assert rows[("c", month_count(date(2024, 4, 1)))] == 0


def test_who_came_within_a_month_was_not_there_at_its_beginning(contracts):
    found = marks(contracts, definition="contracts").rows
    # c came on 15 March 2022
    assert found.loc[found["account_id"] == "c", MONTH].min() >= month_count(date(2022, 4, 1))


def test_silent_accounts_are_held_apart(small, orders):
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2024-05-20", freq="20D")]
    steady = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2024-06-28", freq="20D")]
    lines = orders("a", *days) + orders("b", *steady)
    book = small.open({"transactions": lines}, as_of="2024-06-30")
    found = marks(book, definition="own_rhythm").living.set_index("account_id")
    # a is lost after 61 days; its last order was on 5 May 2024, 57 days before 1 July
    assert found["is_apart"].to_dict() == {"a": 1, "b": 0}
    assert found.loc["a", "wait_months"] == 1  # declared on 5 July at the latest
    assert found.loc["b", "wait_months"] == 3  # 61 days of silence are granted


def test_nothing_is_known_of_what_came_later(study):
    found = study("industrial_supplies", 0.1).landmarks
    month = found.now - 12
    past = known_at(found, month)
    assert (past.rows[MONTH] < month).all()
    assert (past.rows["followed"] <= month - past.rows[MONTH]).all()
    full = found.rows.merge(past.rows, on=["account_id", "spell_no", MONTH], suffixes=("", "_then"))
    later = full[full["event"] != full["event_then"]]
    assert (later[MONTH] + later["followed"] >= month).all()
    assert (later["event_then"] == 0).all()


def test_recency_seems_to_foretell_where_silent_accounts_are_among_those_looked_at(study):
    """Days since the last order tell who is gone already, and hardly who will go."""
    rows = study("industrial_supplies", 0.3).landmarks.rows
    rows = rows[(rows["followed"] > 0) | (rows["event"] > 0)]
    exit_ = np.minimum(rows["followed"] + (rows["event"] > 0), 3).clip(lower=1)
    event = np.where((rows["event"] == 1) & (rows["followed"] < 3), 1, 0)

    def area(some):
        found = auc_at(rows.loc[some, "days_since_last"], exit_[some], event[some.to_numpy()], [3])
        return found["estimate"].iloc[0]

    gap = rows["wait_months"]
    alike = gap <= 2  # accounts that order often, among which silence means the same
    everybody, usual = area(alike), area(alike & (rows["is_apart"] == 0))
    assert everybody - usual > 0.08
    assert usual < 0.65


def test_no_account_month_gives_no_landmark(small, orders):
    book = small.open({"transactions": orders("a", "2024-12-01")}, as_of="2024-12-31")
    found = marks(book, definition="own_rhythm")
    assert found.rows.empty
    assert found.living["account_id"].tolist() == ["a"]


def test_a_day_before_the_records_is_refused(small, orders):
    book = small.open({"transactions": orders("a", "2024-12-01")}, as_of="2024-12-31")
    with pytest.raises(FitError, match="before anything was known"):
        marks(book, definition="own_rhythm", records_from=date(2025, 6, 1))
