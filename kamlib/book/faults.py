"""What is wrong with the records, said to the person who can mend it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from kamlib.book.validate import Judged
from kamlib.glossary import Sentence


def first_found(fault: Mapping[Any, Any]) -> str:
    """Return where a fault was first found and what stood there, in brackets after a blank.

    Parameters
    ----------
    fault
        One row of `Book.faults`. A row of a database has no number; "" where nothing stood there either.
    """
    row, value = fault["first_row"], fault["first_value"]
    place = "" if pd.isna(row) else f"row {row}"
    found = "" if pd.isna(value) or not value.strip() else f'"{value}"'
    first = ", ".join(filter(None, (place, found)))
    return f" (first: {first})" if first else ""


def nothing_left(
    sales: Judged, read: dict[str, Any], faults: pd.DataFrame, as_of: date
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
        rule, first = Sentence(f"rule.{fault['rule']}"), first_found(fault)
        lines.append(f"{where}: {fault['n_rows']:,} of {n_read:,} rows – {rule}{first}")
    return [f"transactions: none of the {n_read:,} rows read can be used", *lines]
