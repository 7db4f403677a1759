"""Faults of the road: events come late, in heaps, in another order, or not at all."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from simulators.delivery.parcel import Draw, Parcel
from simulators.ordering import IntArray
from simulators.parameters import Duration, duration, microseconds, require, share

NEVER = pd.Timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Fault(ABC):
    """What may befall events between the device and us; all are labelled in ``delivery_truth``."""

    kind: ClassVar[str]
    """Its name in the truth."""
    at_device: ClassVar[bool] = False
    """Whether it strikes before the road, and not on it."""

    @property
    def max_delay(self) -> pd.Timedelta:
        """By how much it makes an event later, at most."""
        return NEVER

    @abstractmethod
    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Change a parcel, and mark what has been changed."""

    def arrived(self, parcel: Parcel, rows: IntArray, time: IntArray) -> None:  # noqa: B027 # most have nothing to do
        """Mark what is known only when all has arrived: rows of the parcel, and when."""


class _Spell(NamedTuple):
    number: int
    begin: int
    rows: slice


@dataclass(frozen=True, kw_only=True)
class Spells(Fault):
    """A fault that comes and goes.

    Time since the start is cut into periods of ``every``; each holds one spell, at a place that the seed
    decides.

    Parameters
    ----------
    every
        Length of a period, a duration.
    length
        Length of a spell, a duration of at most half a period.
    share
        Share of the keys (of a `BurstyLoss`, of the events) that are struck, in [0, 1].
    """

    every: Duration = "15min"
    length: Duration = "3min"
    share: float = 1 / 3

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "every", duration("every", self.every))
        object.__setattr__(self, "length", duration("length", self.length))
        require(
            pd.Timedelta(0) < self.length <= self.every / 2,
            f"{self.kind} length is {self.length} in a period of {self.every}",
            detail="A spell must be longer than nothing and leave half of its period to recover.",
            hint=f'Write for example {name}(every="15min", length="3min").',
        )
        share("share", self.share)

    def spells(self, parcel: Parcel, draw: Draw) -> Iterator[tuple[_Spell, float]]:
        """Yield each spell that holds events of a parcel, and a uniform number of its own."""
        time = parcel.time
        every, length = microseconds(self.every), microseconds(self.length)
        for period in range(int(time[0]) // every, int(time[-1]) // every + 1):
            place, phase = draw(period).random(2)
            begin = period * every + int(place * (every - length))
            first, last = np.searchsorted(time, [begin, begin + length])
            if first < last:
                yield _Spell(period, begin, slice(int(first), int(last))), float(phase)

    def struck(self, parcel: Parcel, draw: Draw) -> Iterator[tuple[_Spell, IntArray]]:
        """Yield each spell, and the events of the keys that it strikes."""
        for spell, phase in self.spells(parcel, draw):
            rows = np.flatnonzero(parcel.of_keys(self.share, phase)[spell.rows]) + spell.rows.start
            parcel.mark(self.kind, rows, spell.number)
            yield spell, rows


@dataclass(frozen=True, kw_only=True)
class Outage(Spells):
    """Say how often some keys lose their connection, and how they catch up.

    What the cut-off keys observe meanwhile is stored, and is forwarded in order when the outage ends,
    ``catch_up`` times as fast as it was observed.

    Parameters
    ----------
    every
        Length of a period, a duration; each holds one outage, at a place that the seed decides.
    length
        Length of an outage, a duration of at most half a period.
    share
        Share of the keys that are cut off, in [0, 1].
    catch_up
        Speed of forwarding, as a multiple of real time, 1 or more.

    Examples
    --------
    >>> Outage(every="15min", length="3min").length
    Timedelta('0 days 00:03:00')
    """

    catch_up: float = 20.0

    kind: ClassVar[str] = "outage"
    at_device: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            1 <= self.catch_up < float("inf"),
            f"catch_up is {self.catch_up!r}",
            detail="Stored events are forwarded catch_up times as fast as they were observed.",
            hint="Write for example catch_up=20.",
        )

    @property
    def max_delay(self) -> pd.Timedelta:
        """The length of an outage."""
        return pd.Timedelta(self.length)

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Let cut-off events leave when the outage has ended."""
        length = microseconds(self.length)
        for spell, rows in self.struck(parcel, draw):
            since = parcel.time[rows] - spell.begin
            forwarded = spell.begin + length + (since / self.catch_up).astype(np.int64)
            parcel.arrival[rows] = np.maximum(parcel.arrival[rows], forwarded)  # there may be another outage


@dataclass(frozen=True, kw_only=True)
class Idle(Spells):
    """Let some keys fall silent: what they observe meanwhile never arrives, as of a partition that is idle.

    Examples
    --------
    >>> Idle(every="10min", length="1min", share=0.5).kind
    'idle'
    """

    kind: ClassVar[str] = "idle"
    at_device: ClassVar[bool] = True

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Drop what silent keys observe."""
        for _, rows in self.struck(parcel, draw):
            parcel.kept[rows] = False


@dataclass(frozen=True, kw_only=True)
class Burst(Spells):
    """Let a gateway hold back what it gets, and hand it over in one heap at the end.

    Examples
    --------
    >>> Burst(every="1min", length="10s", share=1.0).max_delay
    Timedelta('0 days 00:00:10')
    """

    kind: ClassVar[str] = "burst"

    @property
    def max_delay(self) -> pd.Timedelta:
        """The length of a spell."""
        return pd.Timedelta(self.length)

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Let held-back events arrive together."""
        length = microseconds(self.length)
        for spell, rows in self.struck(parcel, draw):
            parcel.arrival[rows] = np.maximum(parcel.arrival[rows], spell.begin + length)


@dataclass(frozen=True, kw_only=True)
class BurstyLoss(Spells):
    """Lose events in spells: most come through, but in a spell a share of them does not.

    After Gilbert 1960, with spells at places that the seed decides in place of a chain of states.

    Examples
    --------
    >>> BurstyLoss(every="5min", length="5s", share=0.6).kind
    'loss'
    """

    kind: ClassVar[str] = "loss"

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Drop events of a spell."""
        for spell, _ in self.spells(parcel, draw):
            lost = draw(spell.number, parcel.block).random(spell.rows.stop - spell.rows.start) < self.share
            rows = np.flatnonzero(lost) + spell.rows.start
            parcel.kept[rows] = False
            parcel.mark(self.kind, rows, spell.number)


@dataclass(frozen=True, kw_only=True)
class Reorder(Fault):
    """Hold some events back for a moment, so that later ones overtake them.

    Parameters
    ----------
    share
        Share of the events, in [0, 1].
    by
        Longest time that one is held back, a duration.

    Examples
    --------
    >>> Reorder(share=0.1, by="3s").max_delay
    Timedelta('0 days 00:00:03')
    """

    share: float = 0.1
    by: Duration = "3s"

    kind: ClassVar[str] = "reorder"

    def __post_init__(self) -> None:
        share("share", self.share)
        object.__setattr__(self, "by", duration("by", self.by))

    @property
    def max_delay(self) -> pd.Timedelta:
        """The longest time that an event is held back."""
        return pd.Timedelta(self.by)

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Delay a share of the events."""
        rng = draw(parcel.block)
        rows = np.flatnonzero(rng.random(len(parcel.time)) < self.share)
        parcel.arrival[rows] += (rng.random(len(rows)) * microseconds(self.by)).astype(np.int64)
        parcel.mark(self.kind, rows, 0)
