"""The rows of a batch as the engine sees them, and what windows make of them: placed, or about to be told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.operands import Operand
from workbench.engine.partials import Partials, Plan
from workbench.engine.shapes import shape_of
from workbench.model.windows import Aligned
from workbench.time import NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a batch as the engine sees them: arrays of equal length, in arrival order."""

    plan: Plan
    operands: dict[str, Operand]
    times: Nanos
    met: Nanos
    arrivals: Ints
    keys: Ints
    keys_known: int
    now: int = NO_WATERMARK
    """Processing time when the batch came; `NO_WATERMARK` where nobody knows it."""

    def nothing(self, count: int) -> Partials:
        """Give the partials of so many groups without rows."""
        none = self.keys[:0]
        return self.fold(none, none, count)

    def fold(self, chosen: Any, groups: Ints, count: int) -> Partials:
        """Fold the chosen rows (positions or a mask) into one partial per group."""
        some = self.only(chosen)
        columns = [
            part.fold(some.operands[column], some.times, some.arrivals, groups, count)
            for part, (_, column) in zip(self.plan.parts, self.plan.needs, strict=True)
        ]
        return Partials(self.plan.parts, columns)

    def only(self, chosen: Any) -> Rows:
        """Give the chosen rows (positions or a mask)."""
        operands = {
            name: Operand(operand.values[chosen], operand.valid[chosen], operand.dtype)
            for name, operand in self.operands.items()
        }
        each = (self.times[chosen], self.met[chosen], self.arrivals[chosen], self.keys[chosen])
        return Rows(self.plan, operands, *each, self.keys_known, self.now)


@dataclass(frozen=True, slots=True, eq=False)
class Firing:
    """Panes about to be told: arrays with one element a pane, ``[start, end)`` in nanoseconds."""

    starts: Nanos
    ends: Nanos
    keys: Ints
    partials: Partials
    timings: Ints
    """Positions in ``TIMINGS``."""
    revisions: Ints
    last: Mask | None = None
    """Whether each is the last of its window; None if none is."""
    retraction: bool | Mask = False
    """Whether these panes were told before, and hold no more."""

    def take(self, chosen: Any) -> Firing:
        """Give the chosen panes, by position."""
        return Firing(
            self.starts[chosen],
            self.ends[chosen],
            self.keys[chosen],
            self.partials.take(chosen),
            self.timings[chosen],
            self.revisions[chosen],
            None if self.last is None else self.last[chosen],
            self.retraction if isinstance(self.retraction, bool) else self.retraction[chosen],
        )

    @classmethod
    def of_all(cls, firings: list[Firing]) -> Firing:
        """Put several one behind the other; there is at least one."""
        if len(firings) == 1:
            return firings[0]
        counts = [len(each.keys) for each in firings]
        columns = ("starts", "ends", "keys", "timings", "revisions")
        told = {name: np.concatenate([getattr(each, name) for each in firings]) for name in columns}
        return cls(
            **told,
            partials=reduce(Partials.append, (each.partials for each in firings)),
            last=np.concatenate(
                [
                    np.zeros(n, bool) if f.last is None else f.last
                    for f, n in zip(firings, counts, strict=True)
                ]
            ),
            retraction=np.repeat([bool(each.retraction) for each in firings], counts),
        )


@dataclass(slots=True, eq=False)
class Placed:
    """What came of the rows of a batch."""

    late: Mask
    """Late for every window."""
    outside: Mask
    """In no window."""
    late_by: Nanos
    """For late rows: the watermark met, minus the end of the last window plus lateness."""
    dropped: int
    """Pairs of row and window that were late."""
    firings: list[Firing]
    done: Mask | None = None
    """Not late, but in no window whose trigger has not finished; None if there are none."""


def assign(window: Aligned, times: Nanos) -> tuple[Ints, Nanos, Nanos]:
    """Give every pair of row and window.

    Parameters
    ----------
    window : Tumbling, Sliding, Cumulating, Calendar or Global
        The windows.
    times : int64 array
        Event times in nanoseconds.

    Returns
    -------
    rows, starts, ends : int64 arrays of equal length
        Position of the row, and the window ``[start, end)``; by row, then by start.

    Examples
    --------
    >>> from workbench.model.windows import Sliding
    >>> [array.tolist() for array in assign(Sliding(10e-9, 5e-9), np.array([7]))]
    [[0, 0], [0, 5], [10, 15]]
    """
    shape = shape_of(window)
    first, last = shape.windows_of(shape.slice_of(times))
    rows, windows = spread(first, last)
    return rows, shape.start(windows), shape.end(windows)


def spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Write out the ranges from first to last, inclusive: position of the range, and number."""
    counts = np.maximum(last - first + 1, 0)
    owners = np.repeat(np.arange(len(first)), counts)
    numbers = (
        np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    )
    return owners, numbers


def group(places: Ints, keys: Ints, keys_known: int) -> tuple[Ints, Ints, Ints]:
    """Number the distinct pairs of place and key: number of each row's pair, and the pairs.

    Examples
    --------
    >>> [array.tolist() for array in group(np.array([7, 7, 9, 7]), np.array([1, 0, 1, 1]), 2)]
    [[0, 1, 2, 0], [7, 7, 9], [1, 0, 1]]
    """
    codes, distinct = pd.factorize(places)
    groups, pairs = pd.factorize(codes * keys_known + keys)
    at, keys = np.divmod(pairs, keys_known)
    return groups, distinct[at], keys
