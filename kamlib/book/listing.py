"""A list of customers, one line each: opened, judged line by line, and settled.

What a record of one day and one of a finished trial have in common. Neither has dates; nothing is made up
for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from kamlib.book import aside, files, fingerprint
from kamlib.book.aside import TABLE, Aside
from kamlib.book.book import rows_check
from kamlib.book.engine import embedded
from kamlib.book.raw import ROW, SOURCE
from kamlib.book.source import one_file
from kamlib.errors import BookError
from kamlib.glossary import Style
from kamlib.params import TableSource, Unit, home
from kamlib.results import Check

NAME = "customers"
# column of the record, rule, rows that break it
Rule = tuple[str, str, "pd.Series[bool]"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Listing:
    """All customers on a list.

    Attributes
    ----------
    unit, as_of, currency
        Parameters of the unit; the day and the currency are theirs, the record names none.
    customers
        One row per customer kept: `account_id` and what the kind of record says.
    counts, faults, fingerprint, checks, rejected
        As of a `Book`; the one table is "customers".
    """

    unit: Unit
    as_of: date
    currency: str
    customers: pd.DataFrame
    counts: pd.DataFrame
    faults: pd.DataFrame
    fingerprint: str
    checks: tuple[Check, ...]
    rejected: ir.Table

    def write_rejected(self, folder: Path) -> list[Path]:
        """Write the rows set aside to `<folder>/customers.csv`, as `Book.write_rejected` does."""
        return aside.write(self.rejected, self.faults, folder, Style(self.unit.language))


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The lines of a file as they stand there, and those that are no records."""

    unit: Unit
    day: date
    path: Path
    raw: pd.DataFrame
    malformed: pd.DataFrame
    con: Backend


def read_lines(
    unit: Unit, demo: Callable[[Path], Path], check: Callable[[Iterable[str], str], None]
) -> Lines:
    """Return the lines of the record that a unit names.

    Parameters
    ----------
    unit
        Its book is an adapter with a file, or a demo.
    demo
        Writes the demo's record below a folder and returns the file.
    check
        Raises unless the columns are those of the record; takes them and the file's name.

    Raises
    ------
    BookError
        No such file, other columns, or no day stated under which to file what is found.
    """
    if unit.as_of is None:
        raise BookError(
            "as_of: the record has no dates; state the day that it shows, or that of its export"
        )
    path = (
        one_file(unit, unit.book.file, "book.file")
        if unit.book.adapter
        else demo(home() / "outputs" / "_demo")
    )
    con = embedded(unit.time_zone)
    opened = files.open_file(con, path, TableSource(), NAME)
    check((c for c in opened.table.columns if c not in (ROW, SOURCE)), path.name)
    raw: pd.DataFrame = opened.table.to_pyarrow().to_pandas()
    if ROW not in raw:
        raw[ROW] = range(1, len(raw) + 1)
    return Lines(unit, unit.as_of, path, raw, opened.malformed, con)


def settle(lines: Lines, customers: pd.DataFrame, rules: Iterable[Rule]) -> dict[str, Any]:
    """Return the attributes of a `Listing`: customers kept, and rows set aside with their reasons.

    Parameters
    ----------
    lines
        As `read_lines` returns them.
    customers
        One row per line, by our names; what cannot be read is missing.
    rules
        What sets a line aside.

    Raises
    ------
    BookError
        No line is usable.
    """
    raw, path = lines.raw, lines.path
    broken = pd.concat(
        [
            pd.DataFrame(
                {
                    "row": raw.loc[is_broken, ROW].astype("int64"),
                    "record": customers.loc[is_broken, "account_id"].fillna(""),
                    "column": column, "rule": rule, "value": text(raw.loc[is_broken, column]),
                }
            )
            for column, rule, is_broken in rules
        ],
        ignore_index=True,
    )  # fmt: skip
    bad = lines.malformed.assign(record="", column="", rule="not_a_record")
    told = pd.concat([broken.assign(source=path.name), bad], ignore_index=True)
    set_aside = Aside(lines.con)
    if len(told):
        columns = ["table", "source", "row", "record", "column", "rule", "value"]
        lines.con.insert(TABLE, told.assign(table=NAME)[columns])
    kept = customers[~raw[ROW].isin(broken["row"])]
    if kept.empty:
        raise BookError(f"{path.name}: no usable line among {len(raw):,}")
    n_read = len(raw) + len(bad)
    counts = [{"table": NAME, "n_read": n_read, "n_kept": len(kept),
               "n_set_aside": n_read - len(kept), "n_later": 0}]  # fmt: skip
    return {
        "unit": lines.unit, "as_of": lines.day, "currency": lines.unit.currency,
        "customers": kept.reset_index(drop=True), "counts": pd.DataFrame(counts),
        "faults": set_aside.faults(), "fingerprint": fingerprint.of_files([path]),
        "checks": (rows_check(counts),), "rejected": set_aside.table,
    }  # fmt: skip


def account_rules(raw: pd.DataFrame, column: str, account: pd.Series) -> tuple[Rule, ...]:
    """Return the rules of the column that names the customer: there, and once."""
    same = raw.drop(columns=[ROW, SOURCE], errors="ignore").duplicated()
    twice = account.duplicated(keep=False) & account.notna()
    differs = twice & account.isin(account[twice & account.duplicated() & ~same])
    return (
        (column, "missing", account.isna()),
        (column, "repeated", twice & same & ~differs),
        (column, "contradicting", differs),
    )


def covariates(
    raw: pd.DataFrame, names: Mapping[str, str], groups: Iterable[str]
) -> dict[str, pd.Series]:
    """Return what a record says of its customers, by our names.

    Texts of `groups` stay as they are, "No" becoming "no <name>"; of the others a column that is mostly
    numbers becomes numbers, and any other 1 for "Yes" and 0 for another text.
    """
    found = {}
    for column, name in names.items():
        words = text(raw[column])
        number = pd.to_numeric(words, errors="coerce")
        if name in groups:
            found[name] = words.mask(words.eq("No"), f"no {name}")
        elif number.notna().sum() > words.notna().sum() / 2:
            found[name] = number
        else:
            found[name] = words.eq("Yes").astype(float).where(words.notna())
    return found


def covariate_rules(
    raw: pd.DataFrame, names: Mapping[str, str], customers: pd.DataFrame
) -> tuple[Rule, ...]:
    """Return the rule of every covariate: what stands there can be read."""
    return tuple(
        (column, "not_a_number", customers[name].isna() & text(raw[column]).notna())
        for column, name in names.items()
    )


def text(column: pd.Series) -> pd.Series:
    """Return a column as text without blanks at its ends; what is empty is missing."""
    words = (
        column.astype(object)
        .where(column.notna())
        .map(lambda v: str(v).strip(), na_action="ignore")
    )
    return words.mask(words == "")
