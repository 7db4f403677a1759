"""WindowJoin: rows of two streams in the same window; process(side, batch) -> joined, late.

The way of a batch through here: its rows are put by key and window, and held; when the combined watermark has
closed a window, the rows of both sides in it are paired and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.placing import spread
from workbench.engine.progress import Stamp
from workbench.engine.rowwindows import LABELS, Due, rows_by, window_columns
from workbench.engine.sides import (
    ANTI,
    INNER,
    LEFT,
    NEVER_IDLE,
    RIGHT,
    SEMI,
    UNMATCHED,
    Idle,
    Ints,
    Joined,
    Side,
    Sides,
)
from workbench.errors import DescriptionError
from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.model.windows import Window
from workbench.time import END_OF_TIME, fine_enough


class WindowJoin(Sides):
    """Joins rows of equal keys in the same window, once the combined watermark has closed it.

    Known as window join in Flink, ``CoGroupByKey`` on windowed collections in Beam, and a join on
    ``window(...)`` columns in Spark.

    A window is joined once, when its end plus the lateness is at or before the combined watermark: until then
    it accepts rows. A row is late for a window when that has been; a row late for all its windows goes to
    ``late``. Sessions are made of the rows of both sides together, as in Flink's ``coGroup``.

    Parameters
    ----------
    keys : sequence of str
        Key columns, the same on both sides; none for one group of all rows.
    window : Window
        Any window but `Count`; with overlapping ones, a pair comes once for each window of both its rows.
    how : str
        ``inner``, ``left``, ``right``, ``outer``; ``semi`` gives left rows that have a partner in the window,
        ``anti`` those that have none, each once.
    lateness : int
        Nanoseconds that a window waits for rows after its end.
    null_keys : str
        ``unmatched`` or ``equal``; see `Sides`.
    suffixes : tuple of str
        For names that both sides have, as in ``pandas.merge``.
    idle : (int or None, int or None)
        After how long a side does not hold the watermark back; see `Sides`.
    time_dtype : datetime dtype
        Unit and zone of ``window_start`` and ``window_end``; the unit is finer if the window needs it.

    Notes
    -----
    A batch costs a fixed number of array operations in its rows, the rows held, and the pairs told. State is
    bounded by the rows of the windows that have not closed.

    Joined rows start with ``window_start`` and ``window_end``. They come by window end, start, key (by first
    appearance), then arrival of the left row and of the right one; right rows without partner come after the
    others of their window and key. Their time is the last moment of their window.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> from workbench.model.windows import Tumbling
    >>> second = 1_000_000_000
    >>> join = WindowJoin(keys=["k"], window=Tumbling("10s"))
    >>> left, right = Progress(bound=0), Progress(bound=0)
    >>> one = pd.DataFrame({"k": ["a", "b"], "v": [1, 2]}, index=pd.RangeIndex(1, 3))
    >>> _ = join.process("left", one, left.stamp(np.array([3, 12]) * second))
    >>> other = pd.DataFrame({"k": ["a", "c"], "v": [7, 8]}, index=pd.RangeIndex(1, 3))
    >>> join.process("right", other, right.stamp(np.array([8, 15]) * second)).frame
      window_start          window_end  k  v  v_right
    1   1970-01-01 1970-01-01 00:00:10  a  1        7
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        window: Window,
        how: str = INNER,
        lateness: int = 0,
        null_keys: str = UNMATCHED,
        suffixes: tuple[str, str] = ("", "_right"),
        idle: Idle = NEVER_IDLE,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        super().__init__(
            keys=keys,
            how=how,
            lateness=lateness,
            null_keys=null_keys,
            suffixes=suffixes,
            idle=idle,
            time_dtype=time_dtype,
            labels=LABELS,
            described=window,
        )
        self.windows = rows_by(window, self.stores)
        self.time_dtype = fine_enough(pd.api.types.pandas_dtype(time_dtype), *window.lengths)

    @property
    def size(self) -> int:
        """How many rows and sessions are held; 0 when both sides have ended."""
        return super().size + self.windows.size

    def process(self, side: Side, frame: pd.DataFrame, stamp: Stamp) -> Joined:
        """Take a batch of one side; join the windows that are due; see `IntervalJoin.process`."""
        taken = {WINDOW_START, WINDOW_END} & set(frame.columns)
        if taken:
            raise DescriptionError(
                f"the {side} rows have a column {min(taken)!r} already",
                detail="joined rows get the bounds of their window under that name",
                hint="rename it before the join",
            )
        batch = self._read(side, frame, stamp)
        slots = self.stores[batch.side].add(
            frame,
            number=self._numbers(batch.side, len(frame)),
            time=batch.times,
            key=batch.keys,
            null=batch.null,
        )
        kept = self.windows.keep(batch.side, slots, batch.times, batch.limits, batch.keys, len(self.keys))
        due = self.windows.due(self.limit)
        told, stamp = self._told(due)
        for store, gone in zip(self.stores, due.gone, strict=True):
            store.drop(gone)
        self._forget()
        return self._joined(batch, told, stamp, kept.late, kept.late_by, kept.outside, kept.dropped)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {**super().snapshot(), "windows": self.windows.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot; see `Sides.restore`."""
        super().restore(snapshot)
        self.windows.restore(snapshot["windows"])

    def _told(self, due: Due) -> tuple[pd.DataFrame, Stamp]:
        (window, left), (right_window, right) = due.members
        able = self.stores[RIGHT]["null"][right] == 0
        partners, partner_window = right[able], right_window[able]
        first = np.searchsorted(partner_window, window)
        beyond = np.searchsorted(partner_window, window, side="right")
        first = np.where(self.stores[LEFT]["null"][left] == 1, beyond, first)
        if self.how in (SEMI, ANTI):
            chosen = (first < beyond) == (self.how == SEMI)
            return self._table(due, window[chosen], left[chosen], left[chosen])
        of, at = spread(first, beyond - 1)
        pieces = [(window[of], left[of], partners[at])]
        if self.outer[LEFT]:
            alone = first == beyond
            pieces.append((window[alone], left[alone], np.full(int(alone.sum()), -1)))
        if self.outer[RIGHT]:
            able_window = window[self.stores[LEFT]["null"][left] == 0]
            alone = ~np.isin(right_window, able_window) | ~able
            pieces.append((right_window[alone], np.full(int(alone.sum()), -1), right[alone]))
        window, left, right = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
        numbers = (store["number"][slots] for store, slots in zip(self.stores, (left, right), strict=True))
        of_left, of_right = numbers
        order = np.lexsort((of_right, np.where(left < 0, END_OF_TIME, of_left), window))
        return self._table(due, window[order], left[order], right[order])

    def _table(self, due: Due, window: Ints, left: Ints, right: Ints) -> tuple[pd.DataFrame, Stamp]:
        bounds = window_columns(due, window, self.time_dtype)
        return self._tell(left, right, due.ends[window] - 1, self.limit, bounds)

    def _renew_keys(self, code_of: Ints) -> None:
        super()._renew_keys(code_of)
        self.windows.renew_keys(code_of)
