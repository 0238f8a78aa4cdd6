"""Facts of the programme: by hand, on a day, and the same from both engines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty import programme_facts as facts
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)
from tests.loyalty.programme_rows import AS_OF, TABLES  # type: ignore[import-not-found]

NONE = float("nan")


@pytest.fixture(scope="module")
def book(small):
    return small.open(TABLES, as_of=AS_OF)


def rows(frame, *columns):
    shown = frame.assign(month=frame["month"].dt.strftime("%m")).fillna({"level": 0})
    return [tuple(row) for row in shown[list(columns)].itertuples(index=False)]


MEMBERS = ("month", "level", "n_members", "n_joined", "n_left", "n_moved", "member_months")


def test_members_by_hand(book):
    found = facts.programme_facts(book)
    assert rows(found.members, *MEMBERS) == [
        # a 22 days, b 16, c 31, d 27 of January
        ("01", 1, 4, 4, 0, 0, pytest.approx(96 / 31)),
        # b and c 14 days, d 28 of February; a moved on the 1st, c on the 15th, b left
        ("02", 1, 1, 0, 1, -2, pytest.approx(56 / 28)),
        ("02", 2, 1, 0, 0, 1, 1.0),
        ("02", 3, 1, 0, 0, 1, 0.5),
        # c is back at level 1, having been at level 3 on 28 February
        ("03", 1, 2, 0, 0, 1, 2.0),
        ("03", 2, 1, 0, 0, 0, 1.0),
        ("03", 3, 0, 0, 0, -1, 0.0),
    ]
    assert found.n_members == 3


def test_members_as_known_on_a_day(book):
    found = facts.programme_facts(book, date(2023, 2, 14))
    # without d, and nobody has left: b's last day is the 14th itself
    assert rows(found.members, *MEMBERS) == [
        ("01", 1, 3, 3, 0, 0, pytest.approx(69 / 31)),
        ("02", 1, 2, 0, 0, -1, pytest.approx(28 / 28)),
        ("02", 2, 1, 0, 0, 1, pytest.approx(14 / 28)),
    ]
    assert found.n_members == 3


def test_costs_count_at_the_level_that_the_account_then_had(book):
    found = facts.programme_facts(book)
    assert rows(found.costs, "month", "level", "kind", "amount") == [
        ("01", 1, "reward", 6.0),
        ("01", 1, "service", 3.0),
        ("01", 0, "platform", 10.0),
        ("01", 0, "setup", 90.0),
        # of b, which had left level 1
        ("02", 1, "service", 7.0),
        ("02", 2, "reward", 4.0),
        ("02", 2, "service", 5.0),
        ("02", 3, "communication", 1.0),
        # of e, which was never a member
        ("02", 0, "communication", 2.0),
    ]
    assert found.cost == 128.0


def test_a_cost_recorded_later_is_unknown_on_a_day(book):
    then = facts.programme_facts(book, date(2023, 2, 28))
    assert then.cost == then.costs["amount"].sum() == 127.0
    # of 14 February on, and what was recorded by then
    assert facts.programme_facts(book, date(2023, 2, 14)).cost == 90 + 10 + 6 + 3 + 5 + 2


def test_points_and_the_sales_that_came_with_them(book):
    found = facts.programme_facts(book).points
    assert rows(found.by_month, "month", "level", "issued", "redeemed", "expired") == [
        ("01", 1, 400.0, 0.0, 0.0),
        ("02", 2, 100.0, 60.0, 0.0),
        ("02", 3, 0.0, 10.0, 0.0),
        ("03", 1, 0.0, 0.0, 50.0),
    ]
    # b got no points in February, e never
    assert rows(found.sales, "month", "sales") == [("01", 400.0), ("02", 100.0)]
    assert found.tells_expiry


def test_what_the_unit_lacks_is_unknown_and_not_nothing(small):
    bare = small.open({"transactions": TABLES["transactions"]}, as_of=AS_OF)
    found = facts.programme_facts(bare)
    assert (found.members, found.costs, found.points) == (None, None, None)
    # costs without a list of members: what names an account has no level
    only = {name: TABLES[name] for name in ("transactions", "programme_costs")}
    found = facts.programme_facts(small.open(only, as_of=AS_OF))
    assert found.members is None
    assert found.costs["amount"].sum() == 128.0
    assert found.costs["level"].dropna().tolist() == [1.0, 2.0, 3.0]


def test_a_day_before_all_of_it(book):
    found = facts.programme_facts(book, date(2022, 12, 31))
    assert found.members.empty
    assert found.costs.empty
    assert found.points.by_month.empty
    assert (found.n_members, found.cost) == (0, 0.0)


def every(book, day):
    found = {
        "members": facts.members_by_month(book, day),
        "costs": facts.costs_by_month(book, day),
        "points": facts.points_by_month(book, day),
        "balances": facts.points_by_account(book, day),
        "sales": facts.sales_with_points(book, day),
    }
    return {name: facts._frame(table) for name, table in found.items()}


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    names = ("transactions", "accounts", "programme", "programme_costs", "points")
    made = simulate("industrial_supplies", size=0.04).tables
    ours = small.open({n: made[n] for n in names}, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database loyalty")
    with psycopg.connect(**server, dbname="loyalty") as link:
        for name in names:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "loyalty")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="loyalty", folder=Path()))
    try:
        for day in (date(2025, 12, 31), date(2024, 5, 17)):
            here, there = every(ours, day), every(theirs, day)
            for name, frame in here.items():
                assert len(frame) > 0, name
                pd.testing.assert_frame_equal(frame, there[name], check_dtype=False, obj=name)
            assert facts.programme_facts(theirs, day).cost == pytest.approx(
                facts.programme_facts(ours, day).cost
            )
    finally:
        theirs.con.disconnect()
