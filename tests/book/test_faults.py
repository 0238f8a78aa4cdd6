"""Faults in words: where the first one stands, as far as rows have a place."""

import sqlite3

import duckdb
import pandas as pd
import pytest

from kamlib import cli
from kamlib.book import open_book
from kamlib.book.faults import first_found


@pytest.mark.parametrize(
    ("row", "value", "told"),
    [
        (907, "2024-13-01", ' (first: row 907, "2024-13-01")'),
        (907, None, " (first: row 907)"),
        (pd.NA, "ten", ' (first: "ten")'),
        (pd.NA, None, ""),
        # a cell that is there and empty
        (7, "", " (first: row 7)"),
    ],
)
def test_where_the_first_fault_stands(row, value, told):
    assert first_found({"first_row": row, "first_value": value}) == told


TABLES = [
    "create table transactions (account_id text, date text, amount text)",
    "insert into transactions values ('A', '2024-01-05', '10'), ('B', '2024-01-06', 'ten'), "
    "('C', '2024-01-07', null)",
]


def written(kind, file):
    with (duckdb if kind == "duckdb" else sqlite3).connect(str(file)) as link:
        for statement in TABLES:
            link.execute(statement)
    link.close()


@pytest.mark.parametrize(("kind", "place"), [("duckdb", ""), ("sqlite", "row 2, ")])
def test_a_row_of_a_database_has_no_number(root, capsys, kind, place):
    """An SQLite file is read row by row, so that its rows can be counted."""
    written(kind, root / "records.db")
    (root / "params" / "north.yaml").write_text(
        "as_of: 2024-12-31\nbook:\n  database: ../records.db\n"
    )
    with pytest.raises(SystemExit):
        cli.main(["check"])
    said = capsys.readouterr().out
    assert f'for the table – 1 rows set aside (first: {place}"ten")' in said
    assert "nan" not in said
    assert "None" not in said
    assert "NA" not in said


def test_the_number_of_the_first_row_is_whole_or_unknown(small):
    unit = small.unit({}, book={"database": "records.db"}, as_of="2024-12-31")
    written("duckdb", unit.folder / "records.db")
    faults = open_book(unit).faults
    assert faults.first_row.isna().all()
    rows = [{"account_id": "A", "date": "2024-01-05", "amount": amount} for amount in ("1", "x")]
    assert small.open({"transactions": rows}).faults.first_row.tolist() == [3]
