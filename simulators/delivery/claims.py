"""Faults of what events say: a wrong clock, a mistaken unit, a spoilt field, other columns."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from simulators.delivery.faults import Fault
from simulators.delivery.parcel import Draw, Parcel
from simulators.ordering import IntArray
from simulators.parameters import Duration, duration, microseconds, require, share, whole

_RANGE = 1e6


@dataclass(frozen=True, kw_only=True)
class ClockSkew(Fault):
    """Let the clocks of some keys be wrong, and go at another speed.

    Parameters
    ----------
    share
        Share of the keys, in [0, 1].
    offset
        By how much a clock is wrong at the start, at most, either way; uniform. A duration.
    drift
        By how many parts in a million a clock is too fast or too slow, at most; uniform.

    Examples
    --------
    >>> ClockSkew(share=0.2, offset="5s", drift=50).kind
    'clock_skew'
    """

    share: float = 0.1
    offset: Duration = "5s"
    drift: float = 0.0

    kind: ClassVar[str] = "clock_skew"
    at_device: ClassVar[bool] = True

    def __post_init__(self) -> None:
        share("share", self.share)
        object.__setattr__(self, "offset", duration("offset", self.offset))
        require(
            0 <= self.drift <= 1e5,
            f"drift is {self.drift!r}",
            detail="drift is in parts per million, in [0, 100000].",
            hint="Quartz clocks drift by 10 to 100.",
        )

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Let events of the keys with a wrong clock say what it says."""
        phase, salt = draw().random(2)
        rows = np.flatnonzero(parcel.of_keys(self.share, phase))
        keys, time = parcel.keys[rows], parcel.claimed()[rows]
        wrong = _uniform(keys, salt, 0) * microseconds(self.offset)
        wrong += _uniform(keys, salt, 1) * self.drift * 1e-6 * parcel.time[rows]
        parcel.claim(rows, time + wrong.astype(np.int64))
        parcel.mark(self.kind, rows, keys)


@dataclass(frozen=True, kw_only=True)
class SecondsForMilliseconds(Fault):
    """Let some keys send seconds where milliseconds are read: their events seem to be of January 1970.

    Parameters
    ----------
    share
        Share of the keys, in [0, 1].
    since
        From when on, a duration since the start: the day of the faulty release.

    Examples
    --------
    >>> SecondsForMilliseconds(share=0.05, since="10min").kind
    'unit'
    """

    share: float = 0.05
    since: Duration = "0s"

    kind: ClassVar[str] = "unit"
    at_device: ClassVar[bool] = True

    def __post_init__(self) -> None:
        share("share", self.share)
        object.__setattr__(self, "since", duration("since", self.since))

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Let events say a thousandth of their time since 1970."""
        struck = parcel.of_keys(self.share, draw().random())
        rows = np.flatnonzero(struck & (parcel.time >= microseconds(self.since)))
        time = parcel.claimed()[rows]
        parcel.claim(rows, (time + parcel.start) // 1_000_000 * 1_000 - parcel.start)
        parcel.mark(self.kind, rows, parcel.keys[rows])


@dataclass(frozen=True, kw_only=True)
class FutureRows(Fault):
    """Let some events be dated ahead.

    Parameters
    ----------
    share
        Share of the events, in [0, 1].
    ahead
        By how much at most, uniform; a duration.

    Examples
    --------
    >>> FutureRows(share=0.001, ahead="1h").kind
    'future'
    """

    share: float = 0.001
    ahead: Duration = "1h"

    kind: ClassVar[str] = "future"
    at_device: ClassVar[bool] = True

    def __post_init__(self) -> None:
        share("share", self.share)
        object.__setattr__(self, "ahead", duration("ahead", self.ahead))

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Date a share of the events ahead."""
        rng = draw(parcel.block)
        rows = np.flatnonzero(rng.random(len(parcel.time)) < self.share)
        more = (rng.random(len(rows)) * microseconds(self.ahead)).astype(np.int64)
        parcel.claim(rows, parcel.claimed()[rows] + more)
        parcel.mark(self.kind, rows, 0)


