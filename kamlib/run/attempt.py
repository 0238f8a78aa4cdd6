"""One job from its empty build folder to its published page: the report, or why there is none."""

from __future__ import annotations

import contextlib
import json
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kamlib
from kamlib.glossary import Sentence, say
from kamlib.params import resolve_secrets
from kamlib.run import catalogue, failure, notebook, store
from kamlib.run.execute import NOTEBOOK_FILE, Executed, execute
from kamlib.run.failure import Failure, style_of
from kamlib.run.kernel import PrivateKernel
from kamlib.run.plan import Job
from kamlib.run.scrub import Scrubber
from kamlib.run.watch import Limits


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a job.

    Attributes
    ----------
    job
        The job.
    status
        ok, failed, locked (another run holds the unit) or stopped (Ctrl-C).
    seconds
        How long it took.
    page
        Its report or failure page; none where there was no room to write one.
    faults
        Full sentences: why there is no report.
    manifest
        As it lies beside the page.
    """

    job: Job
    status: str
    seconds: float = 0.0
    page: Path | None = None
    faults: tuple[str, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict)


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class _Failed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.kind)
        self.failure = failure


class Attempt:
    """One attempt at a job.

    Parameters
    ----------
    job
        What to make.
    run_id
        Name of the run that it belongs to.
    limits
        Bounds in seconds.
    on_cell, on_kernel
        As `kamlib.run.execute.execute` calls them.
    stopped
        Tells whether the run has been told to stop, so that its end is no failure of the job.
    """

    def __init__(
        self,
        job: Job,
        run_id: str,
        limits: Limits,
        on_cell: Callable[[int, int], None],
        on_kernel: Callable[[PrivateKernel], None],
        stopped: Callable[[], bool],
    ) -> None:
        self.job, self.run_id, self.limits = job, run_id, limits
        self.on_cell, self.on_kernel, self.stopped = on_cell, on_kernel, stopped
        self.unit = job.unit.business_unit
        self.style = style_of(job.unit)
        self.started = datetime.now(UTC)
        self.build = store.outputs() / self.unit / store.BUILDING / f"{run_id}-{job.study}"
        self.scrub = Scrubber(())

    def make(self) -> Record:
        """Run, render and publish; every failure becomes a record and, if it can, a page."""
        try:
            return self._make()
        finally:
            store.remove(self.build)

    def _make(self) -> Record:
        came = Executed("", notebook.empty())
        facts: dict[str, Any] | None = None
        try:
            self.scrub = Scrubber(resolve_secrets(self.job.unit.book.database)[1])
            store.new_build(self.build)
            came = self._execute()
            if came.failure is not None:
                raise _Failed(came.failure)
            facts = self._published_facts()
            return self._succeed(came, facts)
        except _Failed as stop:
            return self._fail(came, stop.failure, facts)
        except Exception as error:  # whatever it is, one job must not stop another
            return self._fail(came, failure.from_exception(error, self.style), facts)

    def _execute(self) -> Executed:
        return execute(
            self.job,
            self.build,
            limits=self.limits,
            scrub=self.scrub,
            style=self.style,
            on_cell=self.on_cell,
            on_kernel=self.on_kernel,
        )

    def _published_facts(self) -> dict[str, Any]:
        path = self.build / "study.json"
        if not path.is_file():
            raise self._failed("stopped-early", "run.not_published")
        facts = json.loads(path.read_text("utf-8"), parse_constant=lambda name: None)
        path.unlink()  # the manifest carries it
        self._check(facts)
        return dict(self.scrub(facts))

    def _check(self, facts: dict[str, Any]) -> None:
        """Refuse results of anything but what was asked for: they would lie in the wrong folder."""
        keys = ("business_unit", "study", "as_of")
        found = tuple(str(facts.get(key)) for key in keys)
        wanted = (self.unit, self.job.study, self.job.as_of or found[2])
        if found != wanted or not _DATE.fullmatch(found[2]):
            asked = (self.unit, self.job.study, self.job.as_of or "YYYY-MM-DD")
            values = {"found": ", ".join(found), "wanted": ", ".join(asked)}
            raise self._failed("runner-error", "run.other_facts", **values)

    def _failed(self, kind: str, key: str, **values: str) -> _Failed:
        return _Failed(Failure(kind, (say(Sentence(key, values), self.style),)))

    def _succeed(self, came: Executed, facts: dict[str, Any]) -> Record:
        from kamlib.report.render import render_report

        notebook.write(came.nb, self.build / NOTEBOOK_FILE)
        page = render_report(came.nb, run_id=self.run_id)
        (self.build / "report.html").write_text(page, encoding="utf-8")
        manifest = self._manifest("ok", came, facts, self.build)
        target = store.outputs() / self.unit / facts["as_of"] / self.job.study
        store.publish(self.build, target)
        for as_of in (facts["as_of"], "undated"):
            store.remove(_failed_folder(self.unit, as_of, self.job.study))
        self._log(manifest)
        return Record(
            self.job, "ok", manifest["seconds"], target / "report.html", manifest=manifest
        )

    def _fail(self, came: Executed, failed: Failure, facts: dict[str, Any] | None) -> Record:
        if self.stopped():
            return Record(self.job, "stopped", self._seconds())
        from kamlib.report.failure import render_failure

        store.remove(self.build)  # nothing of it is shown, and a full disk needs the room
        facts = facts or notebook.header_facts(came.nb)
        as_of = self.job.as_of or str((facts or {}).get("as_of", ""))
        as_of = as_of if _DATE.fullmatch(as_of) else "undated"
        target = _failed_folder(self.unit, as_of, self.job.study)
        manifest = self._manifest("failed", came, facts, None)
        manifest["failure"] = self.scrub(failed.as_dict())
        page: Path | None = target / "failure.html"
        good = catalogue.last_good(self.unit, self.job.study, as_of)
        link = catalogue.href(*good, target) if good else None
        try:
            store.new_build(self.build)
            if came.nb.cells:
                notebook.write(came.nb, self.build / NOTEBOOK_FILE)
            html = render_failure(manifest, style=self.style, last_good=link)
            (self.build / "failure.html").write_text(html, encoding="utf-8")
            self._finish(manifest, self.build)
            store.publish(self.build, target)
        except Exception as error:  # the disk may still be full: the record is all that is left
            page = None
            manifest["failure"]["traceback"] += f"\n\nno failure page: {error!r}"
        self._log(manifest)
        faults = tuple(manifest["failure"]["faults"])
        return Record(self.job, "failed", manifest["seconds"], page, faults, manifest)

    def _manifest(
        self, status: str, came: Executed, facts: dict[str, Any] | None, folder: Path | None
    ) -> dict[str, Any]:
        versions = {"kamlib": kamlib.__version__, "python": platform.python_version()}
        manifest: dict[str, Any] = {
            "schema": 1,
            "run_id": self.run_id,
            "status": status,
            "business_unit": self.unit,
            "study": self.job.study,
            "as_of": (facts or {}).get("as_of") or self.job.as_of,
            "notebook": self.job.notebook.name,
            "notebook_sha256": came.sha256,
            "started": _iso(self.started),
            "finished": _iso(datetime.now(UTC)),
            "seconds": self._seconds(),
            "versions": versions | ((facts or {}).get("versions") or {}),
        }
        if facts is not None:
            manifest["facts"] = facts
        if folder is not None:
            self._finish(manifest, folder)
        return manifest

    def _finish(self, manifest: dict[str, Any], folder: Path) -> None:
        manifest["files"] = store.file_hashes(folder)
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (folder / "manifest.json").write_text(f"{text}\n", encoding="utf-8")

    def _seconds(self) -> float:
        return round((datetime.now(UTC) - self.started).total_seconds(), 1)

    def _log(self, manifest: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # told on the screen in any case
            catalogue.append_runs([manifest])


def _failed_folder(unit: str, as_of: str, study: str) -> Path:
    return store.outputs() / unit / as_of / f"{study}.failed"


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
