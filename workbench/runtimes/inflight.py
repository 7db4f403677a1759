"""Rows under way: which have happened by a moment and arrive later, and how long rows take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.steps import Step
from workbench.runtimes.plane import Plane
from workbench.time import NO_WATERMARK, Nanos

MOST_BARS = 120
"""How many intervals of event time are told apart, about."""

Pending = Nanos
"""Shape (2, rows): the event times of rows that have happened and not arrived, and when they will arrive."""

NONE: Pending = np.zeros((2, 0), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class InFlight:
    """Rows by event time at a moment of processing time: how many have arrived, and how many are under way.

    Parameters
    ----------
    now, watermark : int
        The moment, and the watermark then.
    starts : int64 array
        Where intervals of event time begin, all as long.
    width : int
        How long they are.
    arrived, pending : int64 array
        How many rows of each have arrived, and how many have happened but not arrived; of those that are
        known.
    oldest : int or None
        The event time of the oldest row that has not arrived.
    delays : int64 array
        How long the latest rows took from event to arrival, ascending.
    """

    now: int
    watermark: int
    starts: Nanos
    width: int
    arrived: Nanos
    pending: Nanos
    oldest: int | None
    delays: Nanos

    def to_pandas(self) -> pd.DataFrame:
        """Give the counts: ``event_time`` (datetime64[ns], where each begins), ``arrived, pending``."""
        times = self.starts.view("datetime64[ns]")
        return pd.DataFrame({"event_time": times, "arrived": self.arrived, "pending": self.pending})

    def beyond(self, bound: int) -> float:
        """Give the share of rows that took longer than a bound."""
        count = len(self.delays)
        return (count - int(np.searchsorted(self.delays, bound, side="right"))) / count if count else 0.0


def in_flight(
    plane: Plane,
    key: dict[str, Any] | None = None,
    *,
    at: int | None = None,
    last: int | None = None,
    pending: Pending = NONE,
) -> InFlight:
    """Count rows by event time.

    Parameters
    ----------
    plane : Plane
        The record.
    key : dict, optional
        The values of the key columns; None for all rows.
    at : int, optional
        The moment of processing time; None for the last of the record. What arrived after an earlier one is
        known by now.
    last : int, optional
        Look only at so much event time before the moment; None for all.
    pending : Pending
        What the sources know of rows that arrive after the record.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.runtimes.replay import replay
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 3, 2, 9], unit="s"), "v": 1})
    >>> rows["came"] = pd.to_datetime([2, 4, 9, 10], unit="s")
    >>> panes = wb.stream(rows, time="t", arrival="came", watermark=0).window("8s").agg(n=("v", "size"))
    >>> in_flight(replay(panes.step), at=5_000_000_000).to_pandas()[["arrived", "pending"]].values.tolist()
    [[1, 0], [0, 1], [1, 0], [0, 0], [0, 0]]
    """
    now = plane.now if at is None else at
    rows = plane.rows(key).assign(rows=1)
    rows = pd.concat([plane.binned(key), rows])[["event_time", "arrival", "rows"]]
    came, ahead = rows[rows.arrival <= now], rows[(rows.arrival > now) & (rows.event_time <= now)]
    waiting = np.concatenate([np.repeat(ahead.event_time.to_numpy(), ahead.rows), pending[0]])
    first = min(came.event_time.min() if len(came) else now, waiting.min(initial=now))
    starts, width = _intervals(plane, int(first) if last is None else max(int(first), now - last), now)
    latest = plane.rows(key, latest=True).query("arrival <= @now")
    return InFlight(
        now=now,
        watermark=_watermark(plane, now),
        starts=starts,
        width=width,
        arrived=_counted(came.event_time.to_numpy(), came.rows.to_numpy(), starts, width),
        pending=_counted(waiting, np.ones(len(waiting), dtype=np.int64), starts, width),
        oldest=int(waiting.min()) if len(waiting) else None,
        delays=np.sort((latest.arrival - latest.event_time).to_numpy()),
    )


def pending(run: Any, step: Step) -> Pending:
    """Give what the sources of a step know of rows that have happened and not arrived yet.

    Those of simulators know; rows that the steps between will leave out are among them.
    """
    names = [name for name, (read, _) in run.graph.sources.items() if read in set(step.chain())]
    readers = [run._readers[name] for name in names if hasattr(run._readers.get(name), "pending")]
    return np.concatenate([NONE, *(reader.pending(reader.reached) for reader in readers)], axis=1)


def _intervals(plane: Plane, first: int, now: int) -> tuple[Nanos, int]:
    """Give intervals of event time, as fine as the record counts or twice that, and so on."""
    width, offset = plane.grid
    if now == NO_WATERMARK:  # nothing has come
        return np.zeros(0, dtype=np.int64), width
    while (now - first) // width > MOST_BARS:
        width *= 2
    begin, beyond = (first - offset) // width, (now - offset) // width + 1
    return np.arange(begin, beyond) * width + offset, width


def _counted(times: Nanos, rows: Nanos, starts: Nanos, width: int) -> Nanos:
    """Count rows by interval; those outside are left out."""
    if not len(starts):
        return starts
    at = (times - starts[0]) // width
    inside = (at >= 0) & (at < len(starts))
    return np.bincount(at[inside], rows[inside], minlength=len(starts)).astype(np.int64)


def _watermark(plane: Plane, now: int) -> int:
    """Give the watermark at a moment of processing time."""
    moments, watermarks = plane.steps()
    return int(np.append(NO_WATERMARK, watermarks)[np.searchsorted(moments, now, side="right")])
