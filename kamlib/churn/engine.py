"""Between the engine and a frame: what is kept on the way, and how rows are brought over."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.book import Book

# PostgreSQL takes 1.0 for an exact decimal
ONE = ibis.literal(1, "int64").cast("float64")


def settled(book: Book, table: ir.Table, name: str) -> ir.Table:
    """Return a table computed once and for all, where tables may be made in the engine."""
    if book.con.name != "duckdb":
        return table
    made: ir.Table = book.con.create_table(ibis.util.gen_name(name), table)
    return made


def forget(book: Book, *tables: ir.Table) -> None:
    """Drop what `settled` kept on the way, and what nothing needs any more."""
    if book.con.name == "duckdb":
        for table in tables:
            book.con.drop_table(table.get_name(), force=True)


def flag(condition: Any) -> Any:
    """Return 1 where a condition holds, else 0."""
    return condition.fill_null(False).cast("int32").cast("float64")


def collect(table: ir.Table) -> pd.DataFrame:
    """Return spells, account-months or partial losses as a frame, ordered by their key.

    Numbers are rounded to what a sum means whatever the order of its terms; days are datetime64,
    unknown texts None.
    """
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    for column in frame.columns:
        kind = frame[column].dtype.kind
        if kind == "M":
            frame[column] = frame[column].astype("datetime64[ns]")
        elif kind == "f":
            frame[column] = frame[column].round(6) + 0.0
    order = [c for c in _KEY if c in frame]
    return frame.sort_values(order, ignore_index=True)


_KEY = ("account_id", "spell_no", "month", "declared_on", "kind", "product_line")
