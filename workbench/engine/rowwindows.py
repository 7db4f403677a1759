"""Rows kept by window until it closes: for operators whose windows give rows, not aggregates.

`AlignedRows` and `SessionRows` do the same for the two kinds of windows: they place the rows of a batch, and
say which rows of which windows are due. The rows themselves are in one `RowStore` a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.expiry import Expiry
from workbench.engine.operands import Operand
from workbench.engine.partials import Plan
from workbench.engine.placing import Firing, Rows, spread
from workbench.engine.rows import RowStore
from workbench.engine.sessions import SessionWindows
from workbench.engine.shapes import shape_of
from workbench.engine.telling import Teller
from workbench.errors import DescriptionError
from workbench.model.aggregates import Aggregate
from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.model.windows import Aligned, Count, Session, Window
from workbench.time import Nanos, from_nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LABELS = ("number", "time", "key", "null", "first", "last")
"""What a store must have a label for."""


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """Windows of keys that are due, in the order of end, then start: their bounds, and the rows in them."""

    starts: Nanos
    ends: Nanos
    members: list[tuple[Ints, Ints]]
    """For each side, pairs of window (position in ``ends``) and slot of a row, by window, then arrival."""
    gone: list[Ints]
    """For each side, slots of rows that are in no later window: to be dropped once told."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What became of the rows of a batch."""

    late: Mask
    outside: Mask
    late_by: Nanos
    dropped: int
    """Late pairs of row and window."""


class AlignedRows:
    """Rows by tumbling, sliding, cumulating, calendar windows, or the global one.

    A row is held once, with the first and the last of its windows that are still to come. State is bounded by
    the rows of the windows that have not closed.
    """

    def __init__(self, window: Aligned, stores: Sequence[RowStore]) -> None:
        self.shape, self.stores = shape_of(window), stores

    @property
    def size(self) -> int:
        """How much is held beside the rows: nothing."""
        return 0

    def keep(self, side: int, slots: Ints, times: Nanos, limits: Nanos, keys: Ints, keys_known: int) -> Kept:
        """Place rows that are in a store; drop those that are late for every window or in none."""
        first, last = self.shape.windows_of(self.shape.slice_of(times))
        outside = first > last
        ends = self.shape.end(last)
        late = ~outside & (ends <= limits)
        first, missed = self._ahead(first, last, limits, ~outside & (self.shape.end(first) <= limits))
        store = self.stores[side]
        store["first"][slots], store["last"][slots] = first, last
        store.drop(slots[late | outside])
        return Kept(late, outside, limits - ends, missed)

    def due(self, limit: int) -> Due:
        """Give the windows that end at or before a moment, and have not been given before."""
        found = [self._due(store, limit) for store in self.stores]
        window = np.concatenate([windows for windows, _, _ in found])
        key = np.concatenate(
            [store["key"][slots] for store, (_, slots, _) in zip(self.stores, found, strict=True)]
        )
        ends, starts = self.shape.end(window), self.shape.start(window)
        order = np.lexsort((key, starts, ends))
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (np.diff(window[order]) != 0) | (np.diff(key[order]) != 0)
        number = np.empty(len(order), dtype=np.int64)
        number[order] = np.cumsum(fresh) - 1
        chosen = order[fresh]
        members = []
        for store, (windows, slots, _) in zip(self.stores, found, strict=True):
            mine, number = number[: len(windows)], number[len(windows) :]
            order = np.lexsort((store["number"][slots], mine))
            members.append((mine[order], slots[order]))
        return Due(starts[chosen], ends[chosen], members, [gone for _, _, gone in found])

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes: they are with the rows."""

    def snapshot(self) -> dict[str, Any]:
        """Give what is held beside the rows: nothing."""
        return {}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot."""

    def _due(self, store: RowStore, limit: int) -> tuple[Ints, Ints, Ints]:
        """Give pairs of window and slot that are due in a store, and the slots that are done."""
        live = store.live()
        first, last = store["first"][live], store["last"][live]
        behind = self.shape.end(first) <= limit
        live, first, last = live[behind], first[behind], last[behind]
        if not len(live):
            return live, live, live
        of, windows = spread(first, np.minimum(last, self._closed(last, limit)))
        store["first"][live] = first + np.bincount(of, minlength=len(live))
        return windows, live[of], live[store["first"][live] > last]

    def _ahead(self, first: Ints, last: Ints, limits: Nanos, some: Mask) -> tuple[Ints, int]:
        """Move the first window of some rows beyond those that have closed; tell how many those are."""
        if not some.any():
            return first, 0
        of, windows = spread(first[some], last[some])
        closed = self.shape.end(windows) <= limits[some][of]
        first = first.copy()
        first[some] += np.bincount(of[closed], minlength=int(some.sum()))
        return first, int(closed.sum())

    def _closed(self, last: Ints, limit: int) -> int:
        """Give the last window that ends at or before a moment, or one beyond all that are asked for."""
        greatest = last.max(keepdims=True)
        if int(self.shape.end(greatest)[0]) <= limit:
            return int(greatest[0])
        return int(self.shape.windows_of(self.shape.slice_of(np.array([limit])))[0][0]) - 1


