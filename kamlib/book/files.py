"""Opens CSV, Excel, Parquet, DuckDB and SQLite files as tables of the embedded engine.

Rows keep the place where a person finds them in the column `ROW`: line of a CSV file (its first line being 1), row of
a sheet, number of the record in a Parquet file. Lines that are no records at all come back apart; lines
that are wholly blank are passed over.
"""

from __future__ import annotations

import codecs
import csv
import glob
import mmap
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend

from kamlib.book.engine import quoted
from kamlib.book.raw import ROW, SOURCE, no_lines
from kamlib.errors import BookError
from kamlib.params import TableSource

_CHUNK = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One file as a table with its own headings, and the lines that could not be read."""

    table: ir.Table
    malformed: pd.DataFrame = field(default_factory=no_lines)


def open_file(con: Backend, path: Path, source: TableSource, name: str) -> Opened:
    """Return the file at `path` as a table of `con`, whatever its kind.

    Raises
    ------
    BookError
        The file is empty, of an unknown kind, damaged, or has no usable header.
    """
    if path.stat().st_size == 0:
        raise _empty(path, name)
    kind = path.suffix.lower()
    try:
        if kind in (".csv", ".tsv", ".txt"):
            return _csv(con, path, source, name)
        if kind in (".xlsx", ".xls", ".xlsb", ".xlsm", ".ods"):
            return _excel(con, path, source, name)
        if kind in (".parquet", ".pq"):
            return Opened(con.table(_parquet(con, path, name)))
    except BookError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0].replace(str(path), path.name)[:200]
        raise BookError(
            f"{name}: {path.name} cannot be read as a {kind[1:]} file ({reason}); "
            "open it in the program that made it and save it again"
        ) from error
    raise BookError(
        f"{name}: {path.name} is of no kind that can be read; "
        "give CSV, Excel (.xlsx, .xls, .xlsb, .ods) or Parquet"
    )


def _empty(path: Path, name: str) -> BookError:
    return BookError(f"{name}: the file {path.name} is empty; export it again, with a header line")


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    """Return `path` as an SQL string that the engine does not take for a pattern."""
    return quoted(glob.escape(str(path)))


def _parquet(con: Backend, path: Path, name: str) -> str:
    view = f"file_{name}_{len(con.list_tables())}"
    con.raw_sql(
        f"create view {view} as select * exclude (file_row_number), file_row_number + 1 as {ROW} "
        f"from read_parquet({_literal(path)}, file_row_number = true)"
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
        candidates = ["utf-8"] + ["gb18030"] * _in_pairs(path)
    for encoding in candidates:
        try:
            if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
                with path.open(encoding="utf-8", newline="") as text:
                    while text.read(1 << 20):
                        pass
                return path
            with (
                tempfile.NamedTemporaryFile(
                    "w", encoding="utf-8", newline="", suffix=".csv", delete=False
                ) as copy,
                path.open(encoding=encoding, newline="") as text,
            ):
                while chunk := text.read(1 << 20):
                    copy.write(chunk)
            return Path(copy.name)
        except LookupError:
            raise BookError(
                f"{name}: '{encoding}' is not a known text encoding; use e.g. utf-8, gb18030, cp1252"
            ) from None
        except UnicodeError:
            continue
    stated = source.encoding or "UTF-8 or GB18030"
    raise BookError(
        f"{name}: {path.name} is not text in {stated}; state its `encoding` for this table, "
        "e.g. cp1252 (Western Windows), big5 or shift_jis"
    )


def _in_pairs(path: Path) -> bool:
    """Whether bytes beyond ASCII come in pairs, as in Chinese, and not alone, as in é and ü."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        runs = [len(run[0]) for run in islice(re.finditer(rb"[\x80-\xff]+", text), 10_000)]
    return runs.count(1) <= len(runs) / 2


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
    target = f"file_{name}_{len(con.list_tables())}"
    try:
        with text.open(encoding="utf-8-sig", newline="") as stream:
            lines = _Lines(stream)
            top = next((line for line in lines if line.strip()), "")
            if not top:
                raise _empty(path, name)
            mark = source.delimiter or max(",;\t|", key=lambda mark: len(_cells(top, mark)))
            lines.give_back(lines.taken[-1:])
            cells = next(csv.reader(lines, delimiter=mark, skipinitialspace=True))
            header = _header(cells, path, name)
            malformed: list[tuple[int, str]] = []
            if lines.taken[-1][0] > 1 or not _load(con, text, target, header, mark):
                # something is out of the ordinary: the lines one by one, each with its number
                _fill(con, target, header, _records(lines, len(header), mark, malformed))
    finally:
        if text != path:
            text.unlink()
    found = pd.DataFrame(malformed, columns=["row", "value"]).assign(source=path.name)
    filled = " or ".join(f"trim({_name(heading)}) <> ''" for heading in header)
    con.raw_sql(f"create view {target}_rows as from {target} where {filled}")
    return Opened(con.table(f"{target}_rows"), found)