@dataclass(frozen=True, kw_only=True)
class HotKey(Fault):
    """Let a share of the events be of one key, as when a default value or a celebrity takes all traffic.

    Parameters
    ----------
    share
        Share of the events, in [0, 1].
    key
        The key: its number, or of a category its position. One that there is: a first block tells if not.

    Examples
    --------
    >>> HotKey(share=0.3, key=1).kind
    'hot_key'
    """

    share: float = 0.3
    key: int = 0

    kind: ClassVar[str] = "hot_key"
    at_device: ClassVar[bool] = True

    def __post_init__(self) -> None:
        share("share", self.share)

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Give a share of the events another key."""
        column, keys = parcel.described(parcel.key_column), parcel.columns[parcel.key_column]
        require(
            parcel.key_column != "event_id",
            "hot_key finds no key",
            detail="It gives events another key, and these have none but their number.",
            hint="A Replay has the key that you name: Replay(table=..., key=...).",
        )
        categories = column.categories if column else ()
        least, most = (0, len(categories) - 1) if categories else _range(keys.dtype)
        whole("hot_key's key", self.key, least=least, most=most)
        rows = np.flatnonzero(draw(parcel.block).random(len(parcel.time)) < self.share)
        keys = keys.copy()
        keys[rows] = self.key
        parcel.columns[parcel.key_column] = keys
        parcel.mark(self.kind, rows, self.key)


@dataclass(frozen=True, kw_only=True)
class Corrupt(Fault):
    """Spoil one field of some events.

    Parameters
    ----------
    share
        Share of the events, in [0, 1].
    ways
        How, some of ``null`` (a float or category is missing), ``range`` (a number a million times too large,
        and negative), ``text`` (a number cut short is no number any more; its column becomes one of objects).

    Examples
    --------
    >>> Corrupt(share=0.01, ways=("null", "range")).kind
    'corrupt'
    """

    share: float = 0.01
    ways: tuple[str, ...] = ("null", "range")

    kind: ClassVar[str] = "corrupt"

    def __post_init__(self) -> None:
        share("share", self.share)
        object.__setattr__(self, "ways", tuple(self.ways))
        require(
            bool(self.ways) and set(self.ways) <= {"null", "range", "text"},
            f"ways are {self.ways!r}",
            detail="A field can be spoilt by null, by range, or by text.",
            hint='Write for example ways=("null", "range").',
        )

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Spoil a field of a share of the events, one that says something."""
        rng = draw(parcel.block)
        rows = np.flatnonzero(rng.random(len(parcel.time)) < self.share)
        pairs = [(way, name) for way in self.ways for name in self._fields(parcel, way)]
        if not pairs:
            return
        for name in {name for way, name in pairs if way == "text"}:
            parcel.columns[name] = parcel.columns[name].astype(object)  # in all blocks, spoilt or not
        codes = {each.name for each in parcel.schema if each.dtype == "category"}
        says = np.column_stack([_says(parcel.columns[name][rows], name in codes) for _, name in pairs])
        nth = (rng.random(len(rows)) * says.sum(axis=1)).astype(np.int64)
        chosen = (np.cumsum(says, axis=1) > nth[:, None]).argmax(axis=1)
        rows, chosen = rows[says.any(axis=1)], chosen[says.any(axis=1)]
        for number, (way, name) in enumerate(pairs):
            some = rows[chosen == number]
            if len(some):
                parcel.columns[name] = _spoilt(parcel.columns[name], some, way, name in codes)
        parcel.mark(self.kind, rows, chosen)

    def _fields(self, parcel: Parcel, way: str) -> list[str]:
        """Name the columns that can be spoilt so."""
        fixed = ("event_id", parcel.time_column, parcel.key_column)
        kinds = ("category", "float") if way == "null" else ("float", "int")
        return [
            each.name for each in parcel.schema if each.name not in fixed and each.dtype.startswith(kinds)
        ]


