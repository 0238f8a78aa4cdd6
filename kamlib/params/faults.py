"""What is wrong in a parameter file, said to the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from kamlib.errors import nearest
from kamlib.params.sources import TableName
from kamlib.params.unit import Unit

# What pydantic says in terms of programming, said in terms of a parameter file
_PLAINLY = {
    "missing": "is missing",
    "date": "must be a date written YYYY-MM-DD",
    "float": "must be a number",
    "int": "must be a whole number",
    "string_pattern_mismatch": "must be three capital letters, e.g. CNY or EUR",
    "string": "must be text",
    "dict": "must be a block of `name: value` lines",
    "model": "must be a block of `name: value` lines",
    "tuple": "must be a list, e.g. [a, b]",
}


def faults(error: ValidationError, where: str, overrides: Mapping[str, Any]) -> list[str]:
    """Return one line per fault: where, which parameter, what is allowed, what was found.

    Parameters
    ----------
    error
        What pydantic found.
    where
        Name of the parameter file.
    overrides
        Values given for this run, whose faults are not laid on the file.
    """
    lines = []
    for fault in error.errors():
        path = tuple(step for step in fault["loc"] if step != "[key]")
        name = ".".join(str(step) for step in path)
        place = where
        if any(name == key or name.startswith(f"{key}.") for key in _dotted(overrides)):
            place = "given for this run"
        kind = fault["type"]
        if kind == "extra_forbidden":
            known = _known_names(path[:-1])
            hint = nearest(str(path[-1]), known) or f" (known: {', '.join(known)})"
            lines.append(f"{place}: '{name}' is not a parameter{hint}")
            continue
        if kind == "literal_error" and "[key]" in fault["loc"]:
            known = list(get_args(TableName))
            hint = nearest(str(path[-1]), known) or f" (known: {', '.join(known)})"
            lines.append(f"{place}: '{name}' is not a table{hint}")
            continue
        message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "must")
        message = _PLAINLY.get(kind) or _PLAINLY.get(kind.split("_")[0]) or message
        found = fault["input"]
        shown = f" (found {found!r})" if isinstance(found, str | int | float) else ""
        lines.append(f"{place}: {name + ': ' if name else ''}{message}{shown}")
    return lines


def _known_names(path: tuple[Any, ...]) -> list[str]:
    """Return the parameters that the block at `path` may hold."""
    model: Any = Unit
    for step in path:
        if get_origin(model) is dict:
            model = get_args(model)[1]
        elif isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(step)
            model = field.annotation if field else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [name for name in model.model_fields if name != "folder"]
    return []


def _dotted(values: Mapping[str, Any], head: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{head}{key}.")
        else:
            yield f"{head}{key}"
