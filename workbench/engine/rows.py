"""Whole rows held in columns, whatever their dtypes: for operators that must give rows back.

Where aggregates keep partials, joins must keep rows. `RowStore` holds them in columns that grow by doubling;
who is where by key and time is `workbench.engine.ranges`'s to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.dtypes import common
from workbench.model.panes import LATE_BY, WATERMARK
from workbench.schema import REASON, told_of
from workbench.time import Nanos, moments

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MASKED = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


class Aside:
    """Tables of the rows that a batch sets aside; most set none aside, and those tables are made once.

    Parameters
    ----------
    time_dtype : datetime dtype
        Its zone is that of ``watermark``.

    Examples
    --------
    >>> frame = pd.DataFrame({"v": [1, 2]}, index=pd.RangeIndex(7, 9))
    >>> late, by, met = np.array([False, True]), np.array([-1, 1_000]), np.array([0, 5_000])
    >>> Aside("datetime64[ns]").late(frame, late, by, met)
       v                late_by                  watermark
    8  2 0 days 00:00:00.000001 1970-01-01 00:00:00.000005
    """

    def __init__(self, time_dtype: Any) -> None:
        zone = getattr(pd.api.types.pandas_dtype(time_dtype), "tz", None)
        self._moment = "datetime64[ns]" if zone is None else pd.DatetimeTZDtype("ns", zone)
        self._no_late: pd.DataFrame | None = None
        self._no_rejected: pd.DataFrame | None = None

    def late(self, frame: pd.DataFrame, late: Mask, late_by: Nanos, met: Nanos) -> pd.DataFrame:
        """Give late rows, plus ``late_by`` (timedelta64[ns]) and ``watermark`` (datetime64[ns])."""
        if self._no_late is None or not len(self._no_late.columns):
            self._no_late = self._late(frame[:0], late_by[:0], met[:0])
        return self._late(frame[late], late_by[late], met[late]) if late.any() else self._no_late

    def rejected(self, frame: pd.DataFrame, outside: Mask, finished: Mask | None = None) -> pd.DataFrame:
        """Give rows that no window covers, or whose trigger has finished, plus ``reason`` (str)."""
        if self._no_rejected is None or not len(self._no_rejected.columns):
            nothing = frame[:0]
            self._no_rejected = told_of(nothing, **{REASON: ""}) if len(nothing.columns) else nothing
        reasons = (("between windows", outside), ("after the trigger has finished", finished))
        some = [(reason, rows) for reason, rows in reasons if rows is not None and rows.any()]
        told = [told_of(frame[rows], **{REASON: reason}) for reason, rows in some]
        return pd.concat(told) if told else self._no_rejected

    def _late(self, rows: pd.DataFrame, late_by: Nanos, met: Nanos) -> pd.DataFrame:
        if not len(rows.columns):
            return rows
        return told_of(
            rows, **{LATE_BY: late_by.view("timedelta64[ns]"), WATERMARK: moments(met, self._moment)}
        )


def side_by_side(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Make a table of series and arrays of one length, numbered from 0 on, their values shared.

    Pandas would align series by their indices first, which takes three times as long.

    Examples
    --------
    >>> words = pd.Series(["a", "b"], dtype=object)
    >>> side_by_side({"k": words, "v": np.arange(2)}).dtypes.astype(str).tolist()
    ['object', 'int64']
    """
    arrays = {name: _array(column) for name, column in columns.items()}
    return pd.DataFrame(arrays, copy=False)


def _array(column: Any) -> Any:
    """Give a series as an array; but objects, which pandas would take for text if all of them are."""
    return column.array if isinstance(column, pd.Series) and column.dtype != object else column


