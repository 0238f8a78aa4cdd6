"""All rules at once: every row is kept, set aside with its reasons, or later than `as_of`.

The pandera schemas state the contract; here it becomes one Ibis expression per table, so that the
rows are judged where they are. Only rows that are set aside leave the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pandera.ibis as pa

from kamlib.book.parse import Parsed, parse
from kamlib.book.schemas import limits, schema, vocabulary
from kamlib.book.source import FAULT, ROW, SOURCE, Raw
from kamlib.params import Unit

REJECTED = ("table", "source", "row", "column", "rule", "value")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One table with its rows judged.

    Attributes
    ----------
    raw
        The table as it was found.
    columns
        Our columns that the source has.
    rows
        One row per source row: typed columns, the text found as `<column>__found`, the fault as
        `<column>__fault`, and where the row stands.
    slim
        The same rows with only the typed columns, where they stand, and `is_bad`.
    """

    raw: Raw
    columns: tuple[str, ...]
    rows: ir.Table
    slim: ir.Table

    def known(self, as_of: date) -> ir.Table:
        """Return the typed rows that break no rule and were known at the end of `as_of`."""
        rows = self.slim
        return rows.filter(~rows.is_bad, ~later(self, rows, as_of)).drop("is_bad")

    def rejected(self, as_of: date) -> ir.Table:
        """Return the judged rows that break a rule, with what was found in them."""
        return self.rows.filter(_is_bad(self.rows, self.columns), ~later(self, self.rows, as_of))


def later(judged: Judged, rows: ir.Table, as_of: date) -> Any:
    """Return the expression that is true where a row was not known at the end of `as_of`."""
    own = schema(judged.raw.name).metadata["own_date"]
    dates = [c for c in (own, "recorded_on") if c in judged.columns]
    conditions = [(rows[c].cast("date") > ibis.date(as_of)).fill_null(False) for c in dates]
    return reduce(or_, conditions, ibis.literal(False))


def _is_bad(rows: ir.Table, columns: tuple[str, ...]) -> Any:
    broken = [rows[f"{c}__fault"].notnull() for c in columns]
    if FAULT in rows.columns:
        broken.append(rows[FAULT].notnull())
    return reduce(or_, broken)


def judge(raw: Raw, unit: Unit) -> Judged:
    """Return `raw` with every row typed and judged by the rules of its schema.

    Notes
    -----
    Rules, in the order in which the first that fails names the fault of a column: the adapter's
    own, a value that cannot be read, a missing value, the vocabulary, the range, the size of money,
    and dates in the wrong order. Blank rows were never records.
    """
    contract = schema(raw.name)
    source = raw.table
    columns = tuple(c for c in contract.columns if c in source.columns)
    parsed = {c: _parsed(source[c], contract.columns[c], raw, unit) for c in columns}
    typed = source.select(
        **{c: p.value for c, p in parsed.items()},
        **{f"{c}__found": source[c].cast("string") for c in columns},
        **{f"{c}__fault": p.fault for c, p in parsed.items()},
        **{c: source[c] for c in (ROW, SOURCE, FAULT) if c in source.columns},
    )
    faults = {c: _contract_fault(typed, c, contract.columns[c], unit) for c in columns}
    for first, second in contract.metadata["order"]:
        if first in columns and second in columns:
            wrong = (typed[first] > typed[second]).fill_null(False)
            faults[second] = faults[second].fill_null(
                wrong.ifelse(ibis.literal("before_its_start"), ibis.null("string"))
            )
    rows = typed.mutate(**{f"{c}__fault": fault for c, fault in faults.items()})
    slim = rows.select(
        *columns, *(c for c in (ROW, SOURCE) if c in source.columns), is_bad=_is_bad(rows, columns)
    )
    return Judged(raw, columns, rows, slim)


def _parsed(column: ir.Value, spec: pa.Column, raw: Raw, unit: Unit) -> Parsed:
    value, fault = parse(column, spec.dtype.type, raw.settings)
    if vocabulary(spec) is not None and spec.dtype.type.is_string():
        value = value.lower().re_replace(r"[-\s]+", "_")
    if spec.metadata["money"] and "currency" in raw.table.columns and unit.rates:
        code = raw.table.currency.cast("string").strip().upper()
        rate = ibis.cases(
            *((code == other, float(rate)) for other, rate in unit.rates.items()), else_=1.0
        )
        value = value * rate
    return Parsed(value, fault)


