"""The engine's operators by the kinds that steps name: joins, rankings, patterns and the like.

Each is made with the options of its step, which are its arguments; what comes out of it has further outputs
beside ``frame``, by the names of their ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from workbench.engine.asof import AsofJoin
from workbench.engine.dedup import Dedup
from workbench.engine.joins import IntervalJoin
from workbench.engine.keyed import Keyed
from workbench.engine.lag import Lag
from workbench.engine.lookup import LookupJoin
from workbench.engine.outcomes import LATE, OUT, Outcome
from workbench.engine.patterns import PatternOperator
from workbench.engine.progress import Stamp
from workbench.engine.rolling import Rolling
from workbench.engine.sides import SIDES, Sides
from workbench.engine.sorting import EventTimeSort
from workbench.engine.topn import TopN
from workbench.engine.windowjoin import WindowJoin
from workbench.model.steps import Date, Operation, idle_after

OPERATORS: Final[Mapping[str, type[Any]]] = {
    "interval_join": IntervalJoin,
    "window_join": WindowJoin,
    "asof_join": AsofJoin,
    "lookup_join": LookupJoin,
    "dedup": Dedup,
    "sort": EventTimeSort,
    "top": TopN,
    "lag": Lag,
    "rolling": Rolling,
    "process": Keyed,
    "match": PatternOperator,
}
_ATTRIBUTES = {
    "late": "late",
    "rejected": "rejected",
    "duplicates": "duplicate",
    "unmatched": "unmatched",
    "timed_out": "timed_out",
}
"""Where an operator's output has what goes to a port."""


def operator_of(step: Operation) -> Any:
    """Make the operator of a step, as its class has it.

    Raises
    ------
    DescriptionError
        If its options do not fit.
    """
    told = dict(step.options)
    if step.kind != "lookup_join":
        dated = next(before for before in step.chain() if isinstance(before, Date))
        told["time_dtype"] = dated.schema.dtypes[dated.schema.time]
    if issubclass(OPERATORS[step.kind], Sides):
        told["idle"] = tuple(map(idle_after, step.upstreams))
    if step.kind == "process":
        told["name"] = step.name
    return OPERATORS[step.kind](**told)


class Operated:
    """An operator of the engine, as a step of a pipeline."""

    def __init__(self, step: Operation) -> None:
        self.operator, self.ports = operator_of(step), step.ports

    @property
    def size(self) -> int:
        """How many entries the state holds."""
        held: int = self.operator.size
        return held

    @property
    def heeds_clock(self) -> bool:
        """Whether something may be due without a row."""
        return isinstance(self.operator, Sides) and self.operator.heeds_clock

    def holding(self) -> int | None:
        """Give the upstream that holds the watermark back; None if none does, or there is one only."""
        return self.operator.holding() if isinstance(self.operator, Sides) else None

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch of dated rows, of one of the upstreams."""
        joins = isinstance(self.operator, Sides)
        made = self.operator.process(*((SIDES[side], frame, stamp) if joins else (frame, stamp)))
        if joins and not self.operator.known:  # nor is anything joined yet, nor has the watermark begun
            return Outcome({OUT: made.frame[:0]}, None)
        frames = {port: getattr(made, _ATTRIBUTES[port]) for port in self.ports}
        out = made.matches if isinstance(self.operator, PatternOperator) else made.frame
        dropped = getattr(made, "dropped", len(frames.get(LATE, ())))
        return Outcome({OUT: out, **frames}, getattr(made, "stamp", None), dropped)

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        state: dict[str, Any] = self.operator.snapshot()
        return state

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.operator.restore(snapshot)
