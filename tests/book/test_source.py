"""Where the records lie: files by name and pattern, databases that are a file, servers out of reach."""

import sqlite3
from urllib.parse import quote

import duckdb
import pytest

from kamlib.accounts import ledger
from kamlib.book import open_book
from kamlib.book.source import open_origin, scrub
from kamlib.errors import BookError, ParamError

SALES = "account_id,date,amount\nA,2024-01-05,1\n"


def kept(book, *columns):
    return sorted(
        book["transactions"].select(*columns).execute().itertuples(index=False, name=None)
    )


def test_files_are_found_from_the_folder_of_the_parameters(small):
    unit = small.unit({"transactions": SALES}, settings={"transactions": {"file": "data/*.csv"}})
    # a folder whose name looks like a pattern, and a folder that looks like a file
    folder = unit.folder / "[2024]"
    (folder / "data" / "old.csv").mkdir(parents=True)
    (folder / "data" / "b.csv").write_text(SALES.replace("A", "B"))
    (folder / "data" / "a.csv").write_text(SALES)
    moved = unit.model_copy(update={"folder": folder})
    origin = open_origin(moved)
    assert sorted(origin.tables["transactions"].table.account_id.execute()) == ["A", "B"]
    assert origin.staged
    # the same files in the same order have the same fingerprint, wherever they lie
    (folder / "data").rename(unit.folder / "data")
    assert open_origin(unit).digest == origin.digest


def test_a_file_given_by_its_full_name(small):
    unit = small.unit({"transactions": SALES})
    whole = str(unit.folder / "transactions.csv")
    other = small.unit({}, book={"tables": {"transactions": whole}})
    assert kept(open_book(other), "account_id") == [("A",)]


def test_types_that_differ_between_files_are_read_as_text(small):
    import pandas as pd

    unit = small.unit({"transactions": SALES}, settings={"transactions": {"file": "t*.*"}})
    frame = pd.DataFrame({"account_id": [7], "date": [pd.Timestamp("2024-01-06")], "amount": [2.5]})
    frame.to_parquet(unit.folder / "t.parquet")
    assert kept(open_book(unit), "account_id", "amount") == [("7", 2.5), ("A", 1.0)]


# Databases that are a file


def databases(folder):
    """Write the same two sales to a DuckDB and to an SQLite file."""
    statements = [
        "create table sales (acc text, day text, amount text, line_id text)",
        "insert into sales values ('A', '2024-01-05', '10', '1'), ('B', '2024/1/6', 'x', '2')",
    ]
    with duckdb.connect(folder / "book.duckdb") as link:
        for statement in statements:
            link.execute(statement)
    link = sqlite3.connect(folder / "book.sqlite")
    for statement in statements:
        link.execute(statement)
    link.commit()
    link.close()


@pytest.mark.parametrize("address", ["book.duckdb", "duckdb://book.duckdb", "book.sqlite"])
def test_a_database_that_is_a_file_is_read_and_left_alone(small, address):
    source = {"table": "sales", "columns": {"account_id": "acc", "date": "day"}}
    tables = {"transactions": source}
    unit = small.unit({}, book={"database": address, "tables": tables}, as_of="2024-01-31")
    databases(unit.folder)
    file = unit.folder / address.removeprefix("duckdb://")
    before = file.read_bytes()
    book = open_book(unit)
    assert kept(book, "account_id", "amount") == [("A", 10.0)]
    # where rows have no number, their own identifier says which they are
    (aside,) = book.rejected.execute().to_dict("records")
    assert (aside["record"], aside["column"], aside["value"]) == ("2", "amount", "x")
    ledger(book).table.execute()
    del book
    assert file.read_bytes() == before
    assert {path.name for path in unit.folder.iterdir()} == {"book.duckdb", "book.sqlite"}


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_identifiers_in_a_database_are_trimmed_as_in_a_file(small, kind):
    unit = small.unit({}, book={"database": "book.db"})
    with (duckdb if kind == "duckdb" else sqlite3).connect(str(unit.folder / "book.db")) as link:
        link.execute("create table transactions (account_id text, date text, amount text)")
        for name in ("A", "A\u00a0", "\u3000A", "\ufeffA\u200b"):
            link.execute("insert into transactions values (?, '2024-01-05', '1')", (name,))
    link.close()
    assert kept(open_book(unit), "account_id") == [("A",)] * 4


