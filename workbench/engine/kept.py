"""Parts that keep values as they came: the first, the last, the distinct ones, all of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import pandas as pd

from workbench.engine.operands import Array, Operand, concat
from workbench.engine.parts import Columns, Groups, Lifted, Part, by_group, divided
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos


class First(Lifted):
    """The value with the least event time; of equal times the one that arrived first."""

    name = "first"
    last: ClassVar[bool] = False

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take time, arrival and value; a null has a time that loses."""
        nothing = NO_WATERMARK if self.last else END_OF_TIME
        return np.where(operand.valid, times, nothing), arrivals, operand.values

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Choose by time, then arrival."""
        times, arrivals, _ = columns
        order = np.lexsort((arrivals, times, groups))
        if not self.last:
            order = order[::-1]
        chosen = np.full(count, -1, dtype=np.int64)
        chosen[groups[order]] = order  # of several, the one assigned last stays
        if (chosen < 0).any():  # a group without rows: what any other replaces, as the last element
            nothing = NO_WATERMARK if self.last else END_OF_TIME
            columns = tuple(np.append(c, n) for c, n in zip(columns, (nothing, 0, 0), strict=True))
        return tuple(column[chosen] for column in columns)


class Last(First):
    """The value with the greatest event time; of equal times the one that arrived last."""

    name = "last"
    last = True


class Gathered(Part):
    """Values in arrays, one for each element of an object column."""

    @staticmethod
    @abstractmethod
    def gather(values: Array, owners: Groups, count: int) -> Array:
        """Give each owner the array of its values."""

    def size(self, columns: Columns) -> int:
        """Give how many values are kept."""
        return sum(map(len, columns[0]))

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Gather the values of each group, without an array for each row."""
        return (self.gather(operand.values[operand.valid], groups[operand.valid], count),)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Gather the values of a group from its arrays."""
        values, owners = flat(columns[0])
        return (self.gather(values, groups[owners], count),)


class Multiset(Gathered):
    """All values that are not null, in whatever order."""

    name = "multiset"

    @staticmethod
    def gather(values: Array, owners: Groups, count: int) -> Array:
        """Give each owner the array of its values."""
        order = by_group(owners, count)
        return divided(values[order], np.searchsorted(owners[order], np.arange(count)))


class Distinct(Gathered):
    """The distinct values."""

    name = "distinct"

    @staticmethod
    def gather(values: Array, owners: Groups, count: int) -> Array:
        """Give each owner the array of its distinct values."""
        codes, distinct = pd.factorize(values)
        pairs = np.sort(pd.unique(owners * max(len(distinct), 1) + codes))
        owners, codes = np.divmod(pairs, max(len(distinct), 1))
        return divided(np.asarray(distinct)[codes], np.searchsorted(owners, np.arange(count)))


class Values(Part):
    """All values that are not null, in order of event time, then arrival: arrays in object columns."""

    name = "values"

    def size(self, columns: Columns) -> int:
        """Give how many values are kept."""
        return sum(map(len, columns[0]))

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Collect the values of each group, without an array for each row."""
        some = operand.valid
        return _collected(times[some], arrivals[some], operand.values[some], groups[some], count)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Put the values of a group together, in order again."""
        (times, owners), (arrivals, _), (values, _) = map(flat, columns)
        return _collected(times, arrivals, values, groups[owners], count)


def flat(pieces: Array) -> tuple[Array, Groups]:
    """Give all values of some arrays one behind the other, and which array each is of."""
    sizes = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
    values = concat(list(pieces)) if len(pieces) else np.empty(0, dtype=np.int64)
    return values, np.repeat(np.arange(len(sizes)), sizes)


def _collected(times: Nanos, arrivals: Nanos, values: Array, owners: Groups, count: int) -> Columns:
    """Give each owner the arrays of its times, arrivals and values, in order."""
    order = np.argsort(arrivals, kind="stable")  # mostly they are in order, which costs little
    order = order[np.argsort(times[order], kind="stable")]
    order = order[by_group(owners[order], count)]
    begins = np.searchsorted(owners[order], np.arange(count))
    times, arrivals, values = (divided(column[order], begins) for column in (times, arrivals, values))
    return times, arrivals, values
