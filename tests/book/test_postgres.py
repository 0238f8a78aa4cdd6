"""The same facts from DuckDB and from PostgreSQL, on a server that the test starts by itself."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

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
from kamlib.params import Unit, unit_from
from kamlib.value import facts

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
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # noqa: S108 – socket paths must be short
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


def test_parent_groups_are_equal(pairs: Any, server: dict[str, Any]) -> None:
    regrouped = []
    for book in pairs["commercial_vehicles"]:
        raw = book.unit.model_dump(mode="json", exclude_defaults=True)
        raw["ledger"] = {"grain": "parent_group"}
        unit = unit_from(raw, name="commercial_vehicles", folder=Path("."))
        regrouped.append(open_book(unit))
    _same(*(accounts.ledger(book).table for book in regrouped), ["account_id", "month"])
    regrouped[1].con.disconnect()


def test_nothing_can_be_written_to_the_source(pairs: Any) -> None:
    _, remote = pairs["commercial_vehicles"]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        remote.con.raw_sql("create table scribble (a int)")
    remote.con.con.rollback()


def test_text_columns_are_judged_as_in_a_file(server: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    rows = [
        ("A", "2024-01-05", "1,234.50"), ("B", "2024-02-30", "5"), ("", "2024-01-06", "7"),
        ("C", "01/02/2024", "8"), ("D", "2024/3/1", "¥９"), ("E", "2024-03-02", "many"),
    ]  # fmt: skip
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database typed_as_text")
    with psycopg.connect(**server, dbname="typed_as_text") as link:
        link.execute("create table sales (who text, day text, net text)")
        link.cursor().executemany("insert into sales values (%s, %s, %s)", rows)
    columns = {"account_id": "who", "date": "day", "amount": "net"}
    source = {"transactions": {"table": "sales", "columns": columns}}
    raw = {"database": _address(server, "typed_as_text"), "tables": source}
    book = open_book(_unit("typed", raw))
    kept = book["transactions"].select("account_id", "amount").execute()
    assert sorted(kept.itertuples(index=False, name=None)) == [("A", 1234.5), ("D", 9.0)]
    assert set(zip(book.faults["column"], book.faults["rule"], strict=True)) == {
        ("date", "no_such_day"), ("account_id", "missing"), ("date", "order_not_stated"),
        ("amount", "not_a_number"),
    }  # fmt: skip
    book.con.disconnect()


def test_a_wrong_password_is_told_without_it(server: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("KAM_TEST_PASSWORD", "not-the-one")
    with pytest.raises(BookError) as caught:
        open_book(_unit("locked", {"database": _address(server, "commercial_vehicles")}))
    assert "book.database" in str(caught.value)
    assert "not-the-one" not in str(caught.value)
