"""The oracle of watermarks: the slow, readable twin of the door and of the union, one row at a time.

Every claim is kept, and every rule is written as its definition has it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from workbench.model.watermarks import BoundedOutOfOrderness, Watermark
from workbench.time import NO_WATERMARK


class WatermarkOracle:
    """The watermark of one source.

    Parameters
    ----------
    policy : Watermark
        What moves it.

    Examples
    --------
    >>> oracle = WatermarkOracle(BoundedOutOfOrderness(0, by="k"))
    >>> [oracle.take(moment, arrival=0, partition=k) for moment, k in [(10, "a"), (7, "b"), (9, "a")]][1:]
    [10, 10]
    """

    def __init__(self, policy: Watermark) -> None:
        self.policy = policy
        self.watermark = self.now = NO_WATERMARK
        self.claims: dict[Hashable, list[tuple[int, int]]] = {}  # by partition: what, and when
        self.heard: dict[Hashable, int] = {}

    def take(
        self, time: int | None, *, arrival: int, partition: Hashable = None, mark: int | None = None
    ) -> int | None:
        """Take a row: give the watermark that it meets, None if it is rejected."""
        ahead = self.policy.max_ahead
        if time is None:
            return None
        if ahead is not None and any(each > arrival + ahead for each in (time, mark) if each is not None):
            return None
        met = self.wait(arrival)
        claim = time - self.policy.bound if isinstance(self.policy, BoundedOutOfOrderness) else mark
        self.heard[partition] = self.now
        claims = self.claims.setdefault(partition, [])
        if claim is not None:
            claims.append((claim, self.now))
        self.wait(arrival)
        return met

    def wait(self, now: int) -> int:
        """Let processing time pass up to a moment; give the watermark."""
        self.now = max(self.now, now)
        every = {partition: self._own(partition) for partition in self.claims}
        awake = [own for partition, own in every.items() if not self.is_idle(partition)]
        least = min(awake) if awake else max(every.values(), default=NO_WATERMARK)
        self.watermark = max(self.watermark, least)
        return self.watermark

    def is_idle(self, partition: Hashable) -> bool:
        """Say whether a partition does not hold the watermark back."""
        idle = self.policy.idle
        return idle is not None and self.now - self.heard[partition] >= idle

    def _own(self, partition: Hashable) -> int:
        """Give the greatest claim of a partition, each moved on by the time that has passed since."""
        clock = self.policy.advance_with_clock
        claims = self.claims[partition]
        return max((claim + clock * (self.now - when) for claim, when in claims), default=NO_WATERMARK)


class UnionOracle:
    """The watermark of several streams in one, each with a policy of its own.

    Parameters
    ----------
    policies : sequence of Watermark
        Those of the streams.
    idle : sequence of int or None
        Nanoseconds of processing time after which each is idle.
    """

    def __init__(self, policies: Sequence[Watermark], idle: Sequence[int | None]) -> None:
        self.streams = [WatermarkOracle(policy) for policy in policies]
        self.idle = idle
        self.watermark = self.now = NO_WATERMARK
        self.begin: int | None = None
        self.heard: dict[int, int] = {}
        self.known: dict[int, int] = {}

    def take(self, side: int, time: int | None, *, arrival: int) -> int:
        """Take a row of a stream: give the watermark of all that it meets."""
        self.now = max(self.now, arrival)
        self.begin = self.now if self.begin is None else self.begin
        met = self._settle()
        self.streams[side].take(time, arrival=arrival)
        self.heard[side] = self.known[side] = self.now
        self._settle()
        return met

    def wait(self, side: int, now: int) -> int:
        """Hear that a stream has had no more rows up to a moment; give the watermark of all."""
        self.now = max(self.now, now)
        self.known[side] = self.now
        self.begin = self.now if self.begin is None else self.begin
        return self._settle()

    def _settle(self) -> int:
        every = [stream.watermark for stream in self.streams]
        awake = [own for side, own in enumerate(every) if not self._is_idle(side)]
        self.watermark = max(self.watermark, min(awake) if awake else max(every))
        return self.watermark

    def _is_idle(self, side: int) -> bool:
        idle, begin = self.idle[side], self.begin or 0
        silence = self.known.get(side, begin) - self.heard.get(side, begin)
        return idle is not None and silence >= idle
