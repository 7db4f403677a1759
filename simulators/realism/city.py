"""What readings of stations in a city should look like."""

from typing import Any

import numpy as np
import pandas as pd

from simulators.realism.metric import Card, Metric
from simulators.realism.readings import FloatArray, Readings, hour_of, rank_correlation, sampled, shared

_AIR = "European Environment Agency, Air quality in Europe"
_OTT = "Ott 1990"
_NOISE = "European Union, Directive 2002/49/EC"
_PLACES = "Pinto, Lefohn and Shadwick 2004"
_ISLAND = "Oke 1982"


def card(simulator: Any) -> Card:
    """Return how a city is scored."""
    return Card(sampled, (*shared("temperature", ("temperature", "pm25", "noise")), *_METRICS))


def _log_dust(sample: Readings) -> FloatArray:
    dust = sample.single("pm25")
    return np.log(np.maximum(dust, 0.1))


def _skewness(values: FloatArray) -> float:
    return float(pd.Series(values.ravel()).skew())


def _workday(sample: Readings, name: str, hours: tuple[int, ...]) -> float:
    """Return the mean of a quantity at some hours of working days."""
    some = np.isin(sample.hour.astype(np.int64), hours) & ~sample.weekend
    return float(sample.columns[name][some[sample.block] & sample.healthy].mean())


def _rush(sample: Readings, hours: tuple[int, ...], quiet: tuple[int, ...]) -> float:
    return _workday(sample, "pm25", hours) / _workday(sample, "pm25", quiet)


def _apart(sample: Readings) -> tuple[FloatArray, FloatArray]:
    """Return the distance of each pair of stations, kilometres, and the correlation of their dust."""
    _, first = np.unique(sample.device, return_index=True)
    north = 111.2 * sample.columns["latitude"][first]
    east = 111.2 * np.cos(np.radians(48.1)) * sample.columns["longitude"][first]
    alike = pd.DataFrame(_log_dust(sample)).corr().to_numpy()
    pairs = np.triu_indices(len(first), 1)
    return np.hypot(*(each[pairs[0]] - each[pairs[1]] for each in (north, east))), alike[pairs]


def _falling(sample: Readings) -> float:
    distance, alike = _apart(sample)
    return rank_correlation(distance, alike)


def _nearer(sample: Readings) -> float:
    distance, alike = _apart(sample)
    return float(alike[distance < 3.5].mean() - alike[distance > 8].mean())


def _night(sample: Readings) -> float:
    return _workday(sample, "noise", tuple(range(7, 19))) - _workday(sample, "noise", (0, 1, 2, 3, 4, 5, 23))


def _island(sample: Readings) -> float:
    """Return how much warmer the centre is than the rest at night."""
    night = np.isin(sample.hour.astype(np.int64), (22, 23, 0, 1, 2, 3, 4))[sample.block] & sample.healthy
    centre = sample.columns["district"] == 0
    air = sample.columns["temperature"]
    return float(air[night & centre].mean() - air[night & ~centre].mean())


_METRICS = (
    Metric(
        "hour of the highest temperature",
        12,
        16,
        lambda s: hour_of(s.daily("temperature"), highest=True),
        "Oke 1987",
        "h",
    ),
    Metric(
        "hour of the lowest temperature",
        4,
        8,
        lambda s: hour_of(s.daily("temperature"), highest=False),
        "Oke 1987",
        "h",
    ),
    Metric("centre warmer at night by", 0.3, 4, _island, _ISLAND, "°C"),
    Metric("skewness of the logarithm of dust", -0.6, 0.6, lambda s: _skewness(_log_dust(s)), _OTT),
    Metric("skewness of dust", 0.6, 5, lambda s: _skewness(s.single("pm25")), _OTT),
    Metric("geometric deviation of dust", 1.4, 2.6, lambda s: float(np.exp(np.nanstd(_log_dust(s)))), _OTT),
    Metric("median of dust", 5, 30, lambda s: float(np.nanmedian(s.single("pm25"))), _AIR, "µg/m³"),
    Metric("dust in the morning rush by noon", 1.1, 2, lambda s: _rush(s, (7, 8), (11, 12, 13)), _AIR),
    Metric("dust in the evening rush by noon", 1.02, 2, lambda s: _rush(s, (17, 18), (11, 12, 13)), _AIR),
    Metric("dust in the morning rush by night", 1.1, 3, lambda s: _rush(s, (7, 8), (2, 3, 4)), _AIR),
    Metric("rank correlation of distance and likeness of dust", -1, -0.4, _falling, _PLACES),
    Metric("likeness of dust at < 3.5 km beyond that at > 8 km", 0.05, 0.5, _nearer, _PLACES),
    Metric("noise by day beyond that at night", 4, 12, _night, _NOISE, "dB"),
)
