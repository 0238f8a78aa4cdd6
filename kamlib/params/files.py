"""The parameter files of a project: where they lie, which units there are, one unit by its name."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from kamlib.errors import ParamError, nearest
from kamlib.params.read import read_yaml, unit_from
from kamlib.params.unit import Unit, check_unit_name


def home() -> Path:
    """Return the project's root: `KAM_HOME`, else the nearest parent that holds `params/`."""
    named = os.environ.get("KAM_HOME")
    if named:
        return Path(named).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir():
            return folder
    raise ParamError(
        f"no folder params/ in {here.name or here} or above it: "
        "start in the project's folder or set KAM_HOME to it"
    )


def unit_names() -> list[str]:
    """Return the names of all units that have a parameter file, sorted."""
    return sorted(path.stem for path in (home() / "params").glob("*.yaml"))


def load_unit(
    business_unit: str, *, as_of: str | date | None = None, overrides: Any = None
) -> Unit:
    """Return the parameters of one unit by name, from `params/<business_unit>.yaml`.

    Parameters
    ----------
    business_unit
        Name of the unit.
    as_of
        Last day that is known; empty: the file's.
    overrides
        Mapping, or the same as YAML text (as plain papermill passes it).

    Raises
    ------
    ParamError
        Unknown unit (with the nearest name), or any fault in the file.

    Examples
    --------
    >>> load_unit("telecom_lines").book.demo
    'telecom_lines'
    """
    try:
        check_unit_name(str(business_unit))
    except ValueError as error:
        raise ParamError(str(error)) from None
    root = home()
    path = root / "params" / f"{business_unit}.yaml"
    if not path.is_file():
        known = unit_names()
        hint = nearest(business_unit, known) or f" (known: {', '.join(known) or 'none'})"
        raise ParamError(f"no parameter file params/{business_unit}.yaml{hint}")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ParamError(f"params/{path.name}: not UTF-8 text; save it as UTF-8") from None
    if isinstance(overrides, str):
        overrides = read_yaml(overrides, "overrides")
    extra: dict[str, Any] = dict(overrides or {})
    if as_of:
        extra["as_of"] = str(as_of)
    raw = read_yaml(text, f"params/{path.name}")
    return unit_from(raw, name=str(business_unit), folder=path.parent, overrides=extra)
