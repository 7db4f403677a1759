"""Instruments: devices that read some quantities at a steady rate, and are at fault at times.

What they have in common: when readings are taken, which are missing, and how faults get into them.
Families say where devices are, and what there is to measure.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import Simulator, Table, Truth
from simulators.ordering import IntArray, stable_order
from simulators.parameters import positive, require, share
from simulators.processes import FloatArray
from simulators.sensors.episodes import KINDS, Channel, Episode, Episodes, Marks, put_in

BLOCK = 10.0
"""Length of a block, seconds."""

READINGS, FAULTS = 3, 4
"""Components of randomness; families use 1, 2 and those from 5 on."""


class Quantity(NamedTuple):
    """How one quantity is written down."""

    digits: int
    """Decimal digits."""
    step: float = 0.0
    """By how much it is wrong in a fault, in its unit or its logarithm; 0 for what is never wrong."""
    by_factor: bool = False
    """Whether it is wrong by a factor."""
    lost: bool = False
    """Whether it is NaN in a dropout though it is never wrong."""
    low: float = -np.inf
    high: float = np.inf
    """The range of the instrument, both ends included."""


class Instruments(Simulator):
    """Base of the families of devices; see `Sensors`, `City`, `Fleet` and `Servers`."""

    hertz: float
    missing: float
    faults: float

    block: ClassVar[pd.Timedelta] = pd.Timedelta(BLOCK, unit="s")
    label: ClassVar[str] = "fault"
    kinds: ClassVar[tuple[str, ...]] = KINDS
    quantities: ClassVar[dict[str, Quantity]]
    """What is read, in the order of the columns."""
    fault_length: ClassVar[tuple[float, float]] = (10.0, 60.0)
    """Shortest and longest fault other than a spike, seconds."""
    fault_cell: ClassVar[float] = BLOCK
    """Faults that begin within so many seconds are drawn together."""

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("hertz", self.hertz, unit="readings of a device per second")
        readings = self.hertz * BLOCK
        require(
            1 <= readings <= 1e6 and abs(readings - round(readings)) < 1e-9,
            f"hertz is {self.hertz!r}",
            detail="A block of 10 s must hold a whole number of readings of a device, 1 to 1e6.",
            hint="Write for example hertz=0.1, hertz=2.5 or hertz=10.",
        )
        share("missing", self.missing)
        share("faults", self.faults, below=0.5)

    # What a family says.

    @property
    @abstractmethod
    def _count(self) -> int:
        """The number of devices."""

    @cached_property
    @abstractmethod
    def _phase(self) -> FloatArray:
        """When within its period each device reads, in [0, 1)."""

    @abstractmethod
    def _state(self, block: int, tick: FloatArray, time: FloatArray) -> Table:
        """Return the true quantities of all devices, a row a device.

        ``tick`` is the time that all devices have in common, in blocks; ``time`` is when each reads, in
        seconds since the beginning of the block.
        """

    @abstractmethod
    def _measured(self, state: Table, rng: np.random.Generator, shape: tuple[int, int]) -> Table:
        """Return what healthy devices read; arrays of their own."""

    @abstractmethod
    def _labels(self, device: IntArray) -> Table:
        """Return the columns that say which device it is, and where."""

    # How it is done.

    def _generate(self, block: int) -> tuple[Table, Truth]:
        rng = self._rng(READINGS, block)
        samples = round(self.hertz * BLOCK)
        shape = (self._count, samples)
        tick = (np.arange(samples) + 0.5) / samples
        step = BLOCK / samples
        jitter = 0.2 * step * (rng.random(shape) - 0.5)
        late = (self._phase[:, None] - 0.5) * 0.8 * step
        time = tick * BLOCK + late + jitter

        state = self._state(block, tick, time)
        values = self._measured(state, rng, shape)
        marks = self._broken(block, time, values, rng)

        order = np.flatnonzero(rng.random(shape) >= self.missing)
        micros = (time.ravel()[order] * 1e6).astype(np.int64)
        by_time = stable_order(micros)
        order, micros = order[by_time], micros[by_time]
        table: Table = {
            "event_time": micros + round(block * BLOCK * 1e6),
            **self._labels(order // samples),
            **{name: _written(values[name], order, how) for name, how in self.quantities.items()},
        }
        kind = marks.kind.ravel()[order]
        rows = np.flatnonzero(kind >= 0)
        return table, Truth(rows, kind[rows], marks.number.ravel()[order[rows]])

    def _broken(self, block: int, time: FloatArray, values: Table, rng: np.random.Generator) -> Marks:
        """Put the faults into one block, in place."""
        origin = block * BLOCK
        cells = self._episodes.cells(origin, origin + BLOCK)
        return put_in(
            [episode for cell in cells for episode in self._episodes_of(cell)],
            origin=origin,
            time=time,
            channels=[
                Channel(values[name], self.quantities[name].step, self.quantities[name].by_factor)
                for name in self._breakable
            ],
            lost=[values[name] for name in self._lost],
            usual=self._usual,
            rng=rng,
        )

    @cached_property
    def _breakable(self) -> tuple[str, ...]:
        return tuple(name for name, how in self.quantities.items() if how.step)

    @cached_property
    def _lost(self) -> tuple[str, ...]:
        return tuple(name for name, how in self.quantities.items() if how.lost and not how.step)

    @cached_property
    def _episodes(self) -> Episodes:
        shortest, longest = self.fault_length
        return Episodes(
            devices=self._count,
            share=self.faults,
            shortest=shortest,
            longest=longest,
            cell=self.fault_cell,
            channels=len(self._breakable),
        )

    @cached_property
    def _episodes_of(self) -> Callable[[int], list[Episode]]:
        def make(cell: int) -> list[Episode]:
            return self._episodes.of_cell(cell, self._rng(FAULTS, cell + self._episodes.look_back))

        return lru_cache(maxsize=self._episodes.look_back + 2)(make)

    def _usual(self, when: float, channel: int, device: int) -> float:
        block, within = divmod(when / BLOCK, 1)
        state = self._state(int(block), np.array([within]), np.array([[within * BLOCK]]))
        return float(state[self._breakable[channel]][device, 0])

    @cached_property
    def _hours_before(self) -> float:
        """Hours from a Monday's midnight to the start."""
        monday = self.start.normalize() - pd.Timedelta(self.start.day_of_week, unit="D")
        return float((self.start - monday).total_seconds() / 3600)

    def _hours(self, block: int, tick: FloatArray) -> FloatArray:
        """Return hours since the midnight that began the week of the start."""
        return self._hours_before + (block + tick) * (BLOCK / 3600)

    @cached_property
    def _season(self) -> float:
        """How wintry the start is: 1 in the middle of January, -1 in that of July."""
        return float(np.cos((self.start.day_of_year - 16) / 365 * 2 * np.pi))


def _written(values: npt.NDArray[Any], order: IntArray, how: Quantity) -> npt.NDArray[Any]:
    taken = values.ravel()[order]
    if taken.dtype.kind == "i":
        return taken
    if how.low > -np.inf or how.high < np.inf:
        np.clip(taken, how.low, how.high, out=taken)
    return np.round(taken, how.digits, out=taken)
