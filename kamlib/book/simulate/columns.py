"""Which columns each table has, of what kind, and how a frame is made of arrays.

Text columns are Arrow-backed strings: ten million line numbers as Python objects would alone take
most of a gigabyte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from kamlib.book.simulate.clock import FIRST_DAY

_ARROW = {
    "text": pa.string(),
    "date": pa.date32(),
    "stamp": pa.timestamp("us"),
    "money": pa.float64(),
    "number": pa.float64(),
    "whole": pa.int64(),
    "flag": pa.bool_(),
}


def _kinds(**groups: str) -> dict[str, str]:
    return {column: kind for kind, columns in groups.items() for column in columns.split()}


# the order of columns is that of ORDER, the kinds stand here
_KINDS = _kinds(
    text=(
        "account_id name segment region role parent_id served_by attribute value line_id order_id "
        "product product_line contract_id end_reason renewed_by invoice_id event_id kind stage "
        "severity category initiated_by owner_id end_customer_id tier visit_id manager_id "
        "contact_id channel result part seniority ended_because wave method selection item "
        "construct dimension value_part text_en text_zh response_id competitor trial_id arm "
        "cluster referrer_id extent reason source"
    ),
    date=(
        "onboarded_on valid_from date starts_on ends_on notice_on ended_on issued_on due_on "
        "planned_on from to invited_on enrolled_on left_on assigned_on recorded_on"
    ),
    stamp="opened_at first_response_at resolved_at reopened_at",
    money=("potential_per_year amount list_amount cost value_per_year billed_amount compensation"),
    number=(
        "credit_score first_response_h resolution_h visits_per_year training_per_year issued "
        "redeemed expired score scale_min scale_max"
    ),
    whole="quantity handovers minutes customer_score level",
    flag="disputed",
)

COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(columns.split())
    for table, columns in {
        "accounts": (
            "account_id name segment region role parent_id served_by onboarded_on credit_score "
            "potential_per_year"
        ),
        "account_history": "account_id valid_from attribute value",
        "transactions": (
            "account_id date amount line_id order_id quantity list_amount cost product product_line"
        ),
        "contracts": (
            "contract_id account_id starts_on ends_on value_per_year notice_on ended_on "
            "end_reason renewed_by"
        ),
        "invoices": "invoice_id account_id issued_on due_on amount disputed",
        "payments": "invoice_id date amount",
        "service_events": (
            "event_id account_id kind stage opened_at first_response_at resolved_at reopened_at "
            "severity category initiated_by owner_id handovers end_customer_id minutes cost "
            "billed_amount compensation customer_score"
        ),
        "standards": (
            "valid_from tier role stage kind severity first_response_h resolution_h "
            "visits_per_year training_per_year"
        ),
        "tier_decisions": "account_id tier valid_from",
        "visits": (
            "account_id date visit_id planned_on manager_id contact_id channel minutes cost result"
        ),
        "contacts": "contact_id account_id part seniority from to",
        "assignments": "account_id manager_id starts_on ends_on part ended_because",
        "survey_frame": "wave account_id invited_on method selection contact_id",
        "survey_items": "item construct dimension value_part text_en text_zh",
        "surveys": (
            "response_id account_id wave date method item score scale_min scale_max competitor"
        ),
        "programme": "account_id level enrolled_on left_on",
        "trials": "trial_id account_id arm assigned_on cluster",
        "programme_costs": "date kind amount level account_id",
        "points": "account_id date issued redeemed expired",
        "referrals": "referrer_id account_id date",
        "defections": "account_id date extent competitor reason source recorded_on",
        "acquisition_costs": "date amount account_id",
    }.items()
}


def serials(prefix: str, numbers: Any) -> pa.Array:
    """Return texts such as "L0000001": prefix and zero-filled number, all of one width.

    The digits are written straight into an Arrow buffer, without a Python string per row.
    """
    values = np.asarray(numbers, dtype=np.int64)
    width = max(len(str(int(values.max()))) if len(values) else 1, 7 - len(prefix))
    letters = np.empty((len(values), len(prefix) + width), dtype=np.uint8)
    letters[:, : len(prefix)] = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    rest = values.copy()
    for place in range(letters.shape[1] - 1, len(prefix) - 1, -1):
        letters[:, place] = rest % 10 + ord("0")
        rest //= 10
    ends = np.arange(len(values) + 1, dtype=np.int64) * letters.shape[1]
    return pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(ends.tobytes()), pa.py_buffer(letters.tobytes())
    )


def pick(words: Any, codes: NDArray[Any]) -> pa.Array:
    """Return the word of each code; a negative code is a missing word."""
    known = words if isinstance(words, pa.Array) else pa.array(list(words), pa.large_string())
    codes = np.asarray(codes)
    return known.take(pa.array(codes, mask=codes < 0))


def _text(values: Any) -> Any:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pd.arrays.ArrowStringArray):
        return values
    if not isinstance(values, pa.Array):
        values = pa.array(list(values), type=pa.large_string())
    return pd.arrays.ArrowStringArray(pa.chunked_array([values.cast(pa.large_string())]))


def _moment(values: Any, unit: str) -> Any:
    numbers = np.ma.asarray(values)
    steps = np.ma.getdata(numbers).astype(np.int64).astype(f"m8[{unit}]")
    moments = FIRST_DAY.astype(f"M8[{unit}]") + steps
    moments[np.ma.getmaskarray(numbers)] = np.array("NaT", f"M8[{unit}]")
    return moments.astype("M8[us]")


def _column(kind: str, values: Any) -> Any:
    if kind == "text":
        return _text(values)
    if kind == "date":
        return _moment(values, "D")
    if kind == "stamp":
        return _moment(values, "s")
    masked = np.ma.asarray(values)
    if kind in ("whole", "flag"):
        dtype = np.int64 if kind == "whole" else np.bool_
        array = pd.arrays.IntegerArray if kind == "whole" else pd.arrays.BooleanArray
        return array(np.ma.getdata(masked).astype(dtype), np.ma.getmaskarray(masked).copy())
    numbers = np.ma.filled(masked.astype(np.float64), np.nan)
    return np.round(numbers, 2) if kind == "money" else numbers


def frame(table: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return one table of the book as a frame.

    Parameters
    ----------
    table
        Name of the table.
    columns
        Column name -> values, in any order. Dates are day numbers, moments are seconds since the
        start of day 0, both as masked arrays where some are missing; texts are an Arrow array or
        anything that iterates over str and None. Money is rounded to cents.
    """
    if set(columns) != set(COLUMNS[table]):
        raise ValueError(f"{table}: columns differ: {set(columns) ^ set(COLUMNS[table])}")
    return pd.DataFrame({name: _column(_KINDS[name], columns[name]) for name in COLUMNS[table]})


def arrow_schema(table: str) -> pa.Schema:
    """Return the Arrow types of one table as it is written."""
    return pa.schema([(name, _ARROW[_KINDS[name]]) for name in COLUMNS[table]])
