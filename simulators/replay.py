"""Replay: a table of past events as a stream, in the order in which they arrived or would have."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, Column, Simulator, Table, Truth
from simulators.columns import ARRIVAL_TIME, is_nullable
from simulators.delivery.parcel import Parcel
from simulators.delivery.road import Arrivals
from simulators.ordering import IntArray
from simulators.parameters import microseconds, require

_LONGEST = pd.Timedelta("6h")
_BLOCKS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay(Simulator):
    """Simulate nothing: replay a table as a stream.

    It may go through a delivery with all its faults, as any simulator may. Columns of text become categories.
    The stream ends with the last arrival.

    Parameters
    ----------
    table
        The events, in any order, with a datetime column; naive times are taken as UTC. A column ``event_id``
        is left out: the stream numbers its events itself.
    time
        Its column of event times, which comes out as ``event_time``. No value may be null.
    arrival
        Its column that says when each event arrived, never before its event time, which comes out as
        ``arrival_time``. Without it, the delivery decides.
    key
        The column whose keys lose their connection in an outage; without it each event is a key of its own.
    delivery
        How the events arrive, where there is no column ``arrival``.
    title
        Its name as a source.
    seed
        Seed of the delivery.

    Examples
    --------
    >>> table = pd.DataFrame({"t": pd.to_datetime([30, 10, 20], unit="s"), "v": [3.0, 1.0, 2.0]})
    >>> Replay(table=table, time="t").arrivals("1min")["v"].tolist()
    [1.0, 2.0, 3.0]
    """

    table: pd.DataFrame
    time: str = "event_time"
    arrival: str | None = None
    key: str | None = None
    title: str = "replay"

    name: ClassVar[str] = "replay"
    label: ClassVar[str] = "none"
    kinds: ClassVar[tuple[str, ...]] = ("none",)
    key_column: ClassVar[str] = "key"
    family: ClassVar[int] = 99

    def __post_init__(self) -> None:
        require(
            len(self.table) > 0,
            "the table has no rows",
            detail="A replay begins with the first event and ends with the last.",
            hint="Look at how the table was filtered.",
        )
        names = list(self.table.columns)
        require(
            all(isinstance(name, str) for name in names) and len(set(names)) == len(names),
            f"the columns are {names}",
            detail="Columns of a stream have names, each its own.",
            hint="Name them: table.columns = [...].",
        )
        for name, parameter in ((EVENT_TIME.name, "time"), (ARRIVAL_TIME.name, "arrival")):
            require(
                name not in names or name in (self.time, self.arrival),
                f"the table has a column {name!r} that is not its {parameter}",
                detail="The stream has a column of that name itself.",
                hint=f"Write {parameter}={name!r}, or drop it, or rename it.",
            )
        require(
            self.key is None or self.key in names,
            f"there is no column {self.key!r} for the keys",
            detail=f"There are {', '.join(names)}.",
            hint="Name one of those as key.",
        )
        for column in filter(None, (self.time, self.arrival)):
            require(
                column in self.table
                and self.table[column].dtype.kind == "M"
                and self.table[column].notna().all(),
                f"{column!r} is no column of times without nulls",
                detail=f"There are {', '.join(names)}.",
                hint="Convert it with pandas.to_datetime, and drop rows without a time.",
            )
        object.__setattr__(self, "name", self.title)
        object.__setattr__(self, "key_column", self.key or "event_id")
        begin = pd.Timestamp(int(self._times(self.time).min()), unit="us").floor("s").as_unit("us")
        require(
            self.start in (Simulator.start, begin),
            f"start is {self.start!r}",
            detail=f"A replay begins with its first event, at {begin}.",
            hint="Shift the table's times in place of it.",
        )
        object.__setattr__(self, "start", begin)
        super().__post_init__()
        object.__setattr__(self, "block", self._length())
        if self.arrival:
            require(
                bool((self._events["arrival_time"] >= self._events["event_time"]).all()),
                f"some rows of {self.arrival!r} are before {self.time!r}",
                detail="No event arrives before it happens.",
                hint=f"Take the greater of both: table[[{self.time!r}, {self.arrival!r}]].max(axis=1).",
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    __eq__ = object.__eq__  # tables are not compared
    __hash__ = object.__hash__

    @cached_property
    def duration(self) -> pd.Timedelta:
        """How long it lasts, from the start until the last event has arrived."""
        last = "arrival_time" if self.arrival else "event_time"
        road = pd.Timedelta(0) if self.arrival else self.delivery.max_delay
        return pd.Timedelta(int(self._events[last].max()) + 1, unit="us") + road

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events: ``event_id``, ``event_time``, and those of the table."""
        others = [name for name in self.table.columns if name not in (self.time, self.arrival)]
        return (EVENT_ID, EVENT_TIME, *(self._column(name) for name in others if name != "event_id"))

    def _column(self, name: str) -> Column:
        values = self.table[name]
        if _is_text(values.dtype):
            return Column(name, "category", "", categories=tuple(map(str, self._words(name).categories)))
        dtype = "datetime64[us]" if values.dtype.kind == "M" else str(values.dtype)
        return Column(name, dtype, "")

    def _words(self, name: str) -> pd.Categorical:
        values = self.table[name].astype("category").array
        return (
            values.remove_unused_categories()
            if isinstance(values, pd.Categorical)
            else pd.Categorical(values)
        )

    def _times(self, name: str) -> IntArray:
        times = self.table[name]
        times = times.dt.tz_convert("UTC").dt.tz_localize(None) if times.dt.tz is not None else times
        micros: IntArray = times.to_numpy().astype("datetime64[us]").astype(np.int64)
        return micros

    def _length(self) -> pd.Timedelta:
        """Return the length of a block: a hundredth of the whole, between a second and six hours."""
        begin, end = self._times(self.time).min(), self._times(self.arrival or self.time).max()
        span = pd.Timedelta(int(max(end - begin, 0)), unit="us")
        return max(pd.Timedelta("1s"), min(_LONGEST, (span / _BLOCKS).ceil("s")))

    @cached_property
    def _events(self) -> dict[str, npt.NDArray[Any]]:
        """All events, by event time; those of the same time in the order of the table."""
        start = int(self.start.to_datetime64().astype("datetime64[us]").astype(np.int64))
        times = self._times(self.time) - start
        order = np.argsort(times, kind="stable")
        found = {"event_time": times[order]}
        if self.arrival:
            found["arrival_time"] = (self._times(self.arrival) - start)[order]
        for column in self.schema[2:]:
            if column.dtype == "category":
                values: npt.NDArray[Any] = self._words(column.name).codes
            elif column.dtype == "datetime64[us]":
                values = self._times(column.name) - start
            elif is_nullable(column.dtype):
                values = self.table[column.name].to_numpy(dtype=object)
            else:
                values = self.table[column.name].to_numpy()
            found[column.name] = values[order]
        return found

    @cached_property
    def _reach(self) -> int:
        if not self.arrival:
            return -(-microseconds(self.delivery.max_delay) // microseconds(self.block))
        longest = int((self._events["arrival_time"] - self._events["event_time"]).max())
        return longest // microseconds(self.block) + 1

    def _of_block(self, block: int) -> slice:
        length = microseconds(self.block)
        first, last = np.searchsorted(self._events["event_time"], [block * length, (block + 1) * length])
        return slice(int(first), int(last))

    def _generate(self, block: int) -> tuple[Table, Truth]:
        rows = self._of_block(block)
        none = np.zeros(0, np.int64)
        told = {name: values[rows] for name, values in self._events.items() if name != ARRIVAL_TIME.name}
        return told, Truth(none, none.astype(np.int8), none)

    @cached_property
    def _numbers(self) -> IntArray:
        """A number for each key, in the order of the events: itself, if it is one."""
        keys = self._events[self.key_column]
        if keys.dtype.kind == "i":
            return keys.astype(np.int64, copy=False)
        numbers: IntArray = pd.factorize(keys)[0].astype(np.int64)
        return numbers

    def _keys(self, block: int, events: Table) -> IntArray:
        return self._numbers[self._of_block(block)] if self.key else super()._keys(block, events)

    def _sent(self, parcel: Parcel) -> Arrivals:
        if not self.arrival:
            return super()._sent(parcel)
        arrival = self._events["arrival_time"][self._of_block(parcel.block)]
        order = np.argsort(arrival, kind="stable")
        return Arrivals(order, arrival[order])


def _is_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype | pd.StringDtype) or dtype.kind == "O"
