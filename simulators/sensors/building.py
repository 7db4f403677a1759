"""Sensors: temperature, humidity and battery of devices in a building, with labelled faults.

Temperatures follow the day and a slow noise that the site, its zones and each device share in part
(the correlated fields of the Intel Lab data).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from simulators.base import EVENT_ID, EVENT_TIME, Column, Table
from simulators.delivery.road import IOT, Delivery
from simulators.ordering import IntArray
from simulators.parameters import whole
from simulators.processes import FloatArray, layered_noise
from simulators.sensors.instruments import BLOCK, Instruments, Quantity

_NOISE, _DEVICES = 1, 2

_SPANS = (6, 24, 90, 360, 1440)
"""Slow noise of 1, 4, 15, 60 minutes and 4 hours, in blocks of 10 s."""


class _Places(NamedTuple):
    zone: IntArray
    phase: FloatArray
    bias: FloatArray
    age: FloatArray


@dataclass(frozen=True, kw_only=True)
class Sensors(Instruments):
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
    key_column: ClassVar[str] = "device"
    pace: ClassVar[str] = "devices"
    family: ClassVar[int] = 3
    quantities: ClassVar[dict[str, Quantity]] = {
        "temperature": Quantity(2, step=1.0),
        "humidity": Quantity(2, lost=True),
        "battery": Quantity(3),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("devices", self.devices, least=1, most=30_000)
        whole("zones", self.zones, least=1, most=100)

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

    @property
    def _count(self) -> int:
        return self.devices

    @cached_property
    def _phase(self) -> FloatArray:
        return self._places.phase

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

    def _state(self, block: int, tick: FloatArray, time: FloatArray) -> Table:
        count, places = self.devices, self._places
        slow = layered_noise(self._field, block=block, within=tick, spans=_SPANS)
        day = np.cos((self._hours(block, tick) - 15) / 24 * 2 * np.pi)
        base = 20.5 + 0.8 * np.sin(2.4 * places.zone) + places.bias
        swing = 2.0 + 0.5 * np.cos(1.7 * places.zone)
        temperature = base[:, None] + swing[:, None] * day + slow[:count]
        humidity = np.clip(48 - 1.8 * (temperature - 20.5) + 1.5 * slow[count:], 5, 95)
        return {
            "temperature": temperature,
            "humidity": humidity,
            "battery": self._fresh(block)[:, None],
        }

    def _fresh(self, block: int) -> FloatArray:
        """Return voltages at 20 °C: from 3.0 to 2.4 V in 90 days, then a fresh battery."""
        days = (self._places.age + block * BLOCK / 86_400) % 90
        return 3.0 - 0.6 * days / 90

    def _measured(self, state: Table, rng: np.random.Generator, shape: tuple[int, int]) -> Table:
        temperature = state["temperature"] + 0.05 * rng.standard_normal(shape)
        humidity = state["humidity"] + 0.3 * rng.standard_normal(shape)
        # Colder is lower.
        battery = state["battery"] + 0.004 * (temperature - 20) + 0.003 * rng.standard_normal(shape)
        return {"temperature": temperature, "humidity": humidity, "battery": battery}

    def _labels(self, device: IntArray) -> Table:
        return {"device": device.astype(np.int16), "zone": self._places.zone[device].astype(np.int8)}
