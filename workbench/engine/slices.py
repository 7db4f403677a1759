"""Aligned windows by slices: a row is aggregated once, however many windows overlap.

Windows start every `slide`; their starts and ends cut event time into slices, at most two a slide, and every
window is a run of whole slices. Rows are folded into (slice, key) cells; a window fires by merging its cells.
After Traub et al., "Scotty: General and Efficient Open-Source Window Aggregation for Stream Processing
Systems" (2021), section 4.

A row is a *straggler* when a window that covers it has closed already while another has not, or accepts late
rows. Such a row counts for some of its windows only, so stragglers are told to their windows one by one, and
only then folded into cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.partials import Partials, Plan
from workbench.engine.parts import Operand
from workbench.engine.ranges import shift
from workbench.engine.shapes import shape_of
from workbench.engine.state import Cells
from workbench.model.panes import EARLY, LATE, ON_TIME, TIMINGS
from workbench.model.windows import Aligned
from workbench.time import NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Told = tuple[Ints, Ints, Partials]
"""Windows, keys, and the partials of each pair."""


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
        columns = []
        times, arrivals = self.times[chosen], self.arrivals[chosen]
        operands = {
            name: Operand(operand.values[chosen], operand.valid[chosen], operand.dtype)
            for name, operand in self.operands.items()
        }
        for part, (_, column) in zip(self.plan.parts, self.plan.needs, strict=True):
            columns.append(part.fold(operands[column], times, arrivals, groups, count))
        return Partials(self.plan.parts, columns)


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
    retraction: bool = False
    """Whether these panes were told before, and hold no more."""


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
    """Number the distinct pairs of place and key: number of each row's pair, and the pairs."""
    codes, distinct = pd.factorize(places)
    groups, pairs = pd.factorize(codes * keys_known + keys)
    at, keys = np.divmod(pairs, keys_known)
    return groups, distinct[at], keys


