"""Fleet: vehicles that go round on routes through a city, with labelled faults.

A vehicle drives a whole number of laps a day. How far it is follows from the time of day alone: the
traffic of that day on its route, which holds all its vehicles up together, says what part of the day's
laps is done, and the lap's own table of stops and speeds says where that is. Speed is the slope of the way
behind, so that position, speed and odometer agree.
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
from simulators.sensors.fields import by_hour
from simulators.sensors.instruments import BLOCK, Instruments, Quantity
from simulators.sensors.routes import BINS, POINTS, Laps, Way, between, laps, way

_NOISE, _VEHICLES, _ROUTES, _TRAFFIC = 1, 2, 5, 6

_NORTH, _EAST = 48.1, 11.5
"""The middle of the city, degrees."""
_RADIUS = 6.0
"""Of the city, kilometres."""
_DEGREE = 111.2
"""Of latitude, kilometres."""

_VARIANTS = 8
"""Laps of a route that differ."""
_ORDER = 64
"""A vehicle drives them in an order of its own, of so many laps."""
_MINUTES = 1440
_SPANS = (18, 90, 360, 2160)
"""Slow noise of 3 and 15 minutes, 1 and 6 hours, in blocks of 10 s."""
_WARM, _COOL = 0.10, 1.2
"""Hours in which an engine warms up and cools down by two thirds."""

# fmt: off
_PACE = (1.15, 1.15, 1.15, 1.15, 1.15, 1.12, 1.02, 0.80, 0.74, 0.90, 1.00, 1.00,
         0.96, 0.97, 0.98, 0.94, 0.82, 0.72, 0.80, 0.96, 1.05, 1.10, 1.12, 1.15)
# fmt: on
"""How fast traffic flows at each hour, 1 on average."""


class _Vehicles(NamedTuple):
    route: IntArray
    phase: FloatArray
    begin: FloatArray
    end: FloatArray
    """Hours at which a vehicle leaves its depot and is back; a row a day of the week."""
    laps: FloatArray
    """How many it drives; a row a day of the week."""
    order: IntArray
    hot: FloatArray
    """Temperature of the warm engine, degrees Celsius."""
    tank: FloatArray
    """Laps on a tank; and how many ago it was filled at the start."""
    age: FloatArray
    """Kilometres on the odometer at the start."""
    bias: FloatArray
    """What the speedometer shows of the true speed, as a factor."""


class _Progress(NamedTuple):
    """Of each vehicle, at the beginning of a block and how it goes on in it."""

    done: FloatArray
    """Laps since the start."""
    rate: FloatArray
    """Laps per second."""


@dataclass(frozen=True, kw_only=True)
class Fleet(Instruments):
    """Simulate what vehicles on routes through a city report of themselves.

    Parameters
    ----------
    vehicles
        Number of vehicles; they are dealt to the routes in turn.
    routes
        Number of routes, closed ways of about 20 km around 48.1° N, 11.5° E.
    hertz
        Readings of a vehicle per second, a multiple of 0.1.
    missing
        Share of readings that are never taken, in [0, 1]: the row does not exist.
    faults
        Share of time that a vehicle spends in an episode of stuck, noise, drift or dropout (20 to 120 s
        each), in [0, 0.5]; spikes, of a single reading, begin as often as each of the others. All but a
        dropout hit one of speed, engine temperature and fuel; a dropout silences these three.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC.
    delivery
        How the readings arrive; a third of the vehicles loses its connection from time to time.

    Examples
    --------
    >>> readings = Fleet(seed=7).events("5min")
    >>> readings.columns.tolist()[2:7]
    ['vehicle', 'route', 'latitude', 'longitude', 'speed']
    >>> readings.columns.tolist()[7:]
    ['engine_temperature', 'fuel', 'odometer']
    """

    vehicles: int = 30
    routes: int = 6
    hertz: float = 1.0
    missing: float = 0.03
    faults: float = 0.02
    delivery: Delivery = IOT

    name: ClassVar[str] = "fleet"
    key_column: ClassVar[str] = "vehicle"
    pace: ClassVar[str] = "vehicles"
    family: ClassVar[int] = 7
    fault_length: ClassVar[tuple[float, float]] = (20.0, 120.0)
    fault_cell: ClassVar[float] = 60.0
    quantities: ClassVar[dict[str, Quantity]] = {
        "latitude": Quantity(6),
        "longitude": Quantity(6),
        "speed": Quantity(1, step=8.0, low=0, high=250),
        "engine_temperature": Quantity(1, step=4.0, low=-40, high=150),
        "fuel": Quantity(1, step=5.0, low=0, high=100),
        "odometer": Quantity(2),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("vehicles", self.vehicles, least=1, most=30_000)
        whole("routes", self.routes, least=1, most=100)

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        vehicles = tuple(f"vehicle-{number:03d}" for number in range(self.vehicles))
        routes = tuple(f"route-{number + 1}" for number in range(self.routes))
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("vehicle", "category", "The vehicle that reported.", categories=vehicles),
            Column("route", "category", "The route that it is on.", categories=routes),
            Column("latitude", "float64", "Where it is, north; to a few metres.", unit="°"),
            Column("longitude", "float64", "Where it is, east; to a few metres.", unit="°"),
            Column("speed", "float64", "Speed; NaN in a dropout.", unit="km/h"),
            Column("engine_temperature", "float64", "Of its coolant; NaN in a dropout.", unit="°C"),
            Column("fuel", "float64", "Level of the tank; NaN in a dropout.", unit="%"),
            Column("odometer", "float64", "Way since it was built.", unit="km"),
        )

    @property
    def _count(self) -> int:
        return self.vehicles

    @cached_property
    def _phase(self) -> FloatArray:
        return self._places.phase

    @cached_property
    def _ways(self) -> list[tuple[Way, Laps]]:
        def make(number: int) -> tuple[Way, Laps]:
            rng = self._rng(_ROUTES, number)
            drawn = way(number, self.routes, _RADIUS, rng)
            return drawn, laps(drawn.length, _VARIANTS, rng)

        return [make(number) for number in range(self.routes)]

    @cached_property
    def _tables(self) -> tuple[FloatArray, ...]:
        """Of all routes in one: latitude, longitude, way behind and speed of laps."""
        ways = [each for each, _ in self._ways]
        latitude = _NORTH + np.concatenate([each.north for each in ways]) / _DEGREE
        wide = _DEGREE * np.cos(np.radians(_NORTH))
        longitude = _EAST + np.concatenate([each.east for each in ways]) / wide
        gone = np.concatenate([each.gone.ravel() for _, each in self._ways])
        return latitude, longitude, gone, np.concatenate([each.speed.ravel() for _, each in self._ways])

    @cached_property
    def _length(self) -> FloatArray:
        """Kilometres of each vehicle's route."""
        return np.array([each.length for each, _ in self._ways])[self._places.route]

    @cached_property
    def _places(self) -> _Vehicles:
        rng, count = self._rng(_VEHICLES), self.vehicles
        route = np.arange(count, dtype=np.int64) % self.routes
        lengths = np.array([each.length for each, _ in self._ways])[route]
        hours = np.array([each.seconds for _, each in self._ways])[route] / 3600
        later = np.array([0, 0, 0, 0, 0, 1.5, 3.0])[:, None]
        begin = rng.uniform(4.3, 6.3, count) + later
        end = rng.uniform(20.5, 23.0, count) - later / 2
        tank = np.maximum(2, np.round(rng.uniform(350, 600, count) / lengths))
        return _Vehicles(
            route=route,
            phase=rng.random(count),
            begin=begin,
            end=end,
            laps=np.maximum(1, np.round((end - begin) / hours)),
            order=rng.integers(0, _VARIANTS, (count, _ORDER)),
            hot=rng.normal(88, 1.5, count),
            tank=np.stack([tank, np.floor(tank * rng.random(count))]),
            age=rng.uniform(5_000, 250_000, count),
            bias=rng.normal(1.02, 0.01, count),
        )

    @cached_property
    def _flow(self) -> Callable[[int], FloatArray]:
        """Give how far traffic would have come at each minute of a day; one row a route."""

        def make(day: int) -> FloatArray:
            drawn = self._rng(_TRAFFIC, day).standard_normal((1 + self.routes, 24))
            hours = np.arange(_MINUTES) / 60
            pace = by_hour(_PACE, hours)
            jams = [by_hour(tuple(0.07 * drawn[0] + 0.05 * own), hours) for own in drawn[1:]]
            far = np.zeros((self.routes, _MINUTES + 2))
            np.cumsum(pace * np.exp(jams), axis=1, out=far[:, 1:-1])
            far[:, -1] = far[:, -2]
            return far

        return lru_cache(maxsize=2)(make)

    def _done(self, hours: float) -> FloatArray:
        """Return the laps of all vehicles since the midnight that began the week of the start."""
        places = self._places
        day, hour = divmod(hours, 24)
        week, weekday = divmod(int(day), 7)
        far = self._flow(int(day))
        begin, end = places.begin[weekday], places.end[weekday]

        def come(hour: FloatArray) -> FloatArray:
            minute, part = np.divmod(hour * 60, 1)
            place = places.route * far.shape[1] + minute.astype(np.int64)
            return between(far.ravel(), place, part)

        first, last = come(begin), come(end)
        part = (come(np.clip(hour, begin, end)) - first) / (last - first)
        before = week * places.laps.sum(axis=0) + places.laps[:weekday].sum(axis=0)
        done: FloatArray = before + places.laps[weekday] * part
        return done

    def _progress(self, block: int) -> _Progress:
        before, after = (self._done(float(self._hours(block, np.array(part)))) for part in (0.0, 1.0))
        return _Progress(before, (after - before) / BLOCK)

    def _state(self, block: int, tick: FloatArray, time: FloatArray) -> Table:
        places, (done, rate) = self._places, self._progress(block)
        latitudes, longitudes, gone, speeds = self._tables
        lap, place, part = self._place(done, rate, time)
        begun = speeds.take(place)
        faster = speeds.take(place + 1) - begun
        share = gone.take(place) + part * (begun + part / 2 * faster) / BINS
        # To look a whole way up at its very end would be to look behind it.
        along = np.minimum(share, 1 - 1e-12) * POINTS
        point = along.astype(np.int64)
        along -= point
        point += (places.route * (POINTS + 1))[:, None]
        laps_done = lap + share
        return {
            "latitude": between(latitudes, point, along),
            "longitude": between(longitudes, point, along),
            "speed": (begun + part * faster) * (rate * self._length * 3600)[:, None],
            "engine_temperature": self._heat(block, tick),
            "fuel": self._fuel(laps_done),
            "odometer": places.age[:, None] + self._length[:, None] * (laps_done - self._first[:, None]),
        }

    def _place(
        self, done: FloatArray, rate: FloatArray, time: FloatArray
    ) -> tuple[FloatArray, IntArray, FloatArray]:
        """Return the number of the lap, where in the tables vehicles are, and the part of the next place."""
        places = self._places
        place = done[:, None] + rate[:, None] * time
        lap = np.floor(place)
        place -= lap
        place *= BINS
        whole_place = place.astype(np.int64)
        place -= whole_place
        first = np.floor(done).astype(np.int64)
        each = np.arange(self.vehicles)
        now, then = (
            (places.route * _VARIANTS + places.order[each, (first + more) % _ORDER]) * (BINS + 1)
            for more in (0, 1)
        )
        whole_place += np.where(lap > first[:, None], then[:, None], now[:, None])
        return lap, whole_place, place

    @cached_property
    def _first(self) -> FloatArray:
        """The laps that were done at the start."""
        return self._done(self._hours_before)

    def _fuel(self, laps_done: FloatArray) -> FloatArray:
        """Return levels; tanks are filled at the depot, between laps."""
        full, ago = self._places.tank[:, :, None]
        level: FloatArray = 95 - 80 * ((laps_done + ago) % full) / full
        return level

    def _heat(self, block: int, tick: FloatArray) -> FloatArray:
        """Return temperatures: of the air while a vehicle is parked, of a warm engine while it is not."""
        slow = layered_noise(self._field, block=block, within=tick, spans=_SPANS)
        # Nothing here changes within a block but straight on.
        ends = self._hours(block, np.array([0.0, 1.0]))
        warm, air = self._warm(ends), self._air(ends)
        still = air + warm * (self._places.hot[:, None] - air)
        fading = np.stack([1 - tick, tick])
        heat: FloatArray = still @ fading
        heat += (1.5 * warm) @ fading * slow
        return heat

    def _air(self, hours: FloatArray) -> FloatArray:
        return 7 - 5 * self._season + 4 * np.cos((hours - 15) / 24 * 2 * np.pi)

    def _warm(self, hours: FloatArray) -> FloatArray:
        """Return how warm engines are: 0 as the air, 1 as after a long drive."""
        places, hour = self._places, hours % 24
        weekday = (hours // 24).astype(np.int64) % 7
        begin, end = places.begin[weekday].T, places.end[weekday].T
        night = 24 - places.end[weekday - 1].T
        parked = np.where(hour < begin, hour + night, hour - end)
        driven = np.maximum(hour - begin, 0)
        cooled = np.exp(-np.maximum(parked, 0) / _COOL)
        warmed = 1 - np.exp(-driven / _WARM)
        left = np.exp(-(night + begin) / _COOL) * np.exp(-driven / _WARM)
        return np.where((hour >= begin) & (hour < end), warmed + left, cooled)

    @cached_property
    def _field(self) -> Callable[[int, int], FloatArray]:
        """Give the normal numbers of one place in time: what engines have to do, in part together."""

        def make(layer: int, cell: int) -> FloatArray:
            drawn = self._rng(_NOISE, layer, cell).standard_normal(1 + self.vehicles)
            together: FloatArray = 0.7 * drawn[0] + 0.7 * drawn[1:]
            return together

        return lru_cache(maxsize=4 * len(_SPANS))(make)

    def _measured(self, state: Table, rng: np.random.Generator, shape: tuple[int, int]) -> Table:
        metres = 2.5 * rng.standard_normal((2, *shape))
        degrees = 1e-3 / _DEGREE
        wide = degrees / np.cos(np.radians(_NORTH))
        heat = state["engine_temperature"] + 0.01 * state["speed"]  # driving hard
        return {
            "latitude": state["latitude"] + degrees * metres[0],
            "longitude": state["longitude"] + wide * metres[1],
            "speed": state["speed"] * self._places.bias[:, None],
            "engine_temperature": heat + 0.2 * rng.standard_normal(shape),
            "fuel": state["fuel"] + 0.3 * rng.standard_normal(shape),
            "odometer": state["odometer"],
        }

    def _labels(self, device: IntArray) -> Table:
        return {
            "vehicle": device.astype(np.int16),
            "route": self._places.route[device].astype(np.int8),
        }
