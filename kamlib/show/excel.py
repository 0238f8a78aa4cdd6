"""Excel workbooks of frames: one sheet each, formatted from the glossary, with text that stays text.

A workbook is a zip of small XML files, and the few that a table needs are written here; nothing is
computed in it. Text is stored as text, so that no name runs as a formula, and what begins like one is
marked, so that it does not become one when somebody edits the cell either.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from kamlib.errors import KamError
from kamlib.glossary import Style, clean, display, heading, label, term
from kamlib.show.csv import safe_cell
from kamlib.show.theme import width

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# display kind -> how Excel shows it; the place in this list is the number of the cell's style
_FORMATS = {
    "text": "General", "money": "#,##0", "count": "#,##0", "days": "#,##0", "percent": "0.0%",
    "level": "0.0%", "score": "0.0", "ratio": "0.00", "index": "0.000", "date": "yyyy\\-mm\\-dd",
    "month": "yyyy\\-mm", "short": "#,##0",
}  # fmt: skip
_KINDS = list(_FORMATS)
_HEADER, _MARKED = len(_KINDS), len(_KINDS) + 1
_LONGEST, _NAME, _NARROW, _WIDE = 32_767, 31, 8, 60
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_DAY_ZERO = datetime(1899, 12, 30)
_FIRST = datetime(1900, 3, 1)  # before it, Excel counts a day that never was


def write_excel(sheets: Mapping[str, pd.DataFrame], path: Path, style: Style = Style()) -> None:
    """Write frames as the sheets of a workbook that Excel, WPS and LibreOffice open.

    Numbers and days stay numbers and days, shown as in the report; unknown values are empty cells.
    The header stays in sight, and each column can be filtered. The same frames give the same bytes.

    Parameters
    ----------
    sheets
        Heading of each sheet -> frame of glossary columns; the index is not written. A frame holds at
        most 1,048,575 rows, which is what a sheet has room for.
    path
        Where the workbook goes, an .xlsx file.
    style
        Language and currency of headers and terms.

    Raises
    ------
    KamError
        No frame, or one that is too long.
    """
    if not sheets:
        raise KamError("a workbook needs at least one sheet")
    names = _sheet_names([heading(name, style) for name in sheets])
    parts = {
        "[Content_Types].xml": _content(len(names)),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": _workbook(names),
        "xl/_rels/workbook.xml.rels": _relations(
            {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)}
            | {"rId0": ("styles", "styles.xml")}
        ),
        "xl/styles.xml": _styles(),
    }
    for number, frame in enumerate(sheets.values(), 1):
        if len(frame) > 1_048_575:
            raise KamError(f"{len(frame):,} rows do not fit on a sheet; at most 1,048,575 do")
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(frame, style)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            # the time of writing would make equal workbooks differ
            book.writestr(zipfile.ZipInfo(name), _HEAD + text, zipfile.ZIP_DEFLATED)


def _sheet(frame: pd.DataFrame, style: Style) -> str:
    heads = [label(str(name), style) for name in frame.columns]
    kinds = [_kinds(frame, str(name)) for name in frame.columns]
    columns = [
        [_value(value, kind, style) for value, kind in zip(frame[name], kind_of, strict=True)]
        for name, kind_of in zip(frame.columns, kinds, strict=True)
    ]
    letters = [_letters(place) for place in range(len(heads))]
    lines = [
        "".join(_text(f"{at}1", head, _HEADER) for at, head in zip(letters, heads, strict=True))
    ]
    for row in range(len(frame)):
        cells = (
            _cell(f"{letters[place]}{row + 2}", columns[place][row], kinds[place][row])
            for place in range(len(heads))
        )
        lines.append("".join(cells))
    body = "".join(f'<row r="{n}">{cells}</row>' for n, cells in enumerate(lines, 1))
    sizes = "".join(
        f'<col min="{n}" max="{n}" width="{_size(head, column)}" customWidth="1"/>'
        for n, (head, column) in enumerate(zip(heads, columns, strict=True), 1)
    )
    span = f"A1:{letters[-1]}{len(frame) + 1}" if letters else "A1"
    filters = f'<autoFilter ref="{span}"/>' if letters else ""
    return (
        f'<worksheet xmlns="{_MAIN}"><dimension ref="{span}"/><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
        f"</sheetViews>{f'<cols>{sizes}</cols>' if sizes else ''}<sheetData>{body}</sheetData>"
        f"{filters}</worksheet>"
    )


def _kinds(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the display kind of each cell; an estimate is shown as the figure that its row names."""
    kind = term(name).display
    return [term(t).display for t in frame["term"]] if kind == "by_term" else [kind] * len(frame)


