"""What readings of devices in a building should look like."""

from typing import Any

import numpy as np

from simulators.realism.metric import Card, Metric
from simulators.realism.readings import INTEL, Readings, hour_of, sampled, shared


def card(simulator: Any) -> Card:
    """Return how a building is scored."""
    return Card(sampled, (*shared("temperature", ("temperature",), "zone"), *_METRICS))


def correlation(sample: Readings, one: str, other: str) -> float:
    """Return the correlation of two quantities of a device, the mean over devices."""
    left, right = sample.single(one), sample.single(other)
    each = [
        np.corrcoef(a[good], b[good])[0, 1]
        for a, b in zip(left.T, right.T, strict=True)
        if (good := np.isfinite(a) & np.isfinite(b)).sum() > 20
    ]
    return float(np.mean(each))


def _swing(sample: Readings) -> float:
    curve = sample.daily("temperature")
    return float(curve.max() - curve.min())


def _voltage(sample: Readings) -> float:
    volts = sample.single("battery")
    return float(np.nanmedian(volts))


_METRICS = (
    Metric(
        "correlation of temperature and humidity",
        -0.98,
        -0.5,
        lambda s: correlation(s, "temperature", "humidity"),
        INTEL,
    ),
    Metric(
        "hour of the highest temperature",
        13,
        17,
        lambda s: hour_of(s.daily("temperature"), highest=True),
        INTEL,
        "h",
    ),
    Metric(
        "hour of the lowest temperature",
        1,
        7,
        lambda s: hour_of(s.daily("temperature"), highest=False),
        INTEL,
        "h",
    ),
    Metric("daily swing of temperature", 2, 8, _swing, INTEL, "°C"),
    Metric("median voltage", 2.3, 3.0, _voltage, INTEL, "V"),
    Metric(
        "correlation of temperature and voltage",
        0.02,
        0.9,
        lambda s: correlation(s, "temperature", "battery"),
        INTEL,
    ),
)
