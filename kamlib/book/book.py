"""The book of business: all tables of one unit as they were known at the end of one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from kamlib.book import aside, fingerprint, relations
from kamlib.book.aside import Aside
from kamlib.book.engine import embedded
from kamlib.book.faults import nothing_left
from kamlib.book.raw import Origin
from kamlib.book.schemas import schema
from kamlib.book.settle import settle
from kamlib.book.source import open_origin, server_fault
from kamlib.book.validate import Judged, judge
from kamlib.errors import BookError, KamError
from kamlib.glossary import Sentence, Style
from kamlib.params import Unit
from kamlib.results import Check


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """All tables of a business unit as of one day.

    Attributes
    ----------
    unit
        Parameters of the unit.
    as_of
        Last day that is known.
    currency
        Currency of all money; "" where neither the parameters nor the records name one.
    con
        The engine in which facts are computed; nothing is written to a source.
    tables
        Kept rows by table name, all columns of the schema (null where the source has none).
    present
        Table name -> columns that the source has.
    counts
        One row per table: `table`, `n_read`, `n_kept`, `n_set_aside`, `n_later`; the last three
        add up to `n_read`.
    faults
        One row per table, column and rule broken: `table`, `column`, `rule`, `n_rows`, `first_row`,
        `first_value`.
    fingerprint
        sha256 of what was read.
    checks
        What was found amiss but could be read all the same.
    """

    unit: Unit
    as_of: date
    currency: str
    con: BaseBackend
    tables: Mapping[str, ir.Table]
    present: Mapping[str, tuple[str, ...]]
    counts: pd.DataFrame
    faults: pd.DataFrame
    fingerprint: str
    checks: tuple[Check, ...]
    rejected: ir.Table
    """Rows set aside, one row per broken rule (columns as in `aside.Aside`); always embedded."""

    def __getitem__(self, table: str) -> ir.Table:
        """Return a table with all columns of its schema; one that the unit lacks is empty."""
        if table in self.tables:
            return self.tables[table]
        columns = schema(table).columns
        nothing = self.tables["transactions"].limit(0)
        return nothing.select(**{c: ibis.null(spec.dtype.type) for c, spec in columns.items()})

    def has(self, table: str, *columns: str) -> bool:
        """Return whether the unit gave this table, with all of these columns."""
        return table in self.present and set(columns) <= set(self.present[table])

    def write_rejected(self, folder: Path) -> list[Path]:
        """Write the rows set aside to `<folder>/<table>.csv`, one line per broken rule.

        The file opens well in a spreadsheet: it says that it is UTF-8, and values that would be taken
        for a formula are marked with an apostrophe.
        """
        return aside.write(self.rejected, self.faults, folder, Style(self.unit.language))


def open_book(unit: Unit) -> Book:
    """Open, check and cut the records of a unit.

    Parameters
    ----------
    unit
        Parameters; without `as_of`, the date of the last usable transaction counts, but no day that
        is still to come.

    Raises
    ------
    BookError
        Nothing usable can be made of the records; every reason at once.
    """
    origin = open_origin(unit)
    try:
        return _opened(unit, origin)
    except Exception as error:
        if origin.staged:
            raise
        origin.con.disconnect()
        raise error if isinstance(error, KamError) else server_fault(unit, error) from None


def _opened(unit: Unit, origin: Origin) -> Book:
    # transactions hold no outcome, so that they can be judged before `as_of` is known
    sales = _judge(origin, "transactions", unit, unit.as_of or date.max)
    as_of = unit.as_of or _last_day(sales)
    judged = {
        name: sales if name == "transactions" else _judge(origin, name, unit, as_of)
        for name in origin.tables
    }
    set_aside = Aside(origin.con if origin.staged else embedded(unit.time_zone))
    kept: dict[str, ir.Table] = {}
    counts: list[dict[str, Any]] = []
    for name, table in judged.items():
        kept[name], count = settle(origin, set_aside, table, unit, as_of)
        counts.append(count)
    faults = set_aside.faults()
    read = next(count for count in counts if count["table"] == "transactions")
    if not read["n_kept"]:
        raise BookError(*nothing_left(sales, read, faults, as_of))
    present = {name: table.columns for name, table in judged.items()}
    currency = relations.one_currency(unit, {n: kept[n] for n in kept if "currency" in present[n]})
    if "renewed_by" in present.get("contracts", ()):
        kept["contracts"] = relations.known_renewals(kept["contracts"])
    digest = origin.digest or fingerprint.of_tables(kept)
    kept["accounts"], checks = relations.every_account(origin, kept)
    return Book(
        unit=unit,
        as_of=as_of,
        currency=currency,
        con=origin.con,
        tables=kept,
        present=present,
        counts=pd.DataFrame(counts),
        faults=faults,
        fingerprint=digest,
        checks=(*checks, *relations.every_invoice(kept, as_of), rows_check(counts)),
        rejected=set_aside.table,
    )


def _judge(origin: Origin, name: str, unit: Unit, as_of: date) -> Judged:
    judged = judge(origin.tables[name], unit, as_of)
    return replace(judged, typed=origin.stage(judged.typed, f"typed_{name}"))


def _last_day(sales: Judged) -> date:
    rows, today = sales.typed, date.today()
    day = rows.filter(~rows.is_bad, rows.date <= ibis.date(today)).date.max().execute()
    return today if pd.isna(day) else pd.Timestamp(day).date()


def rows_check(counts: list[dict[str, Any]]) -> Check:
    """Return whether no row had to be set aside."""
    read, aside = (sum(c[key] for c in counts) for key in ("n_read", "n_set_aside"))
    key = "book.set_aside" if aside else "book.none_set_aside"
    return Check("rows_set_aside", aside == 0, Sentence(key, {"n": aside, "n_read": read}))
