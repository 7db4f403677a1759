"""From rows to partial aggregates, and to results at the end.

`Plan` knows the parts that some aggregates need, each once; `Partials` holds their columns for a number of
groups. Everything else in the engine moves `Partials` about without knowing what is in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.columns import array_of
from workbench.engine.custom import Own, custom_part
from workbench.engine.kept import Distinct, First, Last, Multiset, Values
from workbench.engine.moments import Comoments, Moments, Shape, Weighted
from workbench.engine.operands import Operand, Result, concat, numeric
from workbench.engine.parts import (
    Columns,
    Count,
    Greatest,
    Groups,
    Least,
    Part,
    Product,
    Rows,
    Sum,
    Total,
    Truths,
)
from workbench.engine.results import result
from workbench.engine.sketches import Digest, Frequent, Registers
from workbench.model.aggregates import ANY, FUNCTIONS, LENGTHS, Aggregate
from workbench.model.custom import Custom

_ALL: tuple[type[Part], ...] = (
    *(Rows, Count, Sum, Total, Product, Truths, Least, Greatest),
    *(First, Last, Distinct, Multiset, Values),
    *(Moments, Shape, Comoments, Weighted),
    *(Digest, Registers, Frequent),
)
PARTS: Mapping[str, Part] = {part.name: part() for part in _ALL}
"""The parts by name."""


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
    [('total', 'v'), ('count', 'v'), ('sum', 'v')]
    """

    def __init__(self, aggregates: Sequence[Aggregate]) -> None:
        self.aggregates = tuple(aggregates)
        self.needs = list(dict.fromkeys(need for each in aggregates for need in _needs(each)))
        self.parts = [
            custom_part(part) if isinstance(part, Custom) else PARTS[part] for part, _ in self.needs
        ]
        self.dtypes: dict[Any, Operand] = {}

    def operands(self, frame: pd.DataFrame) -> dict[Any, Operand]:
        """Take the input columns apart, each once; several that are used together, as one operand."""
        operands = {
            name: Operand.of(array_of(frame, name))
            if isinstance(name, str)
            else Operand.of_several([array_of(frame, each) for each in name])
            for name in dict.fromkeys(name for _, name in self.needs if name)
        }
        operands[""] = Operand(np.empty(len(frame)), np.empty(len(frame), dtype=bool), np.dtype(np.float64))
        for name, operand in operands.items():
            known = self.dtypes.get(name)
            if known is None or known.dtype is not operand.dtype:
                self._check(name, operand)
                if known is not None:
                    operands[name] = operand = operand.along(known.dtype)
            self.dtypes[name] = Operand(operand.values[:0], operand.valid[:0], operand.dtype)
        return operands

    def _check(self, name: Any, operand: Operand) -> None:
        """See that the aggregates of a column, or of several, can be computed of its dtype."""
        for aggregate in self.aggregates:
            of = ANY if isinstance(aggregate.function, Custom) else FUNCTIONS[aggregate.function].of
            if aggregate.column == name and of != ANY:
                for one in operand.each():
                    numeric(one, str(aggregate.function), durations=of == LENGTHS, whose=f"{aggregate}: ")

    def results(self, partials: Partials) -> dict[str, Result]:
        """Give the output columns."""
        held = dict(zip(self.needs, zip(self.parts, partials.columns, strict=True), strict=True))
        outputs = {}
        for aggregate in self.aggregates:
            needs = _needs(aggregate)
            part, columns = held[needs[0]]
            if isinstance(part, Own):
                outputs[aggregate.output] = part.results(columns)
            else:
                several = [held[need][1] for need in needs]
                outputs[aggregate.output] = result(aggregate, several, self.dtypes.get(needs[0][1]))
        return outputs


def _needs(aggregate: Aggregate) -> list[tuple[Any, Any]]:
    """Give the parts of an aggregate, each with the name of its operand: that of a column, or of several."""
    return [(part, "" if part == "rows" else aggregate.column) for part in aggregate.parts]
