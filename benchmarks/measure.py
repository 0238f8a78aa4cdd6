"""Runs pieces of Python in processes of their own and reads what the system counted for them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds, the largest resident memory in MB, and the last line printed."""

    wall: float
    cpu: float
    peak_mb: float
    told: str = ""


@dataclass(frozen=True, slots=True)
class After:
    """Code of which only the part after the preparation (imports) is timed; its memory is whole."""

    preparation: str
    code: str


_TIMED = """
{preparation}
import json as _json, time as _time
_begun = _time.perf_counter(), _time.process_time()
{code}
_ended = _time.perf_counter(), _time.process_time()
print(_json.dumps([b - a for a, b in zip(_begun, _ended)]))
"""


def run(code: str | After, *arguments: str) -> Cost:
    """Run `code` in a fresh interpreter and return what it cost."""
    text = (
        _TIMED.format(preparation=code.preparation, code=code.code)
        if isinstance(code, After)
        else code
    )
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", text, *arguments], stdout=subprocess.PIPE, text=True
    )
    # a bar of progress comes back to the start of its line
    told = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the measured code failed with {process.returncode}")
    wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    if isinstance(code, After):
        wall, cpu = json.loads(told.pop())
    # the system counts in 1,024 bytes
    return Cost(wall, cpu, used.ru_maxrss * 1024 / 1e6, told[-1] if told else "")


def compare(pieces: Mapping[str, str | After], *arguments: str, runs: int = 5) -> dict[str, Cost]:
    """Run all pieces in turn, `runs` times after one warm-up, and return the medians."""
    found: dict[str, list[Cost]] = {name: [] for name in pieces}
    for turn in range(runs + 1):
        for name, code in pieces.items():
            cost = run(code, *arguments)
            if turn:
                found[name].append(cost)
    return {
        name: Cost(
            *(
                statistics.median(getattr(c, part) for c in costs)
                for part in ("wall", "cpu", "peak_mb")
            ),
            told=costs[-1].told,
        )
        for name, costs in found.items()
    }


def table(costs: dict[str, Cost], base: str) -> str:
    """Return the costs as lines, each beside its ratio to `base`."""
    lines = [f"{'':34}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'CPU / base':>12}"]
    for name, cost in costs.items():
        ratio = cost.cpu / costs[base].cpu
        lines.append(f"{name:34}{cost.wall:9.2f}{cost.cpu:9.2f}{cost.peak_mb:9.0f}{ratio:12.2f}")
    return "\n".join(lines)
