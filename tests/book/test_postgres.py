"""The same facts from DuckDB and from PostgreSQL, on a server that the test starts by itself."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kamlib import accounts
from kamlib.book import Book, open_book
from kamlib.book.schemas import SCHEMAS
from kamlib.book.simulate import write_demo
from kamlib.errors import BookError
from kamlib.params import LedgerParams, Unit, unit_from
from kamlib.value import facts
from kamlib.value.lifetime import facts as lifetime_facts

PASSWORD = "s3cret/with:@signs"
# one unit at its full size, the others small
UNITS = {"commercial_vehicles": 1.0, "telecom_lines": 0.04, "industrial_supplies": 0.08}


@pytest.fixture(scope="module")
def server(require: Any) -> Iterator[dict[str, Any]]:
    """Start a PostgreSQL server on the loopback address and yield how to reach it."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = places[-1].parent if places else Path(shutil.which("initdb") or "/none").parent
    require("postgres", (found / "pg_ctl").exists(), "no PostgreSQL server on this machine")
    # initdb refuses to run as root
    user = next(u for u in ("postgres", "nobody") if _exists(u)) if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    if user:
        shutil.chown(folder, user)
        shutil.chown(secret, user)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(
            [str(found / command[0]), *command[1:]], check=True, user=user, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60,
        )  # fmt: skip

    try:
        run("initdb", "-D", str(data), "-U", "kam", "-A", "scram-sha-256", "--pwfile", str(secret),
            "-E", "UTF8", "--no-sync", "--no-instructions")  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -F"
        run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield {"host": "127.0.0.1", "port": port, "user": "kam", "password": PASSWORD}
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


_TYPES = {
    pa.types.is_date: "date", pa.types.is_timestamp: "timestamp", pa.types.is_integer: "bigint",
    pa.types.is_floating: "double precision", pa.types.is_boolean: "boolean",
}  # fmt: skip


def _type(kind: pa.DataType) -> str:
    return next((sql for is_kind, sql in _TYPES.items() if is_kind(kind)), "text")


def _copy(link: Any, name: str, table: pa.Table) -> None:
    columns = ", ".join(f'"{f.name}" {_type(f.type)}' for f in table.schema)
    link.execute(f'create table "{name}" ({columns})')
    names = ", ".join(f'"{f.name}"' for f in table.schema)
    with link.cursor().copy(f'copy "{name}" ({names}) from stdin') as copy:
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            copy.write_row(row)


@pytest.fixture(scope="module")
def pairs(
    server: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Book, Book]]]:
    """Open every demo unit twice: from its files and from the server."""
    folder = tmp_path_factory.mktemp("demo")
    patch = pytest.MonkeyPatch()
    patch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    books = {}
    for name, size in UNITS.items():
        made = write_demo(name, folder, size=size)
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
            link.execute(f"create database {name}")
        files = {path.stem: path for path in sorted(made.glob("*.parquet"))}
        with psycopg.connect(**server, dbname=name) as link:
            for table, path in files.items():
                _copy(link, table, pq.read_table(path))
        sources = {table: {"file": str(path)} for table, path in files.items()}
        books[name] = (
            open_book(_unit(name, {"tables": sources})),
            open_book(_unit(name, {"database": _address(server, name)})),
        )
    yield books
    for _, remote in books.values():
        remote.con.disconnect()
    patch.undo()


def _address(server: dict[str, Any], name: str) -> str:
    return f"postgresql://kam:${{KAM_TEST_PASSWORD}}@{server['host']}:{server['port']}/{name}"


def _unit(name: str, book: dict[str, Any]) -> Unit:
    raw = {"book": book, "as_of": "2025-06-30", "currency": "CNY"}
    return unit_from(raw, name=name, folder=Path("."))


def _same(ours: Any, theirs: Any, keys: list[str]) -> None:
    """Compare two results: keys, counts and dates equal, money within 1e-9 relative."""
    frames = []
    for table in (ours, theirs):
        frame = table.execute() if hasattr(table, "execute") else table
        for column in frame.columns:
            if all(isinstance(value, date) for value in frame[column].dropna()):
                frame[column] = pd.to_datetime(frame[column])
            elif not pd.api.types.is_numeric_dtype(frame[column]):
                frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
        frames.append(frame.sort_values(keys, ignore_index=True))
    pd.testing.assert_frame_equal(*frames, check_dtype=False, rtol=1e-9, atol=1e-6)
    assert len(frames[0]) > 0


