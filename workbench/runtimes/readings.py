"""What a run tells of itself: how it is doing, what has come out, what became of each row."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.engine.windowed import in_order
from workbench.errors import RunError
from workbench.model.panes import RETRACTION, WINDOW_END, WINDOW_START
from workbench.model.rooms import room
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream, PaneStream
from workbench.model.windows import Count
from workbench.runtimes.pace import Pace
from workbench.runtimes.streamz import Graph
from workbench.runtimes.trace import Metrics, Rate, Trace
from workbench.time import END_OF_TIME, NO_WATERMARK, Clock, timestamp


class Readings:
    """The part of a `Run` that only looks: nothing here changes it."""

    name: str
    status: str
    past: bool
    streams: dict[str, EventStream]
    trace: Trace
    graph: Graph
    _clock: Clock
    _pace: Pace
    _rate: Rate

    def metrics(self) -> Metrics:
        """Tell how the run is doing."""
        counters = self.trace.counters
        now, watermark = self.now, self.watermark
        known = watermark not in (NO_WATERMARK, END_OF_TIME)
        return Metrics(
            status=self.status,
            rows=counters.arrived,
            rows_per_second=self._rate.value(self._clock.now()) if self.status == "running" else 0.0,
            now=timestamp(now),
            watermark=timestamp(watermark),
            lag=pd.Timedelta(now - watermark, unit="ns") if known else None,
            late=counters.late,
            rejected=counters.rejected,
            state=sum(operator.size for _, operator in self.graph.operators()),
        )

    @property
    def now(self) -> int:
        """Processing time, in nanoseconds."""
        return self._pace.now()

    @property
    def watermark(self) -> int:
        """The least watermark of the sources, in nanoseconds."""
        return self.graph.watermark

    @property
    def held_back_by(self) -> dict[str, str]:
        """Give, by step, what holds its watermark back: a partition of a source, or a step before a union."""
        return self.graph.held_back_by()

    def panes(self, result: str, *, rows: int | None = None) -> pd.DataFrame:
        """Give the latest pane of each window and key of a result, by window end, then keys.

        Parameters
        ----------
        result : str
            The name of a result; one that has no windows gives its rows as they came out.
        rows : int, optional
            Look only at so many rows that came out last; by default at all that are kept.
        """
        record = self.trace.results[result]
        frames = record.since(0 if rows is None else record.total - rows)
        panes = pd.concat(frames) if frames else pd.DataFrame()
        step = self.streams[result].step
        if not isinstance(step, Aggregated) or panes.empty:
            return panes
        if not isinstance(step.window, Count):  # whose panes are all final, and may share their bounds
            panes = panes.drop_duplicates([WINDOW_START, WINDOW_END, *step.keys], keep="last")
        if RETRACTION in panes.columns:  # of a session that has become another
            panes = panes[~panes[RETRACTION]]
        return in_order(panes, step.keys)

    def open_panes(self, result: str) -> pd.DataFrame:
        """Give what the open windows of a result hold so far, as panes with timing ``early``."""
        return self.graph.peek(result)

    def timeplane(self, result: str, *, key: Any = None, last: Any = None) -> Any:
        """Show event time against processing time for a result with windows; see ``PaneStream.timeplane``."""
        return room("views.timeplane", "of_run")(self, result, key=key, last=last)

    def require_past(self) -> None:
        """Refuse what a run that keeps no past cannot do."""
        if not self.past:
            raise RunError(f"{self.name} keeps no past", hint="start it with past=True")

    def ledger(self, *, by: str = "step") -> pd.DataFrame:
        """Account for every row so far: see `workbench.runtimes.ledger`.

        Parameters
        ----------
        by : str
            ``step``: what came to each step and what became of it; ``reason``: why rows did not go on.
        """
        return self.graph.ledger.table(by, ended=self.status == "finished")

    def explain(self, result: str, *, key: Any = None, window: Any = None) -> Any:
        """Replay a result's sources: which rows went into which pane; see ``PaneStream.explain``.

        The sources are read in larger batches, so there may be fewer late panes than the run has had.
        """
        stream = self.streams[result]
        return stream.explain(key=key, window=window) if isinstance(stream, PaneStream) else stream.explain()
