"""Triggers at work: which of many windows of keys fire, all at once.

Each trigger of a description becomes a node; nodes keep their state in int64 columns of the table that holds
the windows, one row a window of a key (a *span*). What happens when is that of the Beam model's triggers.
Here are those that stand for themselves; `workbench.engine.combining` has those made of others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from workbench.engine.state import Table
from workbench.model.triggers import AfterCount, AfterProcessingTime, AtExpiry, ContinuousEventTime
from workbench.time import END_OF_TIME, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Some spans of a table, and how far time is for them; arrays of equal length."""

    table: Table
    spans: Ints
    watermark: Nanos
    now: int

    @property
    def passed(self) -> Mask:
        """Whether the watermark has passed the end of each span."""
        return np.asarray(self.table["end"][self.spans] <= self.watermark)

    def only(self, chosen: Mask | Ints) -> Moment:
        """Look at some of the spans only, by mask or position."""
        return replace(self, spans=self.spans[chosen], watermark=self.watermark[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """How many rows came to each of some spans; of the first of them, its place in the batch and its time."""

    counts: Ints
    place: Ints
    first: Nanos

    @classmethod
    def of(cls, groups: Ints, times: Nanos, places: Ints, count: int) -> Arrivals:
        """Take rows in order of arrival, with their place in the batch, of groups numbered from 0 on."""
        at = np.full(count, len(groups))
        np.minimum.at(at, groups, np.arange(len(groups)))
        return cls(np.bincount(groups, minlength=count), places[at], times[at])

    def append(self, other: Arrivals) -> Arrivals:
        """Put others behind these."""
        counts, place = np.append(self.counts, other.counts), np.append(self.place, other.place)
        return Arrivals(counts, place, np.append(self.first, other.first))

    def reduce(self, groups: Ints, count: int) -> Arrivals:
        """Put several together, by group."""
        counts = np.zeros(count, dtype=np.int64)
        np.add.at(counts, groups, self.counts)
        order = np.argsort(-self.place, kind="stable")  # of several, the one assigned last stays
        place, first = np.zeros((2, count), dtype=np.int64)
        place[groups[order]], first[groups[order]] = self.place[order], self.first[order]
        return Arrivals(counts, place, first)

    def only(self, chosen: Any) -> Arrivals:
        """Look at some of the spans only, by mask or position."""
        return Arrivals(self.counts[chosen], self.place[chosen], self.first[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Merging:
    """Spans that are made of others: what those were, and which of the new ones each went into."""

    made: Moment
    into: Ints
    """For each span that was, the position of the new one."""
    old: Mapping[str, Ints]
    """What those were, by label."""

    def total(self, label: str) -> Ints:
        """Add a label up."""
        return np.bincount(self.into, weights=self.old[label], minlength=len(self.made.spans)).astype(
            np.int64
        )

    def any(self, label: str) -> Mask:
        """Say for which of the new spans a label was set in any old one."""
        return np.asarray(self.total(label) > 0)

    def all(self, label: str) -> Mask:
        """Say for which of the new spans a label was set in all old ones."""
        return np.asarray(self.total(label) == np.bincount(self.into, minlength=len(self.made.spans)))

    def set_earliest(self, armed: str, due: str) -> None:
        """Set a timer of the new spans to the earliest of those that were set in old ones."""
        earliest = np.full(len(self.made.spans), END_OF_TIME)
        np.minimum.at(earliest, self.into, np.where(self.old[armed] == 1, self.old[due], END_OF_TIME))
        self.made.table[due][self.made.spans] = earliest
        self.made.table[armed][self.made.spans] = earliest < END_OF_TIME


class Node(ABC):
    """A trigger at work; ``labels`` are the columns that it and those below it need."""

    states: ClassVar[tuple[str, ...]] = ()

    def __init__(self, numbers: Iterator[int], *parts: Node) -> None:
        number = next(numbers)  # keeps its columns apart from those of other nodes
        self.own = tuple(f"{name}_{number}" for name in self.states)
        self.parts = parts

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.own + tuple(label for part in self.parts for label in part.labels)

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        """Take note of rows; every part does."""
        for part in self.parts:
            part.arrive(at, rows)

    @abstractmethod
    def ready(self, at: Moment) -> Mask:
        """Say which spans should fire."""

    @abstractmethod
    def fire(self, at: Moment) -> None:
        """Take note that spans, for which it was ready, fire."""

    @abstractmethod
    def done(self, at: Moment) -> Mask:
        """Say for which spans this trigger has finished."""

    def insists(self, at: Moment) -> Mask:
        """Say which spans put out a pane even without new rows."""
        some = np.zeros(len(at.spans), dtype=bool)
        for part in self.parts:
            some |= part.insists(at)
        return some

    def clear(self, at: Moment) -> None:
        """Begin anew."""
        for label in self.own:
            at.table[label][at.spans] = 0
        for part in self.parts:
            part.clear(at)

    @abstractmethod
    def merge(self, what: Merging) -> None:
        """Give merged spans, which begin anew, the state of those that they are made of."""


class Once(Node):
    """A trigger that fires once; it has a column ``done``."""

    states: ClassVar[tuple[str, ...]] = ("done",)

    @property
    def flag(self) -> str:
        """The name of the column."""
        return self.own[0]

    def done(self, at: Moment) -> Mask:
        """Say whether it has fired."""
        return np.asarray(at.table[self.flag][at.spans] == 1)

    def fire(self, at: Moment) -> None:
        """Finish."""
        at.table[self.flag][at.spans] = 1

    def merge(self, what: Merging) -> None:
        """It has finished if it has in any part."""
        what.made.table[self.flag][what.made.spans] = what.any(self.flag)


class Count(Once):
    """`AfterCount` at work."""

    states: ClassVar[tuple[str, ...]] = ("done", "count")

    def __init__(self, numbers: Iterator[int], trigger: AfterCount) -> None:
        super().__init__(numbers)
        self.n = trigger.n

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        """Take note of rows."""
        at.table[self.own[1]][at.spans] += rows.counts

    def ready(self, at: Moment) -> Mask:
        """Say which spans should fire."""
        return np.asarray(~self.done(at) & (at.table[self.own[1]][at.spans] >= self.n))

    def fire(self, at: Moment) -> None:
        """Take note that spans fire."""
        super().fire(at)
        at.table[self.own[1]][at.spans] = 0

    def merge(self, what: Merging) -> None:
        """Take over the state of the parts."""
        super().merge(what)
        what.made.table[self.own[1]][what.made.spans] = what.total(self.own[1])


class ProcessingTime(Once):
    """`AfterProcessingTime` at work."""

    states: ClassVar[tuple[str, ...]] = ("done", "armed", "due")

    def __init__(self, numbers: Iterator[int], trigger: AfterProcessingTime) -> None:
        super().__init__(numbers)
        self.delay, self.align = trigger.delay, trigger.align

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        """Take note of rows."""
        _, armed, due = self.own
        fresh = at.spans[at.table[armed][at.spans] == 0]
        at.table[due][fresh] = (at.now // self.align + 1) * self.align if self.align else at.now + self.delay
        at.table[armed][fresh] = 1

    def ready(self, at: Moment) -> Mask:
        """Say which spans should fire."""
        _, armed, due = self.own
        waiting = ~self.done(at) & (at.table[armed][at.spans] == 1)
        return np.asarray(waiting & (at.table[due][at.spans] <= at.now))

    def fire(self, at: Moment) -> None:
        """Take note that spans fire."""
        super().fire(at)
        at.table[self.own[1]][at.spans] = 0

    def merge(self, what: Merging) -> None:
        """Take over the state of the parts."""
        super().merge(what)
        what.set_earliest(*self.own[1:])


class Continuous(Node):
    """`ContinuousEventTime` at work."""

    states: ClassVar[tuple[str, ...]] = ("armed", "due")

    def __init__(self, numbers: Iterator[int], trigger: ContinuousEventTime) -> None:
        super().__init__(numbers)
        self.every = trigger.every

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        """Take note of rows."""
        armed, due = self.own
        fresh = at.table[armed][at.spans] == 0
        at.table[due][at.spans[fresh]] = (rows.first[fresh] // self.every + 1) * self.every
        at.table[armed][at.spans] = 1

    def ready(self, at: Moment) -> Mask:
        """Say which spans should fire."""
        return self.insists(at) | at.passed

    def insists(self, at: Moment) -> Mask:
        """Fire when a multiple has been passed, with or without rows."""
        armed, due = self.own
        reached = (at.table[armed][at.spans] == 1) & (at.table[due][at.spans] <= at.watermark)
        return np.asarray(reached & ~at.passed)

    def fire(self, at: Moment) -> None:
        """Take note that spans fire."""
        at = at.only(~at.passed)
        at.table[self.own[1]][at.spans] = (at.watermark // self.every + 1) * self.every

    def done(self, at: Moment) -> Mask:
        """Never."""
        return np.zeros(len(at.spans), dtype=bool)

    def merge(self, what: Merging) -> None:
        """Take over the state of the parts."""
        what.set_earliest(*self.own)


class Never(Node):
    """`AtExpiry` at work: what has not been told then is told anyway."""

    def __init__(self, numbers: Iterator[int], trigger: AtExpiry) -> None:
        super().__init__(numbers)

    def ready(self, at: Moment) -> Mask:
        """Say which spans should fire."""
        return np.zeros(len(at.spans), dtype=bool)

    def fire(self, at: Moment) -> None:
        """Take note that spans fire."""

    def done(self, at: Moment) -> Mask:
        """Never."""
        return np.zeros(len(at.spans), dtype=bool)

    def merge(self, what: Merging) -> None:
        """Take over the state of the parts."""
