"""Rows by key and event time: moments and ranges of time, and who lies within them, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def shift(times: Nanos, by: int) -> Nanos:
    """Add a duration of either sign to moments, without leaving what int64 can say; the extremes are endless.

    Examples
    --------
    >>> shift(np.array([5, END_OF_TIME - 1]), 3).tolist() == [8, END_OF_TIME]
    True
    """
    if abs(by) >= END_OF_TIME:
        return np.full(len(times), END_OF_TIME if by > 0 else NO_WATERMARK)
    if by >= 0:
        return np.asarray(np.minimum(times, END_OF_TIME - by) + by)
    return np.asarray(np.maximum(times, NO_WATERMARK - by) + by)


def behind(watermark: int, lateness: int) -> int:
    """Give the moment before which rows are late: a lateness behind the watermark, if it is a moment.

    Examples
    --------
    >>> behind(100, 30), behind(END_OF_TIME, 30) == END_OF_TIME, behind(NO_WATERMARK, 30) == NO_WATERMARK
    (70, True, True)
    """
    if watermark == END_OF_TIME:
        return watermark
    return max(watermark, NO_WATERMARK + lateness) - lateness


def in_order(major: Ints, minor: Ints) -> Ints:
    """Give the positions of pairs in order; equal ones stay as they are.

    What `numpy.lexsort` gives, several times as fast, where pair and position fit into one integer.

    Examples
    --------
    >>> in_order(np.array([1, 0, 1, 1]), np.array([5, 9, 3, 5])).tolist()
    [1, 2, 0, 3]
    """
    count = len(major)
    if not count:
        return np.zeros(0, dtype=np.int64)
    least, smallest = int(major.min()), int(minor.min())
    width, bits = int(minor.max()) - smallest + 1, count.bit_length()
    if ((int(major.max()) - least + 1) * width) << bits > END_OF_TIME:
        return np.lexsort((minor, major))
    packed = ((major - least) * width + (minor - smallest)) << bits
    packed |= np.arange(count)
    packed.sort()
    return packed & ((1 << bits) - 1)


FEW = 100
"""Of so many rows held, one that is looked for or added is looked for by itself."""


class TimeIndex:
    """Slots of rows by key, then event time, then arrival; found by ranges of time, many at once.

    A search costs a few binary searches for each key and range. A few rows are added for little more than the
    copying of what is held; many, and dropping, cost a few array operations in the rows held.

    Examples
    --------
    >>> index = TimeIndex()
    >>> index.add(np.array([0, 0, 1]), np.array([10, 50, 20]), np.array([9, 7, 8]))
    array([0, 1, 2])
    >>> index.find(np.array([0, 1]), low=np.array([10, 21]), high=np.array([49, 99]))
    (array([0, 3]), array([1, 3]))
    """

    def __init__(self) -> None:
        self.keys, self.times, self.slots = np.zeros((3, 0), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.slots)

    def add(self, keys: Ints, times: Nanos, slots: Ints) -> Ints:
        """Add rows that arrived after all before; by key, time and arrival, as `in_order` gives them.

        Gives their positions.
        """
        _, beyond = self.find(keys, times, times)
        at = beyond + np.arange(len(slots))
        if len(slots):
            old, new = (self.keys, self.times, self.slots), (keys, times, slots)
            put_in = _spliced if len(slots) * FEW < len(self) else _scattered
            self.keys, self.times, self.slots = put_in(old, new, beyond)
        return at

    def find(self, keys: Ints, low: Nanos, high: Nanos) -> tuple[Ints, Ints]:
        """Give, for each key and closed range of time, the positions from the first row to beyond the last.

        An empty range gives first >= beyond. Ranges by key and time are found several times as fast.
        """
        if not len(self):
            nowhere = np.zeros(len(keys), dtype=np.int64)
            return nowhere, nowhere
        if len(keys) * FEW < len(self):
            begin, end = (np.searchsorted(self.keys, keys, side=side) for side in ("left", "right"))
            return _within(self.times, begin, end, low), _within(self.times, begin, end, high, after=True)
        held, lows, highs, width = self._ranked(low, high, int(keys.max(initial=0)))
        begin = keys * width
        held = self.keys * width + held
        return np.searchsorted(held, begin + lows), np.searchsorted(held, begin + highs, side="right")

    def drop(self, gone: Mask) -> Ints:
        """Drop rows by position; give their slots."""
        slots = self.slots[gone]
        if len(slots):
            kept = ~gone
            self.keys, self.times, self.slots = self.keys[kept], self.times[kept], self.slots[kept]
        return slots

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes, which must be in the order of the old ones."""
        self.keys = code_of[self.keys]

    def snapshot(self) -> dict[str, Any]:
        """Give the index as plain arrays."""
        return {"keys": self.keys.copy(), "times": self.times.copy(), "slots": self.slots.copy()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot."""
        self.keys, self.times, self.slots = (snapshot[name].copy() for name in ("keys", "times", "slots"))

    def _ranked(self, low: Nanos, high: Nanos, key: int) -> tuple[Ints, Ints, Ints, int]:
        """Bring moments into [0, width), so that key and moment fit into one integer; bounds too."""
        earliest = int(self.times.min())
        width = int(self.times.max()) - earliest + 3
        if (max(int(self.keys.max()), key) + 2) * width < END_OF_TIME:
            span = (earliest - 1, earliest + width - 2)
            lows, highs = (np.clip(bound, *span) - span[0] for bound in (low, high))
            return self.times - span[0], lows, highs, width
        distinct = np.unique(self.times)
        lows, highs = np.searchsorted(distinct, low), np.searchsorted(distinct, high, side="right")
        return np.searchsorted(distinct, self.times) + 1, lows + 1, highs, len(distinct) + 2


def _within(times: Nanos, first: Ints, beyond: Ints, moments: Nanos, *, after: bool = False) -> Ints:
    """Give where moments belong in ordered stretches ``[first, beyond)``: before what is equal, or after."""
    for _ in range(int((beyond - first).max(initial=0)).bit_length()):  # halves them all at once
        middle = (first + beyond) >> 1
        met = times.take(middle, mode="clip")
        below = (middle < beyond) & ((met <= moments) if after else (met < moments))
        first, beyond = np.where(below, middle + 1, first), np.where(below, beyond, middle)
    return first


def _spliced(old: Sequence[Ints], new: Sequence[Ints], before: Ints) -> list[Ints]:
    """Put new elements into arrays before positions, piece by piece: what is between is only copied."""
    ends = before.tolist()
    spliced = []
    for held, come in zip(old, new, strict=True):
        pieces: list[Ints] = []
        begin = 0
        for number, end in enumerate(ends):
            pieces += (held[begin:end], come[number : number + 1])
            begin = end
        spliced.append(np.concatenate([*pieces, held[begin:]]))
    return spliced


def _scattered(old: Sequence[Ints], new: Sequence[Ints], before: Ints) -> list[Ints]:
    """Put new elements into arrays before positions, all at once."""
    at = before + np.arange(len(before))
    kept = np.ones(len(old[0]) + len(at), dtype=bool)
    kept[at] = False
    places = np.flatnonzero(kept)
    scattered = []
    for held, come in zip(old, new, strict=True):
        merged = np.empty(len(kept), dtype=np.int64)
        merged[places], merged[at] = held, come
        scattered.append(merged)
    return scattered
