"""What was read, as one number: equal where the records are equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir


def of_files(paths: Iterable[Path]) -> str:
    """Return sha256 over the bytes of all files, in their order."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def of_tables(tables: Mapping[str, ir.Table]) -> str:
    """Return a fingerprint of records that have no file: counts, dates and rounded sums."""
    total = hashlib.sha256()
    for name in sorted(tables):
        table = tables[name]
        measures: dict[str, Any] = {"n": table.count()}
        for column in table.columns:
            kind = table[column].type()
            if kind.is_numeric():
                measures[f"{column}_sum"] = table[column].sum()
            elif kind.is_temporal():
                measures |= {
                    f"{column}_min": table[column].min(),
                    f"{column}_max": table[column].max(),
                }
            elif kind.is_string():
                measures[f"{column}_n"] = table[column].nunique()
        row = table.aggregate(**measures).execute().iloc[0]
        for label, value in row.items():
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            total.update(f"{name}.{label}={shown};".encode())
    return total.hexdigest()