class SessionRows:
    """Rows by sessions: those of all sides of a key make its sessions together.

    State is bounded by the rows of the sessions that have not closed.
    """

    def __init__(self, window: Session, stores: Sequence[RowStore]) -> None:
        self.stores = stores
        self.plan = Plan((Aggregate("rows", "row", "collect"),))
        self.sessions = SessionWindows(window, self.plan, Teller(self.plan, Expiry(0)))
        self.firings: list[Firing] = []

    @property
    def size(self) -> int:
        """How many sessions are held."""
        return len(self.sessions)

    def keep(self, side: int, slots: Ints, times: Nanos, limits: Nanos, keys: Ints, keys_known: int) -> Kept:
        """Place rows that are in a store; drop those that are late."""
        numbers = slots * len(self.stores) + side
        operands = {"row": Operand(numbers, np.ones(len(slots), dtype=bool), np.dtype("int64"))}
        rows = Rows(self.plan, operands, times, limits, slots, keys, keys_known)
        placed = self.sessions.process(rows, int(limits[-1]) if len(limits) else self.sessions.watermark)
        self.firings += placed.firings
        self.stores[side].drop(slots[placed.late])
        return Kept(placed.late, placed.outside, placed.late_by, placed.dropped)

    def due(self, limit: int) -> Due:
        """Give the sessions that end at or before a moment, and have not been given before."""
        none = np.zeros(0, dtype=np.int64)
        operands = {"row": Operand(none, none.astype(bool), np.dtype("int64"))}
        placed = self.sessions.process(Rows(self.plan, operands, none, none, none, none, 1), limit)
        firings, self.firings = [*self.firings, *placed.firings], []
        if not firings:
            return Due(none, none, [(none, none) for _ in self.stores], [none for _ in self.stores])
        starts, ends, keys = (
            np.concatenate([getattr(firing, name) for firing in firings])
            for name in ("starts", "ends", "keys")
        )
        rows = [held for firing in firings for held in firing.partials.columns[0][-1]]
        order = np.lexsort((keys, starts, ends))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        of = np.repeat(place, np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))
        slots, sides = np.divmod(np.concatenate(rows), len(self.stores))
        members = []
        for side, store in enumerate(self.stores):
            mine = np.flatnonzero(sides == side)
            mine = mine[np.lexsort((store["number"][slots[mine]], of[mine]))]
            members.append((of[mine], slots[mine]))
        return Due(starts[order], ends[order], members, [slots for _, slots in members])

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        self.sessions.renew_keys(code_of)

    def snapshot(self) -> dict[str, Any]:
        """Give what is held beside the rows."""
        return self.sessions.snapshot()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot."""
        self.sessions.restore(dict(snapshot))


def rows_by(window: Window, stores: Sequence[RowStore]) -> AlignedRows | SessionRows:
    """Give what keeps rows by a window.

    Raises
    ------
    DescriptionError
        For a window of so many rows, which has no place in event time.
    """
    match window:
        case Session():
            return SessionRows(window, stores)
        case Count():
            raise DescriptionError(
                f"{window} has no place in event time",
                detail="rows of several streams are joined or ranked by windows that the watermark closes",
                hint="choose Tumbling, Sliding, Session or another window of event time",
            )
        case _:
            return AlignedRows(window, stores)


def window_columns(due: Due, of: Ints, dtype: Any) -> dict[str, pd.Series]:
    """Give ``window_start`` and ``window_end`` of some windows."""
    return {
        WINDOW_START: from_nanos(due.starts[of], dtype),
        WINDOW_END: from_nanos(due.ends[of], dtype),
    }
