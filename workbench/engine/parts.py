"""Parts: the mergeable partial results that aggregates are made of.

A part is lifted from rows and reduced by group; merging two is reducing both. It is held in a fixed number of
columns, one element a group.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import SchemaError
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Array = npt.NDArray[Any]
Groups = npt.NDArray[np.int64]
Columns = tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """One input column, as plain arrays.

    ``values`` has a number or (for text and the like) an object per row, ``valid`` tells which are not null.
    """

    values: Array
    valid: npt.NDArray[np.bool_]
    dtype: Any

    @classmethod
    def of(cls, column: pd.Series) -> Operand:
        """Take a pandas column apart; datetimes become int64 in their own unit."""
        dtype = column.dtype
        valid = column.notna().to_numpy()
        if dtype.kind in "iufb" and not isinstance(dtype, pd.CategoricalDtype):
            wide = np.float64 if dtype.kind == "f" else np.int64
            if pd.api.types.is_extension_array_dtype(dtype):
                return cls(column.to_numpy(dtype=wide, na_value=0), valid, dtype)
            return cls(column.to_numpy().astype(wide, copy=False), valid, dtype)
        if dtype.kind in "mM":
            return cls(column.to_numpy(dtype=f"{dtype.kind}8[{_unit(dtype)}]").view(np.int64), valid, dtype)
        return cls(column.to_numpy(dtype=object), valid, dtype)

    def restore(self, values: Array, valid: npt.NDArray[np.bool_] | None = None) -> pd.Series:
        """Give values back in the dtype of the column; null where not valid."""
        nothing = None if valid is None or valid.all() else ~valid
        dtype = self.dtype
        if dtype.kind in "mM":
            times = pd.Series(values.view(f"{dtype.kind}8[{_unit(dtype)}]"))
            if getattr(dtype, "tz", None) is not None:
                times = times.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
            return times if nothing is None else times.mask(nothing)
        if values.dtype == object or pd.api.types.is_extension_array_dtype(dtype):
            series = pd.Series(values.astype(object))
            return (series if nothing is None else series.mask(nothing, None)).astype(dtype)
        if nothing is None:
            return pd.Series(values.astype(dtype))
        return pd.Series(np.where(nothing, np.nan, values.astype(np.float64)))


def _unit(dtype: Any) -> str:
    return str(getattr(dtype, "unit", None) or np.datetime_data(dtype)[0])


def numeric(operand: Operand, what: str) -> Array:
    """Give the values as numbers.

    Raises
    ------
    SchemaError
        If they are none.
    """
    if operand.values.dtype == object or operand.dtype.kind in "M":
        raise SchemaError(
            f"the {what} of a column of {operand.dtype} is not defined",
            hint="choose count, nunique, first or last, or convert the column first",
        )
    return operand.values


def concat(arrays: list[Array]) -> Array:
    """Put arrays one behind the other; numbers beside objects become objects."""
    if any(array.dtype == object for array in arrays):
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays)


class Part(ABC):
    """A mergeable partial result; each sub-class says how it is folded from rows and reduced by group."""

    name: ClassVar[str]

    @abstractmethod
    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Make one partial per group of rows; ``groups`` holds integers from 0 to ``count - 1``."""

    @abstractmethod
    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge partials of the same group."""

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


class Sum(Lifted):
    """The sum of what is not null: int64 for integers and booleans, else float64."""

    name = "sum"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take the values, null as 0."""
        values = numeric(operand, "sum")
        return (values if operand.valid.all() else np.where(operand.valid, values, 0),)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Add up."""
        (values,) = columns
        if values.dtype.kind == "f":
            return (np.bincount(groups, weights=values, minlength=count),)
        total = np.zeros(count, dtype=values.dtype)
        np.add.at(total, groups, values)
        return (total,)

    def merge(self, left: Columns, right: Columns) -> Columns:
        """Add."""
        return (left[0] + right[0],)


class Count(Sum):
    """How many values are not null."""

    name = "count"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take 1 for a value, 0 for null."""
        return (operand.valid.astype(np.int64),)

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Count without making a column of ones."""
        valid = operand.valid
        return (np.bincount(groups if valid.all() else groups[valid], minlength=count),)


class Rows(Count):
    """How many rows there are, nulls included."""

    name = "rows"

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Count without looking at the values."""
        return (np.bincount(groups, minlength=count),)


