"""The arithmetic of slices: which slice a moment is in, which windows cover a slice, and back.

Starts and ends of windows cut event time into slices, numbered in order; every window is a run of whole
slices, and every slice is covered by a run of windows. A bound beyond the years of nanoseconds is the
beginning or the end of time, as those of the global window are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.model.windows import Aligned, Calendar, Cumulating, Global, Sliding
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND, Nanos

Ints = npt.NDArray[np.int64]


class Shape(Protocol):
    """Windows and slices by number."""

    @property
    def gaps(self) -> bool:
        """Whether there are moments in no window."""
        ...

    def slice_of(self, times: Nanos) -> Ints:
        """Give the number of the slice that each moment is in."""
        ...

    def windows_of(self, slices: Ints) -> tuple[Ints, Ints]:
        """Give the first and the last window that cover each slice; first > last where none does."""
        ...

    def slices_of(self, windows: Ints) -> tuple[Ints, Ints]:
        """Give the first and the last slice of each window."""
        ...

    def start(self, windows: Ints) -> Nanos:
        """Give the start of each window, inclusive."""
        ...

    def end(self, windows: Ints) -> Nanos:
        """Give the end of each window, exclusive."""
        ...


@dataclass(frozen=True, slots=True)
class SlidingShape:
    """Windows of one size that start every slide: one or two slices a slide."""

    size: int
    slide: int
    offset: int

    @property
    def whole(self) -> int:
        """How many whole slides a window covers."""
        return self.size // self.slide

    @property
    def rest(self) -> int:
        """What a window covers beyond that, in nanoseconds; if any, each slide has two slices."""
        return self.size % self.slide

    @property
    def gaps(self) -> bool:
        """Whether there are moments in no window."""
        return self.size < self.slide

    def slice_of(self, times: Nanos) -> Ints:
        """Give the number of the slice that each moment is in."""
        since = times - self.offset if self.offset else times
        if not self.rest:
            slices: Ints = since // self.slide
            return slices
        period, within = np.divmod(since, self.slide)
        return 2 * period + (within >= self.rest)

    def windows_of(self, slices: Ints) -> tuple[Ints, Ints]:
        """Give the first and the last window that cover each slice; first > last in a gap."""
        if not self.rest:
            return slices - self.whole + 1, slices
        period, second = np.divmod(slices, 2)
        return period - self.whole + second, np.where((second == 1) & (self.whole == 0), period - 1, period)

    def slices_of(self, windows: Ints) -> tuple[Ints, Ints]:
        """Give the first and the last slice of each window."""
        if not self.rest:
            return windows, windows + self.whole - 1
        return 2 * windows, 2 * (windows + self.whole)

    def start(self, windows: Ints) -> Nanos:
        """Give the start of each window, inclusive."""
        return _moments(windows, self.slide, self.offset)

    def end(self, windows: Ints) -> Nanos:
        """Give the end of each window, exclusive."""
        return _moments(windows, self.slide, self.offset + self.size)


@dataclass(frozen=True, slots=True)
class CumulatingShape:
    """Windows that share a start and grow by a step up to a size: a slice a step.

    Window and slice number ``cycle * steps + step``; a window covers the slices of its cycle up to its own.
    """

    steps: int
    step: int
    offset: int
    gaps = False

    def slice_of(self, times: Nanos) -> Ints:
        """Give the number of the slice that each moment is in."""
        slices: Ints = (times - self.offset) // self.step
        return slices

    def windows_of(self, slices: Ints) -> tuple[Ints, Ints]:
        """Give the first and the last window that cover each slice."""
        return slices, slices // self.steps * self.steps + self.steps - 1

    def slices_of(self, windows: Ints) -> tuple[Ints, Ints]:
        """Give the first and the last slice of each window."""
        return windows // self.steps * self.steps, windows

    def start(self, windows: Ints) -> Nanos:
        """Give the start of each window, inclusive."""
        return _moments(windows // self.steps, self.steps * self.step, self.offset)

    def end(self, windows: Ints) -> Nanos:
        """Give the end of each window, exclusive."""
        return _moments(windows + 1, self.step, self.offset)


@dataclass(frozen=True, slots=True)
class GlobalShape:
    """One window of all time."""

    gaps = False

    def slice_of(self, times: Nanos) -> Ints:
        """Give 0 for every moment."""
        return np.zeros(len(times), dtype=np.int64)

    def windows_of(self, slices: Ints) -> tuple[Ints, Ints]:
        """Give the one window."""
        return slices, slices

    def slices_of(self, windows: Ints) -> tuple[Ints, Ints]:
        """Give the one slice."""
        return windows, windows

    def start(self, windows: Ints) -> Nanos:
        """Give the beginning of time."""
        return np.full(len(windows), NO_WATERMARK)

    def end(self, windows: Ints) -> Nanos:
        """Give the end of time."""
        return np.full(len(windows), END_OF_TIME)


def _moments(numbers: Ints, length: int, offset: int) -> Nanos:
    """Give multiples of a length plus an offset; beyond int64 is the beginning or the end of time."""
    first = max(-((offset - NO_WATERMARK) // length), NO_WATERMARK)
    last = min((END_OF_TIME - offset) // length, END_OF_TIME)
    if numbers.min(initial=0) >= first and numbers.max(initial=0) <= last:
        moments: Nanos = numbers * length + offset
        return moments
    inside = np.clip(numbers, first, last) * length + offset
    return np.where(numbers < first, NO_WATERMARK, np.where(numbers > last, END_OF_TIME, inside))


_YEARS = np.datetime64("1600-01-01"), np.datetime64("2300-01-01")
"""Days before and after all that nanoseconds can say."""
_EVENING = np.timedelta64(21, "h")
"""How far a day has gone when its clocks may be put back over midnight to, by three hours at most."""
_GAP = 40 * 3600
"""More than any zone is off, and the day that it may skip."""


@dataclass(frozen=True, slots=True)
class CalendarShape:
    """Days, weeks or months by the clocks of a time zone, whatever their length there."""

    window: Calendar
    gaps = False

    def slice_of(self, times: Nanos) -> Ints:
        """Give the number of the period that each moment is in."""
        utc = pd.DatetimeIndex((times // SECOND).view("datetime64[s]"), tz="UTC")
        wall = utc.tz_convert(self.window.tz).tz_localize(None).to_numpy()
        days = wall.astype("datetime64[D]")
        periods: Ints
        if self.window.months:
            periods = wall.astype("datetime64[M]").astype(np.int64) // self.window.months
        else:
            periods = (days.astype(np.int64) - self.window.first_day) // self.window.days
        # where clocks go back over midnight, they show once more the end of a day that is over
        evening = np.flatnonzero(wall - days >= _EVENING)
        periods[evening] += times[evening] >= self.start(periods[evening] + 1)
        return periods

    def windows_of(self, slices: Ints) -> tuple[Ints, Ints]:
        """Give the window that is the slice."""
        return slices, slices

    def slices_of(self, windows: Ints) -> tuple[Ints, Ints]:
        """Give the slice that is the window."""
        return windows, windows

    def start(self, windows: Ints) -> Nanos:
        """Give the start of each window: its first midnight, or the first moment after if that is skipped."""
        wall: Any
        if self.window.months:
            wall = (windows * self.window.months).astype("datetime64[M]").astype("datetime64[D]")
        else:
            wall = (windows * self.window.days + self.window.first_day).astype("datetime64[D]")
        midnight = pd.DatetimeIndex(np.clip(wall, *_YEARS).astype("datetime64[s]"))
        first = np.ones(len(windows), dtype=bool)  # of a midnight that comes twice
        there = midnight.tz_localize(self.window.tz, ambiguous=first, nonexistent="NaT").tz_convert("UTC")
        seconds, skipped = there.asi8, np.flatnonzero(there.isna())
        if len(skipped):
            seconds = seconds.copy()
            seconds[skipped] = _first_after(midnight[skipped].asi8, self.window.tz)
        return _moments(seconds, SECOND, 0)

    def end(self, windows: Ints) -> Nanos:
        """Give the end of each window: the start of the next."""
        return self.start(windows + 1)


def _first_after(wall: Ints, zone: str) -> Ints:
    """Give the first moments when clocks show a time or later, that they never show; all in seconds.

    Pandas' ``shift_forward`` is an hour or a day off where a whole day is skipped, as in Samoa in 2011.
    """
    low, high = wall - _GAP, wall + _GAP  # clocks show less, and as much
    while (high - low).max() > 1:
        middle = (low + high) // 2
        shown = pd.DatetimeIndex(middle.view("datetime64[s]"), tz="UTC").tz_convert(zone).tz_localize(None)
        reached = shown.asi8 >= wall
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def shape_of(window: Aligned) -> Shape:
    """Give the arithmetic of a window.

    Examples
    --------
    >>> from workbench.time import SECOND
    >>> shape = shape_of(Cumulating("30s", "10s"))
    >>> first, last = shape.windows_of(shape.slice_of(np.array([15]) * SECOND))
    >>> (shape.end(np.arange(first[0], last[0] + 1)) // SECOND).tolist()
    [20, 30]
    """
    match window:
        case Sliding():
            return SlidingShape(window.size, window.slide, window.offset)
        case Cumulating():
            return CumulatingShape(window.size // window.step, window.step, window.offset)
        case Calendar():
            return CalendarShape(window)
        case Global():
            return GlobalShape()
