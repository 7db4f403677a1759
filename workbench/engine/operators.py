"""What each step does to a batch, the same on every runtime: frame and stamp in, frames by port out.

`operator_for` makes the operator of a step. An operator is synchronous and knows neither graph nor clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.door import Door
from workbench.engine.operations import Operated
from workbench.engine.outcomes import LATE, OUT, REJECTED, Operator, Outcome
from workbench.engine.partitions import Partitions
from workbench.engine.progress import Stamp
from workbench.engine.queries import query
from workbench.engine.windowed import WindowOperator, window_operator
from workbench.errors import StepError, WorkbenchError
from workbench.model.panes import ON_TIME
from workbench.model.steps import Aggregated, Apply, Columns, Date, Operation, Step, Union, idle_after
from workbench.model.triggers import DEFAULT, DISCARDING
from workbench.schema import REASON, told_of
from workbench.time import END_OF_TIME, Nanos


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
        except WorkbenchError as error:  # which is of the step, and of no row
            raise StepError(self.step.name, frame[:0], error) from error
        except Exception as error:
            bad = self._offending(frame, error)
            if not self.reject:
                cause = next(reversed(bad.values()), error)  # none is to blame for an empty frame
                raise StepError(self.step.name, frame.iloc[list(bad)], cause, optional=True) from cause
        good = frame.iloc[np.delete(np.arange(len(frame)), list(bad))]
        reasons = [f"{self.step.name}: {type(cause).__name__}: {cause}" for cause in bad.values()]
        try:
            rejected = told_of(frame.iloc[list(bad)], **{REASON: reasons})
            return Outcome({OUT: self._apply(good), REJECTED: rejected}, stamp)
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
            case "query":
                result = query(frame, step.arguments[0])
            case "select":
                result = frame[step.arguments[0]]
            case method:
                result = getattr(frame, method)(*step.arguments, **step.keywords)
        return result

    def _offending(self, frame: pd.DataFrame, error: Exception) -> dict[int, Exception]:
        """Find the places of the rows for which the function raises, and what it raises, by halving."""
        if len(frame) <= 1:
            return dict.fromkeys(range(len(frame)), error)
        bad: dict[int, Exception] = {}
        middle = len(frame) // 2
        for first, half in ((0, frame.iloc[:middle]), (middle, frame.iloc[middle:])):
            try:
                self._apply(half)
            except Exception as found:
                bad |= {first + place: cause for place, cause in self._offending(half, found).items()}
        return bad or dict.fromkeys(range(len(frame)), error)


class Windows:
    """Windows of rows by key, aggregated into panes.

    Panes are dated: each has the last moment of its window for event time, and none comes any more for a
    window that had expired.
    """

    def __init__(self, operator: WindowOperator) -> None:
        self.operator, self.told = operator, 0

    @property
    def size(self) -> int:
        """How many entries the state holds."""
        return self.operator.size

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch of dated rows."""
        assert stamp is not None, "a window needs dated rows"
        before = self.operator.expiry.passed(self.operator.watermark)
        output = self.operator.process(frame, stamp)
        frames = {OUT: output.panes, LATE: output.late, REJECTED: output.rejected}
        return Outcome(frames, self._dates(output.panes, output.ends, before, stamp.now), output.dropped)

    @property
    def heeds_clock(self) -> bool:
        """Whether panes may be due without a row."""
        return self.operator.heeds_clock

    def peek(self) -> pd.DataFrame:
        """Give what the open windows hold so far, as early panes."""
        return self.operator.peek()

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return {"operator": self.operator.snapshot(), "told": self.told}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.operator.restore(snapshot["operator"])
        self.told = snapshot["told"]

    def _dates(self, panes: pd.DataFrame, ends: Nanos, before: int, now: int) -> Stamp:
        """Number panes, and date them."""
        first, count = self.told + 1, len(panes)
        watermark = self.operator.expiry.passed(self.operator.watermark)
        if count:
            self.told += count
            panes.index = pd.RangeIndex(first, first + count)
        return Stamp(first, ends - 1, np.full(count, before), watermark, now)


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
                trigger=step.trigger,
                # whoever was told of a window early is told when it closes, even if no row has come since
                empty_panes=() if step.trigger == DEFAULT or step.accumulation == DISCARDING else (ON_TIME,),
                accumulation=step.accumulation,
            )
            return Windows(operator)
        case Operation():
            return Operated(step)
        case _:
            raise TypeError(f"no operator for {step!r}")