def _contract_fault(rows: ir.Table, column: str, spec: pa.Column, unit: Unit) -> Any:
    value, fault = rows[column], rows[f"{column}__fault"]
    branches: list[tuple[Any, Any]] = [(fault.notnull(), fault)]
    if not spec.nullable:
        branches.append((value.isnull(), ibis.literal("missing")))
    allowed = vocabulary(spec)
    if allowed is not None:
        branches.append((value.notin(allowed).fill_null(False), ibis.literal("not_allowed")))
    low, high = limits(spec)
    if low is not None:
        branches.append(((value < low).fill_null(False), ibis.literal("too_small")))
    if high is not None:
        branches.append(((value > high).fill_null(False), ibis.literal("too_large")))
    if spec.metadata["money"]:
        huge = (value.abs() > unit.book.max_amount).fill_null(False)
        branches.append((huge, ibis.literal("beyond_max_amount")))
    return ibis.cases(*branches, else_=ibis.null("string"))


def unpivoted(judged: Judged, rejected: ir.Table) -> ir.Table:
    """Return one row per broken rule of the rejected rows: the columns of `REJECTED`."""

    def part(column: str, rule: Any, value: Any, condition: Any) -> ir.Table:
        where = ibis.literal(judged.raw.where)
        return rejected.filter(condition).select(
            table=ibis.literal(judged.raw.name),
            source=rejected[SOURCE] if SOURCE in rejected.columns else where,
            row=rejected[ROW] if ROW in rejected.columns else ibis.null("int64"),
            column=column if isinstance(column, ir.Value) else ibis.literal(column),
            rule=rule,
            value=value,
        )

    parts = [
        part(c, rejected[f"{c}__fault"], rejected[f"{c}__found"], rejected[f"{c}__fault"].notnull())
        for c in judged.columns
    ]
    if FAULT in rejected.columns:
        pair = rejected[FAULT].split(":")
        found = ibis.cases(
            *((pair[0] == c, rejected[f"{c}__found"]) for c in judged.columns),
            else_=ibis.null("string"),
        )
        parts.append(part(pair[0], pair[1], found, rejected[FAULT].notnull()))
    return ibis.union(*parts)


def malformed_lines(raw: Raw) -> pd.DataFrame:
    """Return the lines that are no records as rows of the columns `REJECTED`."""
    lines = raw.malformed
    return pd.DataFrame(
        {
            "table": raw.name,
            "source": lines.get("source", pd.Series(dtype=object)),
            "row": lines.get("row", pd.Series(dtype="int64")),
            "column": "",
            "rule": "not_a_record",
            "value": lines.get("value", pd.Series(dtype=object)),
        },
        columns=list(REJECTED),
    )


def repeated(known: ir.Table, key: str) -> tuple[ir.Table, ir.Table, ir.Table]:
    """Split rows by their key: usable rows, identical copies, and contradicting rows.

    Parameters
    ----------
    known
        Rows that break no other rule.
    key
        Column whose values must be unique; rows without one are usable.

    Returns
    -------
    tuple
        Usable rows (one of each identical set among them), surplus copies, and rows whose key stands
        with different contents, all of which are unusable.
    """
    places = [c for c in (SOURCE, ROW) if c in known.columns]
    contents = [c for c in known.columns if c not in places]
    counts = known.filter(known[key].notnull()).group_by(key).agg(n_rows=known.count())
    doubled = counts.filter(counts.n_rows > 1)
    same = known.semi_join(doubled, key)
    distinct = same.select(contents).distinct()
    variants = distinct.group_by(key).agg(n_variants=distinct.count())
    identical = same.semi_join(variants.filter(variants.n_variants == 1), key)
    order = ibis.window(group_by=key, order_by=places or [key])
    ranked = identical.mutate(copy=ibis.row_number().over(order))
    usable = known.anti_join(doubled, key).union(ranked.filter(ranked.copy == 0).drop("copy"))
    contradicting = same.semi_join(variants.filter(variants.n_variants > 1), key)
    return usable, ranked.filter(ranked.copy > 0).drop("copy"), contradicting
