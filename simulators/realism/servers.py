"""What machines in a data centre should report."""

from typing import Any

import numpy as np
import pandas as pd

from simulators.realism.metric import Card, Metric
from simulators.realism.readings import (
    DAYS,
    FloatArray,
    Readings,
    hour_of,
    rank_correlation,
    sampled,
    share_of,
    shared,
)

_TAIL = "Dean and Barroso 2013"
_TRACE = "Google cluster data, Reiss 2012; Alibaba cluster trace 2018"
_QUEUE = "Kleinrock 1975"
_ERRORS = "Beyer 2016, Site Reliability Engineering"


def card(simulator: Any) -> Card:
    """Return how servers are scored."""
    return Card(sampled, (*shared("cpu", ("cpu", "memory", "latency_ms"), "service"), *_METRICS))


def _ratio(sample: Readings, high: float) -> float:
    """Return a quantile of latency by its median, in a machine; the median over machines."""
    good = sample.healthy
    grouped = pd.Series(sample.columns["latency_ms"][good]).groupby(sample.device[good])
    return float((grouped.quantile(high) / grouped.median()).median())


def _waiting(sample: Readings) -> float:
    """Return the rank correlation of load and latency of a machine, the mean over machines."""
    machines = zip(sample.single("cpu").T, sample.single("latency_ms").T, strict=True)
    return float(np.mean([rank_correlation(load, latency) for load, latency in machines]))


def _slower(sample: Readings) -> float:
    """Return the 99th percentile of latency in the busiest hours by that in the quietest."""
    hour = sample.hour.astype(np.int64)[sample.block]
    relative = pd.Series(sample.columns["latency_ms"])
    relative = relative / relative.groupby(sample.device).transform("median")

    def tail(hours: tuple[int, ...]) -> float:
        return float(np.quantile(relative[np.isin(hour, hours) & sample.healthy], 0.99))

    return tail((10, 11, 14, 15)) / tail((1, 2, 3, 4))


def _swing(sample: Readings) -> float:
    curve = sample.daily("requests")
    return float(curve.max() / curve.min())


def _weekend(sample: Readings) -> float:
    day = (sample.hour >= 9) & (sample.hour < 20)

    def mean(some: Any) -> float:
        return float(sample.columns["requests"][some[sample.block]].mean())

    return mean(day & sample.weekend) / mean(day & ~sample.weekend)


def _failing(sample: Readings, some: Any) -> float:
    """Return the share of requests that fail."""
    requests = sample.columns["requests"][some].sum() / sample.hertz
    return float(sample.columns["errors"][some].sum() / requests)


def _restarts(sample: Readings) -> float:
    """Return how often a machine's memory falls by a tenth a day."""
    falls = np.diff(sample.single("memory"), axis=0) < -8
    return float(falls.sum() / falls.shape[1] / DAYS)


def _leaking(sample: Readings) -> float:
    """Return the share of 40 minutes in which memory grows."""
    steps: FloatArray = np.diff(sample.single("memory"), axis=0)
    return float((steps[np.isfinite(steps)] > 0).mean())


_METRICS = (
    Metric(
        "hour of the most requests", 9, 21, lambda s: hour_of(s.daily("requests"), highest=True), _TRACE, "h"
    ),
    Metric(
        "hour of the fewest requests",
        1,
        6,
        lambda s: hour_of(s.daily("requests"), highest=False),
        _TRACE,
        "h",
    ),
    Metric("requests in the busiest hour by the quietest", 1.8, 5, _swing, _TRACE),
    Metric("requests at the weekend by working days", 0.5, 1, _weekend, _TRACE),
    Metric("mean load of processors", 20, 60, lambda s: float(np.nanmean(s.columns["cpu"])), _TRACE, "%"),
    Metric("latency: 99th percentile by median", 3, 20, lambda s: _ratio(s, 0.99), _TAIL),
    Metric("latency: 99.9th percentile by median", 10, 300, lambda s: _ratio(s, 0.999), _TAIL),
    Metric("rank correlation of load and latency", 0.3, 0.9, _waiting, _QUEUE),
    Metric("99th percentile of latency by day by that at night", 1.2, 4, _slower, _QUEUE),
    Metric("share of requests that fail, healthy", 1e-5, 1e-3, lambda s: _failing(s, s.healthy), _ERRORS),
    Metric(
        "share of requests that fail, in incidents", 5e-3, 0.2, lambda s: _failing(s, s.kind == 5), _ERRORS
    ),
    Metric("share of readings in incidents", 0.002, 0.03, lambda s: share_of(s, (5,)), _ERRORS),
    Metric("restarts a day", 0.5, 1.2, _restarts, "Vaidyanathan and Trivedi 2005"),
    Metric("share of 40 minutes in which memory grows", 0.5, 0.9, _leaking, "Vaidyanathan and Trivedi 2005"),
)
