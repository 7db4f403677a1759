"""Incidents: a service that is slow for some minutes, on all its machines at once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.base import IDS_PER_BLOCK
from simulators.processes import FloatArray

HOUR = 3600.0
SHORTEST, LONGEST = 60.0, 360.0
"""Length of an incident, seconds."""
_EDGE = 15.0
"""Seconds in which it grows to its full size, and goes away again."""


class Incident(NamedTuple):
    """One service that is slow for a while."""

    number: int
    service: int
    begin: float
    """Seconds since the start."""
    length: float
    """Seconds."""
    slower: float
    """What latencies are multiplied by, at its height."""
    failing: float
    """Share of requests that fail, at its height."""

    def height(self, seconds: FloatArray) -> FloatArray:
        """Return how far it has grown at some times since the start, in [0, 1].

        Examples
        --------
        >>> Incident(1, 0, 100.0, 60.0, 4.0, 0.1).height(np.array([99.0, 100.0, 130.0, 152.5])).tolist()
        [0.0, 0.0, 1.0, 0.5]
        """
        since = seconds - self.begin
        return np.clip(np.minimum(since, self.length - since) / _EDGE, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Incidents:
    """Say how often services have incidents.

    Parameters
    ----------
    services
        Number of services.
    daily
        How many incidents each has a day, on average.

    Examples
    --------
    >>> found = Incidents(services=4, daily=24).of_hour(3, np.random.default_rng(7))
    >>> all(3 <= incident.begin / 3600 < 4 for incident in found)
    True
    """

    services: int
    daily: float

    def hours(self, begin: float, end: float) -> range:
        """Return the hours whose incidents can reach into ``[begin, end)``, seconds since the start."""
        return range(max(0, int((begin - LONGEST) // HOUR)), int(-(-end // HOUR)))

    def of_hour(self, hour: int, rng: np.random.Generator) -> list[Incident]:
        """Return the incidents that begin in an hour since the start."""
        count = rng.poisson(self.daily / 24 * self.services)
        # Faults of one device count from 0, these from the middle of the same range.
        number = hour * IDS_PER_BLOCK + IDS_PER_BLOCK // 2 + np.arange(count)
        columns = (
            number,
            rng.integers(0, self.services, count),
            (hour + rng.random(count)) * HOUR,
            rng.uniform(SHORTEST, LONGEST, count),
            rng.uniform(2.5, 8.0, count),
            10 ** rng.uniform(-2.0, -0.7, count),
        )
        return [Incident(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