def test_tables_of_a_database_that_are_not_there(small):
    unit = small.unit({}, book={"database": "book.duckdb"})
    databases(unit.folder)
    with pytest.raises(BookError) as caught:
        open_book(unit)
    assert caught.value.faults == (
        "book.database: no table 'transactions'; name yours under book.tables.transactions.table "
        "(tables found: sales)",
    )
    unit = small.unit({}, book={"database": "book.sqlite", "tables": {"transactions": "salse"}})
    databases(unit.folder)
    with pytest.raises(
        BookError, match=r"no table 'salse' that may be read – did you mean 'sales'"
    ):
        open_book(unit)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00 and then nonsense"])
def test_a_database_that_is_none(small, content):
    unit = small.unit({}, book={"database": "book.db"})
    (unit.folder / "book.db").write_bytes(content)
    with pytest.raises(BookError, match=r"book\.db|no table 'transactions'"):
        open_book(unit)


def test_a_file_that_is_not_there(small):
    unit = small.unit({}, book={"tables": {"transactions": "sales_2024.csv", "visits": "v*.csv"}})
    with pytest.raises(BookError) as caught:
        open_book(unit)
    assert caught.value.faults == (
        "book.tables.transactions: no file 'sales_2024.csv' (looked from the folder of the parameter "
        "file); check the name, or give it relative to params/",
        "book.tables.visits: no file 'v*.csv' (looked from the folder of the parameter file); check "
        "the name, or give it relative to params/",
    )


def test_a_credential_that_is_not_set(small, monkeypatch):
    monkeypatch.delenv("KAM_TEST_PASSWORD", raising=False)
    monkeypatch.delenv("KAM_TEST_HOST", raising=False)
    address = "postgres://me:${KAM_TEST_PASSWORD}@${KAM_TEST_HOST}/db"
    with pytest.raises(ParamError) as caught:
        open_book(small.unit({}, book={"database": address}))
    assert caught.value.faults == tuple(
        f"book.database: the environment variable {name} is not set; set it where the run is started, "
        f"e.g. export {name}=…"
        for name in ("KAM_TEST_PASSWORD", "KAM_TEST_HOST")
    )


SECRET = "p@ss/w:rd#%"


@pytest.mark.parametrize(
    "address",
    [
        # nobody listens on port 1
        "postgres://me:${KAM_TEST_PASSWORD}@127.0.0.1:1/db",
        f"postgres://me:{quote(SECRET, safe='')}@127.0.0.1:1/db",
        "postgres://me:${KAM_TEST_PASSWORD}@no.such.host.invalid/db?connect_timeout=2",
        "oracle://me:${KAM_TEST_PASSWORD}@127.0.0.1/db",
    ],
)
def test_a_server_out_of_reach_is_told_without_the_password(small, monkeypatch, address):
    monkeypatch.setenv("KAM_TEST_PASSWORD", SECRET)
    with pytest.raises(BookError) as caught:
        open_book(small.unit({}, book={"database": address}))
    message = str(caught.value)
    assert message.startswith("book.database: ")
    assert "cannot be used (" in message
    assert "check the address, the user, the password" in message
    for form in (SECRET, quote(SECRET, safe=""), quote(SECRET)):
        assert form not in message
    # nor does a traceback lead to it
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def test_secrets_are_scrubbed_in_every_form():
    text = f"{SECRET} {quote(SECRET, safe='')} {quote(SECRET)} postgres://me:other@host/db"
    assert scrub(text, (SECRET, "")) == "*** *** *** postgres://me:***@host/db"
