"""Where rows come from: one file a kind of source, one protocol for all.

A source is a description with a name and a schema; its *reader* gives the rows that have arrived by a moment
of processing time, knows its position, and can be sent back to one.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import pandas as pd

from workbench.errors import DescriptionError
from workbench.model.steps import Date, Read, Source
from workbench.model.stream import EventStream
from workbench.model.watermarks import Watermark, as_watermark
from workbench.sources.frame import FrameSource
from workbench.sources.simulated import SimulatedSource
from workbench.time import Duration, Nanos


class Reader(Protocol):
    """Reads a source in arrival order.

    Attributes
    ----------
    reached : int
        Processing time, in nanoseconds, up to which all rows have been read; before the first, when the
        source begins.
    position : tuple of int
        Where reading goes on; any position that was once given can be sought.
    arrivals : int64 array, shape (rows,), or None
        Processing time, in nanoseconds, when each of the rows given last arrived; None where nobody knows:
        then they arrive when they are read.
    share : float or None
        How much has been read, from 0 to 1; None of a source without end. A reader may leave it out.
    """

    reached: int
    position: tuple[int, ...]
    arrivals: Nanos | None

    def poll(self, until: int | None, rows: int) -> pd.DataFrame | None:
        """Give the next rows, at most ``rows``, that arrived before a moment (None: whenever).

        An empty frame means that nothing has arrived yet, None that the source has ended.
        """
        ...

    def seek(self, position: tuple[int, ...]) -> None:
        """Go on reading from a position."""
        ...


def stream(
    source: Any,
    *,
    watermark: Watermark | Duration,
    time: str | None = None,
    arrival: str | None = None,
    duration: Duration | None = None,
    name: str | None = None,
) -> EventStream:
    """Describe a stream of rows; nothing runs until it is started.

    Parameters
    ----------
    source : pandas.DataFrame, simulator or source
        A frame is read in the order of its rows. A simulator is read as its delivery makes its events arrive.
    watermark : duration, BoundedOutOfOrderness, Ascending or Punctuated
        What moves the watermark; a duration says how far rows may be out of order.
    time : str, optional
        The event-time column; needed for a frame.
    arrival : str, optional
        The column of a frame that says when each row arrived, for pacing, idleness and
        ``max_ahead``; without it rows arrive at the greatest event time so far.
    duration : duration, optional
        How long a simulator runs, in processing time from its start; without it, for ever.
    name : str, optional
        The source's name; else ``"frame"``, or the simulator's own.

    Raises
    ------
    DescriptionError
        If this cannot be a source.
    SchemaError
        If the time column is missing or no datetime, or a column of the watermark is.

    Examples
    --------
    >>> from simulators import Sensors
    >>> stream(Sensors(seed=7), watermark="5s").name
    'watermark'
    """
    described = _source(source, time, arrival, duration, name)
    policy = as_watermark(watermark)
    policy.check(described.schema)
    if policy.max_ahead is not None and isinstance(described, FrameSource) and described.arrival is None:
        raise DescriptionError(
            f"nobody knows when the rows of {described.name} arrived",
            detail="max_ahead rejects a row that is too far ahead of its arrival",
            hint="name the column that says it, as in wb.stream(frame, arrival='arrival_time', ...)",
        )
    read = Read(name=described.name, source=described)
    return EventStream(Date(name="watermark", upstreams=(read,), schema=described.schema, watermark=policy))


def _source(
    source: Any, time: str | None, arrival: str | None, duration: Duration | None, name: str | None
) -> Source:
    if isinstance(source, pd.DataFrame):
        if time is None:
            raise DescriptionError(
                "a frame needs an event-time column",
                hint="wb.stream(frame, time='event_time', watermark='10s')",
            )
        return FrameSource(source, time=time, arrival=arrival, name=name or "frame")
    if hasattr(source, "block_arrivals"):
        return SimulatedSource(source, duration=duration, name=name or source.name)
    if hasattr(source, "reader") and hasattr(source, "schema"):
        return cast(Source, source)
    raise DescriptionError(
        f"this cannot be a source: {type(source).__name__}",
        hint="give a pandas.DataFrame, or a simulator, as simulators.Clickstream()",
    )
