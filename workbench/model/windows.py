"""Where in event time rows are put together: tumbling, sliding and session windows.

All windows are half-open, ``[start, end)``, aligned to 1970-01-01 UTC plus an offset; sessions start with
their first row and end a gap after their last.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import DescriptionError
from workbench.time import Duration, duration, signed_duration, spell


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
        every = duration(slide, what="slide of a window", positive=True)
        object.__setattr__(self, "size", duration(size, what="size of a window", positive=True))
        object.__setattr__(self, "slide", every)
        object.__setattr__(self, "offset", signed_duration(offset) % every)

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

    Examples
    --------
    >>> Session("30min")
    Session('30min')
    """

    gap: int
    merge_touching: bool

    def __init__(self, gap: Duration, *, merge_touching: bool = True) -> None:
        object.__setattr__(self, "gap", duration(gap, what="gap of a session", positive=True))
        object.__setattr__(self, "merge_touching", merge_touching)

    def __repr__(self) -> str:
        return f"Session({spell(self.gap)!r}{'' if self.merge_touching else ', merge_touching=False'})"


Window = Sliding | Session
"""Any window; a `Tumbling` is a `Sliding` whose slide is its size."""


def as_window(value: Window | Duration) -> Window:
    """Take a window, or a duration for a tumbling one.

    Examples
    --------
    >>> as_window("1min")
    Tumbling('1min')
    """
    if isinstance(value, Sliding | Session):
        return value
    if isinstance(value, type):
        raise DescriptionError(
            f"a window was expected, but got the class {value.__name__}",
            hint=f"give it a length, as in wb.{value.__name__}('1min')",
        )
    return Tumbling(value)


def _offset(offset: int) -> str:
    return f", offset={spell(offset)!r}" if offset else ""
