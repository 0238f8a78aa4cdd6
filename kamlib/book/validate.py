"""All rules at once: every row is kept, set aside with its reasons, or later than `as_of`.

The pandera schemas state the contract; here it becomes one Ibis expression per table, so that the
rows are judged where they are. Only rows that are set aside leave the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir
import pandera.ibis as pa

from kamlib.book.parse import Parsed, Rule, parse
from kamlib.book.raw import FAULT, ROW, SOURCE, Raw
from kamlib.book.schemas import limits, schema, vocabulary
from kamlib.params import Unit


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One table with its rows judged.

    Attributes
    ----------
    raw
        The table as it was found.
    read
        The same with what reading its texts needs.
    values
        Our columns that the source has -> their typed values, over `read`.
    rules
        The same columns -> the rules that a row can break there, in the order in which they name a fault.
    typed
        One row per source row: all columns of the schema (null where the source has none), where the
        row stands, and `is_bad`.
    """

    raw: Raw
    read: ir.Table
    values: Mapping[str, Any]
    rules: Mapping[str, list[Rule]]
    typed: ir.Table

    @property
    def columns(self) -> tuple[str, ...]:
        """Our columns that the source has."""
        return tuple(self.values)

    def known(self, as_of: date) -> ir.Table:
        """Return the typed rows that break no rule and were known at the end of `as_of`."""
        rows = self.typed
        return rows.filter(~rows.is_bad, ~self.later(rows, as_of)).drop("is_bad")

    def rejected(self, as_of: date) -> ir.Table:
        """Return the rows that break a rule and were known at the end of `as_of`.

        The text found stands in `<column>__found`, the first rule broken in `<column>__fault`, what
        the row is called (its own identifier, else its account) in `record`.
        """
        read, own = self.read, schema(self.raw.name).metadata["key"]
        found = {c: read[c].cast("string") for c in self.columns}
        rows = read.select(
            **{c: self.values[c] for c in _dating(self.raw.name) if c in self.values},
            **{f"{c}__found": text for c, text in found.items()},
            **{f"{c}__fault": _first(rules) for c, rules in self.rules.items() if rules},
            **{c: read[c] for c in (ROW, SOURCE, FAULT) if c in read.columns},
            record=ibis.coalesce(*(found[c] for c in (own, "account_id") if c in found), _none()),
            is_bad=_broken(read, self.rules),
        )
        # the dates were for the cut only: a day that the engine knows may be none outside it
        needless = [c for c in _dating(self.raw.name) if c in self.values]
        return rows.filter(rows.is_bad, ~self.later(rows, as_of)).drop("is_bad", *needless)

    def later(self, rows: ir.Table, as_of: date) -> Any:
        """Return the expression that is true where a row was not known at the end of `as_of`."""
        dates = [c for c in _dating(self.raw.name) if c in self.values]
        return _any([(rows[c].cast("date") > ibis.date(as_of)).fill_null(False) for c in dates])


def _dating(table: str) -> tuple[str, ...]:
    return (schema(table).metadata["own_date"], "recorded_on")


def _any(conditions: list[Any]) -> Any:
    return reduce(or_, conditions) if conditions else ibis.literal(False)


def _broken(read: ir.Table, rules: Mapping[str, list[Rule]]) -> Any:
    broken = [condition for one in rules.values() for condition, _ in one]
    return _any([*broken, read[FAULT].notnull()] if FAULT in read.columns else broken)


def _none() -> Any:
    return ibis.null("string")


