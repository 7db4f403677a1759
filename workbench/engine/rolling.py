"""Rolling: beside each row the aggregates of the rows just before it; process(batch) -> frame, late.

The way of a batch through here: rows wait until the watermark has passed them and leave in the order of event
time; each has a frame, a range of rows in the history of its key, and `frames` aggregates all frames at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.frames import framed
from workbench.engine.history import History, LookingBack
from workbench.engine.operands import Operand
from workbench.engine.partials import Plan
from workbench.engine.placing import spread
from workbench.engine.ranges import FEW
from workbench.engine.ranked import RANKED, ranked
from workbench.engine.rows import side_by_side
from workbench.engine.sides import choose
from workbench.errors import DescriptionError
from workbench.model.aggregates import SIZE, Aggregate
from workbench.time import Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CLOSED = ("right", "left", "both", "neither")
_OF_ROWS = (SIZE, "count")
"""Aggregates whose frame is full by its rows, not by its values; as in pandas."""
_OF_NOTHING = (
    *_OF_ROWS,
    *("sum", "prod", "any", "all", "nunique", "collect", "approx_nunique", "heavy_hitters"),
)
"""Aggregates that nothing has too; the others are null then."""


class _Demand(NamedTuple):
    """Which aggregates can be computed together: of one column, of frames that are full alike."""

    column: str | tuple[str, ...]
    least: int
    """How much a frame must hold; otherwise the result is null."""
    of_rows: bool
    ranked: bool
    """Whether frames are not merged, but looked for in the order of values."""


class Rolling(LookingBack):
    """Gives each row aggregates of its frame: the last rows of its key, or those within a duration before it.

    Known as ``groupby().rolling(n)`` and ``groupby().rolling("30s", on=time)`` in pandas, as ``OVER
    (PARTITION BY key ORDER BY time ROWS | RANGE BETWEEN ... PRECEDING AND CURRENT ROW)`` in SQL and Flink
    SQL; Spark has it in batch only.

    A row is told when the watermark less the lateness has passed it: then all that its frame can hold has
    come. A row behind the watermark less the lateness is late. Every other row is told once.

    A frame ends with its row, as in pandas: of rows of equal time it holds those that arrived before, not
    those after. SQL's ``RANGE``, unlike ``ROWS``, would hold them all.

    Parameters
    ----------
    keys : sequence of str
        Key columns; none for one order of all rows. Null is a key of its own.
    aggregates : sequence of Aggregate
        What is computed; any of `workbench.model.aggregates`.
    rows : int or None
        How many rows a frame has at most, its own included, at least 1.
    within : int or None
        How many nanoseconds of event time it covers, at least 1. With `rows` as well, a frame has those of
        the last rows that lie within the duration; that bounds the state where keys come and go.
    closed : str
        Which ends a frame has, as in pandas: ``right``, ``left``, ``both`` or ``neither``. In time, a frame
        goes from `within` before its row to its row; open to the right, it ends before all rows of its row's
        time. In rows, closed to the left it has one more at the beginning, and open to the right not its own.
    min_periods : int or None
        How much a frame must hold, or the result is null: values that are not null, but for ``size`` and
        ``count`` rows. None is `rows` for a frame of rows and 1 for one of time, as in pandas.
    lateness : int
        Nanoseconds that a row may come behind the watermark; all wait as much longer.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.

    Notes
    -----
    A batch costs a sort of the rows told, one pass over the rows in their frames, and for each part of an
    aggregate about 2 log2(b) merges a row, where b is how many rows of its key the batch tells: the length of
    frames does not matter; nor for ``median``, ``quantile`` and ``nunique``, found by some passes for each
    bit of the rows' number. But ``mode``, ``collect`` and sketches cost as much for each row as its frame
    holds. State is bounded by the rows ahead of the
    watermark less the lateness, which wait whole, and by the rows that a frame to come may hold, of which the
    columns aggregated are kept; with `rows` alone, that is the last rows of every key ever seen, to the end.

    With ``min_periods=0``, size, count, sum, any, all, nunique and collect have a value for nothing, and keep
    their dtypes. Otherwise integers become ``Int64`` and the like, booleans ``boolean``, whether or not there
    are nulls among them, so that all batches have the same dtypes.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> second = 1_000_000_000
    >>> mean = Aggregate("mean", "price", "mean")
    >>> rolling, progress = Rolling(keys=["pair"], aggregates=[mean], within=10 * second), Progress(bound=0)
    >>> frame = pd.DataFrame({"pair": list("aaba"), "price": [2, 4, 9, 6]}, index=pd.RangeIndex(1, 5))
    >>> _ = rolling.process(frame, progress.stamp(np.array([0, 9, 9, 10]) * second))
    >>> rolling.process(frame[:0], progress.end()).frame
      pair  price  mean
    4    a      6   5.0
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        aggregates: Sequence[Aggregate],
        rows: int | None = None,
        within: int | None = None,
        closed: str = "right",
        min_periods: int | None = None,
        lateness: int = 0,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        choose("closed", closed, CLOSED)
        _check(aggregates, rows, within, min_periods)
        self.rows, self.within = rows, within
        self.with_own = closed in ("right", "both")
        left = closed in ("left", "both")
        self.back = None if rows is None else rows - (not left)  # how many rows before its own a frame begins
        columns = [column for aggregate in aggregates for column in aggregate.columns]
        reach = None if within is None else within - (not left)
        self.plans = _plans(aggregates, (1 if rows is None else rows) if min_periods is None else min_periods)
        super().__init__(
            History(keys, columns, rows=self.back, reach=reach),
            outputs=[aggregate.output for aggregate in aggregates],
            lateness=lateness,
            time_dtype=time_dtype,
            described=(tuple(keys), tuple(aggregates), rows, within, closed, min_periods, lateness),
        )

    def _looked(self, at: Ints) -> dict[str, pd.Series]:
        """Give the aggregates of the rows' frames."""
        return self._results(*self._frames(at))

    def _frames(self, at: Ints) -> tuple[Ints, Ints]:
        """Give the frame ``[start, end)`` of each row, as positions in the history."""
        starts, ends = self.history.first(at), at + self.with_own
        if self.back is not None:
            starts = np.maximum(starts, at - self.back)
        if self.within is not None and not self.with_own:
            index = self.history.index
            ends = np.minimum(ends, index.find(index.keys[at], index.times[at], index.times[at])[0])
        return np.minimum(starts, ends), ends

    def _results(self, starts: Ints, ends: Ints) -> dict[str, pd.Series]:
        """Give the output columns, of frames in the history."""
        rows, starts, ends = _framing(starts, ends, len(self.history))
        values = side_by_side(self.history.take(rows))
        results: dict[str, pd.Series] = {}
        for demand, plan in self.plans.items():
            results |= _aggregated(plan, demand, values, self.history.index.times[rows], starts, ends)
        return results


