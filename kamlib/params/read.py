"""YAML text -> the parameters of one unit, with every fault at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from kamlib.errors import ParamError
from kamlib.params.faults import faults
from kamlib.params.unit import Unit


class _Loader(yaml.SafeLoader):
    """Reads every scalar as text and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ParamError(f"line {line}: expected `name: value`, found a list or a block")
            if key.value in seen:
                raise ParamError(
                    f"line {line}: '{key.value}' stands twice in the same block; keep one of them"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """Return what a YAML text says, all scalars as text; `where` begins every fault.

    Raises
    ------
    ParamError
        Not YAML, a name that stands twice, or no block of `name: value` lines.
    """
    try:
        loaded = yaml.load(text, Loader=_Loader)  # noqa: S506 – a SafeLoader that yields text only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ParamError(f"{where}: {line}not valid YAML – {problem}") from None
    except ParamError as error:
        raise ParamError(*(f"{where}: {fault}" for fault in error.faults)) from None
    if loaded in (None, ""):
        return {}
    if not isinstance(loaded, dict):
        raise ParamError(f"{where}: expected `name: value` lines, found {type(loaded).__name__}")
    return loaded


def unit_from(
    raw: Mapping[str, Any], *, name: str, folder: Path, overrides: Mapping[str, Any] | None = None
) -> Unit:
    """Return the checked parameters of one unit.

    Parameters
    ----------
    raw
        What the unit's file says, all scalars as text.
    name
        The file's stem; `business_unit` in the file must agree with it.
    folder
        Folder against which relative file names count.
    overrides
        Further values, nested or dotted ("customer_value.top_share").

    Raises
    ------
    ParamError
        With every fault at once.
    """
    where = f"params/{name}.yaml"
    merged = _without_blanks(_merge(dict(raw), overrides or {}))
    stated = merged.setdefault("business_unit", name)
    if stated != name:
        raise ParamError(f"{where}: business_unit is '{stated}', but the file is named '{name}'")
    if "folder" in merged:
        raise ParamError(f"{where}: 'folder' is not a parameter")
    tables = merged.get("book", {}).get("tables") if isinstance(merged.get("book"), dict) else None
    if isinstance(tables, dict):
        # `transactions: sales.csv` is the short form of `transactions: {file: sales.csv}`
        short = "table" if merged["book"].get("database") else "file"
        tables |= {k: {short: v} for k, v in tables.items() if isinstance(v, str)}
    try:
        return Unit.model_validate(merged | {"folder": folder})
    except ValidationError as error:
        raise ParamError(*faults(error, where, overrides or {})) from None


def _merge(base: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in extra.items():
        if "." in key:
            head, rest = key.split(".", 1)
            key, value = head, {rest: value}
        if isinstance(value, Mapping):
            inside = merged.get(key, {})
            merged[key] = _merge(inside if isinstance(inside, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _without_blanks(value: Any) -> Any:
    """Drop keys left empty, so that `as_of:` means the default."""
    if isinstance(value, dict):
        return {k: _without_blanks(v) for k, v in value.items() if v not in ("", None)}
    return value
