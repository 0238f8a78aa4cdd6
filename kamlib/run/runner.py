"""Run jobs, some at a time; whatever becomes of one, the others go on."""

from __future__ import annotations

import contextlib
import secrets
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from kamlib.errors import Locked
from kamlib.run import catalogue, store
from kamlib.run.attempt import Attempt, Record
from kamlib.run.kernel import PrivateKernel
from kamlib.run.plan import Job
from kamlib.run.screen import Screen
from kamlib.run.watch import Limits


def exit_code(records: Iterable[Record]) -> int:
    """Return the command's exit code: 0 all well, 1 some failed, 75 some units locked, none failed."""
    statuses = {record.status for record in records}
    return 1 if "failed" in statuses else 75 if "locked" in statuses else 0


class _Run:
    """One call of `run_jobs`: its name, bounds, screen, and the kernels it has started."""

    def __init__(self, limits: Limits, screen: Screen) -> None:
        self.id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.limits, self.screen = limits, screen
        self.stopped = threading.Event()
        self._kernels: list[PrivateKernel] = []

    def watch(self, kernel: PrivateKernel) -> None:
        self._kernels.append(kernel)
        if self.stopped.is_set():
            kernel.kill()

    def stop(self) -> None:
        self.stopped.set()
        for kernel in list(self._kernels):
            kernel.kill()


def run_jobs(
    jobs: Iterable[Job],
    *,
    workers: int = 2,
    limits: Limits = Limits(),  # noqa: B008 – frozen
    screen: Screen | None = None,
) -> list[Record]:
    """Run all jobs, publish their reports, and bring the catalogue up to date.

    Parameters
    ----------
    jobs
        As planned by `plan_jobs`.
    workers
        Kernels at work at the same time.
    limits
        Bounds in seconds.
    screen
        Where to show how it goes; none: nowhere.

    Returns
    -------
    list of Record
        One per job, in the order of `jobs`.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, SIGTERM or SIGHUP, after all kernels have ended.
    """
    jobs = list(jobs)
    screen = screen or Screen(None)
    run = _Run(limits, screen)
    with contextlib.ExitStack() as stack:
        locked = _lock_units(stack, jobs)
        free = [job for job in jobs if job.unit.business_unit not in locked]
        stack.enter_context(signals_as_interrupt())
        stack.enter_context(screen)
        done = {
            id(job): Record(job, "locked", faults=(locked[job.unit.business_unit],))
            for job in jobs
            if job not in free
        }
        for record in done.values():
            screen.finished(record)
        try:
            for record in _run_all(run, free, workers):
                done[id(record.job)] = record
        finally:
            if free:
                _catalogue(screen)
    return [done[id(job)] for job in jobs]


def _lock_units(stack: contextlib.ExitStack, jobs: list[Job]) -> dict[str, str]:
    """Lock every unit and mend what earlier runs left; return why some units are not to be had."""
    locked: dict[str, str] = {}
    for unit in dict.fromkeys(job.unit.business_unit for job in jobs):
        try:
            stack.enter_context(store.lock(store.outputs() / unit / ".lock"))
        except Locked as error:
            locked[unit] = error.faults[0]
        else:
            store.recover(unit)
    return locked


def _run_all(run: _Run, jobs: list[Job], workers: int) -> list[Record]:
    pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="kam")
    futures: list[Future[Record]] = [pool.submit(_run_job, run, job) for job in jobs]
    try:
        while wait(futures, timeout=0.5).not_done:  # wakes up, so that Ctrl-C is heard everywhere
            pass
    except BaseException:
        run.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [future.result() for future in futures]


@contextlib.contextmanager
def signals_as_interrupt() -> Iterator[None]:
    """Let a scheduler's SIGTERM, or a terminal that closes, end the kernels as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [
        number for number in numbers if signal.getsignal(number) == signal.SIG_DFL
    ]  # not nohup
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _run_job(run: _Run, job: Job) -> Record:
    if run.stopped.is_set():
        return Record(job, "stopped")
    run.screen.started(job)
    attempt = Attempt(
        job,
        run.id,
        run.limits,
        on_cell=lambda done, total: run.screen.cell(job, done, total),
        on_kernel=run.watch,
        stopped=run.stopped.is_set,
    )
    record = attempt.make()
    run.screen.finished(record)
    return record


def _catalogue(screen: Screen) -> None:
    try:
        catalogue.write_index()
    except OSError as error:
        screen.say(f"outputs/index.html could not be written: {error.strerror or error}")
