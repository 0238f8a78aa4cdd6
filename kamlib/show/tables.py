"""Tables as plain HTML and as aligned text, formatted from the glossary.

Everything is escaped; there are no inline styles and no random ids. Numbers stand to the right, the
unit stands in the header, and `data-v` holds the raw value, by which the report's page sorts: ""
means unknown. The index of a frame is not shown, nor is a column that is unknown in every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from kamlib.glossary import UNKNOWN, Sentence, Style, display, heading, label, say, term
from kamlib.show.theme import shorten, width

ROWS = 100
_TEXT_WIDTH = 40
_LEFT = ("text", "term", "date", "month")
# names and sentences need room, or every word of them takes a line
_WIDE = {"name": "who", "why": "why"}


@dataclass(frozen=True, slots=True)
class _Column:
    head: str
    numeric: bool
    css: str
    cells: list[str]
    raw: list[str | None]  # None: the cell itself is what sorts


def _column(frame: pd.DataFrame, name: str, style: Style) -> _Column:
    kind = term(name).display
    # an estimate is shown as the figure that the row's term names
    kinds = [term(t).display for t in frame["term"]] if kind == "by_term" else [kind] * len(frame)
    pairs = [_cell(value, one, style) for value, one in zip(frame[name], kinds, strict=True)]
    return _Column(
        head=label(name, style),
        numeric=kind not in _LEFT,
        css="n" if kind not in _LEFT else _WIDE.get(name, ""),
        cells=[shown for shown, _ in pairs],
        raw=[raw for _, raw in pairs],
    )


def _columns(frame: pd.DataFrame, style: Style, rows: int) -> list[_Column]:
    """Return the columns to show; one that is unknown in every row tells a reader nothing."""
    told = [name for name in frame.columns if frame.empty or frame[name].notna().any()]
    return [_column(frame.head(rows), str(name), style) for name in told]


def _cell(value: Any, kind: str, style: Style) -> tuple[str, str | None]:
    shown = UNKNOWN if pd.isna(value) else display(value, kind, style)
    if shown == UNKNOWN:
        return UNKNOWN, ""
    if kind in ("date", "month"):
        return shown, pd.Timestamp(value).date().isoformat()
    if kind not in ("text", "term"):
        return shown, f"{float(value):.15g}"
    if pd.api.types.is_bool(value):
        return heading("yes" if value else "no", style), None
    return shown, None


def html_table(
    frame: pd.DataFrame, table_id: str, caption: str, style: Style, rows: int = ROWS
) -> str:
    """Return a frame as an HTML table with the element id `table-<table_id>`.

    Parameters
    ----------
    frame
        Glossary columns only; the first column names the row.
    table_id
        Fixed id, also the name of the CSV file with all rows.
    caption
        Plain text above the table; none where empty.
    style
        Language and currency.
    rows
        Rows shown; a last line says where the others are.
    """
    columns = _columns(frame, style, rows)
    number = [f' class="{column.css}"' if column.css else "" for column in columns]
    head = "".join(
        f'<th scope="col"{css}>{escape(column.head)}</th>'
        for css, column in zip(number, columns, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_td(i, n, c, columns[i]) for i, c in enumerate(number)) + "</tr>"
        for n in range(min(rows, len(frame)))
    )
    # The inner elements can stay in sight while a wide table scrolls.
    title = f"<caption><span>{escape(caption)}</span></caption>" if caption else ""
    more = _more(frame, table_id, style, rows)
    note = f'<td colspan="{len(columns)}"><span>{escape(more)}</span></td>'
    foot = f"\n<tfoot><tr>{note}</tr></tfoot>" if more else ""
    return (
        f'<table id="table-{escape(table_id)}">{title}\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>{foot}\n</table>"
    )


def _td(position: int, row: int, css: str, column: _Column) -> str:
    raw = column.raw[row]
    value = "" if raw is None else f' data-v="{escape(raw)}"'
    shown = escape(column.cells[row])
    if position == 0:
        return f'<th scope="row"{css}{value}>{shown}</th>'
    return f"<td{css}{value}>{shown}</td>"


def text_table(
    frame: pd.DataFrame, table_id: str, caption: str, style: Style, rows: int = ROWS
) -> str:
    """Return the same table as text, aligned by columns of a fixed-width font."""
    columns = _columns(frame, style, rows)
    lines = [caption] if caption else []
    padded = [_padded(column) for column in columns]
    lines += ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
    more = _more(frame, table_id, style, rows)
    return "\n".join([*lines, more] if more else lines)


def _padded(column: _Column) -> list[str]:
    cells = [shorten(cell, _TEXT_WIDTH) for cell in (column.head, *column.cells)]
    size = max(width(cell) for cell in cells)
    blanks = [" " * (size - width(cell)) for cell in cells]
    head, *rest = (
        blank + cell if column.numeric else cell + blank
        for blank, cell in zip(blanks, cells, strict=True)
    )
    return [head, "-" * size, *rest]


def _more(frame: pd.DataFrame, table_id: str, style: Style, rows: int) -> str:
    if frame.empty:
        return say(Sentence("show.no_rows"), style)
    if len(frame) <= rows:
        return ""
    values = {"shown": rows, "total": len(frame), "file": f"tables/{table_id}.csv"}
    return say(Sentence("show.more_rows", values), style)
