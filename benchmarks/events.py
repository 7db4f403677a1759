"""The rows that a workload is run on: made from a seed, the same for every peer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.workloads import BOUND, EPOCH, SECOND, Workload

KINDS = ("str", "python", "categorical", "dictionary")
"""Columns of keys in pandas: `str` as it comes, `str` without Arrow, categorical, and Arrow's dictionary."""

MILLISECOND = SECOND // 1_000
"""Times are whole milliseconds, the most that Flink's event time can tell apart."""
DISORDERED = 0.05
CALM = 200 * SECOND
"""Rows are late only after so long: a watermark must have moved before a row can have missed it."""
LATE_BY = (240 * SECOND, 420 * SECOND)
"""So late that it is beyond dispute, also for peers whose watermark moves only between batches."""


@dataclass(frozen=True, eq=False)
class Events:
    """Rows in arrival order: the number of the key (int32), microseconds UTC (int64), value (float64)."""

    codes: np.ndarray
    times: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)


def names(keys: int) -> np.ndarray:
    """The keys as people write them."""
    return np.array([f"key {number}" for number in range(keys)], dtype=object)


def events(work: Workload, count: int, seed: int = 0) -> Events:
    """Make rows, of which 5 % come up to 30 seconds out of order, which the watermark waits for."""
    random = np.random.default_rng(seed)
    values = random.normal(size=count)
    if work.gap:
        codes, times = _visits(work, count, random)
    else:
        codes = random.integers(0, work.keys, count, dtype=np.int32)
        times = np.arange(count) * SECOND // work.per_second
    delayed = random.random(count) < DISORDERED
    arrivals = times + np.where(delayed, random.integers(0, BOUND, count), 0)
    order = np.argsort(arrivals, kind="stable")
    codes, times = codes[order], times[order]
    if work.late:
        may = times > CALM
        late = may & (random.random(count) < work.late * count / max(may.sum(), 1))
        times = times - np.where(late, random.integers(*LATE_BY, count), 0)
    return Events(codes, times // MILLISECOND * MILLISECOND + EPOCH, values)


def _visits(work: Workload, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Users who come now and then, and stay for some six rows, a few seconds apart."""
    lengths = random.geometric(1 / 6, size=count)
    lengths = lengths[: np.searchsorted(np.cumsum(lengths), count) + 1]
    visit = np.repeat(np.arange(len(lengths)), lengths)[:count]
    span = count * SECOND // work.per_second
    start = random.integers(0, max(span, 1), len(lengths))
    pauses = np.cumsum(random.integers(1, 20 * SECOND, count))
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    times = start[visit] + pauses - pauses[first[visit]]
    order = np.argsort(times, kind="stable")
    users = random.integers(0, work.keys, len(lengths), dtype=np.int32)
    return users[visit][order], times[order]


def frame(made: Events, keys: int, kind: str = "str") -> pd.DataFrame:
    """The same as a pandas frame: `k`, `t` (datetime64[us]) and `v`."""
    return pd.DataFrame(
        {
            "k": column(made.codes, names(keys), kind),
            "t": pd.Series(made.times.view("M8[us]")),
            "v": made.values,
        }
    )


def column(codes: np.ndarray, words: np.ndarray, kind: str) -> pd.Series:
    """A column of keys of one kind."""
    if kind == "categorical":
        return pd.Series(pd.Categorical.from_codes(codes, pd.Index(words, dtype="str")))
    if kind == "dictionary":
        import pyarrow as pa

        coded = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words, pa.string()))
        return pd.Series(pd.arrays.ArrowExtensionArray(coded))
    dtype = pd.StringDtype("python", na_value=np.nan) if kind == "python" else "str"
    return pd.Series(words[codes], dtype=dtype)


def write(made: Events, keys: int, path: Path) -> None:
    """The same as Parquet, with the keys as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    coded = pa.DictionaryArray.from_arrays(pa.array(made.codes), pa.array(names(keys), pa.string()))
    table = pa.table({"k": coded.cast(pa.string()), "t": made.times.view("M8[us]"), "v": made.values})
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial, row_group_size=1_000_000)
    partial.replace(path)
