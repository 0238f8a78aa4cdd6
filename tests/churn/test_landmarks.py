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


def test_who_came_on_the_day_of_a_landmark_was_not_known_on_its_morning(small):
    days = pd.date_range("2022-01-05", "2023-12-05", freq="MS")
    lines = [{"account_id": "a", "date": f"{day:%Y-%m-%d}", "amount": 10.0} for day in days]
    contract = {"contract_id": "1", "account_id": "a", "starts_on": "2022-07-01",
                "ends_on": "2025-06-30", "value_per_year": 100}  # fmt: skip
    book = small.open({"transactions": lines, "contracts": [contract]}, as_of="2024-12-31")
    months = marks(book, definition="contracts").rows[MONTH]
    assert months.min() == month_count(date(2022, 10, 1))


def test_of_a_month_that_is_not_over_nothing_is_known(small, orders):
    """Losses of the first days of a month are known, and stays are not: neither counts."""
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2024-05-20", freq="20D")]
    steady = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2024-07-08", freq="20D")]
    lines = orders("a", *days) + orders("b", *steady)
    april = month_count(date(2024, 4, 1))

    def seen(as_of):
        found = marks(small.open({"transactions": lines}, as_of=as_of), definition="own_rhythm")
        rows = found.rows.set_index(["account_id", MONTH])[["followed", "event"]]
        assert (rows.index.get_level_values(MONTH) < found.over).all()
        return rows.loc["a"].loc[april].tolist(), rows.loc["b"].loc[april].tolist()

    # a ordered last on 15 May 2024 and is lost 61 days later, on 15 July
    assert seen("2024-07-20") == ([3, 0], [3, 0])
    whole = marks(small.open({"transactions": lines}, as_of="2024-07-31"), definition="own_rhythm")
    assert whole.over == whole.now == month_count(date(2024, 8, 1))
    may = whole.rows.set_index(["account_id", MONTH]).loc[("a", april + 1)]
    assert may[["followed", "event"]].tolist() == [2, 1]


def test_silent_accounts_are_held_apart(small, orders):
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2024-05-20", freq="20D")]
    steady = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2024-06-28", freq="20D")]
    lines = orders("a", *days) + orders("b", *steady)
    book = small.open({"transactions": lines}, as_of="2024-06-30")
    found = marks(book, definition="own_rhythm").living.set_index("account_id")
    # a is lost after 61 days; its last order was on 15 May 2024, 47 days before 1 July
    assert found["is_apart"].to_dict() == {"a": 1, "b": 0}
    assert found.loc["a", "wait_months"] == 1  # declared on 15 July at the latest
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


def held_against_the_book_of_that_day(study, name, size):
    """Landmarks cut at a day equal those of a book that was opened as of the day."""
    found, then = study(name, size), study(name, size, "2024-12-31")
    cut, own = known_at(found.landmarks, found.landmarks.now - 12), then.landmarks
    assert (cut.as_of, cut.step, cut.now) == (own.as_of, own.step, own.now)
    assert len(own.rows) > 300
    pd.testing.assert_frame_equal(cut.rows, own.rows, check_exact=False, rtol=1e-9)
    # who could not be lost yet on that day lives in its book, and is not among the rows of a later one
    spells_then = then.spells.table.to_pandas().set_index(["account_id", "spell_no"])
    living = own.living.set_index(["account_id", "spell_no"], drop=False)
    early = spells_then.loc[living.index, "at_risk_from"] > pd.Timestamp("2025-01-01")
    known = living[~early.to_numpy()].reset_index(drop=True)
    pd.testing.assert_frame_equal(cut.living, known, check_exact=False, rtol=1e-9)
    return int(early.sum())


def test_landmarks_of_an_earlier_day_are_the_book_of_that_day(study):
    assert held_against_the_book_of_that_day(study, "industrial_supplies", 0.1) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["telecom_lines", "commercial_vehicles"])
def test_landmarks_of_contracts_are_the_book_of_that_day(study, name):
    assert held_against_the_book_of_that_day(study, name, 0.25) == 0


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
