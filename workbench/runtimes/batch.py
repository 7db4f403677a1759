"""The whole table at once: the same steps and operators as live, without graph, clock or thread."""

from __future__ import annotations

import pandas as pd

from workbench.engine.door import Door
from workbench.engine.operators import operator_for
from workbench.engine.outcomes import OUT, Operator, Outcome
from workbench.engine.windowed import in_order
from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated, Output, Read, Step
from workbench.model.stream import EventStream
from workbench.sources import Reader


def to_pandas(stream: EventStream, *, batch_rows: int = 100_000) -> pd.DataFrame:
    """Run bounded sources to their end and give all that comes out of the last step.

    Several sources are read in turn, the one that is furthest behind in processing time first.

    Raises
    ------
    DescriptionError
        If a source has no end.
    """
    last = stream.step
    pipeline = _Pipeline(last)
    pipeline.prime()
    readers: dict[Read, Reader] = {read: read.source.reader() for read in pipeline.reads}
    while readers:
        read = min(readers, key=lambda one: readers[one].reached)
        frame = readers[read].poll(None, batch_rows)
        pipeline.take(read, frame, readers[read])
        if frame is None:
            del readers[read]
    some = [frame for frame in pipeline.came if len(frame)] or pipeline.came[-1:] or [pd.DataFrame()]
    result = pd.concat(some, ignore_index=not isinstance(last, Output))
    return in_order(result, last.keys) if isinstance(last, Aggregated) else result


class _Pipeline:
    """The operators of a step and of all before it, and who takes what from whom."""

    def __init__(self, last: Step) -> None:
        steps = list(last.chain())
        self.last = last
        self.came: list[pd.DataFrame] = []
        self.reads = [step for step in steps if isinstance(step, Read)]
        for read in self.reads:
            if getattr(read.source, "end", 0) is None:
                raise DescriptionError(
                    f"{read.source.name} has no end",
                    detail="to_pandas runs a source until it ends",
                    hint="bound it, as in wb.stream(simulator, duration='10min', ...), or use start()",
                )
        self._operators: dict[Step, Operator] = {
            step: operator_for(step) for step in steps if not isinstance(step, Read | Output)
        }
        self._takers: dict[Step, list[tuple[Step, int]]] = {step: [] for step in steps}
        for step in steps:
            for side, upstream in enumerate(step.upstreams):
                self._takers[upstream].append((step, side))

    def prime(self) -> None:
        """Let all joins know the columns of both sides before the first row comes."""
        if not any(len(step.upstreams) > 1 for step in self._operators):
            return
        for step, operator in self._operators.items():
            if isinstance(operator, Door):
                self._hand_on(step, operator.tick())

    def take(self, read: Read, frame: pd.DataFrame | None, reader: Reader) -> None:
        """Take what a reader has given: a batch of a source, or its end."""
        for door, _ in self._takers[read]:
            operator = self._operators[door]
            assert isinstance(operator, Door)
            operator.now, operator.arrivals = reader.reached, reader.arrivals
            self._hand_on(door, operator.end() if frame is None else operator.process(frame))

    def _hand_on(self, step: Step, outcome: Outcome) -> None:
        """Give what came out of a step to those that take from it."""
        if step is self.last:
            self.came.append(outcome.frames[OUT])
        nothing = outcome.stamp is None and not len(outcome.frames[OUT])
        for taker, side in self._takers[step]:
            if isinstance(taker, Output):
                if taker.port in outcome.frames:
                    self._hand_on(taker, Outcome({OUT: outcome.frames[taker.port]}, None))
            elif not nothing:
                operator = self._operators[taker]
                self._hand_on(taker, operator.process(outcome.frames[OUT], outcome.stamp, side))
