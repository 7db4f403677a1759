"""Switched: one simulator until a moment and another from then on, nothing lost and nothing twice.

What decides is when an event happened, in truth: what happened before the moment arrives as it would have,
however late, and what happens from then on is the other simulator's, as if it had been that from the start.
Until the moment it gives the very rows of the first, so whoever has read so far just reads on.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from simulators.ahead import Ahead
from simulators.base import Simulator
from simulators.columns import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column
from simulators.delivery.road import IDEAL
from simulators.ordering import IntArray
from simulators.parameters import Moment, microseconds, moment, require

_APART = 10**14
"""How far the numbers of one simulator's visits are from those of the one before: two years of them."""


class Switched:
    """Two simulators in one; made by `switched`.

    Event ids stay unique: where both make events in the block of the moment, those of the second are moved
    up behind those of the first. So do the numbers of visits: those of the second are others, unless only the
    delivery is.

    Attributes
    ----------
    before, after : Simulator
        Which events happen before the moment, and from then on; the first may itself be switched.
    at : pandas.Timestamp
        The moment; UTC.
    """

    def __init__(self, before: Simulator | Switched, after: Simulator, at: pd.Timestamp) -> None:
        self.before, self.after, self.at = before, after, at
        self.name: str = before.name
        self.time_column: str = before.time_column
        self.block: pd.Timedelta = before.block
        self.start: pd.Timestamp = before.start
        self._cut = int((at - self.start) // self.block)
        self._last = self._cut + present(before)._reach
        """The last block in which an event from before the moment can arrive."""
        if isinstance(before, Switched):
            self._last = max(self._last, before._last)
        self._tail_over = False
        self._turn: int = (before._turn if isinstance(before, Switched) else 0) + _differ(
            present(before), after
        )
        """How often there have been others: visits, and not only ways on which their events come."""

    def __repr__(self) -> str:
        return f"Switched({self.before!r}, {self.after!r}, at={str(self.at)!r})"

    @property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events."""
        return self.after.schema

    @property
    def arrival_schema(self) -> tuple[Column, ...]:
        """The columns of the arrivals."""
        return self.after.arrival_schema

    def block_events(self, i: int) -> pd.DataFrame:
        """Return the events of block i, in event order; see `Simulator.block_events`."""
        return self._of_block(i, lambda simulator: simulator.block_events(i))

    def block_truth(self, i: int) -> pd.DataFrame:
        """Return the ground truth of block i; see `Simulator.block_truth`."""
        return self._of_block(i, lambda simulator: simulator.block_truth(i))

    def block_delivery_truth(self, i: int) -> pd.DataFrame:
        """Return what befell the events of block i; see `Simulator.block_delivery_truth`."""
        return self._of_block(i, lambda simulator: simulator.block_delivery_truth(i))

    def block_arrivals(self, j: int) -> pd.DataFrame:
        """Return what arrives during block j, in the order of arrival; see `Simulator.block_arrivals`."""
        if j < self._cut:
            return self._until(j).block_arrivals(j)
        late = self._of_before(self.before.block_arrivals(j)) if j <= self._last else None
        if late is None and not self._tail_over:  # nothing of it can come any more
            self.before, self._tail_over = _without_memory(self.before), True
        fresh = self._of_after(self.after.block_arrivals(j))
        if late is None or not len(late):
            return fresh
        both = pd.concat([late, fresh], ignore_index=True) if len(fresh) else late
        # each is sorted, and the first has the lesser ids
        return both.iloc[np.argsort(both["arrival_time"].to_numpy(), kind="stable")].reset_index(drop=True)

    def under_way(self, moment: int) -> tuple[IntArray, IntArray]:
        """Return what has happened by a moment and arrives later; see `simulators.underway`."""
        if moment < self._at:
            times: tuple[IntArray, IntArray] = self.before.under_way(moment)
            return times
        late, never = (pairs[:, pairs[1] > moment] for pairs in self._on_the_way)
        fresh = np.stack(self.after.under_way(moment))
        # of the second simulator, what had happened before: it is among the fresh, and never was
        values, which = np.unique(np.concatenate([fresh, never], axis=1), axis=1, return_inverse=True)
        fresh_counts, never_counts = (
            np.bincount(some, minlength=values.shape[1])
            for some in (which[: fresh.shape[1]], which[fresh.shape[1] :])
        )
        both = np.concatenate([late, np.repeat(values, fresh_counts - never_counts, axis=1)], axis=1)
        return both[0], both[1]

    @property
    def _at(self) -> int:
        """The moment, in microseconds since the start."""
        return microseconds(self.at - self.start)

    @cached_property
    def _on_the_way(self) -> tuple[IntArray, IntArray]:
        """What was under way, of either simulator, just before the moment."""
        nothing = np.zeros((2, 0), np.int64)
        if not self._at:
            return nothing, nothing
        before, after = (np.stack(each.under_way(self._at - 1)) for each in (self.before, self.after))
        return before, after

    @cached_property
    def _beyond(self) -> int:
        """The first id that no event from before the moment has."""
        events = self.before.block_events(self._cut)
        ids = events.loc[events[EVENT_TIME.name] < self.at, EVENT_ID.name]
        return int(ids.iloc[-1]) + 1 if len(ids) else self._cut * IDS_PER_BLOCK

    @cached_property
    def _first(self) -> int:
        """The first id that an event from the moment on has, among those of its own simulator."""
        times = self.after.block_events(self._cut)[EVENT_TIME.name].to_numpy()
        return self._cut * IDS_PER_BLOCK + int(np.searchsorted(times, self.at.to_datetime64()))

    def _until(self, i: int) -> Any:
        """Give what this was before the switches that came after block i; there may be a thousand."""
        found: Any = self
        while isinstance(found, Switched) and i < found._cut:
            found = found.before
        return found

    def _of_block(self, i: int, of: Callable[[Any], pd.DataFrame]) -> pd.DataFrame:
        if i != self._cut:
            return of(self._until(i)) if i < self._cut else self._of_after(of(self.after))
        parts = [self._of_before(of(self.before)), self._of_after(of(self.after))]
        some = [part for part in parts if len(part)] or parts[:1]
        return pd.concat(some, ignore_index=True)

    def _of_before(self, frame: pd.DataFrame) -> pd.DataFrame:
        chosen = frame[EVENT_ID.name].to_numpy() < self._beyond
        return frame if chosen.all() else frame[chosen]

    def _of_after(self, frame: pd.DataFrame) -> pd.DataFrame:
        own = [name for name in self.after.numbered if name in frame] if self._turn else []
        frame = frame.assign(**{name: frame[name] + self._turn * _APART for name in own}) if own else frame
        ids = frame[EVENT_ID.name].to_numpy()
        if not (ids < (self._cut + 1) * IDS_PER_BLOCK).any():
            return frame
        frame = frame[ids >= self._first]
        ids = frame[EVENT_ID.name].to_numpy()
        moved = np.where(ids < (self._cut + 1) * IDS_PER_BLOCK, max(0, self._beyond - self._first), 0)
        return frame.assign(**{EVENT_ID.name: ids + moved})


def switched(before: Any, after: Any, at: Moment) -> Any:
    """Return a simulator that is another from a moment on.

    Parameters
    ----------
    before
        A simulator, which may have been switched already; a switch at the moment or later is forgotten.
    after
        The other one: of the same start, blocks and columns.
    at
        The moment; UTC.

    Raises
    ------
    ValueError
        If the two do not fit together.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from simulators import Sensors
    >>> slow = Sensors(seed=7, devices=4, hertz=1, missing=0)
    >>> both = switched(slow, replace(slow, hertz=10), at="2026-01-05T09:00:15")
    >>> [len(both.block_events(i)) for i in range(3)]
    [40, 220, 400]
    """
    if isinstance(before, Ahead):
        return Ahead(switched(before._simulator, after, at))
    after, at = present(after), moment("at", at)
    while isinstance(before, Switched) and before.at >= at:
        before = before.before
    for what in ("start", "block", "arrival_schema"):
        require(
            getattr(before, what, None) == getattr(after, what, None),
            f"{type(after).__name__} cannot follow {type(present(before)).__name__}",
            detail=f"They differ in {what}: a stream keeps its columns, and its beginning.",
            hint="Change parameters with dataclasses.replace(simulator, ...).",
        )
    return Switched(before, after, max(at, before.start))


def present(simulator: Any) -> Any:
    """Return the simulator that makes what happens now: of one that has been switched, the last."""
    while isinstance(simulator, Switched | Ahead):
        simulator = simulator.after if isinstance(simulator, Switched) else simulator._simulator
    return simulator


def _differ(before: Any, after: Any) -> bool:
    """Say whether two simulators make other events that they would number alike."""
    return bool(after.numbered) and replace(before, delivery=IDEAL) != replace(after, delivery=IDEAL)


def _without_memory(simulator: Any) -> Any:
    """Return the same without the blocks that it remembers."""
    made = level = copy(simulator)
    while isinstance(level, Switched):
        level.before, level.after = copy(level.before), copy(level.after)
        level.__dict__.pop("_on_the_way", None)
        level = level.before
    return made
