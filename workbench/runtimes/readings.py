"""What a run tells of itself: how it is doing, what has come out, what became of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from workbench.columns import require
from workbench.engine.windowed import in_order
from workbench.errors import RunError
from workbench.model.panes import EARLY, RETRACTION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.panestream import PaneStream
from workbench.model.rooms import room
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.model.windows import Count
from workbench.runtimes.course import Course
from workbench.runtimes.loops import on_loop
from workbench.runtimes.pace import Pace
from workbench.runtimes.streamz import Graph
from workbench.runtimes.trace import Counters, Mark, Metrics, Trace
from workbench.time import END_OF_TIME, NO_WATERMARK, Clock, moment_of, timestamp

NOTHING_YET = Mark(NO_WATERMARK, NO_WATERMARK, Counters(), ())
"""What had happened before the first batch."""


@dataclass(frozen=True, slots=True)
class Lens:
    """What the views of a run show: the present or a moment before, everything or some values of columns.

    Null is a value too: None.
    """

    at: int | None = None
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def filtered(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the rows that are shown."""
        for name, values in self.only.items():
            if name in frame:
                known = [value for value in values if value is not None]
                shown = frame[name].isin(known)
                frame = frame[shown | frame[name].isna() if None in values else shown]
        return frame


def with_open(panes: pd.DataFrame, open_panes: pd.DataFrame, step: Any) -> pd.DataFrame:
    """Put what open windows hold behind the panes that came out, in place of what they have fired early."""
    some = [frame for frame in (panes, open_panes) if len(frame)]
    if len(some) < 2:
        return some[0].reset_index(drop=True) if some else panes
    both = pd.concat(some, ignore_index=True)
    if (panes[TIMING] == EARLY).any() and not isinstance(step.window, Count):
        return both.drop_duplicates([WINDOW_START, WINDOW_END, *step.keys], keep="last", ignore_index=True)
    return both


