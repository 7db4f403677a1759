"""Where in event time rows are put together: tumbling, sliding, session and other windows.

All windows are half-open, ``[start, end)``, aligned to 1970-01-01 UTC plus an offset; sessions start with
their first row and end a gap after their last.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass

from workbench.errors import DescriptionError
from workbench.time import SECOND, Duration, duration, signed_duration, spell


@dataclass(frozen=True, init=False, repr=False)
class Sliding:
    """Windows of one size that start every `slide`; a row belongs to every window that covers it.

    Known as sliding in Beam, Flink's DataStream and Spark, ``HOP`` in Flink SQL. With a slide longer than the
    size there are gaps between the windows; a row in a gap is rejected, with that reason.

    Parameters
    ----------
    size : duration
        Length of a window, more than zero.
    slide : duration
        From one window's start to the next, more than zero.
    offset : duration, optional
        Windows start at 1970-01-01 UTC plus the offset plus a multiple of the slide; may be negative.

    Attributes
    ----------
    size, slide, offset : int
        The same in nanoseconds, the offset brought into ``[0, slide)``.

    Examples
    --------
    >>> Sliding("5min", "1min")
    Sliding('5min', '1min')
    """

    size: int
    slide: int
    offset: int

    def __init__(self, size: Duration, slide: Duration, *, offset: Duration = 0) -> None:
        length = duration(size, what="size of a window", positive=True)
        every = duration(slide, what="slide of a window", positive=True)
        object.__setattr__(self, "size", length)
        object.__setattr__(self, "slide", every)
        object.__setattr__(self, "offset", signed_duration(offset) % every)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of which its bounds are sums, in nanoseconds."""
        return self.size, self.slide, self.offset

    def __repr__(self) -> str:
        return f"Sliding({spell(self.size)!r}, {spell(self.slide)!r}{_offset(self.offset)})"


class Tumbling(Sliding):
    """Windows of one size, each starting where the one before ends; a row belongs to exactly one.

    Known as fixed in Beam, tumbling in Flink and Spark, and in some beginners' texts as staggered.

    Parameters
    ----------
    size : duration
        Length of a window, more than zero.
    offset : duration, optional
        Windows start at 1970-01-01 UTC plus the offset plus a multiple of the size; may be negative.

    Examples
    --------
    >>> Tumbling("1min", offset="15s")
    Tumbling('1min', offset='15s')
    """

    def __init__(self, size: Duration, *, offset: Duration = 0) -> None:
        super().__init__(size, size, offset=offset)

    def __repr__(self) -> str:
        return f"Tumbling({spell(self.size)!r}{_offset(self.offset)})"


@dataclass(frozen=True, init=False, repr=False)
class Session:
    """Windows of activity: rows of a key follow each other with no pause longer than the gap.

    A session ends a gap after its last row, so its interval is ``[first row, last row + gap)``.

    Parameters
    ----------
    gap : duration
        The longest pause within a session, more than zero.
    merge_touching : bool
        Whether rows exactly one gap apart share a session: True as in Flink and Spark, False as in Beam.
    max_size : duration, optional
        A session that has become that long takes no further row or session; it may be longer by what it took
        last. Each row is taken on its arrival: it and the sessions of its key are merged from the earliest
        start on. So with disorder the sessions depend on the order of arrival, and may overlap; a batch costs
        a round for each row of a key whose session is that long.

    Examples
    --------
    >>> Session("30min")
    Session('30min')
    >>> Session("30min", max_size="4h")
    Session('30min', max_size='4h')
    """

    gap: int
    merge_touching: bool
    max_size: int | None

    def __init__(
        self, gap: Duration, *, merge_touching: bool = True, max_size: Duration | None = None
    ) -> None:
        longest = None if max_size is None else duration(max_size, what="maximum size of a session")
        object.__setattr__(self, "gap", duration(gap, what="gap of a session", positive=True))
        object.__setattr__(self, "merge_touching", merge_touching)
        object.__setattr__(self, "max_size", longest)
        if longest is not None and longest < self.gap:
            raise DescriptionError(
                f"a session of at most {max_size!r} cannot have a gap of {gap!r}",
                detail="one row alone makes a session as long as the gap",
                hint="choose a maximum size that is at least the gap",
            )

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of which its bounds are sums, in nanoseconds."""
        return (self.gap,)

    def __repr__(self) -> str:
        touching = "" if self.merge_touching else ", merge_touching=False"
        longest = "" if self.max_size is None else f", max_size={spell(self.max_size)!r}"
        return f"Session({spell(self.gap)!r}{touching}{longest})"


@dataclass(frozen=True, init=False, repr=False)
class Cumulating:
    """Windows that share a start and grow by a step up to a size, as the totals of a day so far.

    Known as ``CUMULATE`` in Flink SQL.

    Parameters
    ----------
    size : duration
        Length of the longest window, a multiple of the step.
    step : duration
        By how much one window is longer than the one before, more than zero.
    offset : duration, optional
        Windows start at 1970-01-01 UTC plus the offset plus a multiple of the size; may be negative.

    Examples
    --------
    >>> Cumulating("1D", "1h")
    Cumulating('1D', '1h')
    """

    size: int
    step: int
    offset: int

    def __init__(self, size: Duration, step: Duration, *, offset: Duration = 0) -> None:
        length = duration(size, what="size of a window", positive=True)
        by = duration(step, what="step of a window", positive=True)
        if length % by:
            raise DescriptionError(
                f"a size of {spell(length)} is no multiple of a step of {spell(by)}",
                detail="the last step would reach beyond the window",
            )
        object.__setattr__(self, "size", length)
        object.__setattr__(self, "step", by)
        object.__setattr__(self, "offset", signed_duration(offset) % length)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of which its bounds are sums, in nanoseconds."""
        return self.size, self.step, self.offset

    def __repr__(self) -> str:
        return f"Cumulating({spell(self.size)!r}, {spell(self.step)!r}{_offset(self.offset)})"


