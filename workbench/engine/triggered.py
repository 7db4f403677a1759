"""Aligned windows that fire by a trigger: a span for each window and key, in place of shared slices.

A window must be told apart from others as soon as panes are told before its end: each has its own rows since
the last pane. Rows are still folded once a slice, and slices then into the windows that cover them; only
stragglers, which count for some of their windows, are told to them one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.engine.partials import Partials, Plan
from workbench.engine.placing import Firing, Placed, Rows, group, spread
from workbench.engine.shapes import shape_of
from workbench.engine.state import Cells
from workbench.engine.telling import Teller, peeked
from workbench.engine.triggers import Arrivals, Moment
from workbench.model.windows import Aligned
from workbench.time import END_OF_TIME, NO_WATERMARK

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    """What came to some windows of some keys."""

    windows: Ints
    keys: Ints
    partials: Partials
    arrivals: Arrivals

    def append(self, other: _Units) -> _Units:
        """Put others behind these."""
        if not len(other.windows):
            return self
        if not len(self.windows):
            return other
        return _Units(
            np.append(self.windows, other.windows),
            np.append(self.keys, other.keys),
            self.partials.append(other.partials),
            self.arrivals.append(other.arrivals),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs of row and window: the row, and the unit that it went into."""

    of: Ints
    groups: Ints
    units: _Units


class TriggeredWindows:
    """State and firing of tumbling, sliding, cumulating, calendar windows, and the global one, by a trigger.

    State is bounded by keys times the windows that have begun and not expired.
    """

    def __init__(self, window: Aligned, plan: Plan, teller: Teller) -> None:
        self.shape, self.teller = shape_of(window), teller
        self.watermark = NO_WATERMARK
        self.spans = Cells(plan.parts, "start", "end", *teller.labels)

    def __len__(self) -> int:
        return len(self.spans) + len(self.teller)

    def process(self, rows: Rows, watermark: int) -> Placed:
        """Take a batch, and the watermark after it; fire what is due."""
        self.teller.batch += 1
        slices = self.shape.slice_of(rows.times)
        first, last = self.shape.windows_of(slices)
        outside = first > last
        expiry = self.teller.expiry(self.shape.end(last))
        late = (expiry <= rows.met) & ~outside
        placed = Placed(late, outside, rows.met - expiry, int((last - first + 1)[late].sum()), [])
        taken = ~(late | outside)
        calm = taken & (self.shape.end(first) > rows.met) & (not self.teller.finishes)
        of, windows = spread(first[taken & ~calm], last[taken & ~calm])
        of = np.flatnonzero(taken & ~calm)[of]
        met, ends = rows.met[of], self.shape.end(windows)
        in_time, accepted = met < ends, met < self.teller.expiry(ends)
        placed.dropped += int((~accepted).sum())
        ahead, behind = self._pairs(rows, of[in_time], windows[in_time]), accepted & ~in_time
        served = [ahead.of[self._put([ahead.units, self._calm(rows, slices, calm)], rows)[ahead.groups]]]
        if behind.any():
            placed.firings += self.teller.fire_passed(self._moment(watermark, rows.now), rows)
            pairs = self._pairs(rows, of[behind], windows[behind])
            served.append(pairs.of[self._put([pairs.units], rows, past=True)[pairs.groups]])
        placed.firings += self.teller.fire(self._moment(watermark, rows.now), rows)
        placed.done = taken & ~calm
        placed.done[np.concatenate(served)] = False
        self.watermark = watermark
        self._expire(rows, placed)
        return placed

    def peek(self, keys_known: int) -> Firing | None:
        """Give what the open windows hold, or have not yet told; nothing is fired."""
        table = self.spans.table
        rows = table.live()
        rows = rows[table["end"][rows] > self.watermark]
        if not len(rows):
            return None
        return peeked(table, rows)

    def live_keys(self) -> Ints:
        """Give the codes of the keys that the state holds."""
        return np.unique(self.spans.table["key"][self.spans.table.live()])

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        table = self.spans.table
        before = table.live()
        self.spans.renew_keys(code_of)
        self.teller.renew(code_of, before, table.live())

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {
            "watermark": self.watermark,
            "spans": self.spans.snapshot(),
            "numbers": self.spans.table.live(),
            "teller": self.teller.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark = snapshot["watermark"]
        self.spans.restore(snapshot["spans"])
        self.teller.restore(snapshot["teller"], snapshot["numbers"], self.spans.table.live())

    def _calm(self, rows: Rows, slices: Ints, chosen: Mask) -> _Units:
        """Take rows that are ahead of the ends of all their windows: once a slice."""
        groups, places, keys = group(slices[chosen], rows.keys[chosen], rows.keys_known)
        arrivals = Arrivals.of(groups, rows.times[chosen], np.flatnonzero(chosen), len(places))
        of, windows = spread(*self.shape.windows_of(places))
        return _Units(windows, keys[of], rows.fold(chosen, groups, len(places)).take(of), arrivals.only(of))

    def _pairs(self, rows: Rows, of: Ints, windows: Ints) -> _Pairs:
        """Take pairs of row and window."""
        groups, places, keys = group(windows, rows.keys[of], rows.keys_known)
        arrivals = Arrivals.of(groups, rows.times[of], of, len(places))
        return _Pairs(of, groups, _Units(places, keys, rows.fold(of, groups, len(places)), arrivals))

    def _put(self, several: list[_Units], rows: Rows, *, past: bool = False) -> Mask:
        """Merge units into the spans of their windows and keys.

        With `past`, they are of windows whose end the watermark had passed. Says for each of the first units
        whether its trigger has not finished, so that its rows will be told.
        """
        units = reduce(_Units.append, several)
        groups, places, keys = group(units.windows, units.keys, rows.keys_known)
        partials = units.partials.reduce(groups, len(places))
        spans, new = self.spans.merge(places, keys, rows.keys_known, partials)
        table, fresh = self.spans.table, places[new]
        table["start"][spans[new]], table["end"][spans[new]] = self.shape.start(fresh), self.shape.end(fresh)
        at = self._moment(END_OF_TIME if past else NO_WATERMARK, rows.now, spans)
        self.teller.begin(at.only(new))
        self.teller.arrive(at, units.arrivals.reduce(groups, len(places)))
        return ~self.teller.done(at)[groups[: len(several[0].windows)]]

    def _moment(self, watermark: int, now: int, spans: Ints | None = None) -> Moment:
        spans = self.spans.table.live() if spans is None else spans
        return Moment(self.spans.table, spans, np.full(len(spans), watermark), now)

    def _expire(self, rows: Rows, placed: Placed) -> None:
        """Close and drop windows that no row can reach any more."""
        at = self._moment(self.watermark, rows.now)
        at = at.only(self.teller.expired(at))
        if len(at.spans):
            placed.firings += self.teller.close(at, rows)
            self.spans.drop(np.unique(self.spans.table["place"][at.spans]))
