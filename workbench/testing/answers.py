"""The oracle's answer for a whole table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.engine.progress import Stamp
from workbench.model.aggregates import Aggregate
from workbench.model.windows import Session, Window
from workbench.schema import REASON, told_of
from workbench.testing.compare import final_panes
from workbench.testing.oracle import Oracle, OracleOutput
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, to_nanos


@dataclass(frozen=True, eq=False)
class Answer(OracleOutput):
    """The oracle's answer for a whole table.

    Parameters
    ----------
    final : pandas.DataFrame
        The panes that no other supersedes, by ``window_end``, then keys.
    superseded : tuple of bool
        For each of ``panes``, whether its window gave a later one, by true descent.
    """

    final: pd.DataFrame
    superseded: tuple[bool, ...]


def run_oracle(
    frame: pd.DataFrame,
    *,
    time: str,
    keys: Sequence[str] = (),
    window: Window,
    lateness: int = 0,
    aggregates: Sequence[Aggregate],
    bound: int,
) -> Answer:
    """Give the answer for a whole table, row by row in arrival order, to the end of the stream.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in arrival order; the index does not matter: rows are numbered from 1.
    time : str
        The event-time column; a row without event time is rejected.
    keys : sequence of str
        Key columns; null is a key of its own.
    window : Sliding, Tumbling or Session
        Where rows are put together.
    lateness, bound : int
        Nanoseconds that a closed window still accepts rows; nanoseconds that the watermark stays
        behind the greatest event time so far.
    aggregates : sequence of Aggregate
        The outputs.

    Returns
    -------
    Answer
        Final panes, all panes, late rows, rejected rows, and counts.

    Examples
    --------
    >>> from workbench.model.windows import Tumbling
    >>> frame = pd.DataFrame({"t": pd.to_datetime([1, 9, 12, 3], unit="s"), "v": [1, 2, 3, 4]})
    >>> total = Aggregate("total", "v", "sum")
    >>> answer = run_oracle(frame, time="t", window=Tumbling("10s"), aggregates=[total], bound=0)
    >>> answer.final.total.tolist(), answer.late.v.tolist()
    ([3, 3], [4])
    """
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    times = to_nanos(frame[time])
    oracle = Oracle(
        keys=keys,
        window=window,
        lateness=lateness,
        aggregates=aggregates,
        time_dtype=frame[time].dtype,
    )
    dated = times != NO_WATERMARK
    out = oracle.process(frame[dated], Stamp(1, times, _met(times, bound), END_OF_TIME))
    undated = told_of(frame[~dated], **{REASON: "null event time"})
    rejected = pd.concat([part for part in (out.rejected, undated) if len(part)] or [undated])
    return Answer(
        out.panes,
        out.last,
        out.late,
        rejected.sort_index(),
        out.dropped,
        final=final_panes(out.panes, keys, sessions=isinstance(window, Session)),
        superseded=tuple(position in oracle.superseded for position in range(oracle.emitted)),
    )


def _met(times: Nanos, bound: int) -> Nanos:
    """Give the watermark that each row meets: the greatest event time before it, less the bound."""
    met = np.empty(len(times), np.int64)
    watermark = NO_WATERMARK
    for position, moment in enumerate(times.tolist()):
        met[position] = watermark
        if moment != NO_WATERMARK:
            watermark = max(watermark, moment - bound)
    return met
