"""Rows set aside, each with its reason: kept in the embedded engine, counted, and written as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from kamlib.book.engine import quoted
from kamlib.book.raw import FAULT, ROW, SOURCE, Raw
from kamlib.book.validate import Judged
from kamlib.glossary import Sentence, Style, say

TABLE = "set_aside"


class Aside:
    """One row per row and broken rule, of all tables of a book.

    Its table has the columns `table`, `source` (the file), `row` (where a person finds it there),
    `record` (what the row calls itself), `column`, `rule` and `value` (what was found).
    """

    def __init__(self, con: Backend) -> None:
        self.con = con
        con.raw_sql(
            f'create table {TABLE} ("table" varchar, source varchar, "row" bigint, record varchar, '
            '"column" varchar, rule varchar, value varchar)'
        )

    @property
    def table(self) -> ir.Table:
        """The rows set aside so far."""
        return self.con.table(TABLE)

    def add_lines(self, raw: Raw) -> int:
        """Add the lines that are no records, and return how many there are."""
        if not raw.malformed.empty:
            self._take(raw.malformed)
            rule = quoted("not_a_record")
            self._add(f"{quoted(raw.name)}, source, row, '', '', {rule}, value from taken")
        return len(raw.malformed)

    def add_rejected(self, judged: Judged, rows: Any) -> None:
        """Add rows as `Judged.rejected` gives them, once for each rule that they break."""
        columns = self._take(rows)
        parts = [
            f'({quoted(c)}, "{c}__fault", "{c}__found")'
            for c in judged.columns
            if f"{c}__fault" in columns
        ]
        if FAULT in columns:
            column, rule = (f"split_part({FAULT}, ':', {part})" for part in (1, 2))
            found = " ".join(f'when {quoted(c)} then "{c}__found"' for c in judged.columns)
            parts.append(f"({column}, {rule}, case {column} {found} end)")
        broken = f'(values {", ".join(parts)}) broken("column", rule, value)'
        place = _place(judged.raw, columns)
        self._add(f"{place}, record, broken.* from taken, {broken} where rule is not null")

    def add_doubles(self, judged: Judged, rows: Any, key: str) -> int:
        """Add rows that share their key as `validate.repeated` gives them; return how many."""
        place = _place(judged.raw, self._take(rows))
        self._add(f'{place}, "{key}", {quoted(key)}, rule, "{key}" from taken')
        return int(self.con.con.execute("select count(*) from taken").fetchall()[0][0])

    def _take(self, rows: Any) -> tuple[str, ...]:
        return tuple(self.con.create_table("taken", rows, overwrite=True).columns)

    def _add(self, query: str) -> None:
        self.con.raw_sql(f"insert into {TABLE} select {query}")

    def faults(self) -> pd.DataFrame:
        """Return one row per table, column and rule: `n_rows`, `first_row`, `first_value`.

        `first_row` is unknown where rows have no number, as in a database.
        """
        # a database knows no order of rows: any of them will do
        found: pd.DataFrame = self.con.con.execute(
            'select "table", "column", rule, count(*) as n_rows, min("row") as first_row, '
            f'arg_min(value, coalesce("row", 0)) as first_value from {TABLE} '
            'group by all order by "table", n_rows desc, "column", rule'
        ).df()
        return found.astype({"first_row": "Int64"})


def _place(raw: Raw, columns: tuple[str, ...]) -> str:
    source = SOURCE if SOURCE in columns else quoted(raw.where)
    return f"{quoted(raw.name)}, {source}, {ROW if ROW in columns else 'null'}"


def write(rejected: ir.Table, faults: pd.DataFrame, folder: Path, style: Style) -> list[Path]:
    """Write the rows set aside to `<folder>/<table>.csv`, one line per broken rule."""
    rules = [
        (quoted(rule), quoted(say(Sentence(f"rule.{rule}"), style)))
        for rule in faults["rule"].unique()
    ]
    meanings = ", ".join(f"({', '.join(pair)})" for pair in rules)
    source, record, value = (
        f"case when regexp_matches({c}, '^ *[-=+@\\t\\r\\n＝＋－＠]') then '''' || {c} else {c} end as {c}"
        for c in ("source", "record", "value")
    )
    engine: Any = rejected.get_backend()
    written = []
    for name in faults["table"].unique():
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.csv"
        # the mark of UTF-8, which a spreadsheet needs, stands as part of the first heading
        engine.raw_sql(
            f'copy (select "table" as "\ufefftable", {source}, "row", {record}, "column", rule, '
            f"{value}, meaning from {TABLE} join (values {meanings}) m(rule, meaning) using (rule) "
            f'where "table" = {quoted(name)} order by {TABLE}.source, "row", {TABLE}.record, "column") '
            f"to {quoted(str(path))} (format csv, header)"
        )
        written.append(path)
    return written