@pytest.mark.parametrize("name", UNITS)
def test_counts_of_all_tables_are_equal(pairs: Any, name: str) -> None:
    ours, theirs = pairs[name]
    pd.testing.assert_frame_equal(
        *(b.counts.sort_values("table", ignore_index=True) for b in (ours, theirs))
    )
    assert ours.as_of == theirs.as_of
    assert (ours.counts["n_later"] > 0).any()  # the books are cut, not merely read
    assert theirs.con.name == "postgres"


@pytest.mark.parametrize("name", UNITS)
def test_kept_rows_are_equal(pairs: Any, name: str) -> None:
    ours, theirs = pairs[name]
    for table in ("contracts", "service_events", "assignments", "accounts", "programme"):
        if not ours.has(table):
            continue
        keys = [c for c, spec in SCHEMAS[table].columns.items() if spec.required]
        _same(ours[table], theirs[table], keys)


@pytest.mark.parametrize("name", UNITS)
def test_ledger_is_equal(pairs: Any, name: str) -> None:
    ours, theirs = (accounts.ledger(book) for book in pairs[name])
    assert ours.parts == theirs.parts
    _same(ours.table, theirs.table, ["account_id", "month"])


@pytest.mark.parametrize("name", UNITS)
def test_account_facts_are_equal(pairs: Any, name: str) -> None:
    found = []
    for book in pairs[name]:
        period, ledger = accounts.period(book), accounts.ledger(book)
        found.append((facts.account_facts(book, ledger, period), ledger, period))
    (ours, our_ledger, period), (theirs, their_ledger, their_period) = found
    assert period.current == their_period.current
    assert period.previous == their_period.previous
    _same(ours, theirs, ["account_id"])
    end = period.current.end
    _same(facts.monthly_facts(our_ledger, end), facts.monthly_facts(their_ledger, end), ["month"])
    for one in (accounts.attributes, accounts.managers):
        _same(*(one(book, end) for book in pairs[name]), ["account_id"])


@pytest.mark.parametrize("name", UNITS)
def test_purchases_are_equal(pairs: Any, name: str) -> None:
    day, until = date(2024, 12, 31), date(2025, 6, 30)
    found = []
    for book in pairs[name]:
        days = lifetime_facts.occasions(book, day)
        summary = lifetime_facts.purchase_summary(days, day, with_gaps=True)
        found.append(
            (
                lifetime_facts.collect(summary),
                lifetime_facts.purchase_counts(book, day, until),
                lifetime_facts.trailing_revenue(book, day),
            )
        )
    keys = (["account_id"], ["account_id", "month"], ["account_id"])
    for ours, theirs, key in zip(*found, keys, strict=True):
        _same(ours, theirs, key)
    assert found[0][0]["account_id"].tolist() == found[1][0]["account_id"].tolist()


def test_parent_groups_are_equal(pairs: Any) -> None:
    grain = LedgerParams(grain="parent_group")
    regrouped = [
        replace(book, unit=book.unit.model_copy(update={"ledger": grain}))
        for book in pairs["commercial_vehicles"]
    ]
    _same(*(accounts.ledger(book).table for book in regrouped), ["account_id", "month"])


def test_nothing_can_be_written_to_the_source(pairs: Any) -> None:
    _, remote = pairs["commercial_vehicles"]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        remote.con.raw_sql("create table scribble (a int)")
    remote.con.con.rollback()


NASTY = [
    "", " ", "NULL", "-", "0", "-0", "1e15", "1e999", "9" * 400, "NaN", "Infinity", "ten", "1,234.00",
    "1.234,00", "¥９", "(5)", "0,123", "1 234", "01/02/2024", "24-01-05", "2024-02-30", "2023-02-29",
    "2024-02-29", "2024/3/1", "20240301", "2024年3月1日", "45296", "45296.75", "2024-03-01 9:05",
    "2024-03-01T20:00:00Z", "2024-03-01 20:00+05:30", "2024-03-01 3:30 PM", "2024-03-01 12:00 AM",
    "2024-03-01 25:00", "2024-03-01 x", "1066-10-14", "infinity", "today", "epoch", "=1+1", "'; --",
    "a'b", "大连", "🙂", "TRUE", "否", "2", "3.5", "A\u00a0", "\u3000A", "\ufeffA\u200b", "A\u00a0A", "\u2003", "In Sale", "complaint", "1e20", "\\", "%", "$1",
]  # fmt: skip
GOOD = {
    "transactions": {
        "account_id": "A", "date": "2024-01-05", "amount": "1", "quantity": "2", "line_id": "0",
    },
    "service_events": {
        "event_id": "0", "account_id": "A", "kind": "complaint", "stage": "in_sale",
        "opened_at": "2024-01-05 09:00", "resolved_at": "2024-01-06", "handovers": "1",
    },
    "invoices": {
        "invoice_id": "0", "account_id": "A", "issued_on": "2024-01-05", "due_on": "2024-02-05",
        "amount": "5", "disputed": "no",
    },
}  # fmt: skip
KEYS = {"transactions": "line_id", "service_events": "event_id", "invoices": "invoice_id"}


