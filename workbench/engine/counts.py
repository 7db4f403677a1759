"""Count windows: every so many rows of a key, in the order in which they arrived.

The rows of a key have positions 0, 1, 2, ...; windows and slices are those of `SlidingShape`, over positions
instead of times. After each batch the positions of a key are counted anew from its first window that has not
fired, so numbers stay small and a key without open windows leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from workbench.engine.partials import Partials, Plan
from workbench.engine.placing import Firing, Placed, Rows, group, spread
from workbench.engine.shapes import SlidingShape
from workbench.engine.state import Table
from workbench.model.panes import EARLY, ON_TIME, TIMINGS
from workbench.model.windows import Count
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Slices of some keys, by key, then slice: what they hold, and their least and greatest event time."""

    keys: Ints
    slices: Ints
    starts: Nanos
    ends: Nanos
    partials: Partials

    def take(self, chosen: Any) -> _Pieces:
        return _Pieces(
            self.keys[chosen],
            self.slices[chosen],
            self.starts[chosen],
            self.ends[chosen],
            self.partials.take(chosen),
        )


class CountWindows:
    """State and firing of count windows; neither watermark nor lateness matter, but at the end all fire.

    State is bounded by keys times the slices of a window.
    """

    def __init__(self, window: Count, plan: Plan) -> None:
        self.shape = SlidingShape(window.size, window.slide, 0)
        self.watermark = NO_WATERMARK
        self.held = Table(("key", "slice", "start", "end"), plan.parts)
        self.seen = np.zeros(0, dtype=np.int64)  # by key: its rows since the start of its first open window

    def __len__(self) -> int:
        return len(self.held)

    def process(self, rows: Rows, watermark: int) -> Placed:
        """Take a batch; fire the windows that are full, and at the end of the stream all others."""
        count = len(rows.times)
        never = np.zeros(count, dtype=bool)
        placed = Placed(never, never.copy(), np.zeros(count, dtype=np.int64), 0, [])
        self.watermark = watermark
        if rows.keys_known > len(self.seen):
            self.seen = np.append(self.seen, np.zeros(rows.keys_known - len(self.seen), dtype=np.int64))
        if count:
            positions = self.seen[rows.keys] + _ranks(rows.keys)
            slices = self.shape.slice_of(positions)
            first, last = self.shape.windows_of(slices)
            placed.outside = np.maximum(first, 0) > last
            self.seen += np.bincount(rows.keys, minlength=len(self.seen))
            self._take(rows, slices, ~placed.outside, placed)
        if watermark == END_OF_TIME:
            pieces = self._drop(self.held.live())
            self._fire(pieces, *self._windows(pieces), placed)
            self.seen[:] = 0
        return placed

    def peek(self, keys_known: int) -> Firing | None:
        """Give what the windows that are not full hold so far; nothing is fired."""
        rows = self.held.live()
        placed = Placed(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool), rows[:0], 0, [])
        pieces = self._pieces(rows)
        self._fire(pieces, *self._windows(pieces), placed, EARLY)
        return placed.firings[0] if placed.firings else None

    def live_keys(self) -> Ints:
        """Give the codes of the keys that the state holds."""
        return np.flatnonzero(self.seen)

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        kept = np.flatnonzero(code_of >= 0)
        seen = np.zeros(len(kept), dtype=np.int64)
        seen[code_of[kept]] = self.seen[kept]
        self.seen = seen
        live = self.held.live()
        self.held["key"][live] = code_of[self.held["key"][live]]

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {"watermark": self.watermark, "held": self.held.snapshot(), "seen": self.seen.copy()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark, self.seen = snapshot["watermark"], snapshot["seen"].copy()
        self.held.restore(snapshot["held"])

    def _take(self, rows: Rows, slices: Ints, inside: npt.NDArray[np.bool_], placed: Placed) -> None:
        """Fold rows into the slices of their keys, fire what is full, and keep what is not."""
        concerned = np.zeros(rows.keys_known, dtype=bool)
        concerned[rows.keys] = True
        live = self.held.live()
        pieces = self._drop(live[concerned[self.held["key"][live]]])
        if inside.any():
            pieces = self._with(pieces, rows, slices, inside)
        full = np.maximum(
            (self.seen - self.shape.size) // self.shape.slide + 1, 0
        )  # by key: how many windows
        full[~concerned] = 0
        keys = np.flatnonzero(full)
        of, windows = spread(np.zeros(len(keys), dtype=np.int64), full[keys] - 1)
        self._fire(pieces, windows, keys[of], placed)
        self._keep(pieces, full)

    def _with(self, pieces: _Pieces, rows: Rows, slices: Ints, inside: npt.NDArray[np.bool_]) -> _Pieces:
        """Put the rows of a batch beside the pieces that there are."""
        groups, at, keys = group(slices[inside], rows.keys[inside], rows.keys_known)
        times = rows.times[inside]
        starts, ends = np.full(len(at), END_OF_TIME), np.full(len(at), NO_WATERMARK)
        np.minimum.at(starts, groups, times)
        np.maximum.at(ends, groups, times)
        fresh = _Pieces(keys, at, starts, ends, rows.fold(inside, groups, len(at)))
        return _merged([pieces, fresh] if len(pieces.keys) else [fresh])

    def _windows(self, pieces: _Pieces) -> tuple[Ints, Ints]:
        """Give the windows, with their keys, that cover some pieces."""
        first, last = self.shape.windows_of(pieces.slices)
        of, windows = spread(np.maximum(first, 0), last)
        _, windows, keys = group(windows, pieces.keys[of], int(pieces.keys.max(initial=0)) + 1)
        return windows, keys

    def _fire(
        self, pieces: _Pieces, windows: Ints, keys: Ints, placed: Placed, timing: str = ON_TIME
    ) -> None:
        """Merge the pieces of windows, one window of one key at a time as far as anyone can see."""
        if not len(windows):
            return
        low, high = self.shape.slices_of(windows)
        first = _position(pieces, keys, low, "left")
        beyond = _position(pieces, keys, high, "right")
        of, at = spread(first, beyond - 1)
        starts, ends = np.full(len(windows), END_OF_TIME), np.full(len(windows), NO_WATERMARK)
        np.minimum.at(starts, of, pieces.starts[at])
        np.maximum.at(ends, of, pieces.ends[at])
        partials = pieces.partials.take(at).reduce(of, len(windows))
        placed.firings.append(
            Firing(
                starts,
                ends,
                keys,
                partials,
                np.full(len(keys), TIMINGS.index(timing)),
                np.zeros(len(keys), dtype=np.int64),
                np.full(len(keys), timing == ON_TIME),
            )
        )

    def _keep(self, pieces: _Pieces, full: Ints) -> None:
        """Hold the slices of windows that are not full, counted from the first of them."""
        _, last = self.shape.windows_of(pieces.slices)
        kept = pieces.take(last >= full[pieces.keys])
        self.seen -= full * self.shape.slide  # less than 0 where the next window begins after a gap
        if len(kept.keys):
            slices = kept.slices - full[kept.keys] * (2 if self.shape.rest else 1)
            self.held.add(kept.partials, key=kept.keys, slice=slices, start=kept.starts, end=kept.ends)

    def _drop(self, rows: Ints) -> _Pieces:
        """Take pieces out of the state."""
        pieces = self._pieces(rows)
        self.held.drop(rows)
        return pieces

    def _pieces(self, rows: Ints) -> _Pieces:
        """Give pieces of the state, in order."""
        held = self.held
        rows = rows[np.lexsort((held["slice"][rows], held["key"][rows]))]
        return _Pieces(
            held["key"][rows], held["slice"][rows], held["start"][rows], held["end"][rows], held.take(rows)
        )


def _merged(several: list[_Pieces]) -> _Pieces:
    """Merge pieces of the same key and slice, and put them in order."""
    keys = np.concatenate([pieces.keys for pieces in several])
    slices = np.concatenate([pieces.slices for pieces in several])
    groups, at, of = group(slices, keys, int(keys.max()) + 1)
    starts, ends = np.full(len(at), END_OF_TIME), np.full(len(at), NO_WATERMARK)
    np.minimum.at(starts, groups, np.concatenate([pieces.starts for pieces in several]))
    np.maximum.at(ends, groups, np.concatenate([pieces.ends for pieces in several]))
    partials = reduce(Partials.append, (pieces.partials for pieces in several)).reduce(groups, len(at))
    return _Pieces(of, at, starts, ends, partials).take(np.lexsort((at, of)))


def _position(pieces: _Pieces, keys: Ints, slices: Ints, side: Literal["left", "right"]) -> Ints:
    """Find where slices of keys are, or would be, among pieces in order."""
    least = int(pieces.slices.min())
    span = int(pieces.slices.max()) - least + 3
    have = pieces.keys * span + (pieces.slices - least + 1)
    return np.searchsorted(have, keys * span + np.clip(slices - least + 1, 0, span - 1), side)


def _ranks(keys: Ints) -> Ints:
    """Give the place of each row among those of its key, from 0.

    Examples
    --------
    >>> _ranks(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(keys, kind="stable")
    new = np.flatnonzero(np.r_[True, keys[order][1:] != keys[order][:-1]])
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[order] = np.arange(len(keys)) - np.repeat(new, np.diff(np.r_[new, len(keys)]))
    return ranks
