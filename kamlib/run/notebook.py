"""What the runner must know of a notebook: its parameters cell, headings, header facts, outputs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from kamlib.glossary import Sentence

PARAMETERS = ("business_unit", "as_of", "overrides")
FACTS = "application/vnd.kam.study+json"
STREAM_LIMIT = 100_000
ERROR_LIMIT = 20_000
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


class NotANotebook(ValueError):
    """The text is no notebook."""


def parse(text: bytes) -> NotebookNode:
    """Return the notebook in `text`, in the current format."""
    try:
        read: NotebookNode = nbformat.reads(text.decode("utf-8"), as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
        nb: NotebookNode = nbformat.v4.upgrade(read) or read  # type: ignore[no-untyped-call]  # as above
        nb.cells, nb.metadata  # noqa: B018 – fails here where either is absent
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise NotANotebook(str(error)) from error
    return nb


def write(nb: NotebookNode, path: Path) -> None:
    """Write a notebook."""
    nbformat.write(nb, path)  # type: ignore[no-untyped-call]


def empty() -> NotebookNode:
    """Return a notebook without cells, which stands for "nothing was run"."""
    nb: NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    return nb


def remark(text: str) -> NotebookNode:
    """Return an output that looks as if the cell had printed `text`."""
    output: NotebookNode = nbformat.v4.new_output("stream", name="stderr", text=text)  # type: ignore[no-untyped-call]
    return output


def has_tag(cell: NotebookNode, tag: str) -> bool:
    """Return whether the cell carries the tag."""
    return tag in cell.get("metadata", {}).get("tags", [])


def parameter_faults(nb: NotebookNode) -> list[Sentence]:
    """Return why the runner's values would not reach the notebook, or would not be the ones used.

    Papermill only warns: where no cell is tagged it puts the values on top, and the notebook's own
    defaults overrule them – a report named after one unit, computed for another.
    """
    tagged = [cell for cell in nb.cells if has_tag(cell, "parameters")]
    wanted = ", ".join(PARAMETERS)
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        return [Sentence("run.parameters_cell", {"n": len(tagged), "wanted": wanted})]
    try:
        statements = ast.parse(tagged[0].source).body
    except SyntaxError as error:
        return [Sentence("run.parameters_syntax", {"line": error.lineno, "problem": error.msg})]
    names = [name for statement in statements for name in _assigned(statement)]
    if sorted(names) != sorted(PARAMETERS):
        found = ", ".join(names) or "–"
        return [Sentence("run.parameters_names", {"wanted": wanted, "found": found})]
    return []


def _assigned(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign):
        return [t.id if isinstance(t, ast.Name) else ast.unparse(t) for t in statement.targets]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return []  # a remark in quotes
    return [ast.unparse(statement).splitlines()[0]]


def prepare(nb: NotebookNode) -> NotebookNode:
    """Return the notebook as a run starts with it: nothing left of earlier runs."""
    nb.cells = [cell for cell in nb.cells if not has_tag(cell, "injected-parameters")]
    nb.metadata.pop("papermill", None)
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def heading_above(nb: NotebookNode, cell_id: str) -> str:
    """Return the nearest heading above a cell, "" where there is none."""
    heading = ""
    for cell in nb.cells:
        if cell.get("id") == cell_id:
            break
        if cell.cell_type == "markdown":
            for line in _FENCE.sub("", cell.source).splitlines():
                if matched := _HEADING.fullmatch(line.strip()):
                    heading = re.sub(r"[*`]", "", matched[1])
    return heading


def header_facts(nb: NotebookNode) -> dict[str, Any] | None:
    """Return the facts that the notebook displayed last; of a failed study they are all there is."""
    facts = None
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {}).get(FACTS)
            facts = dict(shown) if isinstance(shown, dict) else facts
    return facts


def error_output(nb: NotebookNode) -> tuple[NotebookNode, NotebookNode] | None:
    """Return the first cell with an error among its outputs, and that error."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return cell, output
    return None


def has_unfinished(nb: NotebookNode) -> bool:
    """Return whether any code cell did not complete."""
    return any(
        cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("status") != "completed"
        for cell in nb.cells
    )


def join_streams(nb: NotebookNode) -> None:
    """Make one output of prints that follow each other; of a line written over, the last remains."""
    for cell in nb.cells:
        joined: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            last = joined[-1] if joined else {}
            if output.output_type == "stream" and last.get("name") == output.name:
                last["text"] += output.text
            else:
                joined.append(output)
        for output in joined:
            if output.output_type == "stream":
                lines = output.text.split("\n")
                output.text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
        if joined:
            cell.outputs = joined


def cut_errors(nb: NotebookNode) -> None:
    """Shorten the texts of errors, which may quote whole tables."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.evalue = output.evalue[:ERROR_LIMIT]
                output.traceback = [line[-ERROR_LIMIT:] for line in output.traceback[-50:]]
