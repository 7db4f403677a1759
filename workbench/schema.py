"""The door: which columns a stream has, and which rows are let in.

Rows are checked once, here; after this nobody checks types again. A row that cannot be taken goes to
``rejected`` with a reason, so that nothing disappears.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import array_of, dtypes_of, require
from workbench.errors import SchemaError
from workbench.time import NO_WATERMARK, beyond_reach, to_nanos

Mask = npt.NDArray[np.bool_]

REASON = "reason"
"""The column added to a rejected row."""


@dataclass
class _Layout:
    """Where the columns of a schema are in the last batch: to look for their names takes long."""

    columns: pd.Index | None = None
    positions: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Schema:
    """The columns of a stream and their dtypes.

    Parameters
    ----------
    dtypes : mapping of str to dtype
        As pandas gives or spells them.
    time : str
        The event-time column; naive times are taken as UTC.

    Raises
    ------
    SchemaError
        If there is no such time column.

    Examples
    --------
    >>> schema = Schema({"t": "datetime64[us]", "amount": "float64"}, time="t")
    >>> frame = pd.DataFrame({"t": ["2026-01-05", None], "amount": ["7.5", "8"]})
    >>> admitted, rejected = schema.admit(frame)
    >>> admitted.amount.tolist(), rejected.reason.tolist()
    ([7.5], ['null event time'])
    """

    dtypes: Mapping[str, Any]
    time: str

    def __post_init__(self) -> None:
        dtypes = {name: pd.api.types.pandas_dtype(dtype) for name, dtype in self.dtypes.items()}
        object.__setattr__(self, "dtypes", dtypes)
        require(dtypes, [self.time], "the stream's event time")
        if not pd.api.types.is_datetime64_any_dtype(dtypes[self.time]):
            raise SchemaError(
                f"the event-time column {self.time!r} is {dtypes[self.time]}, not a datetime",
                hint="convert it first, as with pandas.to_datetime(values, unit='ms')",
            )

    @classmethod
    def infer(cls, frame: pd.DataFrame, time: str) -> Schema:
        """Take the schema of a frame as it is; a time column of text is to be read as datetimes."""
        names = list(frame.columns)
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise SchemaError(
                f"the columns are {names}",
                detail="columns of a stream have names, each its own",
                hint="name them: frame.columns = [...]",
            )
        require(names, [time], "the stream's event time")
        dtypes = dict(frame.dtypes.items())
        if pd.api.types.is_object_dtype(dtypes[time]) or isinstance(dtypes[time], pd.StringDtype):
            dtypes[time] = np.dtype("datetime64[us]")
        return cls(dtypes, time)

    def empty(self) -> pd.DataFrame:
        """Give a frame of these columns without rows."""
        return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in self.dtypes.items()})

    def fits(self, frame: pd.DataFrame) -> bool:
        """Say whether a batch has the schema's dtypes, so that only a null event time is to be refused.

        Raises
        ------
        SchemaError
            If a column is missing.
        """
        return not self._misfits(frame)

    def admit(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Divide a batch into rows that fit the schema and rows that do not.

        Returns
        -------
        admitted : pandas.DataFrame
            With the schema's dtypes; the rows' order and index are kept.
        rejected : pandas.DataFrame
            As received, plus ``reason`` (str).

        Raises
        ------
        SchemaError
            If a column is missing: that is no matter of single rows.
        """
        misfits = self._misfits(frame)
        if not misfits:
            times = array_of(frame, self.time)
            if beyond_reach(times) is None and not (to_nanos(times) == NO_WATERMARK).any():
                return frame, self.none_rejected
        admitted = frame
        reasons = pd.Series(np.full(len(frame), None, dtype=object), index=frame.index)
        for name in misfits:
            column, bad = _cast(frame[name], self.dtypes[name])
            reasons[bad & reasons.isna().to_numpy()] = f"{name} is not {self.dtypes[name]}"
            admitted = admitted.assign(**{name: column})
        nothing = admitted[self.time].isna().to_numpy()
        reasons[nothing & reasons.isna().to_numpy()] = "null event time"
        if (far := beyond_reach(admitted[self.time])) is not None:
            reasons[far & reasons.isna().to_numpy()] = "event time is beyond the years 1677 to 2262"
        bad = reasons.notna().to_numpy()
        return (
            admitted[~bad].astype(dict(self.dtypes)),
            told_of(frame[bad], **{REASON: reasons[bad].astype("str")}),
        )

    def _misfits(self, frame: pd.DataFrame) -> list[str]:
        """Name the columns of another dtype."""
        columns, layout = frame.columns, self._layout
        if layout.columns is None or not (columns.is_(layout.columns) or layout.columns.equals(columns)):
            require(columns, self.dtypes, "the stream's schema")
            layout.positions = [columns.get_loc(name) for name in self.dtypes]
        layout.columns = columns
        have = dtypes_of(frame)
        pairs = zip(self.dtypes.items(), layout.positions, strict=True)
        return [name for (name, dtype), at in pairs if have[at] is not dtype and have[at] != dtype]

    @cached_property
    def _layout(self) -> _Layout:
        return _Layout()

    @cached_property
    def none_rejected(self) -> pd.DataFrame:
        """A table of rejected rows without any."""
        return told_of(self.empty(), **{REASON: pd.Series([], dtype="str")})


