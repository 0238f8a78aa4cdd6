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
