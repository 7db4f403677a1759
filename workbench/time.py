"""Event time as integers, durations, and the clock; the only module that reads a clock or sleeps.

Inside the engine a moment is an int64 of nanoseconds since 1970-01-01 UTC. `NO_WATERMARK` is before every
moment and `END_OF_TIME` after every one; neither is ever the time of a row.
"""

from __future__ import annotations

import asyncio
import functools
import numbers
import re
import time as _time
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DescriptionError, SchemaError

Nanos = npt.NDArray[np.int64]
Duration: TypeAlias = str | int | float | pd.Timedelta
"""What users may write for a length of time: ``"10s"``, a Timedelta, or seconds as a number."""

NO_WATERMARK = int(np.iinfo(np.int64).min)
END_OF_TIME = int(np.iinfo(np.int64).max)
FIRST, LAST = NO_WATERMARK + 1, END_OF_TIME - 1
"""The moments between which event times are, in nanoseconds since 1970: of the years 1677 and 2262."""
SECOND = 1_000_000_000
_UNITS = (
    ("D", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("min", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
)


def duration(value: Duration, *, what: str = "duration", positive: bool = False) -> int:
    """Give the nanoseconds of a duration; a plain number counts seconds.

    Parameters
    ----------
    value : str, int, float or pandas.Timedelta
        ``"10s"``, ``"1min"``, ``pd.Timedelta(...)``, or a number of seconds.
    what : str
        What the duration is for; named in the error.
    positive : bool
        Whether zero is refused as well as negative values.

    Raises
    ------
    DescriptionError
        If the value is not a duration, is negative, or is zero where it must not be.

    Examples
    --------
    >>> duration("1min"), duration(0.5)
    (60000000000, 500000000)
    """
    try:
        if isinstance(value, str) and not any(map(str.isalpha, value)) and ":" not in value:
            raise ValueError("a number in words has no unit")
        if isinstance(value, bool):
            raise ValueError("it is a truth")
        if isinstance(value, numbers.Real):
            seconds = int(value) if isinstance(value, numbers.Integral) else float(value)
            value = pd.Timedelta(seconds, unit="s")
        delta = pd.Timedelta(value)
        nanos = int(delta.as_unit("ns").value)
    except (ValueError, TypeError, OverflowError) as error:
        raise DescriptionError(
            f"not a duration: {value!r}",
            detail=f"the {what} must be a length of time ({error})",
            hint="write it as in '10s', '1min', '2h', or as a pandas.Timedelta",
        ) from None
    if nanos == NO_WATERMARK or nanos < 0 or (positive and nanos == 0):
        raise DescriptionError(
            f"the {what} must be {'more than' if positive else 'at least'} zero, but is {value!r}",
            hint="write it as in '10s', '1min', '2h'",
        )
    return nanos


def signed_duration(value: Duration, *, what: str = "offset") -> int:
    """Give the nanoseconds of a duration that may be negative, such as a window's offset.

    Examples
    --------
    >>> signed_duration("-2s"), signed_duration(-0.5), signed_duration(pd.Timedelta("-1min"))
    (-2000000000, -500000000, -60000000000)
    """
    if isinstance(value, str):
        negative = value.strip().startswith("-")
        return -duration(value.strip()[1:], what=what) if negative else duration(value, what=what)
    try:
        negative = bool(value < type(value)(0))
    except (TypeError, ValueError):  # of what is no length of time: `duration` says so
        negative = False
    return -duration(-value, what=what) if negative else duration(value, what=what)


def spell(nanos: int) -> str:
    """Write a duration as a person would.

    Examples
    --------
    >>> spell(90_000_000_000), spell(250_000_000), spell(3_600_000_000_000), spell(0)
    ('1min 30s', '250ms', '1h', '0s')
    """
    parts = []
    rest = abs(nanos)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if nanos < 0 else "") + (" ".join(parts) or "0s")


def to_nanos(times: Any) -> Nanos:
    """Give a datetime column, a series or an array, as int64 nanoseconds UTC; naive values are taken as UTC.

    NaT is `NO_WATERMARK`; what is beyond the years of nanoseconds, 1677 to 2262, is `FIRST` or `LAST`.

    Raises
    ------
    SchemaError
        If the column is not of a datetime type.

    Examples
    --------
    >>> to_nanos(pd.Series(pd.to_datetime(["1970-01-01T00:00:01"]))).tolist()
    [1000000000]
    """
    dtype = times.dtype
    values: Any
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "M"):
        array = getattr(times, "array", times)
        # in UTC; to_numpy takes five times as long
        values = array if isinstance(array, np.ndarray) else array.asi8.view(f"datetime64[{array.unit}]")
    elif pd.api.types.is_datetime64_any_dtype(dtype):
        values = pd.Series(times).dt.tz_localize(None).to_numpy()
    else:
        raise SchemaError(
            f"column {getattr(times, 'name', None)!r} is {dtype}, not a datetime",
            hint="convert it first, as with pandas.to_datetime",
        )
    nanos: Nanos = values.astype("datetime64[ns]", copy=False).view(np.int64)
    if (far := _beyond(values)) is not None:
        late = values[far].view(np.int64) > 0
        nanos[far] = np.where(late, LAST, FIRST)  # of a copy: it had another unit
    return nanos


