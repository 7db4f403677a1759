"""Which rows went into which pane of one window: the sources replayed, and what became of each row noted.

The rows of the key are put through the window operator itself, with one aggregate: the list of the rows that
a pane holds. So the answer is that of the panes, whatever the window, trigger and lateness.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.operators import Windows, operator_for
from workbench.engine.outcomes import LATE, OUT, Outcome
from workbench.engine.ranges import shift
from workbench.errors import DescriptionError
from workbench.model.aggregates import Aggregate
from workbench.model.panes import (
    LATE_BY,
    RETRACTION,
    REVISION,
    TIMING,
    WATERMARK,
    WINDOW_END,
    WINDOW_START,
)
from workbench.model.steps import Aggregated, Date, Read
from workbench.model.triggers import DISCARDING
from workbench.model.windows import Count, Global, Session
from workbench.runtimes.batch import Pipeline, unending
from workbench.runtimes.sought import Interval, key_values, no_such_window, sought, with_key
from workbench.schema import told_of
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, from_nanos, spell, to_nanos

ARRIVAL: Final = "arrival"
PANE: Final = "pane"
_ROW, _ROWS = "__row", "__rows"

MOST_ROWS = 5_000_000
"""Rows of an endless source that are read for the end of a session."""


def explain(step: Aggregated, key: Any, window: Any, *, batch_rows: int = 100_000) -> pd.DataFrame:
    """Give the rows of one window of one key, and what became of each.

    Bounded sources are read to their end; others until the window accepts no row any more, so that of the
    rows that were late for it only those are told that came in the same batch.

    Parameters
    ----------
    step : Aggregated
        The windows.
    key : value, tuple or dict
        The values of the key columns; None where there are none.
    window : datetime, str, or pair of them
        ``(start, end)``; or one moment: the window that starts then, else holds it, else ends then; a time of
        day, such as ``"09:03"``, is of the day when the source begins. A session
        may be named by any moment of it, or by the bounds that any of its panes had.
    batch_rows : int
        Rows that are read at once; late panes are one a batch.

    Returns
    -------
    pandas.DataFrame
        A row for each, in order of arrival; the index ``arrival`` holds the numbers with which they came to
        the windows. The event time; the columns that the aggregates read (``late_read`` if one is called
        ``late``, and so with all that follow); ``watermark`` (datetime64[ns], the one that the row met, null
        for none); ``pane`` (Int64, the revision of the first pane that holds the
        row) and ``timing`` (category, of that pane), null where none does; ``late`` (bool) and ``late_by``
        (timedelta64[ns]) where it came too late for the window. Of sessions, late rows are those within the
        gap. A row in no pane that was not late met a trigger that had finished.

    Raises
    ------
    DescriptionError
        If key or window do not fit, no row has come to such a window, or it never closes.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90, 9], unit="s"), "v": [1, 2, 3, 4, 5, 6]})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(total=("v", "sum"))
    >>> panes.explain(window="1970-01-01 00:00")[["v", "pane", "timing", "late", "late_by"]]
             v  pane   timing   late         late_by
    arrival
    1        1     0  on_time  False             NaT
    2        2     0  on_time  False             NaT
    4        4     1     late  False             NaT
    6        6  <NA>      NaN   True 0 days 00:00:20
    """
    endless = unending(step)
    if isinstance(step.window, Count):
        raise DescriptionError(
            f"{step.window!r} cannot be explained",
            detail="its windows are told apart by the order of rows, not by time",
            hint="explain windows of event time",
        )
    if endless and isinstance(step.window, Global):
        raise DescriptionError(
            f"{step.window!r} never closes", detail=f"{endless[0]} has no end", hint="bound the source"
        )
    replay = _Replay(step, key, window)
    for outcome in Pipeline(step.upstreams[0]).outcomes(batch_rows):
        replay.take(outcome)
        if endless and replay.expired:
            break
        if endless and isinstance(step.window, Session) and replay.count > MOST_ROWS:
            raise DescriptionError(
                f"the session has not ended after {replay.count:,} rows",
                detail=f"{endless[0]} has no end, and so far no pause as long as {spell(step.window.gap)}",
                hint="explain a key with fewer rows, or give the stream a duration",
            )
    return replay.table()


def _beginning(step: Aggregated) -> int:
    """Give the moment when the sources begin."""
    return min(int(read.source.reader().reached) for read in step.chain() if isinstance(read, Read))


class _Replay:
    """The rows of one key, put through the windows again."""

    def __init__(self, step: Aggregated, key: Any, window: Any) -> None:
        schema = next(before for before in step.chain() if isinstance(before, Date)).schema
        self.step, self.time, self.dtype = step, schema.time, schema.dtypes[schema.time]
        self.key = key_values(step.keys, key)
        self.sought = sought(step.window, window, self.dtype, _beginning(step))
        operator = operator_for(replace(step, aggregates=(Aggregate(_ROWS, _ROW, "collect"),)))
        assert isinstance(operator, Windows)
        self.windows = operator
        read = (column for aggregate in step.aggregates for column in aggregate.columns)
        self.columns = [column for column in dict.fromkeys(read) if column != self.time]
        self.count = 0
        self.rows: list[pd.DataFrame] = []
        self.times, self.met, self.seen = (list[Nanos]() for _ in range(3))
        self.told, self.late = (list[pd.DataFrame]() for _ in range(2))

    def take(self, outcome: Outcome) -> None:
        """Take a batch as it comes to the windows."""
        assert outcome.stamp is not None
        frame = with_key(outcome.frames[OUT], self.key)
        times, _ = outcome.stamp.look_up(frame)
        self.seen.append(np.unique(times))
        frame = frame[self.sought.may_hold(times)]
        times, met = outcome.stamp.look_up(frame)
        # not the arrival numbers, which rows made of one row share
        numbers = np.arange(self.count, self.count + len(frame))
        self.count += len(frame)
        made = self.windows.process(frame.assign(**{_ROW: numbers}), outcome.stamp).frames
        for kept, some in ((self.told, made[OUT]), (self.late, made[LATE])):
            if len(some) or not kept:
                kept.append(some)
        self.rows.append(frame[self.columns])
        self.times.append(times)
        self.met.append(met)

    @property
    def expired(self) -> bool:
        """Whether the window accepts no row any more."""
        held = self.windows.peek()
        starts, ends = _bounds(pd.concat([*self.told, held]) if len(held) else pd.concat(self.told))
        reach = np.array([self.sought.reach(starts, ends)])
        return bool(shift(reach, self.step.lateness)[0] <= self.windows.operator.watermark)

    def table(self) -> pd.DataFrame:
        """Give the rows of the window that is meant."""
        times, met = np.concatenate(self.times), np.concatenate(self.met)
        panes = pd.concat(self.told, ignore_index=True)
        if RETRACTION in panes:
            panes = panes[~panes[RETRACTION]]
        starts, ends = _bounds(panes)
        bounds = self.sought.find(starts, ends)
        if bounds is None:
            raise self._none(starts, ends)
        first = self._first_panes(panes, bounds).reindex(range(self.count))
        late_by = self._late_by(times, met, bounds).where(first[REVISION].isna())
        mine = np.ones(self.count, dtype=bool)
        if isinstance(self.step.window, Session):
            mine = (first[REVISION].notna() | late_by.notna()).to_numpy()
        if not mine.any():
            raise self._none(starts, ends)
        return self._described(times, met, first, late_by)[mine]

    def _first_panes(self, panes: pd.DataFrame, bounds: Interval) -> pd.DataFrame:
        """Give revision and timing of the first pane that holds a row, by row."""
        starts, ends = _bounds(panes)
        mine = panes[self.sought.panes(starts, ends, bounds)]
        listed = mine[[_ROWS, REVISION, TIMING]].explode(_ROWS).dropna(subset=[_ROWS])
        if self.step.accumulation != DISCARDING and len(mine):  # then the last pane holds all of its rows
            listed = listed[listed[_ROWS].isin(mine[_ROWS].iloc[-1])]
        listed = listed.drop_duplicates(_ROWS).astype({_ROWS: "int64"})
        return listed.set_index(_ROWS)

    def _late_by(self, times: Nanos, met: Nanos, bounds: Interval) -> pd.Series:
        """Give by how much rows came too late for the window; null where they did not."""
        if isinstance(self.step.window, Session):
            late = pd.concat(self.late)
            after, gap = times[late[_ROW]], self.step.window.gap
            near = (after <= bounds[1]) & (bounds[0] <= shift(after, gap))
            if not self.step.window.merge_touching:
                near = (after < bounds[1]) & (bounds[0] < shift(after, gap))
            return late.set_index(_ROW)[LATE_BY][near].reindex(range(self.count))
        expiry = int(shift(np.array([bounds[1]]), self.step.lateness)[0])
        by = pd.Series((met - np.minimum(expiry, met)).view("timedelta64[ns]"))
        return by.where(expiry <= met)

    def _described(self, times: Nanos, met: Nanos, first: pd.DataFrame, late_by: pd.Series) -> pd.DataFrame:
        """Put together what is known of the rows."""
        zone = getattr(self.dtype, "tz", None)
        exact = "datetime64[ns]" if zone is None else pd.DatetimeTZDtype("ns", zone)
        rows = pd.concat(self.rows).rename_axis(ARRIVAL)
        rows.insert(0, self.time, from_nanos(times, self.dtype).to_numpy())
        told = {
            WATERMARK: from_nanos(met, exact),
            PANE: first[REVISION].astype("Int64"),
            TIMING: first[TIMING],
            "late": late_by.notna(),
            LATE_BY: late_by,
        }
        return told_of(rows, **{name: column.set_axis(rows.index) for name, column in told.items()})

    def _none(self, starts: Nanos, ends: Nanos) -> Exception:
        found = self.sought.windows(np.unique(np.concatenate(self.seen)), starts, ends)
        return no_such_window(self.key, self.sought.about, found, self.dtype)


def _bounds(panes: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give starts and ends of panes; the end of the global window is the end of time."""
    ends = to_nanos(panes[WINDOW_END])
    return to_nanos(panes[WINDOW_START]), np.where(ends == NO_WATERMARK, END_OF_TIME, ends)
