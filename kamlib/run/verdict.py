"""Whether a job came out well, and the notebook as it is kept.

Papermill's own marks are no evidence: it calls the cells of a dead or timed-out kernel "completed", and
a notebook that left by `SystemExit(0)` a success.
"""

from __future__ import annotations

from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from papermill.execute import remove_error_markers

from kamlib.glossary import Sentence, Style, say
from kamlib.run import failure, notebook
from kamlib.run.failure import Failure
from kamlib.run.watch import Watch


def judge(error: Exception | None, watch: Watch, style: Style) -> Failure | None:
    """Return why the job failed, None only if every code cell completed without an error.

    Parameters
    ----------
    error
        What Papermill raised, if it raised.
    watch
        What was seen of the job.
    style
        Language of the sentences.
    """
    heading = notebook.heading_above(watch.nb, watch.cell_id)

    def failed(kind: str, key: str, trace: str = "", **values: Any) -> Failure:
        fault = say(Sentence(key, values), style)
        ename = type(error).__name__ if error else ""
        return Failure(kind, (fault,), heading, watch.cell_id, ename, str(error or "")[:500], trace)

    if error is not None and failure.is_full(error):
        return failure.from_exception(error, style)
    if isinstance(error, CellTimeoutError):
        if "IOPub" in str(error):
            return failed("timeout", "run.chatty")
        if watch.left() <= 1:
            return failed("timeout", "run.timeout_job", seconds=watch.limits.job)
        return failed("timeout", "run.timeout_cell", seconds=watch.limits.cell)
    if isinstance(error, DeadKernelError):
        code = watch.kernel.exit_code
        return failed("kernel-died", "run.kernel_died", watch.kernel.last_words(), code=code)
    if error is not None and not watch.cell_id:
        return failed("kernel-died", "run.kernel_start", watch.kernel.last_words())
    if erroneous := notebook.error_output(watch.nb):
        cell, output = erroneous
        heading = notebook.heading_above(watch.nb, cell.id)
        return failure.from_cell_error(output, style, heading=heading, cell_id=cell.id)
    if error is not None and not isinstance(error, PapermillExecutionError):
        return failure.from_exception(error, style)
    if error is not None or notebook.has_unfinished(watch.nb):
        return failed("stopped-early", "run.stopped")
    return None


def settled(watch: Watch, failed: Failure | None, style: Style) -> NotebookNode:
    """Return the notebook as it is kept: true about what ran, short, without secrets and paths."""
    nb: NotebookNode = remove_error_markers(
        watch.nb
    )  # first, so that cells have the numbers they ran under
    notebook.join_streams(nb)  # before the scrubbing below: a secret may come in two pieces
    for index, length in watch.written.items():
        if length > notebook.STREAM_LIMIT:
            note = say(Sentence("run.cut", {"n": length}), style)
            nb.cells[index].outputs.append(notebook.remark(f"\n{note}\n"))
    notebook.cut_errors(nb)
    stopped_at = failed.cell_id if failed else ""
    reached = False
    for cell in nb.cells:
        seen = cell.metadata.setdefault("papermill", {})
        if reached:
            seen["status"] = "pending"
        if stopped_at and cell.get("id") == stopped_at:
            reached = True
            seen.update(status="failed", exception=True)
    about = nb.metadata.setdefault("papermill", {})
    about.update(input_path="", output_path="", exception=True if failed else None)
    watch.scrub(nb)
    return nb
