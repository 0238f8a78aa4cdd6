"""Opens CSV, Excel, Parquet, DuckDB and SQLite files as tables of the embedded engine.

Rows keep the place where a person finds them in `_row`: line of a CSV file or row of a sheet, its header
being 1; number of the record in a Parquet file. Lines that are no records at all come back apart; lines
that are wholly blank are passed over.
"""

from __future__ import annotations

import codecs
import csv
import io
import mmap
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend

from kamlib.errors import BookError
from kamlib.params import TableSource

_CHUNK = 50_000
_SHIFTS = pa.schema([("at", pa.int64()), ("by", pa.int64())])


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One file as a table with its own headings, and the lines that could not be read."""

    table: ir.Table
    malformed: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"source": [], "row": [], "value": []})
    )


def open_file(con: Backend, path: Path, source: TableSource, name: str) -> Opened:
    """Return the file at `path` as a table of `con`, whatever its kind.

    Raises
    ------
    BookError
        The file is empty, of an unknown kind, damaged, or has no usable header.
    """
    if path.stat().st_size == 0:
        raise BookError(
            f"{name}: the file {path.name} is empty; export it again, with a header line"
        )
    kind = path.suffix.lower()
    try:
        if kind in (".csv", ".tsv", ".txt"):
            return _csv(con, path, source, name)
        if kind in (".xlsx", ".xls", ".xlsb", ".xlsm", ".ods"):
            return _excel(con, path, source, name)
        if kind in (".parquet", ".pq"):
            table = con.table(_parquet(con, path, name))
            return Opened(table)
    except BookError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0][:200]
        raise BookError(
            f"{name}: {path.name} cannot be read as a {kind[1:]} file ({reason}); "
            "open it in the program that made it and save it again"
        ) from error
    raise BookError(
        f"{name}: {path.name} is of no kind that can be read; "
        "give CSV, Excel (.xlsx, .xls, .xlsb, .ods) or Parquet"
    )


def quoted(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _parquet(con: Backend, path: Path, name: str) -> str:
    view = f"file_{name}_{len(con.list_tables())}"
    con.raw_sql(
        f"create view {view} as select * exclude (file_row_number), file_row_number + 1 as _row "
        f"from read_parquet({quoted(str(path))}, file_row_number = true)"
    )
    return view


def _utf8(path: Path, source: TableSource, name: str) -> Path:
    """Return a UTF-8 copy of a text file, or the file itself where it is UTF-8 already."""
    with path.open("rb") as stream:
        mark = stream.read(4)
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif source.encoding:
        candidates = [source.encoding]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        try:
            if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
                decoder = codecs.getincrementaldecoder("utf-8")()
                with path.open("rb") as stream:
                    while block := stream.read(1 << 20):
                        decoder.decode(block)
                    decoder.decode(b"", final=True)
                return path
            handle = tempfile.NamedTemporaryFile(  # noqa: SIM115 – lives as long as the book
                "w", encoding="utf-8", newline="", suffix=".csv", delete=False
            )
            with handle, path.open(encoding=encoding, newline="") as text:
                while chunk := text.read(1 << 20):
                    handle.write(chunk)
            return Path(handle.name)
        except LookupError:
            raise BookError(f"{name}: '{encoding}' is not a known text encoding") from None
        except UnicodeError:
            continue
    tried = ", ".join(candidates)
    raise BookError(
        f"{name}: {path.name} is not text in {tried}; state its `encoding` for this table, "
        "e.g. cp1252, big5 or shift_jis"
    )


def _header(cells: Sequence[Any], path: Path, name: str) -> list[str]:
    names = ["" if cell is None else str(cell).strip().lstrip("\ufeff") for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise BookError(f"{name}: {path.name} has no header line; the first line must name columns")
    twice = [heading for heading, n in Counter(filter(None, names)).items() if n > 1]
    if twice:
        raise BookError(f"{name}: {path.name} has the heading {twice[0]!r} twice; rename one")
    return [heading or f"unnamed_{i + 1}" for i, heading in enumerate(names)]


def _csv(con: Backend, path: Path, source: TableSource, name: str) -> Opened:
    text = _utf8(path, source, name)
    with text.open(encoding="utf-8-sig", newline="") as stream:
        top = next((line for line in stream if line.strip()), "")
        if not top:
            raise BookError(
                f"{name}: the file {path.name} is empty; export it again, with a header line"
            )
    comma = source.delimiter or max(",;\t|", key=lambda mark: top.count(mark))
    header = _header(next(csv.reader(io.StringIO(top), delimiter=comma)), path, name)
    target = f"file_{name}_{len(con.list_tables())}"
    spec = ", ".join(f"{quoted(heading)}: 'VARCHAR'" for heading in header)
    con.raw_sql("drop table if exists reject_errors; drop table if exists reject_scans")
    con.raw_sql(
        f"create table {target} as select * from read_csv({quoted(str(text))}, "
        f"auto_detect = false, header = true, delim = {quoted(comma)}, quote = '\"', "
        f"escape = '\"', columns = {{{spec}}}, ignore_errors = true, store_rejects = true, "
        "rejects_limit = 0, null_padding = false, max_line_size = 16777216)"
    )
    found = con.raw_sql(
        "select distinct line as row, csv_line as value from reject_errors "
        "where coalesce(trim(csv_line), '') <> '' order by line"
    ).fetchall()
    malformed = pd.DataFrame(found, columns=["row", "value"]).assign(source=path.name)
    # a line that is no record moves all records below it one line down
    skipped = sorted({line for line, _ in found} | set(_blank_lines(text)))
    moved = {line - before: before for before, line in enumerate(skipped, 1)}
    shifts = pa.table({"at": list(moved), "by": list(moved.values())}, _SHIFTS)
    blank = " and ".join(f"coalesce(trim({_name(heading)}), '') = ''" for heading in header)
    view = f"{target}_rows"
    con.con.register("shifts", shifts)
    con.raw_sql(
        f'create table {view} as select r.* exclude (n), n + 1 + coalesce(s."by", 0) as _row '
        f"from (select *, row_number() over (order by rowid) as n from {target}) r "
        f'asof left join shifts s on r.n >= s."at" where not ({blank}) order by n'
    )
    con.con.unregister("shifts")
    con.raw_sql(f"drop table {target}")
    if text != path:
        text.unlink()
    return Opened(con.table(view), malformed)


def _blank_lines(path: Path) -> Iterator[int]:
    """Yield the numbers of empty lines; a file without any is searched, not split."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        line, start = 1, 0
        for hit in re.finditer(rb"\n(?=\r?\n)", text):
            line += text[start : hit.end()].count(b"\n")
            start = hit.end()
            yield line


