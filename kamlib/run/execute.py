"""One notebook through Papermill, in a kernel of its own: bounded, without secrets, in its own folder."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.execute import execute_notebook

from kamlib.glossary import Sentence, Style, say
from kamlib.params import home
from kamlib.run import notebook, verdict
from kamlib.run.failure import Failure
from kamlib.run.kernel import PrivateKernel
from kamlib.run.plan import Job
from kamlib.run.scrub import Scrubber
from kamlib.run.watch import Limits, Watch

NOTEBOOK_FILE = "study.ipynb"
# the matrices of a study are small: threads of linear algebra wait for one another, and for those of other jobs
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_log = logging.getLogger("kamlib.run")
_log.addHandler(logging.NullHandler())  # nbclient reports to stderr what our records say better


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Papermill's client with a private kernel, without secrets, and with bounded output."""

    def __init__(self, nb_man: Any, watch: Watch, **traits: Any) -> None:
        super().__init__(nb_man, **traits)
        self.watch = watch

    def create_kernel_manager(self) -> Any:
        self.km = self.watch.kernel.manager()
        return self.km

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        content = msg["content"] = self.watch.scrub(msg["content"])
        if msg["msg_type"] == "stream":
            written = self.watch.written.get(cell_index, 0)
            self.watch.written[cell_index] = written + len(content["text"])
            content["text"] = content["text"][: max(0, notebook.STREAM_LIMIT - written)]
            if not content["text"]:
                return None
        return super().process_message(msg, cell, cell_index)


class _Engine(Engine):  # type: ignore[misc]  # papermill has no types
    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, watch: Watch, folder: Path, **_: Any
    ) -> None:
        watch.nb = nb_man.nb
        client = _Client(
            nb_man,
            watch,
            kernel_name=kernel_name,
            log=_log,
            startup_timeout=max(1, int(min(watch.limits.start, watch.limits.job))),
            timeout=max(1, int(watch.limits.cell)),
            timeout_func=watch.bound,
            iopub_timeout=60,  # a chatty cell may lag behind its own end
            raise_on_iopub_timeout=True,
            shutdown_kernel="immediate",
            force_raise_errors=True,
            coalesce_streams=False,  # its search takes seconds on one long line; ours is in verdict
            store_widget_state=False,
            record_timing=False,
            on_cell_execute=watch.at_cell,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute()


papermill_engines.register("kam", _Engine)


@dataclass(frozen=True, slots=True)
class Executed:
    """A job as it came out.

    Attributes
    ----------
    sha256
        Of the notebook file that was run.
    nb
        The notebook as far as it got; without cells if none was run.
    failure
        Why it got no further; None if every code cell completed without an error.
    """

    sha256: str
    nb: NotebookNode
    failure: Failure | None = None


def execute(
    job: Job,
    build: Path,
    *,
    limits: Limits,
    scrub: Scrubber,
    style: Style,
    on_cell: Callable[[int, int], None] = lambda done, total: None,
    on_kernel: Callable[[PrivateKernel], None] = lambda kernel: None,
) -> Executed:
    """Run one notebook; the study's files and `study.ipynb` come to lie in `build`.

    Parameters
    ----------
    job
        What to run.
    build
        Folder that the kernel finds in KAM_JOB_DIR.
    limits
        Bounds in seconds.
    scrub
        Takes credentials out of all that is kept.
    style
        Language of the sentences in a failure.
    on_cell
        Called before each code cell with its number and the number of cells.
    on_kernel
        Called with the kernel before it starts, so that the caller can end it.
    """
    source = job.notebook.read_bytes()
    sha256 = hashlib.sha256(source).hexdigest()
    try:
        nb = notebook.prepare(notebook.parse(source))
        faults = notebook.parameter_faults(nb)
    except notebook.NotANotebook:
        nb, faults = notebook.empty(), [Sentence("run.not_a_notebook", {"file": job.notebook.name})]
    if faults:
        refused = Failure("parameters", tuple(say(fault, style) for fault in faults))
        return Executed(sha256, notebook.empty(), refused)
    target = build / NOTEBOOK_FILE
    notebook.write(nb, target)
    environment = {"KAM_JOB_DIR": str(build), "KAM_HOME": str(home())}
    environment |= {name: "1" for name in _THREADS if name not in os.environ}
    with PrivateKernel(environment) as kernel:
        on_kernel(kernel)
        watch = Watch(nb, kernel, scrub, limits, on_cell)
        error = _papermill(job, target, watch)
        failed = verdict.judge(error, watch, style)
    kept = verdict.settled(watch, failed, style) if watch.cell_id else notebook.empty()
    return Executed(sha256, kept, failed)


def _papermill(job: Job, target: Path, watch: Watch) -> Exception | None:
    path = str(target).replace("{", "{{").replace("}", "}}")  # papermill formats paths
    parameters = {"business_unit": job.unit.business_unit, "as_of": job.as_of, "overrides": {}}
    try:
        execute_notebook(
            path,
            path,
            parameters=parameters,
            engine_name="kam",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=True,
            folder=job.notebook.parent,
            watch=watch,
        )
    except Exception as error:  # whatever it is, one job must not stop another
        return error
    finally:
        _close_loop()
    return None


def _close_loop() -> None:
    """End what a stopped client left waiting in this thread's event loop."""
    loop = ensure_event_loop()
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.close()
    asyncio.set_event_loop(None)
