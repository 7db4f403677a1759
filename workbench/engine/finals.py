"""Finals: one row a key and window, the last pane, once no later one can come; process(panes) -> frame.

The way of a batch through here: each pane takes the place of the one before of its window and key, and, of
sessions, of those within its own; when the watermark has passed the end of a window its pane is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.keys import KeyDictionary
from workbench.engine.progress import Stamp
from workbench.engine.ranges import behind
from workbench.engine.rows import RowStore
from workbench.engine.sides import encode
from workbench.engine.sorting import Released
from workbench.engine.state import VERSION, check_snapshot
from workbench.engine.windowed import ends_of
from workbench.model.panes import WINDOW_START
from workbench.time import NO_WATERMARK, to_nanos

Ints = npt.NDArray[np.int64]


class Finals:
    """Tells the last pane of each window and key, once the watermark has passed it.

    Known as append mode in Spark, emit-on-window-close in RisingWave, ``suppress`` in Kafka Streams.

    Parameters
    ----------
    keys : sequence of str
        Key columns.
    sessions : bool
        Whether a pane takes the place of all panes of its key within its own bounds.

    Notes
    -----
    A batch costs a few sorts of its panes and of those held. State is bounded by the windows that may still
    have a pane.

    Examples
    --------
    >>> panes = pd.DataFrame({
    ...     "window_start": pd.to_datetime([0, 0], unit="s"),
    ...     "window_end": pd.to_datetime([10, 10], unit="s"),
    ...     "total": [1, 3], "revision": [0, 1],
    ... }, index=pd.RangeIndex(1, 3))
    >>> ends = np.array([10, 10]) * 1_000_000_000
    >>> Finals().process(panes, Stamp(1, ends - 1, ends - 1, int(ends[0]))).frame["total"].tolist()
    [3]
    """

    def __init__(self, *, keys: Sequence[str] = (), sessions: bool = False) -> None:
        self.keys, self.sessions = KeyDictionary(keys), sessions
        self.panes = RowStore("number", "key", "start", "end")
        self.watermark, self.arrived, self.told = NO_WATERMARK, 0, 0
        self._described = repr((tuple(keys), sessions))

    @property
    def size(self) -> int:
        """How many panes are held; 0 at the end."""
        return len(self.panes)

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Released:
        """Take the panes of a batch; tell those that are final."""
        numbers = np.arange(self.arrived, self.arrived + len(frame))
        self.arrived += len(frame)
        self.panes.learn(frame)
        if len(frame):
            self._replace(frame, numbers)
        before, self.watermark = self.watermark, max(self.watermark, stamp.watermark)
        due = self.panes.live()
        due = due[self.panes["end"][due] <= self.watermark]
        due = due[np.lexsort((self.panes["number"][due], self.panes["end"][due]))]
        told = pd.DataFrame(self.panes.take(due), copy=False)
        first = self.told + 1
        told.index = pd.RangeIndex(first, first + len(due))
        self.told += len(due)
        ends = self.panes["end"][due]
        self.panes.drop(due)
        if self.keys.worth_forgetting(self.size):
            live = self.panes.live()
            code_of = self.keys.retain(np.unique(self.panes["key"][live]))
            self.panes["key"][live] = code_of[self.panes["key"][live]]
        met = np.full(len(due), behind(before, 0))
        return Released(told, told[:0], Stamp(first, ends - 1, met, self.watermark, stamp.now))

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {
            "version": VERSION,
            "described": self._described,
            "keys": self.keys.snapshot(),
            "numbers": (self.watermark, self.arrived, self.told),
            "panes": self.panes.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)
        self.keys.restore(snapshot["keys"])
        self.watermark, self.arrived, self.told = snapshot["numbers"]
        self.panes.restore(snapshot["panes"])

    def _replace(self, frame: pd.DataFrame, numbers: Ints) -> None:
        """Hold panes in place of those that they follow."""
        bounds = {"start": to_nanos(frame[WINDOW_START]), "end": ends_of(frame)}
        self.panes.add(frame, number=numbers, key=encode(self.keys, frame), **bounds)
        live = self.panes.live()
        key, start, end, number = (self.panes[label][live] for label in ("key", "start", "end", "number"))
        order = np.lexsort((-number, -end, start, key) if self.sessions else (-number, end, start, key))
        if self.sessions:
            gone = _within(key[order], end[order])
        else:
            same = [np.diff(column[order]) == 0 for column in (key, start, end)]
            gone = np.append(False, np.logical_and.reduce(same))
        self.panes.drop(live[order[gone]])


def _within(key: Ints, end: Ints) -> npt.NDArray[np.bool_]:
    """Say which sessions lie within another of their key; by key, start, then the longer and later first.

    Sessions only grow, so one that lies within another was told before it.
    """
    gone = np.zeros(len(key), dtype=bool)
    groups = np.cumsum(np.append(True, np.diff(key) != 0))
    distinct, rank = np.unique(end, return_inverse=True)
    base = groups * len(distinct)
    reached = distinct[np.maximum.accumulate(base + rank) - base]
    gone[1:] = (end[1:] <= reached[:-1]) & (groups[1:] == groups[:-1])
    return gone
