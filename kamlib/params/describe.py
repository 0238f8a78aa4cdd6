"""The parameters described: for a reader as commented YAML, for an editor as JSON Schema."""

from __future__ import annotations

from datetime import date
from typing import Any

import yaml
from pydantic import BaseModel

from kamlib.params.unit import Unit

SCHEMA_FILE = "kam.schema.json"


def annotated_yaml(unit: Unit | None = None) -> str:
    """Return every parameter with its meaning and range as commented YAML.

    With a `unit`, its own values are shown, and those that differ from the default are marked.
    """
    lines: list[str] = []
    _annotate(Unit, unit, lines, 0)
    return "\n".join(lines) + "\n"


def _annotate(model: type[BaseModel], values: Any, lines: list[str], depth: int) -> None:
    pad = "  " * depth
    for name, spec in model.model_fields.items():
        if spec.exclude:
            continue
        value = getattr(values, name) if values is not None else None
        inner = spec.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            lines.append(f"{pad}{name}:  # {(inner.__doc__ or '').splitlines()[0]}")
            _annotate(inner, value, lines, depth + 1)
            continue
        default = None if spec.is_required() else spec.get_default(call_default_factory=True)
        shown = default if values is None else value
        limits = ", ".join(_limits(spec.metadata))
        remark = f"{spec.description}{f' [{limits}]' if limits else ''}"
        if values is not None and value != default:
            remark += f" – default: {_scalar(default)}"
        if isinstance(shown, dict) and shown:
            lines.append(f"{pad}{name}:  # {remark}")
            for key, entry in shown.items():
                if isinstance(entry, BaseModel):
                    entry = entry.model_dump(mode="json", exclude_defaults=True)
                lines.append(f"{pad}  {key}: {_scalar(entry)}")
        else:
            lines.append(f"{pad}{name}: {_scalar(shown)}  # {remark}")


def _limits(metadata: list[Any]) -> list[str]:
    marks = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return [
        f"{mark} {getattr(rule, key)}"
        for rule in metadata
        for key, mark in marks.items()
        if getattr(rule, key, None) is not None
    ]


def _scalar(value: Any) -> str:
    if value in (None, "", (), {}):
        return "{}" if value == {} else "[]" if value == () else ""
    if isinstance(value, date):
        return value.isoformat()
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.replace("\n...", "").strip()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema by which editors complete and check a parameter file."""
    schema = Unit.model_json_schema()
    schema["title"] = "kamlib parameters of one business unit"
    for model in (schema, *schema["$defs"].values()):
        model.get("properties", {}).pop("folder", None)
    tables = schema["$defs"]["BookSource"]["properties"]["tables"]
    entry = tables["additionalProperties"]
    tables["additionalProperties"] = {"anyOf": [entry, {"type": "string"}]}
    return schema
