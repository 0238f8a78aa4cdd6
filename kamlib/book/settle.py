"""One table settled: its rows kept, set aside or later than `as_of`, and all of them counted."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis.expr.types as ir

from kamlib.book.aside import Aside
from kamlib.book.raw import ROW, SOURCE, Origin
from kamlib.book.schemas import schema
from kamlib.book.validate import Judged, judge_again, repeated
from kamlib.errors import BookError
from kamlib.params import Unit


def settle(
    origin: Origin, set_aside: Aside, judged: Judged, unit: Unit, as_of: date
) -> tuple[ir.Table, dict[str, Any]]:
    """Return the kept rows of one table and its counts; add its other rows to those set aside."""
    name, rows = judged.raw.name, judged.typed
    key = schema(name).metadata["key"]
    later = judged.later(rows, as_of)
    usable = ~rows.is_bad & ~later
    measures = {
        "n_read": rows.count(),
        "n_kept": rows.count(where=usable),
        "n_bad": rows.count(where=rows.is_bad & ~later),
        "n_later": rows.count(where=later),
    }
    if key in judged.columns:
        measures["n_keyed"] = rows[key].count(where=usable)
        measures["n_keys"] = rows[key].nunique(where=usable)
    n = {label: int(value) for label, value in rows.aggregate(**measures).execute().iloc[0].items()}
    known = judged.known(as_of)
    n_malformed = set_aside.add_lines(judged.raw)
    n_double = 0
    if n["n_bad"]:
        again = judge_again(judged, unit, as_of)
        set_aside.add_rejected(again, origin.local(again.rejected(as_of)))
    if n.get("n_keyed", 0) > n.get("n_keys", 0):
        known, doubles = repeated(known, key)
        known = origin.stage(known, f"usable_{name}")
        n_double = set_aside.add_doubles(judged, origin.local(doubles), key)
        n["n_kept"] = int(known.count().execute())
    count: dict[str, Any] = {
        "table": name,
        "n_read": n["n_read"] + n_malformed,
        "n_kept": n["n_kept"],
        "n_set_aside": n["n_bad"] + n_malformed + n_double,
        "n_later": n["n_later"],
    }
    if count["n_read"] != count["n_kept"] + count["n_set_aside"] + count["n_later"]:
        raise BookError(f"{name}: its rows changed while they were read; run again")
    return known.drop(*(c for c in (ROW, SOURCE) if c in known.columns)), count
