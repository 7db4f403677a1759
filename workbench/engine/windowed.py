"""WindowOperator: process(batch) -> panes, late; the heart of the engine.

The way of a batch through here: its rows are looked up in their stamp (event time, and the watermark that
each met), their keys become integers, their columns plain arrays; the windows place them, fold them into
partials and say what fires; panes and late rows become frames again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.counts import CountWindows
from workbench.engine.expiry import Expiry
from workbench.engine.keys import KeyDictionary, sorted_table
from workbench.engine.partials import Plan
from workbench.engine.placing import Firing, Ints, Mask, Rows
from workbench.engine.progress import Stamp
from workbench.engine.rows import Aside, side_by_side
from workbench.engine.sessions import SessionWindows
from workbench.engine.slices import SlicedWindows
from workbench.engine.state import VERSION, check_snapshot
from workbench.engine.telling import Teller
from workbench.engine.triggered import TriggeredWindows
from workbench.model.aggregates import Aggregate
from workbench.model.panes import (
    RETRACTION,
    REVISION,
    TIMING,
    TIMINGS,
    WINDOW_END,
    WINDOW_START,
)
from workbench.model.triggers import ACCUMULATING, DEFAULT, RETRACTING, Trigger, heeds_clock
from workbench.model.windows import Count, Session, Window
from workbench.time import Nanos, fine_enough, moments

_TIMING = pd.CategoricalDtype(TIMINGS)


@dataclass(frozen=True, slots=True, eq=False)
class WindowOutput:
    """What comes of a batch.

    Parameters
    ----------
    panes : pandas.DataFrame
        ``window_start, window_end``, keys, aggregates, ``timing, revision``; by window end, keys, revision.
        If they are retracted, ``retraction`` (bool): whether the pane was told before and holds no more.
    late : pandas.DataFrame
        The rows that were late for every window, plus ``late_by`` and ``watermark``.
    rejected : pandas.DataFrame
        The rows that no window covers, or whose windows have a trigger that has finished, plus ``reason``.
    ends : int64 array, shape (panes,)
        The end of each pane's window, in nanoseconds; that of the global window is the end of time.
    last : bool array, shape (panes,)
        Whether each pane is the last of its window and key: no other can follow.
    dropped : int
        Pairs of row and window that were late, those of fully late rows included.
    """

    panes: pd.DataFrame
    ends: Nanos
    last: Mask
    late: pd.DataFrame
    rejected: pd.DataFrame
    dropped: int


class WindowOperator:
    """Aggregates rows by key and window, as the watermark tells.

    Parameters
    ----------
    keys : tuple of str
        Key columns; none for one group of all rows.
    window : Window
        Where rows are put together.
    lateness : int
        Nanoseconds that a closed window still accepts rows.
    aggregates : tuple of Aggregate
        What is computed.
    trigger : Trigger
        When panes are told.
    accumulation : str
        ``accumulating``, ``discarding`` or ``retracting``: what a pane holds.
    empty_panes : collection of str
        Which panes are told even if no row has come since the last: ``on_time``, ``closing``.
    time_dtype : datetime dtype
        Unit and zone of ``window_start`` and ``window_end``; the unit is finer if the window needs it.

    Notes
    -----
    A batch costs a fixed number of array operations. State is bounded as the windows say: `SlicedWindows`,
    `TriggeredWindows`, `SessionWindows`, `CountWindows`; keys are forgotten when no state is left of them.
    """

    def __init__(
        self,
        *,
        keys: tuple[str, ...],
        window: Window,
        lateness: int,
        aggregates: tuple[Aggregate, ...],
        trigger: Trigger = DEFAULT,
        accumulation: str = ACCUMULATING,
        empty_panes: tuple[str, ...] = (),
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        self.keys = KeyDictionary(keys)
        self.plan = Plan(aggregates)
        self.time_dtype = fine_enough(pd.api.types.pandas_dtype(time_dtype), *window.lengths)
        self.retracting, self.heeds_clock = accumulation == RETRACTING, heeds_clock(trigger)
        told = {"trigger": trigger, "accumulation": accumulation, "empty": empty_panes}
        self.expiry = Expiry(lateness)
        self.windows = _windows(window, self.expiry, self.plan, told)
        self._empty: pd.DataFrame | None = None
        self._aside = Aside(self.time_dtype)
        self._described = repr((keys, window, lateness, aggregates, trigger, accumulation, empty_panes))

    @property
    def size(self) -> int:
        """How many entries the state holds; 0 when every window has closed and expired."""
        return len(self.windows)

    @property
    def watermark(self) -> int:
        """The watermark of the last batch."""
        return self.windows.watermark

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> WindowOutput:
        """Take a batch and fire what is due.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows of one arrival batch after row-local steps; the index holds their arrival numbers.
        stamp : Stamp
            The event times of the batch, and the watermark that each row met.
        """
        times, met = stamp.look_up(frame)
        codes = self.keys.encode(frame)
        rows = Rows(
            self.plan,
            self.plan.operands(frame),
            times,
            met,
            frame.index.to_numpy(),
            codes,
            len(self.keys),
            stamp.now,
        )
        if self._empty is None:
            none = np.zeros(0, dtype=np.int64)
            self._empty = self._pane_table(Firing(none, none, none, rows.nothing(0), none, none))
        placed = self.windows.process(rows, stamp.watermark)
        output = WindowOutput(
            *self._panes(placed.firings),
            late=self._aside.late(frame, placed.late, placed.late_by, met),
            rejected=self._aside.rejected(frame, placed.outside, placed.done),
            dropped=placed.dropped,
        )
        self._forget()
        return output

    def change_lateness(self, lateness: int) -> None:
        """Accept late rows for longer, or less long, from now on; what has expired stays so."""
        self.expiry.change(lateness, self.watermark)

    def peek(self) -> pd.DataFrame:
        """Give what the open windows hold so far, as panes with timing ``early``; nothing changes."""
        firing = self.windows.peek(len(self.keys))
        return self._panes([] if firing is None else [firing])[0]

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and a frame of keys."""
        return {
            "version": VERSION,
            "described": self._described,
            "keys": self.keys.snapshot(),
            "dtypes": dict(self.plan.dtypes),
            "windows": self.windows.snapshot(),
            "expiry": self.expiry.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)
        self.keys.restore(snapshot["keys"])
        self.plan.dtypes = dict(snapshot["dtypes"])
        self.windows.restore(snapshot["windows"])
        self.expiry.restore(snapshot["expiry"])

    def _panes(self, firings: list[Firing]) -> tuple[pd.DataFrame, Nanos, Mask]:
        """Give the panes of some firings, by window end, keys and revision; their ends; which are last."""
        if not firings:
            return self._no_panes(), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        told = Firing.of_all(firings)
        told = told.take(_order(told.ends, self.keys.ranks(told.keys), told.revisions))
        last = np.zeros(len(told.keys), dtype=bool) if told.last is None else told.last
        return self._pane_table(told), told.ends, last & ~_followed(told) if len(firings) > 1 else last

    def _no_panes(self) -> pd.DataFrame:
        """Give a pane table without rows, of the types that it will have; there are none before a batch."""
        if self._empty is None:
            outputs = [aggregate.output for aggregate in self.plan.aggregates]
            added = [TIMING, REVISION, RETRACTION] if self.retracting else [TIMING, REVISION]
            return pd.DataFrame(columns=[WINDOW_START, WINDOW_END, *self.keys.names, *outputs, *added])
        return self._empty

    def _pane_table(self, firing: Firing) -> pd.DataFrame:
        table: dict[str, Any] = {
            WINDOW_START: moments(firing.starts, self.time_dtype),
            WINDOW_END: moments(firing.ends, self.time_dtype),
        }
        table |= self.keys.take(firing.keys)
        table |= self.plan.results(firing.partials)
        table[TIMING] = pd.Categorical.from_codes(firing.timings, dtype=_TIMING)
        table[REVISION] = firing.revisions
        if self.retracting:
            table[RETRACTION] = np.full(len(firing.keys), firing.retraction)
        return side_by_side(table)

    def _forget(self) -> None:
        """Forget keys of which no state is left, once they are most of all keys."""
        if self.keys.worth_forgetting(self.size):
            self.windows.renew_keys(self.keys.retain(self.windows.live_keys()))


