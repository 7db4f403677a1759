"""Operands: the columns that aggregates are made of, taken apart into plain arrays and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.dtypes import common, is_ordered
from workbench.errors import SchemaError

Array = npt.NDArray[Any]
Result: TypeAlias = pd.Series | Array
"""What a pane table is made of: a series where the dtype is one of pandas only, or takes care."""


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """One input column, as plain arrays; or several, as a structured array with a field for each.

    ``values`` has a number or (for text and the like) an object per row, of ordered categories their places;
    ``valid`` tells which are not null (of several columns: in which rows none is null). ``dtype`` is that of
    the column; of several, a tuple.
    """

    values: Array
    valid: npt.NDArray[np.bool_]
    dtype: Any

    @classmethod
    def of(cls, column: Any) -> Operand:
        """Take a column, as `columns.array_of` gives it, apart; datetimes become int64 in their own unit."""
        dtype = column.dtype
        if dtype.kind == "u" and dtype.itemsize == 8 and _is_too_large(column):
            raise SchemaError(
                "a column of uint64 holds numbers beyond 2**63",
                detail="numbers are aggregated as int64 or float64",
                hint="convert it before: to text if they are ids, else to float64",
            )
        if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
            values = column.astype(np.float64 if dtype.kind == "f" else np.int64, copy=False)
            return cls(values, ~np.isnan(values) if dtype.kind == "f" else np.ones(len(values), bool), dtype)
        valid = np.asarray(pd.notna(column))
        if is_ordered(dtype):
            return cls(column.codes.astype(np.int64), valid, dtype)
        if dtype.kind in "iufb" and not isinstance(dtype, pd.CategoricalDtype):
            wide = np.float64 if dtype.kind == "f" else np.int64
            return cls(column.to_numpy(dtype=wide, na_value=0), valid, dtype)
        if dtype.kind in "mM":
            moments = np.asarray(column, dtype=f"{dtype.kind}8[{_unit(dtype)}]")
            return cls(moments.view(np.int64), valid, dtype)
        return cls(np.asarray(column, dtype=object), valid, dtype)

    @classmethod
    def of_several(cls, columns: Sequence[Any]) -> Operand:
        """Take several columns apart, and put their arrays side by side."""
        return cls.side_by_side([cls.of(column) for column in columns])

    @classmethod
    def side_by_side(cls, each: Sequence[Operand]) -> Operand:
        """Make one of several, which is valid where all are."""
        values = np.empty(
            len(each[0].values), dtype=[(f"f{i}", one.values.dtype) for i, one in enumerate(each)]
        )
        for i, one in enumerate(each):
            values[f"f{i}"] = one.values
        valid = np.logical_and.reduce([one.valid for one in each])
        return cls(values, valid, tuple(one.dtype for one in each))

    @classmethod
    def of_all(cls, several: Sequence[Operand]) -> Operand:
        """Put the rows of several batches one behind the other."""
        if len(several) == 1:
            return several[0]
        values, valid = (
            concat([one.values for one in several]),
            np.concatenate([one.valid for one in several]),
        )
        return cls(values, valid, several[-1].dtype)

    def along(self, known: Any) -> Operand:
        """Give the same in a dtype that holds what has come before as well; moments in the unit of those.

        Raises
        ------
        SchemaError
            If that unit is too coarse, or ordered categories have another order.
        """
        if isinstance(known, tuple):
            if known == self.dtype:
                return self
            each = zip(self.each(), known, strict=True)
            return self.side_by_side([one.along(dtype) for one, dtype in each])
        if is_ordered(known) or is_ordered(self.dtype):
            return self._placed(known)
        if known.kind != self.dtype.kind or known.kind not in "mM":
            return Operand(self.values, self.valid, common(known, self.dtype))
        values = self.values
        if _unit(known) != _unit(self.dtype):
            units: list[Any] = [_unit(self.dtype), _unit(known)]
            here, there = (np.timedelta64(1, unit) for unit in units)
            finer = there > here
            factor = int(there / here if finer else here / there)
            if finer and (values[self.valid] % factor).any():
                raise SchemaError(
                    f"a column of {self.dtype} follows one of {known}",
                    detail="what is held of a column has the unit of its first batch",
                    hint=f"convert it before, as with .astype('{self.dtype}')",
                )
            values = values // factor if finer else values * factor
        return Operand(values, self.valid, known)

    def _placed(self, known: Any) -> Operand:
        """Give ordered categories along others, whose places are known; in no order if those have none."""
        words = pd.Series(self.restore(self.values, self.valid)).astype(object)
        if not is_ordered(known):
            return Operand(words.to_numpy(), self.valid, common(known, words.dtype))
        ranks = known.categories.get_indexer(self.dtype.categories) if is_ordered(self.dtype) else np.zeros(0)
        places = known.categories.get_indexer(words)
        if (np.diff(ranks[ranks >= 0]) < 0).any() or (places[self.valid] < 0).any():
            raise SchemaError(
                f"a column of {self.dtype} follows one of ordered categories",
                detail=f"what is held of it are places among {', '.join(map(repr, known.categories))}",
                hint="convert it before, with .astype({column: the same CategoricalDtype in every batch})",
            )
        return Operand(places.astype(np.int64), self.valid, known)

    def each(self) -> list[Operand]:
        """Give the columns one by one; those of several are valid where all are."""
        if not isinstance(self.dtype, tuple):
            return [self]
        return [Operand(self.values[f"f{i}"], self.valid, dtype) for i, dtype in enumerate(self.dtype)]

    @property
    def unit(self) -> str:
        """The unit of moments or durations."""
        return _unit(self.dtype)

    def only_valid(self) -> Operand:
        """Give the rows that are not null."""
        return Operand(self.values[self.valid], self.valid[self.valid], self.dtype)

    def restore(self, values: Array, valid: npt.NDArray[np.bool_] | None = None) -> Result:
        """Give values back in the dtype of the column; null where not valid."""
        nothing = None if valid is None or valid.all() else ~valid
        dtype = self.dtype
        if is_ordered(dtype):
            places = values if nothing is None else np.where(nothing, -1, values)
            return pd.Series(pd.Categorical.from_codes(places, dtype=dtype), copy=False)
        if dtype.kind in "mM":
            times = pd.Series(values.view(f"{dtype.kind}8[{_unit(dtype)}]"))
            if getattr(dtype, "tz", None) is not None:
                times = times.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
            return times if nothing is None else times.mask(nothing)
        if values.dtype == object or pd.api.types.is_extension_array_dtype(dtype):
            series = pd.Series(values.astype(object))
            return (series if nothing is None else series.mask(nothing, None)).astype(dtype)
        if nothing is None:
            return values.astype(dtype)
        return np.where(nothing, np.nan, values.astype(np.float64))


def _is_too_large(column: Any) -> bool:
    """Tell whether some of the numbers are beyond those of int64."""
    known = np.asarray(column[np.asarray(pd.notna(column))], dtype=np.uint64)
    return bool(known.max(initial=0) > np.iinfo(np.int64).max)


def _unit(dtype: Any) -> str:
    return str(getattr(dtype, "unit", None) or np.datetime_data(dtype)[0])


def numeric(operand: Operand, what: str, *, durations: bool = True, whose: str = "") -> Array:
    """Give the values as numbers.

    Parameters
    ----------
    operand : Operand
        The column.
    what : str
        What is asked of it, as "sum".
    durations : bool
        Whether durations are numbers here.
    whose : str
        Which output it is for, and of which column, as "m=mean(k): "; where that is known.

    Raises
    ------
    SchemaError
        If they are none: text, moments, or (unless wanted) durations.
    """
    if operand.values.dtype == object or operand.dtype.kind == "M" or is_ordered(operand.dtype):
        raise SchemaError(
            f"{whose}the {what} of a column of {operand.dtype} is not defined",
            hint="choose count, nunique, first or last, or convert the column first",
        )
    if operand.dtype.kind == "m" and not durations:
        raise SchemaError(
            f"{whose}the {what} of a column of {operand.dtype} is not defined",
            detail="a power of a duration, or a share of it in another unit, is no duration",
            hint="convert the column to seconds first, with .assign(seconds=pd.col('d').dt.total_seconds())",
        )
    return operand.values


def concat(arrays: list[Array]) -> Array:
    """Put arrays one behind the other; numbers beside objects become objects."""
    if any(array.dtype == object for array in arrays):
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays)
