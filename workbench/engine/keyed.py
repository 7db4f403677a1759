"""Keyed: a function of one's own with state, timers and time-to-live; process(batch) -> frame, late.

The way of a batch through here: rows wait until the watermark has passed them and leave in the order of event
time; one by one they are told to the function, and between them the timers that are due. What it gives
becomes a table again. For what nothing else covers: this is the one operator that calls Python for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.keys import KeyDictionary
from workbench.engine.progress import Stamp
from workbench.engine.ranges import behind
from workbench.engine.rows import side_by_side
from workbench.engine.sides import encode, ended
from workbench.engine.sorting import EventTimeSort, Released
from workbench.engine.state import VERSION, check_snapshot
from workbench.engine.timers import EXPIRY, TIMER, Agenda, Context, Kept
from workbench.errors import DescriptionError, SchemaError, StepError
from workbench.time import END_OF_TIME, NO_WATERMARK

Given = Mapping[str, Any] | Iterable[Mapping[str, Any]] | None
"""What a function gives: a row as a dict, several, or none."""


@dataclass(slots=True, eq=False)
class _Told:
    """What the functions have given: rows, and for each the code of its key and its moment."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    closing: bool = False
    """Whether the last row of a bounded stream has been told: timers that wait fire, but none is added."""


class Keyed:
    """Calls a function for each row, in event-time order, with the state and the timers of the row's key.

    Known as ``KeyedProcessFunction`` in Flink, ``transformWithState`` and ``flatMapGroupsWithState`` in
    Spark, ``DoFn`` with state and timers (and ``@RequiresTimeSortedInput``) in Beam.

    Rows, timers and expiries are one sequence, by event time: of one moment, rows come first, by arrival,
    then timers, then expiries, by when they were set. Something is told when the watermark less the lateness
    has passed its moment. So what the functions see, and give, depends on the order of event time alone, not
    on batches. A row behind the watermark less the lateness is late.

    At the end of a bounded stream timers go on as before until the last row. Those that wait then fire once,
    in order; they can be moved, but none is added, so that timers that set themselves come to an end. Then,
    or with `ttl` once `on_expire` has been told, every state is dropped.

    Parameters
    ----------
    keys : sequence of str
        Key columns; none for one state for all rows. Null is a key of its own.
    on_row : callable
        ``on_row(row, context)``: the row is a dict, the `Context` has key, time, state and timers. Gives a
        dict, several, or None; key columns need not be among them. It must not look at anything else that
        changes.
    on_timer : callable, optional
        ``on_timer(context)``, for a timer that fires; gives rows as well. ``context.timer`` is its name.
    on_expire : callable, optional
        ``on_expire(context)``, with the state that expires, once more; gives rows as well.
    initial : callable, optional
        Makes the state of a key that has none, as `dict` or `list` do; otherwise it is None.
    ttl : int or None
        Time-to-live: nanoseconds of event time, inclusive, at least 1, after which the state of a key without
        row or timer is dropped. Its timers stay. None keeps it until the function assigns None, or to the
        end.
    columns : mapping of str to dtype, optional
        The columns of what the functions give, beside the keys; what a row does not have is null. Without
        them, each batch has the columns, in the dtypes, of the rows that it gives.
    name : str
        What errors call the step.
    lateness : int
        Nanoseconds that a row may come behind the watermark; all wait as much longer.
    time_dtype : datetime dtype
        Its zone is that of ``context.time``, and of the ``watermark`` of late rows.

    Notes
    -----
    A row costs a call: about 8 microseconds, 25 with a timer, and what the function does; that is many times
    what other operators cost. State is bounded by the rows ahead of the watermark less the lateness, and
    otherwise as the function bounds it, or the time-to-live.

    The result has the key columns, then those given; a row given has the time of the row or timer.

    Raises
    ------
    StepError
        By `process`, if a function raises: with the row, or the key and moment of the timer. The operator is
        then as it was in the midst of the batch; go on from a snapshot.

    Examples
    --------
    An order that is not paid within 15 minutes is told as abandoned:

    >>> def on_row(row, context):
    ...     if row["event"] == "order":
    ...         context.state = row["amount"]
    ...         context.set_timer("15min")
    ...     else:
    ...         context.state = None
    ...         context.delete_timer()
    >>> def on_timer(context):
    ...     amount, context.state = context.state, None
    ...     return {"abandoned": amount, "at": context.time}
    >>> from workbench.engine.progress import Progress
    >>> keyed, progress = Keyed(keys=["user"], on_row=on_row, on_timer=on_timer), Progress(bound=0)
    >>> events = {"user": ["a", "b", "b"], "event": ["order", "order", "pay"], "amount": [9, 5, 5]}
    >>> frame = pd.DataFrame(events, index=pd.RangeIndex(1, 4))
    >>> _ = keyed.process(frame, progress.stamp(np.array([0, 60, 120]) * 1_000_000_000))
    >>> keyed.process(frame[:0], progress.end()).frame
      user  abandoned                  at
    1    a          9 1970-01-01 00:15:00
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        on_row: Callable[[dict[str, Any], Context], Given],
        on_timer: Callable[[Context], Given] | None = None,
        on_expire: Callable[[Context], Given] | None = None,
        initial: Callable[[], Any] | None = None,
        ttl: int | None = None,
        columns: Mapping[str, Any] | None = None,
        name: str = "keyed",
        lateness: int = 0,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        functions = {"on_row": on_row, "on_timer": on_timer, "on_expire": on_expire, "initial": initial}
        for what, function in functions.items():
            if not callable(function) and (function is not None or what == "on_row"):
                raise DescriptionError(
                    f"{what} is {function!r}, which cannot be called",
                    hint="give a function, as in .process(lambda row, context: {'v': row['v']})",
                )
        if columns is not None and not isinstance(columns, Mapping):
            raise DescriptionError(
                f"the columns that come out have dtypes, but got {columns!r}",
                hint="write columns={'total': 'float64'}",
            )
        if ttl is not None and ttl < 1:
            raise DescriptionError(f"a state lives for at least a nanosecond, but ttl is {ttl!r}")
        if on_expire is not None and ttl is None:
            raise DescriptionError(
                "on_expire without a time-to-live", detail="nothing would ever expire", hint="give ttl"
            )
        self.on_row, self.on_timer, self.on_expire = on_row, on_timer, on_expire
        self.initial, self.ttl, self.name = initial, ttl, name
        self.columns = (
            None
            if columns is None
            else {column: pd.api.types.pandas_dtype(dtype) for column, dtype in columns.items()}
        )
        self.sort = EventTimeSort(lateness=lateness, time_dtype=time_dtype)
        self.keys = KeyDictionary(keys)
        self.agenda = Agenda()
        self.told, self.limit = 0, NO_WATERMARK  # how far time has been told
        self._zone = getattr(pd.api.types.pandas_dtype(time_dtype), "tz", None)
        self._described = repr((tuple(keys), ttl, self.columns, lateness))

    @property
    def size(self) -> int:
        """How many rows wait, and how many keys have a state or timers; 0 at the end."""
        return self.sort.size + len(self.agenda)

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Released:
        """Take a batch, whose index holds arrival numbers of the stamp; call for what is due.

        Raises
        ------
        StepError
            If a function raises, or gives what makes no row.
        """
        released = self.sort.process(frame, stamp)
        moments = released.stamp.times.tolist()
        limit = self.sort.limit
        told = _Told()
        self._tell(released.frame, moments, told)
        if ended(limit):
            self._until(max(moments, default=NO_WATERMARK) + 1, told)
            told.closing = True
        self._until(limit, told)
        made = self._table(told)
        if ended(limit):
            self.agenda.clear()
        self.agenda.tidy(self.keys)
        first = self.told + 1
        self.told += len(made)
        met, self.limit = np.full(len(made), behind(self.limit, 1)), limit
        times = np.array(told.moments, dtype=np.int64)
        return Released(made, released.late, Stamp(first, times, met, behind(limit, 1), stamp.now))

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values and frames; the states of keys are copied deeply."""
        return {
            "version": VERSION,
            "described": self._described,
            "sort": self.sort.snapshot(),
            "keys": self.keys.snapshot(),
            "agenda": deepcopy(self.agenda.snapshot()),
            "numbers": (self.told, self.limit),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot; its functions need not be the same.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)
        self.sort.restore(snapshot["sort"])
        self.keys.restore(snapshot["keys"])
        self.agenda.restore(deepcopy(snapshot["agenda"]), self.keys)
        self.told, self.limit = snapshot["numbers"]

    def _tell(self, frame: pd.DataFrame, moments: list[int], told: _Told) -> None:
        """Tell rows, one by one since the function is, and before each what is due before it."""
        codes = encode(self.keys, frame).tolist()
        self.agenda.learn(dict.fromkeys(codes), self.keys)
        rows = frame.to_dict("records")
        for at, (row, code, moment) in enumerate(zip(rows, codes, moments, strict=True)):
            self._until(moment, told)
            kept = self.agenda.kept[code]
            try:
                self._call(self.on_row, kept, moment, None, told, row)
            except Exception as error:
                raise StepError(self.name, frame.iloc[[at]], error) from error

    def _until(self, limit: int, told: _Told) -> None:
        """Fire the timers, and let the states expire, that are due before a moment."""
        while (due := self.agenda.take(limit)) is not None:
            moment, kept, timer = due
            function = self.on_expire if timer is None else self.on_timer
            if function is None:
                kept.state = None
                continue
            try:
                self._call(function, kept, moment, timer, told)
            except Exception as error:
                blamed = pd.DataFrame([{**kept.key, "time": pd.Timestamp(moment), "timer": timer}])
                raise StepError(self.name, blamed, error) from error

    def _call(
        self,
        function: Callable[..., Given],
        kept: Kept,
        moment: int,
        timer: str | None,
        told: _Told,
        *row: Any,
    ) -> None:
        """Call a function, and take over what it gives and what it asks for."""
        context = Context(kept, moment, timer, self._zone, self.initial)
        rows = self._rows(function(*row, context))
        if function is self.on_expire:
            kept.state = None
        for name, when in context.changes.items():
            if when is None:
                kept.due.pop(name, None)
            elif self.on_timer is None:
                raise DescriptionError(f"the timer {name!r} is set, but there is no on_timer")
            elif name in kept.due or not told.closing:
                self.agenda.set(kept, name, when, TIMER)
        if kept.state is None:
            kept.due.pop(None, None)
        elif self.ttl is not None:
            self.agenda.set(kept, None, min(moment + self.ttl, END_OF_TIME - 1), EXPIRY)
        told.rows += rows
        told.codes += [kept.code] * len(rows)
        told.moments += [moment] * len(rows)

    def _rows(self, given: Any) -> list[Mapping[str, Any]]:
        """Give the rows that a function gave."""
        if given is None:
            return []
        rows = [given] if isinstance(given, Mapping) or not isinstance(given, Iterable) else [*given]
        if not all(isinstance(row, Mapping) for row in rows):
            raise TypeError(f"the function gave a {type(given).__name__}, not a dict, several dicts, or None")
        if self.columns is not None:
            known = {*self.columns, *self.keys.names}
            more = [name for row in rows for name in row if name not in known]
        else:
            more = []
        if more:
            raise KeyError(f"the function gave a column {more[0]!r}, which is not among those declared")
        return rows

    def _table(self, told: _Told) -> pd.DataFrame:
        """Make a table of what the functions gave: the keys, then the columns."""
        names = self.columns or dict.fromkeys(name for row in told.rows for name in row)
        columns = self.keys.take(np.array(told.codes, dtype=np.int64))
        for name, dtype in names.items():
            if name not in columns:
                columns[name] = self._column(name, dtype, told.rows)
        frame = side_by_side(columns)
        return frame.set_axis(pd.RangeIndex(self.told + 1, self.told + 1 + len(told.rows)))

    def _column(self, name: str, dtype: Any, rows: list[Mapping[str, Any]]) -> pd.Series:
        try:
            return pd.Series([row.get(name) for row in rows], dtype=dtype)
        except (TypeError, ValueError) as error:
            cause = SchemaError(f"column {name!r} of what the function gave is not {dtype}: {error}")
            raise StepError(self.name, pd.DataFrame(rows), cause) from error
