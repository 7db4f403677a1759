"""The oracles of operators that look back: slow, readable twins that keep every row, and take one at a time.

Each is made with the arguments of its twin in the engine, and used like it. Instead of frames it gives lists
of tuples that begin with the id of a row: the number that its ``id`` column has.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.engine.progress import Stamp
from workbench.model.aggregates import Aggregate
from workbench.testing.compare import Key, plain
from workbench.testing.reckoning import Row as Counted
from workbench.testing.reckoning import aggregate
from workbench.testing.row_oracles import Row, RowOracle, Told
from workbench.time import END_OF_TIME, NO_WATERMARK


class InOrder(RowOracle):
    """Tells rows by event time, then arrival, once the watermark less the lateness has passed them."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)
        self.held: list[Row] = []

    def sides(self) -> tuple[str, ...]:
        """Give the one input."""
        return ("",)

    def take(self, row: Row, met: int) -> None:
        """Hold a row that is not late."""
        if not self.is_late(row, met):
            self.held.append(row)

    def advance(self, limit: int) -> None:
        """Tell the rows that are due."""
        for row in sorted([row for row in self.held if row.time < limit], key=lambda row: row.time):
            self.held.remove(row)
            self.tell(row)

    @abstractmethod
    def tell(self, row: Row) -> None:
        """Tell a row; none comes any more that would be told before it."""


class LagOracle(InOrder):
    """Counts back among all rows of the key."""

    def __init__(
        self, *, columns: Mapping[str, str], n: int = 1, ttl: int | None = None, **common: Any
    ) -> None:
        super().__init__(**common)
        self.columns, self.n, self.ttl = columns, n, ttl
        self.past: dict[Key, list[Row]] = {}

    def tell(self, row: Row) -> None:
        """Tell the id, and the values found."""
        past = self.past.setdefault(row.key, [])
        found = past[-self.n] if len(past) >= self.n else None
        if found is not None and self.ttl is not None and row.time - found.time > self.ttl:
            found = None
        values = [None if found is None else plain(found.values[name]) for name in self.columns.values()]
        self.told.out.append((row.id, *values))
        past.append(row)


