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
import numpy.typing as npt
import pandas as pd

from workbench.engine.progress import Stamp
from workbench.model.aggregates import Aggregate
from workbench.model.panes import (
    EARLY,
    LATE,
    LATE_BY,
    ON_TIME,
    RETRACTION,
    REVISION,
    TIMING,
    WATERMARK,
    WINDOW_END,
    WINDOW_START,
)
from workbench.model.triggers import ACCUMULATING, DEFAULT, DISCARDING, RETRACTING, Trigger
from workbench.model.windows import Aligned, Count, Session, Window
from workbench.schema import REASON, told_of
from workbench.testing.compare import Key, plain
from workbench.testing.covering import windows_of
from workbench.testing.reckoning import Row, aggregate
from workbench.testing.trigger_oracle import Machine, Now, machine_of
from workbench.time import END_OF_TIME, from_nanos


@dataclass(eq=False)
class Span:
    """One window, or one session, of one key, and all the rows in it.

    ``fresh`` are the rows since its last pane; ``revision`` is that of its last pane, -1 before the
    first; ``panes`` are the positions of the panes that it and the sessions merged into it have
    given, ``told`` those that hold; ``past`` says that its end has passed and
    been told of, or that a row behind it has come;
    ``asked`` that its trigger was asked in this batch, and no row has come since;
    ``ended_now`` that its end has been passed in this batch with nothing left to tell; ``told_now``
    that it has given a pane behind its end in this batch.
    """

    start: int
    end: int
    key: Key
    machine: Machine
    rows: list[Row] = field(default_factory=list)
    fresh: list[Row] = field(default_factory=list)
    revision: int = -1
    panes: list[int] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    past: bool = False
    asked: bool = False
    ended_now: bool = False
    told_now: bool = False

    def take(self, row: Row, now: Now) -> None:
        """Take a row."""
        self.rows.append(row)
        self.fresh.append(row)
        self.asked = False
        self.machine.arrive(row.time, now)


