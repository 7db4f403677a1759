"""The whole table at once: the same steps and operators as live, without graph, clock or thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd

from workbench.engine.door import Door
from workbench.engine.operators import operator_for
from workbench.engine.outcomes import OUT, Operator, Outcome
from workbench.engine.windowed import in_order
from workbench.errors import DescriptionError, StepError, WorkbenchError
from workbench.model.steps import Aggregated, Output, Read, Step
from workbench.model.stream import EventStream
from workbench.runtimes.trace import as_rows
from workbench.sources import Reader

Observer = Callable[[Step, int, Outcome], None]
"""Is told of each step how many rows came to it, and what came of them."""


def to_pandas(stream: EventStream, *, batch_rows: int = 100_000) -> pd.DataFrame:
    """Run bounded sources to their end and give all that comes out of the last step.

    Several sources are read in turn, the one that is furthest behind in processing time first.

    Raises
    ------
    DescriptionError
        If a source has no end.
    """
    last = stream.step
    require_end(last, "to_pandas")
    came = [outcome.frames[OUT] for outcome in Pipeline(last).outcomes(batch_rows)]
    some = [frame for frame in came if len(frame)] or came[-1:] or [pd.DataFrame()]
    rows_that_came_in = isinstance(last, Output) and last.port != "timed_out"
    result = pd.concat(some, ignore_index=not rows_that_came_in)
    return in_order(result, last.keys) if isinstance(last, Aggregated) else result


def unending(step: Step) -> list[str]:
    """Name the sources of a step that have no end."""
    reads = [before for before in step.chain() if isinstance(before, Read)]
    return [read.source.name for read in reads if getattr(read.source, "end", 0) is None]


def require_end(step: Step, what: str) -> None:
    """See that all sources of a step are bounded.

    Raises
    ------
    DescriptionError
        If one is not.
    """
    for name in unending(step):
        raise DescriptionError(
            f"{name} has no end",
            detail=f"{what} runs a source until it ends",
            hint="bound it, as in wb.stream(simulator, duration='10min', ...), or use start()",
        )


class Pipeline:
    """The operators of a step and of all before it, and who takes what from whom.

    Parameters
    ----------
    last : Step
        Whose outcomes are wanted.
    observer : callable, optional
        Is told what comes of each batch, step by step.
    """

    def __init__(self, last: Step, *, observer: Observer | None = None) -> None:
        self.last, self.observer = last, observer
        self.steps = list(last.chain())
        self.operators: dict[Step, Operator] = {
            step: operator_for(step) for step in self.steps if not isinstance(step, Read | Output)
        }
        self._came: list[Outcome] = []
        self._takers: dict[Step, list[tuple[Step, int]]] = {step: [] for step in self.steps}
        for step in self.steps:
            for side, upstream in enumerate(step.upstreams):
                self._takers[upstream].append((step, side))

    def outcomes(self, batch_rows: int) -> Iterator[Outcome]:
        """Read the sources, and give what comes out of the last step; whoever has enough, stops asking."""
        rows = as_rows(batch_rows, "batch_rows")
        reads = [step for step in self.steps if isinstance(step, Read)]
        readers: dict[Read, Reader] = {read: read.source.reader() for read in reads}
        self._prime()
        while readers:
            read = min(readers, key=lambda one: readers[one].reached)
            frame = readers[read].poll(None, rows)
            self._take(read, frame, readers[read])
            if frame is None:
                del readers[read]
            came, self._came = self._came, []
            yield from came

    def _prime(self) -> None:
        """Let all joins know the columns of both sides before the first row comes."""
        if not any(len(step.upstreams) > 1 for step in self.operators):
            return
        for step, operator in self.operators.items():
            if isinstance(operator, Door):
                self._hand_on(step, 0, operator.tick())

    def _take(self, read: Read, frame: pd.DataFrame | None, reader: Reader) -> None:
        """Take what a reader has given: a batch of a source, or its end."""
        for door, _ in self._takers[read]:
            operator = self.operators[door]
            assert isinstance(operator, Door)
            operator.now, operator.arrivals = reader.reached, reader.arrivals
            if frame is None:
                self._hand_on(door, 0, operator.end())
            else:
                with _blamed(door, frame):
                    outcome = operator.process(frame)
                self._hand_on(door, len(frame), outcome)

    def _hand_on(self, step: Step, rows: int, outcome: Outcome) -> None:
        """Give what came out of a step, of so many rows, to those that take from it."""
        if self.observer is not None:
            self.observer(step, rows, outcome)
        if step is self.last:
            self._came.append(outcome)
        frame = outcome.frames[OUT]
        nothing = outcome.stamp is None and not len(frame)
        for taker, side in self._takers[step]:
            if isinstance(taker, Output):
                if taker.port in outcome.frames:
                    self._hand_on(taker, 0, Outcome({OUT: outcome.frames[taker.port]}, None))
            elif not nothing:
                with _blamed(taker, frame):
                    made = self.operators[taker].process(frame, outcome.stamp, side)
                self._hand_on(taker, len(frame), made)


@contextmanager
def _blamed(step: Step, frame: pd.DataFrame) -> Iterator[None]:
    """Say which step raised, and of which rows; an error of ours says what is wrong itself."""
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        raise StepError(step.name, frame, error) from error
