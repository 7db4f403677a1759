"""What each step does to a batch, the same on every runtime: frame and stamp in, frames by port out.

`operator_for` makes the operator of a step. An operator is synchronous and knows neither graph nor clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from workbench.engine.progress import Progress, Stamp
from workbench.engine.windowed import WindowOperator, window_operator
from workbench.errors import StepError
from workbench.model.steps import Aggregated, Apply, Columns, Date, Step, Union
from workbench.schema import Schema
from workbench.time import END_OF_TIME, NO_WATERMARK, to_nanos

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
    bound : int
        The watermark's bound of disorder in nanoseconds.
    time : str
        The event-time column.
    """

    def __init__(self, schema: Schema | None, bound: int, time: str) -> None:
        self.schema, self.time = schema, time
        self.progress = Progress(bound)
        self.now = NO_WATERMARK  # processing time: whoever brings a batch says it
        self.size = 0

    def process(self, frame: pd.DataFrame, stamp: Stamp | None = None, side: int = 0) -> Outcome:
        """Take a batch as it arrived."""
        if self.schema is None:
            self.schema = Schema.infer(frame, self.time)
        first = self.progress.arrived + 1
        frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)))
        admitted, rejected = self.schema.admit(frame)
        times = to_nanos(admitted[self.time])
        if len(rejected):
            every = np.full(len(frame), NO_WATERMARK)
            every[admitted.index.to_numpy() - first] = times
            times = every
        return Outcome({OUT: admitted, REJECTED: rejected}, self.progress.stamp(times, self.now))

    def end(self) -> Outcome:
        """End a bounded stream."""
        frame = pd.DataFrame() if self.schema is None else self.schema.empty()
        return Outcome({OUT: frame}, self.progress.end())

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return self.progress.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.progress.restore(snapshot)


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
    idle : int or None
        Nanoseconds of processing time after which a stream without rows does not hold the watermark back any
        more, until it has rows again; None for never.
    """

    def __init__(self, upstreams: int, columns: Columns, idle: int | None = None) -> None:
        self.columns, self.idle = columns, idle
        self.watermarks = [NO_WATERMARK] * upstreams
        self.watermark = NO_WATERMARK
        self.heard: list[int | None] = [None] * upstreams  # when each last had rows, in processing time
        self.arrived = 0
        self.size = 0

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch of one of the streams."""
        assert stamp is not None, "a union needs dated rows"
        times, met = stamp.look_up(frame)
        self.heard = [stamp.now if heard is None else heard for heard in self.heard]
        if len(stamp.times):
            self.heard[side] = stamp.now
        others = [self.watermarks[at] for at in self._awake(stamp.now) if at != side]
        met = np.maximum(np.minimum(met, min(others, default=END_OF_TIME)), self.watermark)
        self.watermarks[side] = stamp.watermark
        self.watermark = max(self.watermark, min(self.watermarks[at] for at in self._awake(stamp.now)))
        first = self.arrived + 1
        self.arrived += len(frame)
        frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)))
        if self.columns is not None:
            frame = frame[list(self.columns)]
        return Outcome({OUT: frame}, Stamp(first, times, met, self.watermark, stamp.now))

    def holding(self) -> int:
        """Give the number of the stream that holds the watermark back."""
        now = max((heard for heard in self.heard if heard is not None), default=NO_WATERMARK)
        return min(self._awake(now), key=self.watermarks.__getitem__)

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return {
            "watermarks": list(self.watermarks),
            "watermark": self.watermark,
            "heard": list(self.heard),
            "arrived": self.arrived,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermarks, self.heard = list(snapshot["watermarks"]), list(snapshot["heard"])
        self.watermark, self.arrived = snapshot["watermark"], snapshot["arrived"]

    def _awake(self, now: int) -> list[int]:
        """Give the streams that count: those that are not idle, or all if all are."""
        every = range(len(self.watermarks))
        if self.idle is None:
            return list(every)
        awake = [at for at in every if now - (self.heard[at] or 0) < self.idle]
        return awake or list(every)


def operator_for(step: Step, *, reject: bool = False) -> Operator:
    """Make the operator of a step that is neither a source nor a further output."""
    match step:
        case Date():
            return Door(step.schema, step.watermark.bound, step.schema.time)
        case Apply():
            return Stateless(step, reject=reject)
        case Union():
            return Confluence(len(step.upstreams), step.columns, step.idle)
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
