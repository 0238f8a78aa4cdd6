"""Months of orders: days as bits, and what a late record changes."""

from __future__ import annotations

import ibis
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from kamlib.churn.month_facts import count_days, month_facts

CON = ibis.duckdb.connect()


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=20))
def test_bits_are_counted(days):
    numbers = pd.DataFrame({"days": [sum(1 << d for d in some) for some in days]})
    table = ibis.memtable(numbers)
    found = CON.execute(table.select(n=count_days(table.days)).n)
    assert found.tolist() == [len(some) for some in days]


def test_a_month_of_an_account_by_hand(small):
    base = {"account_id": "a"}
    rows = [
        base | {"date": "2023-01-05", "amount": 10, "list_amount": 12, "product_line": "x"},
        base | {"date": "2023-01-05", "amount": 20, "list_amount": None, "product_line": "y"},
        base | {"date": "2023-01-31", "amount": 5, "list_amount": 5, "product_line": "x"},
        base | {"date": "2023-01-20", "amount": -8, "list_amount": -9, "product_line": None},
    ]
    facts = month_facts(small.open({"transactions": rows}))
    [one] = facts.accounts.execute().to_dict("records")
    assert (one["amount"], one["list_amount"], one["net_of_list"]) == (27, 8, 7)
    assert one["days"] == (1 << 4) + (1 << 30)
    assert str(one["first_on"])[:10] == "2023-01-05"
    assert str(one["last_on"])[:10] == "2023-01-31"
    assert len(facts.lines.execute()) == 3
    assert not facts.is_late


def test_what_was_recorded_later_stands_apart(small):
    rows = [{"account_id": "a", "date": "2023-01-05", "amount": 10, "recorded_on": None},
            {"account_id": "a", "date": "2023-01-06", "amount": 10, "recorded_on": "2023-03-01"}]  # fmt: skip
    facts = month_facts(small.open({"transactions": rows}, as_of="2023-04-01"))
    assert facts.is_late
    assert facts.lines is None
    found = facts.accounts.execute().sort_values("told")
    assert (found["told"] - found["month"]).tolist() == [0, 2]
