"""What a run costs: CPU seconds of this process and all its children, wall seconds, and memory.

CPU seconds, since others use the machine too; a peer with more threads gains nothing by it. The JVM of a peer
is a child that lives on, so living children are read from /proc; where there is none, only those that have
ended are counted.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True)
class Cost:
    """CPU and wall in seconds, memory in bytes above what was there before."""

    cpu: float
    wall: float
    memory: int


def cpu() -> float:
    """CPU seconds so far."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own = sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)
    return own + sum(_ticks(child) for child in children()) / TICK


def children(of: int | None = None) -> Iterator[int]:
    """The processes below this one that are alive."""
    for task in (PROC / str(of or os.getpid()) / "task").glob("*/children"):
        try:
            below = task.read_text().split()
        except OSError:
            continue
        for child in map(int, below):
            yield child
            yield from children(child)


def _ticks(process: int) -> int:
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))  # its own, and those of its children that have ended


def memory(which: str = "VmHWM") -> int:
    """Bytes of this process and its children: the most there were (VmHWM), or now (VmRSS)."""
    total = 0
    for process in (os.getpid(), *children()):
        try:
            lines = (PROC / str(process) / "status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))
    return total


def measure(function: Callable[[], Any], repeats: int = 1) -> tuple[Cost, Any]:
    """Run it so many times; give the least cost, and what came of it the last time."""
    best: Cost | None = None
    for _ in range(repeats):
        result = None  # what came of it before must not weigh on the next
        gc.collect()
        _forget_peaks()
        held, wall, begin = memory("VmRSS"), time.perf_counter(), cpu()
        result = function()
        cost = Cost(cpu() - begin, time.perf_counter() - wall, max(memory() - held, 0))
        best = cost if best is None or cost.cpu < best.cpu else best
    assert best is not None
    return best, result


def _forget_peaks() -> None:
    for process in (os.getpid(), *children()):
        try:
            (PROC / str(process) / "clear_refs").write_text("5")
        except OSError:
            return