def beyond_reach(times: Any) -> npt.NDArray[np.bool_] | None:
    """Tell which moments of a datetime column are too far away to be counted in nanoseconds; None if none is.

    Examples
    --------
    >>> beyond_reach(np.array(["2026-01-05", "9999-12-31", "NaT"], dtype="datetime64[s]")).tolist()
    [False, True, False]
    """
    array = getattr(times, "array", times)
    return _beyond(array if isinstance(array, np.ndarray) else array.asi8.view(f"datetime64[{array.unit}]"))


def _beyond(values: Any) -> npt.NDArray[np.bool_] | None:
    if values.dtype == "datetime64[ns]" or not len(values):
        return None
    low, high = _reach(values.dtype)
    counts = values.view(np.int64)
    if counts.max() <= high.view(np.int64) and counts.min() >= low.view(np.int64):
        return None
    far: npt.NDArray[np.bool_] = (values > high) | (values < low)  # NaT is neither
    return far if far.any() else None


@functools.cache
def _reach(dtype: Any) -> Any:
    """Give the first and the last moment of nanoseconds in another unit."""
    unit: Any = np.datetime_data(dtype)[0]
    high = LAST // int(np.timedelta64(1, unit) / np.timedelta64(1, "ns"))  # numpy would wrap
    return np.datetime64(-high, unit), np.datetime64(high, unit)


def moments(nanos: Nanos, dtype: Any = "datetime64[ns]") -> Any:
    """Give int64 nanoseconds back as an array of the datetime dtype (unit and time zone) given.

    Neither no watermark nor the end of time is a moment: they come back as NaT.
    """
    if nanos.max(initial=NO_WATERMARK) == END_OF_TIME:
        nanos = np.where(nanos == END_OF_TIME, NO_WATERMARK, nanos)
    values = nanos.view("datetime64[ns]")
    zone = getattr(dtype, "tz", None)
    if zone is None:
        return values.astype(dtype, copy=False)
    return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(zone).as_unit(dtype.unit).array


def from_nanos(nanos: Nanos, dtype: Any = "datetime64[ns]") -> pd.Series:
    """Give int64 nanoseconds back as a datetime column, as `moments` does.

    Examples
    --------
    >>> from_nanos(np.array([1_000_000_000]), "datetime64[us]").iloc[0]
    Timestamp('1970-01-01 00:00:01')
    """
    return pd.Series(moments(nanos, dtype), copy=False)


def fine_enough(dtype: Any, *lengths: int) -> Any:
    """Give a datetime dtype whose unit holds multiples of some lengths: the same, or a finer one.

    Examples
    --------
    >>> fine_enough(np.dtype("datetime64[s]"), 1_500_000_000), fine_enough(np.dtype("datetime64[us]"), SECOND)
    (dtype('<M8[ms]'), dtype('<M8[us]'))
    """
    units = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
    zone = getattr(dtype, "tz", None)
    unit = np.datetime_data(dtype)[0] if zone is None else dtype.unit
    finer = list(units)[list(units).index(unit) :]
    unit = next(name for name in finer if all(length % units[name] == 0 for length in lengths))
    return np.dtype(f"datetime64[{unit}]") if zone is None else pd.DatetimeTZDtype(unit, zone)


def timestamp(nanos: int) -> pd.Timestamp | None:
    """Give one moment as a naive UTC Timestamp, or None where there is none (no watermark, end of time).

    Examples
    --------
    >>> timestamp(NO_WATERMARK) is None
    True
    """
    return None if nanos in (NO_WATERMARK, END_OF_TIME) else pd.Timestamp(nanos, unit="ns")


def moment_of(value: Any, *, day: int | None = None, zone: Any = "UTC") -> int:
    """Give a timestamp, as pandas reads it, in nanoseconds.

    Parameters
    ----------
    value : timestamp or str
        A naive one is in the zone.
    day : int, optional
        A moment, in nanoseconds: a time of day, such as ``"09:03"``, is one of the same day in the zone.
        Without it pandas takes it as one of today.
    zone : time zone
        Of what is naive.

    Examples
    --------
    >>> moment_of("1970-01-01T00:00:01"), moment_of("1970-01-01T01:00:00+01:00")
    (1000000000, 0)
    >>> moment_of("00:00:02", day=1_000_000_000)
    2000000000
    """
    if day is not None and isinstance(value, str) and _TIME_OF_DAY.fullmatch(value):
        value = f"{pd.Timestamp(day, unit='ns', tz='UTC').tz_convert(zone).date()} {value}"
    moment = pd.Timestamp(value)
    moment = moment if moment.tzinfo is not None else moment.tz_localize(zone)
    return int(moment.as_unit("ns").value)


_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?")


class Clock(Protocol):
    """Processing time: the present moment, and how to wait for a later one."""

    def now(self) -> int:
        """Give the present moment in nanoseconds since 1970-01-01 UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the event loop."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Give the present moment in nanoseconds since 1970-01-01 UTC."""
        return _time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the event loop."""
        await asyncio.sleep(seconds)
