"""Simulator: a table of events, endless, that can be entered anywhere.

Event time since ``start`` is cut into blocks of equal length. A block depends only on the
parameters, the seed and its index, never on what was read before: not on batch size, speed, pauses
or the machine's clock. Families say how one block comes about; everything else is here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from simulators.columns import (
    ARRIVAL_TIME,
    EVENT_ID,
    EVENT_TIME,
    IDS_PER_BLOCK,
    Column,
    Table,
    Truth,
    frame_of,
    truth_columns,
)
from simulators.delivery.parcel import Parcel
from simulators.delivery.road import IDEAL, KINDS, Arrivals, Delivery
from simulators.ordering import IntArray, picked, stable_order
from simulators.parameters import Moment, block_index, duration, microseconds, moment, problem, require, whole
from simulators.underway import Delivered, tail_of, under_way

__all__ = ["EVENT_ID", "EVENT_TIME", "IDS_PER_BLOCK", "Column", "Simulator", "Table", "Truth"]


@dataclass(frozen=True, kw_only=True)
class Simulator(ABC):
    """Base of the families, such as `Clickstream`, `Trading` and `Sensors`."""

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
    pace: ClassVar[str] = ""
    """The parameter that the number of events is proportional to; empty for none."""
    numbered: ClassVar[tuple[str, ...]] = ()
    """Columns of events and truth, besides the events' own, whose numbers another simulator uses as well."""
    family: ClassVar[int]
    """The family's number in the seed."""

    def __post_init__(self) -> None:
        whole("seed", self.seed, least=0, most=2**63)
        object.__setattr__(self, "start", moment("start", self.start))
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
        return truth_columns(self.label, self.kinds)

    @property
    def delivery_truth_schema(self) -> tuple[Column, ...]:
        """The columns of what befell events on their way."""
        return truth_columns("delivery", KINDS)

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
        truth = self._block(i)[1]
        return self._truth_of(i, truth.rows, truth.kind, truth.episode_id, self.truth_schema)

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
        block_index(j)
        length = microseconds(self.block)
        parts: list[tuple[Table, IntArray, IntArray]] = []
        for i in range(max(0, j - self._reach), j + 1):
            events, (rows, time), _ = self._arriving(i, j)
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
        return self.delivery.reshaped(self._frame(table, self.arrival_schema, copy=False), j * length)

    def under_way(self, moment: int) -> tuple[IntArray, IntArray]:
        """Return what has happened by a moment and arrives later: see `simulators.underway`."""
        return under_way(self, moment)

    def block_delivery_truth(self, i: int) -> pd.DataFrame:
        """Return what befell the events of block i on their way to us.

        Parameters
        ----------
        i
            Index of the block, 0 or more.

        Returns
        -------
        DataFrame
            As `block_truth`, with label ``delivery``; an event has a row for each thing that befell it.
        """
        marks = self._delivered(i).marks
        none = np.zeros(0, np.int64)
        rows = np.concatenate([none, *(mark.rows for mark in marks)])
        kind = np.repeat([KINDS.index(mark.kind) for mark in marks], [len(mark.rows) for mark in marks])
        episode = np.concatenate([none, *(mark.episodes for mark in marks)])
        order = np.lexsort((kind, rows))
        schema = self.delivery_truth_schema
        return self._truth_of(i, rows[order], kind[order].astype(np.int8), episode[order], schema)

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
        return self._of_events(self.block_truth, first, last)

    def delivery_truth(self, first: Any, last: Any = None) -> pd.DataFrame:
        """Return what befell the events between two times on their way; arguments as for `events`.

        Returns
        -------
        DataFrame
            The columns of ``delivery_truth_schema``, by event id, then kind; events that never arrive are
            in it.

        Examples
        --------
        >>> from simulators import Sensors
        >>> sorted(Sensors(seed=7).delivery_truth("2min")["kind"].unique())
        ['duplicate', 'loss', 'outage']
        """
        return self._of_events(self.block_delivery_truth, first, last)

    def arrivals(self, first: Any, last: Any = None) -> pd.DataFrame:
        """Return what arrives between two times, in the order of arrival; arguments as for `events`.

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
            block_index(i)
            events, truth = self._generate(i)
            count = len(events["event_time"])
            ids = np.arange(i * IDS_PER_BLOCK, i * IDS_PER_BLOCK + count, dtype=np.int64)
            return {"event_id": ids, **events}, truth

        return lru_cache(maxsize=2)(make)

    def _keys(self, block: int, events: Table) -> IntArray:
        """Return the key of each event, an integer."""
        return events[self.key_column].astype(np.int64, copy=False)

    def _sent(self, parcel: Parcel) -> Arrivals:
        return self.delivery.send(parcel, self._rng)

    @cached_property
    def _delivered(self) -> Callable[[int], Delivered]:
        def make(i: int) -> Delivered:
            events = self._block(i)[0]
            parcel = Parcel(
                time=events[self.time_column],
                keys=self._keys(i, events),
                columns=dict(events),
                time_column=self.time_column,
                key_column=self.key_column,
                schema=self.schema,
                block=i,
                length=microseconds(self.block),
                start=self._start,
            )
            arrivals = self._sent(parcel)
            return Delivered(parcel.columns, arrivals, parcel.marks)

        return lru_cache(maxsize=2)(make)

    @cached_property
    def _tail(self) -> Callable[[int], Delivered]:
        length = microseconds(self.block)
        return lru_cache(maxsize=self._reach + 2)(lambda i: tail_of(self._delivered(i), (i + 1) * length))

    def _arriving(self, i: int, j: int) -> Delivered:
        """Return the events of block i, those at least that arrive in block j or later."""
        return self._delivered(i) if i == j else self._tail(i)

    def _frame(self, table: Table, schema: tuple[Column, ...], *, copy: bool = True) -> pd.DataFrame:
        return frame_of(table, schema, self._start, copy=copy)

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

    def _offset(self, name: str, value: Any) -> int:
        for read in (duration, moment):
            try:
                found = read(name, value)
            except ValueError:
                continue
            return microseconds(found if read is duration else found - self.start)
        raise problem(
            f"{name} is {value!r}",
            detail=f"{name} is a duration since start, with its unit, or a timestamp.",
            hint='Write for example "10min" or "2026-01-05T09:10".',
        )

    def _read(self, block: Callable[[int], pd.DataFrame], begin: int, end: int) -> pd.DataFrame:
        length = microseconds(self.block)
        last = max(begin // length + 1, -(-end // length))
        frames = [block(i) for i in range(begin // length, last)]
        return pd.concat(frames, ignore_index=True)

    def _truth_of(
        self, i: int, rows: IntArray, kind: Any, episode: IntArray, schema: tuple[Column, ...]
    ) -> pd.DataFrame:
        """Return a table of truth of some rows of block i."""
        table: Table = {
            "event_id": rows + i * IDS_PER_BLOCK,
            "label": np.zeros(len(rows), np.int8),
            "kind": kind,
            "episode_id": episode,
            "true_time": self._block(i)[0]["event_time"][rows],
        }
        return self._frame(table, schema)

    def _of_events(self, block: Callable[[int], pd.DataFrame], first: Any, last: Any) -> pd.DataFrame:
        """Return the rows of a table of truth that are of the events between two times."""
        begin, end = self._range(first, last)
        frame = self._read(block, begin, end)
        ids = []
        for time in (begin, end):
            number = time // microseconds(self.block)
            position = np.searchsorted(self._block(number)[0]["event_time"], time)
            ids.append(number * IDS_PER_BLOCK + int(position))
        inside = (frame["event_id"] >= ids[0]) & (frame["event_id"] < ids[1])
        return frame[inside].reset_index(drop=True)

    def _between(self, frame: pd.DataFrame, column: str, begin: int, end: int) -> pd.DataFrame:
        time = frame[column].to_numpy().astype(np.int64) - self._start
        first, last = np.searchsorted(time, [begin, end])
        return frame.iloc[first:last].reset_index(drop=True)