class SlicedWindows:
    """State and firing of aligned windows: tumbling, sliding, cumulating, calendar and global.

    State is bounded by keys times the slices between the watermark minus lateness minus the window's size and
    the greatest event time.
    """

    def __init__(self, window: Aligned, lateness: int, plan: Plan) -> None:
        self.shape = shape_of(window)
        self.lateness = lateness
        self.watermark = NO_WATERMARK
        self.cells = Cells(plan.parts)
        self.told = Cells([], "panes")  # how many panes a window and key had; only while rows may come late

    def __len__(self) -> int:
        return len(self.cells) + len(self.told)

    def process(self, rows: Rows, watermark: int) -> Placed:
        """Take a batch, and the watermark after it; fire what is due."""
        slices = self.shape.slice_of(rows.times)
        first, last = self.shape.windows_of(slices)
        outside = first > last
        expiry = self._expiry(last)
        late = (expiry <= rows.met) & ~outside
        straggling = (self.shape.end(first) <= rows.met) & ~late & ~outside
        placed = Placed(late, outside, rows.met - expiry, int((last - first + 1)[late].sum()), [])
        self._fold(rows, slices, ~(late | outside | straggling))
        if straggling.any():
            self._fire_around(rows, np.flatnonzero(straggling), first, last, watermark, placed)
            self._fold(rows, slices, straggling)
        else:
            self._fire_due(watermark, rows.keys_known, placed)
        self.watermark = watermark
        self._expire()
        return placed

    def peek(self, keys_known: int) -> Firing | None:
        """Give what the open windows hold so far; nothing is fired."""
        windows = self._windows()
        windows = windows[self.shape.end(windows) > self.watermark]
        if not len(windows):
            return None
        windows, keys, partials = self._combine(windows, keys_known)
        first = np.zeros(len(keys), dtype=np.int64)
        return self._firing(windows, keys, partials, EARLY, first, self.watermark)

    def live_keys(self) -> Ints:
        """Give the codes of the keys that the state holds."""
        held = [cells.table["key"][cells.table.live()] for cells in (self.cells, self.told)]
        return np.unique(np.concatenate(held))

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        self.cells.renew_keys(code_of)
        self.told.renew_keys(code_of)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {
            "watermark": self.watermark,
            "cells": self.cells.snapshot(),
            "told": self.told.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark = snapshot["watermark"]
        self.cells.restore(snapshot["cells"])
        self.told.restore(snapshot["told"])

    def _fold(self, rows: Rows, slices: Ints, chosen: Mask) -> None:
        """Fold rows into the cells of their slices."""
        if not chosen.any():
            return
        groups, places, keys = group(slices[chosen], rows.keys[chosen], rows.keys_known)
        self.cells.merge(places, keys, rows.keys_known, rows.fold(chosen, groups, len(places)))

    def _fire_due(self, watermark: int, keys_known: int, placed: Placed, *told: Told) -> None:
        """Fire the windows that the watermark closes now."""
        windows = np.unique(np.concatenate([self._windows(), *(windows for windows, _, _ in told)]))
        ends = self.shape.end(windows)
        due = windows[(self.watermark < ends) & (ends <= watermark)]
        if len(due):
            placed.firings.append(self._fire(*self._combine(due, keys_known, *told), ON_TIME, watermark))

    def _fire_around(
        self, rows: Rows, stragglers: Ints, first: Ints, last: Ints, watermark: int, placed: Placed
    ) -> None:
        """Fire on-time panes with the pairs that came in time, then late ones with the others."""
        of, windows = spread(first[stragglers], last[stragglers])
        of = stragglers[of]
        met, ends = rows.met[of], self.shape.end(windows)
        in_time, accepted = met < ends, met < self._expiry(windows)
        placed.dropped += int((~accepted).sum())
        on_time = self._tell(rows, of[in_time], windows[in_time])
        self._fire_due(watermark, rows.keys_known, placed, on_time)
        behind = accepted & ~in_time
        if behind.any():
            changed = self._tell(rows, of[behind], windows[behind])
            told = self._combine(np.unique(changed[0]), rows.keys_known, on_time, changed)
            changed = self._only(told, changed, rows.keys_known)
            placed.firings.append(self._fire(*changed, LATE, watermark))

    def _tell(self, rows: Rows, of: Ints, windows: Ints) -> Told:
        """Fold pairs of row and window into a partial per window and key."""
        groups, places, keys = group(windows, rows.keys[of], rows.keys_known)
        return places, keys, rows.fold(of, groups, len(places))

    def _windows(self) -> Ints:
        """Give the windows that cover a slice which holds something, ascending."""
        return np.unique(spread(*self.shape.windows_of(self.cells.places()))[1])

    def _combine(self, windows: Ints, keys_known: int, *told: Told) -> Told:
        """Merge the cells of windows (ascending), and what their stragglers told, per window and key."""
        places = self.cells.places()
        low, high = self.shape.slices_of(windows)
        first, beyond = np.searchsorted(places, low), np.searchsorted(places, high, side="right")
        position, rows = self.cells.of(places)
        order = np.argsort(position, kind="stable")
        bounds = np.searchsorted(position[order], np.arange(len(places) + 1))
        of, at = spread(bounds[first], bounds[beyond] - 1)
        rows = rows[order[at]]
        pieces = (
            [(windows[of], self.cells.table["key"][rows], self.cells.table.take(rows))] if len(rows) else []
        )
        for more_windows, keys, partials in told:
            chosen = np.isin(more_windows, windows)
            pieces.append((more_windows[chosen], keys[chosen], partials.take(chosen)))
        merged = reduce(Partials.append, (partials for _, _, partials in pieces))
        groups, at_windows, at_keys = group(
            np.concatenate([piece[0] for piece in pieces]),
            np.concatenate([piece[1] for piece in pieces]),
            keys_known,
        )
        return at_windows, at_keys, merged.reduce(groups, len(at_keys))

    def _only(self, told: Told, changed: Told, keys_known: int) -> Told:
        """Keep the windows and keys that have changed."""
        windows, keys, partials = told
        codes, distinct = pd.factorize(windows)
        wanted = pd.Index(distinct).get_indexer(changed[0]) * keys_known + changed[1]
        chosen = np.isin(codes * keys_known + keys, wanted)
        return windows[chosen], keys[chosen], partials.take(chosen)

    def _fire(self, windows: Ints, keys: Ints, partials: Partials, timing: str, watermark: int) -> Firing:
        """Stamp panes with their revision."""
        revisions = np.zeros(len(keys), dtype=np.int64)
        if self.lateness:
            rows, _ = self.told.merge(windows, keys, int(keys.max(initial=0)) + 1, None)
            revisions = self.told.table["panes"][rows]
            self.told.table["panes"][rows] = revisions + 1
        return self._firing(windows, keys, partials, timing, revisions, watermark)

    def _firing(
        self, windows: Ints, keys: Ints, partials: Partials, timing: str, revisions: Ints, watermark: int
    ) -> Firing:
        timings = np.full(len(keys), TIMINGS.index(timing))
        ends, last = self.shape.end(windows), self._expiry(windows) <= watermark
        return Firing(self.shape.start(windows), ends, keys, partials, timings, revisions, last)

    def _expiry(self, windows: Ints) -> Nanos:
        """Give the watermark from which no row is accepted any more; at most the end of time."""
        return shift(self.shape.end(windows), self.lateness)

    def _expire(self) -> None:
        """Drop slices and windows that no row can reach any more."""
        places = self.cells.places()
        _, last = self.shape.windows_of(places)
        self.cells.drop(places[self._expiry(last) <= self.watermark])
        windows = self.told.places()
        self.told.drop(windows[self._expiry(windows) <= self.watermark])
