"""Records of a programme: whole months, who was told when, and the same from both engines."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty.programme_records import programme_records
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)
from tests.loyalty.effect_rows import AS_OF, LATER, TABLES  # type: ignore[import-not-found]


def records_of(book):
    return programme_records(book, ledger(book))


def rows(frame):
    shown = frame.astype(object).where(frame.notna(), None)
    return [tuple(row) for row in shown.itertuples(index=False)]


@pytest.fixture(scope="module")
def book(small):
    return small.open(TABLES, as_of=AS_OF)


def test_whole_months_of_membership(book):
    found = records_of(book)
    assert len(found.months) == 24
    assert rows(found.stays) == [
        # March 2023 is the first whole month: place 14; September, the first at level 2: place 20
        ("a", 1, 14, 20),
        ("a", 2, 20, 24),
        # from the first day of March; of May only half
        ("b", 1, 14, 16),
    ]


def test_accounts_as_they_were_after_a_year(book):
    found = records_of(book).accounts
    assert rows(found[["account_id", "name", "parent", "tier"]]) == [
        ("a", "A", "g", "gold"),
        ("b", "B", "g", None),
        ("e", "E", "e", None),
    ]
    # since 1 January 2020: 1,095 days; since its first order on 3 May 2022: 242; not yet
    assert found["tenure_years"].tolist() == pytest.approx([1095 / 365.25, 242 / 365.25, 0.0])


def test_draws_count_from_the_first_whole_month(book):
    found = records_of(book)
    # e's draw was recorded later; c's counts from March on
    assert rows(found.trials) == [
        ("t", "a", "1", 13, "g"),
        ("t", "b", "1", 13, "g"),
        ("t", "c", "control", 14, "c"),
    ]


def test_what_comes_later_changes_nothing(book, small):
    more = TABLES | {name: [*TABLES[name], *new] for name, new in LATER.items()}
    found, before = records_of(small.open(more, as_of=AS_OF)), records_of(book)
    for name in ("panel", "accounts", "stays", "trials"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(before, name), obj=name)
    # by the end of March it was known that e had joined in April 2023, and been drawn
    found = records_of(small.open(more, as_of="2024-03-31"))
    assert len(found.months) == 27
    assert rows(found.stays) == [
        ("a", 1, 14, 20), ("a", 2, 20, 27), ("b", 1, 14, 16), ("b", 3, 24, 27), ("e", 1, 16, 27),
    ]  # fmt: skip
    assert found.trials["account_id"].tolist() == ["a", "b", "c", "d", "e"]


def test_months_after_the_last_evaluation_are_not_looked_at(small):
    more = TABLES | {name: [*TABLES[name], *new] for name, new in LATER.items()}
    # the last quarter that ended by then is that of December
    found = records_of(small.open(more, as_of="2024-03-15"))
    assert len(found.months) == 24
    assert found.stays["stop"].max() == 24
    assert "d" not in set(found.trials["account_id"])


def test_groups_count_together(small):
    found = records_of(small.open(TABLES, as_of=AS_OF, ledger={"grain": "parent_group"}))
    assert found.accounts["account_id"].tolist() == ["e", "g"]
    # the group stands at its highest member's level: b joined first of all, on 1 March? a on 10 February
    assert rows(found.stays) == [("g", 1, 14, 20), ("g", 2, 20, 24)]
    assert found.accounts.set_index("account_id")["tenure_years"]["g"] == pytest.approx(
        1095 / 365.25
    )


def test_without_a_programme_or_two_years_there_are_none(small):
    bare = {name: TABLES[name] for name in ("accounts", "transactions", "visits")}
    assert records_of(small.open(bare, as_of=AS_OF)) is None
    assert records_of(small.open(TABLES, as_of="2023-11-30")) is None
    only = {name: rows for name, rows in TABLES.items() if name != "trials"}
    assert records_of(small.open(only, as_of=AS_OF)).trials is None
    only = {name: rows for name, rows in TABLES.items() if name != "programme"}
    found = records_of(small.open(only, as_of=AS_OF))
    assert found.stays.empty
    assert len(found.trials) == 3


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    made = simulate("telecom_lines", size=0.04).tables
    names = [n for n in ("transactions", "accounts", "account_history", "programme", "trials", "visits",
                         "service_events", "tier_decisions") if n in made]  # fmt: skip
    ours = small.open({n: made[n] for n in names}, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database effects")
    with psycopg.connect(**server, dbname="effects") as link:
        for name in names:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "effects")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="effects", folder=Path()))
    try:
        here, there = records_of(ours), records_of(theirs)
        for name in ("panel", "accounts", "stays", "trials"):
            frame = getattr(here, name)
            assert len(frame) > 0, name
            pd.testing.assert_frame_equal(frame, getattr(there, name), check_dtype=False, obj=name)
    finally:
        theirs.con.disconnect()