def _value(value: Any, kind: str, style: Style) -> Any:
    """Return a number (of a day, its own), a text, or None for what is unknown."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if kind in ("date", "month"):
        moment = pd.Timestamp(value).to_pydatetime().replace(tzinfo=None)
        return (moment - _DAY_ZERO).days if moment >= _FIRST else moment.date().isoformat()
    if pd.api.types.is_bool(value):
        return heading("yes" if value else "no", style)
    if kind in ("text", "term"):
        return display(value, kind, style)
    number = float(value)
    return number if math.isfinite(number) else None


def _cell(place: str, value: Any, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(place, value, 0 if safe_cell(value) == value else _MARKED)
    shown = _KINDS.index(kind) if kind in _FORMATS else 0
    return f'<c r="{place}" s="{shown}"><v>{value!r}</v></c>'


def _text(place: str, text: str, style: int) -> str:
    held = escape(clean(text)[:_LONGEST])
    return (
        f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{held}</t></is></c>'
    )


def _size(head: str, values: list[Any]) -> int:
    """Return the width of a column in characters, wide enough for its header and most of its texts."""
    longest = max((width(v) for v in values[:200] if isinstance(v, str)), default=0)
    return max(_NARROW, min(max(longest, width(head) + 3) + 1, _WIDE))


def _letters(place: int) -> str:
    """Return the letters of a column, counted from 0.

    >>> _letters(0), _letters(25), _letters(26), _letters(702)
    ('A', 'Z', 'AA', 'AAA')
    """
    rest, last = divmod(place, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("A") + last)


def _sheet_names(names: list[str]) -> list[str]:
    """Return names that Excel takes: no more than 31 characters, some of them forbidden, no two equal."""
    taken: list[str] = []
    for name in names:
        plain = clean(name).translate(_FORBIDDEN).strip()[:_NAME] or "-"
        number = 2
        while plain.casefold() in (other.casefold() for other in taken):
            tail = f" {number}"
            plain, number = plain[: _NAME - len(tail)] + tail, number + 1
        taken.append(plain)
    return taken


def _styles() -> str:
    formats = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode={quoteattr(code)}/>'
        for n, code in enumerate(_FORMATS.values())
        if code != "General"
    )
    cells = "".join(
        f'<xf numFmtId="{0 if code == "General" else 164 + n}" fontId="0" fillId="0" borderId="0" '
        'xfId="0" applyNumberFormat="1"/>'
        for n, code in enumerate(_FORMATS.values())
    )
    plain = 'fillId="0" borderId="0" xfId="0"'
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(_FORMATS) - 1}">{formats}</numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        "<borders><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(_FORMATS) + 2}">{cells}'
        f'<xf numFmtId="0" fontId="1" {plain} applyFont="1"/>'
        f'<xf numFmtId="49" fontId="0" {plain} quotePrefix="1" applyNumberFormat="1"/></cellXfs>'
        "</styleSheet>"
    )


def _workbook(names: list[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
        for n, name in enumerate(names, 1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _relations(targets: Mapping[str, tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _content(n_sheets: int) -> str:
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        for n in range(1, n_sheets + 1)
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>{sheets}</Types>'
    )
