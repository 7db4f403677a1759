"""Which windows cover a moment, by their definitions, one moment at a time, without the engine."""

from __future__ import annotations

import pandas as pd

from workbench.model.windows import Aligned, Calendar, Cumulating, Global
from workbench.time import END_OF_TIME, NO_WATERMARK


def windows_of(window: Aligned, moment: int) -> list[tuple[int, int]]:
    """List the windows ``[start, end)`` that cover a moment, by start, then end; none if between windows.

    Examples
    --------
    >>> from workbench.model.windows import Sliding
    >>> windows_of(Sliding(4e-9, 2e-9), 5)
    [(2, 6), (4, 8)]
    """
    if isinstance(window, Global):
        return [(NO_WATERMARK, END_OF_TIME)]
    if isinstance(window, Calendar):
        return [_calendar_window(window, moment)]
    if isinstance(window, Cumulating):
        start = (moment - window.offset) // window.size * window.size + window.offset
        ends = range(start + window.step, start + window.size + 1, window.step)
        return [(start, end) for end in ends if moment < end]
    start = (moment - window.offset) // window.slide * window.slide + window.offset
    found = []
    while start + window.size > moment:
        found.append((start, start + window.size))
        start -= window.slide
    return found[::-1]


def _calendar_window(window: Calendar, moment: int) -> tuple[int, int]:
    """Find the period of a calendar that a moment is in: walk from midnight to midnight there."""
    day = pd.Timestamp(moment, unit="ns", tz="UTC").tz_convert(window.tz).tz_localize(None).normalize()
    while not _begins(window, day):
        day -= pd.Timedelta(days=1)
    after = day + pd.Timedelta(days=1)
    while not _begins(window, after):
        after += pd.Timedelta(days=1)
    return _first_moment(day, window.tz), _first_moment(after, window.tz)


def _begins(window: Calendar, day: pd.Timestamp) -> bool:
    """Say whether a window starts with a day."""
    if window.unit == "day":
        return bool((day - pd.Timestamp("1970-01-01")).days % window.count == 0)
    if window.unit == "week":
        first = pd.Timestamp("1970-01-01")
        while first.day_name().lower() != window.week_start:
            first -= pd.Timedelta(days=1)
        return bool((day - first).days % (7 * window.count) == 0)
    months = (day.year - 1970) * 12 + day.month - 1
    return bool(
        day.day == 1 and months % ({"month": 1, "quarter": 3, "year": 12}[window.unit] * window.count) == 0
    )


def _first_moment(day: pd.Timestamp, zone: str) -> int:
    """Give the first moment of a day in a time zone, as UTC nanoseconds."""
    there = day.tz_localize(zone, ambiguous=True, nonexistent="NaT")
    if there is pd.NaT:  # clocks never show it: look when they show more
        there = (day - pd.Timedelta(hours=40)).tz_localize("UTC")
        while there.tz_convert(zone).tz_localize(None) < day:
            there += pd.Timedelta(minutes=15)
    return int(there.as_unit("ns").value)
