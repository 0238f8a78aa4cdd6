"""Facts of measures taken: by hand, from a world, and the same from both engines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.loyalty.measures_taken_facts import measures_taken_facts
from kamlib.loyalty.measures_taken_records import complaints_answered, efforts, frame_of
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)
from tests.loyalty import worlds  # type: ignore[import-not-found]
from tests.loyalty.measures_rows import (  # type: ignore[import-not-found]
    book_of,
    day,
    monthly,
)

FIRST, LAST = date(2021, 1, 1), date(2023, 12, 31)


def complaint(account, month, paid, closed=True, **more):
    row = {"account_id": account, "kind": "complaint", "stage": "in_sale", "cost": 1.0,
           "opened_at": f"{day(month)} 09:00:00", "severity": "low",
           "resolved_at": f"{day(month, 20)} 09:00:00" if closed else None,
           "compensation": paid}  # fmt: skip
    return row | more


@pytest.fixture(scope="module")
def complaints(small):
    rows = [
        # not the first of a, but the first that can be followed; answered in the same month
        complaint("a", 3, 0), complaint("a", 14, 0), complaint("a", 14, 40), complaint("a", 20, 500),
        complaint("b", 16, 0, severity="high"),
        # not settled at the end of the records
        complaint("c", 23, None, closed=False),
        # can not be followed for a year; c2 has not been a customer for a year
        complaint("d", 24, 10), complaint("e", 15, 10),
        # buys next to nothing
        complaint("f", 14, 10),
    ]  # fmt: skip
    tables = {
        "transactions": [
            *monthly("a", 0, 35, 100, 60), *monthly("b", 0, 18, 100, 60), *monthly("c", 0, 35, 10, 5),
            *monthly("d", 0, 35, 10, 5), *monthly("e", 4, 35, 10, 5), *monthly("f", 0, 35, 0.5, 0.2),
        ],
        "service_events": [row | {"event_id": str(i)} for i, row in enumerate(rows)],
        "tier_decisions": [
            {"account_id": "a", "tier": "gold", "valid_from": "2022-02-01"},
            {"account_id": "a", "tier": "platinum", "valid_from": "2022-03-01"},
            {"account_id": "b", "tier": "iron", "valid_from": "2022-02-01",
             "recorded_on": "2022-06-01"},
        ],
    }  # fmt: skip
    return small.open(tables, as_of="2023-12-31")


def test_first_complaints_that_can_be_followed(complaints):
    rows = frame_of(complaints_answered(complaints, FIRST, LAST)).set_index("account_id")
    assert list(rows.index) == ["a", "b", "c", "f"]
    assert rows["zero"].dt.strftime("%Y-%m").tolist() == [
        "2022-03",
        "2022-05",
        "2022-12",
        "2022-03",
    ]
    assert rows["compensation"].tolist() == [40, 0, 0, 10]
    assert rows["n_open"].tolist() == [0, 0, 1, 0]
    # that of April 2021 lies eleven months before
    assert rows["complaints_before"].tolist() == [1, 0, 0, 0]
    assert rows.loc["b", "severity"] == "high"


def test_compensation_is_laid_out_about_the_complaint(complaints):
    found = measures_taken_facts(complaints, ledger(complaints), FIRST, LAST)
    assert found["visits"] is None
    assert found["training"] is not None
    facts = found["recovery"]
    assert (facts.measure, facts.outcome, facts.begins) == ("recovery", "contribution", "complaint")
    # c waits for its answer, f buys less than a fiftieth of the others
    assert (facts.n_open, facts.n_no_base) == (1, 1)
    rows = facts.accounts.set_index("unit")
    assert rows["start"].fillna(-1).to_dict() == {"a": 12, "b": -1}
    # a's tier of March was decided in that month; b's was not told before its complaint in May
    assert rows["tier_steps"].to_dict() == {"a": 2.0, "b": 0.0}
    panel = facts.panel.pivot(index="unit", columns="period", values="outcome")
    assert list(panel.columns) == list(range(25))
    # 40 of margin less 2 · 1 of service; the 40 paid out are a cost of the measure
    assert panel.loc["a", 12] == 38
    # eleven months before: the complaint of April 2021
    assert panel.loc["a", [1, 2]].tolist() == [39, 40]
    # b left after July 2022 and brings nothing; a's later compensation is added back as well
    assert panel.loc["b", [14, 15, 24]].tolist() == [40, 0, 0]
    assert (facts.cost, facts.months) == (40, 13)
    # of 2,400 in the years before a and b together left 480 and 479
    assert facts.usual_month == pytest.approx(100 * 959 / 2400)


def test_without_cost_of_goods_revenue_stands_in(small):
    tables = {"transactions": [{k: v for k, v in row.items() if k != "cost"}
                               for row in monthly("a", 0, 35, 100, 0)],
              "service_events": [complaint("a", 14, 40) | {"event_id": "1"}]}  # fmt: skip
    book = small.open(tables, as_of="2023-12-31")
    facts = measures_taken_facts(book, ledger(book), FIRST, LAST)["recovery"]
    assert facts.outcome == "revenue"
    assert (facts.panel["outcome"] == 100).all()


def test_a_unit_without_service_records(small):
    book = small.open({"transactions": monthly("a", 0, 35, 100, 60)}, as_of="2023-12-31")
    found = measures_taken_facts(book, ledger(book), FIRST, LAST)
    assert found == {"recovery": None, "visits": None, "training": None}


def test_a_world_comes_back_as_it_was(small):
    world = worlds.rtm_bad(0, 60)
    book = small.open(book_of(world), kind="parquet", as_of="2023-12-31")
    facts = measures_taken_facts(book, ledger(book), FIRST, LAST)["visits"]
    assert facts.begins == "first"
    assert (facts.accounts["start"].isna() == world.accounts["start"].isna()).all()
    assert facts.accounts["start"].dropna().eq(12).all()
    # margin less visits, with visits added back
    np.testing.assert_allclose(facts.panel["outcome"], world.panel["outcome"], atol=1e-5)
    n = int(world.accounts["start"].notna().sum())
    assert (facts.cost, facts.months, facts.cost_missing) == (30.0 * n, 24 * n, 0.0)


def test_where_all_were_visited_twice_as_many_visits_count(small):
    names = [f"a{i:02d}" for i in range(20)]
    visits = [{"account_id": a, "date": day(m), "cost": 10} for a in names for m in range(36)]
    # ten of them are seen twice a month from the middle of a quarter on, one of them in one month only
    visits += [{"account_id": a, "date": day(m, 20), "cost": 10} for a in names[:10]
               for m in range(15, 36)]  # fmt: skip
    visits += [{"account_id": names[10], "date": day(16, 20), "cost": 10}]
    orders = [row for a in names for row in monthly(a, 0, 35, 100, 60)]
    book = small.open({"transactions": orders, "visits": visits}, as_of="2023-12-31")
    facts = measures_taken_facts(book, ledger(book), FIRST, LAST)["visits"]
    assert facts.begins == "doubled"
    start = facts.accounts.set_index("unit")["start"]
    # 6 visits in April to June 2022 are twice the 3 of a quarter of 2021; 4 are not
    assert start.dropna().to_dict() == dict.fromkeys(names[:10], 15.0)
    # 20 a month from then on, of which 10 were usual
    assert facts.cost == pytest.approx(10 * 21 * 10)
    assert facts.months == 10 * 21


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    names = ("transactions", "accounts", "service_events", "visits", "tier_decisions", "programme")
    made = simulate("industrial_supplies", size=0.05).tables
    ours = small.open({n: made[n] for n in names}, kind="parquet", as_of="2025-12-31")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database measures")
    with psycopg.connect(**server, dbname="measures") as link:
        for name in names:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "measures")}, "as_of": "2025-12-31"}
    theirs = open_book(unit_from(raw, name="measures", folder=Path()))
    last = date(2025, 12, 31)
    try:
        for make in (
            lambda book: complaints_answered(book, FIRST, last),
            lambda book: efforts(book, "visits", last),
            lambda book: efforts(book, "training", last),
        ):
            here, there = frame_of(make(ours)), frame_of(make(theirs))
            assert len(here) > 5
            pd.testing.assert_frame_equal(here, there, check_dtype=False)
        here, there = (measures_taken_facts(b, ledger(b), FIRST, last) for b in (ours, theirs))
        for name, one in here.items():
            pd.testing.assert_frame_equal(one.panel, there[name].panel, check_dtype=False)
            pd.testing.assert_frame_equal(one.accounts, there[name].accounts, check_dtype=False)
    finally:
        theirs.con.disconnect()
