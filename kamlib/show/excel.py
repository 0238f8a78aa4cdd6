"""Excel workbooks of frames: one sheet each, shown as in the report, with text that stays text.

Every text is written as one, so that no name runs as a formula or becomes a link; what begins like a
formula is marked besides, so that it does not turn into one when somebody edits the cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kamlib.errors import KamError
from kamlib.glossary import Style, clean, display, heading, label, term
from kamlib.show.csv import safe_cell
from kamlib.show.theme import width

# display kind -> how Excel shows it
_FORMATS = {
    "money": "#,##0", "short": "#,##0", "count": "#,##0", "days": "#,##0", "percent": "0.0%",
    "level": "0.0%", "score": "0.0", "ratio": "0.00", "cents": "0.00", "index": "0.000", "date": "yyyy-mm-dd",
    "month": "yyyy-mm",
}  # fmt: skip
_ROWS, _LONGEST, _NAME = 1_048_575, 32_767, 31
_NARROW, _WIDE, _LOOKED_AT = 8, 60, 200
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_FIRST = datetime(1900, 3, 1)  # before it, Excel counts a day that never was


def write_excel(sheets: Mapping[str, pd.DataFrame], path: Path, style: Style = Style()) -> None:
    """Write frames as the sheets of a workbook.

    Numbers and days stay numbers and days; unknown values are empty cells. The header stays in sight,
    and each column can be filtered. The same frames give the same bytes.

    Parameters
    ----------
    sheets
        Heading of each sheet -> frame of glossary columns; the index is not written.
    path
        Where the workbook goes, an .xlsx file.
    style
        Language and currency of headers and terms.

    Raises
    ------
    KamError
        No frame, or one of more rows than a sheet has room for.
    """
    # nothing else needs it, and its import takes a while
    from xlsxwriter import Workbook

    if not sheets:
        raise KamError("a workbook needs at least one sheet")
    long = {name: len(frame) for name, frame in sheets.items() if len(frame) > _ROWS}
    if long:
        name, rows = next(iter(long.items()))
        raise KamError(f"{name}: {rows:,} rows do not fit on a sheet; at most {_ROWS:,} do")
    names = _sheet_names([heading(name, style) for name in sheets])
    with Workbook(str(path)) as book:
        # the time of writing would make equal workbooks differ
        book.set_properties({"created": datetime(2000, 1, 1)})
        formats = {kind: book.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        formats["head"] = book.add_format({"bold": True})
        formats["marked"] = book.add_format({"num_format": "@", "quote_prefix": True})
        for name, frame in zip(names, sheets.values(), strict=True):
            _fill(book.add_worksheet(name), frame, style, formats)


def _fill(sheet: Any, frame: pd.DataFrame, style: Style, formats: dict[str, Any]) -> None:
    for place, name in enumerate(frame.columns):
        head = label(str(name), style)
        sheet.write_string(0, place, head, formats["head"])
        kinds = _kinds(frame, str(name))
        values = [_value(v, kind, style) for v, kind in zip(frame[name], kinds, strict=True)]
        for row, (value, kind) in enumerate(zip(values, kinds, strict=True), 1):
            if isinstance(value, str):
                marked = formats["marked"] if safe_cell(value) != value else None
                sheet.write_string(row, place, value, marked)
            elif isinstance(value, datetime):
                sheet.write_datetime(row, place, value, formats[kind])
            elif value is not None:
                sheet.write_number(row, place, value, formats.get(kind))
        sheet.set_column(place, place, _size(head, values))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(frame), max(len(frame.columns) - 1, 0))


def _kinds(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the display kind of each cell; an estimate is shown as the figure that its row names."""
    kind = term(name).display
    return [term(t).display for t in frame["term"]] if kind == "by_term" else [kind] * len(frame)


def _value(value: Any, kind: str, style: Style) -> Any:
    """Return a number, a day, a text, or None for what is unknown."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if kind in ("date", "month"):
        moment = pd.Timestamp(value).to_pydatetime().replace(tzinfo=None)
        return moment if moment >= _FIRST else moment.date().isoformat()
    if pd.api.types.is_bool(value):
        return heading("yes" if value else "no", style)
    if kind in ("text", "term"):
        return clean(display(value, kind, style))[:_LONGEST]
    number = float(value)
    return number if math.isfinite(number) else None


def _size(head: str, values: list[Any]) -> int:
    """Return the width of a column in characters, for its header and most of its texts."""
    texts = (width(value) for value in values[:_LOOKED_AT] if isinstance(value, str))
    return max(_NARROW, min(max(*texts, width(head) + 3, 0) + 1, _WIDE))


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
