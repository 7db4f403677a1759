"""From rows to partial aggregates, and to results at the end.

`Plan` knows the parts that some aggregates need, each once; `Partials` holds their columns for a number of
groups. Everything else in the engine moves `Partials` about without knowing what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.parts import PARTS, Array, Columns, Groups, Operand, Part, concat, numeric
from workbench.model.aggregates import Aggregate
from workbench.time import END_OF_TIME, NO_WATERMARK


class Partials:
    """The columns of some parts, one element per group."""

    __slots__ = ("columns", "parts")

    def __init__(self, parts: Sequence[Part], columns: Sequence[Columns]) -> None:
        self.parts = tuple(parts)
        self.columns = tuple(columns)

    def take(self, index: Any) -> Partials:
        """Choose groups by position or mask."""
        return Partials(self.parts, [tuple(array[index] for array in columns) for columns in self.columns])

    def reduce(self, groups: Groups, count: int) -> Partials:
        """Merge partials of the same group into one."""
        reduced = [
            part.reduce(columns, groups, count)
            for part, columns in zip(self.parts, self.columns, strict=True)
        ]
        return Partials(self.parts, reduced)

    def merge(self, other: Partials) -> Partials:
        """Merge with others, element by element."""
        merged = [
            part.merge(a, b) for part, a, b in zip(self.parts, self.columns, other.columns, strict=True)
        ]
        return Partials(self.parts, merged)

    def append(self, other: Partials) -> Partials:
        """Put others behind these."""
        columns = [
            tuple(concat([x, y]) for x, y in zip(a, b, strict=True))
            for a, b in zip(self.columns, other.columns, strict=True)
        ]
        return Partials(self.parts, columns)


class Plan:
    """The parts that some aggregates are made of, each once, and how the results come of them.

    Parameters
    ----------
    aggregates : sequence of Aggregate
        What is to be computed.

    Examples
    --------
    >>> plan = Plan([Aggregate("mean", "v", "mean"), Aggregate("total", "v", "sum")])
    >>> plan.needs
    [('sum', 'v'), ('count', 'v')]
    """

    def __init__(self, aggregates: Sequence[Aggregate]) -> None:
        self.aggregates = tuple(aggregates)
        needs = [(part, "" if part == "rows" else a.column) for a in aggregates for part in a.parts]
        self.needs = list(dict.fromkeys(needs))
        self.parts = [PARTS[part] for part, _ in self.needs]
        self.dtypes: dict[str, Operand] = {}

    def operands(self, frame: pd.DataFrame) -> dict[str, Operand]:
        """Take the input columns apart, each once."""
        operands = {
            column: Operand.of(frame[column]) for column in dict.fromkeys(c for _, c in self.needs if c)
        }
        operands[""] = Operand(np.empty(len(frame)), np.empty(len(frame), dtype=bool), np.dtype(np.float64))
        self.dtypes = {
            column: Operand(operand.values[:0], operand.valid[:0], operand.dtype)
            for column, operand in operands.items()
        }
        return operands

    def results(self, partials: Partials) -> dict[str, pd.Series]:
        """Give the output columns."""
        held = dict(zip(self.needs, partials.columns, strict=True))
        outputs = {}
        for aggregate in self.aggregates:
            columns = [held[part, "" if part == "rows" else aggregate.column] for part in aggregate.parts]
            operand: Any = self.dtypes.get("" if aggregate.function == "size" else aggregate.column)
            if aggregate.function == "quantile":
                outputs[aggregate.output] = _quantile(columns, operand, float(aggregate.argument or 0))
            else:
                outputs[aggregate.output] = _RESULTS[aggregate.function](columns, operand)
        return outputs


def _mean(columns: list[Columns], operand: Operand) -> pd.Series:
    (total,), (count,) = columns
    if operand.dtype.kind == "m":
        return operand.restore(total // np.maximum(count, 1), count > 0)
    return pd.Series(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _sum(columns: list[Columns], operand: Operand) -> pd.Series:
    (total,) = columns[0]
    return operand.restore(total) if operand.dtype.kind == "m" else pd.Series(total)


def _extreme(columns: list[Columns], operand: Operand) -> pd.Series:
    (values,), (count,) = columns
    return operand.restore(values, count > 0)


def _variance(columns: list[Columns], operand: Operand) -> pd.Series:
    ((count, _, spread),) = columns
    return pd.Series(np.where(count > 1, spread / np.maximum(count - 1, 1), np.nan))


def _chosen(columns: list[Columns], operand: Operand) -> pd.Series:
    ((times, _, values),) = columns
    return operand.restore(values, (times != END_OF_TIME) & (times != NO_WATERMARK))


def _quantile(columns: list[Columns], operand: Operand, share: float) -> pd.Series:
    """Give a quantile of each group's values, linear between two; all are sorted at once, by group."""
    flat, owners = _flat(columns)
    ordered = np.append(numeric(replace(operand, values=flat), "quantile")[np.lexsort((flat, owners))], 0)
    sizes = np.bincount(owners, minlength=len(columns[0][2]))
    place = share * np.maximum(sizes - 1, 0)
    low = np.floor(place).astype(np.int64)
    begin = np.cumsum(sizes) - sizes
    below, above = ordered[begin + low], ordered[begin + np.ceil(place).astype(np.int64)]
    return pd.Series(np.where(sizes > 0, below + (above - below) * (place - low), np.nan))


