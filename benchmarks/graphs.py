"""Targets 4 and 5: what a small batch and a node cost, what state holds, and what firing a window costs.

    python -m benchmarks.graphs 1000000 1

tells the bytes of so many keys in so many open windows; a process of its own, so that nothing else counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
import streamz

from benchmarks.checks import Check
from benchmarks.cost import memory
from benchmarks.events import events, frame, names
from benchmarks.peers.pandas_ import cut
from benchmarks.peers.workbench_ import NAMED
from benchmarks.workloads import EPOCH, SECOND, WORKLOADS

MINUTE = pd.Timedelta("1min")


def checks() -> Iterator[Check]:
    yield Check("4", "a batch of 100 rows, from source to sink", small_batch() * 1e6, 300, "less", "us")
    yield Check("4", "one more streamz node", node() * 1e6, 10, "less", "us")
    for windows in (1, 4):
        what = f"state of 1,000,000 keys in {windows} open window{'s' * (windows > 1)}, a cell"
        yield Check("5", what, cell_bytes(1_000_000, windows), 150, "less", "bytes")
    few, many = firing(1_000), firing(1_000_000)
    print(f"  us a firing of 1,000 keys: {few * 1e6:.0f} with 1,000 known, {many * 1e6:.0f} with 1,000,000")
    yield Check("5", "firing 1,000 keys, 1,000,000 known: costs, of 1,000 known", many / few, 2, "less", "x")


def graph(bound: str = "30s", between: int = 0) -> tuple[streamz.Stream, list[pd.DataFrame]]:
    """Source, so many nodes that do nothing, watermark, window, sink."""
    source, panes = streamz.Stream(), []
    last = source
    for _ in range(between):
        last = last.map(lambda batch: batch)
    last.watermark(bound, time="t").window(MINUTE, by="k", **NAMED).sink(panes.append)
    return source, panes


def small_batch(rows: int = 100, batches: int = 1_000) -> float:
    """CPU seconds of a batch of W1, the firing of windows included; the least of three."""
    return min(_of_a_batch(*graph(), rows, batches) for _ in range(3))


def node(count: int = 100, rows: int = 100, batches: int = 300) -> float:
    """CPU seconds that a batch takes through one node that does nothing, the least of three."""
    source = last = streamz.Stream()
    for _ in range(count):
        last = last.map(lambda batch: batch)
    last.sink(lambda batch: None)
    return min(_of_a_batch(source, [], rows, batches) for _ in range(3)) / count


def _of_a_batch(source: streamz.Stream, panes: list[pd.DataFrame], rows: int, batches: int) -> float:
    work = WORKLOADS["W1"]
    given = cut(frame(events(work, rows * (batches + 50)), work.keys), rows)
    for batch in given[:50]:  # keys are known, code is warm
        source.emit(batch)
    begin = time.process_time()
    for batch in given[50:]:
        source.emit(batch)
    return (time.process_time() - begin) / batches


def cell_bytes(keys: int, windows: int) -> float:
    """Bytes a key and open window, with five aggregates; what the dictionary of keys takes is in it."""
    command = [sys.executable, "-m", "benchmarks.graphs", str(keys), str(windows)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def held(keys: int, windows: int, size: int = 100_000) -> float:
    """Fill windows that do not close, and see what the process has grown by."""
    source, _ = graph(bound="1d")
    words = pd.Series(names(keys), dtype="str")
    source.emit(_rows(words[:size], 0))  # what the code itself takes is there before
    before = memory("VmRSS")
    for window in range(windows):
        for start in range(0, keys, size):
            source.emit(_rows(words[start : start + size].copy(), window))
    return (memory("VmRSS") - before) / (keys * windows)


def firing(known: int, windows: int = 30, keys: int = 1_000) -> float:
    """CPU seconds in which a window of so many keys fires, where more are known; the median."""
    source, panes = graph(bound="0s")
    words = pd.Series(names(known), dtype="str")
    for start in range(0, known, 100_000):
        source.emit(_rows(words[start : start + 100_000], 0))
    taken = []
    for window in range(1, windows + 1):
        source.emit(_rows(words[:keys], window))
        seen, begin = len(panes), time.process_time()
        source.emit(_rows(words[:1], window + 1))
        taken.append(time.process_time() - begin)
        assert sum(map(len, panes[seen:])) in (keys, keys + 1), "a window has fired with its own keys"
    return statistics.median(taken)


def _rows(words: pd.Series, window: int) -> pd.DataFrame:
    """A row for each key, at the start of a window."""
    moment = np.full(len(words), EPOCH + window * 60 * SECOND).view("M8[us]")
    return pd.DataFrame({"k": words.reset_index(drop=True), "t": moment, "v": 1.0})


if __name__ == "__main__":
    print(held(*map(int, sys.argv[1:])))
