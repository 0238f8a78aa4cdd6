"""The criteria as they were known: by hand, on both engines, and the same for every later as_of."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib import accounts
from kamlib.book import open_book
from kamlib.book.simulate import write_demo
from kamlib.params import EvaluationStandardParams, unit_from
from kamlib.value.standard import scorecard
from kamlib.value.standard.facts import (
    CRITERIA,
    collect,
    line_facts,
    standard_dates,
    standard_facts,
    with_names,
)

END, NEXT = pd.Timestamp("2023-12-31"), pd.Timestamp("2024-03-31")
TABLES = {
    "transactions": [
        {"account_id": "a", "date": "2023-01-15", "amount": 100, "list_amount": 125, "product_line": "x"},
        {"account_id": "a", "date": "2023-06-30", "amount": 50, "list_amount": None, "product_line": None},
        {"account_id": "a", "date": "2024-03-31", "amount": 80, "list_amount": 100, "product_line": "y"},
        {"account_id": "b", "date": "2023-02-01", "amount": 10, "list_amount": None, "product_line": "x"},
    ],
    "contracts": [
        # its last day is in force
        {"contract_id": "1", "account_id": "a", "starts_on": "2023-01-01", "ends_on": "2023-12-31",
         "value_per_year": 1000, "ended_on": "2023-12-31", "recorded_on": None},
        {"contract_id": "2", "account_id": "a", "starts_on": "2024-01-01", "ends_on": "2024-12-31",
         "value_per_year": 1200, "ended_on": "2024-02-10", "recorded_on": None},
        # written down only in January
        {"contract_id": "3", "account_id": "c", "starts_on": "2023-05-01", "ends_on": "2025-04-30",
         "value_per_year": 500, "ended_on": None, "recorded_on": "2024-01-15"},
    ],
    "invoices": [
        {"invoice_id": "1", "account_id": "a", "issued_on": "2023-02-01", "due_on": "2023-02-28", "amount": 100},
        {"invoice_id": "2", "account_id": "a", "issued_on": "2023-12-01", "due_on": "2023-12-31", "amount": 100},
        {"invoice_id": "3", "account_id": "a", "issued_on": "2024-03-01", "due_on": "2024-04-30", "amount": 900},
    ],
    "payments": [
        {"invoice_id": "1", "date": "2023-03-10", "amount": 60},
        {"invoice_id": "1", "date": "2024-01-20", "amount": 40},
        {"invoice_id": "2", "date": "2024-02-01", "amount": 100},
    ],
    "account_history": [
        {"account_id": "a", "valid_from": "2023-05-01", "attribute": "credit_score", "value": "70"},
        {"account_id": "a", "valid_from": "2024-01-01", "attribute": "credit_score", "value": "90"},
        {"account_id": "a", "valid_from": "2024-02-01", "attribute": "credit_score", "value": "good"},
        {"account_id": "a", "valid_from": "2023-01-01", "attribute": "potential_per_year", "value": "1000"},
    ],
    "accounts": [
        {"account_id": "a", "name": "Alpha", "credit_score": None},
        {"account_id": "c", "name": "Gamma", "credit_score": 55},
    ],
}  # fmt: skip


def facts_of(book, dates=None):
    dates = standard_dates(book) if dates is None else dates
    return collect(standard_facts(book, accounts.ledger(book), dates))


def at(frame, account, day):
    [row] = frame[(frame["account_id"] == account) & (frame["evaluated_on"] == day)].to_dict(
        "records"
    )
    return row


def check_by_hand(frame):
    a = at(frame, "a", END)
    assert a["contract_volume"] == 1000
    assert a["price_realisation"] == pytest.approx(0.8)  # 100 of 125; the line without list is out
    assert a["revenue"] == 150
    assert a["collection_rate"] == pytest.approx(0.3)  # 60 of the 200 that fell due, as known then
    assert (a["credit"], a["potential_per_year"]) == (70, 1000)
    b = at(frame, "b", END)
    assert (b["contract_volume"], b["revenue"]) == (0, 10)
    assert np.isnan([b["price_realisation"], b["collection_rate"], b["credit"]]).all()
    a = at(frame, "a", NEXT)
    assert a["contract_volume"] == 0  # ended before its planned end
    assert a["revenue"] == 130
    assert a["collection_rate"] == 1.0  # invoice 1 fell due before the window, 3 after it
    assert a["credit"] == 90  # "good" is no score
    c = at(frame, "c", NEXT)
    assert (c["contract_volume"], c["revenue"], c["credit_undated"]) == (500, 0, 55)
    assert np.isnan(c["credit"])
    # c was not known in December, and b has neither line nor contract in March
    assert len(frame) == 4
    assert frame.loc[frame["evaluated_on"] == END, "credit_undated"].isna().all()


def test_by_hand(small):
    book = small.open(TABLES, as_of="2024-03-31")
    assert standard_dates(book) == [date(2023, 12, 31), date(2024, 3, 31)]
    check_by_hand(facts_of(book))


def test_what_an_account_bought_of_each_line(small):
    book = small.open(TABLES, as_of="2024-03-31")
    found = (
        line_facts(book, standard_dates(book)).execute().sort_values(["evaluated_on", "account_id"])
    )
    told = list(zip(found["account_id"], found["product_line"], found["revenue"], strict=True))
    assert told == [("a", "x", 100.0), ("b", "x", 10.0), ("a", "y", 80.0)]


def test_a_missing_table_is_a_criterion_missing_and_not_zero(small):
    frame = facts_of(small.open({"transactions": [
        {"account_id": "a", "date": "2023-01-15", "amount": 100},
        {"account_id": "a", "date": "2024-01-01", "amount": 1},
    ]}))  # fmt: skip
    assert frame["revenue"].tolist() == [100.0]
    assert frame[[c for c in CRITERIA if c != "revenue"]].isna().all(axis=None)


def test_records_of_less_than_a_year_give_no_rows(small):
    frame = facts_of(small.open({"transactions": [
        {"account_id": "a", "date": "2023-01-15", "amount": 100}]}))  # fmt: skip
    assert frame.empty
    assert set(CRITERIA) < set(frame.columns)
    assert scorecard.freeze(frame, EvaluationStandardParams()) is None


def test_the_cost_of_a_case_counts_from_the_day_it_is_told(small):
    sales = [{"account_id": "a", "date": "2023-01-02", "amount": 10, "cost": 4},
             {"account_id": "a", "date": "2023-12-15", "amount": 100, "cost": 60}]  # fmt: skip
    case = {"event_id": "1", "account_id": "a", "kind": "complaint", "stage": "after_sale",
            "opened_at": "2023-12-20 09:00", "resolved_at": "2024-01-10 09:00", "cost": 30,
            "compensation": 5}  # fmt: skip
    book = small.open({"transactions": sales, "service_events": [case]}, as_of="2024-03-31")
    frame = facts_of(book)
    assert frame["contribution"].tolist() == [46.0, 5.0]  # 6 + 40; then 40 − 35
    early = small.open({"transactions": sales, "service_events": [case]}, as_of="2023-12-31")
    assert facts_of(early)["contribution"].tolist() == [46.0]


def test_nobody_pays_more_than_is_owed_and_credit_notes_stand_apart(small):
    sales = [{"account_id": "a", "date": "2023-01-02", "amount": 250}]
    issued = {"account_id": "a", "issued_on": "2023-02-01", "due_on": "2023-03-01"}
    invoices = [issued | {"invoice_id": i, "amount": amount}
                for i, amount in (("1", 100), ("2", 100), ("3", -50))]  # fmt: skip
    payments = [{"invoice_id": "1", "date": "2023-03-01", "amount": 150}]
    tables = {"transactions": sales, "invoices": invoices, "payments": payments}
    # 100 of 200: neither the 50 too much nor the credit note of 50 pays invoice 2
    assert facts_of(small.open(tables, as_of="2023-12-31"))["collection_rate"].tolist() == [0.5]


def test_members_count_with_their_parent_group(small):
    tables = {
        "accounts": [{"account_id": "a", "parent_id": "g"}, {"account_id": "g", "parent_id": None}],
        "transactions": [{"account_id": "a", "date": "2023-01-01", "amount": 3},
                         {"account_id": "g", "date": "2023-12-01", "amount": 4}],
    }  # fmt: skip
    book = small.open(tables, as_of="2023-12-31", ledger={"grain": "parent_group"})
    frame = facts_of(book)
    assert frame[["account_id", "revenue"]].to_numpy().tolist() == [["g", 7.0]]


def test_names_stand_behind_the_account():
    frame = pd.DataFrame({"account_id": ["b", "a"], "score": [1.0, 2.0]})
    shown = with_names(frame, pd.DataFrame({"account_id": ["a"], "name": ["Alpha"]}))
    assert list(shown.columns) == ["account_id", "name", "score"]
    assert shown["name"].tolist()[1] == "Alpha"
    assert pd.isna(shown["name"][0])


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return write_demo("commercial_vehicles", tmp_path_factory.mktemp("demo"), size=0.15)


def opened(demo: Path, as_of: str):
    tables = {path.stem: {"file": path.name} for path in demo.glob("*.parquet")}
    return open_book(
        unit_from({"book": {"tables": tables}, "as_of": as_of}, name="cv", folder=demo)
    )


def test_tiers_of_a_past_date_are_the_same_for_any_later_as_of(demo):
    params = EvaluationStandardParams()

    def tiers(as_of):
        facts = facts_of(opened(demo, as_of))
        return scorecard.computed_tiers(facts, scorecard.freeze(facts, params), params)

    late, early = tiers("2025-12-31"), tiers("2023-08-15")
    assert early["evaluated_on"].nunique() == 7
    past = late[late["evaluated_on"] <= early["evaluated_on"].max()].reset_index(drop=True)
    undated = ["credit_undated", "potential_undated"]
    pd.testing.assert_frame_equal(past.drop(columns=undated), early.drop(columns=undated))
    assert past["contribution"].notna().sum() > 100
    # the simulator's accounts are large or small by a trait, which the score must find again
    truth = pd.read_parquet(demo.parent / "_truth" / "commercial_vehicles_accounts.parquet")
    now = late[late["evaluated_on"] == late["evaluated_on"].max()].merge(truth, on="account_id")
    assert now["score"].rank().corr(now["size"].rank()) > 0.6


@pytest.fixture(scope="module")
def server(require):
    """Start a PostgreSQL server that listens on a socket in a folder of its own."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    require("postgres", places, "no PostgreSQL server on this machine")
    user = "postgres" if os.geteuid() == 0 else None  # initdb refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # socket paths must be short
    if user:
        shutil.chown(folder, user)
    data = str(folder / "data")

    def run(name, *arguments):
        command = [str(places[-1] / name), "-D", data, *arguments]
        subprocess.run(
            command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=60
        )

    try:
        run("initdb", "-A", "trust", "-U", "kam", "-E", "UTF8", "--no-sync", "--no-instructions")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -F"
        run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql://kam@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_postgres_says_the_same(server):
    import ibis

    con = ibis.connect(server)
    for name, rows in TABLES.items():
        con.create_table(name, pd.DataFrame(rows).astype(object).where(lambda f: f.notna(), None))
    tables = {name: {"table": name} for name in TABLES}
    book = open_book(
        unit_from(
            {"book": {"database": server, "tables": tables}, "as_of": "2024-03-31"},
            name="pg", folder=Path(),
        )
    )  # fmt: skip
    check_by_hand(facts_of(book))
    assert len(line_facts(book, standard_dates(book)).execute()) == 3
    book.con.disconnect()
    con.disconnect()
