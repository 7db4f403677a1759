"""What each step does to a batch, the same on every runtime: frame and stamp in, frames by port out.

`operator_for` makes the operator of a step. An operator is synchronous and knows neither graph nor clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from workbench.engine.keys import KeyDictionary
from workbench.engine.partitions import Partitions
from workbench.engine.progress import PartitionedProgress, Progress, Stamp
from workbench.engine.ranges import shift
from workbench.engine.windowed import WindowOperator, window_operator
from workbench.errors import StepError
from workbench.model.steps import Aggregated, Apply, Columns, Date, Step, Union
from workbench.model.watermarks import BoundedOutOfOrderness, Punctuated, Watermark
from workbench.schema import REASON, Schema
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, spell, to_nanos

OUT, LATE, REJECTED = "out", "late", "rejected"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What comes of a batch.

    Parameters
    ----------
    frames : dict of str to pandas.DataFrame
        By port: ``out``, ``late``, ``rejected``.
    stamp : Stamp or None
        The dates of the rows that come out; None for panes, which carry no watermark.
    dropped : int
        Pairs of row and window that were late.
    """

    frames: dict[str, pd.DataFrame]
    stamp: Stamp | None
    dropped: int = 0


class Operator(Protocol):
    """One step at work."""

    @property
    def size(self) -> int:
        """How many entries the state holds."""
        ...

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch; ``side`` says from which of several upstreams it comes."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        ...


