"""Frames: the partial aggregates of many ranges of rows at once, however much they overlap.

The edges of all ranges cut the rows into pieces that every range holds whole or not at all. Rows are folded
into pieces, each row once. Ranges are then merged from pieces by doubling: runs of 1, 2, 4, ... pieces from
every position on, of which each range takes those that its length in binary is made of. So a range of n
pieces costs about log2(n) merges, in arrays over all ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.engine.custom import Arrays
from workbench.engine.operands import Operand, concat
from workbench.engine.partials import Partials, Plan
from workbench.engine.parts import Columns, Lifted, Part
from workbench.engine.placing import spread
from workbench.time import Nanos

Ints = npt.NDArray[np.int64]

_SMALL = (Lifted, Arrays)
"""Parts that are no larger for many rows than for one, and are merged in whole arrays."""
_PAIRS = 2_000_000
"""How many pairs of range and row are written out at a time, where that is the only way."""


def framed(
    plan: Plan, operands: Mapping[Any, Operand], times: Nanos, starts: Ints, ends: Ints
) -> Iterator[Partials]:
    """Give the partials of ranges of rows, a number of ranges at a time, in their order.

    Parts of a fixed size are merged from pieces. The others hold values or objects, so a range is as much
    work as it has rows: their pairs of range and row are written out, so many at a time.

    Parameters
    ----------
    plan : Plan
        What is to be aggregated.
    operands : mapping of str or tuple to Operand
        The input columns, as `Plan.operands` gives them.
    times : int64 array
        Event times of the rows; position is taken as arrival.
    starts, ends : int64 arrays of equal length
        Ranges ``[start, end)`` of positions.

    Examples
    --------
    >>> import pandas as pd
    >>> from workbench.model.aggregates import Aggregate
    >>> plan = Plan([Aggregate("total", "v", "sum")])
    >>> operands = plan.operands(pd.DataFrame({"v": [1, 2, 4, 8]}))
    >>> ranges = np.array([0, 0, 1, 2]), np.array([1, 4, 4, 2])
    >>> [plan.results(made)["total"].tolist() for made in framed(plan, operands, np.arange(4), *ranges)]
    [[1, 15, 14, 0]]
    """
    every = all(isinstance(part, _SMALL) for part in plan.parts)
    bounds = [0, len(starts)] if every else _chunks(ends - starts)
    for begin, beyond in pairwise(bounds):
        some = starts[begin:beyond], ends[begin:beyond]
        columns = [
            (_merged if isinstance(part, _SMALL) else _listed)(part, operands[column], times, *some)
            for part, (_, column) in zip(plan.parts, plan.needs, strict=True)
        ]
        yield Partials(plan.parts, columns)


def _chunks(lengths: Ints) -> list[int]:
    """Divide ranges into runs of few enough pairs, or of a single range."""
    chunk = np.cumsum(lengths) // _PAIRS
    return [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(lengths)]


def _listed(part: Part, operand: Operand, times: Nanos, starts: Ints, ends: Ints) -> Columns:
    """Fold all pairs of range and row."""
    of, at = spread(starts, ends - 1)
    return _fold(part, operand, times, at, of, len(starts))


def _merged(part: Part, operand: Operand, times: Nanos, starts: Ints, ends: Ints) -> Columns:
    """Fold rows into pieces, and merge those of each range; an empty range gives what no rows give."""
    some = starts < ends
    if not some.any():
        return _fold(part, operand, times, starts[:0], starts[:0], len(starts))
    edges = np.unique(np.concatenate([starts[some], ends[some]]))
    rows = np.arange(edges[0], edges[-1])
    piece = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    pieces = _fold(part, operand, times, rows, piece, len(edges) - 1)
    first, beyond = np.searchsorted(edges, starts[some]), np.searchsorted(edges, ends[some])
    found = _doubled(part, pieces, first, beyond)
    if some.all():
        return found
    nothing = _fold(part, operand, times, starts[:0], starts[:0], 1)
    place = np.where(some, np.cumsum(some), 0)
    return tuple(concat([none, column])[place] for none, column in zip(nothing, found, strict=True))


def _doubled(part: Part, runs: Columns, first: Ints, beyond: Ints) -> Columns:
    """Merge ranges of pieces, none of them empty; ``runs`` are of one piece, then of 2, 4, ..."""
    found = tuple(column[first] for column in runs)
    at, rest = first + 1, beyond - first - 1
    with np.errstate(over="ignore", invalid="ignore"):  # runs across keys may be nonsense; no range has them
        for bit in range(int(rest.max()).bit_length()):
            if bit:
                half = 1 << (bit - 1)
                runs = part.merge(_cut(runs, slice(None, -half)), _cut(runs, slice(half, None)))
            due = np.flatnonzero(rest >> bit & 1)
            merged = part.merge(_cut(found, due), _cut(runs, at[due]))
            for column, more in zip(found, merged, strict=True):
                column[due] = more
            at[due] += 1 << bit
    return found


def _cut(columns: Columns, chosen: Ints | slice) -> Columns:
    return tuple(column[chosen] for column in columns)


def _fold(part: Part, operand: Operand, times: Nanos, at: Ints, groups: Ints, count: int) -> Columns:
    """Fold rows by position."""
    chosen = Operand(operand.values[at], operand.valid[at], operand.dtype)
    return part.fold(chosen, times[at], at, groups, count)
