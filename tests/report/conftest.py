"""Notebooks as the kernel leaves them, built by hand: these tests know no study and no `show`."""

from __future__ import annotations

import base64
import copy
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

STUDY = "application/vnd.kam.study+json"
FACTS: dict[str, Any] = {
    "study": "customer_value",
    "business_unit": "telecom_lines",
    "unit_title": "Telecom <lines>",
    "language": "en",
    "currency": "CNY",
    "as_of": "2025-12-31",
    "period": {"from": "2025-01-01", "to": "2025-12-31"},
    "data": {"from": "2021-01-04", "to": "2025-12-30"},
    "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "versions": {"kamlib": "0.1.0", "python": "3.11.7"},
    "tables": [
        {"table": "transactions", "read": 18204, "kept": 18190, "set_aside": 3, "later": 11}
    ],
}
PUBLISHED: dict[str, Any] = {
    **FACTS,
    "headline": [{"name": "revenue", "label": "Revenue", "value": 1.0, "text": "CNY 48.2 million"}],
    "checks": [
        {"name": "known", "passed": True, "note": "All accounts are known."},
        {"name": "cost", "passed": False, "note": "Cost is unknown for 4 <accounts>."},
        {"name": "far", "passed": None, "note": "Returns could not be judged."},
    ],
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode("ascii")


def md(source: str, *tags: str) -> nbformat.NotebookNode:
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source: str, *outputs: nbformat.NotebookNode, tags: tuple[str, ...] = ()) -> Any:
    return new_code_cell(
        source, outputs=list(outputs), metadata={"tags": list(tags)}, execution_count=1
    )


def shown(data: dict[str, Any], **kam: Any) -> nbformat.NotebookNode:
    metadata = {"kam": kam} if kam else {}
    return new_output("display_data", data=data, metadata=metadata)


def facts(value: dict[str, Any]) -> nbformat.NotebookNode:
    data = {STUDY: copy.deepcopy(value), "text/plain": "the study's text"}
    return new_output("execute_result", data=data, execution_count=1)


def figure(id: str = "curve", alt: str = "The curve bends.", caption: str = "") -> Any:
    return new_output(
        "display_data",
        data={"image/png": PNG + "\n"},
        metadata={
            "image/png": {"alt": alt, "width": 400, "height": 300},
            "kam": {"kind": "figure", "id": id, "alt": alt, "caption": caption},
        },
    )


def note(text: str) -> nbformat.NotebookNode:
    return shown({"text/html": f'<p class="kam-note">{text}</p>', "text/plain": text}, kind="note")


def notebook(*cells: Any, published: dict[str, Any] | None = None) -> nbformat.NotebookNode:
    """Return a notebook: question, parameters, set-up, the cells given, then publish."""
    nb = new_notebook(
        cells=[
            md("# Who carries the business?\n\nThe director decides with it."),
            code("business_unit = ''", tags=("parameters",)),
            code("study = open_study()", facts(FACTS), tags=("setup",)),
            *cells,
            code("study.publish()", facts(PUBLISHED if published is None else published)),
        ]
    )
    nbformat.validate(nb)
    return nb


@pytest.fixture
def make() -> SimpleNamespace:
    """Return the makers above; test modules cannot import them from here."""
    return SimpleNamespace(
        md=md, code=code, shown=shown, facts=facts, figure=figure, note=note, notebook=notebook,
        FACTS=FACTS, PUBLISHED=PUBLISHED,
    )  # fmt: skip