class Door:
    """Admits rows by the schema, numbers them by arrival, and dates them: event time, and the watermark met.

    Parameters
    ----------
    schema : Schema or None
        The columns; None takes those of the first batch.
    policy : Watermark
        What moves the watermark, and who may hold it back.
    time : str
        The event-time column.

    Attributes
    ----------
    now : int
        Processing time; whoever brings a batch says it.
    arrivals : int64 array, shape (rows,), or None
        When each row of the batch arrived, if whoever brings it knows.
    """

    def __init__(self, schema: Schema | None, policy: Watermark, time: str) -> None:
        self.schema, self.policy, self.time = schema, policy, time
        self.progress = progress_by(policy)
        self.now = NO_WATERMARK
        self.arrivals: Nanos | None = None
        self._partitions = KeyDictionary(policy.by)

    @property
    def size(self) -> int:
        """How many partitions are remembered."""
        return len(self.progress.partitions) if isinstance(self.progress, PartitionedProgress) else 0

    def process(self, frame: pd.DataFrame, stamp: Stamp | None = None, side: int = 0) -> Outcome:
        """Take a batch as it arrived."""
        arrivals, self.arrivals = self.arrivals, None
        if self.schema is None:
            self.schema = Schema.infer(frame, self.time)
            self.policy.check(self.schema)
        first = self.progress.arrived + 1
        frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)))
        admitted, rejected = self.schema.admit(frame)
        if self.policy.max_ahead is not None:
            came = np.full(len(frame), self.now) if arrivals is None else arrivals
            limits = np.where(came == NO_WATERMARK, END_OF_TIME, shift(came, self.policy.max_ahead))
            limits = limits[admitted.index.to_numpy() - first]
            admitted, rejected = self._not_ahead(admitted, rejected, limits)
        at = admitted.index.to_numpy() - first if len(rejected) else slice(None)
        read = {name: _spread(values, at, len(frame)) for name, values in self._read(admitted).items()}
        dates = self.progress.stamp(now=self.now, arrivals=arrivals, **read)
        return Outcome({OUT: admitted, REJECTED: rejected}, dates)

    def tick(self) -> Outcome:
        """Let processing time pass up to `now`, without rows."""
        return Outcome({OUT: self._nothing()}, self.progress.stamp(np.empty(0, dtype=np.int64), self.now))

    def end(self) -> Outcome:
        """End a bounded stream."""
        return Outcome({OUT: self._nothing()}, self.progress.end())

    def holding(self) -> str | None:
        """Name the partition that holds the watermark back; None if none does, or there are none."""
        if not self.policy.by or not isinstance(self.progress, PartitionedProgress):
            return None
        part = self.progress.partitions.holding()
        if part is None:
            return None
        values = self._partitions.take(np.array([part]))
        return ", ".join(f"{name}={values[name].tolist()[0]!r}" for name in self.policy.by)

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return {**self.progress.snapshot(), "keys": self._partitions.snapshot()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.progress.restore(snapshot)
        self._partitions.restore(snapshot["keys"])

    def _nothing(self) -> pd.DataFrame:
        return pd.DataFrame() if self.schema is None else self.schema.empty()

    def _read(self, admitted: pd.DataFrame) -> dict[str, Nanos]:
        """Give what the watermark is made of: event times, and what the policy looks at besides."""
        told = {"times": to_nanos(admitted[self.time])}
        if isinstance(self.policy, Punctuated):
            told["claims"] = to_nanos(admitted[self.policy.column])
        if self.policy.by:
            told["codes"] = self._partitions.encode(admitted)
        return told

    def _not_ahead(
        self, admitted: pd.DataFrame, rejected: pd.DataFrame, limits: Nanos
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Reject the rows whose event time, or mark, is beyond their limit."""
        columns = [self.time, self.policy.column] if isinstance(self.policy, Punctuated) else [self.time]
        ahead = np.logical_or.reduce([to_nanos(admitted[name]) > limits for name in columns])
        if not ahead.any():
            return admitted, rejected
        most = spell(self.policy.max_ahead or 0)
        refused = admitted[ahead].assign(**{REASON: f"more than {most} ahead of its arrival"})
        refused = refused.astype({REASON: "str"})
        both = pd.concat([rejected, refused]).sort_index() if len(rejected) else refused
        return admitted[~ahead], both


class Stateless:
    """A pandas method, or a function from frame to frame.

    Parameters
    ----------
    step : Apply
        What to do.
    reject : bool
        Whether rows for which it raises are set aside, with the error as reason; else they raise `StepError`.
    """

    def __init__(self, step: Apply, *, reject: bool = False) -> None:
        self.step, self.reject = step, reject
        self.size = 0

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Apply the step to a batch."""
        try:
            return Outcome({OUT: self._apply(frame)}, stamp)
        except Exception as error:
            bad, cause = self._offending(frame, error)
            if not self.reject:
                raise StepError(self.step.name, frame.loc[bad], cause) from cause
        good = frame[~frame.index.isin(bad)]
        reason = f"{self.step.name}: {type(cause).__name__}: {cause}"
        try:
            return Outcome({OUT: self._apply(good), REJECTED: frame.loc[bad].assign(reason=reason)}, stamp)
        except Exception as error:  # it raises even for an empty frame: no row is to blame
            raise StepError(self.step.name, good, error) from error

    def snapshot(self) -> dict[str, Any]:
        """Give the state: none."""
        return {}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""

    def _apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        step = self.step
        frame = frame.copy(deep=False)  # so that a function that writes into it harms nobody else
        match step.method:
            case "map":
                result = step.arguments[0](frame, **step.keywords)
                if not isinstance(result, pd.DataFrame):
                    raise TypeError(f"the function gave a {type(result).__name__}, not a DataFrame")
            case "query" if not isinstance(step.arguments[0], str):
                result = frame.loc[step.arguments[0]]
            case "select":
                result = frame[step.arguments[0]]
            case method:
                result = getattr(frame, method)(*step.arguments, **step.keywords)
        return result

    def _offending(self, frame: pd.DataFrame, error: Exception) -> tuple[pd.Index, Exception]:
        """Find the rows for which the function raises, by halving: it looks at one row at a time."""
        if len(frame) <= 1:
            return frame.index, error
        bad = frame.index[:0]
        cause = error
        for half in (frame.iloc[: len(frame) // 2], frame.iloc[len(frame) // 2 :]):
            try:
                self._apply(half)
            except Exception as found:
                rows, cause = self._offending(half, found)
                bad = bad.append(rows)
        return (bad, cause) if len(bad) else (frame.index, error)


class Windows:
    """Windows of rows by key, aggregated into panes."""

    def __init__(self, operator: WindowOperator) -> None:
        self.operator = operator

    @property
    def size(self) -> int:
        """How many entries the state holds."""
        return self.operator.size

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch of dated rows."""
        assert stamp is not None, "a window needs dated rows"
        output = self.operator.process(frame, stamp)
        frames = {OUT: output.panes, LATE: output.late, REJECTED: output.rejected}
        return Outcome(frames, None, output.dropped)

    def peek(self) -> pd.DataFrame:
        """Give what the open windows hold so far, as early panes."""
        return self.operator.peek()

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return self.operator.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.operator.restore(snapshot)


class Confluence:
    """Several streams in one: rows are numbered anew, and the watermark is the least of theirs.

    Parameters
    ----------
    upstreams : int
        How many streams come in.
    columns : tuple of str or None
        The columns that go on, in this order; None takes those of each batch.
    idle : int, sequence of int or None
        Nanoseconds of processing time after which a stream without rows does not hold the watermark back any
        more, until it has rows again; None for never. One for all, or one for each.
    """

    def __init__(
        self, upstreams: int, columns: Columns, idle: int | Sequence[int | None] | None = None
    ) -> None:
        each = [idle] * upstreams if isinstance(idle, int | None) else idle
        self.columns, self.size, self.arrived = columns, 0, 0
        after = np.array([END_OF_TIME if one is None else one for one in each], dtype=np.int64)
        self.streams = Partitions(upstreams, idle=after, apart=True)

    @property
    def watermark(self) -> int:
        """The watermark of all, in nanoseconds."""
        return self.streams.watermark

    @property
    def heeds_clock(self) -> bool:
        """Whether a stream may become idle."""
        return bool(np.not_equal(self.streams.idle, END_OF_TIME).any())

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch of one of the streams."""
        assert stamp is not None, "a union needs dated rows"
        rows = len(stamp.times)
        after = np.append(stamp.met, stamp.watermark)  # what its rows have made of the stream's own watermark
        arrivals = np.full(rows, stamp.now) if stamp.arrivals is None else stamp.arrivals
        self.streams.move(side, int(after[0]))
        made = self.streams.take(side, after[1:], arrivals, stamp.now)
        places = stamp.places(frame)
        first = self.arrived + 1
        self.arrived += len(frame)
        frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)))
        if self.columns is not None:
            frame = frame[list(self.columns)]
        dates = (stamp.times[places], made[:-1][places], self.watermark, stamp.now, arrivals[places])
        return Outcome({OUT: frame}, Stamp(first, *dates))

    def holding(self) -> int | None:
        """Give the number of the stream that holds the watermark back; None if none does."""
        return self.streams.holding()

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return {"streams": self.streams.snapshot(), "arrived": self.arrived}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.streams.restore(snapshot["streams"])
        self.arrived = snapshot["arrived"]


def progress_by(policy: Watermark) -> Progress:
    """Make the running watermark of a policy; the simplest that does."""
    bound = policy.bound if isinstance(policy, BoundedOutOfOrderness) else None
    if not policy.by and not policy.advance_with_clock:
        return Progress(bound)  # its own idleness matters only where it is united with others
    idle = END_OF_TIME if policy.idle is None else policy.idle
    return PartitionedProgress(bound, Partitions(idle=idle, clock=policy.advance_with_clock))


def operator_for(step: Step, *, reject: bool = False) -> Operator:
    """Make the operator of a step that is neither a source nor a further output."""
    match step:
        case Date():
            return Door(step.schema, step.watermark, step.schema.time)
        case Apply():
            return Stateless(step, reject=reject)
        case Union():
            own = [step.idle if step.idle is not None else idle_after(stream) for stream in step.upstreams]
            return Confluence(len(step.upstreams), step.columns, own)
        case Aggregated():
            dated = next(before for before in step.chain() if isinstance(before, Date))
            operator = window_operator(
                keys=step.keys,
                window=step.window,
                lateness=step.lateness,
                aggregates=step.aggregates,
                time_dtype=dated.schema.dtypes[dated.schema.time],
            )
            return Windows(operator)
        case _:
            raise TypeError(f"no operator for {step!r}")


def idle_after(step: Step) -> int | None:
    """Give how long a stream may be without rows before it is idle, as its sources have it; None for ever."""
    said = [dated.watermark.idle for dated in step.chain() if isinstance(dated, Date)]
    return None if None in said else max((idle for idle in said if idle is not None), default=None)


def _spread(values: Nanos, at: Nanos | slice, count: int) -> Nanos:
    """Give the values of admitted rows a place among all rows."""
    if isinstance(at, slice):
        return values
    every = np.full(count, NO_WATERMARK)
    every[at] = values
    return every