class Readings:
    """The part of a `Run` that only looks: nothing here changes it."""

    name: str
    status: str
    past: bool | tuple[str, ...]
    streams: dict[str, EventStream]
    trace: Trace
    graph: Graph
    _clock: Clock
    _pace: Pace
    course: Course
    lens: Lens = Lens()
    _loop: Any

    def metrics(self) -> Metrics:
        """Tell how the run is doing; or, looking back, how it did then."""
        mark, now, watermark, counters = None, self.now, self.watermark, self.trace.counters
        if self.lens.at is not None:
            mark = self.trace.at(self.lens.at) or NOTHING_YET
            now, watermark, counters = self.lens.at, mark.watermark, mark.counters
        known = watermark not in (NO_WATERMARK, END_OF_TIME)
        return Metrics(
            status=self.status,
            rows=counters.arrived,
            rows_per_second=self.course.rows_per_second if self.status == "running" else 0.0,
            now=timestamp(now),
            watermark=timestamp(watermark),
            lag=pd.Timedelta(now - watermark, unit="ns") if known else None,
            late=counters.late,
            rejected=counters.rejected,
            state=None if mark else sum(operator.size for _, operator in self.graph.operators()),
            uptime=self.course.uptime,
            share=1.0 if self.status == "finished" else self.course.share,
            left=self.course.left if self.status == "running" else None,
        )

    def look(self, *, at: Any = None, only: Mapping[str, Sequence[Any]] | None = None) -> Self:
        """Choose what the views of this run show; the run goes on as it does, and so does every number in it.

        Parameters
        ----------
        at : timestamp, optional
            What had come out by a moment of processing time, as far as it is kept; naive is UTC, and a time
            of day, such as ``"09:03"``, of the run's day. Without it the present.
        only : mapping of str to sequence, optional
            By column: the values that are shown; a result without such a column is shown whole.

        Raises
        ------
        SchemaError
            If no result has such a column.

        Examples
        --------
        >>> import workbench as wb
        >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 65, 130], unit="s"), "v": 1})
        >>> panes = wb.stream(rows, time="t", watermark=0).window("1min").agg(n=("v", "size"))
        >>> run = panes.start(speed="max", batch_rows=1).wait(10)
        >>> len(run.seen("n")), len(run.look(at="1970-01-01 00:01:05").seen("n"))
        (3, 1)
        """
        columns = [stream.columns for stream in self.streams.values()]
        if None not in columns:
            require([name for each in columns for name in each or ()], only or (), "what is shown")
        moment = None if at is None else moment_of(at, day=self.now)
        self.lens = Lens(moment, {name: tuple(values) for name, values in (only or {}).items()})
        self.trace.version += 1
        return self

    def seen(self, result: str, *, rows: int | None = None) -> pd.DataFrame:
        """Give what views show of a result: its panes, what open windows hold so far, as `look` chooses."""
        at = self.lens.at
        if at is not None:
            return self.lens.filtered(self.panes(result, rows=rows, at=at))
        self._require(result)

        def both() -> pd.DataFrame:
            return with_open(
                self.panes(result, rows=rows), self.graph.peek(result), self.streams[result].step
            )

        return self.lens.filtered(on_loop(self._loop, both))

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

    def panes(self, result: str, *, rows: int | None = None, at: int | None = None) -> pd.DataFrame:
        """Give the latest pane of each window and key of a result, by window end, then keys.

        Parameters
        ----------
        result : str
            The name of a result; one that has no windows gives its rows as they came out.
        rows : int, optional
            Look only at so many rows that came out last; by default at all that are kept.
        at : int, optional
            Those that had come out by a moment of processing time, in nanoseconds.
        """
        self._require(result)
        record = self.trace.results[result]
        total = record.total
        if at is not None:
            mark = self.trace.at(at) or NOTHING_YET
            total = dict(zip(self.trace.records(), mark.totals, strict=False)).get(result, 0)
        frames = record.until(total, rows)
        step = self.streams[result].step
        panes = pd.concat(frames) if frames else pd.DataFrame(columns=list(step.columns or ()))
        if not isinstance(step, Aggregated) or panes.empty:
            return panes
        if not isinstance(step.window, Count):  # whose panes are all final, and may share their bounds
            panes = panes.drop_duplicates([WINDOW_START, WINDOW_END, *step.keys], keep="last")
        if RETRACTION in panes.columns:  # of a session that has become another
            panes = panes[~panes[RETRACTION]]
        return in_order(panes, step.keys)

    def open_panes(self, result: str) -> pd.DataFrame:
        """Give what the open windows of a result hold so far, as panes with timing ``early``."""
        self._require(result)
        return on_loop(self._loop, lambda: self.graph.peek(result))

    def _require(self, result: str) -> None:
        """See that there is a result of a name."""
        if result not in self.streams:
            raise RunError(f"no result called {result!r}", detail=f"there are {', '.join(self.streams)}")

    def _ipython_display_(self) -> None:
        room("views.card", "RunCard")(self).display()

    def _repr_html_(self) -> str:
        picture: str = room("views.card", "RunCard")(self)._repr_html_()
        return picture

    def timeplane(self, result: str, *, key: Any = None, last: Any = None, **told: Any) -> Any:
        """Show event time against processing time for a result with windows; see ``PaneStream.timeplane``."""
        return room("views.timeplane", "of_run")(self, result, key=key, last=last, **told)

    def timeplanes(self, *, last: Any = None, ahead: bool = True) -> Any:
        """Show the time planes of all stages side by side: dated sources, where they meet, windowed results.

        Each has its own watermark; that of a join is the least of its inputs', and it says which of them
        holds it back.

        Parameters
        ----------
        last : duration, optional
            Show only so much processing time, the last; of a run that goes on some windows, unless said.
        ahead : bool
            Whether rows that have happened and not arrived yet are shown, where sources know them.
        """
        return room("views.timeplane", "of_stages")(self, last=last, ahead=ahead)

    @property
    def rewinds(self) -> bool:
        """Whether there is a way back."""
        return self.past is True

    def require_past(self, result: str | None = None, *, back: bool = False) -> None:
        """Refuse what a run cannot do that keeps no past, none of a result, or no way back to it."""
        if self.past is True or (self.past and not back and (result is None or result in self.past)):
            return
        what = "past" if not self.past else "way back" if back else f"past of {result!r}"
        raise RunError(f"{self.name} keeps no {what}", hint="start it with past=True")

    def ledger(self, *, by: str = "step", figure: bool = False) -> Any:
        """Account for every row so far: see `workbench.runtimes.ledger`.

        Parameters
        ----------
        by : str
            ``step``: what came to each step and what became of it; ``reason``: why rows did not go on.
        figure : bool
            Whether to draw it, step by step.
        """
        table = self.graph.ledger.table("step" if figure else by, ended=self.status == "finished")
        return room("views.ledgerfigure", "LedgerFigure")(table) if figure else table

    def explain(self, result: str, *, key: Any = None, window: Any = None, **keys: Any) -> Any:
        """Replay a result's sources: which rows went into which pane; see ``PaneStream.explain``.

        The sources are read in larger batches, so there may be fewer late panes than the run has had.
        """
        self._require(result)
        stream = self.streams[result]
        return (
            stream.explain(key=key, window=window, **keys)
            if isinstance(stream, PaneStream)
            else stream.explain()
        )