class RowStore:
    """Rows in columns, with integer labels; a row keeps its slot until it is dropped.

    Adding, taking and dropping cost a fixed number of array operations a column, in the rows concerned; the
    memory is that of the most rows ever held at once.

    Parameters
    ----------
    labels : str
        Names of int64 columns that the operator keeps beside each row.

    Examples
    --------
    >>> store = RowStore("time")
    >>> slots = store.add(pd.DataFrame({"v": [1.5, 2.5, 3.5]}), time=np.array([10, 20, 30]))
    >>> store.drop(slots[:2])
    >>> store["time"][store.live()].tolist(), store.take(slots[2:])["v"].tolist(), len(store)
    ([30], [3.5], 1)
    """

    def __init__(self, *labels: str) -> None:
        self._labels: dict[str, Ints] = {name: np.zeros(0, dtype=np.int64) for name in labels}
        self._columns: dict[str, _Column] | None = None
        self._live = np.zeros(0, dtype=bool)
        self._free = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._live) - len(self._free)

    def __getitem__(self, label: str) -> Ints:
        """Give a label's column, by slot; slots that are not live hold anything."""
        return self._labels[label]

    @property
    def names(self) -> list[str]:
        """The columns of the rows, as the first batch had them; none before it."""
        return list(self._columns or ())

    @property
    def dtypes(self) -> list[Any]:
        """The dtypes of the columns, as they are by now."""
        return [column.dtype for column in (self._columns or {}).values()]

    def learn(self, frame: pd.DataFrame) -> None:
        """Take over the columns and dtypes of a batch."""
        if self._columns is None and len(frame.columns):
            self._columns = {name: _Column(len(self._live)) for name in frame.columns}
            for name, column in self._columns.items():
                column.learn(frame[name])

    def live(self) -> Ints:
        """Give the slots of the live rows, ascending."""
        return np.flatnonzero(self._live)

    def add(self, frame: pd.DataFrame, **labels: Any) -> Ints:
        """Add rows and give their slots; freed slots are used again first, labels not given are 0."""
        self.learn(frame)
        count = len(frame)
        if count > len(self._free):
            self._grow(len(self._live) + count - len(self._free))
        slots, self._free = self._free[:count], self._free[count:]
        self._put(slots, frame, labels)
        return slots

    def take(self, slots: Ints, *, nullable: bool = False) -> dict[str, pd.Series]:
        """Give rows by slot, as columns.

        Parameters
        ----------
        slots : int64 array
            With `nullable`, -1 gives a row of nulls.
        nullable : bool
            Whether the columns must be able to hold nulls: integers become ``Int64`` and the like, booleans
            ``boolean``, whether or not there are nulls among them, so that all batches have the same dtypes.
        """
        missing = slots < 0 if nullable else None
        if missing is not None and not len(self._live):
            self._grow(1)  # so that there is something to take nulls from
        return {name: column.take(slots, missing) for name, column in (self._columns or {}).items()}

    def column(self, name: str, slots: Ints) -> pd.Series:
        """Give one column of some rows by slot; as `take`, which takes as long for each."""
        return (self._columns or {})[name].take(slots, None)

    def drop(self, slots: Ints) -> None:
        """Free slots, each given once."""
        if len(slots):
            self._live[slots] = False
            self._free = np.concatenate([slots, self._free])
            for column in (self._columns or {}).values():
                column.forget(slots)

    def snapshot(self) -> dict[str, Any]:
        """Give the live rows, their slots and labels."""
        slots = self.live()
        labels = {name: values[slots] for name, values in self._labels.items()}
        rows = None if self._columns is None else side_by_side(self.take(slots))
        return {"slots": slots, "labels": labels, "rows": rows}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Start again with the rows of a snapshot, in the same slots."""
        self.__init__(*self._labels)  # type: ignore[misc]
        slots, rows = snapshot["slots"], snapshot["rows"]
        if rows is not None:
            self.learn(rows)
        self._grow(int(slots.max(initial=-1)) + 1)
        self._put(slots, rows, snapshot["labels"])
        self._free = np.flatnonzero(~self._live)

    def _put(self, slots: Ints, frame: pd.DataFrame, labels: Mapping[str, Any]) -> None:
        if not len(slots):
            return
        self._live[slots] = True
        for name, held in self._labels.items():
            held[slots] = labels.get(name, 0)
        for name, column in (self._columns or {}).items():
            column.put(slots, frame[name])

    def _grow(self, needed: int) -> None:
        size = len(self._live)
        larger = max(2 * size, needed, 64)
        self._free = np.concatenate([self._free, np.arange(size, larger)])
        self._live = _extend(self._live, larger)
        self._labels = {name: _extend(values, larger) for name, values in self._labels.items()}
        for column in (self._columns or {}).values():
            column.grow(larger)


class _Column:
    """One column of whatever dtype, as a numpy array (with a mask, if its nulls are not among its values)."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.dtype: Any = None
        self.values: Array = np.zeros(0)
        self.mask: Mask | None = None

    def learn(self, column: pd.Series) -> None:
        """Take over a dtype; another one than before makes both what holds them."""
        if self.dtype is not None:
            held = self.take(np.arange(self.size), None)
            self.dtype = common(self.dtype, column.dtype)
            values, mask = _opened(held.astype(self.dtype))
            self.values, self.mask = values.copy(), None if mask is None else mask.copy()
            return
        self.dtype = column.dtype
        values, mask = _opened(column.iloc[:0])
        self.values, self.mask = (
            _extend(values, self.size),
            None if mask is None else _extend(mask, self.size),
        )

    def put(self, slots: Ints, column: pd.Series) -> None:
        """Store values."""
        if column.dtype != self.dtype:
            if common(self.dtype, column.dtype) != self.dtype:
                self.learn(column)
            column = column.astype(self.dtype)
        values, mask = _opened(column)
        self.values[slots] = values
        if self.mask is not None:
            self.mask[slots] = mask

    def take(self, slots: Ints, missing: Mask | None) -> pd.Series:
        """Give values; null where missing."""
        mask = None if self.mask is None else self.mask[slots]
        return _closed(self.values[slots], mask, self.dtype, missing)

    def forget(self, slots: Ints) -> None:
        """Let go of objects."""
        if self.values.dtype == object:
            self.values[slots] = None

    def grow(self, size: int) -> None:
        """Make room."""
        self.size = size
        self.values = _extend(self.values, size)
        self.mask = None if self.mask is None else _extend(self.mask, size)