class Least(Lifted):
    """The least value that is not null."""

    name = "min"
    extreme: ClassVar[np.ufunc] = np.minimum

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take the values, null as what any other replaces."""
        if operand.values.dtype == object:
            values = operand.values.copy()
            values[~operand.valid] = None
            return (values,)
        nothing = self._nothing(operand.values.dtype)
        return (operand.values if operand.valid.all() else np.where(operand.valid, operand.values, nothing),)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Choose the extreme."""
        (values,) = columns
        if values.dtype == object:
            ranks, distinct = pd.factorize(values, sort=True)
            nothing = self._nothing(ranks.dtype)
            (least,) = self.reduce((np.where(ranks < 0, nothing, ranks),), groups, count)
            return (
                np.append(np.asarray(distinct, dtype=object), [None])[np.where(least == nothing, -1, least)],
            )
        least = np.full(count, self._nothing(values.dtype), dtype=values.dtype)
        self.extreme.at(least, groups, values)
        return (least,)

    def merge(self, left: Columns, right: Columns) -> Columns:
        """Choose the more extreme."""
        if left[0].dtype == object:
            return super().merge(left, right)
        return (self.extreme(left[0], right[0]),)

    def _nothing(self, dtype: Any) -> Any:
        """The value that any other replaces."""
        low, high = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return high if self.extreme is np.minimum else low


class Greatest(Least):
    """The greatest value that is not null."""

    name = "max"
    extreme = np.maximum


class Moments(Lifted):
    """Count, mean and sum of squared differences from the mean, merged without cancellation.

    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
    (1982), section 2.
    """

    name = "moments"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take each value as its own mean."""
        values = np.where(operand.valid, numeric(operand, "variance"), 0).astype(np.float64)
        return operand.valid.astype(np.int64), values, np.zeros(len(values))

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge means and spreads about the common centre."""
        n, mean, spread = columns
        (total,) = Sum().reduce((n,), groups, count)
        # differences from one value of the group, so that a large common offset costs no digits
        anchor = np.zeros(count)
        some = n > 0
        anchor[groups[some]] = mean[some]
        shift = np.bincount(groups, weights=n * (mean - anchor[groups]), minlength=count) / np.maximum(
            total, 1
        )
        centre = anchor + shift
        apart = np.where(some, mean - anchor[groups] - shift[groups], 0.0)
        return total, centre, np.bincount(groups, weights=spread + n * apart**2, minlength=count)


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


class Distinct(Part):
    """The distinct values: an array of them in each element of an object column."""

    name = "distinct"

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Collect the distinct values of each group, without an array for each row."""
        return (_distinct(operand.values[operand.valid], groups[operand.valid], count),)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Collect sets, each value once."""
        (sets,) = columns
        if not len(sets):
            return (_distinct(np.empty(0, dtype=np.int64), groups, count),)
        sizes = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))
        return (_distinct(concat(list(sets)), np.repeat(groups, sizes), count),)


class Truths(Count):
    """How many values are true: not null, and not 0."""

    name = "truths"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take 1 for a true value, 0 for others."""
        return ((operand.valid & (numeric(operand, "truth") != 0)).astype(np.int64),)

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Count the true values."""
        return self.reduce(self.lift(operand, times, arrivals), groups, count)


class Values(Part):
    """All values that are not null, in order of event time, then arrival: arrays in object columns."""

    name = "values"

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Collect the values of each group, without an array for each row."""
        some = operand.valid
        return _collected(times[some], arrivals[some], operand.values[some], groups[some], count)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Put the values of a group together, in order again."""
        sizes = np.fromiter(map(len, columns[0]), dtype=np.int64, count=len(columns[0]))
        times, arrivals, values = (
            concat(list(column)) if len(column) else np.empty(0, dtype=np.int64) for column in columns
        )
        return _collected(times, arrivals, values, np.repeat(groups, sizes), count)


def _collected(times: Nanos, arrivals: Nanos, values: Array, owners: Groups, count: int) -> Columns:
    """Give each owner the arrays of its times, arrivals and values, in order."""
    order = np.lexsort((arrivals, times, owners))
    bounds = np.searchsorted(owners[order], np.arange(1, count))
    return tuple(_divided(column[order], bounds, count) for column in (times, arrivals, values))


def _divided(values: Array, bounds: Groups, count: int) -> Array:
    """Divide an array at some positions, into the elements of an object column."""
    pieces = np.empty(count, dtype=object)
    pieces[:] = np.split(values, bounds) if count else []
    return pieces


def _distinct(values: Array, owners: Groups, count: int) -> Array:
    """Give each owner the array of its distinct values."""
    codes, distinct = pd.factorize(values)
    pairs = np.unique(owners * max(len(distinct), 1) + codes)
    owners, codes = np.divmod(pairs, max(len(distinct), 1))
    sets = np.empty(count, dtype=object)
    sets[:] = (
        np.split(np.asarray(distinct)[codes], np.searchsorted(owners, np.arange(1, count))) if count else []
    )
    return sets


_ALL = (Rows, Count, Sum, Least, Greatest, Moments, First, Last, Distinct, Truths, Values)
PARTS: dict[str, Part] = {part.name: part() for part in _ALL}
"""The parts by name."""
