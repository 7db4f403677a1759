"""Triggers made of others, at work; see `workbench.engine.triggers`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from workbench.engine.triggers import (
    Arrivals,
    Continuous,
    Count,
    Ints,
    Mask,
    Merging,
    Moment,
    Never,
    Node,
    ProcessingTime,
)
from workbench.model.triggers import (
    AfterAll,
    AfterAny,
    AfterCount,
    AfterEach,
    AfterProcessingTime,
    AfterWatermark,
    AtExpiry,
    ContinuousEventTime,
    Repeatedly,
    Trigger,
)


class _Watermark(Node):
    """First until the end of the span, with the early trigger repeated; then with the late one repeated."""

    states: ClassVar[tuple[str, ...]] = ("beyond",)

    def __init__(self, numbers: Iterator[int], trigger: AfterWatermark) -> None:
        self.early = None if trigger.early is None else node_of(Repeatedly(trigger.early), numbers)
        self.late = None if trigger.late is None else node_of(Repeatedly(trigger.late), numbers)
        super().__init__(numbers, *(part for part in (self.early, self.late) if part is not None))

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        beyond = self._beyond(at)
        for part, chosen in ((self.early, ~beyond), (self.late, beyond)):
            if part is not None:
                part.arrive(at.only(chosen), rows.only(chosen))

    def ready(self, at: Moment) -> Mask:
        beyond = self._beyond(at)
        before = at.passed if self.early is None else at.passed | self.early.ready(at)
        return np.where(beyond, False if self.late is None else self.late.ready(at), before)

    def fire(self, at: Moment) -> None:
        beyond, passed = self._beyond(at), at.passed
        if self.early is not None:
            self.early.fire(at.only(~beyond & ~passed))
        if self.late is not None:
            self.late.fire(at.only(beyond))
        at.table[self.own[0]][at.spans[passed]] = 1

    def done(self, at: Moment) -> Mask:
        return self._beyond(at) if self.late is None else np.zeros(len(at.spans), dtype=bool)

    def merge(self, what: Merging) -> None:
        beyond = what.all(self.own[0]) & what.made.passed
        for part in self.parts:
            part.merge(what)
        if self.late is not None:
            self.late.clear(what.made.only(~beyond))
        what.made.table[self.own[0]][what.made.spans] = beyond

    def _beyond(self, at: Moment) -> Mask:
        return np.asarray(at.table[self.own[0]][at.spans] == 1)


class _Repeatedly(Node):
    def __init__(self, numbers: Iterator[int], trigger: Repeatedly) -> None:
        self.of = node_of(trigger.of, numbers)
        super().__init__(numbers, self.of)

    def ready(self, at: Moment) -> Mask:
        return self.of.ready(at)

    def fire(self, at: Moment) -> None:
        self.of.fire(at)
        self._renew(at)

    def done(self, at: Moment) -> Mask:
        return np.zeros(len(at.spans), dtype=bool)

    def merge(self, what: Merging) -> None:
        self.of.merge(what)
        self._renew(what.made)

    def _renew(self, at: Moment) -> None:
        self.of.clear(at.only(self.of.done(at)))


class _Any(Node):
    """Goes on as long as none of its parts has finished: those that repeat themselves do not."""

    def __init__(self, numbers: Iterator[int], trigger: AfterAny | AfterAll) -> None:
        super().__init__(numbers, *(node_of(part, numbers) for part in trigger.of))

    def ready(self, at: Moment) -> Mask:
        some: Mask = np.logical_or.reduce([part.ready(at) for part in self.parts])
        return some & ~self.done(at)

    def fire(self, at: Moment) -> None:
        for part in self.parts:
            part.fire(at.only(part.ready(at)))

    def done(self, at: Moment) -> Mask:
        return np.asarray(np.logical_or.reduce([part.done(at) for part in self.parts]))

    def merge(self, what: Merging) -> None:
        for part in self.parts:
            part.merge(what)


class _All(_Any):
    """Goes on until all of its parts have finished."""

    def ready(self, at: Moment) -> Mask:
        every: Mask = np.logical_and.reduce([part.ready(at) | part.done(at) for part in self.parts])
        return every & ~self.done(at)

    def done(self, at: Moment) -> Mask:
        return np.asarray(np.logical_and.reduce([part.done(at) for part in self.parts]))


class _Each(Node):
    states: ClassVar[tuple[str, ...]] = ("turn",)

    def __init__(self, numbers: Iterator[int], trigger: AfterEach) -> None:
        super().__init__(numbers, *(node_of(part, numbers) for part in trigger.of))

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        for turn, part in enumerate(self.parts):
            mine = self._turn(at) == turn
            part.arrive(at.only(mine), rows.only(mine))

    def ready(self, at: Moment) -> Mask:
        ready = np.zeros(len(at.spans), dtype=bool)
        for turn, part in enumerate(self.parts):
            ready |= (self._turn(at) == turn) & part.ready(at)
        return ready

    def fire(self, at: Moment) -> None:
        turns = self._turn(at)
        for turn, part in enumerate(self.parts):
            mine = at.only(turns == turn)
            part.fire(mine)
            at.table[self.own[0]][mine.spans] += part.done(mine)

    def done(self, at: Moment) -> Mask:
        return np.asarray(self._turn(at) == len(self.parts))

    def merge(self, what: Merging) -> None:
        so_far = np.ones(len(what.made.spans), dtype=bool)
        for part in self.parts:
            part.merge(what)
            part.clear(what.made.only(~so_far))
            so_far &= part.done(what.made)
            what.made.table[self.own[0]][what.made.spans] += so_far

    def _turn(self, at: Moment) -> Ints:
        return at.table[self.own[0]][at.spans]


_NODES: dict[type, Any] = {
    AfterWatermark: _Watermark,
    AfterCount: Count,
    AfterProcessingTime: ProcessingTime,
    ContinuousEventTime: Continuous,
    AtExpiry: Never,
    Repeatedly: _Repeatedly,
    AfterAny: _Any,
    AfterAll: _All,
    AfterEach: _Each,
}


def node_of(trigger: Trigger, numbers: Iterator[int]) -> Node:
    """Make the node of a trigger; numbers keep the columns of different nodes apart.

    Examples
    --------
    >>> from itertools import count
    >>> node_of(AfterWatermark(early=AfterCount(5), late=None), count()).labels
    ('beyond_2', 'done_0', 'count_0')
    """
    node: Node = _NODES[type(trigger)](numbers, trigger)
    return node
