"""Entries by hand: what counts from when to when, and what is carried forward."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from kamlib.churn.covariates.stack import LESS, MONTH, Source, carried, during, entries, together


@pytest.fixture
def con():
    return ibis.duckdb.connect()


def test_entries_come_and_go(con):
    rows = con.create_table(
        "rows", pd.DataFrame({"account_id": ["a", "a", "a", "b"], "first": [3, 4, 7, 3],
                              "after": [6, None, 7, 4], "size": [1.0, 2.0, 9.0, 5.0]})
    ).mutate(first=lambda t: t["first"].cast("int64"), after=lambda t: t.after.cast("int64"))  # fmt: skip
    none = ibis.null("int64")
    counted = during(rows, rows["first"], rows.after, rows["first"] * 10, size=rows["size"])
    marked = entries(
        rows, rows["first"], none, now_size=rows["size"], top=rows["size"], low=rows["size"]
    )
    pile = together([counted, marked])
    source = Source(
        pile, lambda t: {}, sums=("size",), lasts=("top",), firsts=("low",), now=("now_size",)
    )
    months = con.create_table(
        "months", pd.DataFrame({"account_id": ["a"] * 6, MONTH: [2, 3, 4, 5, 6, 7]})
    )
    found = carried(months, [source]).order_by(["account_id", MONTH]).execute()
    a = found[found["account_id"] == "a"].set_index(MONTH)
    # 1 from 3 to 5, 2 from 4 on; what would end before it begins counts never
    assert a["size"].tolist() == [0, 1, 3, 3, 2, 2]
    assert a["now_size"].fillna(-1).tolist() == [-1, 1, 2, -1, -1, 9]
    assert a["top"].fillna(-1).tolist() == [-1, 1, 2, 2, 2, 9]
    assert a["low"].fillna(-1).tolist() == [-1, 1, 1, 1, 1, 1]
    # what takes something away brings no knowledge
    assert a["known_day"].fillna(-1).tolist() == [-1, 30, 40, 40, 40, 40]


def test_what_counts_for_some_months(con):
    rows = con.create_table(
        "rows", pd.DataFrame({"account_id": ["a", "a", "b"], MONTH: [3, 5, 5], "size": [1.0, 2.0, 9.0]})
    )  # fmt: skip
    none = ibis.null("int64")
    counted = entries(rows, rows[MONTH], none, size=rows["size"])
    # of the 2 of month 5 one is too much from month 6 to 7
    late = rows.filter(rows["size"] == 2)
    less = during(late, late[MONTH] + 1, late[MONTH] + 3, none, **{"size" + LESS: late["size"] / 2})
    months = con.create_table(
        "months", pd.DataFrame({"account_id": ["a"] * 7, MONTH: [2, 3, 4, 5, 6, 7, 8]})
    )
    source = Source(together([counted, less]), lambda t: {}, within={"size": 3})
    found = carried(months, [source]).order_by(["account_id", MONTH]).execute()
    # three months each: 1 from 3 to 5, 2 from 5 to 7
    assert found[found["account_id"] == "a"]["size"].tolist() == [0, 1, 1, 3, 1, 1, 0]
