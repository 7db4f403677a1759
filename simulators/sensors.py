"""Sensors: temperature, humidity and battery of devices in a building, with labelled faults.

Temperatures follow the day and a slow noise that the site, its zones and each device share in part
(the correlated fields of the Intel Lab data). Faults are episodes with the kinds of Sharma,
Golubchik and Govindan (2010), Sensor Faults: SHORT (here spike), CONSTANT (stuck) and NOISE, and
drift, dropout.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column, Simulator, Table, Truth
from simulators.delivery import IOT, Delivery
from simulators.ordering import IntArray, stable_order
from simulators.parameters import positive, require, share, whole
from simulators.processes import FloatArray, layered_noise

_NOISE, _DEVICES, _READINGS, _FAULTS = 1, 2, 3, 4

_BLOCK = 10.0
_SPANS = (6, 24, 90, 360, 1440)
"""Slow noise of 1, 4, 15, 60 minutes and 4 hours, in blocks of 10 s."""

_KINDS = ("spike", "stuck", "noise", "drift", "dropout")
_SPIKE, _STUCK, _NOISY, _DRIFT, _DROPOUT = range(5)
_SHORTEST, _LONGEST = 10.0, 60.0
"""Length of an episode other than a spike, seconds."""
_LOOK_BACK = int(_LONGEST / _BLOCK)


class _Episode(NamedTuple):
    number: int
    device: int
    kind: int
    begin: float
    """Seconds since the start."""
    length: float
    """Seconds."""
    size: float
    """Degrees Celsius, with a sign; for drift, reached at the end."""


class _Places(NamedTuple):
    zone: IntArray
    phase: FloatArray
    bias: FloatArray
    age: FloatArray


@dataclass(frozen=True, kw_only=True)
class Sensors(Simulator):
    """Simulate the readings of devices that measure air in the zones of a building.

    Parameters
    ----------
    devices
        Number of devices.
    hertz
        Readings of a device per second, a multiple of 0.1.
    zones
        Number of zones; devices are dealt to them in turn.
    missing
        Share of readings that are never taken, in [0, 1]: the row does not exist.
    faults
        Share of time that a device spends in an episode of stuck, noise, drift or dropout (10 to 60
        s each), in [0, 0.5]; spikes, of a single reading, begin as often as each of the others. A
        dropout keeps its rows, without temperature and humidity.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC.
    delivery
        How the readings arrive; a third of the devices loses its connection from time to time.

    Examples
    --------
    >>> readings = Sensors(seed=7).events("5min")
    >>> readings.columns.tolist()
    ['event_id', 'event_time', 'device', 'zone', 'temperature', 'humidity', 'battery']
    >>> Sensors(seed=7).truth("5min")["label"].unique().tolist()
    ['fault']
    """

    devices: int = 16
    hertz: float = 10.0
    zones: int = 4
    missing: float = 0.02
    faults: float = 0.02
    delivery: Delivery = IOT

    name: ClassVar[str] = "sensors"
    block: ClassVar[pd.Timedelta] = pd.Timedelta(_BLOCK, unit="s")
    label: ClassVar[str] = "fault"
    kinds: ClassVar[tuple[str, ...]] = _KINDS
    key_column: ClassVar[str] = "device"
    family: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("devices", self.devices, least=1, most=30_000)
        whole("zones", self.zones, least=1, most=100)
        positive("hertz", self.hertz, unit="readings of a device per second")
        readings = self.hertz * _BLOCK
        require(
            1 <= readings <= 1e6 and abs(readings - round(readings)) < 1e-9,
            f"hertz is {self.hertz!r}",
            detail="A block of 10 s must hold a whole number of readings of a device, 1 to 1e6.",
            hint="Write for example hertz=0.1, hertz=2.5 or hertz=10.",
        )
        share("missing", self.missing)
        share("faults", self.faults, below=0.5)

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        devices = tuple(f"device-{number:03d}" for number in range(self.devices))
        zones = tuple(f"zone-{number + 1}" for number in range(self.zones))
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("device", "category", "The device that measured.", categories=devices),
            Column("zone", "category", "Where it hangs.", categories=zones),
            Column("temperature", "float64", "Air temperature; NaN in a dropout.", unit="°C"),
            Column("humidity", "float64", "Relative humidity; NaN in a dropout.", unit="%"),
            Column("battery", "float64", "Voltage of the battery.", unit="V"),
        )

    @cached_property
    def _places(self) -> _Places:
        rng = self._rng(_DEVICES)
        count = self.devices
        return _Places(
            zone=np.arange(count, dtype=np.int64) % self.zones,
            phase=rng.random(count),
            bias=0.3 * rng.standard_normal(count),
            age=90 * rng.random(count),
        )

    @cached_property
    def _field(self) -> Callable[[int, int], FloatArray]:
        """Give the normal numbers of one place in time: temperatures, then humidities."""

        def make(layer: int, cell: int) -> FloatArray:
            count = self.devices
            drawn = self._rng(_NOISE, layer, cell).standard_normal(1 + self.zones + 2 * count)
            site, zones = drawn[0], drawn[1 : 1 + self.zones]
            own, damp = drawn[1 + self.zones :].reshape(2, count)
            mixed: FloatArray = 0.9 * site + 0.7 * zones[self._places.zone] + 0.3 * own
            return np.concatenate([mixed, damp])

        return lru_cache(maxsize=4 * len(_SPANS))(make)

    def _generate(self, block: int) -> tuple[Table, Truth]:
        rng = self._rng(_READINGS, block)
        samples = round(self.hertz * _BLOCK)
        shape = (self.devices, samples)
        tick = (np.arange(samples) + 0.5) / samples
        step = _BLOCK / samples
        jitter = 0.2 * step * (rng.random(shape) - 0.5)
        late = (self._places.phase[:, None] - 0.5) * 0.8 * step
        time = tick * _BLOCK + late + jitter

        air, damp = self._air(block, tick)
        temperature = air + 0.05 * rng.standard_normal(shape)
        humidity = damp + 0.3 * rng.standard_normal(shape)
        battery = self._battery(block, temperature) + 0.003 * rng.standard_normal(shape)
        kind, episode = self._break(block, time, temperature, humidity, rng)

        order = np.flatnonzero(rng.random(shape) >= self.missing)
        micros = (time.ravel()[order] * 1e6).astype(np.int64)
        by_time = stable_order(micros)
        order, micros = order[by_time], micros[by_time]
        device = order // samples
        table: Table = {
            "event_time": micros + round(block * _BLOCK * 1e6),
            "device": device.astype(np.int16),
            "zone": self._places.zone[device].astype(np.int8),
            "temperature": np.round(temperature.ravel()[order], 2),
            "humidity": np.round(humidity.ravel()[order], 2),
            "battery": np.round(battery.ravel()[order], 3),
        }
        rows = np.flatnonzero(kind.ravel()[order] >= 0)
        return table, Truth(rows, kind.ravel()[order[rows]], episode.ravel()[order[rows]])

    def _air(self, block: int, within: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return true temperature and humidity of all devices, a row a device."""
        count, places = self.devices, self._places
        slow = layered_noise(self._field, block=block, within=within, spans=_SPANS)
        since_midnight = self.start - self.start.normalize()
        hour = (since_midnight.total_seconds() + (block + within) * _BLOCK) / 3600
        day = np.cos((hour - 15) / 24 * 2 * np.pi)
        base = 20.5 + 0.8 * np.sin(2.4 * places.zone) + places.bias
        swing = 2.0 + 0.5 * np.cos(1.7 * places.zone)
        temperature = base[:, None] + swing[:, None] * day + slow[:count]
        humidity = np.clip(48 - 1.8 * (temperature - 20.5) + 1.5 * slow[count:], 5, 95)
        return temperature, humidity

    def _battery(self, block: int, temperature: FloatArray) -> FloatArray:
        """Return voltages: from 3.0 to 2.4 V in 90 days, then a fresh battery; colder is lower."""
        days = (self._places.age + block * _BLOCK / 86_400) % 90
        return (3.0 - 0.6 * days / 90)[:, None] + 0.004 * (temperature - 20)

    def _break(
        self,
        block: int,
        time: FloatArray,
        temperature: FloatArray,
        humidity: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[npt.NDArray[np.int8], IntArray]:
        """Put the faults into one block, in place; return kind (-1 for none) and episode."""
        kind = np.full(time.shape, -1, np.int8)
        number = np.zeros(time.shape, np.int64)
        # By kind: where episodes meet on a device, a dropout has the last word.
        for episode in sorted(self._episodes(block), key=lambda episode: episode.kind):
            row = episode.device
            begin = episode.begin - block * _BLOCK
            first, last = np.searchsorted(time[row], [begin, begin + episode.length])
            if episode.kind == _SPIKE:
                last = first + (begin >= 0 and first < time.shape[1])
            if first == last:
                continue
            here = slice(first, last)
            kind[row, here], number[row, here] = episode.kind, episode.number
            if episode.kind == _SPIKE:
                temperature[row, here] += 3 * episode.size
            elif episode.kind == _STUCK:
                born, within = divmod(episode.begin / _BLOCK, 1)
                air, _ = self._air(int(born), np.array([within]))
                temperature[row, here] = air[row, 0]
            elif episode.kind == _NOISY:
                temperature[row, here] += 2.0 * rng.standard_normal(last - first)
            elif episode.kind == _DRIFT:
                grown = (time[row, here] - begin) / episode.length
                temperature[row, here] += episode.size * grown
            else:
                temperature[row, here] = humidity[row, here] = np.nan
        return kind, number

    def _episodes(self, block: int) -> Iterator[_Episode]:
        """Yield the episodes that can reach into a block, by birth; some began before the start."""
        often = self.faults / (4 * (_SHORTEST + _LONGEST) / 2) * len(_KINDS)
        for born in range(block - _LOOK_BACK, block + 1):
            code = born + _LOOK_BACK
            rng = self._rng(_FAULTS, code)
            count = rng.poisson(often * self.devices * _BLOCK)
            device = rng.integers(0, self.devices, count)
            kind = rng.integers(0, len(_KINDS), count)
            begin = (born + rng.random(count)) * _BLOCK
            length = rng.uniform(_SHORTEST, _LONGEST, count)
            size = rng.uniform(2.5, 5.0, count) * rng.choice([-1.0, 1.0], count)
            for n in range(count):
                if begin[n] >= 0 or kind[n] != _STUCK:
                    yield _Episode(
                        code * IDS_PER_BLOCK + n,
                        int(device[n]),
                        int(kind[n]),
                        float(begin[n]),
                        float(length[n]),
                        float(size[n]),
                    )
