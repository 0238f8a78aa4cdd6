"""A record of one day, opened and checked: one line per customer, without any date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd

from kamlib.book import aside, files, fingerprint
from kamlib.book.aside import TABLE, Aside
from kamlib.book.book import rows_check
from kamlib.book.engine import embedded
from kamlib.book.layouts import LAYOUTS, Layout
from kamlib.book.raw import ROW, SOURCE
from kamlib.book.source import one_file
from kamlib.errors import BookError
from kamlib.glossary import Style
from kamlib.params import TableSource, Unit, home
from kamlib.results import Check

NAME = "customers"
_SAYS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All customers of a unit as one day showed them.

    Attributes
    ----------
    unit, as_of, currency
        Parameters of the unit; the day and the currency are theirs, the record names none.
    layout
        Which column of the record says what.
    customers
        One row per customer kept: `account_id`, `tenure_months` (age in months, counting the month
        that has begun; of one that left, on leaving), `left`, and the covariates by name, missing
        where the record says nothing.
    counts, faults, fingerprint, checks, rejected
        As of a `Book`; the one table is "customers".
    """

    unit: Unit
    as_of: date
    currency: str
    layout: Layout
    customers: pd.DataFrame
    counts: pd.DataFrame
    faults: pd.DataFrame
    fingerprint: str
    checks: tuple[Check, ...]
    rejected: ir.Table

    def write_rejected(self, folder: Path) -> list[Path]:
        """Write the rows set aside to `<folder>/customers.csv`, as `Book.write_rejected` does."""
        return aside.write(self.rejected, self.faults, folder, Style(self.unit.language))


def open_snapshot(unit: Unit) -> Snapshot:
    """Open and check the record of a unit that is one of a single day.

    Raises
    ------
    BookError
        No such record, or nothing usable in it; no day stated under which to file what is found.
    """
    name = unit.book.adapter or unit.book.demo
    if unit.book.gives != "snapshot":
        raise BookError("book: the unit has tables, and no record of one day that this study reads")
    if unit.as_of is None:
        raise BookError(
            "as_of: the record has no dates; state the day that it shows, or that of its export"
        )
    layout, path = LAYOUTS[name], _file(unit)
    con = embedded(unit.time_zone)
    opened = files.open_file(con, path, TableSource(), NAME)
    layout.check((c for c in opened.table.columns if c not in (ROW, SOURCE)), path.name)
    raw: pd.DataFrame = opened.table.to_pyarrow().to_pandas()
    if ROW not in raw:
        raw[ROW] = range(1, len(raw) + 1)
    customers = _customers(raw, layout)
    broken = pd.concat(_broken(raw, customers, layout), ignore_index=True)
    lines = opened.malformed.assign(record="", column="", rule="not_a_record")
    told = pd.concat([broken.assign(source=path.name), lines], ignore_index=True)
    set_aside = Aside(con)
    if len(told):
        columns = ["table", "source", "row", "record", "column", "rule", "value"]
        con.insert(TABLE, told.assign(table=NAME)[columns])
    kept = customers[~raw[ROW].isin(broken["row"])].astype({"tenure_months": float, "left": bool})
    if kept.empty:
        raise BookError(f"{path.name}: no usable line among {len(raw):,}")
    n_read = len(raw) + len(lines)
    counts = [{"table": NAME, "n_read": n_read, "n_kept": len(kept),
               "n_set_aside": n_read - len(kept), "n_later": 0}]  # fmt: skip
    return Snapshot(
        unit=unit, as_of=unit.as_of, currency=unit.currency, layout=layout,
        customers=kept.reset_index(drop=True), counts=pd.DataFrame(counts),
        faults=set_aside.faults(), fingerprint=fingerprint.of_files([path]),
        checks=(rows_check(counts),), rejected=set_aside.table,
    )  # fmt: skip


def _file(unit: Unit) -> Path:
    if unit.book.adapter:
        return one_file(unit, unit.book.file, "book.file")
    from kamlib.book.simulate.subscribers import write_subscribers

    return write_subscribers(home() / "outputs" / "_demo")


def _customers(raw: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return the record by our names; what cannot be read is missing."""
    frame = pd.DataFrame(
        {
            "account_id": _text(raw[layout.account]),
            "tenure_months": pd.to_numeric(raw[layout.tenure], errors="coerce"),
            "left": _text(raw[layout.left]).str.lower().map(_SAYS),
        }
    )
    for column, name in layout.covariates.items():
        text = _text(raw[column])
        number = pd.to_numeric(text, errors="coerce")
        if name in layout.groups:
            frame[name] = text.mask(text.eq("No"), f"no {name}")
        elif number.notna().sum() > text.notna().sum() / 2:
            frame[name] = number
        else:
            frame[name] = text.eq("Yes").astype(float).where(text.notna())
    return frame


def _text(column: pd.Series) -> pd.Series:
    text = (
        column.astype(object)
        .where(column.notna())
        .map(lambda v: str(v).strip(), na_action="ignore")
    )
    return text.mask(text == "")


def _broken(raw: pd.DataFrame, customers: pd.DataFrame, layout: Layout) -> Iterator[pd.DataFrame]:
    """Yield the rows that break a rule: `row`, `record`, `column`, `rule`, `value`."""
    account, tenure = customers["account_id"], customers["tenure_months"]
    age, left = _text(raw[layout.tenure]), _text(raw[layout.left])
    same = raw.drop(columns=[ROW, SOURCE], errors="ignore").duplicated()
    twice = account.duplicated(keep=False) & account.notna()
    differs = twice & account.isin(account[twice & account.duplicated() & ~same])
    rules = (
        (layout.account, "missing", account.isna()),
        (layout.account, "repeated", twice & same & ~differs),
        (layout.account, "contradicting", differs),
        (layout.tenure, "missing", age.isna()),
        (layout.tenure, "not_a_number", tenure.isna() & age.notna()),
        (layout.tenure, "too_small", tenure < 0),
        (layout.left, "missing", left.isna()),
        (layout.left, "not_yes_or_no", customers["left"].isna() & left.notna()),
        *(
            (column, "not_a_number", customers[name].isna() & _text(raw[column]).notna())
            for column, name in layout.covariates.items()
        ),
    )
    for column, rule, is_broken in rules:
        yield pd.DataFrame(
            {
                "row": raw.loc[is_broken, ROW].astype("int64"),
                "record": account[is_broken].fillna(""), "column": column, "rule": rule,
                "value": _text(raw.loc[is_broken, column]),
            }
        )  # fmt: skip
