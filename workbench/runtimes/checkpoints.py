"""Going back in a run: what it was at some moments, and the turns that have led from there to now.

A checkpoint holds the state of all operators, where the sources were read to, and what had been counted. To
go back to a moment, the nearest checkpoint before it is restored, and the turns since then are taken again:
the same batches, since every turn reads up to a moment that was noted, so the same panes and late rows.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from workbench.errors import RunError
from workbench.model.steps import Step
from workbench.runtimes.streamz import Graph
from workbench.runtimes.trace import Counters, Trace
from workbench.runtimes.turns import BetweenTurns
from workbench.sources import Reader
from workbench.time import Duration, duration, moment_of

INTERVAL = 1_000_000_000
"""Nanoseconds of wall time between two checkpoints, at least."""
_DEAR = 20
"""What takes long is done the less often: at most one part in so many of the time goes into it."""
_MOST, _ENTRIES, _TURNS = 64, 2_000_000, 100_000
"""How many checkpoints are kept, entries of state in all of them, and turns; then the past is forgotten."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What a run was at one moment."""

    moment: int
    """Processing time, in nanoseconds."""
    turns: int
    """How many turns had been taken."""
    size: int
    """How many entries of state it holds."""
    positions: dict[str, tuple[int, ...] | None]
    """Where each source was read to; None where it had ended."""
    operators: list[Any]
    accounts: list[tuple[int, Counter[str], Counter[str]]]
    counters: Counters
    totals: dict[str, int]
    """How many rows had come out of each record of the trace."""
    planes: dict[str, tuple[int, int]]
    """The marks of the time planes, by the names of their nodes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One look at the sources: up to which moment (None: as far as a batch goes), and the time after it."""

    until: int | None
    moment: int
    steps: Mapping[str, Step]
    """How the steps were described then, by the names of their nodes."""


class History:
    """The checkpoints of a run, close together in the near past and further apart before, and its turns.

    Parameters
    ----------
    wall : callable
        Gives wall time in nanoseconds.
    """

    def __init__(self, wall: Callable[[], int]) -> None:
        self.checkpoints: list[Checkpoint] = []
        self.turns: list[Turn] = []
        self._wall, self._next = wall, 0
        self._forgotten = 0  # turns before those that are kept

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self._wall() >= self._next

    def take(self, moment: int, graph: Graph, trace: Trace, positions: dict[str, Any]) -> None:
        """Take a checkpoint."""
        begin = self._wall()
        self.checkpoints.append(
            Checkpoint(
                moment=moment,
                turns=self._forgotten + len(self.turns),
                size=sum(operator.size for _, operator in graph.operators()),
                positions=positions,
                operators=[operator.snapshot() for _, operator in graph.operators()],
                accounts=[
                    (each.came, copy(each.counts), copy(each.reasons)) for each in graph.ledger.accounts
                ],
                counters=copy(trace.counters),
                totals={name: record.total for name, record in trace.records().items()},
                planes={name: plane.mark for name, plane in graph.planes()},
            )
        )
        took = self._wall() - begin
        self._next = begin + took + max(INTERVAL, _DEAR * took)
        while len(self.checkpoints) > _MOST or self._entries() > _ENTRIES:
            half = len(self.checkpoints) // 2  # of the older half every second goes; the first stays
            if half < 2:
                self.checkpoints = self.checkpoints[-1:]
                self._forget()
                break
            self.checkpoints = self.checkpoints[:half:2] + self.checkpoints[half:]
        while len(self.turns) > _TURNS and len(self.checkpoints) > 1:
            del self.checkpoints[0]
            self._forget()

    def _entries(self) -> int:
        return sum(each.size for each in self.checkpoints)

    def _forget(self) -> None:
        """Forget the turns before the first checkpoint."""
        gone = self.checkpoints[0].turns - self._forgotten
        del self.turns[:gone]
        self._forgotten += gone

    def back_to(self, moment: int) -> tuple[Checkpoint, list[Turn]]:
        """Give the last checkpoint at or before a moment, and the turns from it on; forget what was after.

        Before the first checkpoint there is the first: the beginning, or what is left of a long past.

        Raises
        ------
        RunError
            If nothing has come yet.
        """
        if not self.checkpoints:
            raise RunError("there is no way back: nothing has come yet")
        first, *others = self.checkpoints
        kept = [first, *(each for each in others if each.moment <= moment)]
        self.checkpoints = kept
        at = kept[-1].turns - self._forgotten
        again = [turn for turn in self.turns[at:] if turn.moment <= moment]
        del self.turns[at:]
        return kept[-1], again