@dataclass(frozen=True, eq=False)
class OracleOutput:
    """What one call of `Oracle.process` gives; the same attributes as the engine's output.

    Parameters
    ----------
    panes : pandas.DataFrame
        In the order of emission.
    last : bool array, shape (panes,)
        Whether each is the last of its window.
    late, rejected : pandas.DataFrame
        Rows with ``late_by`` and ``watermark``; rows with ``reason``.
    dropped : int
        (row, window) pairs that were late, those of wholly late rows included.
    """

    panes: pd.DataFrame
    last: npt.NDArray[np.bool_]
    late: pd.DataFrame
    rejected: pd.DataFrame
    dropped: int


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
    trigger, accumulation, empty_panes
        As the engine's.
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
        trigger: Trigger = DEFAULT,
        accumulation: str = ACCUMULATING,
        empty_panes: Sequence[str] = (),
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        self.keys, self.window, self.lateness = tuple(keys), window, lateness
        self.trigger, self.accumulation, self.empty = trigger, accumulation, tuple(empty_panes)
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
        """Take the rows of a batch one by one, then move the watermark to the batch's end and fire."""
        self._begin()
        self._processing = stamp.now
        for span in self.live:
            span.asked = span.ended_now = span.told_now = False
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
        self._advance(stamp.watermark, all_due=True)
        self._find_last(stamp.watermark)
        return self._output(frame)

    def _find_last(self, watermark: int) -> None:
        """Say which panes of this batch no other of the same window and key can follow."""
        for at, pane in enumerate(self._panes):
            expired = min(pane[WINDOW_END] + self.lateness, END_OF_TIME) <= watermark
            names = (WINDOW_START, WINDOW_END, *self.keys)
            followed = any(all(pane[n] == other[n] for n in names) for other in self._panes[at + 1 :])
            self._last[at] = not pane[RETRACTION] and not followed and (expired or self._last[at])

    def _begin(self) -> None:
        """Forget what the last batch gave."""
        self._panes: list[dict[str, Any]] = []
        self._last: list[bool] = []
        self._late: list[tuple[int, int, int]] = []
        self._rejected: list[tuple[int, str]] = []
        self._dropped = 0

    def _now(self, span: Span, watermark: int) -> Now:
        return Now(watermark, span.end <= watermark, self._processing)

    def _advance(self, watermark: int, *, all_due: bool = False) -> None:
        """Tell of the windows whose end the watermark has passed; close and forget those past their lateness.

        With `all_due`, when the batch has ended, triggers of all windows are asked.
        """
        for span in sorted(self.live, key=lambda span: (span.end, span.start)):
            now = self._now(span, watermark)
            if isinstance(self.window, Count):
                if now.passed:
                    self._finish(span)
                continue
            expired = self._expiry(span) <= watermark
            if not span.asked and (all_due or expired or (now.passed and not span.past)):
                self._fire(span, now)
            if expired and span.ended_now and not span.fresh:
                span.past = False
            empty = "closing" in self.empty or (ON_TIME in self.empty and not span.past)
            if expired and not span.machine.done and (span.fresh or (empty and not span.told_now)):
                self._emit(span, now)
        self.live = [span for span in self.live if self._expiry(span) > watermark]

    def _expiry(self, span: Span) -> int:
        return min(span.end + self.lateness, END_OF_TIME)

    def _fire(self, span: Span, now: Now) -> None:
        """Give a pane if the trigger says so."""
        span.asked = True
        if span.machine.ready(now):
            at_end = now.passed and not span.past and ON_TIME in self.empty
            wanted = bool(span.fresh) or span.machine.insists(now) or at_end
            span.machine.fire(now)
            if wanted:
                self._emit(span, now)
        if now.passed and not span.past and not span.fresh:
            span.past = span.ended_now = True

    def _take_into_windows(self, row: Row, met: int, window: Aligned) -> None:
        """Put a row into those of its windows that still accept it."""
        intervals = windows_of(window, row.time)
        if not intervals:
            self._rejected.append((row.number, "between windows"))
            return
        accepting = [(start, end) for start, end in intervals if end + self.lateness > met]
        self._dropped += len(intervals) - len(accepting)
        if not accepting:
            last_end = max(end for _, end in intervals)
            self._late.append((row.number, met - (last_end + self.lateness), met))
            return
        spans = [self._find(start, end, row.key, met) for start, end in accepting]
        for span in spans:
            span.take(row, self._now(span, met))
        self._refuse(row, spans)

    def _refuse(self, row: Row, spans: Sequence[Span]) -> None:
        """Note a row that no window will tell of any more."""
        if all(span.machine.done for span in spans):
            self._rejected.append((row.number, "after the trigger has finished"))

    def _take_into_counts(self, row: Row, window: Count) -> None:
        """Give a row its place among those of its key; a window that is full fires."""
        place = self.places[row.key] = self.places.get(row.key, -1) + 1
        begins = [
            first for first in range(place, max(place - window.size, -1), -1) if first % window.slide == 0
        ]
        if not begins:
            self._rejected.append((row.number, "between windows"))
        for first in sorted(begins):
            # until it is full, a window's end is that of time; its number tells it from others of its key
            span = next((s for s in self.live if (s.key, s.revision) == (row.key, -2 - first)), None)
            if span is None:
                span = self._hold(row.time, END_OF_TIME, row.key)
                span.revision = -2 - first
            span.rows.append(row)
            if place == first + window.size - 1:
                self.live.remove(span)
                self._finish(span)

    def _finish(self, span: Span) -> None:
        """Fire a count window: its bounds are the times of its rows."""
        times = [row.time for row in span.rows]
        span.start, span.end, span.revision = min(times), max(times), -1
        self._emit(span, Now(span.end, passed=True))

    def _take_into_session(self, row: Row, met: int, window: Session) -> None:
        """Merge a row with all live sessions of its key that it overlaps or touches."""
        end = row.time + window.gap
        parts = _parts([span for span in self.live if span.key == row.key], row, window)
        if not parts and end + self.lateness <= met:
            self._dropped += 1
            self._late.append((row.number, met - (end + self.lateness), met))
            return
        self.live = [span for span in self.live if span not in parts]
        merged = self._hold(
            min([row.time, *(part.start for part in parts)]),
            max([end, *(part.end for part in parts)]),
            row.key,
        )
        now = self._now(merged, met)
        merged.rows = [each for part in parts for each in part.rows]
        merged.fresh = [each for part in parts for each in part.fresh]
        merged.told = [each for part in parts for each in part.told]
        merged.panes = [pane for part in parts for pane in part.panes]
        merged.revision = max((part.revision for part in parts), default=-1)
        merged.past = now.passed
        if parts:
            merged.machine.merge([part.machine for part in parts], now)
        merged.take(row, now)
        self.superseded.update(merged.panes)
        self._refuse(row, [merged])

    def _find(self, start: int, end: int, key: Key, met: int) -> Span:
        wanted = (start, end, key)
        found = next((span for span in self.live if (span.start, span.end, span.key) == wanted), None)
        if found is None:
            found = self._hold(start, end, key)
        found.past = found.past or end <= met
        return found

    def _hold(self, start: int, end: int, key: Key) -> Span:
        self.live.append(Span(start, end, key, machine_of(self.trigger)))
        return self.live[-1]

    def _emit(self, span: Span, now: Now) -> None:
        """Give a pane of the rows that the window now holds, or of those since the last pane."""
        span.revision += 1
        self.superseded.update(span.panes)
        self._last += [False] * len(span.told)
        self._panes += [{**pane, RETRACTION: True} for pane in span.told]
        self.emitted += len(span.told)
        span.panes.append(self.emitted)
        self.emitted += 1
        rows = span.fresh if self.accumulation == DISCARDING else span.rows
        timing = (LATE if span.past else ON_TIME) if now.passed else EARLY
        pane = {
            WINDOW_START: span.start,
            WINDOW_END: span.end,
            **dict(zip(self.keys, span.key, strict=True)),
            **{each.output: aggregate(each, rows) for each in self.aggregates},
            TIMING: timing,
            REVISION: span.revision,
            RETRACTION: False,
        }
        self._panes.append(pane)
        self._last.append(span.machine.done)
        span.told = [pane] if self.accumulation == RETRACTING else []
        span.fresh, span.told_now = [], now.passed

    def _output(self, frame: pd.DataFrame) -> OracleOutput:
        names = [WINDOW_START, WINDOW_END, *self.keys, *(each.output for each in self.aggregates)]
        names += [TIMING, REVISION, *([RETRACTION] if self.accumulation == RETRACTING else [])]
        panes = pd.DataFrame(self._panes, columns=names)
        for name in (WINDOW_START, WINDOW_END):
            panes[name] = from_nanos(panes[name].to_numpy(np.int64), self.time_dtype)
        for name in self.keys:
            panes[name] = panes[name].astype(frame[name].dtype)
        numbers, late_by, met = (np.array(part, np.int64) for part in _columns(self._late, 3))
        told = {
            LATE_BY: late_by.view("timedelta64[ns]"),
            WATERMARK: from_nanos(met, self.time_dtype).to_numpy(),
        }
        late = told_of(frame.loc[numbers], **told)
        refused, reasons = _columns(self._rejected, 2)
        rejected = told_of(frame.loc[list(refused)], **{REASON: list(reasons)})
        return OracleOutput(panes, np.array(self._last, dtype=bool), late, rejected, self._dropped)


def _parts(spans: Sequence[Span], row: Row, window: Session) -> list[Span]:
    """Give the sessions that a row, with its own interval ``[time, time + gap)``, makes one with.

    All are merged from the earliest start on, as long as what they have come to may grow.
    """
    own: tuple[int, int, Span | None] = (row.time, row.time + window.gap, None)
    intervals = [*((span.start, span.end, span) for span in spans), own]
    groups: list[tuple[int, int, list[Span | None]]] = []
    for start, end, member in sorted(intervals, key=lambda interval: (interval[0], -interval[1])):
        if groups:
            begin, reached, members = groups[-1]
            meets = start <= reached if window.merge_touching else start < reached
            if meets and (window.max_size is None or reached - begin < window.max_size):
                groups[-1] = (begin, max(reached, end), [*members, member])
                continue
        groups.append((start, end, [member]))
    mine = next(members for _, _, members in groups if None in members)
    return [span for span in mine if span is not None]


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * count
