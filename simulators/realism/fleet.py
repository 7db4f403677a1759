"""What vehicles on routes should report."""

from typing import Any

import numpy as np

from simulators.realism.metric import Card, Metric
from simulators.realism.readings import DAYS, FloatArray, Readings, sampled, shared

_CYCLES = "Driving cycles UDDS, NYCC, Manhattan Bus and Braunschweig; Barlow 2009"
_TRANSIT = "National Transit Database, U.S. Federal Transit Administration"
_ENGINE = "Heywood 1988"


def card(simulator: Any) -> Card:
    """Return how a fleet is scored."""
    names = ("speed", "engine_temperature", "fuel")
    return Card(sampled, (*shared("engine_temperature", names), *_METRICS))


def _speeds(sample: Readings, first: int, last: int) -> FloatArray:
    """Return speeds between two hours of working days."""
    hour = sample.hour.astype(np.int64)
    some = (hour >= first) & (hour < last) & ~sample.weekend
    speeds: FloatArray = sample.columns["speed"][some[sample.block] & sample.healthy]
    return speeds


def _standing(speeds: FloatArray) -> float:
    return float((speeds < 0.5).mean())


def _steps(sample: Readings) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what follows each other in a block of a device: speed, next speed, and the seconds between."""
    order = np.lexsort((sample.columns["event_time"], sample.device, sample.block))
    order = order[sample.healthy[order]]
    one, two = order[:-1], order[1:]
    same = (sample.block[one] == sample.block[two]) & (sample.device[one] == sample.device[two])
    one, two = one[same], two[same]
    time, speed = sample.columns["event_time"], sample.columns["speed"]
    return speed[one], speed[two], (time[two] - time[one]) / 1e6


def _kept(sample: Readings) -> float:
    one, two, _ = _steps(sample)
    return float(np.corrcoef(one, two)[0, 1])


def _hardest(sample: Readings) -> float:
    one, two, seconds = _steps(sample)
    return float(np.quantile(np.abs(two - one) / 3.6 / seconds, 0.99))


def _jams(sample: Readings) -> float:
    """Return how fast vehicles drive in the rush hours by how fast at night."""

    def moving(first: int, last: int) -> float:
        speeds = _speeds(sample, first, last)
        return float(speeds[speeds > 0.5].mean())

    return moving(17, 18) / moving(20, 21)


def _tanks(sample: Readings) -> float:
    """Return how often a vehicle fills its tank a day."""
    fuel = sample.single("fuel")
    rises = np.diff(fuel, axis=0) > 30
    return float(rises.sum() / fuel.shape[1] / DAYS)


def _daily_way(sample: Readings) -> float:
    way = sample.single("odometer")
    return float(np.median(np.nanmax(way, axis=0) - np.nanmin(way, axis=0)) / DAYS)


def _agreeing(sample: Readings) -> float:
    """Return the way by the map over half a minute by that on the odometer, for vehicles that drive."""

    def moved(name: str, scale: float) -> FloatArray:
        return scale * (sample.single(name, later=True) - sample.single(name))

    north, east = moved("latitude", 111.2), moved("longitude", 111.2 * np.cos(np.radians(48.1)))
    way = moved("odometer", 1.0)
    driving = way > 0.15
    return float(np.nanmedian(np.hypot(north, east)[driving] / way[driving]))


_METRICS = (
    Metric("correlation of speed with the next", 0.85, 1, _kept, _CYCLES),
    Metric("share of time standing, 7 to 19 h", 0.15, 0.45, lambda s: _standing(_speeds(s, 7, 19)), _CYCLES),
    Metric("share of time standing, 1 to 4 h", 0.9, 1, lambda s: _standing(_speeds(s, 1, 4)), _TRANSIT),
    Metric("mean speed, 7 to 19 h", 12, 35, lambda s: float(_speeds(s, 7, 19).mean()), _CYCLES, "km/h"),
    Metric(
        "95th percentile of speed, 7 to 19 h",
        40,
        75,
        lambda s: float(np.quantile(_speeds(s, 7, 19), 0.95)),
        _CYCLES,
        "km/h",
    ),
    Metric("99th percentile of acceleration", 0.8, 2.5, _hardest, _CYCLES, "m/s²"),
    Metric("driving speed at 17 h by that at 20 h", 0.55, 0.9, _jams, "TomTom Traffic Index"),
    Metric("straight way by odometer in 30 s", 0.85, 1.02, _agreeing, "Geometry"),
    Metric("kilometres a day", 120, 400, _daily_way, _TRANSIT, "km"),
    Metric("fillings of the tank a day", 0.2, 1.2, _tanks, _TRANSIT),
    Metric(
        "median temperature of a driving engine",
        80,
        100,
        lambda s: float(np.median(s.columns["engine_temperature"][s.healthy & (s.columns["speed"] > 1)])),
        _ENGINE,
        "°C",
    ),
)
