"""A book of few rows, of which every figure of the ledger is worked out in a comment."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from kamlib.accounts import ledger

SALES = [
    {"account_id": "a", "date": "2024-01-10", "amount": 100, "cost": 60, "order_id": "o1"},
    {"account_id": "a", "date": "2024-01-10", "amount": 50, "cost": 30, "order_id": "o1"},
    {"account_id": "a", "date": "2024-01-20", "amount": 40, "cost": None, "order_id": "o2"},
    {"account_id": "a", "date": "2024-03-05", "amount": -20, "cost": -12, "order_id": "r1"},
    {"account_id": "b", "date": "2024-02-01", "amount": 10, "cost": 9, "order_id": "o3"},
]
FULL = {
    "transactions": SALES,
    "accounts": [{"account_id": "a", "parent_id": None}, {"account_id": "b", "parent_id": "a"}],
    "service_events": [
        {"event_id": "e1", "account_id": "a", "kind": "complaint", "stage": "after_sale",
         "opened_at": "2024-01-15 09:00", "minutes": 90, "cost": 12, "billed_amount": 5,
         "compensation": 2, "resolved_at": "2024-01-16 09:00"},
        {"event_id": "e2", "account_id": "a", "kind": "request", "stage": "in_sale",
         "opened_at": "2024-02-15 09:00", "minutes": 30, "cost": None, "billed_amount": None,
         "compensation": None, "resolved_at": "2024-02-15 10:00"},
    ],
    "visits": [{"account_id": "a", "date": "2024-02-20", "cost": 7, "minutes": 60}],
    "invoices": [
        {"invoice_id": "i1", "account_id": "a", "issued_on": "2024-01-11", "due_on": "2024-02-10",
         "amount": 365},
    ],
    "payments": [{"invoice_id": "i1", "date": "2024-02-21", "amount": 365}],
}  # fmt: skip


def table(small, tables, **params) -> pd.DataFrame:
    params = {"as_of": "2024-03-20"} | params
    frame = ledger(small.open(tables, **params)).table.execute()
    frame["month"] = pd.to_datetime(frame["month"]).dt.strftime("%Y-%m")
    return frame.set_index(["account_id", "month"]).sort_index()


def test_every_part_by_hand(small):
    rate = {"ledger": {"financing_rate": 0.1, "service_rate_per_hour": 40}}
    found = table(small, FULL, **rate)
    january, february, march = (found.loc[("a", f"2024-0{m}")] for m in (1, 2, 3))
    assert january["revenue"] == 190
    assert january["n_orders"] == 2
    # margin of the lines whose cost is known: 40 + 20
    assert january["margin"] == 60
    assert (january["volume"], january["volume_costed"]) == (190, 150)
    assert (january["service_cost"], january["compensation"]) == (12, 2)
    assert january["billed_amount"] == 5
    # 365 owed from 11 January to the end of the month: 21 days at 10 % a year = 365 · 21 · 0.1 / 365
    assert january["financing_cost"] == pytest.approx(2.1)
    assert january["cost_to_serve"] == pytest.approx(12 + 2 - 5 + 0 + 2.1)
    assert january["contribution"] == pytest.approx(60 - 11.1)
    # half an hour at 40, a visit, and 365 owed for the 20 days up to the payment on the 21st
    assert february["service_cost"] == 20
    assert february["visit_cost"] == 7
    assert february["financing_cost"] == pytest.approx(2.0)
    assert february["contribution"] == pytest.approx(0 - 29.0)
    # a return is no order; its cost comes back; nothing is owed any more
    assert march["revenue"] == -20
    assert march["n_orders"] == 0
    assert march["margin"] == -8
    assert march["financing_cost"] == pytest.approx(0, abs=1e-9)


def test_every_account_has_a_row_for_every_month_since_its_first(small):
    found = table(small, FULL)
    assert found.loc["a"].index.tolist() == ["2024-01", "2024-02", "2024-03"]
    assert found.loc["b"].index.tolist() == ["2024-02", "2024-03"]


def test_the_last_month_ends_with_the_last_day_known(small):
    # owed from 11 January to 25 January, both counted: 15 days
    rate = {"ledger": {"financing_rate": 0.1}}
    found = table(small, FULL, as_of="2024-01-25", **rate)
    assert found.loc[("a", "2024-01"), "financing_cost"] == pytest.approx(1.5)
    assert found.index.tolist() == [("a", "2024-01")]


def test_what_the_unit_lacks_is_unknown_not_zero(small):
    book = small.open({"transactions": [r | {"cost": None} for r in SALES]}, as_of="2024-03-20")
    bare = ledger(small.open({"transactions": "account_id,date,amount\na,2024-01-10,5\n"}))
    assert not bare.has_cost
    assert not bare.has_contribution
    assert not any(bare.parts.values())
    assert "invoices + payments" in bare.missing["financing"]
    frame = bare.table.execute()
    for column in (
        "margin",
        "service_cost",
        "visit_cost",
        "financing_cost",
        "cost_to_serve",
        "contribution",
    ):
        assert frame[column].isna().all()
    assert frame["revenue"].tolist() == [5]
    # a column of costs without a single cost leaves no volume with a known cost
    assert ledger(book).table.execute()["volume_costed"].sum() == 0


def test_minutes_without_a_rate_are_unknown(small):
    tables = {name: rows for name, rows in FULL.items() if name in ("transactions", "visits")}
    tables["visits"] = [{"account_id": "a", "date": "2024-02-20", "minutes": 60}]
    without = ledger(small.open(tables, as_of="2024-03-20"))
    assert without.parts["visits"] is False
    with_rate = table(small, tables, ledger={"visit_rate_per_hour": 30})
    assert with_rate.loc[("a", "2024-02"), "visit_cost"] == 30


def test_groups_count_together_under_their_parent(small):
    found = table(small, FULL, ledger={"grain": "parent_group"})
    assert found.index.get_level_values(0).unique().tolist() == ["a"]
    assert found["revenue"].sum() == 180


def test_orders_count_by_day_where_they_have_no_number(small):
    rows = [{key: row[key] for key in ("account_id", "date", "amount")} for row in SALES]
    found = table(small, {"transactions": rows})
    # two lines of 10 January are one order, 20 January another
    assert found.loc[("a", "2024-01"), "n_orders"] == 2


def test_sums_do_not_depend_on_the_order_of_rows(small):
    turned = {name: list(reversed(rows)) for name, rows in FULL.items()}
    pd.testing.assert_frame_equal(table(small, FULL), table(small, turned))


def test_a_later_record_does_not_change_the_past(small):
    later = dict(FULL)
    later["transactions"] = [
        *SALES,
        {"account_id": "a", "date": "2024-03-21", "amount": 9, "cost": 1, "order_id": "o9"},
    ]
    later["payments"] = [
        *FULL["payments"],
        {"invoice_id": "i1", "date": "2024-04-01", "amount": -50},
    ]
    pd.testing.assert_frame_equal(table(small, FULL), table(small, later))


def test_two_ledgers_of_one_book_stand_side_by_side(small):
    book = small.open(FULL, as_of="2024-03-20")
    alone = ledger(book)
    raised = book.unit.model_copy(
        update={"ledger": book.unit.ledger.model_copy(update={"grain": "parent_group"})}
    )
    together = ledger(replace(book, unit=raised))
    assert set(alone.table.account_id.execute()) == {"a", "b"}
    assert set(together.table.account_id.execute()) == {"a"}


def test_an_account_is_in_the_ledger_from_its_first_record_of_any_kind(small):
    tables = {
        "transactions": [{"account_id": "a", "date": "2024-03-01", "amount": 1}],
        "visits": [{"account_id": "a", "date": "2024-01-31", "cost": 5}],
    }
    found = table(small, tables)
    assert found.loc["a", "visit_cost"].tolist() == [5, 0, 0]
    assert found.loc["a", "revenue"].tolist() == [0, 0, 1]


def test_a_payment_of_an_invoice_that_is_not_there_counts_for_nobody(small):
    stray = {"invoice_id": "i9", "date": "2024-02-01", "amount": 1000}
    more = FULL | {"payments": [*FULL["payments"], stray]}
    pd.testing.assert_frame_equal(table(small, FULL), table(small, more))


def test_money_owed_over_the_turn_of_a_year(small):
    tables = {
        "transactions": [{"account_id": "a", "date": "2023-12-01", "amount": 1}],
        "invoices": [
            {"invoice_id": "i", "account_id": "a", "issued_on": "2023-12-22",
             "due_on": "2024-01-22", "amount": 3650},
        ],
        "payments": [{"invoice_id": "i", "date": "2024-02-11", "amount": 1825}],
    }  # fmt: skip
    found = table(small, tables, as_of="2024-02-29", ledger={"financing_rate": 0.1})
    # one a day for 10 days of December and 31 of January; in February ten days of it, then
    # half of it for the 19 days from the 11th to the 29th
    assert found["financing_cost"].round(9).tolist() == [10, 31, 10 + 9.5]
