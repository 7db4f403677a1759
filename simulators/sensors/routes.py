"""Routes: closed ways through a city, and how fast vehicles go along them.

Both are tables over one lap, and a vehicle's place is looked up in them: nothing has to be driven from
the beginning to know where it is.
"""

from typing import NamedTuple

import numpy as np

from simulators.ordering import IntArray
from simulators.processes import FloatArray
from simulators.sensors.fields import sunflower

POINTS, BINS = 1024, 4096
"""How finely a way and a lap are cut."""

_FASTER, _SLOWER = 1.1, 1.3
"""Metres per second, each second."""
_BREAK = 100.0
"""Seconds at the depot at either end of a lap."""


class Way(NamedTuple):
    """A closed way, at equal distances along it; the last point is the first."""

    east: FloatArray
    north: FloatArray
    """Kilometres."""
    length: float
    """Kilometres."""


class Laps(NamedTuple):
    """Laps that differ in speed and stops, at equal parts of their time; one row a lap."""

    gone: FloatArray
    """Share of the way behind, from 0 to 1."""
    speed: FloatArray
    """Its slope: 1 would be steady."""
    seconds: float
    """How long laps take, on average."""


def way(number: int, count: int, radius: float, rng: np.random.Generator) -> Way:
    """Return one of the ways through a city: a bent circle around some place of its own.

    Parameters
    ----------
    number, count
        Which of how many; they are spread over the city.
    radius
        Of the city, kilometres.
    rng
        Source of randomness.
    """
    angle = np.linspace(0, 2 * np.pi, 8 * POINTS + 1)
    waves = np.arange(2, 8)
    bend = rng.normal(0, 0.45 / waves, len(waves)) @ np.cos(
        waves[:, None] * angle + rng.uniform(0, 2 * np.pi, (len(waves), 1))
    )
    away = rng.uniform(0.35, 0.5) * radius * np.exp(bend)
    middle = sunflower(count, radius / 2)[number]
    east, north = middle[0] + away * np.cos(angle), middle[1] + away * np.sin(angle)
    behind = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))])
    evenly = np.linspace(0, behind[-1], POINTS + 1)
    return Way(np.interp(evenly, behind, east), np.interp(evenly, behind, north), float(behind[-1]))


def laps(length: float, count: int, rng: np.random.Generator) -> Laps:
    """Return laps on a way of some length: stretches of driving between stops of different length.

    Parameters
    ----------
    length
        Of the way, kilometres.
    count
        How many laps.
    rng
        Source of randomness.
    """
    stretches = max(4, round(length / 0.4))
    drawn = [_lap(1000 * length, stretches, rng) for _ in range(count)]
    speed = np.stack([lap for lap, _ in drawn])
    gone = np.zeros((count, BINS + 1))
    np.cumsum((speed[:, 1:] + speed[:, :-1]) / 2 / BINS, axis=1, out=gone[:, 1:])
    speed /= gone[:, -1:]
    gone /= gone[:, -1:]
    return Laps(gone, speed, float(np.mean([seconds for _, seconds in drawn])))


def _lap(metres: float, stretches: int, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Return speeds at equal parts of a lap's time, which begins and ends with a break; and its seconds."""
    long = rng.gamma(2.0, 1.0, stretches)
    long *= metres / long.sum()
    # No faster than the stretch lets one speed up and brake again.
    most = np.sqrt(1.8 * long * _FASTER * _SLOWER / (_FASTER + _SLOWER))
    fast = np.minimum(rng.normal(12.0, 2.8, stretches).clip(6.0, 21.0), most)
    up, down = fast / _FASTER, fast / _SLOWER
    steady = (long - fast * (up + down) / 2) / fast
    wait = np.where(rng.random(stretches) < 0.25, 2.0, rng.gamma(1.6, 13.0, stretches))
    parts = np.stack([up, steady, down, wait], axis=1).ravel()
    when = np.concatenate([[0.0, _BREAK], _BREAK + np.cumsum(parts)])
    when = np.append(when, when[-1] + _BREAK)
    speed = np.stack([fast, fast, 0 * fast, 0 * fast], axis=1).ravel()
    speed = np.concatenate([[0.0, 0.0], speed, [0.0]])
    return np.interp(np.linspace(0, when[-1], BINS + 1), when, speed), float(when[-1])


def between(table: FloatArray, place: IntArray, part: FloatArray) -> FloatArray:
    """Return a flat table's values between places and those that follow them.

    Examples
    --------
    >>> between(np.array([1.0, 3.0, 9.0]), np.array([0, 1]), np.array([0.5, 0.0])).tolist()
    [2.0, 3.0]
    """
    left = table.take(place)
    left += part * (table.take(place + 1) - left)
    return left
