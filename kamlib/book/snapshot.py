"""A record of one day, opened and checked: one line per customer, without any date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kamlib.book.layouts import LAYOUTS, Layout
from kamlib.book.listing import (
    Listing,
    account_rules,
    covariate_rules,
    covariates,
    read_lines,
    settle,
    text,
)
from kamlib.errors import BookError
from kamlib.params import Unit

_SAYS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Snapshot(Listing):
    """All customers of a unit as one day showed them.

    Attributes
    ----------
    layout
        Which column of the record says what.
    customers
        One row per customer kept: `account_id`, `tenure_months` (age in months, counting the month
        that has begun; of one that left, on leaving), `left`, and the covariates by name, missing
        where the record says nothing.
    """

    layout: Layout


def open_snapshot(unit: Unit) -> Snapshot:
    """Open and check the record of a unit that is one of a single day.

    Raises
    ------
    BookError
        No such record, or nothing usable in it; no day stated under which to file what is found.
    """
    if unit.book.gives != "snapshot":
        raise BookError("book: the unit has tables, and no record of one day that this study reads")
    layout = LAYOUTS[unit.book.adapter or unit.book.demo]
    lines = read_lines(unit, _demo, layout.check)
    raw = lines.raw
    account, age, said = (text(raw[c]) for c in (layout.account, layout.tenure, layout.left))
    tenure = pd.to_numeric(raw[layout.tenure], errors="coerce")
    left = said.str.lower().map(_SAYS)
    customers = pd.DataFrame(
        {"account_id": account, "tenure_months": tenure, "left": left}
        | covariates(raw, layout.covariates, layout.groups)
    )
    rules = (
        *account_rules(raw, layout.account, account),
        (layout.tenure, "missing", age.isna()),
        (layout.tenure, "not_a_number", tenure.isna() & age.notna()),
        (layout.tenure, "too_small", tenure < 0),
        (layout.left, "missing", said.isna()),
        (layout.left, "not_yes_or_no", left.isna() & said.notna()),
        *covariate_rules(raw, layout.covariates, customers),
    )
    settled = settle(lines, customers, rules)
    settled["customers"] = settled["customers"].astype({"tenure_months": float, "left": bool})
    return Snapshot(layout=layout, **settled)


def _demo(folder: Path) -> Path:
    from kamlib.book.simulate.subscribers import write_subscribers

    return write_subscribers(folder)
