"""The whole table at once: the same steps and operators as live, without graph, clock or thread."""

from __future__ import annotations

import pandas as pd

from workbench.engine.operators import OUT, Door, Operator, Outcome, operator_for
from workbench.engine.windowed import in_order
from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated, Output, Read
from workbench.model.stream import EventStream


def to_pandas(stream: EventStream, *, batch_rows: int = 100_000) -> pd.DataFrame:
    """Run a bounded source to its end and give all that comes out of the last step.

    Raises
    ------
    DescriptionError
        If the source has no end.
    """
    steps = list(stream.step.chain())[::-1]
    read, last = steps[0], steps[-1]
    assert isinstance(read, Read)
    if getattr(read.source, "end", 0) is None:
        raise DescriptionError(
            f"{read.source.name} has no end",
            detail="to_pandas runs a source until it ends",
            hint="bound it, as in wb.stream(simulator, duration='10min', ...), or use start()",
        )
    port = last.port if isinstance(last, Output) else OUT
    door, *operators = [operator_for(step) for step in steps[1:] if not isinstance(step, Output)]
    assert isinstance(door, Door)
    reader = read.source.reader()
    frames: list[pd.DataFrame] = []
    while (frame := reader.poll(None, batch_rows)) is not None:
        frames.append(_through(operators, door.process(frame), port))
    frames.append(_through(operators, door.end(), port))
    some = [frame for frame in frames if len(frame)] or frames[-1:]
    result = pd.concat(some, ignore_index=port == OUT)
    return in_order(result, last.keys) if isinstance(last, Aggregated) else result


def _through(operators: list[Operator], outcome: Outcome, port: str) -> pd.DataFrame:
    for operator in operators:
        outcome = operator.process(outcome.frames[OUT], outcome.stamp)
    return outcome.frames.get(port, pd.DataFrame())
