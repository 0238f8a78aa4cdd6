"""The embedded engine, in which files are read and rows set aside are kept."""

from __future__ import annotations

import ibis
from ibis.backends.duckdb import Backend

from kamlib.errors import BookError


def embedded(time_zone: str) -> Backend:
    """Return a fresh embedded engine that downloads nothing and uses the unit's time zone.

    Raises
    ------
    BookError
        The engine knows no such time zone.
    """
    con = ibis.duckdb.connect()
    con.raw_sql("set autoinstall_known_extensions = false")
    con.raw_sql("set autoload_known_extensions = false")
    try:
        con.raw_sql(f"set TimeZone = {quoted(time_zone)}")
    except Exception:
        raise BookError(
            f"time_zone: '{time_zone}' is not a time zone; use a name such as Asia/Shanghai"
        ) from None
    return con


def quoted(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
