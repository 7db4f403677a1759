"""A limit: one compiled pass over the columns, keys as dictionary codes, into flat arrays of window by key.

No batches, no graph, no frames; the watermark moves row by row and late rows are left out, so the answer is
the same. What a general engine costs beside it is what its generality costs.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pandas as pd

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND

Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@numba.njit
def one_pass(codes, times, values, keys, size, bound, first, count):  # pragma: no cover - compiled
    n = np.zeros(count * keys, np.int64)
    total = np.zeros(count * keys)
    least = np.full(count * keys, np.inf)
    most = np.full(count * keys, -np.inf)
    high, late = times[0], 0
    for row in range(len(codes)):
        window = times[row] // size
        if (window + 1) * size <= high - bound and row:
            late += 1
            continue
        cell = (window - first) * keys + codes[row]
        value = values[row]
        n[cell] += 1
        total[cell] += value
        least[cell] = min(least[cell], value)
        most[cell] = max(most[cell], value)
        high = max(high, times[row])
    return n, total, least, most, late


def load(job: Job) -> Columns:
    return columns(pd.read_parquet(job.path))


def columns(rows: pd.DataFrame) -> Columns:
    """Codes, microseconds, values, and the words that the codes stand for."""
    coded = pd.Categorical(rows["k"])
    codes, words = coded.codes.astype(np.int32), coded.categories.to_numpy(object)
    return codes, rows["t"].to_numpy("M8[us]").view("i8"), rows["v"].to_numpy(), words


def run(job: Job, given: Columns) -> tuple[pd.DataFrame, int, np.ndarray]:
    """The first of several runs compiles, so it is not the least."""
    return *_pass(given, job.work.size), given[3]


def _pass(given: Columns, size: int) -> tuple[pd.DataFrame, int]:
    codes, times, values, words = given
    first, last = int(times.min()) // size, int(times.max()) // size
    n, total, least, most, late = one_pass(
        codes, times, values, len(words), size, BOUND, first, last - first + 1
    )
    cells = np.flatnonzero(n)
    window, key = np.divmod(cells, len(words))
    start, n, total = (window + first) * size, n[cells], total[cells]
    panes = {"code": key, "start": start, "end": start + size, "n": n, "sum": total, "mean": total / n}
    return pd.DataFrame(panes | {"min": least[cells], "max": most[cells]}), late


def answer(job: Job, result: tuple[pd.DataFrame, int, np.ndarray]) -> tuple[Any, int]:
    panes, late, words = result
    return panes.assign(key=words[panes["code"]]), late


CANNOT = {"W3": "not written: the limit is that of tumbling windows", "W4": "not written, as W3"}
PEER = Peer("numba", load, run, answer, CANNOT, note="limit: keys are codes already, one pass")

if __name__ == "__main__":
    main(PEER)