def _cells(line: str, mark: str) -> list[str]:
    return next(csv.reader([line], delimiter=mark, skipinitialspace=True))


def _load(con: Backend, text: Path, target: str, header: Sequence[str], mark: str) -> bool:
    """Load a CSV file at the engine's speed; False where a record is not just one line."""
    # under names of its own, since a heading may be a word of the engine, such as rowid
    names = [f"c{i}" for i in range(len(header))]
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    try:
        con.raw_sql(
            f"create table {target}_lines as from read_csv({_literal(text)}, auto_detect = false, "
            f"header = true, delim = {quoted(mark)}, quote = '\"', escape = '\"', "
            f"columns = {{{columns}}}, max_line_size = 16777216)"
        )
    except duckdb.Error:
        return False
    n_records = con.con.execute(f"select count(*) from {target}_lines").fetchall()[0][0]
    if n_records + 1 != _n_lines(text):
        con.raw_sql(f"drop table {target}_lines")
        return False
    shown = ", ".join(f"{n} as {_name(heading)}" for n, heading in zip(names, header, strict=True))
    con.raw_sql(f"create view {target} as select {shown}, rowid + 2 as {ROW} from {target}_lines")
    return True


def _n_lines(path: Path) -> int:
    """Return the number of lines up to the last that is not empty."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        end = len(text)
        while end and text[end - 1] in b"\r\n":
            end -= 1
        return 1 + sum(text[at : min(at + (1 << 20), end)].count(b"\n")
                       for at in range(0, end, 1 << 20))  # fmt: skip


class _Lines(Iterator[str]):
    """Lines of a text, of which the last ones can be given back to be read again."""

    def __init__(self, stream: Iterable[str]) -> None:
        self._numbered = enumerate(stream, 1)
        self._again: list[tuple[int, str]] = []
        self.taken: list[tuple[int, str]] = []

    def __next__(self) -> str:
        self.taken.append(self._again.pop() if self._again else next(self._numbered))
        return self.taken[-1][1]

    def give_back(self, lines: Sequence[tuple[int, str]]) -> None:
        """Take back lines, in their order, and forget which were taken."""
        self._again += reversed(lines)
        self.taken = []


def _records(
    lines: _Lines, width: int, mark: str, malformed: list[tuple[int, str]]
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of its first line; add to `malformed` what is none.

    After a line that is no record reading goes on with the next line, so that a quotation mark that
    is never closed costs one line and not the rest of the file.
    """
    reader = csv.reader(lines, delimiter=mark, strict=True, skipinitialspace=True)
    while True:
        lines.taken = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = []
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) == width:
            yield lines.taken[0][0], cells
        elif "".join(text for _, text in lines.taken).strip(f" \t\r\n{mark}"):
            (number, text), *rest = lines.taken
            malformed.append((number, text.rstrip("\r\n")))
            lines.give_back(rest)


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
    parts = []
    for number, sheet in enumerate(chosen):
        rows = enumerate(book.get_sheet_by_name(sheet).iter_rows(), 1)
        filled = ((line, row) for line, row in rows if any(cell not in (None, "") for cell in row))
        top = next(filled, None)
        if top is None and len(chosen) > 1:
            continue
        header = _header(top[1] if top else [], path, name)
        # several sheets in one table: a row number says little without its sheet
        place = [f"{path.name}, sheet {sheet}", sheet] if len(chosen) > 1 else []
        more = [SOURCE, "sheet"] if place else []
        wanted = [i for i, heading in enumerate(header) if heading not in more]
        records = ((line, [*(_as_text(row[i]) for i in wanted), *place]) for line, row in filled)
        _fill(con, f"{target}_{number}", [*(header[i] for i in wanted), *more], records)
        parts.append(f"select * from {target}_{number}")
    if not parts:
        raise _empty(path, name)
    con.raw_sql(f"create view {target} as {' union all by name '.join(parts)}")
    return Opened(con.table(target))


def _fill(
    con: Backend,
    target: str,
    header: Sequence[str],
    records: Iterable[tuple[int, Sequence[Any]]],
) -> None:
    schema = pa.schema([*((heading, pa.string()) for heading in header), (ROW, pa.int64())])
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


def _sqlite(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True))


def sqlite_tables(path: Path) -> list[str]:
    """Return the names of all tables and views of an SQLite file."""
    with _sqlite(path) as link:
        found = link.execute("select name from sqlite_master where type in ('table', 'view')")
        return [row[0] for row in found]


def open_sqlite(con: Backend, path: Path, table: str, name: str) -> Opened:
    """Return one table of an SQLite file, all its columns as text."""
    with _sqlite(path) as link:
        rows = link.execute(f"select * from {_name(table)}")
        header = _header([column[0] for column in rows.description], path, name)
        target = f"file_{name}_{len(con.list_tables())}"
        records = ((n, [_as_text(cell) for cell in row]) for n, row in enumerate(rows, 1))
        _fill(con, target, header, records)
    return Opened(con.table(target))
