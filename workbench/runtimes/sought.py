"""Which window of which key somebody means: values of key columns, and bounds or a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.placing import assign
from workbench.errors import DescriptionError
from workbench.model.windows import Aligned, Global, Session, Window
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, from_nanos, moment_of

Mask = npt.NDArray[np.bool_]
Interval = tuple[int, int]
NEAREST = 3
"""How many windows a hint names."""


class Sought(Protocol):
    """The window that is meant.

    Attributes
    ----------
    about : (int, int)
        Where it is looked for: its bounds, or a moment twice.
    """

    about: Interval

    def may_hold(self, times: Nanos) -> Mask:
        """Say which rows may be in it."""
        ...

    def reach(self, starts: Nanos, ends: Nanos) -> int:
        """Give the end that the watermark must pass for it to be closed, by the panes told so far."""
        ...

    def find(self, starts: Nanos, ends: Nanos) -> Interval | None:
        """Give its bounds, by those of all panes as they were told; None if none is of it."""
        ...

    def panes(self, starts: Nanos, ends: Nanos, bounds: Interval) -> Mask:
        """Say which panes are its, or of sessions that have become part of it."""
        ...

    def windows(self, times: Nanos, starts: Nanos, ends: Nanos) -> tuple[Nanos, Nanos]:
        """Give all windows of the key, by the times of its rows, and by its panes."""
        ...


class SoughtAligned:
    """A window whose bounds do not depend on the rows.

    Examples
    --------
    >>> from workbench.model.windows import Tumbling
    >>> SoughtAligned(Tumbling(10e-9), (17, 17), "datetime64[ns]").about
    (10, 20)
    """

    def __init__(self, window: Aligned, about: Interval, dtype: Any) -> None:
        self.window = window
        self.about = self._bounds(about, dtype)

    def may_hold(self, times: Nanos) -> Mask:
        """Say which rows are in it."""
        start, end = self.about
        return np.asarray((start <= times) & (times < end))

    def reach(self, starts: Nanos, ends: Nanos) -> int:
        """Give its end."""
        return self.about[1]

    def find(self, starts: Nanos, ends: Nanos) -> Interval | None:
        """Give its bounds."""
        return self.about

    def panes(self, starts: Nanos, ends: Nanos, bounds: Interval) -> Mask:
        """Say which panes are its."""
        return np.asarray((starts == bounds[0]) & (ends == bounds[1]))

    def windows(self, times: Nanos, starts: Nanos, ends: Nanos) -> tuple[Nanos, Nanos]:
        """Give all windows that cover some moments."""
        _, starts, ends = assign(self.window, times)
        return starts, ends

    def _bounds(self, about: Interval, dtype: Any) -> Interval:
        """Find the window with some bounds, or the one that starts at a moment, or holds it, or ends then."""
        if isinstance(self.window, Global):
            return NO_WATERMARK, END_OF_TIME
        moment, other = about
        _, starts, ends = assign(self.window, np.array([moment]))
        if moment != other:
            choices = [(starts == moment) & (ends == other)]
        else:
            _, before, ending = assign(self.window, np.array([moment - 1]))
            starts = np.append(starts, before[ending == moment])
            ends = np.append(ends, ending[ending == moment])
            choices = [starts == moment, ends > moment, ends == moment]
        for chosen in choices:
            if chosen.sum() == 1:
                return int(starts[chosen][0]), int(ends[chosen][0])
        raise self._error(about, starts[ends > moment], ends[ends > moment], dtype)

    def _error(self, about: Interval, starts: Nanos, ends: Nanos, dtype: Any) -> DescriptionError:
        where, several = spell_moments(about, dtype), spell_intervals(starts, ends, dtype)
        if about[0] != about[1] or not len(starts):
            return DescriptionError(
                f"{self.window!r} has no window {where}",
                hint=f"at {spell_moment(about[0], dtype)} it has {several}" if several else "",
            )
        return DescriptionError(
            f"{self.window!r} has several windows at {where}",
            detail=f"they are {several}",
            hint=f"say which: window={_as_pair(starts[0], ends[0], dtype)}",
        )


class SoughtSession:
    """A session, by a moment of it or by bounds that one of its panes had."""

    def __init__(self, window: Session, about: Interval) -> None:
        self.window, self.about = window, about

    def may_hold(self, times: Nanos) -> Mask:
        """Say yes: any row of the key may lead to it."""
        return np.ones(len(times), dtype=bool)

    def reach(self, starts: Nanos, ends: Nanos) -> int:
        """Give the greatest end of the sessions that are, or may still become, the one that is meant."""
        reach = self.about[1] + self.window.gap
        return int(ends[starts <= reach].max(initial=reach))

    def find(self, starts: Nanos, ends: Nanos) -> Interval | None:
        """Give the bounds that it had in the end."""
        moment, other = self.about
        choices = [(starts == moment) & (ends == other)]
        if moment == other:
            choices = [starts == moment, (starts <= moment) & (moment < ends), ends == moment]
        for chosen in choices:
            if chosen.any():
                at = np.flatnonzero(chosen)[-1]
                grown = np.flatnonzero((starts <= starts[at]) & (ends[at] <= ends))[-1]
                return int(starts[grown]), int(ends[grown])
        return None

    def panes(self, starts: Nanos, ends: Nanos, bounds: Interval) -> Mask:
        """Say which panes are its, or of sessions that have become part of it."""
        return np.asarray((bounds[0] <= starts) & (ends <= bounds[1]))

    def windows(self, times: Nanos, starts: Nanos, ends: Nanos) -> tuple[Nanos, Nanos]:
        """Give all sessions that there are panes of."""
        return starts, ends


def sought(window: Window, value: Any, dtype: Any, day: int | None = None) -> Sought:
    """Make out which window is meant, by ``(start, end)`` or a moment.

    Parameters
    ----------
    window : Window
        Any but `Count`.
    value : datetime, str, or pair of them
        Naive ones are in the time zone of the event time.
    dtype : datetime dtype
        That of the event time.
    day : int, optional
        A moment of the day that a time of day is of, in nanoseconds.

    Raises
    ------
    DescriptionError
        If it says nothing, no moment, no window, or several.
    """
    assert isinstance(window, Session | Aligned)
    if value is None and not isinstance(window, Global):
        raise DescriptionError("which window is to be explained?", hint="give window='2026-01-05 09:00'")
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise DescriptionError(f"not the bounds of a window: {value!r}", hint="give window=(start, end)")
    if isinstance(window, Global):
        return SoughtAligned(window, (0, 0), dtype)
    about = (_moment(pair[0], dtype, day), _moment(pair[1], dtype, day))
    return (
        SoughtSession(window, about) if isinstance(window, Session) else SoughtAligned(window, about, dtype)
    )


def key_values(keys: Sequence[str], key: Any) -> dict[str, Any]:
    """Give the value of each key column.

    Raises
    ------
    DescriptionError
        If there are more, fewer or others than the keys.

    Examples
    --------
    >>> key_values(("country", "device"), ("FR", "phone"))
    {'country': 'FR', 'device': 'phone'}
    """
    if isinstance(key, Mapping):
        values = dict(key)
    elif isinstance(key, tuple):
        values = dict(zip(keys, key, strict=False)) if len(key) == len(keys) else dict.fromkeys(key)
    else:
        values = {} if key is None else dict.fromkeys(keys[:1] or ("key",), key)
    if set(values) != set(keys):
        example = ", ".join(f"{name!r}: ..." for name in keys)
        raise DescriptionError(
            f"the key {key!r} does not fit" if key is not None else "which key is to be explained?",
            detail=f"rows are grouped by {', '.join(keys)}" if keys else "rows are grouped by no column",
            hint=f"give key={{{example}}}" if keys else "leave key out",
        )
    return values


def with_key(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Give the rows with some values in their key columns; null is a value."""
    chosen = np.ones(len(frame), dtype=bool)
    for name, value in values.items():
        same = frame[name].isna() if pd.isna(value) else frame[name] == value
        chosen &= same.fillna(False).to_numpy(dtype=bool)
    return frame[chosen]


