"""Pace: processing time as a run sees it, at a speed, with pauses; and when its turns are due."""

from __future__ import annotations

from typing import Literal

from workbench.errors import DescriptionError
from workbench.time import Clock

Speed = float | Literal["max"]
"""Seconds of processing time per second of the clock; ``"max"`` reads without waiting."""


class Pace:
    """Processing time: the clock's, from a beginning, at a speed, with pauses."""

    def __init__(self, clock: Clock, begin: int, speed: Speed) -> None:
        self._clock = clock
        self._begin = begin
        self._since: int | None = None
        self._speed: Speed = speed

    @property
    def speed(self) -> Speed:
        """Seconds of processing time per second, or ``"max"``."""
        return self._speed

    @speed.setter
    def speed(self, speed: Speed) -> None:
        self.set(self.now())
        self._speed = speed

    def now(self) -> int:
        """Give the processing time, in nanoseconds."""
        if self._since is None or self._speed == "max":
            return self._begin
        return self._begin + int((self._clock.now() - self._since) * self._speed)

    def set(self, moment: int) -> None:
        """Put processing time to a moment, and go on from there."""
        self._begin = moment
        if self._since is not None:
            self._since = self._clock.now()

    def go(self) -> None:
        """Let time pass."""
        self._since = self._clock.now()

    def halt(self) -> None:
        """Let time stand still."""
        self._begin, self._since = self.now(), None


class Beat:
    """When turns are due: one a tick from when the last was due, not from when it came.

    So whoever is late at times, as on a busy event loop, keeps its pace; what has been missed altogether is
    not made up for.

    Examples
    --------
    >>> beat = Beat(0)
    >>> beat.rest(begun=100, ended=103, tick=100), beat.rest(begun=250, ended=253, tick=100)
    (97, 47)
    """

    def __init__(self, now: int) -> None:
        self._due = now

    def rest(self, begun: int, ended: int, tick: int) -> int:
        """Give how long to rest after a turn, in nanoseconds: at least as long as it took, up to a tick."""
        took = ended - begun
        self._due = min(self._due, begun) + tick  # one that catches up takes turns before they are due
        if self._due <= ended:
            self._due = begun + tick
        return max(self._due - ended, min(took, tick))


def as_speed(speed: Speed) -> Speed:
    """Check a speed.

    Raises
    ------
    DescriptionError
        If it is neither a number above zero nor ``"max"``.
    """
    if speed != "max" and not (isinstance(speed, int | float) and speed > 0):
        raise DescriptionError(
            f"not a speed: {speed!r}",
            hint="a number such as 1 or 10 (seconds per second), or 'max'",
        )
    return speed
