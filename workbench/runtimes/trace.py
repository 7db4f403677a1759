"""What happened in a run: append-only, bounded, versioned; all that views ever read.

Nothing here knows who looks. A view keeps the version that it saw last and asks again; if the version is the
same, nothing has happened.
"""

from __future__ import annotations

import numbers
from bisect import bisect_right
from collections import deque
from collections.abc import Collection
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.outcomes import LATE, REJECTED, Outcome
from workbench.errors import DescriptionError
from workbench.time import NO_WATERMARK

MOST_MARKS = 4_000
"""How many marks a trace keeps."""
Past = bool | Collection[str]
"""Whether a run keeps its past: all of it, the time planes of some results, or nothing."""
KEEP = 50_000
"""How many rows of a result a trace keeps, unless said otherwise."""
LEAST = 2_000
"""How many it keeps of each, however long ago they came out."""


def as_past(past: Past, results: Collection[str]) -> bool | tuple[str, ...]:
    """Give what of its past a run keeps, of results that there are.

    Raises
    ------
    DescriptionError
        If there is no result of such a name.

    Examples
    --------
    >>> as_past("revenue", ["revenue", "orders"]), as_past([], ["revenue"])
    (('revenue',), False)
    """
    if isinstance(past, bool):
        return past
    named = (past,) if isinstance(past, str) else tuple(past)
    if unknown := [name for name in named if name not in results]:
        raise DescriptionError(
            f"no past can be kept of {', '.join(map(repr, unknown))}",
            detail=f"there are {', '.join(results)}",
            hint="name results, or write past=True",
        )
    return named or False


def as_rows(value: Any, what: str) -> int:
    """Check how many rows something has, or keeps, at most.

    Raises
    ------
    DescriptionError
        If it is no whole number, or less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise DescriptionError(
            f"{what} is {value!r}",
            detail="it is a number of rows, and at least one",
            hint=f"write {what}=20_000, or leave it out",
        )
    return int(value)


class Record:
    """The rows that came out of one node, the latest of them kept.

    Many small frames are put together into one, since a DataFrame of six rows takes as much memory as one of
    a thousand.

    Parameters
    ----------
    keep : int
        How many rows to keep, about: whole frames are forgotten, the oldest first.

    Attributes
    ----------
    total : int
        How many rows came out since the start; a view that remembers it can ask what came `since`.
    version : int
        What grows whenever rows come out, or are taken back.
    """

    _LOOSE = 64
    """Frames that may stay as they are; with twice as many the older half is put together."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.total = self.version = 0
        self._held = self._forgotten = 0
        self._frames: list[pd.DataFrame] = []

    def append(self, frame: pd.DataFrame) -> None:
        """Add the rows of a frame, which nobody changes any more."""
        if not len(frame):
            return
        self._frames.append(frame)
        self._held += len(frame)
        self.total += len(frame)
        self.version += 1
        while self._held - len(self._frames[0]) >= self.keep:
            self._held -= len(self._frames.pop(0))
        if len(self._frames) > 2 * self._LOOSE:
            older, loose = pd.concat(self._frames[: -self._LOOSE]), self._frames[-self._LOOSE :]
            wanted = min(self.keep, self.total - self._forgotten - sum(map(len, loose)))
            self._frames = [older.iloc[-wanted:], *loose] if wanted > 0 else loose
            self._held = sum(map(len, self._frames))

    def forget(self, total: int) -> None:
        """Forget the rows that came out first, so many or fewer: whole frames, and not the last 2,000."""
        self._forgotten = max(self._forgotten, min(total, self.total - LEAST))
        while self._frames and self.total - self._held + len(self._frames[0]) <= self._forgotten:
            self._held -= len(self._frames.pop(0))

    def since(self, total: int) -> list[pd.DataFrame]:
        """Give the rows that came out after the first so many, as far as they are kept."""
        return self.until(self.total, self.total - total)

    def until(self, total: int, rows: int | None = None) -> list[pd.DataFrame]:
        """Give the rows that came out first, up to so many; of them those kept, or only the last few."""
        beyond, wanted = self.total - total, self.total if rows is None else rows
        frames = []
        for frame in reversed(self._frames):
            seen = frame.iloc[: len(frame) - beyond] if beyond > 0 else frame
            beyond -= len(frame)
            if beyond < 0 and wanted > 0:
                frames.append(seen.iloc[-wanted:] if wanted < len(seen) else seen)
                wanted -= len(seen)
        return frames[::-1]

    def cut(self, total: int) -> None:
        """Forget the rows that came out after the first so many."""
        while self._frames and self.total > total:
            last = self._frames.pop()
            kept = last.iloc[: max(0, len(last) - (self.total - total))]
            self._held -= len(last) - len(kept)
            self.total -= len(last) - len(kept)
            if len(kept):
                self._frames.append(kept)
        self.total, self._forgotten = total, min(self._forgotten, total)
        self.version += 1

    def frame(self) -> pd.DataFrame:
        """Give the rows kept, in the order in which they came out."""
        return pd.concat(self._frames) if self._frames else pd.DataFrame()

    def together(self) -> pd.DataFrame:
        """Give the rows kept, and keep them in one frame: for who asks often, in the thread that appends."""
        if len(self._frames) > 1:
            self._frames = [self.frame().iloc[-max(self.keep, len(self._frames[-1])) :]]
            self._held = len(self._frames[0])
        return self._frames[0] if self._frames else pd.DataFrame()


