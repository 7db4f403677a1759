"""Where rows come from: one file a kind of source, one protocol for all.

A source is a description with a name and a schema; its *reader* gives the rows that have arrived by a moment
of processing time, knows its position, and can be sent back to one.
"""

from __future__ import annotations

import os
from typing import Any, Protocol, cast

import pandas as pd

from workbench.errors import DescriptionError
from workbench.model.steps import Date, Read, Source
from workbench.model.stream import EventStream
from workbench.model.watermarks import Watermark, as_watermark
from workbench.sources.frame import FrameSource
from workbench.sources.simulated import ARRIVAL, SimulatedSource
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
        A frame is read in the order of its rows. A simulator is read as its delivery makes its events arrive,
        and has its own event time.
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
        If this cannot be a source, or has no use for an argument.
    SchemaError
        If the time column is missing or no datetime, or a column of the watermark or of arrival is.

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
    if isinstance(source, type):
        raise DescriptionError(
            f"this cannot be a source: the class {source.__name__}",
            hint=f"make one of it, as in wb.stream({source.__name__}(), ...)",
        )
    if isinstance(source, pd.DataFrame):
        if time is None:
            raise DescriptionError(
                "a frame needs an event-time column",
                hint="wb.stream(frame, time='event_time', watermark='10s')",
            )
        _refuse("a frame ends with its last row", duration=(duration, None))
        return FrameSource(source, time=time, arrival=arrival, name=name or "frame")
    if hasattr(source, "block_arrivals"):
        known = {"time": (time, source.time_column), "arrival": (arrival, ARRIVAL)}
        _refuse(f"the simulator {source.name} has its own columns of times", **known)
        return SimulatedSource(source, duration=duration, name=name or source.name)
    if hasattr(source, "reader") and hasattr(source, "schema"):
        given = {"arrival": (arrival, None), "duration": (duration, None), "name": (name, source.name)}
        _refuse("the source says that itself", time=(time, source.schema.time), **given)
        return cast(Source, source)
    read = "give a pandas.DataFrame, or a simulator, as simulators.Clickstream()"
    if isinstance(source, str | os.PathLike):
        read = f"read it first, as in wb.stream(pd.read_csv({os.fspath(source)!r}), time='event_time', ...)"
    raise DescriptionError(f"this cannot be a source: {type(source).__name__}", hint=read)


def _refuse(why: str, **given: tuple[Any, Any]) -> None:
    """Refuse arguments that a source has no use for, but for what it has anyway."""
    for argument, (value, known) in given.items():
        if value is not None and value != known:
            raise DescriptionError(
                f"{argument}={value!r} has no effect here",
                detail=why,
                hint=f"leave {argument} out" + (f"; it is {known!r}" if known else ""),
            )