def test_text_columns_are_judged_as_in_a_file(
    server: dict[str, Any], small: Any, monkeypatch: Any
) -> None:
    """Every way of writing in every kind of column: the same rows kept, set aside, and why."""
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    tables = {}
    for name, good in GOOD.items():
        cells = [(column, text) for column in good if column != KEYS[name] for text in NASTY]
        dirty = [good | {c: text, KEYS[name]: str(n)} for n, (c, text) in enumerate(cells, 1)]
        tables[name] = [good, *dirty]
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database typed_as_text")
    with psycopg.connect(**server, dbname="typed_as_text") as link:
        for name, rows in tables.items():
            link.execute(f"create table {name} ({', '.join(f'{c} text' for c in rows[0])})")
            marks = ", ".join("%s" for _ in rows[0])
            values = [tuple(row.values()) for row in rows]
            link.cursor().executemany(f"insert into {name} values ({marks})", values)
    params = {"as_of": "2024-06-30", "time_zone": "Asia/Shanghai"}
    ours = small.open(tables, **params)
    remote = unit_from({"book": {"database": _address(server, "typed_as_text")}} | params,
                       name="text", folder=Path("."))  # fmt: skip
    theirs = open_book(remote)
    pd.testing.assert_frame_equal(
        *(b.counts.sort_values("table", ignore_index=True) for b in (ours, theirs))
    )
    faults = [
        {
            (row.table, row.record, row.column, row.rule, (row.value or "").strip())
            for row in book.rejected.execute().itertuples()
        }
        for book in (ours, theirs)
    ]
    assert faults[0] == faults[1]
    assert len({rule for *_, rule, _ in faults[0]}) > 10
    for name, key in KEYS.items():
        _same(ours[name], theirs[name], [key])
    # no list of accounts here: all of them are made, whatever they are called
    _same(ours["accounts"], theirs["accounts"], ["account_id"])
    theirs.con.disconnect()


def test_accounts_that_the_server_s_list_lacks(
    server: dict[str, Any], small: Any, monkeypatch: Any
) -> None:
    """The names travel with each statement, unless they are too many for that."""
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    names = ["A", "B'", "C\\", "100 %", "大连"]
    sales = [{"account_id": name, "date": "2024-01-05", "amount": "10"} for name in names]
    tables = {"transactions": sales, "accounts": [{"account_id": "A", "parent_id": "大连"}]}
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database unlisted")
    with psycopg.connect(**server, dbname="unlisted") as link:
        for name, rows in tables.items():
            _copy(link, name, pa.Table.from_pylist(rows))
    params = {"as_of": "2024-01-31", "ledger": {"grain": "parent_group"}}
    ours = small.open(tables, **params)
    remote = {"book": {"database": _address(server, "unlisted")}} | params
    for few, gathered in ((5, False), (3, True)):
        monkeypatch.setattr("kamlib.book.relations._FEW", few)
        theirs = open_book(unit_from(remote, name="unlisted", folder=Path(".")))
        assert theirs.checks[0].note.values == ours.checks[0].note.values
        _same(ours["accounts"], theirs["accounts"], ["account_id"])
        _same(*(accounts.ledger(book).table for book in (ours, theirs)), ["account_id"])
        assert ("transactions" in ibis.to_sql(theirs["accounts"])) is gathered
        theirs.con.disconnect()


