"""Account-months as drivers are sought in them: the clock, losses dated back, and who held accounts."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.churn.driver_rows import driver_rows
from kamlib.churn.episodes import episodes
from kamlib.churn.spells import spells


def rows_of(book, **rules) -> pd.DataFrame:
    changed = book.unit.churn_survival.model_copy(update=rules)
    found = spells(book, changed)
    return driver_rows(book, changed, found, episodes(book, changed, found))


@pytest.fixture
def silent(small, orders):
    """Account a orders every ten days, is silent from April to July, comes back, and goes in 2024."""
    days = [
        *pd.date_range("2023-01-05", "2023-03-31", freq="10D"),
        *pd.date_range("2023-08-01", "2024-03-20", freq="10D"),
    ]
    lines = orders("a", *(f"{day:%Y-%m-%d}" for day in days))
    steady = orders("b", *(f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-05", "2024-12-20", freq="10D")))  # fmt: skip
    return small.open({"transactions": lines + steady}, as_of="2024-12-31")


def test_a_silence_is_dated_back_and_one_that_was_broken_is_no_loss(silent):
    rows = rows_of(silent, definition="own_rhythm")
    lost = rows[rows["event"] == 1]
    # the last order of 2024 falls in March; the silence of 2023 was taken back
    assert lost[["account_id", "month"]].astype(str).to_numpy().tolist() == [["a", "2024-03-01"]]
    a = rows[rows["account_id"] == "a"]
    assert a["month"].max() == pd.Timestamp("2024-03-01")
    assert not a["month"].between("2023-05-01", "2023-07-31").any()


def test_who_returned_after_the_longest_silence_had_been_lost(small, orders):
    def events(returned):
        days = [*pd.date_range("2021-01-05", "2021-06-20", freq="10D"),
                *pd.date_range(returned, "2023-12-28", freq="10D")]  # fmt: skip
        lines = orders("a", *(f"{day:%Y-%m-%d}" for day in days))
        book = small.open({"transactions": lines}, as_of="2023-12-31")
        rows = rows_of(book, definition="own_rhythm", cap_days=365)
        return rows.loc[rows["event"] == 1, "month"].astype(str).tolist()

    # the last order before the silence falls on 14 June 2021
    assert events("2022-06-14") == []  # 365 days
    assert events("2022-06-15") == ["2021-06-01"]


def test_a_lapsed_contract_is_dated_back_to_its_last_day_in_force(small, orders):
    """Declared after the grace, when nothing is due any more."""
    held = [("a", "2022-01-01", "2023-12-31"), ("b", "2022-01-01", "2025-12-31"),
            ("c", "2022-01-01", "2024-06-10")]  # fmt: skip
    tables = {
        "transactions": [line for a in "abc" for line in orders(a, "2022-01-05")],
        "contracts": [
            {"contract_id": a, "account_id": a, "starts_on": since, "ends_on": until,
             "value_per_year": 1.0} for a, since, until in held
        ],
    }  # fmt: skip
    book = small.open(tables, as_of="2024-07-05")
    rows = rows_of(book, definition="contracts", due_months=1)
    lost = rows[rows["event"] == 1]
    # declared on 31 January 2024
    assert lost[["account_id", "month"]].astype(str).to_numpy().tolist() == [["a", "2023-12-01"]]
    assert lost["contract_due"].tolist() == [1]
    last = rows.groupby("account_id")["month"].max().dt.strftime("%Y-%m").to_dict()
    # of c, in its grace, nothing is known since its contract ran out
    assert last == {"a": "2023-12", "b": "2024-07", "c": "2024-06"}


def test_a_reason_on_record_is_the_day_itself_and_an_end_by_us_no_loss(small, orders):
    row = {"starts_on": "2022-01-01", "ends_on": "2024-12-31", "value_per_year": 1.0}
    ends = [("a", "2023-05-31", "price"), ("b", "2023-05-31", "ended_by_us"), ("c", None, None)]
    tables = {
        "transactions": [line for a in "abc" for line in orders(a, "2022-01-05")],
        "contracts": [row | {"contract_id": a, "account_id": a, "ended_on": on, "end_reason": why}
                      for a, on, why in ends],
        "defections": [{"account_id": "b", "date": "2023-05-31", "reason": "ended_by_us"}],
    }  # fmt: skip
    rows = rows_of(small.open(tables, as_of="2024-06-30"), definition="contracts")
    lost = rows[rows["event"] == 1]
    assert lost[["account_id", "month"]].astype(str).to_numpy().tolist() == [["a", "2023-05-01"]]
    assert rows.loc[rows["account_id"] == "b", "month"].max() == pd.Timestamp("2023-05-01")


def test_who_stays_is_followed_to_the_last_order(silent):
    b = rows_of(silent, definition="own_rhythm").query("account_id == 'b'")
    assert b["event"].sum() == 0
    assert b["month"].max() == pd.Timestamp("2024-12-01")


def test_the_clock_counts_calendar_months_since_the_spell_began(silent):
    b = rows_of(silent, definition="own_rhythm").query("account_id == 'b'")
    # the first order was in January; at risk from February on
    assert b["month"].iloc[0] == pd.Timestamp("2023-02-01")
    assert b["entry_months"].tolist() == list(range(1, len(b) + 1))
    assert (b["exit_months"] - b["entry_months"] == 1).all()


def test_clusters_are_accounts_or_the_managers_who_held_them_last(small, orders):
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-05", "2023-06-25", freq="10D")]
    held = [
        {"account_id": "a", "manager_id": "m1", "starts_on": "2022-01-01", "ends_on": "2023-03-10"},
        {"account_id": "a", "manager_id": "m2", "starts_on": "2023-04-15", "ends_on": None},
    ]
    tables = {"transactions": orders("a", *days) + orders("b", *days), "assignments": held}
    book = small.open(tables, as_of="2023-06-30")
    plain = rows_of(book, definition="own_rhythm")
    assert (plain["cluster"] == plain["account_id"]).all()
    rows = rows_of(book, definition="own_rhythm", cluster="manager")
    a = rows[rows["account_id"] == "a"].set_index("month")["cluster"]
    # known before the month: who came in April holds it from May on, and a gap stays with the last
    assert a.tolist() == ["m1", "m1", "m1", "m2", "m2"]
    assert set(rows.loc[rows["account_id"] == "b", "cluster"]) == {"account b"}
