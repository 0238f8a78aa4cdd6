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
from kamlib.book.schemas import schema
from kamlib.book.source import ROW, SOURCE, Origin, Raw, embedded, open_origin
from kamlib.errors import BookError
from kamlib.glossary import Sentence, sentences
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

        Values that a spreadsheet would take for a formula are marked with an apostrophe.
        """
        meaning = ibis.cases(
            *((self.rejected.rule == rule, text) for rule, text in _meanings().items()),
            else_=self.rejected.rule,
        )
        risky = self.rejected.value.re_search(r"^[=+\-@\t\r]")
        safe = risky.ifelse(ibis.literal("'") + self.rejected.value, self.rejected.value)
        shown = self.rejected.mutate(value=safe, meaning=meaning)
        written = []
        for name in self.faults["table"].unique():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.csv"
            rows = shown.filter(shown.table == name).order_by("source", "row", "column")
            rows.to_csv(path)
            written.append(path)
        return written


def _meanings() -> dict[str, str]:
    return {
        key.removeprefix("rule."): texts["en"]
        for key, texts in sentences().items()
        if key.startswith("rule.")
    }


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
    judged = {name: _judge(origin, raw, unit) for name, raw in origin.tables.items()}
    as_of = unit.as_of or _last_day(judged["transactions"])
    scratch = origin.con if origin.staged else embedded(unit.time_zone)
    kept: dict[str, ir.Table] = {}
    counts: list[dict[str, Any]] = []
    set_aside: list[ir.Table] = []
    for name, table in judged.items():
        known, rejected, count = _settle(origin, scratch, table, as_of)
        kept[name] = known
        set_aside += rejected
        counts.append(count)
    if not counts[[c["table"] for c in counts].index("transactions")]["n_kept"]:
        raise BookError(*_nothing_left(judged["transactions"], as_of))
    currency = _one_currency(unit, kept)
    for name, table in kept.items():
        kept[name] = _completed(name, _without_outcomes(name, table, as_of, kept))
    present = {name: table.columns for name, table in judged.items()}
    accounts, checks = _with_made_accounts(kept, "accounts" in present)
    kept["accounts"] = _stage(origin, accounts, "accounts_all")
    rejected_rows = scratch.create_table("set_aside", validate.stacked(scratch, set_aside))
    return Book(
        unit=unit,
        as_of=as_of,
        currency=currency,
        con=origin.con,
        tables=kept,
        present=present,
        counts=pd.DataFrame(counts),
        faults=_faults(rejected_rows),
        fingerprint=origin.digest or _digest(kept),
        checks=(*checks, *_clean_check(counts)),
        rejected=rejected_rows,
    )


def _judge(origin: Origin, raw: Raw, unit: Unit) -> validate.Judged:
    judged = validate.judge(raw, unit)
    if not origin.staged:
        return judged
    return replace(judged, typed=origin.con.create_table(f"typed_{raw.name}", judged.typed))


def _last_day(transactions: validate.Judged) -> date:
    usable = transactions.typed.filter(~transactions.typed.is_bad)
    day = usable.filter(usable.date <= ibis.date(date.today())).date.max().execute()
    if day is None or pd.isna(day):
        raise BookError(*_nothing_left(transactions, date.today()))
    return pd.Timestamp(day).date()


def _nothing_left(transactions: validate.Judged, as_of: date) -> list[str]:
    rows = transactions.typed
    n_read = int(rows.count().execute())
    if n_read == 0:
        return ["transactions: there are no rows below the header; export the file again"]
    n_later = int(rows.filter(transactions.later(rows, as_of)).count().execute())
    if n_later == n_read:
        first = pd.Timestamp(rows.date.min().execute()).date()
        return [
            f"transactions: all {n_read:,} rows lie after as_of {as_of}; the first is dated {first}; "
            "give a later as_of"
        ]
    rejected = transactions.rejected(as_of)
    meanings = _meanings()
    lines = []
    for column in (c.removesuffix("__fault") for c in rejected.columns if c.endswith("__fault")):
        hits = rejected.filter(rejected[f"{column}__fault"].notnull())
        worst = hits.group_by(f"{column}__fault").agg(
            n=hits.count(), first=hits[f"{column}__found"].min()
        )
        for rule, n, first in worst.execute().itertuples(index=False):
            found = f' (e.g. "{first}")' if first else ""
            lines.append(
                f"transactions.{column}: {n:,} of {n_read:,} rows – {meanings.get(rule, rule)}{found}"
            )
    return [f"transactions: none of the {n_read:,} rows can be used", *lines]


def _settle(
    origin: Origin, scratch: Any, judged: validate.Judged, as_of: date
) -> tuple[ir.Table, list[ir.Table], dict[str, Any]]:
    """Return the kept rows of one table, its rows set aside, and its counts."""
    name, rows = judged.raw.name, judged.typed
    malformed = validate.malformed_lines(judged.raw)
    known = judged.known(as_of)
    key = schema(name).metadata["key"]
    later = judged.later(rows, as_of)
    usable = ~rows.is_bad & ~later
    found = rows.aggregate(
        n_read=rows.count(),
        n_kept=rows.count(where=usable),
        n_bad=rows.count(where=rows.is_bad & ~later),
        n_later=rows.count(where=later),
        n_keyed=rows[key].count(where=usable) if key in judged.columns else ibis.literal(0),
        n_keys=rows[key].nunique(where=usable) if key in judged.columns else ibis.literal(0),
    )
    n = {k: int(v or 0) for k, v in found.execute().iloc[0].fillna(0).items()}
    n_set_aside = n["n_bad"] + len(malformed)
    parts: list[ir.Table] = []
    if len(malformed):
        parts.append(scratch.create_table(f"malformed_{name}", malformed))
    if n["n_bad"]:
        rejected = judged.rejected(as_of)
        local = rejected if origin.staged else rejected.to_pyarrow()
        parts.append(validate.unpivoted(judged, scratch.create_table(f"rejected_{name}", local)))
    if n["n_keyed"] > n["n_keys"]:
        known, surplus, contradicting = validate.repeated(known, key)
        for doubled, rule in ((surplus, "repeated"), (contradicting, "contradicting")):
            listed = validate.listed(judged, doubled, key, rule)
            parts.append(scratch.create_table(f"{rule}_{name}", listed.to_pyarrow()))
            n_set_aside += int(parts[-1].count().execute())
        n["n_kept"] = int(known.count().execute())
    count = {
        "table": name,
        "n_read": n["n_read"] + len(malformed),
        "n_kept": n["n_kept"],
        "n_set_aside": n_set_aside,
        "n_later": n["n_later"],
    }
    if count["n_read"] != count["n_kept"] + count["n_set_aside"] + count["n_later"]:
        raise AssertionError(f"rows of {name} do not add up: {count}")
    return known.drop(*(c for c in (ROW, SOURCE) if c in known.columns)), parts, count


def _stage(origin: Origin, table: ir.Table, name: str) -> ir.Table:
    return origin.con.create_table(name, table) if origin.staged else table


def _without_outcomes(
    name: str, table: ir.Table, as_of: date, kept: Mapping[str, ir.Table]
) -> ir.Table:
    """Make unknown what was not known yet: outcomes after `as_of`, with their companions."""
    changed: dict[str, Any] = {}
    for outcome, companions in schema(name).metadata["until"].items():
        if outcome not in table.columns:
            continue
        to_come = (table[outcome].cast("date") > ibis.date(as_of)).fill_null(False)
        for column in (outcome, *companions):
            if column in table.columns:
                changed[column] = to_come.ifelse(ibis.null(table[column].type()), table[column])
    table = table.mutate(**changed)
    if name == "contracts" and "renewed_by" in table.columns:
        # a renewal that starts later is not there yet, so nothing may point to it
        there = kept["contracts"].select(renewal=lambda t: t.contract_id)
        joined = table.left_join(there, table.renewed_by == there.renewal)
        table = joined.mutate(renewed_by=joined.renewal).drop("renewal")
    return table


def _completed(name: str, table: ir.Table) -> ir.Table:
    columns = schema(name).columns
    return table.select(
        **{
            c: table[c] if c in table.columns else ibis.null(spec.dtype.type)
            for c, spec in columns.items()
        }
    )


def _one_currency(unit: Unit, kept: Mapping[str, ir.Table]) -> str:
    found: dict[str, str] = {}
    for name, table in kept.items():
        if "currency" in table.columns:
            codes = table.filter(table.currency.notnull()).currency.upper().name("code")
            for code in codes.as_table().distinct().code.execute():
                found.setdefault(code, name)
    known = {unit.currency, *unit.rates} - {""}
    strange = sorted(set(found) - known)
    if (unit.currency and strange) or (not unit.currency and len(found) > 1):
        where = ", ".join(f"{code} in {found[code]}" for code in (strange or sorted(found)))
        raise BookError(
            f"currencies are mixed ({where}); state `currency`, and under `rates` what one unit of "
            "each other currency is worth in it"
        )
    return unit.currency or next(iter(found), "")


def _with_made_accounts(kept: Mapping[str, ir.Table], given: bool) -> tuple[ir.Table, list[Check]]:
    columns = schema("accounts").columns
    named = [t.select("account_id") for name, t in kept.items() if name != "accounts"
             and "account_id" in t.columns]  # fmt: skip
    every = ibis.union(*named, distinct=True) if len(named) > 1 else named[0].distinct()
    every = every.filter(every.account_id.notnull())
    if not given:
        made = every
        listed = None
    else:
        listed = kept["accounts"]
        made = every.anti_join(listed, "account_id")
    blank = made.select(
        **{
            c: made.account_id if c == "account_id" else ibis.null(spec.dtype.type)
            for c, spec in columns.items()
        }
    )
    if listed is None:
        return blank, []
    sales = kept["transactions"]
    unknown = sales.anti_join(listed, "account_id")
    n, part, whole = (
        int(made.count().execute()),
        float(unknown.amount.sum().fill_null(0.0).execute()),
        float(sales.amount.sum().fill_null(0.0).execute()),
    )
    check = Check(
        "accounts_known",
        n == 0,
        Sentence("book.unknown_accounts" if n else "book.accounts_known", {"n": n, "revenue": part,
                 "share": part / whole if whole else None}),
    )  # fmt: skip
    return listed.union(blank), [check]


def _clean_check(counts: list[dict[str, Any]]) -> list[Check]:
    read, aside = (sum(c[key] for c in counts) for key in ("n_read", "n_set_aside"))
    values = {"n": aside, "n_read": read}
    key = "book.set_aside" if aside else "book.none_set_aside"
    return [Check("rows_set_aside", aside == 0, Sentence(key, values))]


def _faults(rejected: ir.Table) -> pd.DataFrame:
    grouped = rejected.group_by("table", "column", "rule").agg(
        n_rows=rejected.count(),
        first_row=rejected.row.min(),
        first_value=rejected.value.argmin(rejected.row),
    )
    return grouped.order_by("table", ibis.desc("n_rows"), "column", "rule").execute()


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
