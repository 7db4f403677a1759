"""The oracle: the slow, readable twin of the window operator, which the engine is compared with.

It takes one row at a time, keeps every row, and writes each rule of event time as its definition
has it. Loops over rows belong here and nowhere else; the state grows with the rows.

How many late panes a window gives depends on the batches (there is one for each batch that changed
it), so what engine and oracle must agree on are the final panes (`workbench.testing.compare`), the
late rows, the rejected rows, and the counts.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.progress import Stamp
from workbench.model.aggregates import Aggregate
from workbench.model.panes import (
    LATE,
    LATE_BY,
    ON_TIME,
    REVISION,
    TIMING,
    WATERMARK,
    WINDOW_END,
    WINDOW_START,
)
from workbench.model.windows import Aligned, Count, Session, Window
from workbench.schema import REASON
from workbench.testing.compare import Key, final_panes, plain
from workbench.testing.covering import windows_of
from workbench.testing.reckoning import Row, aggregate
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, from_nanos, to_nanos


@dataclass
class Span:
    """One window, or one session, of one key, and all the rows in it.

    ``revision`` is that of its last pane, -1 before the first; ``panes`` are the positions of the
    panes that it and the sessions merged into it have given.
    """

    start: int
    end: int
    key: Key
    rows: list[Row] = field(default_factory=list)
    revision: int = -1
    panes: list[int] = field(default_factory=list)
    open: bool = True


@dataclass(frozen=True, eq=False)
class OracleOutput:
    """What one call of `Oracle.process` gives; the same attributes as the engine's output.

    Parameters
    ----------
    panes : pandas.DataFrame
        In the order of emission.
    late, rejected : pandas.DataFrame
        Rows with ``late_by`` and ``watermark``; rows with ``reason``.
    dropped : int
        (row, window) pairs that were late, those of wholly late rows included.
    """

    panes: pd.DataFrame
    late: pd.DataFrame
    rejected: pd.DataFrame
    dropped: int


@dataclass(frozen=True, eq=False)
class Answer(OracleOutput):
    """The oracle's answer for a whole table.

    Parameters
    ----------
    final : pandas.DataFrame
        The panes that no other supersedes, by ``window_end``, then keys.
    superseded : tuple of bool
        For each of ``panes``, whether its window gave a later one, by true descent.
    """

    final: pd.DataFrame
    superseded: tuple[bool, ...]


class Oracle:
    """A window operator that takes one row at a time; used exactly as the engine's.

    Parameters
    ----------
    keys : sequence of str
        Key columns, none for a single key.
    window : Sliding, Tumbling or Session
        Where rows are put together.
    lateness : int
        Nanoseconds that a closed window still accepts rows.
    aggregates : sequence of Aggregate
        The outputs.
    time_dtype : dtype
        Unit and zone of the window bounds given back.
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        window: Window,
        lateness: int = 0,
        aggregates: Sequence[Aggregate],
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        self.keys, self.window, self.lateness = tuple(keys), window, lateness
        self.aggregates, self.time_dtype = tuple(aggregates), time_dtype
        self.live: list[Span] = []
        self.emitted = 0
        self.superseded: set[int] = set()
        self.places: dict[Key, int] = {}
        self._begin()

    @property
    def size(self) -> int:
        """How many windows are held."""
        return len(self.live)

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return copy.deepcopy(
            {"live": self.live, "emitted": self.emitted, "superseded": self.superseded, "places": self.places}
        )

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.__dict__.update(copy.deepcopy(snapshot))

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> OracleOutput:
        """Take the rows of a batch one by one, then move the watermark to the batch's end."""
        self._begin()
        for number, values in zip(frame.index.tolist(), frame.to_dict("records"), strict=True):
            position = number - stamp.first
            met = int(stamp.met[position])
            key = tuple(plain(values[name]) for name in self.keys)
            row = Row(number, int(stamp.times[position]), key, values)
            self._advance(met)
            if isinstance(self.window, Session):
                self._take_into_session(row, met, self.window)
            elif isinstance(self.window, Count):
                self._take_into_counts(row, self.window)
            else:
                self._take_into_windows(row, met, self.window)
        self._advance(stamp.watermark)
        return self._output(frame)

    def _begin(self) -> None:
        """Forget what the last batch gave."""
        self._panes: list[dict[str, Any]] = []
        self._late: list[tuple[int, int, int]] = []
        self._between: list[int] = []
        self._dropped = 0

    def _advance(self, watermark: int) -> None:
        """Close the windows that the watermark has passed; forget those past their lateness."""
        passed = [span for span in self.live if span.open and span.end <= watermark]
        for span in sorted(passed, key=lambda span: (span.end, span.start)):
            span.open = False
            if isinstance(self.window, Count):
                self._finish(span)
            else:
                self._emit(span, ON_TIME)
        self.live = [
            span for span in self.live if watermark < END_OF_TIME and span.end + self.lateness > watermark
        ]

    def _take_into_windows(self, row: Row, met: int, window: Aligned) -> None:
        """Put a row into those of its windows that still accept it."""
        intervals = windows_of(window, row.time)
        if not intervals:
            self._between.append(row.number)
            return
        accepting = [(start, end) for start, end in intervals if end + self.lateness > met]
        self._dropped += len(intervals) - len(accepting)
        if not accepting:
            last_end = max(end for _, end in intervals)
            self._late.append((row.number, met - (last_end + self.lateness), met))
        for start, end in accepting:
            span = self._find(start, end, row.key) or self._hold(Span(start, end, row.key))
            span.rows.append(row)
            span.open = end > met
            if not span.open:
                self._emit(span, LATE)

    def _take_into_counts(self, row: Row, window: Count) -> None:
        """Give a row its place among those of its key; a window that is full fires."""
        place = self.places[row.key] = self.places.get(row.key, -1) + 1
        begins = [
            first for first in range(place, max(place - window.size, -1), -1) if first % window.slide == 0
        ]
        if not begins:
            self._between.append(row.number)
        for first in sorted(begins):
            # until it is full, a window's end is that of time; its number tells it from others of its key
            span = next((s for s in self.live if (s.key, s.revision) == (row.key, -2 - first)), None)
            span = span or self._hold(Span(row.time, END_OF_TIME, row.key, revision=-2 - first))
            span.rows.append(row)
            if place == first + window.size - 1:
                self.live.remove(span)
                self._finish(span)

    def _finish(self, span: Span) -> None:
        """Fire a count window: its bounds are the times of its rows."""
        times = [row.time for row in span.rows]
        span.start, span.end, span.revision = min(times), max(times), -1
        self._emit(span, ON_TIME)

    def _take_into_session(self, row: Row, met: int, window: Session) -> None:
        """Merge a row with all live sessions of its key that it overlaps or touches."""
        end = row.time + window.gap
        parts = [span for span in self.live if span.key == row.key and _meets(span, row, window)]
        if not parts and end + self.lateness <= met:
            self._dropped += 1
            self._late.append((row.number, met - (end + self.lateness), met))
            return
        merged = Span(
            start=min([row.time, *(part.start for part in parts)]),
            end=max([end, *(part.end for part in parts)]),
            key=row.key,
            rows=[*(other for part in parts for other in part.rows), row],
            revision=max((part.revision for part in parts), default=-1),
            panes=[pane for part in parts for pane in part.panes],
        )
        self.live = [span for span in self.live if span not in parts]
        self._hold(merged)
        merged.open = merged.end > met
        self.superseded.update(merged.panes)
        if not merged.open:
            self._emit(merged, LATE)

    def _find(self, start: int, end: int, key: Key) -> Span | None:
        wanted = (start, end, key)
        return next((span for span in self.live if (span.start, span.end, span.key) == wanted), None)

    def _hold(self, span: Span) -> Span:
        self.live.append(span)
        return span

    def _emit(self, span: Span, timing: str) -> None:
        """Give a pane of all rows that the window now holds."""
        span.revision += 1
        self.superseded.update(span.panes)
        span.panes.append(self.emitted)
        self.emitted += 1
        self._panes.append(
            {
                WINDOW_START: span.start,
                WINDOW_END: span.end,
                **dict(zip(self.keys, span.key, strict=True)),
                **{each.output: aggregate(each, span.rows) for each in self.aggregates},
                TIMING: timing,
                REVISION: span.revision,
            }
        )

    def _output(self, frame: pd.DataFrame) -> OracleOutput:
        names = [WINDOW_START, WINDOW_END, *self.keys]
        names += [*(each.output for each in self.aggregates), TIMING, REVISION]
        panes = pd.DataFrame(self._panes, columns=names)
        for name in (WINDOW_START, WINDOW_END):
            panes[name] = from_nanos(panes[name].to_numpy(np.int64), self.time_dtype)
        for name in self.keys:
            panes[name] = panes[name].astype(frame[name].dtype)
        numbers, late_by, met = (np.array(part, np.int64) for part in _columns(self._late, 3))
        late = frame.loc[numbers].copy()
        late[LATE_BY] = late_by.view("timedelta64[ns]")
        late[WATERMARK] = from_nanos(met, self.time_dtype).to_numpy()
        rejected = frame.loc[self._between].assign(**{REASON: "between windows"})
        return OracleOutput(panes, late, rejected, self._dropped)