@dataclass(frozen=True, kw_only=True)
class SchemaDrift(Fault):
    """Let the columns be others from a moment on, as after a release.

    Blocks of arrivals have either the old columns or the new ones: the first with the new ones is the first
    that begins at the moment or after it.

    Parameters
    ----------
    since
        The moment, a duration since the start.
    renamed
        Pairs of old and new name.
    dropped
        Columns that are gone.
    added
        Columns that are new, each with its one value.

    Examples
    --------
    >>> SchemaDrift(since="10min", renamed=(("amount", "amount_eur"),)).kind
    'schema_drift'
    """

    since: Duration = "10min"
    renamed: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()
    added: tuple[tuple[str, Any], ...] = ()

    kind: ClassVar[str] = "schema_drift"

    def __post_init__(self) -> None:
        object.__setattr__(self, "since", duration("since", self.since))
        object.__setattr__(self, "renamed", tuple((old, new) for old, new in self.renamed))
        object.__setattr__(self, "dropped", tuple(self.dropped))
        object.__setattr__(self, "added", tuple((name, value) for name, value in self.added))
        require(
            not {"event_id", "arrival_time"} & set(self._gone),
            f"{', '.join(self._gone)} cannot be renamed or dropped",
            detail="event_id and arrival_time are not sent: they say what was sent, and when it came.",
            hint="Choose another column.",
        )

    @property
    def _gone(self) -> tuple[str, ...]:
        return (*self.dropped, *(old for old, _ in self.renamed))

    def strike(self, parcel: Parcel, draw: Draw) -> None:
        """Change nothing on the way: it is told when all has arrived."""

    def arrived(self, parcel: Parcel, rows: IntArray, time: IntArray) -> None:
        """Mark what has arrived with the new columns."""
        first = -(-microseconds(self.since) // parcel.length) * parcel.length
        parcel.mark(self.kind, np.unique(rows[time >= first]), 0)

    def reshaped(self, frame: pd.DataFrame, begin: int) -> pd.DataFrame:
        """Return a block of arrivals that begins so many microseconds after the start, as it is sent."""
        if begin < microseconds(self.since):
            return frame
        missing = [name for name in self._gone if name not in frame.columns]
        require(
            not missing,
            f"there is no column {', '.join(map(repr, missing))} to drop or rename",
            detail=f"There are {', '.join(frame.columns)}.",
            hint="Name one of those in SchemaDrift(dropped=..., renamed=...).",
        )
        return (
            frame.drop(columns=list(self.dropped))
            .rename(columns=dict(self.renamed))
            .assign(**dict(self.added))
        )


def _uniform(keys: IntArray, salt: float, which: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give each key a number of its own in [-1, 1), the same wherever it comes."""
    mixed = keys.astype(np.uint64) + np.uint64(int(salt * 2**63) + which)
    for shift, odd in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64, Steele et al. 2014
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(odd)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1


def _range(dtype: Any) -> tuple[int, int]:
    """Return the least and the greatest number of a dtype; of floats, of the numbers that are whole."""
    bounds = np.iinfo(dtype if dtype.kind in "iu" else np.int64)
    return int(bounds.min), int(bounds.max)


def _says(values: Any, codes: bool) -> Any:
    """Tell which values there are: those of no category, and what is no number, are missing already."""
    return values >= 0 if codes else np.equal(values, values)


def _spoilt(column: Any, rows: IntArray, way: str, codes: bool) -> Any:
    spoilt = column.copy()
    if way == "text":
        spoilt[rows] = [f"{str(value)[:-1]}?" for value in column[rows].tolist()]
    elif way == "null":
        spoilt[rows] = -1 if codes else np.nan
    else:
        wrong = -_RANGE * np.maximum(np.abs(spoilt[rows].astype(np.float64)), 1)
        spoilt[rows] = wrong if column.dtype.kind in "fO" else np.maximum(wrong, _range(column.dtype)[0])
    return spoilt