def beside(columns: Iterable[Any], told: Iterable[str]) -> list[Any]:
    """Name the columns of rows beside some that tell of them: one of the same name ends with ``_read``.

    Examples
    --------
    >>> beside(["v", "reason"], ["reason"])
    ['v', 'reason_read']
    """
    names = list(columns)
    for name in told:
        if name in names:
            own = f"{name}_read"
            while own in names:
                own += "_"
            names[names.index(name)] = own
    return names


def told_of(rows: pd.DataFrame, **told: Any) -> pd.DataFrame:
    """Add columns that tell of rows, which hide none of their own.

    Examples
    --------
    >>> told_of(pd.DataFrame({"reason": ["cancelled"]}), reason="null event time")
      reason_read           reason
    0   cancelled  null event time
    """
    if any(name in rows.columns for name in told):
        rows = rows.set_axis(beside(rows.columns, told), axis=1)
    return rows.assign(**told)


def _cast(column: pd.Series, dtype: Any) -> tuple[pd.Series, Mask]:
    """Bring a column to a dtype; tells which values would not come along (they are null in the result)."""
    missing = column.isna().to_numpy()
    if pd.api.types.is_datetime64_any_dtype(dtype):
        cast = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
        cast = cast.dt.tz_convert(dtype.tz) if hasattr(dtype, "tz") else cast.dt.tz_localize(None)
        return cast, cast.isna().to_numpy() & ~missing
    if pd.api.types.is_bool_dtype(dtype):
        bad = ~column.isin([True, False]).to_numpy()
        if pd.api.types.is_extension_array_dtype(dtype):  # which may be null
            bad &= ~missing
            return column.where(~bad & ~missing, None).astype(dtype), bad
        return column.where(~bad, False).astype(dtype), bad
    if pd.api.types.is_timedelta64_dtype(dtype):
        cast = pd.to_timedelta(column, errors="coerce")
        return cast, cast.isna().to_numpy() & ~missing
    if pd.api.types.is_numeric_dtype(dtype):
        cast = pd.to_numeric(column, errors="coerce")
        bad = cast.isna().to_numpy() & ~missing
        if pd.api.types.is_integer_dtype(dtype):
            bounds = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
            known = cast.fillna(0)
            whole = (known % 1 == 0) & (known >= bounds.min) & (known <= bounds.max)
            bad |= ~whole.to_numpy(dtype=bool)
            nullable = pd.api.types.is_extension_array_dtype(dtype)
            bad |= False if nullable else missing
            cast = cast.where(~bad, None if nullable else 0)
        return cast, bad
    if isinstance(dtype, pd.CategoricalDtype):
        bad = ~column.isin(dtype.categories).to_numpy() & ~missing
        return column.where(~bad).astype(dtype), bad
    return column.astype(dtype), np.zeros(len(column), dtype=bool)