def judge(raw: Raw, unit: Unit, as_of: date) -> Judged:
    """Return `raw` with every row typed and judged by the rules of its schema, as known on `as_of`.

    Notes
    -----
    Outcomes later than `as_of` are unknown together with their companions before any rule looks at
    them, so that no row is set aside for what was not known yet. Rules, in the order in which the
    first that fails names the fault of a column: a value that cannot be read, a missing value, the
    vocabulary, the range, the size of money, and dates in the wrong order. An adapter's own rule
    stands beside them.
    """
    contract = schema(raw.name)
    specs = {c: spec for c, spec in contract.columns.items() if c in raw.table.columns}
    kinds = {c: spec.dtype.type for c, spec in specs.items()}
    read, parsed = parse(raw.table, kinds, raw.settings)
    values = {c: _valued(parsed[c].value, spec, parsed, unit) for c, spec in specs.items()}
    rules = {c: parsed[c].rules + _contract(values[c], spec, unit) for c, spec in specs.items()}
    if "currency" in values and unit.rates:
        code = values["currency"].upper()
        values["currency"] = code.isin(list(unit.rates)).ifelse(unit.currency, code)
    for outcome, companions in contract.metadata["until"].items():
        if outcome in values:
            to_come = (values[outcome].cast("date") > ibis.date(as_of)).fill_null(False)
            for column in (outcome, *companions):
                if column in values:
                    value = values[column]
                    values[column] = to_come.ifelse(ibis.null(value.type()), value)
                    rules[column] = [(rule & ~to_come, code) for rule, code in rules[column]]
    for first, second in contract.metadata["order"]:
        if first in values and second in values:
            wrong = (values[first] > values[second]).fill_null(False)
            rules[second].append((wrong, "before_its_start"))
    typed = read.select(
        **{c: values.get(c, ibis.null(spec.dtype.type)) for c, spec in contract.columns.items()},
        **{c: read[c] for c in (ROW, SOURCE) if c in read.columns},
        is_bad=_broken(read, rules),
    )
    return Judged(raw, read, values, rules, typed)


def judge_again(judged: Judged, unit: Unit, as_of: date) -> Judged:
    """Return the same judgement of the rows that break a rule, so that only their texts are read again.

    Where rows have no number to find them by, all are judged again.
    """
    rows = judged.typed
    places = [c for c in (SOURCE, ROW) if c in rows.columns]
    if ROW not in places:
        return judged
    bad = rows.filter(rows.is_bad).select(*places)
    narrow = replace(judged.raw, table=judged.raw.table.semi_join(bad, places))
    return judge(narrow, unit, as_of)


def _first(rules: list[Rule]) -> Any:
    return ibis.cases(*rules, else_=_none())


def _valued(value: Any, spec: pa.Column, parsed: Mapping[str, Parsed], unit: Unit) -> Any:
    """Return a value in the words of the vocabulary or in the unit's currency."""
    if vocabulary(spec) is not None and spec.dtype.type.is_string():
        return value.lower().re_replace(r"[-\s]+", "_")
    if spec.metadata["money"] and "currency" in parsed and unit.rates:
        code = parsed["currency"].value.upper()
        rates = [(code == other, float(rate)) for other, rate in unit.rates.items()]
        return value * ibis.cases(*rates, else_=1.0)
    return value


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


def repeated(known: ir.Table, key: str) -> tuple[ir.Table, ir.Table]:
    """Split rows by their key: usable rows, and those that say again or otherwise what one says.

    Parameters
    ----------
    known
        Rows that break no other rule.
    key
        Column whose values must be unique; rows without one are usable.

    Returns
    -------
    tuple
        Usable rows (one of each identical set among them); the others, with their `rule`:
        "repeated" for surplus copies, "contradicting" where a key stands with different contents, all
        of which are unusable.
    """
    places = [c for c in (SOURCE, ROW) if c in known.columns]
    contents = [c for c in known.columns if c not in places]
    counts = known.group_by(key).agg(n_rows=known.count())
    doubled = counts.filter(counts.n_rows > 1, counts[key].notnull())
    same = known.semi_join(doubled, key)
    copies = ibis.window(group_by=contents, order_by=places or [key])
    same = same.mutate(copy=ibis.row_number().over(copies))
    same = same.mutate(n_variants=(same.copy == 0).sum().over(ibis.window(group_by=key)))
    rule = (same.n_variants > 1).ifelse("contradicting", "repeated")
    judged = same.mutate(rule=rule).drop("n_variants")
    first = (judged.rule == "repeated") & (judged.copy == 0)
    usable = known.anti_join(doubled, key).union(judged.filter(first).drop("copy", "rule"))
    return usable, judged.filter(~first).drop("copy")