_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, init=False, repr=False)
class Calendar:
    """Days, weeks, months, quarters or years by the clocks of a time zone.

    A day may have 23, 24 or 25 hours there; a window starts at its first midnight, or where that is skipped,
    at the first moment after.

    Parameters
    ----------
    unit : str
        ``day``, ``week``, ``month``, ``quarter`` or ``year``.
    count : int
        How many units a window has, counted from 1970-01-01 there, and months from January 1970.
    tz : str or zoneinfo.ZoneInfo
        The time zone, as in ``"Europe/Paris"``.
    week_start : str
        The day that a week starts with.

    Attributes
    ----------
    months, days : int
        How many months or days a window has; one of them is 0.
    first_day : int
        The first day of some window, as days since 1970-01-01.

    Examples
    --------
    >>> Calendar("week", tz="Europe/Paris"), Calendar("quarter")
    (Calendar('week', tz='Europe/Paris'), Calendar('quarter'))
    """

    unit: str
    count: int
    tz: str
    week_start: str

    def __init__(
        self,
        unit: str,
        count: int = 1,
        *,
        tz: str | zoneinfo.ZoneInfo = "UTC",
        week_start: str = "monday",
    ) -> None:
        if unit not in ("day", "week", *_MONTHS):
            raise DescriptionError(
                f"no such unit of a calendar: {unit!r}", hint=f"one of day, week, {', '.join(_MONTHS)}"
            )
        if not isinstance(count, int) or count < 1:
            raise DescriptionError(f"a window needs at least one {unit}, but has {count!r}")
        if week_start not in _WEEKDAYS:
            raise DescriptionError(f"no such weekday: {week_start!r}", hint=f"one of {', '.join(_WEEKDAYS)}")
        zone = tz.key if isinstance(tz, zoneinfo.ZoneInfo) else tz
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, TypeError, AttributeError):
            raise DescriptionError(
                f"no such time zone: {tz!r}", hint="as in 'Europe/Paris' or 'UTC'"
            ) from None
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "tz", zone)
        object.__setattr__(self, "week_start", week_start)

    @property
    def months(self) -> int:
        """How many months a window has; 0 if it is counted in days."""
        return _MONTHS.get(self.unit, 0) * self.count

    @property
    def days(self) -> int:
        """How many days a window has; 0 if it is counted in months."""
        return {"day": 1, "week": 7}.get(self.unit, 0) * self.count

    @property
    def first_day(self) -> int:
        """The first day of some window: 1970-01-01, a Thursday, or the start of its week."""
        return _WEEKDAYS.index(self.week_start) - 3 if self.unit == "week" else 0

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of which its bounds are sums, in nanoseconds: offsets of zones are of whole seconds."""
        return (SECOND,)

    def __repr__(self) -> str:
        count = f", {self.count}" if self.count > 1 else ""
        zone = f", tz={self.tz!r}" if self.tz != "UTC" else ""
        start = f", week_start={self.week_start!r}" if self.week_start != "monday" else ""
        return f"Calendar({self.unit!r}{count}{zone}{start})"


@dataclass(frozen=True)
class Global:
    """One window of all time; it fires when a bounded stream ends, and its bounds are null.

    Examples
    --------
    >>> Global()
    Global()
    """

    @property
    def lengths(self) -> tuple[int, ...]:
        """None: its bounds are null."""
        return ()


@dataclass(frozen=True, init=False, repr=False)
class Count:
    """Windows of so many rows of a key, in the order in which they arrived; event time does not matter.

    ``window_start`` and ``window_end`` are the least and the greatest event time of the rows. A window fires
    when it is full; when a bounded stream ends, so do those that are not.

    Parameters
    ----------
    size : int
        How many rows a window has, at least 1.
    slide : int, optional
        From one window's first row to the next one's, at least 1; without it windows do not overlap. Rows in
        a gap between windows are rejected, with that reason.

    Examples
    --------
    >>> Count(100), Count(100, 10)
    (Count(100), Count(100, 10))
    """

    size: int
    slide: int

    def __init__(self, size: int, slide: int | None = None) -> None:
        for what, value in (("size", size), ("slide", size if slide is None else slide)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise DescriptionError(
                    f"the {what} of a count window is at least one row, but is {value!r}",
                    hint="wb.Count(100)",
                )
            object.__setattr__(self, what, value)

    @property
    def lengths(self) -> tuple[int, ...]:
        """None: its bounds are times of rows."""
        return ()

    def __repr__(self) -> str:
        return f"Count({self.size})" if self.size == self.slide else f"Count({self.size}, {self.slide})"


Aligned = Sliding | Cumulating | Calendar | Global
"""Windows at fixed places in event time, the same for every key; a `Tumbling` is a `Sliding`."""

Window = Aligned | Session | Count
"""Any window."""


def as_window(value: Window | Duration) -> Window:
    """Take a window, or a duration for a tumbling one.

    Examples
    --------
    >>> as_window("1min")
    Tumbling('1min')
    """
    if isinstance(value, Window):
        return value
    if isinstance(value, type):
        raise DescriptionError(
            f"a window was expected, but got the class {value.__name__}",
            hint=f"make one of it, as in wb.{value.__name__}({'' if value is Global else '...'})",
        )
    return Tumbling(value)


def _offset(offset: int) -> str:
    return f", offset={spell(offset)!r}" if offset else ""
