"""A DataFrame as a bounded source, in the order of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.columns import require
from workbench.errors import SchemaError
from workbench.schema import Schema
from workbench.time import NO_WATERMARK, Nanos, to_nanos

LOOKED_AT = 100_000
"""Rows that are looked at for those that are under way."""


class FrameSource:
    """The rows of a frame, which arrive in their order.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows; their index is not kept.
    time : str
        The event-time column.
    arrival : str, optional
        The column that says when each row arrived; without it a row arrives at the greatest event time so
        far.
    name : str
        The source's name.
    """

    def __init__(
        self, frame: pd.DataFrame, *, time: str, arrival: str | None = None, name: str = "frame"
    ) -> None:
        self.name = name
        self.frame = frame.reset_index(drop=True)
        self.schema = Schema.infer(self.frame, time)
        self.arrival = arrival
        if arrival is not None:
            require(frame.columns, [arrival], "the rows' arrival")
            self._check_arrival(arrival)

    def reader(self) -> FrameReader:
        """Start reading at the beginning."""
        times = self._read(self.schema.time)
        return FrameReader(self.frame, self._arrivals(times), times)

    def _check_arrival(self, arrival: str) -> None:
        """Refuse a column of which no value is a moment."""
        column = self.frame[arrival]
        text = pd.api.types.is_object_dtype(column.dtype) or isinstance(column.dtype, pd.StringDtype)
        if text and (column.isna().all() or (self._read(arrival) != NO_WATERMARK).any()):
            return
        if not pd.api.types.is_datetime64_any_dtype(column.dtype):
            raise SchemaError(
                f"the arrival column {arrival!r} is {column.dtype}, not a datetime",
                hint="convert it first, as with pandas.to_datetime(values, unit='ms')",
            )

    def _arrivals(self, times: Nanos) -> Nanos:
        times = times if self.arrival is None else self._read(self.arrival)
        arrivals: Nanos = np.maximum.accumulate(times)
        if len(arrivals) and arrivals[-1] != NO_WATERMARK:  # rows before the first known time arrive with it
            arrivals[arrivals == NO_WATERMARK] = arrivals[arrivals != NO_WATERMARK][0]
        return arrivals

    def _read(self, column: str) -> Nanos:
        return to_nanos(pd.to_datetime(self.frame[column], errors="coerce", utc=True, format="ISO8601"))


class FrameReader:
    """Reads a frame; its position is the number of rows read."""

    def __init__(self, frame: pd.DataFrame, arrivals: Nanos, times: Nanos) -> None:
        self._frame, self._arrivals, self._times = frame, arrivals, times
        self.position: tuple[int, ...] = (0,)
        self.arrivals: Nanos | None = arrivals[:0]
        self.reached = int(arrivals[0]) if len(arrivals) else 0

    @property
    def share(self) -> float:
        """How much of the frame has been read."""
        return self.position[0] / len(self._frame) if len(self._frame) else 1.0

    def poll(self, until: int | None, rows: int) -> pd.DataFrame | None:
        """Give the next rows that arrived before a moment."""
        (start,) = self.position
        if start == len(self._frame):
            return None
        arrived = len(self._frame) if until is None else int(np.searchsorted(self._arrivals, until))
        stop = max(start, min(start + rows, arrived))
        self.position = (stop,)
        if until is not None and stop < start + rows:
            self.reached = max(self.reached, until)
        else:
            self.reached = int(self._arrivals[stop - 1])
        self.arrivals = self._arrivals[start:stop]
        return self._frame.iloc[start:stop]

    def pending(self, now: int) -> Nanos:
        """Give what has happened by a moment and arrives later: event times and arrivals, shape (2, rows).

        It looks at so many rows that arrive next.
        """
        first = int(np.searchsorted(self._arrivals, now))
        times, arrivals = (each[first : first + LOOKED_AT] for each in (self._times, self._arrivals))
        later = (times <= now) & (times != NO_WATERMARK)
        return np.stack([times[later], arrivals[later]])

    def seek(self, position: tuple[int, ...]) -> None:
        """Go on reading from a position."""
        (start,) = self.position = position
        if len(self._arrivals):
            self.reached = int(self._arrivals[max(start - 1, 0)])  # as when that had been read