def no_such_window(
    key: Mapping[str, Any], near: Interval, found: tuple[Nanos, Nanos], dtype: Any
) -> Exception:
    """Say that no row has come to a window, and which windows of the key are nearest to it."""
    whose = ", ".join(f"{name}={value!r}" for name, value in key.items())
    what = f"no row{f' of {whose}' if whose else ''} has come to a window at {spell_moments(near, dtype)}"
    starts, ends = found
    if not len(starts):
        return DescriptionError(
            what, detail="there is no row of that key at all", hint="the panes say which keys there are"
        )
    starts, ends = np.unique(np.stack([starts, ends]), axis=1)
    away = np.maximum(np.maximum(starts - near[0], near[0] - ends), 0)
    chosen = np.sort(np.argsort(away, kind="stable")[:NEAREST])
    return DescriptionError(
        what, hint=f"the nearest with rows: {spell_intervals(starts[chosen], ends[chosen], dtype)}"
    )


def spell_moment(moment: int, dtype: Any) -> str:
    """Write a moment in the time zone of the event time."""
    zone = getattr(dtype, "tz", None)
    exact = "datetime64[ns]" if zone is None else pd.DatetimeTZDtype("ns", zone)
    return str(from_nanos(np.array([moment]), exact).iloc[0])


def spell_moments(about: Interval, dtype: Any) -> str:
    """Write bounds, or one moment."""
    first, second = (spell_moment(moment, dtype) for moment in about)
    return first if first == second else f"[{first}, {second})"


def spell_intervals(starts: Nanos, ends: Nanos, dtype: Any) -> str:
    """Write windows, one after the other."""
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return ", ".join(spell_moments(pair, dtype) for pair in pairs)


def _as_pair(start: int, end: int, dtype: Any) -> tuple[str, str]:
    return spell_moment(start, dtype), spell_moment(end, dtype)


def _moment(value: Any, dtype: Any, day: int | None) -> int:
    """Read a moment; a naive one is in the time zone of the event time."""
    try:
        if value is pd.NaT:
            raise ValueError("it is null")
        return moment_of(value, day=day, zone=getattr(dtype, "tz", None) or "UTC")
    except (ValueError, TypeError, AttributeError) as error:
        raise DescriptionError(
            f"not a moment: {value!r}", detail=str(error), hint="write it as in '2026-01-05 09:00'"
        ) from None