@dataclass(slots=True)
class Counters:
    """Rows counted since the start of a run."""

    arrived: int = 0
    late: int = 0
    rejected: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What had happened by a moment: enough to look back to it."""

    moment: int
    """Processing time, in nanoseconds."""
    watermark: int
    counters: Counters
    totals: tuple[int, ...]
    """How many rows had come out of each record of the trace, in their order."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How a run is doing, or did, at one moment.

    Parameters
    ----------
    status : str
        ``paused``, ``running``, ``finished``, ``failed`` or ``stopped``.
    rows : int
        Rows that have arrived.
    rows_per_second : float
        Of wall time, over the last few seconds.
    now : pandas.Timestamp or None
        Processing time, UTC.
    watermark : pandas.Timestamp or None
        The least watermark of the sources, UTC; None before there is one and after the end.
    lag : pandas.Timedelta or None
        Processing time minus watermark.
    late, rejected : int
        Rows that came too late for a result (one that several have missed is one), and rows not taken.
    state : int or None
        Entries held by all operators; None of a moment that has passed.
    uptime : pandas.Timedelta or None
        Wall time since it was started; it stands still when the run is over.
    share : float or None
        How much of its sources has been read, from 0 to 1; None where one has no end.
    left : pandas.Timedelta or None
        Wall time until all will have been read, at the present rate; None where nobody knows.
    """

    status: str
    rows: int
    rows_per_second: float
    now: pd.Timestamp | None
    watermark: pd.Timestamp | None
    lag: pd.Timedelta | None
    late: int
    rejected: int
    state: int | None
    uptime: pd.Timedelta | None = None
    share: float | None = None
    left: pd.Timedelta | None = None


class Rate:
    """How much more of something there is a second of wall time, over the last few seconds."""

    def __init__(self, seconds: float = 5.0) -> None:
        self._span = int(seconds * 1e9)
        self._marks: deque[tuple[int, float]] = deque()

    def mark(self, wall: int, rows: float) -> None:
        """Note how much, or how many rows, there have been by a moment."""
        self._marks.append((wall, rows))
        while len(self._marks) > 2 and self._marks[1][0] < wall - self._span:
            self._marks.popleft()

    def value(self, wall: int) -> float:
        """Give the rate up to a moment; 0 when nothing has been noted for longer than the span."""
        marks = [mark for mark in self._marks if mark[0] >= wall - 2 * self._span]
        if len(marks) < 2:
            return 0.0
        (first, before), (last, after) = marks[0], marks[-1]
        since = max(last, wall if wall - last > self._span // 5 else last) - first
        return (after - before) / (since / 1e9) if since > 0 else 0.0


class Trace:
    """Everything that a run has put out.

    Parameters
    ----------
    results : list of str
        The names of the results.
    keep : int
        Rows to keep of each.
    keep_for : int, optional
        Rows that came out so many nanoseconds of processing time ago are forgotten as well, but for the last
        2,000, and so is what had happened by then.

    Attributes
    ----------
    results : dict of str to Record
        What came out of each result's last step.
    late, rejected : Record
        Late rows with the column ``result``, and rejected rows with the columns ``reason`` and ``step``.
    watermarks : deque of (int, int)
        Processing time and watermark after each batch, in nanoseconds.
    marks : list of Mark
        What had happened after each batch; of a long run close together in the near past, and further apart
        before.
    version : int
        How many batches have gone through.
    """

    def __init__(self, results: list[str], keep: int = KEEP, keep_for: int | None = None) -> None:
        self._keep_for = keep_for
        self._late: list[npt.NDArray[Any]] = []
        self.results = {name: Record(keep) for name in results}
        self.late = Record(1_000)
        self.rejected = Record(1_000)
        self.counters = Counters()
        self.watermarks: deque[tuple[int, int]] = deque(maxlen=2_000)
        self.marks: list[Mark] = []
        self.version = 0

    def records(self) -> dict[str, Record]:
        """Give all records: of the results by name, and ``.late`` and ``.rejected``."""
        return {**self.results, ".late": self.late, ".rejected": self.rejected}

    def forget_after(self, moment: int) -> None:
        """Forget the watermarks after a moment; whoever looks is told that something has changed."""
        while self.watermarks and self.watermarks[-1][0] > moment:
            self.watermarks.pop()
        while self.marks and self.marks[-1].moment > moment:
            self.marks.pop()
        self._late.clear()
        self.version += 1

    def note(self, step: str, outcome: Outcome, *, keep: bool) -> None:
        """Count what did not go on from a step; keep late rows, and rejected ones if that is wanted."""
        late, rejected = outcome.frames.get(LATE), outcome.frames.get(REJECTED)
        self.counters.dropped += outcome.dropped
        if late is not None and len(late):
            self.late.append(late.assign(result=step))
            self._late.append(late.index.to_numpy())
        if rejected is not None and len(rejected):
            self.counters.rejected += len(rejected)
            if keep:
                self.rejected.append(rejected.assign(step=step))

    def mark(self, now: int, watermark: int) -> None:
        """Note that a batch has gone through."""
        if self._late:  # a row that several results have missed is one
            self.counters.late += len(np.unique(np.concatenate(self._late)))
            self._late.clear()
        if watermark != NO_WATERMARK:
            self.watermarks.append((now, watermark))
        totals = tuple(record.total for record in self.records().values())
        self.marks.append(Mark(now, watermark, copy(self.counters), totals))
        if len(self.marks) > MOST_MARKS:  # of the older half every second goes
            half = len(self.marks) // 2
            self.marks = self.marks[:half:2] + self.marks[half:]
        if self._keep_for is not None:
            self._forget_before(now - self._keep_for)
        self.version += 1

    def _forget_before(self, moment: int) -> None:
        """Forget what came out before a moment; the last mark before it stays, to tell what that was."""
        gone = max(0, bisect_right(self.marks, moment, key=lambda mark: mark.moment) - 1)
        if gone:
            del self.marks[:gone]
            for record, total in zip(self.results.values(), self.marks[0].totals, strict=False):
                record.forget(total)

    def at(self, moment: int) -> Mark | None:
        """Give the last mark at or before a moment; None before the first."""
        after = bisect_right(self.marks, moment, key=lambda mark: mark.moment)
        return self.marks[after - 1] if after else None
