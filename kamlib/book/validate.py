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

from kamlib.book.parse import Parsed, Rule, parse
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
    typed
        One row per source row: typed columns, where the row stands, and `is_bad`.
    explained
        The same rows with the text found as `<column>__found`, the first rule broken as
        `<column>__fault`, the columns that date the row, and where it stands.
    """

    raw: Raw
    columns: tuple[str, ...]
    typed: ir.Table
    explained: ir.Table

    def known(self, as_of: date) -> ir.Table:
        """Return the typed rows that break no rule and were known at the end of `as_of`."""
        rows = self.typed
        return rows.filter(~rows.is_bad, ~self.later(rows, as_of)).drop("is_bad")

    def rejected(self, as_of: date) -> ir.Table:
        """Return the explained rows that break a rule."""
        rows = self.explained
        broken = [rows[c].notnull() for c in rows.columns if c.endswith(("__fault", FAULT))]
        return rows.filter(_any(broken), ~self.later(rows, as_of))

    def later(self, rows: ir.Table, as_of: date) -> Any:
        """Return the expression that is true where a row was not known at the end of `as_of`."""
        dates = _dating(self.raw.name, self.columns)
        return _any([(rows[c].cast("date") > ibis.date(as_of)).fill_null(False) for c in dates])


def _dating(table: str, columns: tuple[str, ...]) -> list[str]:
    return [c for c in (schema(table).metadata["own_date"], "recorded_on") if c in columns]


def _any(conditions: list[Any]) -> Any:
    return reduce(or_, conditions, ibis.literal(False))


def judge(raw: Raw, unit: Unit) -> Judged:
    """Return `raw` with every row typed and judged by the rules of its schema.

    Notes
    -----
    Rules, in the order in which the first that fails names the fault of a column: a value that
    cannot be read, a missing value, the vocabulary, the range, the size of money, and dates in the
    wrong order. An adapter's own rule stands beside them.
    """
    contract = schema(raw.name)
    source = raw.table
    columns = tuple(c for c in contract.columns if c in source.columns)
    parsed = {c: _parsed(source[c], contract.columns[c], raw, unit) for c in columns}
    values = {c: p.value for c, p in parsed.items()}
    rules = {c: p.rules + _contract(p.value, contract.columns[c], unit) for c, p in parsed.items()}
    for first, second in contract.metadata["order"]:
        if first in columns and second in columns:
            wrong = (values[first] > values[second]).fill_null(False)
            rules[second].append((wrong, "before_its_start"))
    places = {c: source[c] for c in (ROW, SOURCE) if c in source.columns}
    broken = [condition for one in rules.values() for condition, _ in one]
    if FAULT in source.columns:
        broken.append(source[FAULT].notnull())
        marks = {FAULT: source[FAULT]}
    else:
        marks = {}
    typed = source.select(**values, **places, is_bad=_any(broken))
    explained = source.select(
        **{c: values[c] for c in _dating(raw.name, columns)},
        **{f"{c}__found": source[c].cast("string") for c in columns},
        **{f"{c}__fault": _first(one) for c, one in rules.items() if one},
        **places,
        **marks,
    )
    return Judged(raw, columns, typed, explained)


def _first(rules: list[Rule]) -> Any:
    branches = [(broken, ibis.literal(code)) for broken, code in rules]
    return ibis.cases(*branches, else_=ibis.null("string"))


def _parsed(column: ir.Value, spec: pa.Column, raw: Raw, unit: Unit) -> Parsed:
    value, rules = parse(column, spec.dtype.type, raw.settings)
    if vocabulary(spec) is not None and spec.dtype.type.is_string():
        value = value.lower().re_replace(r"[-\s]+", "_")
    if spec.metadata["money"] and "currency" in raw.table.columns and unit.rates:
        code = raw.table.currency.cast("string").strip().upper()
        rate = ibis.cases(
            *((code == other, float(rate)) for other, rate in unit.rates.items()), else_=1.0
        )
        value = value * rate
    return Parsed(value, rules)


def _contract(value: Any, spec: pa.Column, unit: Unit) -> list[Rule]:
    rules: list[Rule] = []
    if not spec.nullable:
        rules.append((value.isnull(), "missing"))
    allowed = vocabulary(spec)
    if allowed is not None:
        rules.append((value.notin(allowed).fill_null(False), "not_allowed"))
    low, high = limits(spec)
    if low is not None:
        rules.append(((value < low).fill_null(False), "too_small"))
    if high is not None:
        rules.append(((value > high).fill_null(False), "too_large"))
    if spec.metadata["money"]:
        huge = (value.abs() > unit.book.max_amount).fill_null(False)
        rules.append((huge, "beyond_max_amount"))
    return rules


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
        if f"{c}__fault" in rejected.columns
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


def listed(judged: Judged, rows: ir.Table, key: str, rule: str) -> ir.Table:
    """Return rows that share their key as rows of the columns `REJECTED`."""
    return rows.select(
        table=ibis.literal(judged.raw.name),
        source=rows[SOURCE] if SOURCE in rows.columns else ibis.literal(judged.raw.where),
        row=rows[ROW] if ROW in rows.columns else ibis.null("int64"),
        column=ibis.literal(key),
        rule=ibis.literal(rule),
        value=rows[key],
    )


def stacked(con: Any, parts: list[ir.Table]) -> ir.Table:
    """Return all rows set aside as one table of the columns `REJECTED`; empty where there are none."""
    schema_ = ibis.schema({c: "int64" if c == "row" else "string" for c in REJECTED})
    empty = con.create_table("nothing_set_aside", schema=schema_)
    return ibis.union(empty, *(part.select(*REJECTED).cast(schema_) for part in parts))


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
