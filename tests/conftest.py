"""What tests share: a project of its own, small books from a few rows, and what a machine may lack."""

from __future__ import annotations

import csv
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import pytest
from hypothesis import settings

from kamlib.book import Book, open_book
from kamlib.params import Unit, unit_from

Rows = Sequence[Mapping[str, Any]]

# the same examples in every run, and no clock: a busy machine must not fail a property
settings.register_profile("kam", deadline=None, derandomize=True)
settings.load_profile("kam")


def requires(name: str, found: Any, reason: str) -> Any:
    """Return what a test needs; where it is missing, skip, or fail if `KAM_REQUIRE` names it.

    `name` is one of chromium, postgres, data; `KAM_REQUIRE` is a list of them with commas.
    """
    if found:
        return found
    if name in os.environ.get("KAM_REQUIRE", "").split(","):
        pytest.fail(f"{reason} (KAM_REQUIRE names {name})")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public records that `KAM_DATA_DIR` names."""
    named = os.environ.get("KAM_DATA_DIR", "")
    reason = "no public records here: KAM_DATA_DIR names no folder"
    return requires("data", named and Path(named).is_dir() and Path(named), reason)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: a folder with params/, which `KAM_HOME` names."""
    (tmp_path / "params").mkdir()
    monkeypatch.setenv("KAM_HOME", str(tmp_path))
    return tmp_path


class Small:
    """Writes small books and opens them.

    A table is given as rows (dicts; None is an empty cell), as a frame, or as the text of a CSV file.
    Everything else that is given goes into the unit's parameters.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count()

    def folder(self) -> Path:
        """Make a fresh folder."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder

    def unit(self, tables: Mapping[str, Rows | str], *, kind: str = "csv", **params: Any) -> Unit:
        """Write the tables and return the unit that reads them."""
        folder = self.folder()
        settings = params.pop("settings", {})
        sources = {}
        for name, rows in tables.items():
            path = folder / f"{name}.{kind}"
            if isinstance(rows, str):
                path.write_text(rows, "utf-8", newline="")
            elif kind == "csv":
                _write_csv(path, rows)
            else:
                pd.DataFrame(rows).to_parquet(path, index=False)
            sources[name] = {"file": path.name} | settings.get(name, {})
        book = {"tables": sources} | params.pop("book", {})
        return unit_from({"book": book} | params, name="small", folder=folder)

    def open(self, tables: Mapping[str, Rows | str], **params: Any) -> Book:
        """Write the tables and open them as a book."""
        return open_book(self.unit(tables, **params))


def _write_csv(path: Path, rows: Rows) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A maker of small books; every book lies in a folder of its own."""
    return Small(tmp_path_factory.mktemp("books"))


_XLSX = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Target="xl/workbook.xml" Type='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>'
        "</Relationships>"
    ),
    # style 1 shows a number as a day and a time
    "xl/styles.xml": (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    ),
}
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write_xlsx(path: Path, sheets: Mapping[str, Iterable[Sequence[Any]]]) -> None:
    """Write an Excel workbook of plain cells; None is an empty cell, an empty row an empty line."""
    books, links = [], []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in _XLSX.items():
            target.writestr(name, text)
        for number, (name, rows) in enumerate(sheets.items(), 1):
            books.append(f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>')
            links.append(
                f'<Relationship Id="rId{number}" Type="{_LINK}/worksheet" '
                f'Target="worksheets/sheet{number}.xml"/>'
            )
            body = "".join(
                f'<row r="{r}">{"".join(_cell(r, c, v) for c, v in enumerate(row))}</row>'
                for r, row in enumerate(rows, 1)
            )
            text = f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"
            target.writestr(f"xl/worksheets/sheet{number}.xml", text)
        target.writestr(
            "xl/workbook.xml",
            f'<workbook {_MAIN} xmlns:r="{_LINK}"><sheets>{"".join(books)}</sheets></workbook>',
        )
        links.append(f'<Relationship Id="rId0" Type="{_LINK}/styles" Target="styles.xml"/>')
        target.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f"{''.join(links)}</Relationships>",
        )


def _cell(row: int, column: int, value: Any) -> str:
    place = f'r="{chr(ord("A") + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        serial = (moment - datetime(1899, 12, 30)).total_seconds() / 86400
        return f'<c {place} s="1"><v>{serial!r}</v></c>'
    if isinstance(value, int | float):
        return f"<c {place}><v>{value!r}</v></c>"
    return f'<c {place} t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


@pytest.fixture(scope="session")
def xlsx() -> Callable[..., None]:
    """Return the writer of Excel workbooks."""
    return write_xlsx


@pytest.fixture(scope="session")
def require() -> Callable[[str, Any, str], Any]:
    """Return the rule by which a test that lacks something skips or fails."""
    return requires