def _windows(
    window: Window, expiry: Expiry, plan: Plan, told: dict[str, Any]
) -> SlicedWindows | TriggeredWindows | SessionWindows | CountWindows:
    match window:
        case Count():
            return CountWindows(window, plan)
        case Session():
            return SessionWindows(window, plan, Teller(plan, expiry, **told))
        case _ if told == {"trigger": DEFAULT, "accumulation": ACCUMULATING, "empty": ()}:
            return SlicedWindows(window, expiry, plan)
        case _:
            return TriggeredWindows(window, plan, Teller(plan, expiry, **told))


def _order(ends: Nanos, ranks: Ints, revisions: Ints) -> Ints:
    """Give the order by end, rank and revision; what is the same in all three stays in order."""
    highest = int(ranks.max(initial=0))
    if highest < 8 * len(ranks) and (ends == ends[0]).all() and not revisions.any():
        place = np.zeros(highest + 1, dtype=np.int64)
        place[ranks] = np.arange(1, len(ranks) + 1)
        order = place[place > 0] - 1
        if len(order) == len(ranks):  # every key comes once: there was nothing to compare
            return order
    return np.lexsort((revisions, ranks, ends))


def _followed(told: Firing) -> Mask:
    """Say which panes are followed by another of the same window."""
    columns = (told.keys, told.starts, told.ends)
    order = np.lexsort(columns)
    same = np.logical_and.reduce([np.diff(column[order]) == 0 for column in columns])
    followed = np.zeros(len(order), dtype=bool)
    followed[order[:-1][same]] = True
    return followed


def in_order(panes: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Sort panes by window end, then keys, then revision; keys of several types by their text."""
    return sorted_table(panes, [WINDOW_END, *keys, REVISION], ignore_index=True)


def window_operator(
    *,
    window: Window,
    aggregates: tuple[Aggregate, ...],
    keys: tuple[str, ...] = (),
    lateness: int = 0,
    time_dtype: Any = "datetime64[ns]",
    **told: Any,
) -> WindowOperator:
    """Make a `WindowOperator`; without keys and lateness unless given, and with the default trigger.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> from workbench.model.windows import Tumbling
    >>> operator = window_operator(window=Tumbling(10), aggregates=(Aggregate("total", "v", "sum"),))
    >>> stamp = Progress(bound=0).stamp(np.array([1, 12]) * 1_000_000_000)
    >>> frame = pd.DataFrame({"v": [3, 4]}, index=pd.RangeIndex(1, 3))
    >>> operator.process(frame, stamp).panes[["window_end", "total", "timing"]]
               window_end  total   timing
    0 1970-01-01 00:00:10      3  on_time
    """
    return WindowOperator(
        keys=keys, window=window, lateness=lateness, aggregates=aggregates, time_dtype=time_dtype, **told
    )
