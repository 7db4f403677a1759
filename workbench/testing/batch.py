"""What pandas says of a whole table at once: what a stream without late rows must come to.

Plain `DataFrame.groupby`, without watermarks and without any code of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.aggregates import SIZE, Aggregate
from workbench.model.panes import ON_TIME, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.windows import Aligned, Session, Sliding, Window
from workbench.testing.covering import windows_of
from workbench.time import Nanos, from_nanos, to_nanos

SPELLED = {
    "collect": lambda values: values.dropna().tolist(),
    "mode": lambda values: next(iter(values.mode()), None),
}
"""What pandas has no word for, in a groupby."""


def pandas_answer(
    frame: pd.DataFrame,
    *,
    time: str,
    keys: Sequence[str] = (),
    window: Window,
    aggregates: Sequence[Aggregate],
) -> pd.DataFrame:
    """Give all panes of a table, each on time: what the stream must come to when no row is late.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in arrival order; rows without event time, and rows between windows, are left out.
    time : str
        The event-time column.
    keys : sequence of str
        Key columns; null is a key of its own.
    window : Aligned or Session
        Where rows are put together.
    aggregates : sequence of Aggregate
        The outputs.

    Returns
    -------
    pandas.DataFrame
        A pane table, by ``window_end``, then keys.

    Examples
    --------
    >>> from workbench.model.windows import Session
    >>> frame = pd.DataFrame({"t": pd.to_datetime([1, 4, 20], unit="s"), "v": [1, 2, 3]})
    >>> answer = pandas_answer(
    ...     frame, time="t", window=Session("5s"), aggregates=[Aggregate("total", "v", "sum")]
    ... )
    >>> answer.total.tolist(), answer.window_end.dt.second.tolist()
    ([3, 3], [9, 25])
    """
    rows = frame[frame[time].notna()].sort_values(time, kind="stable", ignore_index=True)
    moments = to_nanos(rows[time])
    if isinstance(window, Session):
        starts, ends = _sessions(rows, moments, keys, window)
    else:
        assert isinstance(window, Aligned), "count windows go by arrival, not by time"
        positions, starts, ends = _placed(moments, window)
        rows = rows.iloc[positions]
    placed = rows.assign(**{WINDOW_START: starts, WINDOW_END: ends})
    by = [WINDOW_START, WINDOW_END, *keys]
    groups = placed.groupby(by, dropna=False, observed=True, sort=True)
    named = {
        each.output: (WINDOW_START if each.function == SIZE else each.column, _spelled(each))
        for each in aggregates
    }
    panes = groups.agg(**named).reset_index()
    for name in (WINDOW_START, WINDOW_END):
        panes[name] = from_nanos(panes[name].to_numpy(np.int64), frame[time].dtype)
    panes = panes.assign(**{TIMING: ON_TIME, REVISION: 0})
    return panes.sort_values([WINDOW_END, *keys], kind="stable", ignore_index=True)


def _spelled(what: Aggregate) -> Any:
    """Give an aggregate as pandas' groupby takes it."""
    if what.function == "quantile":
        return lambda values: values.quantile(what.argument)
    return SPELLED.get(what.function, what.function)


def _placed(moments: Nanos, window: Aligned) -> tuple[Nanos, Nanos, Nanos]:
    """Give (position of the row, start, end of a window that covers it) for each such window."""
    if isinstance(window, Sliding):
        positions, starts = _starts(moments, window)
        return positions, starts, starts + window.size
    found = [(i, *one) for i, moment in enumerate(moments.tolist()) for one in windows_of(window, moment)]
    positions, starts, ends = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return positions, starts, ends


def _starts(moments: Nanos, window: Sliding) -> tuple[Nanos, Nanos]:
    """Give (position of the row, start of a window that covers it), a pair for each such window."""
    last = (moments - window.offset) // window.slide * window.slide + window.offset
    back = np.arange(-(-window.size // window.slide), dtype=np.int64) * window.slide
    starts = last[:, np.newaxis] - back
    positions, which = np.nonzero(starts + window.size > moments[:, np.newaxis])
    return positions.astype(np.int64), starts[positions, which]


def _sessions(
    rows: pd.DataFrame, moments: Nanos, keys: Sequence[str], window: Session
) -> tuple[Nanos, Nanos]:
    """Give the start and the end of each row's session; rows come sorted by time."""
    everyone = np.zeros(len(rows), dtype=np.int64)
    key = rows.groupby([*keys], dropna=False, observed=True).ngroup().to_numpy() if keys else everyone
    table = pd.DataFrame({"key": key, "time": moments})
    pause = table.groupby("key")["time"].diff()
    begins = pause.gt(window.gap) if window.merge_touching else pause.ge(window.gap)
    table["session"] = begins.groupby(table["key"]).cumsum()
    spans = table.groupby(["key", "session"])["time"]
    starts = spans.transform("min").to_numpy(np.int64)
    return starts, spans.transform("max").to_numpy(np.int64) + window.gap
