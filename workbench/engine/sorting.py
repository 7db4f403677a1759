"""EventTimeSort: rows in the order of event time, once the watermark has passed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.progress import Stamp
from workbench.engine.ranges import behind, in_order, shift
from workbench.engine.rows import Aside, RowStore, side_by_side
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError
from workbench.time import NO_WATERMARK


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """What comes of a batch.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows by event time, then arrival, numbered anew from 1 on; none comes before one of an earlier batch.
    late : pandas.DataFrame
        The rows that came too late, plus ``late_by`` and ``watermark``; with their arrival numbers.
    stamp : Stamp
        The event times of the rows released; they are ahead of the watermark that they meet.
    """

    frame: pd.DataFrame
    late: pd.DataFrame
    stamp: Stamp


class EventTimeSort:
    """Holds rows until the watermark has passed them, and releases them in the order of event time.

    Known as ``ORDER BY`` event time in Flink SQL, emit-on-window-close in RisingWave, and
    ``@RequiresTimeSortedInput`` in Beam.

    A row is released when its time is before the watermark less the lateness; one of just that time waits,
    since another may come. A row whose time is before what it met of that is late.

    Parameters
    ----------
    lateness : int
        Nanoseconds that a row may come behind the watermark; all wait as much longer.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.

    Notes
    -----
    A batch costs a sort of the rows released and a few array operations in those held. State is bounded by
    the rows at or ahead of the watermark less the lateness.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> sort, progress = EventTimeSort(), Progress(bound=5)
    >>> frame = pd.DataFrame({"v": [1, 2, 3]}, index=pd.RangeIndex(1, 4))
    >>> sort.process(frame, progress.stamp(np.array([12, 10, 17]))).frame["v"].tolist()
    [2]
    >>> sort.process(frame[:0], progress.end()).frame["v"].tolist()
    [1, 3]
    """

    def __init__(self, *, lateness: int = 0, time_dtype: Any = "datetime64[ns]") -> None:
        if lateness < 0:
            raise DescriptionError(f"the lateness must be at least zero, but is {lateness!r}")
        self.lateness = lateness
        self.rows = RowStore("number", "time")
        self._aside = Aside(time_dtype)
        self.watermark = NO_WATERMARK
        self.arrived, self.told = 0, 0

    @property
    def size(self) -> int:
        """How many rows are held; 0 at the end."""
        return len(self.rows)

    @property
    def limit(self) -> int:
        """The moment before which all rows have been released."""
        return behind(self.watermark, self.lateness)

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Released:
        """Take a batch, whose index holds arrival numbers of the stamp; release what is due.

        The watermark handed on is the last moment of which no row waits or comes: one before `limit`.
        """
        times, met = stamp.look_up(frame)
        limits = shift(met, -self.lateness)
        late = times < limits
        count = int((~late).sum())
        numbers = np.arange(self.arrived, self.arrived + count)
        self.rows.add(frame if count == len(frame) else frame[~late], number=numbers, time=times[~late])
        self.arrived += count
        before = self.limit
        self.watermark = max(self.watermark, stamp.watermark)
        limit = self.limit
        due = self.rows.live()
        due = due[self.rows["time"][due] < limit]
        due = due[in_order(self.rows["time"][due], self.rows["number"][due])]
        released = side_by_side(self.rows.take(due))
        first = self.told + 1
        released.index = pd.RangeIndex(first, first + len(due))
        self.told += len(due)
        moments = self.rows["time"][due]
        self.rows.drop(due)
        some_late = self._aside.late(frame, late, limits - times, met)
        met = np.full(len(due), behind(before, 1))  # rows of just that moment still wait
        return Released(released, some_late, Stamp(first, moments, met, behind(limit, 1), stamp.now))

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and a frame of rows."""
        return {
            "version": VERSION,
            "described": repr(self.lateness),
            "watermark": self.watermark,
            "numbers": (self.arrived, self.told),
            "rows": self.rows.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or with another lateness.
        """
        check_snapshot(snapshot, repr(self.lateness))
        self.watermark = snapshot["watermark"]
        self.arrived, self.told = snapshot["numbers"]
        self.rows.restore(snapshot["rows"])
