"""CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

# A spreadsheet takes a cell that begins so for a formula; the full-width forms count as well.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def safe_cell(value: Any) -> Any:
    """Return a text that a spreadsheet will not compute; other values as they are.

    >>> safe_cell("=1+1"), safe_cell("Acme"), safe_cell(-5)
    ("'=1+1", 'Acme', -5)
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def safe_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV: UTF-8 with a mark that Excel needs for Chinese, formulas disarmed.

    The index is not written. Lines end with CR LF, so that a lone CR or LF within a name is quoted
    and cannot begin a row of its own.
    """
    safe = pd.DataFrame(
        {
            safe_cell(name): column
            if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
            else column.astype(object).map(safe_cell)
            for name, column in frame.items()
        },
        index=frame.index,
    )
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")
