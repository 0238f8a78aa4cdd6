"""Facts of price and service by hand, and the same from both engines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty.price_premium_facts import (
    _frame,
    answered,
    by_year,
    price_premium_facts,
    prices,
    visited,
)
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)
from tests.loyalty.measures_rows import monthly  # type: ignore[import-not-found]

END = date(2022, 12, 31)


def orders(account, first, last, amount, listed, line="x"):
    more = {"list_amount": listed, "product_line": line}
    return [row | more for row in monthly(account, first, last, amount, 0)]


def case(number, account, opened, answered_at, kind="request", severity=None):
    return {"event_id": str(number), "account_id": account, "kind": kind, "stage": "in_sale",
            "opened_at": opened, "first_response_at": answered_at, "severity": severity}  # fmt: skip


def promise(since, hours, **limits):
    empty = dict.fromkeys(("tier", "role", "stage", "kind", "severity"))
    return empty | {"valid_from": since, "first_response_h": hours} | limits


@pytest.fixture(scope="module")
def tables():
    return {
        "transactions": [
            *orders("a", 0, 11, 80, 100), *orders("a", 12, 23, 90, 100),
            *orders("a", 12, 23, 156, 310, "y"),
            *orders("b", 0, 23, 50, 50),
            # a list price of nothing, and none at all
            *orders("c", 0, 23, 50, 0), *orders("d", 0, 23, 50, None),
        ],
        "tier_decisions": [
            {"account_id": "a", "tier": "gold", "valid_from": "2021-06-01"},
            {"account_id": "a", "tier": "iron", "valid_from": "2022-02-01"},
        ],
        "standards": [
            promise("2021-01-01", 8, tier="gold"),
            # more specific; and a newer one of the same kind
            promise("2021-01-01", 4, tier="gold", kind="complaint"),
            promise("2022-01-10", 2, tier="gold", kind="complaint"),
        ],
        "service_events": [
            # before any tier: nothing was promised
            case(1, "a", "2021-03-01 08:00:00", "2021-03-01 18:00:00"),
            # 4 h of 8; 6 h of 4
            case(2, "a", "2021-07-01 08:00:00", "2021-07-01 12:00:00"),
            case(3, "a", "2021-08-01 08:00:00", "2021-08-01 14:00:00", "complaint"),
            # 3 h of 4, and of 2 from the tenth of January on
            case(4, "a", "2022-01-05 08:00:00", "2022-01-05 11:00:00", "complaint"),
            case(5, "a", "2022-01-12 08:00:00", "2022-01-12 11:00:00", "complaint"),
            # never answered; iron has no promise
            case(6, "a", "2022-01-20 08:00:00", None),
            case(7, "a", "2022-03-01 08:00:00", "2022-03-09 08:00:00"),
        ],
        "visits": [
            {"account_id": "a", "date": "2021-01-31"}, {"account_id": "a", "date": "2021-12-31"},
            {"account_id": "b", "date": "2022-01-01"},
        ],
    }  # fmt: skip


def test_by_hand(small, tables):
    found = price_premium_facts(small.open(tables, as_of="2022-12-31"))
    assert found.has_standards
    rows = found.rows.set_index(["account_id", found.rows["year_ends_on"].dt.year])
    assert list(rows.index) == [("a", 2022), ("a", 2021), ("b", 2022), ("b", 2021)]
    assert rows.loc[("a", 2021), "price_realisation"] == pytest.approx(0.8)
    # (90 + 156) ÷ (100 + 310)
    assert rows.loc[("a", 2022), "price_realisation"] == pytest.approx(0.6)
    assert rows.loc[("a", 2022), "listed"] == 12 * 410
    assert rows["tier"].tolist() == ["gold", "", "", ""]
    # one of two in 2021; in 2022 one of three: 3 h of 4, 3 h of 2, never of 8
    assert rows["kept_share"].tolist()[:2] == pytest.approx([1 / 3, 1 / 2])
    assert rows["complaint_share"].tolist()[:2] == pytest.approx([2 / 4, 1 / 3])
    # 3, 3 and 192 hours; 10, 4 and 6
    assert rows["response_hours"].tolist()[:2] == [3, 6]
    assert rows["kept_share"].isna().tolist() == [False, False, True, True]
    assert rows["n_visits"].tolist() == [0, 2, 1, 0]
    # x is the smaller line in the whole: 24 · 100 + 24 · 50 against 12 · 310; y is left out
    assert found.mix.columns.tolist() == ["x"]
    np.testing.assert_allclose(found.mix["x"], [100 / 410, 1, 1, 1])


def test_a_case_whose_time_is_not_over_is_neither_kept_nor_broken(small, tables):
    late = [case(8, "a", "2022-01-31 20:00:00", None)]
    book = small.open(
        {**tables, "service_events": tables["service_events"] + late}, as_of="2022-12-31"
    )
    day = date(2022, 1, 31)
    rows = answered(book, day, 2).execute()
    # of the year to January 2022: two of 2021, three of January; the one of that evening has 8 hours
    assert rows.loc[rows["years_ago"] == 0, "is_kept"].notna().sum() == 5
    later = answered(book, END, 2).execute()
    assert later["is_kept"].notna().sum() == 6


def test_without_standards_answers_have_a_time_and_no_promise(small, tables):
    rest = {name: rows for name, rows in tables.items() if name != "standards"}
    found = price_premium_facts(small.open(rest, as_of="2022-12-31"))
    assert not found.has_standards
    assert found.rows["kept_share"].isna().all()
    assert found.rows["response_hours"].notna().sum() == 2


def test_what_the_unit_lacks(small, tables):
    bare = small.open({"transactions": tables["transactions"]}, as_of="2022-12-31")
    found = price_premium_facts(bare)
    assert (found.has_list, found.has_service, len(found.rows)) == (True, False, 0)
    unlisted = {**tables, "transactions": monthly("a", 0, 23, 10, 5)}
    found = price_premium_facts(small.open(unlisted, as_of="2022-12-31"))
    assert (found.has_list, found.has_service) == (False, True)


def test_visits_alone_are_a_record_of_service(small, tables):
    only = {name: tables[name] for name in ("transactions", "visits")}
    found = price_premium_facts(small.open(only, as_of="2022-12-31"))
    assert found.has_service
    assert found.rows["n_visits"].tolist() == [0, 2, 1, 0]
    assert found.rows[["kept_share", "n_cases"]].isna().all(axis=None)


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    names = ("transactions", "accounts", "service_events", "visits", "tier_decisions", "standards")
    made = simulate("industrial_supplies", size=0.05).tables
    ours = small.open({n: made[n] for n in names}, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database premium")
    with psycopg.connect(**server, dbname="premium") as link:
        for name in names:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "premium")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="premium", folder=Path()))
    end = date(2025, 12, 31)
    try:
        for make in (
            lambda book: prices(book, end, 5),
            lambda book: by_year(answered(book, end, 5)),
            lambda book: visited(book, end, 5),
        ):
            here, there = _frame(make(ours)), _frame(make(theirs))
            assert len(here) > 50
            pd.testing.assert_frame_equal(here, there, check_dtype=False)
        here, there = price_premium_facts(ours), price_premium_facts(theirs)
        pd.testing.assert_frame_equal(here.mix, there.mix, check_dtype=False)
    finally:
        theirs.con.disconnect()
