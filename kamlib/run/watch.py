"""What is seen of a job while it runs, within which bounds it may run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nbformat import NotebookNode

from kamlib.run.kernel import PrivateKernel
from kamlib.run.scrub import Scrubber


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a job, one cell, and the start of a kernel may take."""

    job: float = 3600.0
    cell: float = 1800.0
    start: float = 120.0


@dataclass(slots=True)
class Watch:
    """One job at work.

    Attributes
    ----------
    nb
        The notebook with all outputs so far.
    kernel
        The kernel that runs it.
    scrub
        Takes credentials out of what comes from the kernel.
    limits
        Bounds in seconds; the job's counts from the making of this object.
    on_cell
        Called before each code cell with its number and the number of cells.
    cell_id
        The code cell that was started last; empty before the first.
    written
        Characters printed so far, by the number of the cell.
    """

    nb: NotebookNode
    kernel: PrivateKernel
    scrub: Scrubber
    limits: Limits
    on_cell: Callable[[int, int], None]
    cell_id: str = ""
    began: float = field(default_factory=time.monotonic)
    written: dict[int, int] = field(default_factory=dict)

    def left(self) -> float:
        """Return the seconds left for the whole job."""
        return self.limits.job - (time.monotonic() - self.began)

    def bound(self, cell: NotebookNode) -> float:
        """Return the seconds left for a cell; never 0, which nbclient takes for "no limit"."""
        return max(0.1, min(self.limits.cell, self.left()))

    def at_cell(self, cell: NotebookNode, cell_index: int) -> None:
        """Take note of the code cell that is about to run."""
        self.cell_id = cell.id
        self.on_cell(cell_index, len(self.nb.cells))
