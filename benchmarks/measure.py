"""Runs pieces of Python as whole processes and reads what the system counted for them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Median over runs: wall and CPU seconds, and the largest resident memory in MB."""

    wall: float
    cpu: float
    peak_mb: float


def run(code: str, *arguments: str) -> Cost:
    """Run `code` in a fresh interpreter and return what it cost."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the measured code failed with {process.returncode}")
    wall = time.perf_counter() - start
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def compare(pieces: dict[str, str], *arguments: str, runs: int = 5) -> dict[str, Cost]:
    """Run all pieces in turn, `runs` times after one warm-up, and return the medians."""
    found: dict[str, list[Cost]] = {name: [] for name in pieces}
    for turn in range(runs + 1):
        for name, code in pieces.items():
            cost = run(code, *arguments)
            if turn:
                found[name].append(cost)
    return {
        name: Cost(*(statistics.median(getattr(c, part) for c in costs) for part in Cost.__slots__))
        for name, costs in found.items()
    }


def table(costs: dict[str, Cost], base: str) -> str:
    """Return the costs as lines, each beside its ratio to `base`."""
    lines = [f"{'':34}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'CPU / base':>12}"]
    for name, cost in costs.items():
        ratio = cost.cpu / costs[base].cpu
        lines.append(f"{name:34}{cost.wall:9.2f}{cost.cpu:9.2f}{cost.peak_mb:9.0f}{ratio:12.2f}")
    return "\n".join(lines)
