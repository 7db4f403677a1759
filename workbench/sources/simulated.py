"""A simulator as a source: its events in the order in which its delivery makes them arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from workbench.schema import Schema
from workbench.time import Duration, Nanos, to_nanos
from workbench.time import duration as nanos

ARRIVAL = "arrival_time"


class Simulator(Protocol):
    """What this source asks of a simulator; those in ``simulators`` have it."""

    name: str
    time_column: str
    block: pd.Timedelta
    arrival_schema: Sequence[Any]

    def block_arrivals(self, block: int) -> pd.DataFrame:
        """Give the rows that arrive in a block of processing time, in order of ``arrival_time``."""
        ...


class SimulatedSource:
    """The events of a simulator as they arrive, with the column ``arrival_time``.

    Parameters
    ----------
    simulator : Simulator
        Any of the simulators, with its delivery.
    duration : duration, optional
        How long it runs, in processing time from its start; without it, as long as the simulator's own
        ``duration`` says, or for ever.
    name : str
        The source's name.
    """

    def __init__(self, simulator: Any, *, duration: Duration | None = None, name: str) -> None:
        self.name = name
        self.simulator = simulator
        # what is meant to arrive; what does may differ, and is then for the door to reject
        self.schema = Schema(
            {each.name: _dtype(each) for each in simulator.arrival_schema}, simulator.time_column
        )
        self.start = pd.Timestamp(simulator.start).as_unit("ns").value
        duration = getattr(simulator, "duration", None) if duration is None else duration
        self.end = (
            None
            if duration is None
            else self.start + nanos(duration, what="duration of a simulation", positive=True)
        )

    def reader(self) -> SimulatedReader:
        """Start reading at the simulator's start."""
        return SimulatedReader(self)


def _dtype(column: Any) -> Any:
    return pd.CategoricalDtype(column.categories) if column.dtype == "category" else column.dtype


class SimulatedReader:
    """Reads a simulator; its position is a block and the rows read of it."""

    def __init__(self, source: SimulatedSource) -> None:
        self.position: tuple[int, ...] = (0, 0)
        self.reached = source.start
        self.arrivals: Nanos | None = None
        self._source = source
        self._length = int(source.simulator.block.as_unit("ns").value)
        self.seek((0, 0))

    @property
    def share(self) -> float | None:
        """How much of the simulation has been read; None where it has no end."""
        start, end = self._source.start, self._source.end
        return None if end is None else min(1.0, (self.reached - start) / (end - start))

    def seek(self, position: tuple[int, ...]) -> None:
        """Go on reading from a position."""
        block, row = position
        self._load(block, row)

    def poll(self, until: int | None, rows: int) -> pd.DataFrame | None:
        """Give the next rows that arrived before a moment."""
        end = self._source.end
        if end is not None:
            if self.reached >= end:
                return None
            until = end if until is None else min(until, end)
        pieces: list[pd.DataFrame] = []
        while True:
            block, row = self.position
            arrived = len(self._arrivals) if until is None else int(np.searchsorted(self._arrivals, until))
            stop = max(row, min(row + rows, arrived))
            pieces.append(self._frame.iloc[row:stop])
            self.position = (block, stop)
            rows -= stop - row
            if (
                rows == 0
                or stop < len(self._arrivals)
                or (until is not None and self._end_of(block) >= until)
            ):
                break
            self._load(block + 1, 0)
        if rows and until is not None:
            self.reached = max(self.reached, until)
        elif stop:
            self.reached = int(self._arrivals[stop - 1])
        pieces = [piece for piece in pieces if len(piece)] or pieces[:1]
        frame = pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)
        self.arrivals = to_nanos(frame[ARRIVAL])
        return frame

    def pending(self, now: int) -> Nanos:
        """Give what has happened by a moment and arrives later: event times and arrivals, shape (2, rows).

        It looks at the blocks that are being read, and costs some microseconds each.
        """
        start, end = self._source.start, self._source.end
        found = getattr(self._source.simulator, "under_way", None)
        if found is None or now < start:
            return np.zeros((2, 0), dtype=np.int64)
        times: Nanos = np.stack(found((now - start) // 1_000)) * 1_000 + start
        return times if end is None else times[:, times[1] < end]

    def _load(self, block: int, row: int) -> None:
        self._frame = self._source.simulator.block_arrivals(block)
        self._arrivals = to_nanos(self._frame[ARRIVAL])
        self.position = (block, row)
        self.reached = int(self._arrivals[row - 1]) if row else self._end_of(block - 1)

    def _end_of(self, block: int) -> int:
        end: int = self._source.start + (block + 1) * self._length
        return end
