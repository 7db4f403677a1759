"""Parts: the mergeable partial results that aggregates are made of; here those that count, add and compare.

A part is lifted from rows and reduced by group; merging two is reducing both. It is held in a fixed number of
columns, one element a group. Parts of other kinds: `moments`, `kept`, `sketches`, `custom`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.operands import Array, Operand, concat, numeric
from workbench.time import Nanos

Groups = npt.NDArray[np.int64]
Columns = tuple[Array, ...]


def divided(values: Array, begins: Groups) -> Array:
    """Divide an array where pieces begin, into the elements of an object column; `numpy.split` is slow."""
    pieces = np.empty(len(begins), dtype=object)
    for number, (begin, end) in enumerate(pairwise([*begins.tolist(), len(values)])):
        pieces[number] = values[begin:end]
    return pieces


def by_group(groups: Groups, count: int) -> Groups:
    """Give the order of rows by group; those of a group stay in order."""
    return np.argsort(groups.astype(np.uint16) if count <= 65_536 else groups, kind="stable")


class Part(ABC):
    """A mergeable partial result; each sub-class says how it is folded from rows and reduced by group."""

    name: ClassVar[str]
    patient: ClassVar[bool] = True
    """Whether rows may wait to be folded until somebody asks, or until there are many."""

    @abstractmethod
    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Make one partial per group of rows; ``groups`` holds integers from 0 to ``count - 1``."""

    @abstractmethod
    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge partials of the same group."""

    def size(self, columns: Columns) -> int:
        """Give how many values partials hold."""
        return len(columns[0])

    def merge(self, left: Columns, right: Columns) -> Columns:
        """Merge two columns of partials, element by element."""
        count = len(left[0])
        both = tuple(concat([a, b]) for a, b in zip(left, right, strict=True))
        return self.reduce(both, np.tile(np.arange(count), 2), count)


class Lifted(Part):
    """A part that a single row has too, so that folding rows is reducing theirs."""

    @abstractmethod
    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Make the partial of each row."""

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Lift rows and reduce them to one partial per group."""
        return self.reduce(self.lift(operand, times, arrivals), groups, count)


class Scattered(Lifted):
    """A part of one column that a numpy function reduces, so that rows go straight to where they belong."""

    function: ClassVar[np.ufunc]

    @abstractmethod
    def nothing(self, dtype: Any) -> Any:
        """Give what stands where there are no values, and changes none."""

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Take one after the other."""
        (values,) = columns
        reduced = np.full(count, self.nothing(values.dtype), dtype=values.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # of both infinities there is no sum
            self.function.at(reduced, groups, values)
        return (reduced,)

    def merge(self, left: Columns, right: Columns) -> Columns:
        """Take both together."""
        with np.errstate(over="ignore", invalid="ignore"):
            return (self.function(left[0], right[0]),)


class Sum(Scattered):
    """The sum of what is not null: int64 for integers and booleans, else float64."""

    name = "sum"
    function = np.add

    def nothing(self, dtype: Any) -> Any:
        """Give 0."""
        return 0

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take the values, null as 0."""
        values = numeric(operand, "sum")
        return (values if operand.valid.all() else np.where(operand.valid, values, 0),)


class Total(Sum):
    """The sum for a mean: in float64, where large integers do not wrap; of durations as `Sum`."""

    name = "total"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take the values, null as 0."""
        (values,) = super().lift(operand, times, arrivals)
        return (values if operand.dtype.kind == "m" else values.astype(np.float64, copy=False),)


class Product(Scattered):
    """The product of what is not null: int64 for integers and booleans, else float64."""

    name = "product"
    function = np.multiply

    def nothing(self, dtype: Any) -> Any:
        """Give 1."""
        return 1

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take the values, null as 1."""
        return (np.where(operand.valid, numeric(operand, "product", durations=False), 1),)


class Count(Sum):
    """How many values are not null."""

    name = "count"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take 1 for a value, 0 for null."""
        return (operand.valid.astype(np.int64),)


class Rows(Count):
    """How many rows there are, nulls included."""

    name = "rows"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take 1 for each row."""
        return (np.ones(len(times), dtype=np.int64),)


class Truths(Count):
    """How many values are true: not null, and not 0."""

    name = "truths"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take 1 for a true value, 0 for others."""
        return ((operand.valid & (numeric(operand, "truth") != 0)).astype(np.int64),)


class Least(Scattered):
    """The least value that is not null."""

    name = "min"
    function: ClassVar[np.ufunc] = np.minimum

    def nothing(self, dtype: Any) -> Any:
        """Give the value that any other replaces."""
        low, high = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return high if self.function is np.minimum else low

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take the values, null as what any other replaces."""
        values = operand.values
        if values.dtype != object:
            valid = operand.valid
            return (values if valid.all() else np.where(valid, values, self.nothing(values.dtype)),)
        values = values.copy()
        values[~operand.valid] = None
        return (values,)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Choose the extreme; of objects by their ranks."""
        (values,) = columns
        if values.dtype != object:
            return super().reduce(columns, groups, count)
        ranks, distinct = pd.factorize(values, sort=True)
        nothing = self.nothing(ranks.dtype)
        (least,) = super().reduce((np.where(ranks < 0, nothing, ranks),), groups, count)
        known = np.append(np.asarray(distinct, dtype=object), [None])
        return (known[np.where(least == nothing, -1, least)],)

    def merge(self, left: Columns, right: Columns) -> Columns:
        """Choose the more extreme."""
        if left[0].dtype == object:
            return Part.merge(self, left, right)
        return super().merge(left, right)


class Greatest(Least):
    """The greatest value that is not null."""

    name = "max"
    function = np.maximum
