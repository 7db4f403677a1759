"""From rows to partial aggregates, and to results at the end.

`Plan` knows the parts that some aggregates need, each once; `Partials` holds their columns for a number of
groups. Everything else in the engine moves `Partials` about without knowing what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.parts import PARTS, Columns, Groups, Operand, Part, concat
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
            operand = self.dtypes.get("" if aggregate.function == "size" else aggregate.column)
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
    "nunique": lambda columns, operand: pd.Series(
        np.fromiter(map(len, columns[0][0]), dtype=np.int64, count=len(columns[0][0]))
    ),
}
