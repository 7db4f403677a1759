"""What pandas says of a whole table at once: what a stream without late rows must come to.

Plain `DataFrame.groupby`, without watermarks and without any code of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.aggregates import Aggregate
from workbench.model.custom import Custom
from workbench.model.panes import ON_TIME, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.windows import Aligned, Session, Sliding, Window
from workbench.testing.covering import windows_of
from workbench.testing.reckoning import by_hand
from workbench.time import Nanos, from_nanos, to_nanos


def _ranked(values: pd.Series, share: float) -> Any:
    """Give the value that a share of the values come before."""
    ordered = values.dropna().sort_values(ignore_index=True)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if len(ordered) else None


def _counted(values: pd.Series, most: float) -> list[tuple[Any, int]]:
    """Give the commonest values and their counts, of equal counts the lesser value first."""
    return list(values.value_counts().sort_index().sort_values(ascending=False, kind="stable").items())[
        : int(most)
    ]


def _moved(values: pd.Series) -> pd.Series:
    """Bring values near zero, where pandas' sums of powers keep their digits."""
    return values - values.min()


SPELLED: Mapping[str, Callable[[pd.Series, float], Any]] = {
    "collect": lambda values, _: values.dropna().tolist(),
    "mode": lambda values, _: next(iter(values.mode()), None),
    "quantile": lambda values, share: values.quantile(share),
    "var": lambda values, _: _moved(values).var(),
    "std": lambda values, _: _moved(values).std(),
    "sem": lambda values, _: _moved(values).sem(),
    "skew": lambda values, _: _moved(values).skew(),
    "kurt": lambda values, _: _moved(values).kurt(),
    "approx_nunique": lambda values, _: values.nunique(),
    "approx_quantile": _ranked,
    "heavy_hitters": _counted,
}
"""What pandas' groupby has no word for, or gives with fewer digits; exact for what is approximate."""

PAIRS: Mapping[str, Callable[[pd.Series, pd.Series], Any]] = {
    "corr": lambda x, y: _moved(x).corr(_moved(y)) if len(x) > 1 else None,
    "cov": lambda x, y: _moved(x).cov(_moved(y)) if len(x) > 1 else None,
    "weighted_mean": lambda x, weight: (x * weight).sum() / weight.sum() if weight.sum() else None,
}
"""Aggregates of two columns without nulls; pandas warns of a covariance of one pair."""


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
        each.output: (each.columns[0] if each.columns else WINDOW_START, _spelled(each))
        for each in aggregates
    }
    panes = groups.agg(**named).reset_index()
    for each in aggregates:
        if isinstance(each.function, Custom) or each.function in PAIRS:
            panes[each.output] = [_paired(each, group) for _, group in groups]
    for name in (WINDOW_START, WINDOW_END):
        panes[name] = from_nanos(panes[name].to_numpy(np.int64), frame[time].dtype)
    panes = panes.assign(**{TIMING: ON_TIME, REVISION: 0})
    return panes.sort_values([WINDOW_END, *keys], kind="stable", ignore_index=True)


def _spelled(what: Aggregate) -> Any:
    """Give an aggregate as pandas' groupby takes it; of those that it cannot take, a place for the result."""
    if isinstance(what.function, Custom) or what.function in PAIRS:
        return "size"
    if what.function in SPELLED:
        return lambda values: SPELLED[what.function](values, what.argument or 0)
    return what.function


def _paired(what: Aggregate, group: pd.DataFrame) -> Any:
    """Compute an aggregate of one's own, or of two columns, of one group."""
    columns = [group[list(what.columns)].dropna()[name] for name in what.columns]
    if isinstance(what.function, Custom):
        return by_hand(what.function, list(zip(*(column.tolist() for column in columns), strict=True)))
    return PAIRS[what.function](*columns)


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
