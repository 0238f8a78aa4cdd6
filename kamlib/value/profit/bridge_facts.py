"""Facts of the bridge: what each account bought of each product in two years, where the records are."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Period, owner
from kamlib.book import Book

KEYS = ["account_id", "product_line", "product"]
_SUMS = ("volume", "volume_costed", "revenue", "margin", "units", "sales", "sales_margin",
         "list_sales")  # fmt: skip
_COUNTS = ("n_lines", "n_units", "n_units_costed", "n_listed")
MEASURES = (*_SUMS, *_COUNTS)


def bridge_facts(book: Book, period: Period) -> ir.Table:
    """Return what each account bought of each product in the current window and the year before.

    A line without a product counts under its product line, and without either under its account:
    the keys are null there.

    Returns
    -------
    Table
        One row per `account_id`, `product_line`, `product` with an order line in either year. Each
        measure stands there for the current window and, with `_before`, for the year before (zero
        where nothing was booked): `n_lines`; `volume` (Σ |net amount|) and `volume_costed` (lines
        with a known cost); `revenue`; `margin` (lines with a known cost). Of lines with a quantity
        also `n_units` (lines), `n_units_costed` (those with a known cost), `n_listed` (those with a
        list amount), `units` (net quantity), `sales` (net amount), `sales_margin`, `list_sales`.
    """
    lines = owner(book, book["transactions"])
    windows = {"": period.current}
    if period.previous is not None:
        windows["_before"] = period.previous
    lines = lines.filter(ibis.or_(*(_within(lines.date, window) for window in windows.values())))
    counted = lines.quantity.fill_null(0.0) != 0
    costed, listed = lines.cost.notnull(), lines.list_amount.notnull()
    gain = lines.amount - lines.cost
    sums: dict[str, Any] = {}
    for ending, window in windows.items():
        year = _within(lines.date, window)
        parts = {
            "volume": lines.amount.abs().sum(where=year),
            "volume_costed": lines.amount.abs().sum(where=year & costed),
            "revenue": lines.amount.sum(where=year),
            "margin": gain.sum(where=year & costed),
            "units": lines.quantity.sum(where=year & counted),
            "sales": lines.amount.sum(where=year & counted),
            "sales_margin": gain.sum(where=year & counted & costed),
            "list_sales": lines.list_amount.sum(where=year & counted),
            "n_lines": lines.count(where=year),
            "n_units": lines.count(where=year & counted),
            "n_units_costed": lines.count(where=year & counted & costed),
            "n_listed": lines.count(where=year & counted & listed),
        }
        sums |= {f"{name}{ending}": value.fill_null(0) for name, value in parts.items()}
    return lines.group_by(KEYS).agg(**sums)


def _within(day: Any, window: Any) -> Any:
    return (day >= ibis.date(window.start)) & (day <= ibis.date(window.end))


def collect(cells: ir.Table) -> pd.DataFrame:
    """Return the facts of the bridge as a frame, in the order of their keys."""
    frame: pd.DataFrame = cells.execute()
    for name in KEYS:
        frame[name] = frame[name].astype(object)
    return frame.sort_values(KEYS, na_position="last", kind="stable").reset_index(drop=True)
