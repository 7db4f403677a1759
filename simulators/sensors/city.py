"""City: air, fine dust and noise at stations outdoors, with labelled faults.

Dust is log-normal (Ott 1990, A Physical Explanation of the Lognormality of Pollutant Concentrations) and
peaks when people drive to work and home again; noise follows traffic; both and the air's temperature
share slow fields that stations near each other share more of.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, Column, Table
from simulators.delivery.road import IOT, Delivery
from simulators.ordering import IntArray
from simulators.parameters import whole
from simulators.processes import FloatArray, layered_noise
from simulators.sensors.fields import by_hour, kernels, sunflower
from simulators.sensors.instruments import BLOCK, Instruments, Quantity

_NOISE, _STATIONS = 1, 2

MIDDLE = (48.1, 11.5)
"""Latitude and longitude of the middle of the city, degrees."""
_RADIUS = 7.0
"""Of the city, kilometres."""
_DEGREE = 111.2
"""Of latitude, kilometres."""

DISTRICTS = ("centre", "north", "east", "south", "west")
_CENTRE = 2.5
"""Radius of the district in the middle, kilometres."""

_SPANS = (6, 60, 360, 1440, 8640)
"""Slow noise of 1 and 10 minutes, 1 and 4 hours and a day, in blocks of 10 s."""
_SIZES = (0.25, 0.35, 0.50, 0.55, 0.50)
"""Standard deviation of each; the squares add up to 1."""
_TOGETHER = (0.0, 0.2, 0.45, 0.6, 0.7)
"""Share of each one's variance that the whole city has in common."""
_WIDTHS = (1.0, 1.5, 1.8, 2.2, 3.0)
"""Kernels of the rest, kilometres."""
_KNOTS = 100

# fmt: off
_TRAFFIC = (0.18, 0.10, 0.07, 0.08, 0.15, 0.40, 0.75, 1.00, 0.95, 0.75, 0.66, 0.66,
            0.70, 0.70, 0.72, 0.80, 0.94, 1.00, 0.90, 0.70, 0.52, 0.42, 0.36, 0.29)
_LAZY = (0.22, 0.25, 0.18, 0.12, 0.10, 0.13, 0.20, 0.28, 0.40, 0.52, 0.62, 0.66,
         0.68, 0.66, 0.65, 0.66, 0.68, 0.66, 0.60, 0.52, 0.45, 0.40, 0.36, 0.25)
_WARMTH = (-0.62, -0.70, -0.77, -0.84, -0.91, -0.97, -1.00, -0.92, -0.66, -0.28, 0.16, 0.55,
           0.83, 0.97, 1.00, 0.90, 0.66, 0.38, 0.13, -0.06, -0.21, -0.33, -0.44, -0.53)
# fmt: on
_WEEK = 5 * _TRAFFIC + 2 * _LAZY


class _Stations(NamedTuple):
    plane: FloatArray
    """East and north of the middle, kilometres."""
    district: IntArray
    phase: FloatArray
    road: FloatArray
    """How much traffic passes: 1 on average, log-normal."""
    bias: FloatArray
    """Of temperature, logarithm of dust and noise; a row each."""


