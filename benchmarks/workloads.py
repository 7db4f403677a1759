"""What is computed: the windows, the traffic they are given, and how much of it is late.

Nothing but the standard library, since every peer reads this in an environment of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SECOND = 1_000_000
"""Event time is counted in microseconds, as Parquet and Arrow do."""

EPOCH = 1_767_571_200 * SECOND
"""The first event: 2026-01-05 00:00 UTC."""

BOUND = 30 * SECOND
"""How far rows are out of order, and how long the watermark waits for them."""

COLUMNS = ("n", "sum", "mean", "min", "max")
"""The aggregates, of one column of floats."""


@dataclass(frozen=True)
class Workload:
    """One question to all peers.

    Parameters
    ----------
    name : str
        As in the table.
    keys : int
        How many different keys there are.
    per_second : int
        Rows per second of event time.
    size, slide : int
        Of a tumbling or sliding window, in microseconds; both are 0 for sessions.
    gap : int
        Of a session, in microseconds; 0 for other windows.
    late : float
        The share of rows that come when their window has long closed.
    """

    name: str
    keys: int
    per_second: int
    size: int = 60 * SECOND
    slide: int = 60 * SECOND
    gap: int = 0
    late: float = 0.0

    @property
    def overlap(self) -> int:
        """Windows that a row belongs to."""
        return self.size // self.slide if self.slide else 1

    def with_keys(self, keys: int) -> Workload:
        """The same with another number of keys; more than 10,000 get six rows a minute each."""
        return replace(self, keys=keys, per_second=max(1_000, keys // 10))


WORKLOADS = {
    work.name: work
    for work in (
        Workload("W1", keys=1_000, per_second=1_000),
        Workload("W2", keys=100_000, per_second=10_000),
        Workload("W3", keys=1_000, per_second=1_000, size=300 * SECOND, slide=10 * SECOND),
        Workload("W4", keys=100_000, per_second=1_000, size=0, slide=0, gap=30 * SECOND),
        Workload("W1L", keys=1_000, per_second=1_000, late=0.1),
    )
}

MEANING = {
    "W1": "tumbling 1 minute, 1,000 keys, 1,000 rows a second",
    "W2": "tumbling 1 minute, 100,000 keys, 10,000 rows a second",
    "W3": "sliding 5 minutes by 10 seconds, 1,000 keys",
    "W4": "sessions with a gap of 30 seconds, 100,000 users, about six rows a session",
    "W1L": "W1 with 10 % of the rows 4 to 7 minutes late",
}
