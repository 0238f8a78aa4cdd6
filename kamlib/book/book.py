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

from kamlib.book import validate
from kamlib.book.files import quoted
from kamlib.book.schemas import schema
from kamlib.book.source import ROW, SOURCE, Origin, embedded, open_origin, server_fault
from kamlib.errors import BookError, KamError
from kamlib.glossary import Sentence, Style, say
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
    """Rows set aside, one row per broken rule (columns `validate.REJECTED`); always embedded."""

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
        style = Style(self.unit.language)
        rules = {
            rule: say(Sentence(f"rule.{rule}"), style) for rule in self.faults["rule"].unique()
        }
        meanings = [(self.rejected.rule == rule, text) for rule, text in rules.items()]
        columns = {c: self.rejected[c] for c in self.rejected.columns}
        safe = {c: _not_a_formula(columns[c]) for c in ("source", "record", "value")}
        written = []
        for name in self.faults["table"].unique():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.csv"
            rows = self.rejected.select(**(columns | safe), meaning=ibis.cases(*meanings, else_=""))
            rows = rows.filter(rows.table == name).order_by("source", "row", "record", "column")
            # the mark of UTF-8, which a spreadsheet needs, as part of the first heading
            query = ibis.to_sql(rows.rename({"\ufefftable": "table"}), dialect="duckdb")
            engine: Any = self.rejected.get_backend()
            engine.raw_sql(f"copy ({query}) to {quoted(str(path))} (format csv, header)")
            written.append(path)
        return written


def _not_a_formula(text: Any) -> Any:
    risky = text.re_search("^ *[-=+@\t\r\n＝＋－＠]")
    return risky.ifelse(ibis.literal("'") + text, text)


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
    except KamError:
        raise
    except Exception as error:
        if origin.staged:
            raise
        raise server_fault(unit, error) from None


def _opened(unit: Unit, origin: Origin) -> Book:
    # transactions hold no outcome, so that they can be judged before `as_of` is known
    sales = _judge(origin, "transactions", unit, unit.as_of or date.max)
    as_of = unit.as_of or _last_day(sales)
    judged = {
        name: sales if name == "transactions" else _judge(origin, name, unit, as_of)
        for name in origin.tables
    }
    scratch = origin.con if origin.staged else embedded(unit.time_zone)
    kept: dict[str, ir.Table] = {}
    counts: list[dict[str, Any]] = []
    set_aside: list[ir.Table] = []
    for name, table in judged.items():
        kept[name], rejected, count = _settle(origin, scratch, table, as_of)
        set_aside += rejected
        counts.append(count)
    rejected_rows = validate.stacked(scratch, set_aside)
    faults = _faults(rejected_rows)
    read = next(count for count in counts if count["table"] == "transactions")
    if not read["n_kept"]:
        raise BookError(*_nothing_left(sales, read, faults, as_of))
    present = {name: table.columns for name, table in judged.items()}
    currency = _one_currency(unit, {n: kept[n] for n in kept if "currency" in present[n]})
    if "renewed_by" in present.get("contracts", ()):
        kept["contracts"] = _renewed(kept["contracts"])
    fingerprint = origin.digest or _digest(kept)
    listed = kept.get("accounts")
    kept["accounts"] = _every_account(origin, kept)
    checks = [] if listed is None else [_accounts_check(listed, kept)]
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
        rejected=rejected_rows,
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
    origin: Origin, scratch: Any, judged: validate.Judged, as_of: date
) -> tuple[ir.Table, list[ir.Table], dict[str, Any]]:
    """Return the kept rows of one table, its rows set aside, and its counts."""
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
    parts: list[ir.Table] = []
    n_set_aside = n["n_bad"]
    malformed = validate.malformed_lines(judged.raw)
    if len(malformed):
        parts.append(scratch.create_table(f"malformed_{name}", malformed))
        n_set_aside += len(malformed)
        n["n_read"] += len(malformed)
    if n["n_bad"]:
        rejected = judged.rejected(as_of)
        local = rejected if origin.staged else rejected.to_pyarrow()
        parts.append(validate.unpivoted(judged, scratch.create_table(f"rejected_{name}", local)))
    if n.get("n_keyed", 0) > n.get("n_keys", 0):
        known, surplus, contradicting = validate.repeated(known, key)
        known = _stage(origin, known, f"usable_{name}")
        for doubled, rule in ((surplus, "repeated"), (contradicting, "contradicting")):
            listed = validate.listed(judged, doubled, key, rule)
            parts.append(scratch.create_table(f"{rule}_{name}", listed.to_pyarrow()))
            n_set_aside += int(parts[-1].count().execute())
        n["n_kept"] = int(known.count().execute())
    if n["n_read"] != n["n_kept"] + n_set_aside + n["n_later"]:
        raise BookError(f"{name}: its rows changed while they were read; run again")
    count = {
        "table": name,
        "n_read": n["n_read"],
        "n_kept": n["n_kept"],
        "n_set_aside": n_set_aside,
        "n_later": n["n_later"],
    }
    return known.drop(*(c for c in (ROW, SOURCE) if c in known.columns)), parts, count


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


def _every_account(origin: Origin, kept: Mapping[str, ir.Table]) -> ir.Table:
    """Return the accounts with those added that only other tables name, their attributes unknown."""
    named = [table.select("account_id") for name, table in kept.items()
             if name != "accounts" and "account_id" in table.columns]  # fmt: skip
    made = ibis.union(*named).distinct()
    made = made.filter(made.account_id.notnull())
    if "accounts" in kept:
        made = made.anti_join(kept["accounts"], "account_id")
    columns = schema("accounts").columns
    blank = {c: ibis.null(spec.dtype.type) for c, spec in columns.items() if c != "account_id"}
    every = made.mutate(**blank).select(*columns)
    if "accounts" in kept:
        every = kept["accounts"].union(every)
    return _stage(origin, every, "accounts_all")


def _accounts_check(listed: ir.Table, kept: Mapping[str, ir.Table]) -> Check:
    n = int(kept["accounts"].count().execute()) - int(listed.count().execute())
    if not n:
        return Check("accounts_known", True, Sentence("book.accounts_known"))
    sales = kept["transactions"]
    unknown = sales.anti_join(listed, "account_id").amount.sum()
    part, whole = (float(total.fill_null(0.0).execute()) for total in (unknown, sales.amount.sum()))
    values = {"n": n, "revenue": part, "share": part / whole if whole else None}
    return Check("accounts_known", False, Sentence("book.unknown_accounts", values))


def _rows_check(counts: list[dict[str, Any]]) -> Check:
    read, aside = (sum(c[key] for c in counts) for key in ("n_read", "n_set_aside"))
    key = "book.set_aside" if aside else "book.none_set_aside"
    return Check("rows_set_aside", aside == 0, Sentence(key, {"n": aside, "n_read": read}))


def _faults(rejected: ir.Table) -> pd.DataFrame:
    grouped = rejected.group_by("table", "column", "rule").agg(
        n_rows=rejected.count(),
        first_row=rejected.row.min(),
        # a database knows no order of rows: any of them will do
        first_value=rejected.value.argmin(rejected.row.fill_null(0)),
    )
    found: pd.DataFrame = grouped.order_by("table", ibis.desc("n_rows"), "column", "rule").execute()
    return found


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
