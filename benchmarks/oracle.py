"""The one right answer, from the whole table at once, and whether a peer's is the same.

Written for arrays that fit in memory, apart from any engine: a row is late if its window had ended by the
watermark that the rows before it had made; what is left is put together by sorting.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.events import Events
from benchmarks.workloads import BOUND, COLUMNS, Workload


def oracle(work: Workload, rows: Events) -> tuple[pd.DataFrame, int]:
    """Give the panes, and how many rows are late; keys are numbers, `start` and `end` microseconds."""
    if work.gap:
        return _sessions(work, rows), 0
    start = rows.times // work.slide * work.slide
    late = start + work.size <= _met(rows.times)
    keep = ~late
    slices = _groups(start[keep], rows.codes[keep], rows.values[keep])
    return _spread(work, slices), int(late.sum())


def _met(times: np.ndarray) -> np.ndarray:
    """The watermark that each row met: what the rows before it had made."""
    marks = np.maximum.accumulate(times) - BOUND
    return np.concatenate([[np.iinfo(np.int64).min], marks[:-1]])


def _groups(start: np.ndarray, codes: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """Put together the rows of each start and key."""
    order = np.lexsort((codes, start))
    start, codes, values = start[order], codes[order], values[order]
    new = np.flatnonzero(np.r_[True, (start[1:] != start[:-1]) | (codes[1:] != codes[:-1])])
    return pd.DataFrame({"start": start[new], "key": codes[new], **_reduced(values, new)})


def _reduced(values: np.ndarray, first: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "n": np.diff(np.r_[first, len(values)]),
        "sum": np.add.reduceat(values, first),
        "min": np.minimum.reduceat(values, first),
        "max": np.maximum.reduceat(values, first),
    }


def _spread(work: Workload, slices: pd.DataFrame) -> pd.DataFrame:
    """Give each slice to the windows that cover it, and put together what they get."""
    panes = slices
    if work.overlap > 1:
        shifted = [slices.assign(start=slices.start - lag * work.slide) for lag in range(work.overlap)]
        given = pd.concat(shifted, ignore_index=True).groupby(["start", "key"])
        panes = given.agg({"n": "sum", "sum": "sum", "min": "min", "max": "max"}).reset_index()
    return panes.assign(end=panes.start + work.size, mean=panes["sum"] / panes.n)


def _sessions(work: Workload, rows: Events) -> pd.DataFrame:
    order = np.lexsort((rows.times, rows.codes))
    codes, times, values = rows.codes[order], rows.times[order], rows.values[order]
    new = np.flatnonzero(np.r_[True, (codes[1:] != codes[:-1]) | (np.diff(times) > work.gap)])
    last = np.r_[new[1:], len(times)] - 1
    panes = pd.DataFrame({"start": times[new], "end": times[last] + work.gap, "key": codes[new]})
    panes = panes.assign(**_reduced(values, new))
    return panes.assign(mean=panes["sum"] / panes.n)


def wrong(answer: pd.DataFrame, truth: pd.DataFrame, *, late: int | None = None, lost: int = 0) -> str:
    """Say in what an answer differs from the truth; empty if in nothing.

    Parameters
    ----------
    answer : pandas.DataFrame
        `key` (text), `start`, `end`, and those of the aggregates that the peer can compute.
    late, lost : int
        How many rows the peer set aside, if it says so, and how many it should have.
    """
    if len(answer) != len(truth):
        return f"{len(answer):,} panes instead of {len(truth):,}"
    key = answer.key.astype(object).str.slice(4).to_numpy().astype(np.int64)
    answer = answer.assign(key=key).sort_values(["key", "end"], ignore_index=True)
    truth = truth.sort_values(["key", "end"], ignore_index=True)
    for name in ("key", "start", "end", "n"):
        differ = int((answer[name].to_numpy().astype(np.int64) != truth[name].to_numpy()).sum())
        if differ:
            return f"{name} differs in {differ:,} of {len(truth):,} panes"
    for name in (name for name in COLUMNS[1:] if name in answer):
        close = np.isclose(answer[name].to_numpy(np.float64), truth[name].to_numpy(), rtol=1e-9, atol=1e-9)
        if not close.all():
            return f"{name} differs in {int((~close).sum()):,} of {len(truth):,} panes"
    if late is not None and late != lost:
        return f"{late:,} late rows instead of {lost:,}"
    return ""
