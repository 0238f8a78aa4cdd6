"""Facts of a trial to come: by hand, and the same from both engines."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty.holdout_facts import holdout_facts
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)


def sale(account: str, day: str, amount: float, **more: Any) -> Any:
    return {"account_id": account, "date": day, "amount": amount, "cost": 0.6 * amount} | more


def member(account: str, first: str, last: str | None, told: str | None = None) -> Any:
    return {"account_id": account, "level": 1, "enrolled_on": first, "left_on": last,
            "recorded_on": told}  # fmt: skip


def drawn(account: str, day: str) -> Any:
    return {"trial_id": "T", "account_id": account, "arm": "control", "assigned_on": day}


YEARLY = ("a", "b", "c", "f", "g", "h", "k")
TABLES: dict[str, Any] = {
    "accounts": [{"account_id": a, "name": a.upper(), "parent_id": {"b": "G", "c": "G"}.get(a)}
                 for a in "abcdefghk"],
    "transactions": [
        *(sale(a, f"{year}-01-05", 120.0) for a in YEARLY for year in (2022, 2023, 2024)),
        sale("d", "2023-03-05", 60.0),
        # three months old
        sale("e", "2024-10-05", 90.0),
    ],
    "visits": [{"account_id": "a", "date": "2024-07-01", "cost": 24.0}],
    "programme": [
        member("b", "2024-02-01", None),
        member("f", "2023-05-01", "2024-06-30"),
        # on its last day a member is one
        member("k", "2024-02-01", "2024-12-31"),
        # not known yet
        member("a", "2024-11-01", None, "2025-02-01"),
    ],
    "trials": [drawn("g", "2024-06-01"), drawn("z", "2025-01-10")],
    "tier_decisions": [{"account_id": "a", "tier": "gold", "valid_from": "2023-01-01"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def facts(small):
    book = small.open(TABLES, as_of="2025-01-15")
    return holdout_facts(book, ledger(book))


def test_who_could_be_drawn(facts):
    assert str(facts.day) == "2024-12-31"
    people = facts.accounts.set_index("account_id")
    # b, k are members, g is in a trial, c shares b's group, d bought nothing within the year
    assert people.index.tolist() == ["a", "e", "f", "h"]
    assert (facts.n_taken, facts.n_siblings) == (3, 1)
    assert people.loc["a", ["name", "cluster", "tier_in_force"]].tolist() == ["A", "a", "gold"]
    assert people["tier_in_force"].tolist()[1:] == ["unknown"] * 3


def test_what_they_bring_in_a_month(facts):
    people = facts.accounts.set_index("account_id")
    assert people.loc["a", ["revenue", "revenue_before", "n_orders"]].tolist() == [10, 10, 1]
    # margin 48 of the year, less a visit of 24
    assert people.loc["a", "contribution"] == pytest.approx(2)
    assert people.loc["a", "contribution_before"] == pytest.approx(4)
    # 90 in three months
    assert people.loc["e", "revenue"] == pytest.approx(30)
    assert pd.isna(people.loc["e", "revenue_before"])
    assert facts.measure == "contribution"
    assert (people["amount"] == people["contribution"]).all()


def test_trials_that_would_end_now(facts):
    past = {m: rows.set_index("account_id") for m, rows in facts.past.groupby("trial_months")}
    assert sorted(past) == [6, 12, 18, 24]
    # whoever joined in between is not there; in a trial, or of a group with members, one still is
    assert past[12].index.tolist() == ["a", "c", "d", "g", "h"]
    # f left on the last day before half a year ago, and d had not bought in the year before that
    assert past[6].index.tolist() == ["a", "c", "f", "g", "h"]
    # d brought 24 in the ten months since its first order, and nothing since
    assert past[12].loc["d", ["before", "after"]].tolist() == pytest.approx([2.4, 0])
    # a: 48 a year, less 24 in the half-year
    assert past[6].loc["a", ["before", "after"]].tolist() == pytest.approx([4, -4])
    assert past[24].loc["a", ["before", "after"]].tolist() == pytest.approx([4, 3])
    assert past[12].loc["c", "cluster"] == "G"


def test_a_trial_that_is_over_keeps_nobody(small):
    book = small.open(TABLES, as_of="2025-01-15", loyalty_roi={"trial_until": "2024-12-30"})
    found = holdout_facts(book, ledger(book))
    assert found.accounts["account_id"].tolist() == ["a", "e", "f", "g", "h"]


def test_without_costs_revenue_counts(small):
    tables = TABLES | {"transactions": [r | {"cost": None} for r in TABLES["transactions"]]}
    book = small.open(tables, as_of="2025-01-15")
    found = holdout_facts(book, ledger(book))
    assert found.measure == "revenue"
    assert found.accounts.set_index("account_id").loc["a", "amount"] == 10


def test_records_too_short(small):
    sales = [sale("a", "2023-01-05", 1.0), sale("a", "2024-06-05", 1.0)]
    book = small.open({"transactions": sales}, as_of="2024-07-15")
    found = holdout_facts(book, ledger(book))
    # eighteen months up to June 2024: a year, and half a year after it
    assert found.past["trial_months"].tolist() == []
    assert found.accounts["account_id"].tolist() == ["a"]
    short = small.open({"transactions": sales[1:]}, as_of="2024-07-15")
    assert holdout_facts(short, ledger(short)).past.empty


def test_groups_count_as_one_where_the_unit_says_so(small):
    tables = {k: v for k, v in TABLES.items() if k != "programme"}
    book = small.open(tables, as_of="2025-01-15", ledger={"grain": "parent_group"})
    people = holdout_facts(book, ledger(book)).accounts.set_index("account_id")
    assert "G" in people.index
    assert people.loc["G", ["cluster", "revenue"]].tolist() == ["G", 20]


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    names = ("transactions", "accounts", "programme", "trials", "visits", "tier_decisions")
    made = simulate("telecom_lines", size=0.04).tables
    ours = small.open({n: made[n] for n in names}, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database holdout")
    with psycopg.connect(**server, dbname="holdout") as link:
        for name in names:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "holdout")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="holdout", folder=Path()))
    try:
        here, there = (holdout_facts(book, ledger(book)) for book in (ours, theirs))
        for name in (field.name for field in fields(here)):
            one, other = getattr(here, name), getattr(there, name)
            if isinstance(one, pd.DataFrame):
                assert len(one) > 0
                pd.testing.assert_frame_equal(one, other, check_dtype=False, obj=name)
            else:
                assert one == other, name
    finally:
        theirs.con.disconnect()
