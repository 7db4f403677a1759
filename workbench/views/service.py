"""What is live in this process: one run a pipeline, shared by all browser sessions.

Sessions only read. What they read is computed once for each version of a run's trace, whoever looks; a
session that goes away leaves nothing behind, for nothing here knows of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.model.panes import WINDOW_END
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.ops.metrics import Timing
from workbench.runtimes.pace import Speed
from workbench.runtimes.readings import with_open
from workbench.runtimes.registry import start
from workbench.runtimes.run import Run
from workbench.runtimes.trace import Metrics, Past, Record
from workbench.time import SECOND, Clock, SystemClock, duration
from workbench.views.bound import Values
from workbench.views.latest import KEPT_FOR, KEPT_ROWS, Latest, latest_of
from workbench.views.versions import UNASKED, Once, Version, Versions

Pipeline = Mapping[str, EventStream]
"""The results of a pipeline, by name."""

KEPT_RESULTS = 20_000
"""Rows of a result that the trace of a served run keeps, about."""
KEPT_EVENTS = 20_000
"""Events, as they arrived, that are kept at hand for who wants to see them, about."""
WARMING = 50
"""Speed while it is warmed up; a step is a tenth of a second of it, and others get their turn in between."""
BREATH = 0.02
"""Seconds between two steps; a message to or from a browser takes some twenty turns of the loop."""
TICK = 0.235
"""Seconds from one batch to the next: as often as pages are brought up to date."""
UNSEEN = 1.0
"""The same while nobody looks: a large batch costs little more than a small one."""
LEAVE = 1.0
"""A run that is behind, as one at full speed is, takes half of the time: the rest is for those who look."""


class Feed:
    """One pipeline of this process: its run, and what views ask of it.

    Parameters
    ----------
    name : str
        In addresses, such as ``clickstream``.
    pipeline : callable
        Gives the results by name.
    speed : float or "max"
        Seconds of processing time per second, once it is warm.
    warm_up : duration
        How much processing time is run through at once in the beginning, so that no plot is empty.
    batch_rows : int
        Rows of a batch, at most: few, and pages are served between two of them; many, and each costs less.
    past : bool or list of str
        As for `workbench.start`.
    clock : Clock, optional
        Tells how long ago somebody has looked.

    Attributes
    ----------
    told : str
        What the last change of the run led to, for all who look.
    """

    def __init__(
        self,
        name: str,
        pipeline: Callable[[], Pipeline],
        *,
        speed: Speed = 10,
        warm_up: str = "8min",
        batch_rows: int = 5_000,
        past: Past = False,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.streams = dict(pipeline())
        self._rates: deque[float] = deque(maxlen=120)
        self._sampled = 0
        self._speed, self._warm_up = speed, duration(warm_up, what="warm-up")
        self._batch_rows, self._past = batch_rows, past
        self._run: Run | None = None
        self._latest: dict[str, Latest] = {}
        self.pushes = Timing()
        self.warming = False
        self.told = ""
        self.acknowledged: dict[str, None] = {}
        self._events: dict[str, Record] = {}
        self._kept: dict[Any, Any] = {}
        self._clock = clock or SystemClock()
        self._versions, self._once = Versions(self._clock), Once(self._clock)
        self._looked = 0

    @property
    def run(self) -> Run:
        """The run; there is one after `start`."""
        assert self._run is not None, "the feed has not been started"
        return self._run

    @property
    def begun(self) -> Run | None:
        """The run, if there is one yet."""
        return self._run

    @property
    def speed(self) -> Speed:
        """The speed of the run; while it is warmed up, the one that it will have then."""
        return self._speed if self.warming else self.run.speed

    def look(self) -> Version:
        """Look at the run, whose batches come oftener for it; gives what changes when there is news."""
        self._looked = self._clock.now()
        return self._versions.show((self.run.trace.version, self.run.status))

    async def start(self) -> None:
        """Start the run on the event loop that is running, and take it quickly through the warm-up."""
        options: dict[str, Any] = dict(self.streams)
        run = start(
            **options,
            speed=WARMING,
            batch_rows=self._batch_rows,
            name=self.name,
            past=self._past,
            keep=KEPT_RESULTS,
            keep_for=KEPT_FOR,
            paused=True,
        )
        self._take(run)
        for source, (_, node) in run.graph.sources.items():
            self._events[source] = Record(KEPT_EVENTS)
            node.sink(self._events[source].append)
        begin, self.warming = run.now, True
        while run.status == "paused" and run.now - begin < self._warm_up:
            run.step()  # by time, so that of several sources none runs ahead
            await self._clock.sleep(BREATH)
        self.warming = False
        if not run.over:
            run.speed = self._speed
            run.resume()

    def _take(self, run: Run) -> None:
        """Have a run, whose batches come oftener while somebody looks."""
        self._run, run.leave = run, LEAVE
        for _, node in run.graph.sources.values():
            node.sink(self._set_pace)

    def _set_pace(self, batch: pd.DataFrame) -> None:
        seen = self._clock.now() - self._looked < UNASKED * SECOND
        self.run.tick = TICK if seen else UNSEEN

    def stop(self) -> None:
        """Stop the run; what has come out stays readable."""
        if self._run is not None:
            self._run.stop()

    def metrics(self) -> Metrics:
        """Tell how the run is doing."""
        return self.run.metrics()

    def in_time(self, result: str) -> float:
        """Give the share of the rows that came to a result's last step which came in time."""

        def shares() -> dict[str, float]:
            steps = self.run.ledger()
            lost = steps["late"] / steps["rows_in"].clip(lower=1)
            return dict(zip(steps["step"], (1 - lost).astype(float), strict=True))

        return float(self.once("in time", shares, every=0.9).get(result, 1.0))

    def rates(self) -> list[float]:
        """Give the last rates of arrival, rows per second of wall time, two a second while somebody looks."""
        now = self._clock.now()
        if now - self._sampled > UNASKED * SECOND:
            self._rates.clear()  # a line would lead from long ago to now
        if now - self._sampled >= SECOND // 2:
            self._sampled = now
            self._rates.append(round(self.run.metrics().rows_per_second, 1))
        return list(self._rates)

    def closed(self, result: str) -> pd.DataFrame:
        """Give the latest pane of each closed window and key, or the rows of a result without windows.

        Some thousand rows at the most.
        """
        if not isinstance(self.streams[result].step, Aggregated):
            return self.once(("closed", result), lambda: self.run.panes(result, rows=KEPT_ROWS), of=[result])
        latest = self._latest.setdefault(result, latest_of(self.streams[result]))
        record = self.run.trace.results[result]
        return self.once(("closed", result), lambda: latest.refresh(record), of=[result])

    def panes(self, result: str, *, last: str) -> pd.DataFrame:
        """Give the panes of the last while, by event time, those of open windows (``early``) included."""

        def both() -> pd.DataFrame:
            frames = [self.closed(result), self.run.open_panes(result)]
            if not any(map(len, frames)):
                return frames[0]
            oldest = max(frame[WINDOW_END].iloc[-1] for frame in frames if len(frame)) - pd.Timedelta(last)
            closed, still_open = (
                frame.iloc[frame[WINDOW_END].searchsorted(oldest, side="right") :] if len(frame) else frame
                for frame in frames
            )
            panes = with_open(closed, still_open, self.streams[result].step)
            if panes[WINDOW_END].is_monotonic_increasing:  # as a rule: what is open ends after what is closed
                return panes
            return panes.sort_values(WINDOW_END, kind="stable", ignore_index=True)

        return self.once(("panes", result, last), both)

    def events(self, source: str = "") -> pd.DataFrame:
        """Give the last events of a source, by default the first, as they arrived; some thousand rows."""
        source = source or next(iter(self._events), "")
        if source not in self._events:
            return pd.DataFrame()
        return self.once(("events", source), self._events[source].together)

    def acknowledge(self, alert: str) -> None:
        """Note for everybody that an alert has been seen; the last some thousand are known."""
        self.acknowledged[alert] = None
        while len(self.acknowledged) > 5_000:
            self.acknowledged.pop(next(iter(self.acknowledged)))

    def keep(self, key: Any, make: Callable[[], Any]) -> Any:
        """Give what a function made when it was first asked for, in the same feed and for all sessions."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def once(self, key: Any, make: Callable[[], Any], *, every: float = 0.0, of: Sequence[str] = ()) -> Any:
        """Give what a function makes: once a version of the feed, and at most once in ``every`` seconds.

        What is made of nothing but closed panes of some results is kept until there are further ones. Where
        much is made for a version already, it is half as long again until it is made anew, so that not all
        of it falls due together. When a run is held or over, all of it is shown, also what was at rest then.
        """
        version, running = self.look(), self.run.status == "running"
        rest = every * SECOND * (1.5 if self._versions.costly else 1) if running else 0
        panes = tuple(self.run.trace.results[result].version for result in of)
        value = self._once.give(key, make, version=version, panes=panes, rest=rest)
        self.let_go()
        return value

    def said(
        self, key: Any, make: Callable[[], Mapping[str, Any]], *, every: float = 0.0, of: Sequence[str] = ()
    ) -> Values:
        """Give the values that a function makes for parts of pages, as `once` does."""
        values: Values = self.once(key, lambda: Values(make()), every=every, of=of)
        return values

    def let_go(self) -> None:
        """Let go what was computed and nobody has asked for lately."""
        for key in self._once.let_go():
            if isinstance(key, tuple) and key[0] == "closed":
                self._latest.pop(key[1], None)  # what the trace keeps tells it again


class Service:
    """All feeds of this process.

    Parameters
    ----------
    feeds : sequence of Feed
        In the order in which they are shown.
    """

    def __init__(self, feeds: list[Feed]) -> None:
        self.feeds = {feed.name: feed for feed in feeds}
        self._started: asyncio.Task[Any] | None = None

    def start(self) -> None:
        """Start all runs on the event loop that is running, the warm-up beside whatever else it does."""
        self._started = asyncio.ensure_future(self._start())

    def runs(self) -> dict[str, Run | None]:
        """Give the runs by name; None for one that has not been started."""
        return {name: feed.begun for name, feed in self.feeds.items()}

    def pushes(self) -> dict[str, Timing]:
        """Give, by name, how often pages were brought up to date, and how long that took."""
        return {name: feed.pushes for name, feed in self.feeds.items()}

    async def started(self) -> None:
        """Wait until all runs are warm."""
        assert self._started is not None, "the service has not been started"
        await self._started

    async def _start(self) -> None:
        await asyncio.gather(*(feed.start() for feed in self.feeds.values()))

    def stop(self) -> None:
        """Stop all runs."""
        if self._started is not None:
            self._started.cancel()
        for feed in self.feeds.values():
            feed.stop()
