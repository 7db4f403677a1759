"""What every peer's file does: it loads batches, runs over them, and gives its answer.

    python -m benchmarks.peers.polars_ W1 events.parquet --batch 10000 --answer answer.parquet

prints one line of JSON. Loading is timed apart from running: the figure in memory is that of running alone,
the whole run is both. Imports and the start of a virtual machine come before and are not counted.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cost import measure
from benchmarks.workloads import WORKLOADS, Workload


@dataclass(frozen=True)
class Job:
    """One workload on one table of rows, cut into batches of so many."""

    work: Workload
    batch: int
    path: Path | None = None
    kind: str = "str"


@dataclass(frozen=True)
class Peer:
    """How one peer does it.

    Parameters
    ----------
    package : str
        Whose version is reported.
    load : callable
        From a job to what the peer keeps in memory: usually a list of batches.
    run : callable
        From a job and that, to the panes as the peer makes them; this is what is measured.
    answer : callable
        From a job and the panes to a pandas frame (`key, start, end, n, sum, mean, min, max`), times in
        microseconds; and to the number of late rows, None if the peer does not say.
    cannot : mapping of str to str
        The workloads it cannot do, and why.
    reads : bool
        Whether it reads its rows while it runs; what it does before is then no loading, but starting.
    scan : callable, optional
        For a peer that does: only the reading, whose CPU time is taken off the figure in memory.
    note : str
        What a reader of the figure must know.
    """

    package: str
    load: Callable[[Job], Any]
    run: Callable[[Job, Any], Any]
    answer: Callable[[Job, Any], tuple[Any, int | None]]
    cannot: dict[str, str] | None = None
    reads: bool = False
    scan: Callable[[Job, Any], Any] | None = None
    note: str = ""


def main(peer: Peer) -> None:
    """Run a peer from the command line."""
    parser = argparse.ArgumentParser(description=peer.package)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("path", type=Path)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--keys", type=int)
    parser.add_argument("--kind", default="str")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--answer", type=Path)
    given = parser.parse_args()
    work = WORKLOADS[given.workload]
    work = work.with_keys(given.keys) if given.keys else work
    told = {"version": importlib.metadata.version(peer.package), "python": platform.python_version()}
    if peer.cannot and work.name in peer.cannot:
        print(json.dumps(told | {"cannot": peer.cannot[work.name]}))
        return
    import pandas  # noqa: F401 - pyarrow imports it while it reads its first file; imports are not counted

    job = Job(work, given.batch, given.path, given.kind)
    loading, data = measure(lambda: peer.load(job))
    running, panes = measure(lambda: peer.run(job, data), given.repeats)
    answer, late = peer.answer(job, panes)
    if given.answer:
        answer.to_parquet(given.answer)
    load_cpu, run_cpu = loading.cpu, running.cpu
    if peer.reads:
        load_cpu = measure(lambda: peer.scan(job, data))[0].cpu if peer.scan else 0.0
        run_cpu -= load_cpu
    told |= {"cpu": run_cpu, "wall": running.wall, "memory": running.memory, "load_cpu": load_cpu}
    told |= {"panes": len(answer), "late": late, "note": peer.note}
    print(json.dumps(told))