class RollingOracle(InOrder):
    """Goes through all rows of the key, and takes those of the frame."""

    def __init__(
        self,
        *,
        aggregates: Sequence[Aggregate],
        rows: int | None = None,
        within: int | None = None,
        closed: str = "right",
        min_periods: int | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.aggregates, self.rows, self.within = aggregates, rows, within
        self.left, self.right = closed in ("left", "both"), closed in ("right", "both")
        self.least = (1 if rows is None else rows) if min_periods is None else min_periods
        self.past: dict[Key, list[Row]] = {}

    def tell(self, row: Row) -> None:
        """Tell the id, and the aggregates of the frame."""
        past = self.past.setdefault(row.key, [])
        past.append(row)
        frame = [each for at, each in enumerate(past) if self.holds(len(past) - 1 - at, row.time - each.time)]
        self.told.out.append((row.id, *(self.result(what, frame) for what in self.aggregates)))

    def holds(self, rows_back: int, time_back: int) -> bool:
        """Say whether the frame holds a row so many rows, and so much time, before its own."""
        if self.rows is not None and rows_back > self.rows - (not self.left):
            return False
        if self.within is not None and (
            time_back > self.within or (time_back == self.within and not self.left)
        ):
            return False
        if not self.right:
            return rows_back > 0 if self.within is None else time_back > 0
        return True

    def result(self, what: Aggregate, frame: Sequence[Row]) -> Any:
        """Give an aggregate, None if the frame holds too little."""
        full = [row for row in frame if not any(pd.isna(row.values[name]) for name in what.columns)]
        counted = frame if what.function in ("size", "count") else full
        if len(counted) < self.least:
            return None
        return aggregate(what, [Counted(at, row.time, row.key, row.values) for at, row in enumerate(frame)])


class OracleContext:
    """What the functions of `KeyedOracle` see: the same names as in `Context`."""

    def __init__(self, oracle: KeyedOracle, key: Key, moment: int, timer: str | None) -> None:
        self.oracle, self.moment, self.timer, self.tuple = oracle, moment, timer, key
        self.key = dict(zip(oracle.keys, key, strict=True))

    @property
    def time(self) -> pd.Timestamp:
        """The moment."""
        return pd.Timestamp(self.moment, unit="ns")

    @property
    def state(self) -> Any:
        """The state of the key."""
        return self.oracle.states.get(self.tuple)

    @state.setter
    def state(self, state: Any) -> None:
        self.oracle.states[self.tuple] = state

    def set_timer(self, when: Any, name: str = "") -> None:
        """Set a timer."""
        moment = when.value if isinstance(when, pd.Timestamp) else self.moment + pd.Timedelta(when).value
        waiting = any(each[1:] == (self.tuple, name) for each in self.oracle.timers)
        self.delete_timer(name)
        if waiting or not self.oracle.closing:
            self.oracle.timers.append((max(moment, self.moment), self.tuple, name))

    def delete_timer(self, name: str = "") -> None:
        """Delete a timer."""
        self.oracle.timers = [each for each in self.oracle.timers if each[1:] != (self.tuple, name)]


class KeyedOracle(InOrder):
    """Keeps timers and expiries in lists, in the order in which they were set, and looks for the least."""

    def __init__(
        self,
        *,
        on_row: Callable[..., Any],
        on_timer: Callable[..., Any] | None = None,
        on_expire: Callable[..., Any] | None = None,
        ttl: int | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.on_row, self.on_timer, self.on_expire, self.ttl = on_row, on_timer, on_expire, ttl
        self.states: dict[Key, Any] = {}
        self.timers: list[tuple[int, Key, str]] = []
        self.expiries: list[tuple[int, Key]] = []
        self.closing = False

    def process(self, side: str, frame: pd.DataFrame, stamp: Stamp) -> Told:
        """Take a batch; at the end of the stream, let go of everything."""
        told = super().process(side, frame, stamp)
        if stamp.watermark == END_OF_TIME:
            self.states.clear()
        return told

    def advance(self, limit: int) -> None:
        """Tell rows, timers and expiries that are due."""
        last = max([row.time for row in self.held if row.time < limit], default=NO_WATERMARK)
        super().advance(limit)
        if limit == END_OF_TIME:
            self.fire(last + 1)
            self.closing = True
        self.fire(limit)

    def tell(self, row: Row) -> None:
        """Call for a row, after all that is due before it."""
        self.fire(row.time)
        self.call(self.on_row, row.key, row.time, None, row.values)

    def fire(self, limit: int) -> None:
        """Call for what is due before a moment: timers before expiries, what was set first before others."""
        while True:
            timer = min([each[0] for each in self.timers], default=END_OF_TIME)
            expiry = min([each[0] for each in self.expiries], default=END_OF_TIME)
            if min(timer, expiry) >= limit:
                return
            if timer <= expiry:
                moment, key, name = next(each for each in self.timers if each[0] == timer)
                self.timers.remove((moment, key, name))
                self.call(self.on_timer, key, moment, name)
                continue
            moment, key = next(each for each in self.expiries if each[0] == expiry)
            self.expiries.remove((moment, key))
            if self.on_expire is not None:
                self.take_over(key, moment, self.on_expire(OracleContext(self, key, moment, None)))
            del self.states[key]

    def call(self, function: Any, key: Key, moment: int, timer: str | None, *row: Any) -> None:
        """Call a function, and put off the expiry of the state."""
        self.take_over(key, moment, function(*row, OracleContext(self, key, moment, timer)))
        self.expiries = [each for each in self.expiries if each[1] != key]
        if self.states.get(key) is not None and self.ttl is not None:
            self.expiries.append((moment + self.ttl, key))

    def take_over(self, key: Key, moment: int, given: Iterable[Mapping[str, Any]] | None) -> None:
        """Tell what a function gave: the moment, the key, and the values."""
        self.told.out += [(moment, *key, *map(plain, row.values())) for row in given or ()]


class LookupOracle(RowOracle):
    """Goes through the table for each row."""

    def __init__(self, *, table: pd.DataFrame, how: str = "left", **common: Any) -> None:
        super().__init__(**common)
        self.table, self.how = table.to_dict("records"), how

    def sides(self) -> tuple[str, ...]:
        """Give the one input."""
        return ("",)

    def take(self, row: Row, met: int) -> None:
        """Tell the id, and the id of the row found."""
        found = None
        for other in self.table:
            key = tuple(plain(other[name]) for name in self.keys)
            if key == row.key and (self.null_keys == "equal" or None not in key):
                found = other["id"]
        if found is not None or self.how == "left":
            self.told.out.append((row.id, found))
        else:
            self.told.rejected.append(row.id)