def _mode(columns: list[Columns], operand: Operand) -> pd.Series:
    """Give the commonest value of each group, of several the least."""
    flat, owners = _flat(columns)
    codes, distinct = pd.factorize(flat, sort=True)
    pairs, often = np.unique(owners * max(len(distinct), 1) + codes, return_counts=True)
    of, code = np.divmod(pairs, max(len(distinct), 1))
    order = np.lexsort((-code, often, of))
    chosen = np.full(len(columns[0][2]), -1, dtype=np.int64)
    chosen[of[order]] = code[order]  # of several, the one assigned last stays
    known = np.append(distinct, np.zeros(1, dtype=np.asarray(distinct).dtype))  # -1 finds the last: nothing
    return operand.restore(known[chosen], chosen >= 0)


def _collect(columns: list[Columns], operand: Operand) -> pd.Series:
    """Give each group's values as a list, in the types of the column."""
    flat, owners = _flat(columns)
    words = operand.restore(flat).astype(object).to_numpy()
    count = len(columns[0][2])
    pieces = np.split(words, np.searchsorted(owners, np.arange(1, count))) if count else []
    return pd.Series(list(map(np.ndarray.tolist, pieces)), dtype=object)


def _flat(columns: list[Columns]) -> tuple[Array, Groups]:
    """Give all values of all groups one behind the other, and the group of each."""
    ((_, _, values),) = columns
    sizes = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    return concat([np.empty(0, dtype=np.int64), *values]), np.repeat(np.arange(len(sizes)), sizes)


_RESULTS: dict[str, Callable[[list[Columns], Any], pd.Series]] = {
    "size": lambda columns, operand: pd.Series(columns[0][0]),
    "count": lambda columns, operand: pd.Series(columns[0][0]),
    "sum": _sum,
    "mean": _mean,
    "min": _extreme,
    "max": _extreme,
    "var": _variance,
    "std": lambda columns, operand: np.sqrt(_variance(columns, operand)),
    "first": _chosen,
    "last": _chosen,
    "any": lambda columns, operand: pd.Series(columns[0][0] > 0),
    "all": lambda columns, operand: pd.Series(columns[0][0] == columns[1][0]),
    "median": lambda columns, operand: _quantile(columns, operand, 0.5),
    "mode": _mode,
    "collect": _collect,
    "nunique": lambda columns, operand: pd.Series(
        np.fromiter(map(len, columns[0][0]), dtype=np.int64, count=len(columns[0][0]))
    ),
}