def test_numbers_and_days_that_only_a_database_knows(
    server: dict[str, Any], monkeypatch: Any
) -> None:
    """NaN and infinity as they stand in typed columns, and exact decimals."""
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database odd_types")
    with psycopg.connect(**server, dbname="odd_types") as link:
        link.execute("create schema firm")
        link.execute(
            "create table firm.sales (account_id numeric(20), date date, amount numeric(12, 2), "
            "cost double precision, quantity integer, line_id text, recorded_on timestamptz)"
        )
        link.execute(
            "insert into firm.sales values "
            "(12345678901234567890, '2024-01-05', 10.25, 'NaN', 3, 'a', '2024-01-05 20:00+00'), "
            "(1, 'infinity', 1, 1, 1, 'b', null), (1, '-infinity', 1, 1, 1, 'c', null), "
            "(1, '2024-01-05', 1, 'Infinity', 1, 'd', null), "
            "(1, '2024-01-05', 'NaN', 1, 1, 'e', null)"
        )
    table = {"transactions": {"table": "firm.sales"}}
    raw = {"book": {"database": _address(server, "odd_types"), "tables": table},
           "as_of": "2024-01-06", "time_zone": "Asia/Shanghai"}  # fmt: skip
    book = open_book(unit_from(raw, name="odd", folder=Path(".")))
    (row,) = book["transactions"].execute().to_dict("records")
    # 20:00 in London is the next day in Shanghai
    assert (row["account_id"], row["amount"], row["quantity"], str(row["recorded_on"])[:10]) == (
        "12345678901234567890", 10.25, 3.0, "2024-01-06",
    )  # fmt: skip
    # NaN is how databases of numbers say that nothing is known
    assert pd.isna(row["cost"])
    rows = book.rejected.execute()
    assert set(zip(rows["record"], rows["column"], rows["rule"], strict=True)) == {
        ("c", "date", "implausible_year"), ("d", "cost", "not_a_number"), ("e", "amount", "missing"),
    }  # fmt: skip
    # a day without end lies later than any
    assert book.counts[["n_read", "n_kept", "n_set_aside", "n_later"]].values.tolist() == [
        [5, 1, 3, 1]
    ]
    book.con.disconnect()


def test_a_server_of_another_encoding(server: dict[str, Any], monkeypatch: Any) -> None:
    """Western letters alone: the blanks of other scripts must not even be named to it."""
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute(
            "create database western encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
        )
    with psycopg.connect(**server, dbname="western") as link:
        link.execute("create table transactions (account_id text, date date, amount numeric)")
        link.execute(
            "insert into transactions values ('Müller', '2024-01-05', 1), "
            "(chr(160) || 'Müller', '2024-01-05', 1)"
        )
    book = open_book(_unit("western", {"database": _address(server, "western")}))
    assert book["transactions"].account_id.execute().tolist() == ["Müller", "Müller"]
    book.con.disconnect()


def test_a_table_that_may_not_be_read_is_told_with_the_remedy(
    server: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setenv("KAM_TEST_PASSWORD", "hunter2-and-more")
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create role guest login password 'hunter2-and-more'")
        link.execute("create database guarded")
    with psycopg.connect(**server, dbname="guarded") as link:
        link.execute("create table transactions (account_id text, date date, amount numeric)")
        link.execute("insert into transactions values ('A', '2024-01-05', 1)")
        link.execute("create table visits (account_id text, date date)")
        link.execute("grant select on transactions to guest")
    address = _address(server, "guarded").replace("//kam:", "//guest:")
    for table, told in (("visits", "no table 'visits' that may be read"), ("public.visits", "***")):
        tables = {"transactions": "transactions", "visits": table}
        with pytest.raises(BookError) as caught:
            open_book(_unit("guarded", {"database": address, "tables": tables}))
        assert told in str(caught.value)
        assert "visits" in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_a_server_that_goes_away_is_told_as_such(server: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    unit = _unit("gone", {"database": _address(server, "odd_types"),
                          "tables": {"transactions": "firm.sales"}})  # fmt: skip

    def cut_off(*_: Any) -> Any:
        raise psycopg.OperationalError(f"server closed the connection to kam:{PASSWORD}@host")

    monkeypatch.setattr("kamlib.book.book.settle", cut_off)
    with pytest.raises(BookError) as caught:
        open_book(unit)
    assert "(server closed the connection" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_wrong_password_is_told_without_it(server: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("KAM_TEST_PASSWORD", "not-the-one")
    with pytest.raises(BookError) as caught:
        open_book(_unit("locked", {"database": _address(server, "commercial_vehicles")}))
    assert "book.database" in str(caught.value)
    assert "not-the-one" not in str(caught.value)