@dataclass(frozen=True, kw_only=True)
class City(Instruments):
    """Simulate the readings of stations that measure the air of a city, and its noise.

    Parameters
    ----------
    stations
        Number of stations; they are spread over a disc of 7 km around 48.1° N, 11.5° E.
    hertz
        Readings of a station per second, a multiple of 0.1.
    missing
        Share of readings that are never taken, in [0, 1]: the row does not exist.
    faults
        Share of time that a station spends in an episode of stuck, noise, drift or dropout (20 to 180 s
        each), in [0, 0.5]; spikes, of a single reading, begin as often as each of the others. All but a
        dropout hit one quantity; a dropout keeps its rows, with position and battery only.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC; it decides on the season.
    delivery
        How the readings arrive; a third of the stations loses its connection from time to time.

    Examples
    --------
    >>> readings = City(seed=7).events("5min")
    >>> readings.columns.tolist()[2:]
    ['station', 'district', 'latitude', 'longitude', 'temperature', 'pm25', 'noise', 'battery']
    >>> City(seed=7).truth("1h")["label"].unique().tolist()
    ['fault']
    """

    stations: int = 24
    hertz: float = 1.0
    missing: float = 0.03
    faults: float = 0.02
    delivery: Delivery = IOT

    name: ClassVar[str] = "city"
    key_column: ClassVar[str] = "station"
    pace: ClassVar[str] = "stations"
    family: ClassVar[int] = 6
    fault_length: ClassVar[tuple[float, float]] = (20.0, 180.0)
    fault_cell: ClassVar[float] = 60.0
    quantities: ClassVar[dict[str, Quantity]] = {
        "temperature": Quantity(2, step=1.2, low=-40, high=60),
        "pm25": Quantity(1, step=0.25, by_factor=True, low=0, high=1000),
        "noise": Quantity(1, step=4.0, low=25, high=130),
        "battery": Quantity(3),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("stations", self.stations, least=1, most=30_000)

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        stations = tuple(f"station-{number:03d}" for number in range(self.stations))
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("station", "category", "The station that measured.", categories=stations),
            Column("district", "category", "The part of the city.", categories=DISTRICTS),
            Column("latitude", "float64", "Where it stands, north.", unit="°"),
            Column("longitude", "float64", "Where it stands, east.", unit="°"),
            Column("temperature", "float64", "Air temperature; NaN in a dropout.", unit="°C"),
            Column("pm25", "float64", "Dust finer than 2.5 µm; NaN in a dropout.", unit="µg/m³"),
            Column("noise", "float64", "Sound level, A-weighted; NaN in a dropout.", unit="dB"),
            Column("battery", "float64", "Voltage of the battery, which the sun charges.", unit="V"),
        )

    def borders(self) -> pd.DataFrame:
        """Return the borders of districts, as lines: ``line`` (int64), ``longitude``, ``latitude`` (°).

        Examples
        --------
        >>> City().borders().groupby("line").size().tolist()
        [73, 73, 2, 2, 2, 2]
        """
        turn = np.linspace(0, 2 * np.pi, 73)
        rings = [radius * np.array([np.sin(turn), np.cos(turn)]) for radius in (_CENTRE, 1.08 * _RADIUS)]
        ways = np.pi / 4 + np.arange(4) * np.pi / 2  # half way between north, east, south and west
        between = np.array([_CENTRE, 1.08 * _RADIUS])
        lines = [*rings, *(np.outer([np.sin(way), np.cos(way)], between) for way in ways)]
        east, north = np.concatenate(lines, axis=1)
        longitude, latitude = _degrees(east, north)
        line = np.repeat(np.arange(len(lines)), [one.shape[1] for one in lines])
        return pd.DataFrame({"line": line, "longitude": longitude, "latitude": latitude})

    @property
    def _count(self) -> int:
        return self.stations

    @cached_property
    def _phase(self) -> FloatArray:
        return self._places.phase

    @cached_property
    def _places(self) -> _Stations:
        rng = self._rng(_STATIONS)
        count = self.stations
        plane = sunflower(count, _RADIUS) + 0.3 * rng.standard_normal((count, 2))
        east, north = plane.T
        # The four quarters lie around north, east, south, west.
        quarter = np.floor(((np.arctan2(east, north) / (np.pi / 2)) + 0.5) % 4).astype(np.int64)
        return _Stations(
            plane=plane,
            district=np.where(np.hypot(east, north) < _CENTRE, 0, 1 + quarter),
            phase=rng.random(count),
            road=np.exp(0.4 * rng.standard_normal(count) - 0.08),
            bias=np.array([[0.25], [0.12], [1.0]]) * rng.standard_normal((3, count)),
        )

    @cached_property
    def _position(self) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude."""
        longitude, latitude = _degrees(*self._places.plane.T)
        return np.round(latitude, 5), np.round(longitude, 5)

    @cached_property
    def _weights(self) -> list[FloatArray]:
        """By layer, what stations make of the noise at knots; the first of these is the whole city's."""
        knots = sunflower(_KNOTS, 1.4 * _RADIUS)
        scale = np.sqrt(len(_SPANS)) * np.array(_SIZES)
        return [
            size * np.column_stack([np.full(self.stations, together**0.5), (1 - together) ** 0.5 * local])
            for size, together, local in zip(
                scale,
                _TOGETHER,
                (kernels(self._places.plane, knots, width) for width in _WIDTHS),
                strict=True,
            )
        ]

    @cached_property
    def _field(self) -> Callable[[int, int], FloatArray]:
        """Give the normal numbers of one place in time: temperatures, then dust, then noise."""

        def make(layer: int, cell: int) -> FloatArray:
            drawn = self._rng(_NOISE, layer, cell).standard_normal((1 + _KNOTS, 3))
            return (self._weights[layer] @ drawn).T.ravel()

        return lru_cache(maxsize=4 * len(_SPANS))(make)

    def _state(self, block: int, tick: FloatArray, time: FloatArray) -> Table:
        places, count = self._places, self.stations
        slow = layered_noise(self._field, block=block, within=tick, spans=_SPANS)
        air, dust, sound = slow[:count], slow[count : 2 * count], slow[2 * count :]
        hours = self._hours(block, tick)
        traffic = by_hour(_WEEK, hours)
        warmth = by_hour(_WARMTH, hours)

        distance = np.hypot(*places.plane.T) / _RADIUS
        mean = 9 - 10 * self._season + 1.5 * (1 - distance) + places.bias[0]
        swing = (4.0 - 1.5 * self._season) * (0.8 + 0.2 * distance)
        temperature = mean[:, None] + swing[:, None] * warmth + 2.0 * air
        # Cold air lies still over a city, and keeps its dust.
        usual = np.log(10.5) + 0.25 * self._season + 0.25 * (1 - distance) + places.bias[1] - 0.35
        exposed = 0.65 + 0.15 * places.road
        pm25 = np.exp(usual[:, None] + exposed[:, None] * traffic - 0.10 * warmth + 0.42 * dust)
        loud = 58 + 9 * np.log10(places.road) + 4 * (1 - distance) + places.bias[2]
        # Twice the cars make it 3 dB louder; at night something else is always heard.
        noise = loud[:, None] + 10 * np.log10(0.08 + traffic) + 1.5 * sound
        return {
            "temperature": temperature,
            "pm25": pm25,
            "noise": noise,
            "battery": self._charged(block, hours, warmth),
        }

    def _charged(self, block: int, hours: FloatArray, warmth: FloatArray) -> FloatArray:
        """Return voltages: charged while the sun shines, lower in an old battery and in winter."""
        sun = np.sin(((hours - 10) % 24) / 24 * 2 * np.pi) + 0.2 * warmth
        age = (self._phase * 700 + block * BLOCK / 86_400) % 700
        full = 3.95 - 0.1 * self._season - 0.25 * age / 700
        return full[:, None] + 0.08 * sun

    def _measured(self, state: Table, rng: np.random.Generator, shape: tuple[int, int]) -> Table:
        dust = state["pm25"]
        # Cars that pass make it louder at once; nothing makes it as much quieter.
        passing = rng.standard_exponential(shape) - 1
        return {
            "temperature": state["temperature"] + 0.08 * rng.standard_normal(shape),
            "pm25": dust + (0.3 + 0.05 * dust) * rng.standard_normal(shape),
            "noise": state["noise"] + 1.2 * passing,
            "battery": state["battery"] + 0.003 * rng.standard_normal(shape),
        }

    def _labels(self, device: IntArray) -> Table:
        latitude, longitude = self._position
        return {
            "station": device.astype(np.int16),
            "district": self._places.district.astype(np.int8)[device],
            "latitude": latitude[device],
            "longitude": longitude[device],
        }


def _degrees(east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give longitude and latitude of places, by their kilometres from the middle."""
    latitude, longitude = MIDDLE
    return longitude + east / (_DEGREE * np.cos(np.radians(latitude))), latitude + north / _DEGREE
