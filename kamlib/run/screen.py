"""How a run shows on the terminal: bars and a table there, plain lines in a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from kamlib.run.attempt import Record
    from kamlib.run.plan import Job

_COLOURS = {"ok": "green", "failed": "red", "locked": "yellow", "stopped": "yellow"}


class Screen:
    """Shows jobs while they run; a context. Its methods may be called from several threads.

    Parameters
    ----------
    console
        Where to write; none: nowhere.
    """

    def __init__(self, console: Console | None) -> None:
        self.console = console or Console(quiet=True)
        self._bars: dict[int, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} cells"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Screen:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, job: Job) -> None:
        """Show a bar for a job that has been taken up."""
        self._bars[id(job)] = self._progress.add_task(str(job), total=1)

    def cell(self, job: Job, done: int, total: int) -> None:
        """Show how far a job has come."""
        self._progress.update(self._bars[id(job)], completed=done, total=total)

    def finished(self, record: Record) -> None:
        """Replace a job's bar by one line, with all that went wrong below it."""
        if (bar := self._bars.pop(id(record.job), None)) is not None:
            self._progress.remove_task(bar)
        line = Text(f"{record.status:<8}", style=_COLOURS[record.status])
        line.append(f"{record.job}  {record.seconds:.1f} s", style="default")
        if record.page is not None:
            line.append(f"  {_relative(record.page)}", style="default")
        self.say(line)
        failure = record.manifest.get("failure", {})
        # records and parameters are at fault wherever the notebook happened to look at them
        heading = (
            failure.get("heading") if failure.get("kind") not in ("data", "parameters") else ""
        )
        if heading:
            self.say(f"        in the section “{heading}”")
        for fault in record.faults:
            self.say(f"        {fault}")

    def say(self, line: str | Text) -> None:
        """Write one line as it is: no markup, no folding in a log."""
        terminal = self.console.is_terminal
        self.console.print(line, markup=False, highlight=False, soft_wrap=not terminal)

    def summary(self, records: Iterable[Record]) -> None:
        """Show all jobs as a table on a terminal, and how many came out how."""
        records = list(records)
        if self.console.is_terminal and len(records) > 1:
            table = Table(
                "Unit",
                "Study",
                "Status",
                Column("Seconds", justify="right"),
                Column("Page", overflow="fold"),
            )
            for record in records:
                page = Text("\n".join(record.faults[:1]), style="dim")
                if record.page is not None:
                    link = Text(_relative(record.page), style=f"link {record.page.as_uri()}")
                    page = Text("\n").join([link, page] if page else [link])
                table.add_row(
                    record.job.unit.business_unit,
                    record.job.study,
                    Text(record.status, style=_COLOURS[record.status]),
                    f"{record.seconds:.1f}",
                    page,
                )
            self.console.print(table)
        counted = Counter(record.status for record in records)
        self.say(", ".join(f"{n} {status}" for status, n in counted.items()))


def _relative(path: Path) -> str:
    here = Path.cwd().resolve()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
