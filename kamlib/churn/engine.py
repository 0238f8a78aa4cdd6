"""Between the engine and a frame: what is kept on the way, and how rows are brought over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.book import Book

# PostgreSQL takes 1.0 for an exact decimal
ONE = ibis.literal(1, "int64").cast("float64")


def settled(book: Book, table: ir.Table, name: str, cuts: Sequence[str] | None = None) -> ir.Table:
    """Return a table computed once and for all, where tables may be made in the engine.

    With `cuts` (see `account_cuts`), part by part, each of some of the accounts: where windows and
    joins have the account in their key, the engine works out no more than the part.
    """
    if book.con.name != "duckdb":
        return table
    name = ibis.util.gen_name(name)
    if not cuts:
        made: ir.Table = book.con.create_table(name, table)
        return made
    made = book.con.create_table(name, schema=table.schema())
    for after, upto in zip((None, *cuts), (*cuts, None), strict=True):
        part = table if after is None else table.filter(table.account_id > after)
        book.con.insert(name, part if upto is None else part.filter(part.account_id <= upto))
    return made


def packed(book: Book) -> None:
    """Have the engine keep what was settled so far in a fraction of the memory."""
    if book.con.name == "duckdb":
        book.con.raw_sql("checkpoint")


def account_cuts(book: Book, rows: ir.Table, at_once: int = 500_000) -> list[str]:
    """Return the accounts with which parts of about so many rows end, in order; of the last none."""
    if book.con.name != "duckdb":
        return []
    counts = rows.group_by("account_id").agg(n=rows.count()).order_by("account_id").execute()
    part = counts["n"].cumsum() // at_once
    cuts: list[str] = counts["account_id"][part.diff() > 0].tolist()
    return cuts


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
