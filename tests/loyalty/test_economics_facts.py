"""Facts of retention economics: by hand, and the same from both engines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from kamlib.accounts import Window, ledger
from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty import budget_facts, economics_facts
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)
from tests.loyalty.economics_rows import AS_OF, TABLES  # type: ignore[import-not-found]

NONE = float("nan")


@pytest.fixture(scope="module")
def facts(small):
    book = small.open(TABLES, as_of=AS_OF)
    return economics_facts.economics_facts(book, ledger(book))


def rows(frame, *columns):
    return [tuple(row) for row in frame[list(columns)].itertuples(index=False)]


def test_whole_years(facts):
    assert facts.years == tuple(
        Window(date(year, 1, 1), date(year, 12, 31)) for year in (2024, 2023, 2022)
    )
    # eleven months make no year; a year may end on 29 February
    assert economics_facts.whole_years(date(2023, 2, 1), date(2023, 12, 31)) == ()
    # nor does a month that is not over
    assert economics_facts.whole_years(date(2023, 2, 9), date(2024, 2, 15)) == ()
    leap = economics_facts.whole_years(date(2022, 3, 1), date(2024, 2, 29))
    assert leap == (
        Window(date(2023, 3, 1), date(2024, 2, 29)),
        Window(date(2022, 3, 1), date(2023, 2, 28)),
    )


def test_account_years(facts):
    found = facts.account_years.set_index(["account_id", "years_ago"])
    # margin 40 % of revenue, less visits
    assert found.loc[("a", 0), ["n_orders", "revenue", "cost_to_serve", "contribution"]].tolist() == [
        1, 100, 10, 30
    ]  # fmt: skip
    assert found.loc[("c", 1), "contribution"] == pytest.approx(20)
    # no order in the last year, and a visit
    assert found.loc[("c", 0), ["n_orders", "revenue", "contribution"]].tolist() == [0, 0, -5]
    assert ("b", 2) not in found.index


def test_a_margin_of_too_few_lines_is_unknown(small):
    first = [row | {"cost": None} for row in TABLES["transactions"][:1]]
    tables = TABLES | {"transactions": first + TABLES["transactions"][1:]}
    book = small.open(tables, as_of=AS_OF)
    found = economics_facts.economics_facts(book, ledger(book)).account_years
    unknown = found[found["contribution"].isna()]
    assert rows(unknown, "account_id", "years_ago") == [("a", 2)]


def test_accounts_won(facts):
    won = facts.won.assign(day=facts.won["won_on"].dt.strftime("%Y-%m-%d"))
    assert rows(won, "account_id", "day", "years_ago", "n_months") == [
        ("b", "2023-03-10", 1, 22),
        ("d", "2023-05-02", 1, 20),
        ("e", "2024-01-15", 0, 12),
        ("f", "2022-02-01", 2, 35),
        ("g", "2024-04-01", 0, 9),
    ]
    by = won.set_index("account_id")
    # what was recorded later does not count for e
    assert by["acquisition_cost"].fillna(0).to_dict() == {"b": 30, "d": 50, "e": 40, "f": 8, "g": 0}
    # of b March 2023 to February 2024; g has no whole year yet
    assert by["revenue_first_year"].fillna(-1).to_dict() == {
        "b": 200, "d": 100, "e": 300, "f": 50, "g": -1
    }  # fmt: skip
    assert by.loc["b", "contribution_first_year"] == pytest.approx(74)
    assert by.loc["b", "revenue"] == 400
    # only f has two whole years, and bought nothing in the second
    assert by["bought_second_year"].dropna().to_dict() == {"f": 0.0}


def test_costs_of_winning_by_month(facts):
    spent = facts.spent
    assert len(spent) == 36
    assert spent[spent["amount"] > 0]["amount"].tolist() == [8, 30, 50, 20, 40]
    assert spent.groupby("years_ago")["amount"].sum().tolist() == [40, 100, 8]


def test_referrals(facts):
    found = facts.referrals.assign(day=facts.referrals["referred_on"].dt.strftime("%Y-%m-%d"))
    # the first that sent b counts; nobody sends itself
    assert rows(found, "account_id", "referrer_id", "day", "name") == [
        ("b", "a", "2023-03-01", "A"),
        ("c", "a", "2023-01-01", "A"),
        ("e", "b", "2024-02-15", "B"),
        ("z", "a", "2023-01-01", "A"),
    ]
    assert found["first_order_on"].isna().tolist() == [False, False, False, True]


def test_members_of_one_group_do_not_send_one_another(small):
    accounts = [row | {"parent_id": "a" if row["account_id"] == "b" else None}
                for row in TABLES["accounts"]]  # fmt: skip
    book = small.open(
        TABLES | {"accounts": accounts}, as_of=AS_OF, ledger={"grain": "parent_group"}
    )
    found = economics_facts.economics_facts(book, ledger(book))
    # b's own referrals are the group's; that of b by c came later, and is of the group a
    assert rows(found.referrals, "account_id", "referrer_id") == [
        ("a", "c"), ("c", "a"), ("e", "a"), ("z", "a")
    ]  # fmt: skip
    # the group was won in 2015
    assert "a" not in set(found.won["account_id"])


def test_member_days(facts):
    assert rows(facts.days, "account_id", "years_ago", "level", "n_days") == [
        ("a", 0, 1, 366), ("a", 1, 1, 365), ("b", 0, 2, 366)
    ]  # fmt: skip


def test_what_the_unit_lacks(small):
    bare = small.open({"transactions": TABLES["transactions"]}, as_of=AS_OF)
    found = economics_facts.economics_facts(bare, ledger(bare))
    assert (found.spent, found.referrals, found.days) == (None, None, None)
    # without onboarding dates, whoever first bought after the first year was won
    assert found.won["account_id"].tolist() == ["b", "d", "e"]
    short = small.open({"transactions": TABLES["transactions"][-1:]}, as_of="2022-05-31")
    assert economics_facts.economics_facts(short, ledger(short)).years == ()


def every(book, end, years):
    money = ledger(book)
    found = {
        "years": economics_facts.account_years(book, money, end, len(years)),
        "won": economics_facts.accounts_won(book, money, date(2021, 1, 1), end),
        "spent": economics_facts.acquisition_by_month(book, end),
        "referrals": economics_facts.referrals_made(book, end),
        "days": economics_facts.member_days(book, years),
        "named": budget_facts.named_spend(book, years),
        "levels": budget_facts.level_spend(book, years),
        "tiers": budget_facts.tiers_then(book, years),
    }
    return {name: economics_facts._frame(table) for name, table in found.items()}


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    names = ("transactions", "accounts", "programme", "programme_costs", "acquisition_costs",
             "referrals", "visits", "tier_decisions")  # fmt: skip
    made = simulate("industrial_supplies", size=0.06).tables
    ours = small.open({n: made[n] for n in names}, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database economics")
    with psycopg.connect(**server, dbname="economics") as link:
        for name in names:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "economics")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="economics", folder=Path()))
    try:
        for end in (date(2025, 12, 31), date(2024, 9, 30)):
            years = economics_facts.whole_years(date(2021, 1, 1), end)
            here, there = every(ours, end, years), every(theirs, end, years)
            for name, frame in here.items():
                assert len(frame) > 0, name
                pd.testing.assert_frame_equal(
                    frame, there[name], check_dtype=False, check_like=True, obj=name
                )
    finally:
        theirs.con.disconnect()
