"""What a source gave, before any of it is judged: raw tables, and where their rows stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from kamlib.params import TableSource

# columns that a table may have besides its own: where a row stands, in which file or sheet, and the
# fault "column:rule" that an adapter found
ROW, SOURCE, FAULT = "_kam_row", "_kam_source", "_kam_fault"


def no_lines() -> pd.DataFrame:
    """Return the frame of lines that are no records, without any: `source`, `row`, `value`."""
    return pd.DataFrame({"source": [], "row": [], "value": []}, dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """One table as it was found, columns renamed to ours, values untouched.

    `ROW` says where a row stands, where the source has an order of rows; `SOURCE` in which file,
    where there is more than the one named by `where`. `FAULT`, set by an adapter, holds
    "column:rule" for rows that the adapter's record marks as unusable.
    """

    name: str
    table: ir.Table
    where: str
    settings: TableSource = field(default_factory=TableSource)
    malformed: pd.DataFrame = field(default_factory=no_lines)


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """All raw tables of a unit and the engine that they live in.

    Attributes
    ----------
    con
        The engine.
    tables
        Raw tables by name.
    digest
        sha256 over the bytes of all files read; "" for a database, which has no bytes to hash.
    staged
        Whether tables may be made in the engine (the embedded one).
    """

    con: BaseBackend
    tables: dict[str, Raw]
    digest: str
    staged: bool

    def stage(self, table: ir.Table, name: str) -> ir.Table:
        """Return a table computed once and for all, where tables may be made in the engine."""
        return self.con.create_table(name, table) if self.staged else table

    def local(self, rows: ir.Table) -> Any:
        """Return rows in a form that the embedded engine takes."""
        return rows if self.staged else rows.to_pyarrow()
