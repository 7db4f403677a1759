"""Dedup: lets the first row of each key through; process(batch) -> frame, duplicate, late.

The way of a batch through here: late rows leave; of the others, each that passes hides the rows of its key
until the watermark has gone a duration beyond its time. Who passes follows from who passed before, so every
row points to the row that would pass after it, and the pointers are followed by doubling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.keys import KeyDictionary
from workbench.engine.progress import Stamp
from workbench.engine.ranges import TimeIndex, in_order, shift
from workbench.engine.rows import Aside
from workbench.engine.sides import choose, encode
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError
from workbench.time import NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

KEY, KEY_AND_TIME = "key", "key_and_time"


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """What comes of a batch; all rows in order of arrival, with their arrival numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows that pass.
    duplicate : pandas.DataFrame
        The rows that repeat one that has passed.
    late : pandas.DataFrame
        The rows behind the watermark that they met, plus ``late_by`` and ``watermark``.
    stamp : Stamp
        That of the batch: the rows keep their numbers.
    """

    frame: pd.DataFrame
    duplicate: pd.DataFrame
    late: pd.DataFrame
    stamp: Stamp


class Dedup:
    """Lets the first row of each key to arrive through, and sets those that repeat it aside.

    Known as ``dropDuplicatesWithinWatermark`` in Spark, as deduplication keeping the first row in Flink SQL,
    and ``Deduplicate`` in Beam.

    A row that passes is remembered until the watermark reaches its time plus `within`; rows of its key that
    meet a lesser watermark are duplicates, whatever their own time. So rows up to `within` apart in event
    time are surely told apart, and some more are, as long as the watermark is behind.

    Parameters
    ----------
    keys : sequence of str
        Which columns make two rows the same; none for all rows. Null is a key of its own.
    within : int or None
        Nanoseconds for which a row is remembered, counted from its event time, at least 1. None, with
        ``key_and_time`` only, for as long as a row of the same time would not be late.
    by : str
        ``key``, or ``key_and_time``: rows are the same if their event time is equal too.
    lateness : int
        Nanoseconds that a row may come behind the watermark. A row is late when its time plus the lateness is
        behind the watermark that it met.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.

    Notes
    -----
    A batch costs a sort of its rows, a few binary searches a row, and a few array operations in the rows
    remembered. State is bounded by the rows that passed within `within` plus the bound of the watermark: key
    and moment, not the row itself. After Apache Spark's `StreamingDeduplicateWithinWatermarkExec`.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> second = 1_000_000_000
    >>> dedup = Dedup(keys=["id"], within=10 * second)
    >>> progress = Progress(bound=0)
    >>> frame = pd.DataFrame({"id": ["a", "a", "b", "a"], "n": [1, 2, 3, 4]}, index=pd.RangeIndex(1, 5))
    >>> passed = dedup.process(frame, progress.stamp(np.array([0, 4, 10, 11]) * second))
    >>> passed.frame["n"].tolist(), passed.duplicate["n"].tolist(), dedup.size
    ([1, 3, 4], [2], 2)
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        within: int | None,
        by: str = KEY,
        lateness: int = 0,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        choose("by", by, (KEY, KEY_AND_TIME))
        if within is None and by == KEY:
            raise DescriptionError(
                "deduplication by key without a duration",
                detail="every key ever seen would be remembered",
                hint="say how long, as in within='1h', or that times must be equal too: same_time=True",
            )
        if within is not None and within < 1:
            raise DescriptionError(f"rows are remembered for at least a nanosecond, but within is {within!r}")
        if lateness < 0:
            raise DescriptionError(f"the lateness must be at least zero, but is {lateness!r}")
        self.keys = KeyDictionary(keys)
        self.by, self.lateness = by, lateness
        self.within = 1 + lateness if within is None else within
        self.watermark = NO_WATERMARK
        self.passed = TimeIndex()  # slots hold the watermark at which a row is forgotten
        self._aside = Aside(time_dtype)
        self._described = repr((tuple(keys), within, by, lateness))

    @property
    def size(self) -> int:
        """How many rows are remembered; 0 at the end."""
        return len(self.passed)

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Passed:
        """Take a batch.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows of one arrival batch; the index holds their arrival numbers.
        stamp : Stamp
            The event times of the batch, and the watermark that each row met.
        """
        times, met = stamp.look_up(frame)
        codes = encode(self.keys, frame)
        limits = shift(met, -self.lateness)
        late = times < limits
        passing = np.zeros(len(frame), dtype=bool)
        admitted = np.flatnonzero(~late)
        passing[admitted] = self._first(codes[admitted], times[admitted], met[admitted])
        self.watermark = max(self.watermark, stamp.watermark)
        self.passed.drop(self.passed.slots <= self.watermark)
        self._forget()
        some_late = self._aside.late(frame, late, limits - times, met)
        if passing.all():
            return Passed(frame, frame[:0], some_late, stamp)
        return Passed(frame[passing], frame[~(passing | late)], some_late, stamp)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and a frame of keys."""
        return {
            "version": VERSION,
            "described": self._described,
            "keys": self.keys.snapshot(),
            "watermark": self.watermark,
            "passed": self.passed.snapshot(),
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
        self.watermark = snapshot["watermark"]
        self.passed.restore(snapshot["passed"])

    def _first(self, keys: Ints, times: Nanos, met: Nanos) -> Mask:
        """Say which rows pass, and remember them."""
        count = len(keys)
        moments = times if self.by == KEY_AND_TIME else np.zeros(count, dtype=np.int64)
        until = shift(times, self.within)
        order = in_order(keys, moments)  # stable: rows that are the same stay in order of arrival
        fresh = np.ones(count, dtype=bool)
        fresh[1:] = (np.diff(keys[order]) != 0) | (np.diff(moments[order]) != 0)
        same = np.empty(count, dtype=np.int64)
        same[order] = np.cumsum(fresh) - 1
        # where each row stands by (same, position); count stands for nobody
        places = same[order] * (count + 1) + order
        chosen = order[fresh]
        hidden_until = self._remembered(keys[chosen], moments[chosen])
        begins = self._next(places, order, same[chosen], np.searchsorted(met, hidden_until), count)
        beyond = np.maximum(np.searchsorted(met, until), np.arange(count) + 1)
        follows = np.append(self._next(places, order, same, beyond, count), count)
        passing = _reached(begins, follows)[:count]
        self._remember(keys[passing], moments[passing], until[passing])
        return passing

    def _remembered(self, keys: Ints, moments: Ints) -> Ints:
        """Give until when each key is hidden by a row that passed before; no watermark if by none."""
        first, beyond = self.passed.find(keys, moments, moments)
        hidden = np.full(len(keys), NO_WATERMARK)
        hidden[first < beyond] = self.passed.slots[first[first < beyond]]
        return hidden

    def _remember(self, keys: Ints, moments: Ints, until: Ints) -> None:
        """Keep who passed, in place of those of the same key before."""
        order = np.lexsort((until, moments, keys))
        keys, moments, until = keys[order], moments[order], until[order]
        newest = np.ones(len(keys), dtype=bool)
        newest[:-1] = (np.diff(keys) != 0) | (np.diff(moments) != 0)
        keys, moments, until = keys[newest], moments[newest], until[newest]
        first, beyond = self.passed.find(keys, moments, moments)
        if (first < beyond).any():
            gone = np.zeros(len(self.passed), dtype=bool)
            gone[first[first < beyond]] = True
            self.passed.drop(gone)
        self.passed.add(keys, moments, until)

    @staticmethod
    def _next(places: Ints, order: Ints, same: Ints, position: Ints, count: int) -> Ints:
        """Give the first of the same rows at or after a position; count if there is none."""
        at = np.searchsorted(places, same * (count + 1) + position)
        found = np.append(order, count)[at]
        there = np.append(places // (count + 1), -1)[at] == same
        return np.where(there, found, count)

    def _forget(self) -> None:
        """Forget keys that nobody remembers, once they are most of all keys."""
        if self.keys.worth_forgetting(self.size):
            self.passed.renew_keys(self.keys.retain(np.unique(self.passed.keys)))


def _reached(begins: Ints, follows: Ints) -> Mask:
    """Say which numbers are reached from some, following pointers; the last number points to itself.

    Examples
    --------
    >>> _reached(np.array([0, 5]), np.array([2, 5, 3, 5, 5, 5])).tolist()
    [True, False, True, True, False, True]
    """
    reached = np.zeros(len(follows), dtype=bool)
    reached[begins] = True
    while True:
        found = follows[reached]
        if reached[found].all():
            return reached
        reached[found] = True
        follows = follows[follows]
