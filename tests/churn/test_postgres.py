"""Spells and account-months from DuckDB and from PostgreSQL, on a server that the test starts by itself."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kamlib.book import open_book
from kamlib.book.simulate import write_demo
from kamlib.churn.engine import collect
from kamlib.churn.episodes import episodes
from kamlib.churn.sensitivity import rhythm_sensitivity
from kamlib.churn.spell_checks import spell_checks
from kamlib.churn.spells import spells
from kamlib.churn.validate_episodes import check_episodes
from kamlib.params import unit_from

PASSWORD = "as in a manual"
SIZES = {"telecom_lines": 0.02, "industrial_supplies": 0.04}
_TYPES = {
    pa.types.is_date: "date", pa.types.is_timestamp: "timestamp", pa.types.is_integer: "bigint",
    pa.types.is_floating: "double precision", pa.types.is_boolean: "boolean",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(require):
    """Start a server on the loopback address and yield how to reach it."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = places[-1].parent if places else Path(shutil.which("initdb") or "/none").parent
    require("postgres", (found / "pg_ctl").exists(), "no PostgreSQL server on this machine")
    names = {entry.pw_name for entry in pwd.getpwall()}
    # initdb refuses to run as root
    user = next(u for u in ("postgres", "nobody") if u in names) if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    if user:
        shutil.chown(folder, user)
        shutil.chown(secret, user)
    data = str(folder / "data")

    def run(*command):
        subprocess.run(
            [str(found / command[0]), *command[1:]], check=True, user=user, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60,
        )  # fmt: skip

    try:
        run("initdb", "-D", data, "-U", "kam", "-A", "scram-sha-256", "--pwfile", str(secret),
            "-E", "UTF8", "--no-sync", "--no-instructions")  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -F"
        # compiling queries takes longer than running them on a few rows
        run(
            "pg_ctl",
            "-D",
            data,
            "-w",
            "-o",
            f"{options} -c jit=off",
            "-l",
            str(folder / "log"),
            "start",
        )
        try:
            yield {"host": "127.0.0.1", "port": port, "user": "kam", "password": PASSWORD}
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _type(kind):
    return next((sql for is_kind, sql in _TYPES.items() if is_kind(kind)), "text")


@pytest.fixture(scope="module")
def pairs(server, tmp_path_factory):
    """Return a function: a demo unit -> its book from files and from the server."""
    folder = tmp_path_factory.mktemp("demo")
    patch = pytest.MonkeyPatch()
    patch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    opened = []

    @cache
    def call(name):
        made = write_demo(name, folder, size=SIZES[name])
        files = {path.stem: path for path in sorted(made.glob("*.parquet"))}
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
            link.execute(f"create database {name}")
        with psycopg.connect(**server, dbname=name) as link:
            for table, path in files.items():
                _copy(link, table, pq.read_table(path))
        address = (
            f"postgresql://kam:${{KAM_TEST_PASSWORD}}@{server['host']}:{server['port']}/{name}"
        )
        for source in (
            {"tables": {t: {"file": str(p)} for t, p in files.items()}},
            {"database": address},
        ):
            raw: Any = {"book": source, "as_of": "2025-06-30", "currency": "CNY"}
            opened.append(open_book(unit_from(raw, name=name, folder=Path("."))))
        return tuple(opened[-2:])

    yield call
    for book in opened[1::2]:
        book.con.disconnect()
    patch.undo()


def _copy(link, name, table):
    columns = ", ".join(f'"{f.name}" {_type(f.type)}' for f in table.schema)
    link.execute(f'create table "{name}" ({columns})')
    with link.cursor().copy(f'copy "{name}" from stdin') as copy:
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            copy.write_row(row)


def same(ours, theirs):
    """Compare rows: keys, counts and days equal, numbers within 1e-9 of their size."""
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-9, atol=1e-6)
    assert len(ours) > 0


def test_account_months_are_the_same(pairs):
    compare(pairs("telecom_lines"))


def test_spells_by_silence_are_the_same(pairs):
    made, checked, rates = [], [], []
    for book in pairs("industrial_supplies"):
        found = spells(book, book.unit.churn_survival)
        made.append(collect(found.table))
        checked.append(
            [(c.name, str(c.note)) for c in spell_checks(book, book.unit.churn_survival, found)]
        )
        rates.append(rhythm_sensitivity(book, book.unit.churn_survival, (4,)).frame)
    same(*made)
    assert checked[0] == checked[1]
    same(*rates)


@pytest.mark.slow
@pytest.mark.parametrize("definition", ["auto", "own_rhythm", "fixed_months"])
@pytest.mark.parametrize("name", SIZES)
def test_account_months_are_the_same_under_every_definition(pairs, name, definition):
    compare(pairs(name), definition)


def compare(books, definition="auto"):
    made = []
    for book in books:
        rules = book.unit.churn_survival.model_copy(update={"definition": definition})
        rows = episodes(book, rules, spells(book, rules))
        made.append([collect(t) for t in (rows.table, rows.living, rows.partial)])
        if book.con.name == "postgres":
            check_episodes(rows.table, book.as_of)
    for ours, theirs in zip(*made, strict=True):
        same(ours, theirs)
