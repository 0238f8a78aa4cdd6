"""The book of business: all tables of one unit as they were known at the end of one day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from kamlib.book import aside, validate
from kamlib.book.aside import Aside
from kamlib.book.files import ROW, SOURCE
from kamlib.book.schemas import schema
from kamlib.book.source import Origin, embedded, open_origin, server_fault
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
        kept[name], count = _settle(origin, set_aside, table, unit, as_of)
        counts.append(count)
    faults = set_aside.faults()
    read = next(count for count in counts if count["table"] == "transactions")
    if not read["n_kept"]:
        raise BookError(*_nothing_left(sales, read, faults, as_of))
    present = {name: table.columns for name, table in judged.items()}
    currency = _one_currency(unit, {n: kept[n] for n in kept if "currency" in present[n]})
    if "renewed_by" in present.get("contracts", ()):
        kept["contracts"] = _renewed(kept["contracts"])
    fingerprint = origin.digest or _digest(kept)
    kept["accounts"], checks = _every_account(origin, kept)
    return Book(
        unit=unit,
        as_of=as_of,
        currency=currency,
        con=origin.con,
        tables=kept,
        present=present,
        counts=pd.DataFrame(counts),
        faults=faults,
        fingerprint=fingerprint,
        checks=(*checks, _rows_check(counts)),
        rejected=set_aside.table,
    )


def _judge(origin: Origin, name: str, unit: Unit, as_of: date) -> validate.Judged:
    judged = validate.judge(origin.tables[name], unit, as_of)
    return replace(judged, typed=_stage(origin, judged.typed, f"typed_{name}"))


def _stage(origin: Origin, table: ir.Table, name: str) -> ir.Table:
    return origin.con.create_table(name, table) if origin.staged else table


def _last_day(sales: validate.Judged) -> date:
    rows, today = sales.typed, date.today()
    day = rows.filter(~rows.is_bad, rows.date <= ibis.date(today)).date.max().execute()
    return today if pd.isna(day) else pd.Timestamp(day).date()


def _nothing_left(
    sales: validate.Judged, read: dict[str, Any], faults: pd.DataFrame, as_of: date
) -> list[str]:
    """Return why no transaction is left, one sentence per reason."""
    n_read, n_later = read["n_read"], read["n_later"]
    if not n_read:
        where = sales.raw.where
        return [f"transactions: {where} has no rows below its header; export it again"]
    lines = []
    if n_later:
        rows = sales.typed
        late = rows.filter(sales.later(rows, as_of)).date.min().execute()
        lines.append(
            f"transactions.date: {n_later:,} of {n_read:,} rows lie after as_of {as_of}, the first of "
            f"them on {pd.Timestamp(late).date()}; give a later as_of"
        )
    for fault in faults[faults["table"] == "transactions"].to_dict("records"):
        where = ".".join(filter(None, ("transactions", fault["column"])))
        row = "" if pd.isna(fault["first_row"]) else f"row {fault['first_row']:.0f}"
        value = "" if pd.isna(fault["first_value"]) else f'"{fault["first_value"]}"'
        first = ", ".join(filter(None, (row, value)))
        rule = Sentence(f"rule.{fault['rule']}")
        found = f" (first: {first})" if first else ""
        lines.append(f"{where}: {fault['n_rows']:,} of {n_read:,} rows – {rule}{found}")
    return [f"transactions: none of the {n_read:,} rows read can be used", *lines]


def _settle(
    origin: Origin, set_aside: Aside, judged: validate.Judged, unit: Unit, as_of: date
) -> tuple[ir.Table, dict[str, Any]]:
    """Return the kept rows of one table and its counts; add its other rows to those set aside."""
    name, rows = judged.raw.name, judged.typed
    key = schema(name).metadata["key"]
    later = judged.later(rows, as_of)
    usable = ~rows.is_bad & ~later
    measures = {
        "n_read": rows.count(),
        "n_kept": rows.count(where=usable),
        "n_bad": rows.count(where=rows.is_bad & ~later),
        "n_later": rows.count(where=later),
    }
    if key in judged.columns:
        measures["n_keyed"] = rows[key].count(where=usable)
        measures["n_keys"] = rows[key].nunique(where=usable)
    n = {label: int(value) for label, value in rows.aggregate(**measures).execute().iloc[0].items()}
    known = judged.known(as_of)
    n_malformed = set_aside.add_lines(judged.raw)
    n_double = 0
    if n["n_bad"]:
        again = validate.judge_again(judged, unit, as_of)
        set_aside.add_rejected(again, _local(origin, again.rejected(as_of)))
    if n.get("n_keyed", 0) > n.get("n_keys", 0):
        known, doubles = validate.repeated(known, key)
        known = _stage(origin, known, f"usable_{name}")
        n_double = set_aside.add_doubles(judged, _local(origin, doubles), key)
        n["n_kept"] = int(known.count().execute())
    count: dict[str, Any] = {
        "table": name,
        "n_read": n["n_read"] + n_malformed,
        "n_kept": n["n_kept"],
        "n_set_aside": n["n_bad"] + n_malformed + n_double,
        "n_later": n["n_later"],
    }
    if count["n_read"] != count["n_kept"] + count["n_set_aside"] + count["n_later"]:
        raise BookError(f"{name}: its rows changed while they were read; run again")
    return known.drop(*(c for c in (ROW, SOURCE) if c in known.columns)), count


def _local(origin: Origin, rows: ir.Table) -> Any:
    return rows if origin.staged else rows.to_pyarrow()


def _renewed(contracts: ir.Table) -> ir.Table:
    """Make renewals unknown that are not there: they start later, or were set aside."""
    there = contracts.renewed_by.isin(contracts.view().contract_id)
    return contracts.mutate(renewed_by=there.ifelse(contracts.renewed_by, ibis.null("string")))


def _one_currency(unit: Unit, tables: Mapping[str, ir.Table]) -> str:
    """Return the currency of all money, of which these tables name one."""
    found: dict[str, str] = {}
    for name, table in tables.items():
        for code in table.select(code=table.currency.upper()).distinct().code.execute():
            if code:
                found.setdefault(code, name)
    strange = sorted(set(found) - {unit.currency}) if unit.currency else sorted(found)
    if strange and (unit.currency or len(strange) > 1):
        where = ", ".join(f"{code} in {found[code]}" for code in strange)
        raise BookError(
            f"currencies are mixed ({where}); state `currency`, and under `rates` what one unit of "
            "each other currency is worth in it"
        )
    return unit.currency or next(iter(found), "")


def _unlisted(kept: Mapping[str, ir.Table]) -> ir.Table:
    """Return the `account_id` of every account that only tables other than `accounts` name."""
    named = [table.select("account_id") for name, table in kept.items()
             if name != "accounts" and "account_id" in table.columns]  # fmt: skip
    ids = ibis.union(*named).distinct()
    ids = ids.filter(ids.account_id.notnull())
    return ids.anti_join(kept["accounts"], "account_id") if "accounts" in kept else ids


def _every_account(origin: Origin, kept: Mapping[str, ir.Table]) -> tuple[ir.Table, list[Check]]:
    """Return the accounts with those added that are not listed, their attributes unknown."""
    made = _stage(origin, _unlisted(kept), "accounts_made")
    columns = schema("accounts").columns
    blank = {c: ibis.null(spec.dtype.type) for c, spec in columns.items() if c != "account_id"}
    every = made.mutate(**blank).select(*columns)
    if "accounts" not in kept:
        return every, []
    n = int(made.count().execute())
    if not n:
        return kept["accounts"], [Check("accounts_known", True, Sentence("book.accounts_known"))]
    sales = kept["transactions"]
    unknown = sales.semi_join(made, "account_id").amount.sum()
    part, whole = (float(total.fill_null(0.0).execute()) for total in (unknown, sales.amount.sum()))
    values = {"n": n, "revenue": part, "share": part / whole if whole else None}
    check = Check("accounts_known", False, Sentence("book.unknown_accounts", values))
    return kept["accounts"].union(every), [check]


def _rows_check(counts: list[dict[str, Any]]) -> Check:
    read, aside = (sum(c[key] for c in counts) for key in ("n_read", "n_set_aside"))
    key = "book.set_aside" if aside else "book.none_set_aside"
    return Check("rows_set_aside", aside == 0, Sentence(key, {"n": aside, "n_read": read}))


def _digest(kept: Mapping[str, ir.Table]) -> str:
    """Return a fingerprint of records that have no file: counts, dates and rounded sums."""
    total = hashlib.sha256()
    for name in sorted(kept):
        table = kept[name]
        measures: dict[str, Any] = {"n": table.count()}
        for column in table.columns:
            kind = table[column].type()
            if kind.is_numeric():
                measures[f"{column}_sum"] = table[column].sum()
            elif kind.is_temporal():
                measures |= {
                    f"{column}_min": table[column].min(),
                    f"{column}_max": table[column].max(),
                }
            elif kind.is_string():
                measures[f"{column}_n"] = table[column].nunique()
        row = table.aggregate(**measures).execute().iloc[0]
        for label, value in row.items():
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            total.update(f"{name}.{label}={shown};".encode())
    return total.hexdigest()
