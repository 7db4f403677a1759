"""What is live in this process: one run a pipeline, shared by all browser sessions.

Sessions only read. What they read is computed once for each version of a run's trace, whoever looks; a
session that goes away leaves nothing behind, for nothing here knows of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from workbench.model.panes import EARLY, TIMING, WINDOW_END, WINDOW_START
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.model.triggers import ACCUMULATING, AfterWatermark
from workbench.runtimes.registry import start
from workbench.runtimes.run import Run
from workbench.runtimes.trace import Metrics
from workbench.time import SECOND, SystemClock, duration

Pipeline = Mapping[str, EventStream]
"""The results of a pipeline, by name."""

KEPT_ROWS = 15_000
"""Panes of a result that are kept at hand, about; the trace keeps more."""


class Latest:
    """The latest pane of each window and key, kept up to date from what is new in a trace.

    Parameters
    ----------
    keys : sequence of str
        The columns that tell panes apart.
    keep : int
        How many rows to keep, about: whole windows are forgotten, the oldest first.
    early : bool
        Whether early panes are kept; not where those of open windows are peeked at, and told when they close.
    """

    def __init__(self, keys: list[str], keep: int = KEPT_ROWS, *, early: bool = True) -> None:
        self._keys, self._keep, self._early = keys, keep, early
        self._seen = 0
        self.frame = pd.DataFrame()

    def refresh(self, record: Any) -> pd.DataFrame:
        """Take in what came out since the last time; gives the panes in order of window end."""
        fresh = record.since(self._seen)
        self._seen = record.total
        if not self._early:  # the most of what comes, where each batch fires
            fresh = [told for frame in fresh if len(told := frame[frame[TIMING] != EARLY])]
        if fresh:
            frames = [self.frame, *fresh] if len(self.frame) else fresh
            panes = pd.concat(frames).drop_duplicates(self._keys, keep="last")
            panes = panes.sort_values(WINDOW_END, kind="stable", ignore_index=True)
            if len(panes) > self._keep:
                oldest = panes[WINDOW_END].iloc[-self._keep]
                panes = panes[panes[WINDOW_END] >= oldest].reset_index(drop=True)
            self.frame = panes
        return self.frame


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
    """

    def __init__(
        self,
        name: str,
        pipeline: Callable[[], Pipeline],
        *,
        speed: float = 10,
        warm_up: str = "8min",
        batch_rows: int = 5_000,
    ) -> None:
        self.name = name
        self.streams = dict(pipeline())
        self._rates: deque[float] = deque(maxlen=120)
        self._sampled = 0
        self._speed, self._warm_up = speed, duration(warm_up, what="warm-up")
        self._batch_rows = batch_rows
        self._run: Run | None = None
        self._latest = {name: _latest(stream) for name, stream in self.streams.items()}
        self._once: dict[Any, tuple[int, int, Any]] = {}
        self._clock = SystemClock()

    @property
    def run(self) -> Run:
        """The run; there is one after `start`."""
        assert self._run is not None, "the feed has not been started"
        return self._run

    @property
    def version(self) -> tuple[int, str]:
        """What changes whenever there is something new to see."""
        return self.run.trace.version, self.run.status

    async def start(self) -> None:
        """Start the run on the event loop that is running, and take it quickly through the warm-up."""
        options: dict[str, Any] = dict(self.streams)
        self._run = start(**options, speed="max", batch_rows=self._batch_rows, name=self.name, past=False)
        begin = self.run.metrics().now
        while self._run.status == "running":
            await asyncio.sleep(0)
            now = self.run.metrics().now
            if now is not None and begin is not None and (now - begin).value >= self._warm_up:
                break
        if not self._run.over:
            self._run.speed = self._speed

    def stop(self) -> None:
        """Stop the run; what has come out stays readable."""
        if self._run is not None:
            self._run.stop()

    def metrics(self) -> Metrics:
        """Tell how the run is doing."""
        return self.run.metrics()

    def rates(self) -> list[float]:
        """Give the last rates of arrival, rows per second of wall time, two a second while somebody looks."""
        now = self._clock.now()
        if now - self._sampled >= SECOND // 2:
            self._sampled = now
            self._rates.append(round(self.run.metrics().rows_per_second, 1))
        return list(self._rates)

    def closed(self, result: str) -> pd.DataFrame:
        """Give the latest pane of each closed window and key, some thousand rows at the most."""
        return self.once(
            ("closed", result), lambda: self._latest[result].refresh(self.run.trace.results[result])
        )

    def panes(self, result: str, *, last: str) -> pd.DataFrame:
        """Give the panes of the last while, by event time, those of open windows (``early``) included."""

        def both() -> pd.DataFrame:
            closed, still_open = self.closed(result), self.run.open_panes(result)
            frames = [frame for frame in (closed, still_open) if len(frame)]
            if not frames:
                return closed
            oldest = max(frame[WINDOW_END].iloc[-1] for frame in frames) - pd.Timedelta(last)
            frames = [frame.iloc[frame[WINDOW_END].searchsorted(oldest, side="right") :] for frame in frames]
            panes = pd.concat(frames, ignore_index=True)
            if panes[WINDOW_END].is_monotonic_increasing:  # as a rule: what is open ends after what is closed
                return panes
            return panes.sort_values(WINDOW_END, kind="stable", ignore_index=True)

        return self.once(("panes", result, last), both)

    def once(self, key: Any, make: Callable[[], Any], *, every: float = 0.0) -> Any:
        """Give what a function makes: once a version of the trace, and at most once in ``every`` seconds."""
        version, now = self.run.trace.version, self._clock.now()
        held = self._once.get(key)
        if held is not None and (held[0] == version or now - held[1] < every * SECOND):
            return held[2]
        made = make()
        self._once[key] = (version, now, made)
        return made


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


def _latest(stream: EventStream) -> Latest:
    step = stream.step
    assert isinstance(step, Aggregated), f"{stream.name} has no windows"
    closes = isinstance(step.trigger, AfterWatermark) and step.accumulation == ACCUMULATING
    return Latest([WINDOW_START, WINDOW_END, *step.keys], early=not closes)
