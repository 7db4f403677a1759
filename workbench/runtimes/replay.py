"""The time plane of a bounded source: its whole, run through at once."""

from __future__ import annotations

from typing import Any

from workbench.engine.operators import Windows, operator_for
from workbench.engine.outcomes import OUT
from workbench.model.steps import Step
from workbench.runtimes.batch import Pipeline, require_end
from workbench.runtimes.plane import Plane
from workbench.time import END_OF_TIME


def replay(
    step: Step, *, batch_rows: int | None = None, key: dict[str, Any] | None = None, keep: int = 5_000
) -> Plane:
    """Run bounded sources to their end, and give the plane of the result.

    Parameters
    ----------
    step : Aggregated
        The windows.
    batch_rows : int, optional
        Rows that are read at once; by default so few that a picture shows no batches.
    key : dict, optional
        A key that is to be looked at.
    keep : int
        How many rows to keep one by one.

    Raises
    ------
    DescriptionError
        If a source has no end.

    Examples
    --------
    >>> import pandas as pd
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90, 9], unit="s"), "v": [1, 2, 3, 4, 5, 6]})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(total=("v", "sum"))
    >>> plane = replay(panes.step)
    >>> plane.counts()
    {'on_time': 4, 'late_accepted': 1, 'too_late': 1, 'rejected': 0}
    >>> plane.panes()[["total", "timing"]].rename(index=pd.Timestamp)
                         total   timing
    fired
    1970-01-01 00:01:05      3  on_time
    1970-01-01 00:01:05      7     late
    1970-01-01 00:01:30      8  on_time
    """
    require_end(step, "a time plane of the whole")
    plane = Plane(step, keep=keep, moments=100_000, panes=END_OF_TIME)
    if key:
        plane.watch(key)
    windows = operator_for(step)
    assert isinstance(windows, Windows)
    for outcome in Pipeline(step.upstreams[0]).outcomes(batch_rows or _few(step)):
        if outcome.stamp is not None:
            frame = outcome.frames[OUT]
            plane.take(frame, outcome.stamp, windows.process(frame, outcome.stamp))
    return plane


def _few(step: Step) -> int:
    """Give a number of rows that makes some hundreds of batches, where the source says how many it has."""
    source = getattr(list(step.chain())[-1], "source", None)
    rows = len(getattr(source, "frame", ()))
    return max(1, rows // 1_000) if rows else 200
