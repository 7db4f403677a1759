"""TopN: the first rows of each window by some column; process(batch) -> ranked rows, late.

The way of a batch through here: its rows are put by window and key, and held; those that so many others of
all their windows go before are let go, now and then; when the watermark has closed a window, its rows are
ranked and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import require
from workbench.engine.keys import KeyDictionary
from workbench.engine.placing import spread
from workbench.engine.progress import Stamp
from workbench.engine.ranges import behind, shift
from workbench.engine.rows import Aside, RowStore, side_by_side
from workbench.engine.rowwindows import LABELS, AlignedRows, Due, rows_by, window_columns
from workbench.engine.sides import choose, encode
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError
from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.model.windows import Window
from workbench.time import NO_WATERMARK, Nanos, fine_enough

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

RANK = "rank"
TIES = ("row_number", "rank", "dense_rank")


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """What comes of a batch.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``window_start, window_end``, the columns of the rows, ``rank`` (int64, from 1); by window end, start,
        key (by first appearance), rank, arrival; the index numbers them from 1 on.
    late, rejected : pandas.DataFrame
        Rows late for all their windows, plus ``late_by`` and ``watermark``; those in none, plus ``reason``.
    stamp : Stamp
        The time of each row is the last moment of its window.
    dropped : int
        Late pairs of row and window.
    """

    frame: pd.DataFrame
    late: pd.DataFrame
    rejected: pd.DataFrame
    stamp: Stamp
    dropped: int


class TopN:
    """Gives the first `n` rows of each window and key, by some column, once the watermark has closed it.

    Known as Window Top-N in Flink SQL (``ROW_NUMBER() OVER (PARTITION BY window_start, window_end, ...)``),
    ``Top.of`` in Beam, group top-n with emit-on-window-close in RisingWave. With ``n=1`` and the event time
    as column it is Flink's window deduplication.

    Parameters
    ----------
    window : Window
        Any window but `Count`.
    n : int
        How many rows, at least 1.
    by : str
        The column to rank by; nulls come last, in either direction.
    keys : sequence of str
        Key columns; none for one ranking of all rows of a window. Null is a key of its own.
    ascending : bool
        Whether the least value comes first; by default the greatest does.
    ties : str
        Rows of equal value: ``row_number`` takes them in order of arrival, so there are at most `n` rows;
        ``rank`` gives them the same rank and leaves out as many after; ``dense_rank`` leaves out none. These
        are ``first``, ``min`` and ``dense`` in pandas.
    lateness : int
        Nanoseconds that a window waits for rows after its end.
    time_dtype : datetime dtype
        Unit and zone of ``window_start`` and ``window_end``; the unit is finer if the window needs it.

    Notes
    -----
    A batch costs a fixed number of array operations in its rows and in the rows held; ranking, a sort, is
    done when windows close and when the rows held have doubled. State is bounded by twice `n` rows (and
    ties) for each key and window that has not closed, plus a batch; for sessions, by all their rows.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> from workbench.model.windows import Tumbling
    >>> top = TopN(window=Tumbling("10s"), n=2, by="price")
    >>> progress = Progress(bound=0)
    >>> frame = pd.DataFrame({"id": list("abcd"), "price": [3, 5, 4, 9]}, index=pd.RangeIndex(1, 5))
    >>> top.process(frame, progress.stamp(np.array([1, 2, 3, 11]) * 1_000_000_000)).frame
      window_start          window_end id  price  rank
    1   1970-01-01 1970-01-01 00:00:10  b      5     1
    2   1970-01-01 1970-01-01 00:00:10  c      4     2
    """

    def __init__(
        self,
        *,
        window: Window,
        n: int,
        by: str,
        keys: Sequence[str] = (),
        ascending: bool = False,
        ties: str = "row_number",
        lateness: int = 0,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        choose("ties", ties, TIES)
        if n < 1:
            raise DescriptionError(f"the first n rows are at least one, but n is {n!r}")
        if lateness < 0:
            raise DescriptionError(f"the lateness must be at least zero, but is {lateness!r}")
        self.n, self.by, self.ascending, self.ties, self.lateness = n, by, ascending, ties, lateness
        self.keys = KeyDictionary(keys)
        self.rows = RowStore(*LABELS)
        self.windows = rows_by(window, (self.rows,))
        self.time_dtype = fine_enough(pd.api.types.pandas_dtype(time_dtype), *window.lengths)
        self.watermark, self.arrived, self.told = NO_WATERMARK, 0, 0
        self._pruned_to = 0
        self._aside = Aside(self.time_dtype)
        self._nothing: tuple[list[Any], pd.DataFrame] | None = None  # what most batches tell, made once
        self._described = repr((window, n, by, tuple(keys), ascending, ties, lateness))

    @property
    def size(self) -> int:
        """How many rows and sessions are held; 0 when every window has closed."""
        return len(self.rows) + self.windows.size

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Ranked:
        """Take a batch, whose index holds arrival numbers of the stamp; tell the windows that are due."""
        taken = {WINDOW_START, WINDOW_END, RANK} & set(frame.columns)
        if taken:
            raise DescriptionError(
                f"the rows have a column {min(taken)!r} already",
                detail="ranked rows get the bounds of their window, and their rank, under that name",
                hint="rename it before",
            )
        if len(frame):  # without rows it may be without columns
            require(frame.columns, [self.by], "the column to rank by")
        times, met = stamp.look_up(frame)
        codes = encode(self.keys, frame)
        slots = self.rows.add(
            frame, number=np.arange(self.arrived, self.arrived + len(frame)), time=times, key=codes
        )
        self.arrived += len(frame)
        kept = self.windows.keep(0, slots, times, shift(met, -self.lateness), codes, len(self.keys))
        before = behind(self.watermark, self.lateness)
        self.watermark = max(self.watermark, stamp.watermark)
        limit = behind(self.watermark, self.lateness)
        due = self.windows.due(limit)
        ranked, ends = self._told(due)
        self.rows.drop(due.gone[0])
        self._prune()
        self._forget()
        out = Stamp(self.told - len(ranked) + 1, ends - 1, np.full(len(ranked), before), limit, stamp.now)
        late = self._aside.late(frame, kept.late, kept.late_by, met)
        return Ranked(ranked, late, self._aside.rejected(frame, kept.outside), out, kept.dropped)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {
            "version": VERSION,
            "described": self._described,
            "keys": self.keys.snapshot(),
            "numbers": (self.watermark, self.arrived, self.told, self._pruned_to),
            "rows": self.rows.snapshot(),
            "windows": self.windows.snapshot(),
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
        self.watermark, self.arrived, self.told, self._pruned_to = snapshot["numbers"]
        self.rows.restore(snapshot["rows"])
        self.windows.restore(snapshot["windows"])

    def _told(self, due: Due) -> tuple[pd.DataFrame, Nanos]:
        """Rank the rows of windows that are due; give the first of them, and the ends of their windows."""
        window, slots = due.members[0]
        if not len(slots) and self._nothing is not None and self._nothing[0] == self.rows.dtypes:
            return self._nothing[1], slots
        order, rank = self._rank(window, slots)
        order, rank = order[rank <= self.n], rank[rank <= self.n]
        window, slots = window[order], slots[order]
        bounds = window_columns(due, window, self.time_dtype)
        columns = {**bounds, **self.rows.take(slots), RANK: pd.Series(rank, copy=False)}
        frame = side_by_side(columns)
        frame.index = pd.RangeIndex(self.told + 1, self.told + 1 + len(frame))
        self.told += len(frame)
        if not len(frame):
            self._nothing = self.rows.dtypes, frame
        return frame, due.ends[window]

    def _rank(self, groups: Ints, slots: Ints) -> tuple[Ints, Ints]:
        """Order rows by group, then value, then arrival; give that order, and the rank within the group."""
        if not len(slots):
            return slots, slots
        place = self._places(self.rows.column(self.by, slots))
        order = np.lexsort((self.rows["number"][slots], place, groups))
        groups, place = groups[order], place[order]
        at = np.arange(len(order))
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = groups[1:] != groups[:-1]
        other = fresh.copy()
        other[1:] |= place[1:] != place[:-1]
        begin = np.maximum.accumulate(np.where(fresh, at, 0))
        match self.ties:
            case "row_number":
                rank = at - begin
            case "rank":
                rank = np.maximum.accumulate(np.where(other, at, 0)) - begin
            case _:
                steps = np.cumsum(other)
                rank = steps - steps[begin]
        return order, rank + 1

    def _places(self, values: pd.Series) -> Ints:
        """Give integers in the order in which values are ranked; equal ones for equal values, null last."""
        dtype = values.dtype
        if isinstance(dtype, np.dtype) and dtype.kind == "i":
            numbers: Ints = values.to_numpy().astype(np.int64, copy=False)
            return numbers if self.ascending else ~numbers  # which cannot overflow, as the negative can
        codes, _ = pd.factorize(values, sort=True)
        return np.where(codes < 0, len(codes), codes if self.ascending else -codes)

    def _prune(self) -> None:
        """Let go of rows that are not among the first of any of their windows, once rows have doubled."""
        if not isinstance(self.windows, AlignedRows) or len(self.rows) <= 2 * self._pruned_to + 64:
            return
        live = self.rows.live()
        of, windows = spread(self.rows["first"][live], self.rows["last"][live])
        pairs = pd.factorize(windows)[0] * len(self.keys) + self.rows["key"][live[of]]
        order, rank = self._rank(pairs, live[of])
        wanted = np.zeros(len(live), dtype=bool)
        wanted[of[order[rank <= self.n]]] = True
        self.rows.drop(live[~wanted])
        self._pruned_to = len(self.rows)

    def _forget(self) -> None:
        """Forget keys of which no row is left, once they are most of all keys."""
        if self.keys.worth_forgetting(self.size):
            live = self.rows.live()
            code_of = self.keys.retain(np.unique(self.rows["key"][live]))
            self.rows["key"][live] = code_of[self.rows["key"][live]]
            self.windows.renew_keys(code_of)
