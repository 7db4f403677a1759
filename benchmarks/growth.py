"""How cost grows with the work: 1, 2, 4 ... 64 times as much, and the exponent of the line through that.

    python -m benchmarks.growth

An exponent of 0 means that it makes no difference, of 1 that twice the work costs twice as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from benchmarks.checks import Check, tell
from benchmarks.events import names
from benchmarks.graphs import graph
from benchmarks.workloads import EPOCH, SECOND

TIMES = (1, 2, 4, 8, 16, 32, 64)


def checks() -> Iterator[Check]:
    """The exponents that say whether state is looked up or searched through."""
    for what, measure, most in SERIES:
        costs = [measure(factor) for factor in TIMES]
        print(f"  us a batch, {what}: " + ", ".join(f"{cost * 1e6:.0f}" for cost in costs))
        yield Check(
            "growth", f"{what}, 1 to 64 times: exponent of a batch's cost", fitted(costs), most, "less", ""
        )


def table() -> list[dict[str, object]]:
    """One line a point."""
    lines: list[dict[str, object]] = []
    for what, measure, _ in SERIES:
        costs = [measure(factor) for factor in TIMES]
        exponent = round(fitted(costs), 2)
        lines += [
            {"what": what, "times": factor, "cpu_us": round(cost * 1e6, 1), "exponent": exponent}
            for factor, cost in zip(TIMES, costs, strict=True)
        ]
    return lines


def fitted(costs: list[float]) -> float:
    """The slope of the line through the points on logarithmic axes."""
    return float(np.polyfit(np.log(TIMES), np.log(costs), 1)[0])


def by_rows(factor: int) -> float:
    """Batches of 1,000 to 64,000 rows, 1,000 keys, one window."""
    return cost(1_000 * factor, keys=1_000, windows=1)


def by_keys(factor: int) -> float:
    """Batches of 10,000 rows, 10,000 to 640,000 keys, one window."""
    return cost(10_000, keys=10_000 * factor, windows=1)


def by_windows(factor: int) -> float:
    """Batches of 10,000 rows, 1,000 keys, 1 to 64 windows that are open at once and all take rows."""
    return cost(10_000, keys=1_000, windows=factor)


SERIES: tuple[tuple[str, Callable[[int], float], float], ...] = (
    ("rows in a batch", by_rows, 1),
    ("keys", by_keys, 0.5),
    ("open windows", by_windows, 0.5),
)


def cost(rows: int, *, keys: int, windows: int, batches: int = 12) -> float:
    """CPU seconds of a batch while no window closes, once all keys are in all windows; the least."""
    random = np.random.default_rng(0)
    source, _ = graph(bound="1d")
    words = pd.Series(names(keys), dtype="str")
    for window in range(windows):
        source.emit(_batch(words, np.full(keys, window)))
    best = np.inf
    for _ in range(batches):
        some = words.take(random.integers(0, keys, rows)).reset_index(drop=True)
        batch = _batch(some, np.sort(random.integers(0, windows, rows)))
        begin = time.process_time()
        source.emit(batch)
        best = min(best, time.process_time() - begin)
    return float(best)


def _batch(words: pd.Series, windows: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"k": words, "t": (EPOCH + windows * 60 * SECOND).view("M8[us]"), "v": 1.0})


if __name__ == "__main__":
    tell(checks())
