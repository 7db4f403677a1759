"""Parts of users' own aggregates: by ufuncs, in whole arrays, or by functions of objects."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.dtypes import is_ordered
from workbench.engine.operands import Array, Operand
from workbench.engine.parts import Columns, Groups, Part
from workbench.errors import DescriptionError
from workbench.model.custom import Custom
from workbench.time import Nanos


def custom_part(custom: Custom) -> Own:
    """Give the part that an aggregate of one's own is made of."""
    return Arrays(custom) if custom.ufuncs else Objects(custom)


class Own(Part):
    """The part of an aggregate of one's own, which knows its result too."""

    patient = False  # an error is told of the batch that it came with

    def __init__(self, custom: Custom) -> None:
        self.custom = custom

    @abstractmethod
    def results(self, columns: Columns) -> pd.Series:
        """Give the result of each group, null where nothing was lifted."""


class Arrays(Own):
    """Whether there is a partial result, and a column for each ufunc that merges it."""

    name = "arrays"

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Lift the rows that are not null, all at once, and reduce them."""
        some = operand.only_valid()
        lifted = self.custom.lift(*(_plain(one) for one in some.each()))
        columns = lifted if isinstance(lifted, tuple) else (lifted,)
        if len(columns) != len(self.custom.ufuncs):
            raise DescriptionError(
                f"{self.custom!r} lifts to {len(columns)} array(s), but merges {len(self.custom.ufuncs)}",
                hint="let lift give one array for each ufunc of merge",
            )
        arrays = [
            _countable(_as_long_as(column, len(some.valid), self.custom), ufunc)
            for column, ufunc in zip(columns, self.custom.ufuncs, strict=True)
        ]
        return self.reduce((some.valid, *arrays), groups[operand.valid], count)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge by group: sorted by it, every run is reduced at once."""
        held, *arrays = columns
        some = np.flatnonzero(held)
        order = some[np.argsort(groups[some], kind="stable")]
        owners, starts = np.unique(groups[order], return_index=True)
        merged = [
            ufunc.reduceat(array[order], starts) if len(starts) else array[:0]
            for ufunc, array in zip(self.custom.ufuncs, arrays, strict=True)
        ]
        return tuple(_spread(array, owners, count) for array in (np.ones(len(owners), dtype=bool), *merged))

    def results(self, columns: Columns) -> pd.Series:
        """Give the result of each group, null where nothing was lifted."""
        held, *arrays = columns
        found = self.custom.result(*(array[held] for array in arrays))
        return pd.Series(found, index=np.flatnonzero(held)).reindex(range(len(held)))


class Objects(Own):
    """Whether there is a partial result, and the object; a row or a partial costs a call of Python."""

    name = "objects"

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Lift value by value, and merge them."""
        some = operand.only_valid()
        values = [_scalars(one) for one in some.each()]
        return self.reduce(
            (some.valid, as_objects(map(self.custom.lift, *values))), groups[operand.valid], count
        )

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge one by one."""
        held, objects = columns
        merged: dict[int, Any] = {}
        for group, value in zip(groups[held].tolist(), objects[held], strict=True):
            merged[group] = self.custom.merge(merged[group], value) if group in merged else value  # type: ignore[operator]
        owners = np.fromiter(merged, dtype=np.int64, count=len(merged))
        return _spread(np.ones(len(owners), dtype=bool), owners, count), _spread(
            as_objects(merged.values()), owners, count
        )

    def results(self, columns: Columns) -> pd.Series:
        """Give the result of each group, null where nothing was lifted."""
        held, objects = columns
        found = pd.Series(as_objects(map(self.custom.result, objects[held]))).infer_objects()
        return found.set_axis(np.flatnonzero(held)).reindex(range(len(held)))


def as_objects(values: Iterable[Any]) -> Array:
    """Give an array of objects, lists and arrays among them."""
    found = list(values)
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array


def _plain(operand: Operand) -> Array:
    """Give the values in the types that a user expects."""
    kind, values = operand.dtype.kind, operand.values
    if kind in "mM":
        return values.view(f"{kind}8[{operand.unit}]")
    if is_ordered(operand.dtype):
        return np.asarray(operand.restore(values), dtype=object)
    return values.astype(bool) if kind == "b" and values.dtype != object else values


def _scalars(operand: Operand) -> list[Any]:
    """Give the values one by one: Python's numbers, pandas' moments and durations."""
    values: list[Any] = operand.restore(operand.values).astype(object).tolist()
    return values


def _as_long_as(column: Any, count: int, custom: Custom) -> Array:
    """Give an array of so many elements; one value is repeated."""
    array = np.asarray(column)
    if array.shape not in ((), (count,)):
        raise DescriptionError(
            f"{custom!r} lifts {count} rows to an array of shape {array.shape}",
            detail="a partial result is lifted from each row",
            hint="let lift give arrays as long as its input; reducing them is merge's work",
        )
    return np.broadcast_to(array, (count,))


def _countable(array: Array, ufunc: np.ufunc) -> Array:
    """Give booleans that are added or multiplied as integers, as their sum is a count."""
    return array.astype(np.int64) if array.dtype == bool and ufunc in (np.add, np.multiply) else array


def _spread(values: Array, owners: Groups, count: int) -> Array:
    """Put values at the places of their owners; elsewhere is nothing."""
    array = np.zeros(count, dtype=values.dtype) if values.dtype != object else np.empty(count, dtype=object)
    array[owners] = values
    return array
