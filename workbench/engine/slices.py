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

from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.expiry import Expiry
from workbench.engine.merging import TwoStacks, appended, united
from workbench.engine.partials import Partials, Plan
from workbench.engine.placing import Firing, Ints, Mask, Placed, Rows, group, spread
from workbench.engine.shapes import shape_of
from workbench.engine.state import Cells
from workbench.model.panes import EARLY, LATE, ON_TIME, TIMINGS
from workbench.model.windows import Aligned
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Told = tuple[Ints, Ints, Partials]
"""Windows, keys, and the partials of each pair."""

_MANY = 4_000
"""From how many cells a window on it pays to keep what it shares with the next."""


class SlicedWindows:
    """State and firing of aligned windows: tumbling, sliding, cumulating, calendar and global.

    State is bounded by keys times the slices between the watermark minus lateness minus the window's size and
    the greatest event time.
    """

    def __init__(self, window: Aligned, expiry: Expiry, plan: Plan) -> None:
        self.shape, self.expiry = shape_of(window), expiry
        self.watermark = NO_WATERMARK
        self.cells = Cells(plan.parts)
        self.told = Cells([], "panes")  # how many panes a window and key had; only while rows may come late
        self._stacks = TwoStacks(self.cells)
        self._known: tuple[Ints, int, int] | None = None
        self._known_with = expiry.lateness

    def __len__(self) -> int:
        return len(self.cells) + len(self.told)

    def process(self, rows: Rows, watermark: int) -> Placed:
        """Take a batch, and the watermark after it; fire what is due."""
        slices = self.shape.slice_of(rows.times)
        none = np.zeros(len(slices), dtype=bool)
        placed = Placed(none, none, slices, 0, [])
        behind = rows.times < rows.met  # all windows of other rows end after the watermark that they met
        if behind.any() or self.shape.gaps:
            self._sort_out(rows, slices, behind | self.shape.gaps, watermark, placed)
        else:
            self._fold(rows, slices)
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
        # rows will still come to these, so what is merged of them is not kept
        windows, keys, partials = self._combine(windows, keys_known, stacks=TwoStacks(self.cells))
        first = np.zeros(len(keys), dtype=np.int64)
        return self._firing(windows, keys, partials, EARLY, first, self.watermark)

    def live_keys(self) -> Ints:
        """Give the codes of the keys that the state holds."""
        held = [cells.table["key"][cells.table.live()] for cells in (self.cells, self.told)]
        return np.unique(np.concatenate(held))

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        self.cells.renew_keys(code_of)
        self._stacks.clear()
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
        self._stacks.clear()
        self.told.restore(snapshot["told"])

    def _sort_out(self, rows: Rows, slices: Ints, doubtful: Mask, watermark: int, placed: Placed) -> None:
        """Find the rows that are late, in no window, or stragglers; fold the others, and fire what is due."""
        some = np.flatnonzero(doubtful)
        first, last = self.shape.windows_of(slices[some])
        expiry, met = self._expiry(last), rows.met[some]
        outside = first > last
        late = (expiry <= met) & ~outside
        straggling = (self.shape.end(first) <= met) & ~late & ~outside
        placed.late, placed.outside = np.zeros((2, len(slices)), dtype=bool)
        placed.late[some], placed.outside[some] = late, outside
        placed.late_by = np.zeros(len(slices), dtype=np.int64)
        placed.late_by[some] = met - expiry
        placed.dropped = int((last - first + 1)[late].sum())
        calm = np.ones(len(slices), dtype=bool)
        calm[some[late | outside | straggling]] = False
        self._fold(rows.only(calm), slices[calm])
        if not straggling.any():
            self._fire_due(watermark, rows.keys_known, placed)
            return
        behind = some[straggling]
        self._fire_around(rows, behind, first[straggling], last[straggling], watermark, placed)
        self._fold(rows.only(behind), slices[behind])
        self._stacks.clear()

    def _fold(self, rows: Rows, slices: Ints) -> None:
        """Fold rows into the cells of their slices."""
        if len(slices):
            self.cells.fold(slices, rows)

    def _fire_due(self, watermark: int, keys_known: int, placed: Placed, *told: Told) -> None:
        """Fire the windows that the watermark closes now."""
        if watermark < self._next()[0] and not told:
            return
        windows = np.unique(np.concatenate([self._windows(), *(windows for windows, _, _ in told)]))
        ends = self.shape.end(windows)
        due = windows[(self.watermark < ends) & (ends <= watermark)]
        if len(due):
            placed.firings.append(self._fire(*self._combine(due, keys_known, *told), ON_TIME, watermark))

    def _next(self) -> tuple[int, int]:
        """Give the least end of a window that has not fired, and the least watermark at which one expires."""
        places, changed = self.cells.places(), self._known_with != self.expiry.lateness
        if self._known is None or changed or self._known[0] is not places or self._known[1] <= self.watermark:
            self._known_with = self.expiry.lateness
            ends = self.shape.end(self._windows())
            due = ends[ends > self.watermark].min(initial=END_OF_TIME)
            expiry = self._expiry(self.shape.windows_of(places)[1]).min(initial=END_OF_TIME)
            self._known = places, int(due), int(expiry)
        return self._known[1:]

    def _fire_around(
        self, rows: Rows, stragglers: Ints, first: Ints, last: Ints, watermark: int, placed: Placed
    ) -> None:
        """Fire on-time panes with the pairs that came in time, then late ones with the others."""
        of, windows = spread(first, last)
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

    def _combine(self, windows: Ints, keys_known: int, *told: Told, stacks: TwoStacks | None = None) -> Told:
        """Merge the cells of windows (ascending), and what their stragglers told, per window and key."""
        places, table = self.cells.places(), self.cells.table
        low, high = self.shape.slices_of(windows)
        first, beyond = np.searchsorted(places, low), np.searchsorted(places, high, side="right")
        overlap = (beyond - first).max()
        if not told and overlap > 1 and len(self.cells) * overlap > _MANY * len(places):
            stacks = stacks or self._stacks
            each = [stacks.merged(places[i:j], keys_known) for i, j in zip(first, beyond, strict=True)]
            keys, partials = appended(each)
            return np.repeat(windows, [len(keys) for keys, _ in each]), keys, partials
        places, first, beyond = places[first[0] : beyond[-1]], first - first[0], beyond - first[0]
        position, rows = self.cells.of(places)
        bounds = np.searchsorted(position, np.arange(len(places) + 1))
        of, at = spread(bounds[first], bounds[beyond] - 1)
        rows = rows[at]
        if not told and overlap == 1:  # every cell is a pane
            return windows[of], table["key"][rows], table.take(rows)
        pieces = [(of * keys_known + table["key"][rows], table.take(rows))] if len(rows) else []
        for more, keys, partials in told:
            chosen = np.isin(more, windows)
            of = np.searchsorted(windows, more[chosen])
            pieces.append((of * keys_known + keys[chosen], partials.take(chosen)))
        pairs, partials = united(pieces, len(windows) * keys_known)
        of, keys = np.divmod(pairs, keys_known)
        return windows[of], keys, partials

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
        if self.expiry.lateness:
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
        return self.expiry(self.shape.end(windows))

    def _expire(self) -> None:
        """Drop slices and windows that no row can reach any more."""
        if self._next()[1] <= self.watermark:
            places = self.cells.places()
            _, last = self.shape.windows_of(places)
            self.cells.drop(places[self._expiry(last) <= self.watermark])
        if len(self.told):
            windows = self.told.places()
            self.told.drop(windows[self._expiry(windows) <= self.watermark])