def _as_text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _excel(con: Backend, path: Path, source: TableSource, name: str) -> Opened:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(path))
    sheets = book.sheet_names
    if source.sheet == "*":
        chosen = sheets
    elif not source.sheet:
        chosen = sheets[:1]
    elif source.sheet in sheets:
        chosen = [source.sheet]
    else:
        raise BookError(
            f"{name}: {path.name} has no sheet '{source.sheet}'; it has {', '.join(sheets)}"
        )
    target = f"file_{name}_{len(con.list_tables())}"
    made: list[str] = []
    for number, sheet in enumerate(chosen):
        rows = iter(book.get_sheet_by_name(sheet).iter_rows())
        header = _header(next(rows, []), path, name)
        records = (
            (line, [*(_as_text(cell) for cell in row[: len(header)]), sheet])
            for line, row in enumerate(rows, 2)
            if any(cell not in (None, "") for cell in row)
        )
        part = f"{target}_{number}"
        _fill(con, part, [*header, "sheet"], records)
        made.append(part)
    con.raw_sql(
        f"create view {target} as "
        + " union all by name ".join(f"select * from {part}" for part in made)
    )
    return Opened(con.table(target))


def _fill(
    con: Backend,
    target: str,
    header: Sequence[str],
    records: Iterable[tuple[int, Sequence[Any]]],
) -> None:
    schema = pa.schema([*((heading, pa.string()) for heading in header), ("_row", pa.int64())])
    stream, verb = iter(records), f"create table {target} as"
    while True:
        block = list(islice(stream, _CHUNK))
        columns = (
            zip(*(values for _, values in block), strict=True) if block else [()] * len(header)
        )
        arrays = [pa.array(column, pa.string()) for column in columns]
        arrays.append(pa.array([line for line, _ in block], pa.int64()))
        con.con.register("block_of_rows", pa.Table.from_arrays(arrays, schema=schema))
        con.raw_sql(f"{verb} select * from block_of_rows")
        con.con.unregister("block_of_rows")
        verb = f"insert into {target}"
        if len(block) < _CHUNK:
            return


def sqlite_tables(path: Path) -> list[str]:
    """Return the names of all tables and views of an SQLite file."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as link:
        found = link.execute("select name from sqlite_master where type in ('table', 'view')")
        return [row[0] for row in found]


def open_sqlite(con: Backend, path: Path, table: str, name: str) -> Opened:
    """Return one table of an SQLite file, all its columns as text."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as link:
        rows = link.execute(f"select * from {_name(table)}")
        header = _header([column[0] for column in rows.description], path, name)
        target = f"file_{name}_{len(con.list_tables())}"
        records = ((n, [_as_text(cell) for cell in row]) for n, row in enumerate(rows, 1))
        _fill(con, target, header, records)
    return Opened(con.table(target))
