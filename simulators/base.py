"""Simulator: a table of events, endless, that can be entered anywhere.

Event time since ``start`` is cut into blocks of equal length. A block depends only on the
parameters, the seed and its index, never on what was read before: not on batch size, speed, pauses
or the machine's clock. Families say how one block comes about; everything else is here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.delivery import IDEAL, Arrivals, Delivery
from simulators.ordering import IntArray, picked, stable_order
from simulators.parameters import Moment, duration, microseconds, problem, require, whole

Table = dict[str, npt.NDArray[Any]]
"""Columns of equal length: times in microseconds since the start, categories as codes."""

IDS_PER_BLOCK = 10**8
"""Event ids are ``block * IDS_PER_BLOCK + position``, sessions and episodes likewise."""


@dataclass(frozen=True)
class Column:
    """One column of a schema.

    Parameters
    ----------
    name
        The column's name.
    dtype
        Its dtype, spelled as pandas spells it.
    description
        What a value says.
    unit
        The unit of a value; empty for none.
    categories
        All categories, in order, of a column of dtype ``category``.

    Examples
    --------
    >>> Column("temperature", "float64", "Air temperature.", unit="°C").unit
    '°C'
    """

    name: str
    dtype: str
    description: str
    unit: str = ""
    categories: tuple[str, ...] = ()


EVENT_ID = Column("event_id", "int64", "Number of the event, unique, ascending with event time.")
EVENT_TIME = Column("event_time", "datetime64[us]", "When it happened, as the device says; UTC.")
ARRIVAL_TIME = Column("arrival_time", "datetime64[us]", "When it got here; UTC.")


class Truth(NamedTuple):
    """What is true of some rows of a block, which the events themselves do not say."""

    rows: IntArray
    """Positions in the block, ascending, each at most once."""
    kind: npt.NDArray[np.int8]
    """Position of the kind in ``kinds``."""
    episode_id: IntArray
    """The episode that the row belongs to."""


class _Delivered(NamedTuple):
    events: Table
    arrivals: Arrivals


@dataclass(frozen=True, kw_only=True)
class Simulator(ABC):
    """Base of the families; see `Clickstream`, `Trading` and `Sensors`."""

    seed: int = 0
    start: Moment = "2026-01-05T09:00"
    delivery: Delivery = IDEAL

    name: ClassVar[str]
    block: ClassVar[pd.Timedelta]
    label: ClassVar[str]
    """What the truth is about."""
    kinds: ClassVar[tuple[str, ...]]
    """The kinds of truth."""
    time_column: ClassVar[str] = "event_time"
    key_column: ClassVar[str]
    """The column whose keys lose their connection in an outage."""
    family: ClassVar[int]
    """The family's number in the seed."""

    def __post_init__(self) -> None:
        whole("seed", self.seed, least=0, most=2**63)
        object.__setattr__(self, "start", _moment("start", self.start))
        require(
            isinstance(self.delivery, Delivery),
            f"delivery is {self.delivery!r}",
            detail="delivery says how events arrive, and is a Delivery.",
            hint="Write for example delivery=Delivery.mobile().",
        )

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def scenarios(cls) -> dict[str, Self]:
        """Return the scenarios of the family as they are shipped, by name."""
        return {cls.name: cls()}

    # What a family says.

    @property
    @abstractmethod
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""

    @abstractmethod
    def _generate(self, block: int) -> tuple[Table, Truth]:
        """Return one block's events, by time and without ids, and what is true of them."""

    # What everybody asks.

    @property
    def arrival_schema(self) -> tuple[Column, ...]:
        """The columns of the arrivals: the schema and ``arrival_time``."""
        return (*self.schema, ARRIVAL_TIME)

    @property
    def truth_schema(self) -> tuple[Column, ...]:
        """The columns of the ground truth."""
        return (
            EVENT_ID,
            Column("label", "category", "What the event belongs to.", categories=(self.label,)),
            Column("kind", "category", "Which sort of it.", categories=self.kinds),
            Column("episode_id", "int64", "Number of the episode, unique."),
            Column(
                "true_time", "datetime64[us]", "When it happened in truth, whatever its device says; UTC."
            ),
        )

    def block_events(self, i: int) -> pd.DataFrame:
        """Return the events of block i.

        Parameters
        ----------
        i
            Index of the block, 0 or more.

        Returns
        -------
        DataFrame
            The columns of ``schema``; event times in ``[start + i * block, start + (i + 1) *
            block)``; sorted by event time, then event id.
        """
        return self._frame(self._block(i)[0], self.schema)

    def block_truth(self, i: int) -> pd.DataFrame:
        """Return the ground truth of block i.

        Parameters
        ----------
        i
            Index of the block, 0 or more.

        Returns
        -------
        DataFrame
            ``event_id`` (int64), ``label`` and ``kind`` (category), ``episode_id`` (int64),
            ``true_time`` (datetime64[us]), by event id. Only events with something to tell have a
            row, and each at most one.
        """
        events, truth = self._block(i)
        table: Table = {
            "event_id": truth.rows + i * IDS_PER_BLOCK,
            "label": np.zeros(len(truth.rows), np.int8),
            "kind": truth.kind,
            "episode_id": truth.episode_id,
            "true_time": events["event_time"][truth.rows],
        }
        return self._frame(table, self.truth_schema)

    def block_arrivals(self, j: int) -> pd.DataFrame:
        """Return what arrives during block j, in the order of arrival.

        Parameters
        ----------
        j
            Index of the block, 0 or more.

        Returns
        -------
        DataFrame
            The columns of ``arrival_schema``; arrival times in ``[start + j * block, start + (j +
            1) * block)``; sorted by arrival time, then event id. A duplicate repeats the whole
            event but for its arrival time.
        """
        _index(j)
        length = microseconds(self.block)
        parts: list[tuple[Table, IntArray, IntArray]] = []
        for i in range(max(0, j - self._reach), j + 1):
            events, (rows, time) = self._delivered(i)
            first, last = np.searchsorted(time, [j * length, (j + 1) * length])
            if first < last or not parts:
                parts.append((events, rows[first:last], time[first:last]))
        arrival = np.concatenate([time for _, _, time in parts])
        # Blocks come in the order of event ids, and each is sorted: a stable order is all it takes.
        order = stable_order(arrival - j * length, runs=True)
        picks = [picked(rows) for _, rows, _ in parts]
        begins = np.cumsum([0, *(size for _, _, size in picks)])
        where = np.concatenate([own + at for (_, own, _), at in zip(picks, begins, strict=False)])[order]
        table: Table = {}
        for column in self.schema:
            columns = [events[column.name][some[0]] for (events, *_), some in zip(parts, picks, strict=True)]
            table[column.name] = np.concatenate(columns).take(where)
        table["arrival_time"] = arrival[order]
        return self._frame(table, self.arrival_schema, copy=False)

    def events(self, first: Any, last: Any = None) -> pd.DataFrame:
        """Return the events between two times, in event order.

        Parameters
        ----------
        first
            Beginning, included: a duration since ``start`` or a timestamp. If it is alone, the end,
            and the beginning is ``start``.
        last
            End, excluded: a duration since ``start`` or a timestamp.

        Returns
        -------
        DataFrame
            The columns of ``schema``, sorted by event time, then event id.

        Examples
        --------
        >>> from simulators import Sensors
        >>> minute = Sensors(devices=4, hertz=1, missing=0).events("1min")
        >>> len(minute), minute["event_id"].is_unique
        (240, True)
        """
        begin, end = self._range(first, last)
        frame = self._read(self.block_events, begin, end)
        return self._between(frame, "event_time", begin, end)

    def truth(self, first: Any, last: Any = None) -> pd.DataFrame:
        """Return the ground truth of the events between two times; arguments as for `events`.

        Returns
        -------
        DataFrame
            The columns of ``truth_schema``, by event id.
        """
        begin, end = self._range(first, last)
        frame = self._read(self.block_truth, begin, end)
        length = microseconds(self.block)
        ids = []
        for moment in (begin, end):
            block = moment // length
            position = np.searchsorted(self._block(block)[0]["event_time"], moment)
            ids.append(block * IDS_PER_BLOCK + int(position))
        inside = (frame["event_id"] >= ids[0]) & (frame["event_id"] < ids[1])
        return frame[inside].reset_index(drop=True)

    def arrivals(self, first: Any, last: Any = None) -> pd.DataFrame:
        """Return what arrives between two times, in the order of arrival.

        Arguments as for `events`, but of arrival time.

        Returns
        -------
        DataFrame
            The columns of ``arrival_schema``, sorted by arrival time, then event id.

        Examples
        --------
        >>> from simulators import Sensors
        >>> rows = Sensors().arrivals("2min")
        >>> bool((rows["arrival_time"] >= rows["event_time"]).all())
        True
        """
        begin, end = self._range(first, last)
        frame = self._read(self.block_arrivals, begin, end)
        return self._between(frame, "arrival_time", begin, end)

    # How it is done.

    def _rng(self, component: int, *index: int) -> np.random.Generator:
        words = [self.seed, self.family, component, *index]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    @cached_property
    def _start(self) -> int:
        return int(self.start.to_datetime64().astype("datetime64[us]").astype(np.int64))

    @cached_property
    def _reach(self) -> int:
        """How many blocks an event can arrive after its own."""
        return -(-microseconds(self.delivery.max_delay) // microseconds(self.block))

    @cached_property
    def _block(self) -> Callable[[int], tuple[Table, Truth]]:
        def make(i: int) -> tuple[Table, Truth]:
            _index(i)
            events, truth = self._generate(i)
            count = len(events["event_time"])
            ids = np.arange(i * IDS_PER_BLOCK, i * IDS_PER_BLOCK + count, dtype=np.int64)
            return {"event_id": ids, **events}, truth

        return lru_cache(maxsize=2)(make)

    @cached_property
    def _delivered(self) -> Callable[[int], _Delivered]:
        def make(i: int) -> _Delivered:
            events = self._block(i)[0]
            keys = events[self.key_column].astype(np.int64, copy=False)
            return _Delivered(events, self.delivery.deliver(events["event_time"], keys, i, self._rng))

        return lru_cache(maxsize=self._reach + 2)(make)

    @cached_property
    def _dtypes(self) -> dict[str, pd.CategoricalDtype]:
        columns = (*self.schema, *self.truth_schema)
        return {
            column.name: pd.CategoricalDtype(column.categories)
            for column in columns
            if column.dtype == "category"
        }

    def _frame(self, table: Table, schema: tuple[Column, ...], *, copy: bool = True) -> pd.DataFrame:
        def column(name: str, dtype: str) -> Any:
            if dtype == "category":
                return pd.Categorical.from_codes(table[name], dtype=self._dtypes[name])
            if dtype == "datetime64[us]":
                return (table[name] + self._start).view("datetime64[us]")
            return table[name]

        return pd.DataFrame({each.name: column(each.name, each.dtype) for each in schema}, copy=copy)

    def _range(self, first: Any, last: Any) -> tuple[int, int]:
        if last is None:
            first, last = pd.Timedelta(0), first
        begin, end = self._offset("first", first), self._offset("last", last)
        require(
            0 <= begin <= end,
            f"the range runs from {first!r} to {last!r}",
            detail=f"A range begins at {self.start} or later, and ends no earlier than it begins.",
            hint='Write for example events("10min") or events("10min", "20min").',
        )
        return begin, end

    def _offset(self, name: str, moment: Any) -> int:
        for read in (duration, _moment):
            try:
                value = read(name, moment)
            except ValueError:
                continue
            return microseconds(value if read is duration else value - self.start)
        raise problem(
            f"{name} is {moment!r}",
            detail=f"{name} is a duration since start, with its unit, or a timestamp.",
            hint='Write for example "10min" or "2026-01-05T09:10".',
        )

    def _read(self, block: Callable[[int], pd.DataFrame], begin: int, end: int) -> pd.DataFrame:
        length = microseconds(self.block)
        last = max(begin // length + 1, -(-end // length))
        frames = [block(i) for i in range(begin // length, last)]
        return pd.concat(frames, ignore_index=True)

    def _between(self, frame: pd.DataFrame, column: str, begin: int, end: int) -> pd.DataFrame:
        time = frame[column].to_numpy().astype(np.int64) - self._start
        first, last = np.searchsorted(time, [begin, end])
        return frame.iloc[first:last].reset_index(drop=True)


def _index(i: int) -> None:
    require(
        isinstance(i, int | np.integer) and i >= 0,
        f"block is {i!r}",
        detail="Blocks are counted from 0, the block that begins at start.",
        hint="Ask for block 0 or later, or move start.",
    )


def _moment(name: str, value: Any) -> pd.Timestamp:
    """Read a timestamp; with a time zone it is turned to UTC, and the zone is dropped."""
    try:
        moment = pd.Timestamp(value) if isinstance(value, str | date | np.datetime64) else pd.NaT
    except (ValueError, TypeError):
        moment = pd.NaT
    require(
        moment is not pd.NaT,
        f"{name} is {value!r}",
        detail=f"{name} is a timestamp; without a time zone it is taken as UTC.",
        hint=f'Write for example {name}="2026-01-05T09:00".',
    )
    moment = moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)
    return moment.as_unit("us")
