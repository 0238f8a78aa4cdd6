"""Where the records lie: files, a database or a public record, as raw tables with our column names.

Nothing is ever written to a source. Files are loaded into an embedded DuckDB that lives as long as the
book; a database given by URL stays where it is and computes there.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.book import files, fingerprint
from kamlib.book.adapters import open_record
from kamlib.book.engine import embedded, quoted
from kamlib.book.raw import FAULT, ROW, SOURCE, Origin, Raw
from kamlib.book.schemas import SCHEMAS, schema
from kamlib.errors import BookError, nearest
from kamlib.params import RECORDS, TableSource, Unit, home, resolve_secrets


def open_origin(unit: Unit) -> Origin:
    """Open everything that the unit's parameters name.

    Raises
    ------
    BookError
        A file or table is not there, cannot be read, or lacks a required column.
    ParamError
        A credential is not in the environment.
    """
    book = unit.book
    if book.gives != "tables":
        raise BookError(
            f"book: {book.adapter or book.demo} is {RECORDS[book.gives]} without tables; the studies that "
            "read it are those that `kam list` names for the unit"
        )
    if book.adapter:
        con = embedded(unit.time_zone)
        path = one_file(unit, book.file, "book.file")
        return Origin(con, open_record(con, path, book), fingerprint.of_files([path]), staged=True)
    if book.demo:
        from kamlib.book.simulate import write_demo

        folder = write_demo(book.demo, home() / "outputs" / "_demo")
        sources = {
            path.stem: TableSource(file=str(path)) for path in sorted(folder.glob("*.parquet"))
        }
        return _from_files(unit, sources)
    if book.database:
        return _from_database(unit)
    return _from_files(unit, dict(book.tables))


def _paths(unit: Unit, pattern: str, where: str) -> list[Path]:
    written = Path(pattern).expanduser()
    named = unit.folder / written
    hits = glob.glob(str(written), root_dir=unit.folder, recursive=True)
    # ~$ begins the name of the lock that a spreadsheet program lays beside an open file
    found = [named] if named.is_file() else sorted(
        path for path in (unit.folder / hit for hit in hits)
        if path.is_file() and not path.name.startswith("~$")
    )  # fmt: skip
    if not found:
        raise BookError(
            f"{where}: no file '{pattern}' (looked from the folder of the parameter file); "
            "check the name, or give it relative to params/"
        )
    return found


def one_file(unit: Unit, pattern: str, where: str) -> Path:
    """Return the file that a parameter names, relative to the folder of the parameter file."""
    return _paths(unit, pattern, where)[0]


def _from_files(unit: Unit, sources: dict[Any, TableSource]) -> Origin:
    con = embedded(unit.time_zone)
    tables: dict[str, Raw] = {}
    read: list[Path] = []
    faults: list[str] = []
    for name, source in sources.items():
        try:
            paths = _paths(unit, source.file, f"book.tables.{name}")
            opened = [files.open_file(con, path, source, name) for path in paths]
            parts = [
                rename(name, part.table, source, path.name)
                for part, path in zip(opened, paths, strict=True)
            ]
            malformed = pd.concat([part.malformed for part in opened], ignore_index=True)
            tables[name] = Raw(name, _stacked(parts, paths), paths[0].name, source, malformed)
            read += paths
        except BookError as error:
            faults += error.faults
    if faults:
        raise BookError(*faults)
    return Origin(con, tables, fingerprint.of_files(read), staged=True)


def _stacked(parts: list[ir.Table], paths: list[Path]) -> ir.Table:
    if len(parts) == 1:
        return parts[0]
    parts = [
        part if SOURCE in part.columns else part.mutate(**{SOURCE: ibis.literal(path.name)})
        for part, path in zip(parts, paths, strict=True)
    ]
    every = list(dict.fromkeys(column for part in parts for column in part.columns))
    kinds = {
        column: {str(p[column].type()) for p in parts if column in p.columns} for column in every
    }
    lined_up = [
        part.select(
            **{
                column: (
                    ibis.null("string") if column not in part.columns
                    else part[column] if len(kinds[column]) == 1
                    else part[column].cast("string")
                )
                for column in every
            }
        )
        for part in parts
    ]  # fmt: skip
    return ibis.union(*lined_up)


def rename(name: str, table: ir.Table, source: TableSource, where: str) -> ir.Table:
    """Return `table` with our column names, only the columns that the schema knows.

    Raises
    ------
    BookError
        Required columns are missing (the columns found are listed), or the column map names a
        column that is not there.
    """
    known = schema(name).columns
    chosen: dict[str, Any] = {}
    faults: list[str] = []
    for column, heading in source.columns.items():
        if column not in known:
            hint = nearest(column, known) or f" (columns: {', '.join(known)})"
            faults.append(f"book.tables.{name}.columns: '{column}' is not a column{hint}")
        elif heading not in table.columns:
            faults.append(
                f"{name}.{column}: {where} has no column '{heading}'{nearest(heading, table.columns)}"
            )
        else:
            chosen[column] = table[heading]
    for column in known:
        if column in table.columns and column not in source.columns:
            chosen[column] = table[column]
    missing = [c for c, spec in known.items() if spec.required and c not in chosen]
    mapped = [c for c in missing if c not in source.columns]
    if mapped:
        found = ", ".join(c for c in table.columns if c not in (ROW, SOURCE))
        faults.append(
            f"{name}: {where} lacks the required column{'s' if len(mapped) > 1 else ''} "
            f"{', '.join(mapped)}; columns found: {found}; name them under "
            f"book.tables.{name}.columns, e.g. {mapped[0]}: {_likely(mapped[0], table.columns)}"
        )
    if faults:
        raise BookError(*faults)
    extra = {c: table[c] for c in (ROW, SOURCE, FAULT) if c in table.columns}
    return table.select(**chosen, **extra)


def _likely(column: str, found: Any) -> str:
    visible = [heading for heading in found if heading not in (ROW, SOURCE)]
    return next(
        (h for h in visible if column.split("_")[0] in h.lower()), visible[0] if visible else "…"
    )


def _from_database(unit: Unit) -> Origin:
    address, _ = resolve_secrets(unit.book.database)
    scheme, _, path = address.rpartition("://")
    if scheme not in ("", "duckdb", "sqlite"):
        return _from_server(unit, address)
    file = one_file(unit, path, "book.database")
    with file.open("rb") as stream:
        is_sqlite = stream.read(15) == b"SQLite format 3"
    con = embedded(unit.time_zone)
    try:
        if is_sqlite:
            there = files.sqlite_tables(file)
        else:
            con.raw_sql(f"attach {quoted(str(file))} as source (read_only)")
            there = con.list_tables(database=("source", "main"))
        tables = {}
        for name, source in _wanted(unit, there):
            place, _, bare = (source.table or name).rpartition(".")
            table = (
                files.open_sqlite(con, file, bare, name).table
                if is_sqlite
                else con.table(bare, database=("source", place or "main"))
            )
            tables[name] = Raw(name, rename(name, table, source, file.name), file.name, source)
    except BookError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0][:200]
        raise BookError(
            f"book.database: {file.name} cannot be opened as a DuckDB or SQLite file ({reason}); "
            "close other programs that hold it, or export it again"
        ) from None
    return Origin(con, tables, fingerprint.of_files([file]), staged=True)


def _from_server(unit: Unit, address: str) -> Origin:
    con: Any = None
    try:
        patience = {} if "connect_timeout" in address else {"connect_timeout": 10}
        con = ibis.connect(address, **patience)
        if con.name == "postgres":
            con.raw_sql("set default_transaction_read_only = on").close()
            con.raw_sql(f"set time zone {quoted(unit.time_zone)}").close()
            # the planner cannot judge conditions on expressions and expects hardly a row: nested loops,
            # and code compiled for them, made a ledger by parent group thirty times slower
            con.raw_sql("set enable_nestloop = off").close()
            con.raw_sql("set jit = off").close()
        tables = {}
        for name, source in _wanted(unit, con.list_tables()):
            # "schema.table" names a table outside the default schema
            place, _, bare = (source.table or name).rpartition(".")
            table = con.table(bare, database=place) if place else con.table(bare)
            tables[name] = Raw(
                name, rename(name, table, source, "the database"), "database", source
            )
    except Exception as error:
        if con is not None:
            con.disconnect()
        raise error if isinstance(error, BookError) else server_fault(unit, error) from None
    return Origin(con, tables, "", staged=False)


def server_fault(unit: Unit, error: Exception) -> BookError:
    """Return what a database server refused as a fault of the book, without any secret."""
    _, secrets = resolve_secrets(unit.book.database)
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return BookError(
        f"book.database: {scrub(unit.book.database, secrets)} cannot be used "
        f"({scrub(reason, secrets)[:300]}); check the address, the user, the password and the right "
        "to read these tables"
    )


def scrub(text: str, secrets: tuple[str, ...]) -> str:
    """Return `text` without any of the secrets, plain or as they stand in a URL."""
    for secret in filter(None, secrets):
        for form in (secret, quote(secret, safe=""), quote(secret)):
            text = text.replace(form, "***")
    return re.sub(r"(://[^:/@\s]+:)[^@\s]+@", r"\1***@", text)


def _wanted(unit: Unit, there: list[str]) -> Iterator[tuple[str, TableSource]]:
    if not unit.book.tables:
        named = {name: TableSource() for name in SCHEMAS if name in there}
        if "transactions" not in named:
            raise BookError(
                "book.database: no table 'transactions'; name yours under book.tables.transactions."
                f"table (tables found: {', '.join(sorted(there)[:30]) or 'none'})"
            )
        yield from named.items()
        return
    for name, source in unit.book.tables.items():
        table = source.table or name
        if "." not in table and table not in there:
            found = ", ".join(sorted(there)[:30])
            raise BookError(
                f"book.tables.{name}: no table '{table}' that may be read{nearest(table, there)} "
                f"(tables found: {found or 'none'})"
            )
        yield name, source
