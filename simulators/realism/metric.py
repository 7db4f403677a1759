"""Metric: one figure of a stream, and what the literature says it should be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """One figure of a stream beside the interval in which it lies for real ones.

    Parameters
    ----------
    name
        Short, as a row of a table.
    low, high
        The interval, both ends included.
    measure
        Gives the figure of a sample; NaN, which never passes, where the sample does not have it.
    source
        Where the interval comes from: author and year, or who published the data.
    unit
        Of the figure; empty for a plain number.
    reason
        Why it fails, where it is known to.

    Examples
    --------
    >>> Metric("bounce rate", 0.38, 0.55, lambda sample: 0.44, "Kohavi 2005").holds(0.44)
    True
    """

    name: str
    low: float
    high: float
    measure: Callable[[Any], float]
    source: str
    unit: str = ""
    reason: str = ""

    def holds(self, value: float) -> bool:
        """Say whether a figure lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Card:
    """How a family is sampled, and what is measured of a sample.

    Parameters
    ----------
    sample
        Draws what all metrics look at from a simulator, once for all of them.
    metrics
        What is measured.
    """

    sample: Callable[[Any], Any]
    metrics: tuple[Metric, ...]