class Rewinding(BetweenTurns):
    """The part of a `Run` that goes back."""

    positions: dict[str, tuple[int, ...]]
    _readers: dict[str, Reader]
    _history: History
    _steps: Mapping[str, Step]
    _way: tuple[int, int] | None
    _awaited: list[asyncio.Future[Any]]

    def rewind(self, by: Duration | None = None, *, to: Any = None) -> Self:
        """Go back in processing time, and pause there: what had come out since is forgotten, and comes again.

        The state of a moment shortly before is restored, and the batches from it on are pushed once more, the
        same ones; sinks that users have attached get them again. Speed, what is attached, and what has been
        changed since (see `Run.change`) are then as they are now: the run goes another way from here.

        Parameters
        ----------
        by : duration
            How far; at most to the beginning.
        to : timestamp, optional
            Instead: the moment of processing time; naive is UTC.
        """
        self._refuse_if_over("rewound")
        self.require_past(back=True)
        if (by is None) == (to is None):
            raise RunError("rewind by how much, or to which moment?", hint='run.rewind("2min")')
        self._between_turns(partial(self._rewind, by, to), "rewound")
        return self

    def _rewind(self, by: Duration | None, to: Any) -> None:
        if self.status == "running":
            self.pause()
        self._way, steps = None, self._steps
        back = 0 if by is None else duration(by, what="way back")
        moment = self._pace.now() - back if to is None else moment_of(to)
        checkpoint, turns = self._history.back_to(moment)
        restore(checkpoint, self.graph, self.trace)
        self.positions = {name: at for name, at in checkpoint.positions.items() if at is not None}
        self._readers = {name: self.graph.sources[name][0].source.reader() for name in self.positions}
        for name, reader in self._readers.items():
            reader.seek(self.positions[name])
        self._pace.set(checkpoint.moment)
        for turn in turns:
            self._awaited += [asyncio.ensure_future(awaitable) for awaitable in self._turn(turn)]
        self._pace.set(max(moment, checkpoint.moment))
        self._branch(steps)

    @abstractmethod
    def pause(self) -> Any:
        """Hold the sources."""

    @abstractmethod
    def _refuse_if_over(self, verb: str) -> None: ...

    @abstractmethod
    def _turn(self, again: Turn | None = None) -> list[Awaitable[Any]]: ...

    @abstractmethod
    def _branch(self, steps: Mapping[str, Step]) -> None: ...


def restore(checkpoint: Checkpoint, graph: Graph, trace: Trace) -> None:
    """Make the operators, the ledger and the trace what they were; sources are for the run to send back."""
    for (_, operator), state in zip(graph.operators(), checkpoint.operators, strict=True):
        operator.restore(deepcopy(state))
    for account, (came, counts, reasons) in zip(graph.ledger.accounts, checkpoint.accounts, strict=True):
        account.came, account.counts, account.reasons = came, copy(counts), copy(reasons)
    trace.counters = copy(checkpoint.counters)
    for name, record in trace.records().items():
        record.cut(checkpoint.totals[name])
    for name, plane in graph.planes():
        plane.back_to(checkpoint.planes[name])
    trace.forget_after(checkpoint.moment)
