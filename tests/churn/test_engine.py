"""Tables worked out part by part are the same tables."""

from __future__ import annotations

from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from kamlib.churn.engine import account_cuts, packed, settled


@pytest.fixture
def book():
    con = ibis.duckdb.connect()
    rows = pd.DataFrame({"account_id": list("aabbbcd"), "amount": [1, 2, 3, 4, 5, 6, 7]})
    return SimpleNamespace(con=con, rows=con.create_table("rows", rows))


def test_parts_end_with_an_account(book):
    # 2, 5, 6, 7 rows by the end of a, b, c, d: the third is passed within b, the sixth within c
    assert account_cuts(book, book.rows, at_once=3) == ["b", "c"]
    assert account_cuts(book, book.rows) == []


@pytest.mark.parametrize("cuts", [[], ["b"], ["a", "b", "c"], ["d"]])
def test_parts_make_the_whole(book, cuts):
    order = ibis.cumulative_window(group_by="account_id", order_by="amount")
    table = book.rows.mutate(so_far=book.rows.amount.sum().over(order))
    made = settled(book, table, "parts", cuts)
    packed(book)
    # sums start anew with each account: 1, 3; 3, 7, 12; 6; 7
    assert made.order_by("amount").so_far.execute().tolist() == [1, 3, 3, 7, 12, 6, 7]
