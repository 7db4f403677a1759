"""History: the rows of each key that later rows look back at; for lags and rolling frames.

Rows come in the order of event time, as `EventTimeSort` releases them, so a key's rows lie side by side in
the order of time, then arrival, and to look back is to subtract positions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import require
from workbench.engine.keys import KeyDictionary
from workbench.engine.progress import Stamp
from workbench.engine.ranges import TimeIndex, behind, in_order, shift
from workbench.engine.rows import RowStore
from workbench.engine.sides import encode, ended
from workbench.engine.sorting import EventTimeSort, Released
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError
from workbench.time import NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]

SELDOM = 16
"""Rows beyond reach are forgotten when the watermark has moved on by such a part of the reach."""


class History:
    """Some columns of the rows that later rows of their key may look back at.

    Parameters
    ----------
    keys : sequence of str
        Key columns; none for one history of all rows. Null is a key of its own.
    columns : iterable of str
        What is remembered of a row.
    rows : int or None
        How many rows back a later row looks, at most; None for any number.
    reach : int or None
        How many nanoseconds of event time back, inclusive; None for any.

    Notes
    -----
    Adding rows costs a sort of them, and what it costs to add them to a `TimeIndex`; forgetting costs a few
    array operations in the rows held. State is bounded by `rows` rows for each key, and by the rows within
    `reach` of the watermark and a sixteenth of it; without `reach`, keys are never forgotten before the end.

    Examples
    --------
    >>> history = History(["k"], ["v"], rows=1, reach=10)
    >>> frame = pd.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]})
    >>> at = history.add(frame, np.array([0, 5, 10]))
    >>> at.tolist(), history.first(at).tolist()  # 'a' lies at 0 and 1, 'b' at 2
    ([0, 2, 1], [0, 2, 0])
    >>> history.forget(16)
    >>> history.take(np.arange(len(history)))["v"].tolist()
    [3]
    """

    def __init__(
        self, keys: Sequence[str], columns: Sequence[str], *, rows: int | None, reach: int | None
    ) -> None:
        self.keys = KeyDictionary(keys)
        self.columns = list(dict.fromkeys(columns))
        self.rows, self.reach = rows, reach
        self.store = RowStore()
        self.index = TimeIndex()
        self._forgotten = NO_WATERMARK

    def __len__(self) -> int:
        return len(self.index)

    def add(self, frame: pd.DataFrame, times: Nanos) -> Ints:
        """Add rows that come after all before, by time, then arrival; give their positions.

        Raises
        ------
        SchemaError
            If a column is missing.
        """
        require(frame.columns, self.columns, "looking back")
        codes = encode(self.keys, frame)
        if not self.store.names:  # where nothing is wanted of a row, any column stands for it
            self.store.learn(frame[self.columns or [*frame.columns[:1]]])
        slots = self.store.add(frame)
        order = in_order(codes, times)
        at = np.empty(len(order), dtype=np.int64)
        at[order] = self.index.add(codes[order], times[order], slots[order])
        return at

    def first(self, at: Ints) -> Ints:
        """Give the position of the first row of its key that each row reaches back to in time."""
        keys, times = self.index.keys[at], self.index.times[at]
        low = np.full(len(at), NO_WATERMARK) if self.reach is None else shift(times, -self.reach)
        return self.index.find(keys, low, times)[0]

    def take(self, at: Ints, *, nullable: bool = False) -> dict[str, pd.Series]:
        """Give rows by position, as columns; with `nullable`, -1 gives nulls, as `RowStore.take` does."""
        slots = np.where(at < 0, -1, self.index.slots[at]) if len(self) else at
        return self.store.take(slots, nullable=nullable)

    def forget(self, limit: int) -> None:
        """Forget rows that none can look back at any more, now that all to come are at or after a moment.

        Those beyond reach alone are forgotten together, now and then.
        """
        if self.rows is None and self.reach is not None:
            if limit - self._forgotten < self.reach // SELDOM:
                return
            self._forgotten = limit
        index = self.index
        oldest = limit if self.reach is None and ended(limit) else NO_WATERMARK
        gone = index.times < (oldest if self.reach is None else behind(limit, self.reach))
        if self.rows is not None:  # so many rows of the key come after it
            followed = max(len(index) - self.rows, 0)
            gone[:followed] |= index.keys[:followed] == index.keys[self.rows :]
        self.store.drop(index.drop(gone))
        if self.keys.worth_forgetting(len(self)):
            index.renew_keys(self.keys.retain(np.unique(index.keys)))

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain arrays and frames."""
        return {
            "keys": self.keys.snapshot(),
            "store": self.store.snapshot(),
            "index": self.index.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot."""
        self.keys.restore(snapshot["keys"])
        self.store.restore(snapshot["store"])
        self.index.restore(snapshot["index"])
        self._forgotten = NO_WATERMARK


class LookingBack(ABC):
    """Adds columns to each row from the rows before it of its key, in the order of event time.

    Parameters
    ----------
    history : History
        What is remembered.
    outputs : collection of str
        The columns that are added.
    lateness : int
        Nanoseconds that a row may come behind the watermark; all wait as much longer.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.
    described : object
        What snapshots must agree on.
    """

    def __init__(
        self, history: History, *, outputs: Collection[str], lateness: int, time_dtype: Any, described: object
    ) -> None:
        self.history, self.outputs = history, list(outputs)
        self.sort = EventTimeSort(lateness=lateness, time_dtype=time_dtype)
        self._described = repr(described)

    @property
    def size(self) -> int:
        """How many rows wait or are remembered; 0 at the end."""
        return self.sort.size + len(self.history)

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Released:
        """Take a batch, whose index holds arrival numbers of the stamp; tell the rows that are due.

        Raises
        ------
        DescriptionError
            If the rows have a column of that name already.
        """
        released = self.sort.process(frame, stamp)
        rows = released.frame
        if not len(rows.columns):
            return released
        self._refuse_taken(rows)
        looked = self._looked(self.history.add(rows, released.stamp.times))
        self.history.forget(self.sort.limit)
        told = rows.assign(**{name: looked[name].array for name in self.outputs})
        return Released(told, released.late, released.stamp)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {
            "version": VERSION,
            "described": self._described,
            "sort": self.sort.snapshot(),
            "history": self.history.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)
        self.sort.restore(snapshot["sort"])
        self.history.restore(snapshot["history"])

    @abstractmethod
    def _looked(self, at: Ints) -> dict[str, pd.Series]:
        """Give the new columns of rows, by their positions in the history."""

    def _refuse_taken(self, rows: pd.DataFrame) -> None:
        taken = [name for name in self.outputs if name in rows.columns]
        if taken:
            raise DescriptionError(
                f"the rows have a column {taken[0]!r} already",
                detail="the rows are told whole, with the new columns beside theirs",
                hint="give the new column another name",
            )