def run_oracle(
    frame: pd.DataFrame,
    *,
    time: str,
    keys: Sequence[str] = (),
    window: Window,
    lateness: int = 0,
    aggregates: Sequence[Aggregate],
    bound: int,
) -> Answer:
    """Give the answer for a whole table, row by row in arrival order, to the end of the stream.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in arrival order; the index does not matter: rows are numbered from 1.
    time : str
        The event-time column; a row without event time is rejected.
    keys : sequence of str
        Key columns; null is a key of its own.
    window : Sliding, Tumbling or Session
        Where rows are put together.
    lateness, bound : int
        Nanoseconds that a closed window still accepts rows; nanoseconds that the watermark stays
        behind the greatest event time so far.
    aggregates : sequence of Aggregate
        The outputs.

    Returns
    -------
    Answer
        Final panes, all panes, late rows, rejected rows, and counts.

    Examples
    --------
    >>> from workbench.model.windows import Tumbling
    >>> frame = pd.DataFrame({"t": pd.to_datetime([1, 9, 12, 3], unit="s"), "v": [1, 2, 3, 4]})
    >>> total = Aggregate("total", "v", "sum")
    >>> answer = run_oracle(frame, time="t", window=Tumbling("10s"), aggregates=[total], bound=0)
    >>> answer.final.total.tolist(), answer.late.v.tolist()
    ([3, 3], [4])
    """
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    times = to_nanos(frame[time])
    oracle = Oracle(
        keys=keys,
        window=window,
        lateness=lateness,
        aggregates=aggregates,
        time_dtype=frame[time].dtype,
    )
    dated = times != NO_WATERMARK
    out = oracle.process(frame[dated], Stamp(1, times, _met(times, bound), END_OF_TIME))
    undated = frame[~dated].assign(**{REASON: "null event time"})
    rejected = pd.concat([part for part in (out.rejected, undated) if len(part)] or [undated])
    return Answer(
        out.panes,
        out.late,
        rejected.sort_index(),
        out.dropped,
        final=final_panes(out.panes, keys, sessions=isinstance(window, Session)),
        superseded=tuple(position in oracle.superseded for position in range(oracle.emitted)),
    )


def _met(times: Nanos, bound: int) -> Nanos:
    """Give the watermark that each row meets: the greatest event time before it, less the bound."""
    met = np.empty(len(times), np.int64)
    watermark = NO_WATERMARK
    for position, moment in enumerate(times.tolist()):
        met[position] = watermark
        if moment != NO_WATERMARK:
            watermark = max(watermark, moment - bound)
    return met


def _meets(span: Span, row: Row, window: Session) -> bool:
    """Say whether a row's own interval, ``[time, time + gap)``, overlaps or touches a session."""
    if window.merge_touching:
        return span.start <= row.time + window.gap and row.time <= span.end
    return span.start < row.time + window.gap and row.time < span.end


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * count
