"""Realism: what the literature says of real streams, measured on ours.

``scorecard(simulator)`` gives the figures of one simulator, judged on the median over several seeds;
``python -m simulators.realism`` those of all.
"""

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from simulators.realism.metric import Card, Metric
from simulators.realism.registry import card_of, scenarios

__all__ = ["Card", "Metric", "card_of", "scenarios", "scorecard"]


def scorecard(simulator: Any, *, seeds: int = 1, executor: Executor | None = None) -> pd.DataFrame:
    """Return the figures of a simulator beside those of real streams.

    Parameters
    ----------
    simulator
        Any of the families.
    seeds
        How many seeds, its own and those that follow; the median over them is judged.
    executor
        Where seeds are measured side by side; none for one after the other.

    Returns
    -------
    DataFrame
        A row a metric: ``metric, value`` (the median)``, least, most`` (over the seeds)``, low, high`` (both
        included)``, passed`` (bool)``, unit, source, reason``.

    Examples
    --------
    >>> from simulators import Sensors
    >>> scorecard(Sensors(devices=4, hertz=1)).columns.tolist()
    ['metric', 'value', 'least', 'most', 'low', 'high', 'passed', 'unit', 'source', 'reason']
    """
    each = [replace(simulator, seed=simulator.seed + more) for more in range(seeds)]
    found = np.array(list((executor.map if executor else map)(measured, each)))
    return pd.DataFrame(list(_judged(card_of(simulator).metrics, found)))


def measured(simulator: Any) -> list[float]:
    """Return the figures of one seed, in the order of the card."""
    card = card_of(simulator)
    sample = card.sample(simulator)
    return [float(metric.measure(sample)) for metric in card.metrics]


def _judged(metrics: tuple[Metric, ...], found: np.ndarray[Any, Any]) -> Iterable[dict[str, Any]]:
    for metric, values in zip(metrics, found.T, strict=True):
        value = float(np.median(values))
        yield {
            "metric": metric.name,
            "value": value,
            "least": float(values.min()),
            "most": float(values.max()),
            "low": metric.low,
            "high": metric.high,
            "passed": metric.holds(value),
            "unit": metric.unit,
            "source": metric.source,
            "reason": metric.reason,
        }
