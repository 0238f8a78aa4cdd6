"""Facts of loyalty by hand, as they were known, and the same from both engines."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kamlib.book import Book, open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty.indicators.attitude import attitude_facts
from kamlib.loyalty.indicators.facts import collect, loyalty_facts
from kamlib.loyalty.indicators.outcome import still_buying
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)

END = date(2024, 12, 31)


def found(book: Book, *days: date) -> pd.DataFrame:
    return collect(loyalty_facts(book, days or [END])).set_index("account_id")


def test_by_hand(small, tables):
    rows = found(small.open(tables, as_of="2025-03-31"))
    assert list(rows.index) == ["a", "b", "c"]  # d bought nothing in 2024
    a, b, c = (rows.loc[account] for account in "abc")
    assert (a["revenue"], a["revenue_before"], a["buying_months"], a["months_seen"]) == (
        1200, 1200, 12, 12,
    )  # fmt: skip
    assert a["price_realisation"] == a["price_realisation_before"] == 0.8
    # 5 · 100 + 50 after 12 · 200; five months of twelve; 500 ÷ 625 of what is listed, after 1
    assert (b["revenue"], b["revenue_before"], b["buying_months"]) == (550, 2400, 5)
    assert (b["price_realisation"], b["price_realisation_before"]) == (0.8, 1.0)
    # since August: five months; no whole year before
    assert (c["months_seen"], c["buying_months"]) == (5, 5)
    assert c[["revenue_before", "price_realisation"]].isna().all()
    assert rows["breadth"].tolist() == [1, 2, 1]
    assert (rows["lines_sold"] == 2).all()
    # the value that is valid on the day itself; the decision of the day after is not in force
    assert (a["potential_per_year"], a["tier_in_force"]) == (4800, "gold")
    assert rows["potential_per_year"].isna()["b"]
    # a's referral was recorded later, b's other one lies a year back
    assert rows["n_referrals"].tolist() == [0, 1, 0]
    assert rows["n_partial_losses"].tolist() == [0, 1, 0]


def test_revenue_around_an_incident(small, tables):
    rows = found(small.open(tables, as_of="2025-03-31"))
    b = rows.loc["b"]
    # both complaints fall in March: December to February 200 + 100 + 100, April to June 100 + 150 + 0
    assert (b["n_incidents"], b["revenue_before_incidents"], b["revenue_after_incidents"]) == (
        1, 400, 250,
    )  # fmt: skip
    assert rows["n_incidents"].isna()[["a", "c"]].all()
    # by the end of May the months after were not over
    assert (
        found(small.open(tables, as_of="2025-03-31"), date(2024, 5, 31))["n_incidents"].isna().all()
    )


def test_incidents_wait_for_records_of_a_year_and_its_edges(small, orders):
    tables = {
        "transactions": orders("a", "2023-01/2024-12", 100),
        "service_events": [
            {"event_id": "1", "account_id": "a", "kind": "complaint", "stage": "in_sale",
             "opened_at": "2023-06-05 08:00:00"},
        ],
    }  # fmt: skip
    book = small.open(tables, as_of="2024-12-31")
    days = [date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31)]
    rows = found(book, *days).set_index("evaluated_on")["n_incidents"]
    # 18 months from January 2023 end with June 2024: incidents from April 2023 to March 2024
    assert rows.isna().tolist() == [True, False, False]


def test_what_was_recorded_later_was_not_known(small, orders):
    late = [row | {"recorded_on": "2025-01-15"} for row in orders("a", "2024-12/2024-12", 900)]
    sales = [*(row | {"recorded_on": None} for row in orders("a", "2024-01/2024-11", 100)), *late]
    book = small.open({"transactions": sales}, as_of="2025-02-28")
    assert found(book).loc["a", ["revenue", "buying_months"]].tolist() == [1100, 11]
    assert found(book, date(2025, 1, 31)).loc["a", "revenue"] == 1900


def test_a_later_end_of_the_records_changes_no_past_day(small):
    tables = simulate("industrial_supplies", size=0.03).tables
    days = [date(2023, 6, 30), date(2023, 12, 31)]
    books = [small.open(tables, kind="parquet", as_of=day) for day in ("2023-12-31", "2025-06-30")]
    for make in (loyalty_facts, attitude_facts):
        pd.testing.assert_frame_equal(*(_plain(make(book, days)) for book in books))


def test_members_of_a_group_count_together(small, orders):
    tables = {
        "transactions": [*orders("a", "2024-01/2024-06", 100), *orders("b", "2024-07/2024-12", 50)],
        "accounts": [{"account_id": m, "parent_id": "p"} for m in "ab"],
        "referrals": [{"referrer_id": "b", "account_id": "z", "date": "2024-03-01"}],
        "account_history": [
            {
                "account_id": m,
                "valid_from": "2024-01-01",
                "attribute": "potential_per_year",
                "value": "700",
            }
            for m in "ab"
        ],
    }
    book = small.open(tables, as_of="2024-12-31", ledger={"grain": "parent_group"})
    row = found(book).loc["p"]
    assert row[["revenue", "buying_months", "n_referrals"]].tolist() == [900, 12, 1]
    assert row["potential_per_year"] == 1400


def test_without_optional_tables_the_rest_is_unknown(small):
    sales = [{"account_id": "a", "date": "2024-05-01", "amount": 5}]
    book = small.open({"transactions": sales}, as_of="2024-12-31")
    row = found(book).loc["a"]
    absent = ["breadth", "n_referrals", "n_partial_losses", "n_incidents", "potential_per_year"]
    assert row[absent].isna().all()
    assert row["tier_in_force"] is None
    assert collect(loyalty_facts(book, [])).empty


def _plain(table: Any) -> pd.DataFrame:
    frame = collect(table.mutate(tier_in_force=table.tier_in_force)) if "tier_in_force" in table.columns else (
        table.to_pyarrow().to_pandas(date_as_object=False)
    )  # fmt: skip
    ordered = frame.sort_values(["account_id", "evaluated_on"], ignore_index=True)
    numbers = ordered.select_dtypes("number").columns
    return ordered.assign(**ordered[numbers].astype(float).round(6))


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    tables = simulate("commercial_vehicles", size=0.15).tables
    ours = small.open(tables, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database loyalty")
        link.execute("alter database loyalty set jit = off")
    with psycopg.connect(**server, dbname="loyalty") as link:
        for name in tables:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "loyalty")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="loyalty", folder=Path()))
    days = [date(2023, 12, 31), date(2024, 9, 30)]
    try:
        for make in (loyalty_facts, attitude_facts, still_buying):
            here, there = (_plain(make(book, days)) for book in (ours, theirs))
            assert len(here) > 20
            pd.testing.assert_frame_equal(here, there, check_dtype=False, rtol=1e-9)
    finally:
        theirs.con.disconnect()
