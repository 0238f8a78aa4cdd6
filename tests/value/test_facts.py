"""Facts of customer value: a book of few rows, every figure worked out in a comment."""

from datetime import date

import pandas as pd
import pytest

from kamlib.accounts import ledger, period
from kamlib.value.facts import account_facts, collect, monthly_facts


def line(account, day, amount, cost=None, order=None):
    return {"account_id": account, "date": day, "amount": amount, "cost": cost, "order_id": order}


SALES = [
    # the year before the window: 2022
    line("a", "2022-01-10", 100, 60, "o1"),
    line("gone", "2022-06-01", 30, 20, "o2"),
    # the window: 2023
    line("a", "2023-03-01", 200, 120, "o3"),
    line("a", "2023-03-01", 50, 30, "o3"),
    line("a", "2023-12-31", -40, -24, "r1"),
    line("new", "2023-05-01", 90, 50, "o4"),
    line("new", "2023-06-01", 10, None, "o5"),
    # after the window's end, though known: it must not count
    line("a", "2024-02-01", 999, 1, "o9"),
    line("late", "2024-02-01", 5, 1, "o10"),
]
TABLES = {
    "transactions": SALES,
    "accounts": [
        {"account_id": "a", "name": "Alpha", "role": "end_customer", "segment": "now",
         "region": "north", "parent_id": ""},
        {"account_id": "new", "name": None, "role": None, "segment": None, "region": None,
         "parent_id": "a"},
    ],
    "account_history": [
        {"account_id": "a", "valid_from": "2023-01-01", "attribute": "segment", "value": "then"},
        {"account_id": "a", "valid_from": "2024-01-01", "attribute": "segment", "value": "later"},
    ],
    "assignments": [
        {"account_id": "a", "manager_id": "m1", "starts_on": "2022-01-01", "ends_on": "2023-12-31"},
        {"account_id": "a", "manager_id": "m2", "starts_on": "2024-01-01", "ends_on": ""},
    ],
    "visits": [
        {"account_id": "a", "date": "2023-07-01", "cost": 7},
        {"account_id": "prospect", "date": "2023-08-01", "cost": 3},
        {"account_id": "gone", "date": "2022-07-01", "cost": 2},
    ],
}  # fmt: skip


def facts_of(book):
    entries, span = ledger(book), period(book)
    assert (span.current.start, span.current.end) == (date(2023, 1, 1), date(2023, 12, 31))
    return collect(account_facts(book, entries, span)).set_index("account_id")


@pytest.fixture(scope="module")
def book(small):
    # the last quarter end that closes a full year is 31 December 2023
    return small.open(TABLES, as_of="2024-02-29")


@pytest.fixture(scope="module")
def facts(book):
    return facts_of(book)


def test_an_account_of_both_years(facts):
    a = facts.loc["a"]
    # 200 + 50 - 40; margins 80 + 20 - 16; one visit of 7
    assert (a.revenue, a.margin, a.cost_to_serve, a.contribution) == (210, 84, 7, 77)
    assert (a.revenue_before, a.margin_before, a.contribution_before) == (100, 40, 40)
    # o3 is one order of two lines; a return is no order
    assert a.n_orders == 1
    assert (a.first_order_on, a.last_order_on) == (
        pd.Timestamp("2022-01-10"), pd.Timestamp("2023-03-01"),
    )  # fmt: skip
    # from 1 March to 31 December: 30 + 30 + 31 + 30 + 31 + 31 + 30 + 31 + 30 + 31
    assert a.days_since_last == 305


def test_who_an_account_was_at_the_end_of_the_window(facts):
    a = facts.loc["a"]
    # m2 and the later segment came the day after
    assert (a["name"], a.role, a.segment, a.region, a.manager_id) == (
        "Alpha", "end_customer", "then", "north", "m1",
    )  # fmt: skip
    new = facts.loc["new"]
    assert new[["name", "role", "segment", "region", "manager_id"]].isna().all()


def test_an_account_of_one_of_the_years(facts):
    assert facts.loc["new"].revenue_before == 0
    gone = facts.loc["gone"]
    assert (gone.revenue, gone.revenue_before, gone.n_orders) == (0, 30, 0)
    # 30 - 20, less a visit of 2
    assert gone.contribution_before == 8
    # from 1 June 2022 to 31 December 2023: 213 days of 2022 and 365
    assert gone.days_since_last == 578


def test_a_margin_that_is_known_of_too_little_is_unknown(facts, small):
    # of a volume of 100 the cost of 90 is known, which is less than 95 %
    new = facts.loc["new"]
    assert new.revenue == 100
    assert pd.isna(new.margin)
    assert pd.isna(new.contribution)
    # where 90 % is enough, the margin is that of the lines whose cost is known
    enough = small.open(TABLES, as_of="2024-02-29", ledger={"min_cost_coverage": "0.9"})
    assert facts_of(enough).loc["new"].margin == 40


def test_who_has_cost_and_no_sale_stands_there_too(facts):
    prospect = facts.loc["prospect"]
    assert (prospect.revenue, prospect.cost_to_serve, prospect.contribution) == (0, 3, -3)
    assert pd.isna(prospect.last_order_on)


def test_what_comes_after_the_window_does_not_count(facts):
    assert set(facts.index) == {"a", "new", "gone", "prospect"}
    assert facts.revenue.sum() == 210 + 100


def test_groups_count_together(small):
    grouped = small.open(TABLES, as_of="2024-02-29", ledger={"grain": "parent_group"})
    found = facts_of(grouped)
    assert set(found.index) == {"a", "gone", "prospect"}
    assert found.loc["a"].revenue == 310
    # one order of a, two of its daughter
    assert found.loc["a"].n_orders == 3
    assert found.loc["a"].last_order_on == pd.Timestamp("2023-06-01")


def test_a_short_record_has_no_year_before(small):
    book = small.open({"transactions": [line("a", "2024-01-05", 10)]}, as_of="2024-03-31")
    (found,) = account_facts(book, ledger(book), period(book)).execute().to_dict("records")
    assert found["revenue"] == 10
    # unknown, not zero
    assert all(pd.isna(found[f"{c}_before"]) for c in ("revenue", "margin", "contribution"))
    assert pd.isna(found["margin"])
    assert found["days_since_last"] == 86  # 26 days of January, 29 and 31


def test_months(book):
    entries = ledger(book)
    found = monthly_facts(entries, date(2023, 12, 31)).execute()
    found["month"] = pd.to_datetime(found["month"]).dt.strftime("%Y-%m")
    found = found.set_index("month")
    # every month from the first of any account to the last asked for
    assert found.index.tolist() == [f"{y}-{m:02d}" for y in (2022, 2023) for m in range(1, 13)]
    assert found.revenue["2023-03"] == 250
    assert found.n_active.to_dict() == dict.fromkeys(found.index, 0) | dict.fromkeys(
        ["2022-01", "2022-06", "2023-03", "2023-05", "2023-06"], 1
    )
    # 80 + 20 of margin and no cost to serve; in July a visit and no margin
    assert found.contribution["2023-03"] == 100
    assert found.contribution["2023-07"] == -7


def test_the_largest_come_first_and_ties_by_identifier(small):
    rows = [line(name, "2024-01-05", 5) for name in "cab"] + [line("z", "2024-01-05", 9)]
    book = small.open({"transactions": rows})
    frame = collect(account_facts(book, ledger(book), period(book)))
    assert frame["account_id"].tolist() == ["z", "a", "b", "c"]
    assert frame["last_order_on"].dtype.kind == "M"
