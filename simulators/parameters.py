"""Parameters: how they are checked, and how durations are read.

May touch nothing else; every other module of the package may import it.
"""

from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

Duration: TypeAlias = Any
"""A duration with its unit: a string as pandas reads it, a Timedelta or a timedelta."""

Moment: TypeAlias = Any
"""A point in time: a string as pandas reads it, a Timestamp or a datetime."""

_DURATIONS = str | timedelta | np.timedelta64


def problem(what: str, *, detail: str, hint: str) -> ValueError:
    """Return an error in three parts.

    Parameters
    ----------
    what
        What is wrong, in lower case, with the value received.
    detail
        Why it is wrong.
    hint
        What to do about it.
    """
    return ValueError(f"{what}\nDetail: {detail}\nHint: {hint}")


def require(holds: bool, what: str, *, detail: str, hint: str) -> None:
    """Raise a `problem` unless a condition holds.

    Examples
    --------
    >>> require(False, "users is 0", detail="Nobody would click.", hint="Ask for one or more.")
    Traceback (most recent call last):
        ...
    ValueError: users is 0
    Detail: Nobody would click.
    Hint: Ask for one or more.
    """
    if not holds:
        raise problem(what, detail=detail, hint=hint)


def positive(name: str, value: float, *, unit: str) -> None:
    """Raise unless a number is finite and above zero."""
    require(
        bool(np.isfinite(value)) and value > 0,
        f"{name} is {value!r}",
        detail=f"{name} counts {unit}, and must be a finite number above 0.",
        hint=f"Write for example {name}=10.",
    )


def whole(name: str, value: int, *, least: int, most: int) -> None:
    """Raise unless a number is whole and lies in ``[least, most]``."""
    require(
        isinstance(value, int | np.integer) and least <= value <= most,
        f"{name} is {value!r}",
        detail=f"{name} must be a whole number in [{least:_}, {most:_}].",
        hint=f"Write for example {name}={max(least, min(most, 7))}.",
    )


def share(name: str, value: float, *, below: float = 1.0) -> None:
    """Raise unless a number lies in ``[0, below]``."""
    require(
        0 <= value <= below,
        f"{name} is {value!r}",
        detail=f"{name} is a share, a number in [0, {below:g}].",
        hint=f"Five per cent is written {name}=0.05.",
    )


def duration(name: str, value: Duration) -> pd.Timedelta:
    """Return a duration as a Timedelta of zero or more.

    Parameters
    ----------
    name
        The parameter's name, for the error.
    value
        A pandas duration such as ``"80ms"`` or ``"10min"``, a Timedelta or a timedelta; zero
        needs no unit.

    Examples
    --------
    >>> duration("cap", "90s")
    Timedelta('0 days 00:01:30')
    """
    if isinstance(value, int) and value == 0:
        return pd.Timedelta(0)
    bare = isinstance(value, str) and not any(letter.isalpha() or letter == ":" for letter in value)
    try:
        read = pd.Timedelta(value) if isinstance(value, _DURATIONS) and not bare else None
    except ValueError:
        read = None
    require(
        read is not None and read is not pd.NaT and read >= pd.Timedelta(0),
        f"{name} is {value!r}",
        detail=f"{name} is a duration of zero or more, with its unit.",
        hint=f'Write for example {name}="10s", "250ms" or "5min".',
    )
    return read


def moment(name: str, value: Moment) -> pd.Timestamp:
    """Read a timestamp; with a time zone it is turned to UTC, and the zone is dropped."""
    try:
        read = pd.Timestamp(value) if isinstance(value, str | date | np.datetime64) else pd.NaT
    except (ValueError, TypeError):
        read = pd.NaT
    require(
        read is not pd.NaT,
        f"{name} is {value!r}",
        detail=f"{name} is a timestamp; without a time zone it is taken as UTC.",
        hint=f'Write for example {name}="2026-01-05T09:00".',
    )
    read = read if read.tzinfo is None else read.tz_convert("UTC").tz_localize(None)
    return read.as_unit("us")


def microseconds(span: pd.Timedelta) -> int:
    """Return a Timedelta in whole microseconds, rounded down.

    Examples
    --------
    >>> microseconds(pd.Timedelta("1.5ms"))
    1500
    """
    return int(span // pd.Timedelta(1, unit="us"))


def block_index(i: int) -> None:
    """Refuse what is no index of a block."""
    require(
        isinstance(i, int | np.integer) and i >= 0,
        f"block is {i!r}",
        detail="Blocks are counted from 0, the block that begins at start.",
        hint="Ask for block 0 or later, or move start.",
    )