def _opened(column: pd.Series) -> tuple[Array, Mask | None]:
    """Give a column as an array of numbers, moments, codes or objects; with a mask, if that has no nulls."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return column.to_numpy(), None
    if isinstance(dtype, pd.DatetimeTZDtype):
        return column.to_numpy(dtype=f"datetime64[{dtype.unit}]"), None
    if isinstance(dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int32), None
    if isinstance(column.array, _MASKED):
        return column.to_numpy(dtype=dtype.numpy_dtype, na_value=0), column.isna().to_numpy()
    return column.to_numpy(dtype=object), None


def _closed(values: Array, mask: Mask | None, dtype: Any, missing: Mask | None) -> pd.Series:
    """Make a column of fresh values, in its dtype; if rows may be missing, in one that holds nulls."""
    if isinstance(dtype, np.dtype):
        return _closed_numpy(values, dtype, missing)
    if isinstance(dtype, pd.DatetimeTZDtype):
        if missing is not None:
            values[missing] = np.datetime64("NaT")
        return pd.Series(pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(dtype.tz), dtype=dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        if missing is not None:
            values[missing] = -1
        return pd.Series(pd.Categorical.from_codes(values, dtype=dtype), copy=False)
    if mask is not None:
        nothing = mask if missing is None else mask | missing
        return pd.Series(dtype.construct_array_type()(values, nothing), copy=False)
    if missing is not None:
        values[missing] = None
    return pd.Series(pd.array(values, dtype=dtype), copy=False)


def _closed_numpy(values: Array, dtype: np.dtype[Any], missing: Mask | None) -> pd.Series:
    if missing is None:
        return pd.Series(values, dtype=dtype, copy=False)
    if dtype.kind in "iu":
        return pd.Series(pd.arrays.IntegerArray(values, missing), copy=False)
    if dtype.kind == "b":
        return pd.Series(pd.arrays.BooleanArray(values, missing), copy=False)
    if missing.any():
        values[missing] = (
            None if dtype.kind == "O" else np.array("NaT" if dtype.kind in "mM" else "nan", dtype)
        )
    return pd.Series(values, dtype=dtype, copy=False)


def _extend(array: Array, size: int) -> Array:
    larger = np.zeros(size, dtype=array.dtype)
    larger[: len(array)] = array
    return larger
