"""The driver: one place that reads the sources, paces them, pushes into the graph and answers for errors.

A run is driven on the asyncio loop that is running where it is started (a notebook's, a server's), so that
what it prints and raises reaches the cell that owns it; without a running loop it gets one of its own in a
thread.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, Literal, get_args

import pandas as pd

from workbench.engine.operators import Stateless
from workbench.engine.outcomes import Outcome
from workbench.errors import DescriptionError, RunError, StepError
from workbench.model.stream import EventStream
from workbench.runtimes.changes import Changes
from workbench.runtimes.checkpoints import History, Rewinding, Turn
from workbench.runtimes.course import Course
from workbench.runtimes.loops import running_loop
from workbench.runtimes.pace import Beat, Pace, Speed, as_speed
from workbench.runtimes.streamz import Graph
from workbench.runtimes.trace import KEEP, Past, Trace, as_past, as_rows
from workbench.runtimes.vitals import Vitals
from workbench.time import END_OF_TIME, SECOND, Clock, Duration, SystemClock, duration

OnError = Literal["fail", "reject", "skip"]

STEPS = ("batch", "watermark", "pane")
"""How far a step goes."""

TICK = 0.1
"""Seconds of wall time from one look at the sources to the next, unless somebody says otherwise."""

_numbers = itertools.count(1)


class Run(Changes, Rewinding):
    """A pipeline that is live: started with `workbench.start` or ``stream.start``.

    Attributes
    ----------
    name : str
        For people.
    status : str
        ``paused``, ``running``, ``finished`` (the sources have ended), ``failed`` (see ``errors``) or
        ``stopped``.
    errors : list of StepError
        What went wrong, the first first.
    trace : Trace
        What has come out so far: everything that views read.
    positions : dict of str to tuple
        By source: where reading goes on; moved only after every consumer has returned.
    on_error : str
        What an error in a user's function does: see `workbench.start`.
    past : bool or tuple of str
        Whether it keeps what `rewind` and time planes need; or the results that it keeps time planes of.
    keep, keep_for
        Rows of each result that it keeps, and for how long: see `workbench.start`.
    breath : float
        Seconds that a run which is behind leaves to others between two batches; not 0 where the loop is
        shared, since a message to or from a browser takes some twenty turns of it.
    leave : float
        How much time such a run leaves to others for each second that it takes.
    tick : float
        Seconds of wall time from one look at the sources to the next: each batch costs something, however few
        rows it has.
    """

    def __init__(
        self,
        streams: Mapping[str, EventStream],
        *,
        speed: Speed = 1,
        on_error: OnError = "fail",
        clock: Clock | None = None,
        batch_rows: int = 20_000,
        name: str | None = None,
        loop: Any = None,
        past: Past = True,
        keep: int = KEEP,
        keep_for: Duration | None = None,
    ) -> None:
        if not streams:
            raise DescriptionError("nothing to run", hint="wb.start(revenue=revenue)")
        if on_error not in get_args(OnError):
            choices = " or ".join(map(repr, get_args(OnError)))
            raise DescriptionError(f"on_error cannot be {on_error!r}", hint=choices)
        past = as_past(past, streams)
        self.name = name or f"run {next(_numbers)}"
        self.streams = self.described = dict(streams)
        self._clock: Clock = clock or SystemClock()
        self.course = Course(self._clock)
        self.status = "paused"
        self.task: Any = None
        self.breath, self.leave, self.tick = 0.0, 0.0, TICK
        self.errors: list[StepError] = []
        span = None if keep_for is None else duration(keep_for, what="time to keep rows for", positive=True)
        self.trace = Trace(list(streams), as_rows(keep, "keep"), span)
        self.positions: dict[str, tuple[int, ...]] = {}
        self._batch_rows = as_rows(batch_rows, "batch_rows")
        self._wire = partial(
            Graph,
            reporter=self._fail,
            observer=self._observe,
            reject=on_error != "fail",
            loop=loop,
            past=past,
        )
        self.past, self.on_error = past, on_error
        self._open(self._wire(streams))
        self._pace = Pace(self._clock, self._begin, as_speed(speed))
        self.owner: tuple[str, str] | None = None
        self._loop = loop
        self._changed, self._done = asyncio.Event(), asyncio.Event()
        self._over = threading.Event()
        self._turning = self._behind = False
        self._awaited: list[asyncio.Future[Any]] = []
        self.graph.prime()
        if self.errors:
            raise self.errors[0]

    def _open(self, graph: Graph) -> None:
        """Begin with a graph at the beginning of its sources."""
        graph.run, self.graph, self.vitals = self, graph, Vitals(graph, self._clock)
        for result, record in self.trace.results.items():
            graph.nodes[result].sink(record.append)
        self._readers = {source: read.source.reader() for source, (read, _) in graph.sources.items()}
        reached = [each.reached for each in self._readers.values() if getattr(each, "share", 0) != 1]
        self._begin = min(reached, default=0)  # of what has rows
        self._steps = {account.name: account.step for account in graph.ledger.accounts}
        self._history = History(self._clock.now)

    def __getitem__(self, name: str) -> Any:
        """Give a node of the graph, a ``streamz.Stream`` of DataFrames, by the name of its step or result."""
        if name not in self.graph.nodes:
            raise RunError(f"no step called {name!r}", detail=f"there are {', '.join(self.graph.nodes)}")
        return self.graph.nodes[name]

    def __repr__(self) -> str:
        said = self.metrics()
        watermark = "end of time" if self.watermark == END_OF_TIME else said.watermark
        counts = f"{said.rows} rows, watermark {watermark}, {said.late} late, {said.rejected} rejected"
        return f"<Run {self.name!r} {self.status}: {counts}>"

    @property
    def speed(self) -> Speed:
        """Seconds of processing time per second of the clock, or ``"max"``; may be set while the run goes."""
        return self._pace.speed

    @speed.setter
    def speed(self, speed: Speed) -> None:
        self._pace.speed = as_speed(speed)

    @property
    def status(self) -> str:
        """``running``, ``paused``, ``finished``, ``failed`` or ``stopped``."""
        return self._status

    @status.setter
    def status(self, status: str) -> None:
        self._status = status
        self.course.turn()

    @property
    def over(self) -> bool:
        """Whether the run has finished, failed or been stopped."""
        return self.status in ("finished", "failed", "stopped")

    @property
    def behind(self) -> int:
        """Nanoseconds of processing time whose events have not been read yet; at full speed reading leads."""
        reached = [reader.reached for reader in self._readers.values()]
        return 0 if self.speed == "max" or not reached else max(0, self.now - min(reached))

    def resume(self) -> Run:
        """Let the run go on after a pause."""
        self._refuse_if_over("resumed")
        if self.status == "paused":
            self.status = "running"
            self._pace.go()
            self._tell(self._changed)
        return self

    def pause(self) -> Run:
        """Hold the sources; processing time stands still."""
        self._refuse_if_over("paused")
        if self.status == "running":
            self.status = "paused"
            self._pace.halt()
        return self

    def step(self, to: Literal["batch", "watermark", "pane"] = "batch") -> Run:
        """Go on to the next batch while the run is paused, or until the watermark moves or a pane is told.

        Parameters
        ----------
        to : str
            ``batch``: what arrives in the next tick with rows; ``watermark``, ``pane``: so many batches.
        """
        self._refuse_if_over("stepped")
        if to not in STEPS:
            raise RunError(f"no step to {to!r}", hint=f"to one of {', '.join(map(repr, STEPS))}")
        self._between_turns(partial(self._step, to), "stepped")
        return self

    def _step(self, to: str) -> None:
        if self.status != "paused":
            raise RunError("only a paused run can be stepped", hint="call pause() first")
        span = int(TICK * SECOND * (1 if self.speed == "max" else self.speed))
        before = self._reached(to)
        while not self.over and self._reached(to) == before:
            self._pace.set(self._pace.now() + span)
            self._awaited = [asyncio.ensure_future(awaitable) for awaitable in self._turn()]

    def stop(self) -> Run:
        """End the run; what has come out stays readable."""
        if not self.over:
            self._end("stopped")
        return self

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until the run is over; where an event loop is running, await `finished` instead.

        Raises
        ------
        StepError
            The first error, if the run has failed.
        RunError
            If it is not over in time.
        """
        if running_loop() is not None:
            raise RunError(
                "wait() would block the event loop that drives the run",
                hint="write: await run.finished()",
            )
        if not self._over.wait(timeout):
            raise RunError(f"the run is still {self.status} after {timeout} s")
        if self.status == "failed":
            raise self.errors[0]
        return self

    async def finished(self) -> Run:
        """Wait, on the event loop, until the run is over.

        Raises
        ------
        StepError
            The first error, if the run has failed.
        """
        await self._done.wait()
        if self.status == "failed":
            raise self.errors[0]
        return self

    async def drive(self) -> None:
        """Read, push and wait, until the run is over; the one place from which the graph is fed."""
        beat = Beat(self._clock.now())
        while not self.over:
            if self.status == "paused":
                self._changed.clear()
                await self._changed.wait()
                continue
            begun = self._clock.now()
            try:
                waiting = self._turn()
            except Exception as error:  # of none of its steps, as where state cannot be copied
                self._turning, waiting = False, []
                self._fail(StepError("the run", pd.DataFrame(), error))
            for awaitable in waiting:
                try:
                    await awaitable
                except Exception as error:
                    self._fail(StepError("a consumer", pd.DataFrame(), error))
            ended = self._clock.now()
            rest = beat.rest(begun, ended, int(self.tick * SECOND)) / SECOND
            left = max(self.breath, self.leave * (ended - begun) / SECOND)
            await self._clock.sleep(left if self._behind else rest)

    def _reached(self, what: str) -> Any:
        """Give a mark that changes with the next batch, watermark or pane."""
        if what == "batch":
            return self.trace.counters.arrived
        return self.watermark if what == "watermark" else [each.total for each in self.trace.results.values()]

    def _turn(self, again: Turn | None = None) -> list[Awaitable[Any]]:
        """Push what has arrived; gives what there is to wait for. A turn may be taken again, as it was."""
        waiting: list[Awaitable[Any]] = []
        now = self._until() if again is None else again.until
        if again is not None:
            self._pace.set(again.moment)
            self._settle(again.steps)
        elif self.rewinds and self._history.due:
            positions = {name: reader.position for name, reader in self._readers.items()}
            at = self._history.turns[-1].moment if self._history.turns else self._begin
            self._history.take(at, self.graph, self.trace, dict.fromkeys(self.graph.sources) | positions)
        before = self.trace.counters.arrived, len(self._readers)
        names = list(self._readers)
        if now is None:  # the source that is furthest behind goes first
            names = [min(names, key=lambda name: self._readers[name].reached)]
        self._turning = True
        for name in names:
            try:
                frame = self._readers[name].poll(now, self._batch_rows)
            except Exception as error:
                self._fail(StepError(name, pd.DataFrame(), error))
                break
            if frame is None:
                waiting += self._finish(name)
            elif len(frame):
                self.trace.counters.arrived += len(frame)
                waiting += self.graph.push(name, frame, self._readers[name])
                self._after(name)
            else:
                waiting += self._let_pass(name)
            if self.over:
                break
        self._turning = False
        something = before != (self.trace.counters.arrived, len(self._readers)) or self.graph.heeds_clock
        if self.rewinds and something:
            self._history.turns.append(Turn(now, self._pace.now() if now is None else now, self._steps))
        self._arrived()
        late = now is None or any(reader.reached < now for reader in self._readers.values())
        self._behind = late or self._way is not None
        if self.over:
            self._close()
        return waiting

    def _let_pass(self, name: str) -> list[Awaitable[Any]]:
        """Let processing time pass at a source that has no rows, and note it if the watermark moves."""
        before = self.watermark, [record.total for record in self.trace.results.values()]
        waiting = self.graph.tick(name, self._readers[name].reached)
        if before != (self.watermark, [record.total for record in self.trace.results.values()]):
            self.trace.mark(self._pace.now(), self.watermark)
        return waiting

    def _after(self, name: str) -> None:
        """Note that every consumer has returned."""
        if self.status == "failed":
            return
        reader = self._readers[name]
        self.positions[name] = reader.position
        if self.speed == "max":
            self._pace.set(reader.reached)
        shares = [getattr(each, "share", None) for each in self._readers.values()]
        ended = [1.0] * (len(self.graph.sources) - len(shares))
        self.course.mark(self.trace.counters.arrived, ended + shares)
        self.trace.mark(self._pace.now(), self.watermark)

    def _finish(self, name: str) -> list[Awaitable[Any]]:
        """End a source: let its windows fire; end the run with the last one."""
        waiting = self.graph.end(name)
        del self._readers[name]
        self.trace.mark(self._pace.now(), self.watermark)
        if not self._readers and not self.over:
            self._end("finished")
        return waiting

    def _observe(self, step: str, outcome: Outcome) -> None:
        """Count and keep what did not go on."""
        skipped = self.on_error == "skip" and isinstance(self.graph.nodes[step].operator, Stateless)
        self.trace.note(step, outcome, keep=not skipped)

    def _fail(self, error: StepError) -> None:
        self.errors.append(error)
        if not self.over:
            if self.owner is None:  # else the cell that owns it says so: see `workbench.views.notices`
                sys.stderr.write(f"{self.name} failed: {error}\n")
            self._end("failed")

    def _end(self, status: str) -> None:
        self._pace.halt()
        self.course.end()
        self.status = status
        self._tell(self._changed)
        if not self._turning:  # a batch under way goes to all its consumers first
            self._close()

    def _close(self) -> None:
        self.graph.close(through=self.status != "finished")
        self._over.set()
        self._tell(self._done)

    def _tell(self, event: asyncio.Event) -> None:
        if self._loop is None:
            event.set()
        else:
            self._loop.add_callback(event.set)

    def _refuse_if_over(self, verb: str) -> None:
        if self.over:
            raise RunError(f"a run that is {self.status} cannot be {verb}", hint="start it again")