def _framing(starts: Ints, ends: Ints, count: int) -> tuple[Ints, Ints, Ints]:
    """Give which of so many rows are in a frame, for only those are taken out; and frames among these."""
    if int((ends - starts).sum()) * FEW < count:
        rows = np.unique(spread(starts, ends - 1)[1])
        return rows, np.searchsorted(rows, starts), np.searchsorted(rows, ends)
    edges = np.bincount(starts, minlength=count + 1) - np.bincount(ends, minlength=count + 1)
    framing = np.cumsum(edges)[:count] > 0
    place = np.append(0, np.cumsum(framing))
    return np.flatnonzero(framing), place[starts], place[ends]


def _aggregated(
    plan: Plan, demand: _Demand, values: pd.DataFrame, times: Nanos, starts: Ints, ends: Ints
) -> dict[str, pd.Series]:
    """Give the results of one plan; null for frames that hold too little."""
    operands = plan.operands(values)
    held = ends - starts
    if not demand.of_rows:
        valid = np.append(0, np.cumsum(operands[demand.column].valid))
        held = valid[ends] - valid[starts]
    full = held >= demand.least
    if demand.ranked:
        found = ranked(plan.aggregates, operands[demand.column], starts[full], ends[full])
        joined = {name: pd.Series(column, copy=False) for name, column in found.items()}
    else:
        joined = _merged(plan, operands, times, starts[full], ends[full])
    return {name: _told(column, full) if demand.least else column for name, column in joined.items()}


def _merged(
    plan: Plan, operands: dict[Any, Operand], times: Nanos, starts: Ints, ends: Ints
) -> dict[str, pd.Series]:
    """Give the results of a plan for frames that hold enough."""
    pieces = [plan.results(made) for made in framed(plan, operands, times, starts, ends)]
    columns = {name: [pd.Series(piece[name], copy=False) for piece in pieces] for name in pieces[0]}
    return {
        name: several[0] if len(several) == 1 else pd.concat(several, ignore_index=True)
        for name, several in columns.items()
    }


def _told(results: pd.Series, full: Mask) -> pd.Series:
    """Give the results of full frames their places, in a dtype that holds nulls, and null to the others."""
    nothing = np.zeros(len(results), dtype=bool)
    if isinstance(results.dtype, np.dtype) and results.dtype.kind in "iu":
        results = pd.Series(pd.arrays.IntegerArray(results.to_numpy(), nothing), copy=False)
    elif isinstance(results.dtype, np.dtype) and results.dtype.kind == "b":
        results = pd.Series(pd.arrays.BooleanArray(results.to_numpy(), nothing), copy=False)
    if full.all():
        return results
    return results.set_axis(np.flatnonzero(full)).reindex(np.arange(len(full)))


def _plans(aggregates: Sequence[Aggregate], min_periods: int) -> dict[_Demand, Plan]:
    """Put together aggregates that share their parts and their frames."""
    demands: dict[_Demand, list[Aggregate]] = {}
    for aggregate in aggregates:
        function = aggregate.function
        least = min_periods if function in _OF_NOTHING else max(min_periods, 1)
        column = "" if function == SIZE else aggregate.column
        demands.setdefault(_Demand(column, least, function in _OF_ROWS, function in RANKED), []).append(
            aggregate
        )
    return {demand: Plan(several) for demand, several in demands.items()}


def _check(
    aggregates: Sequence[Aggregate], rows: int | None, within: int | None, min_periods: int | None
) -> None:
    """Refuse frames that make no sense."""
    if not aggregates:
        raise DescriptionError(
            "nothing to aggregate", hint="give aggregates=[Aggregate('total', 'v', 'sum')]"
        )
    if rows is None and within is None:
        raise DescriptionError(
            "a rolling frame without an end",
            detail="every row of a key would be held for ever",
            hint="give rows, within or both",
        )
    if rows is not None and rows < 1:
        raise DescriptionError(f"a frame has at least one row, but rows is {rows!r}")
    if within is not None and within < 1:
        raise DescriptionError(f"a frame covers at least a nanosecond, but within is {within!r}")
    if min_periods is not None and min_periods < 0:
        raise DescriptionError(f"min_periods must be at least zero, but is {min_periods!r}")
    if rows is not None and min_periods is not None and min_periods > rows:
        raise DescriptionError(
            f"no frame of {rows} rows holds {min_periods}", hint="make min_periods at most rows"
        )
