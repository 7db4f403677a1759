"""The description of a pipeline, strung together: immutable and lazy; it only says what is to be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.columns import require
from workbench.errors import DescriptionError
from workbench.model.instead import OF_STREAMS, Instead
from workbench.model.joins import Joins
from workbench.model.rooms import room
from workbench.model.rowlocal import RowLocal
from workbench.model.steps import (
    Apply,
    Columns,
    Operation,
    Output,
    Step,
    Union,
    require_alike,
    require_dated,
    step_of,
)
from workbench.model.windows import Window
from workbench.time import Duration, duration

if TYPE_CHECKING:
    import pandas as pd

    from workbench.model.grouped import Grouped, Windowed


@dataclass(frozen=True, eq=False)
class EventStream(RowLocal, Joins, Instead):
    """A stream of rows as it will be, described step by step; nothing runs until it is started.

    Parameters
    ----------
    step : Step
        The last step; it knows the ones before it.

    See Also
    --------
    workbench.stream : makes one from a source.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> sales = pd.DataFrame({
    ...     "time": pd.to_datetime(["2026-01-05 09:00:05", "2026-01-05 09:00:50", "2026-01-05 09:01:10"]),
    ...     "country": ["FR", "FR", "US"],
    ...     "amount": [10.0, 7.0, 5.0],
    ... })
    >>> revenue = (
    ...     wb.stream(sales, time="time", watermark="10s")
    ...       .groupby("country").window("1min").agg(revenue=("amount", "sum"))
    ... )
    >>> revenue.to_pandas()[["window_end", "country", "revenue"]]
               window_end country  revenue
    0 2026-01-05 09:01:00      FR     17.0
    1 2026-01-05 09:02:00      US      5.0
    """

    step: Step
    _instead = OF_STREAMS

    @property
    def name(self) -> str:
        """The name of the last step, which is the name of its node in a run."""
        return self.step.name

    @property
    def columns(self) -> Columns:
        """The names of the columns; None after a function whose result is not known yet."""
        return self.step.columns

    @property
    def rejected(self) -> EventStream:
        """The rows that the last step which rejects some could not take, with the column ``reason`` (str).

        A column of theirs that has this name is called ``reason_read``.
        """
        return self._beside("rejected")

    @property
    def late(self) -> EventStream:
        """The rows that came too late for the last step which has late rows, as they came in.

        Two columns are added: ``late_by`` (timedelta, at least zero: how far the watermark, less the
        lateness, had passed the row, or the end of the last window that it is in) and ``watermark``
        (datetime: the one that the row met); one of theirs with such a name ends with ``_read``.
        """
        return self._beside("late")

    @property
    def duplicates(self) -> EventStream:
        """The rows that `dedup` held back."""
        return self._beside("duplicates")

    @property
    def unmatched(self) -> EventStream:
        """The rows for which an inner `lookup_join` found nothing."""
        return self._beside("unmatched")

    @property
    def timed_out(self) -> EventStream:
        """The partial matches of a pattern whose time was over."""
        return self._beside("timed_out")

    def named(self, name: str) -> EventStream:
        """Give the last step a name: that of its node in a run and of its line in an error."""
        return type(self)(replace(self.step, name=name))

    def union(self, *others: EventStream, idle: Duration | None = None) -> EventStream:
        """Put the rows of several streams into one.

        Its watermark is the least of theirs. Rows are numbered anew, in the order in which they come to it:
        of streams that come of one source, batch by batch, so that which rows are late depends on batches.

        Parameters
        ----------
        *others : EventStream
            Streams with the same columns, whose event times all have a time zone, or none.
        idle : duration, optional
            How long, in processing time, a stream may be without rows before it does not hold the watermark
            back any more; when it has rows again it counts again, and they may be late. Without it a silent
            stream holds the watermark back until it ends; ``run.held_back_by`` names it.

        Raises
        ------
        DescriptionError
            If the streams have different columns, event times with and without a time zone, or hold panes or
            late rows, which have no watermark.
        """
        streams = (self, *others)
        for stream in streams:
            require_dated(step_of(stream, "a union"), "a union")
            if None not in (stream.columns, self.columns) and set(stream.columns or ()) != set(
                self.columns or ()
            ):
                raise DescriptionError(
                    f"the streams of a union have different columns: {stream.columns} and {self.columns}",
                    hint="choose and rename columns first, so that they are the same",
                )
        require_alike([stream.step for stream in streams])
        after = None if idle is None else duration(idle, what="idleness", positive=True)
        return self._then(Union(name="union", upstreams=tuple(stream.step for stream in streams), idle=after))

    def dedup(
        self,
        *on: str | list[str],
        within: Duration | None = None,
        same_time: bool = False,
        lateness: Duration = 0,
    ) -> EventStream:
        """Let the first row of each key through; those that repeat it go to ``.duplicates``.

        Spark: ``dropDuplicatesWithinWatermark``. See `workbench.engine.dedup.Dedup`.

        Parameters
        ----------
        *on : str or list of str
            Which columns make two rows the same; all columns, unless given.
        within : duration
            How long, by the watermark, a row is remembered after its event time.
        same_time : bool
            Whether rows must have the same event time too; then `within` may be left out.
        lateness : duration
            How far behind the watermark a row is still taken.
        """
        keys = _flat(on) or self.columns
        if keys is None:
            raise DescriptionError(
                "nobody knows which columns make two rows the same",
                detail="a function decides which columns there are",
                hint="name them, as in .dedup('key', within='1h')",
            )
        self._require(keys, "a column of what makes rows the same")
        return self._operate(
            "dedup",
            after=self.columns,
            ports=("late", "duplicates"),
            keys=keys,
            within=None if within is None else duration(within, what="duration"),
            by="key_and_time" if same_time else "key",
            lateness=duration(lateness, what="lateness"),
        )

    def sort(self, *, lateness: Duration = 0) -> EventStream:
        """Put rows in the order of event time; each waits until the watermark has passed it.

        Flink SQL: ``ORDER BY`` event time; Beam: ``@RequiresTimeSortedInput``. Rows behind the watermark,
        less the lateness, are in ``.late``.
        """
        return self._operate("sort", after=self.columns, lateness=duration(lateness, what="lateness"))

    def groupby(self, *keys: str | list[str]) -> Grouped:
        """Group by one or several key columns; null is a key of its own."""
        return _grouped(self, _flat(keys))

    def window(self, window: Window | Duration, *, lateness: Duration = 0) -> Windowed:
        """Put rows into windows without a key; see `Grouped.window`."""
        return _grouped(self, ()).window(window, lateness=lateness)

    def explain(self) -> str:
        """Tell the steps, one a line, the first first.

        Examples
        --------
        >>> import pandas as pd, workbench as wb
        >>> empty = pd.DataFrame({"t": pd.to_datetime([]), "v": []})
        >>> print(wb.stream(empty, time="t", watermark="5s").window("1min").agg(n=("v", "size")).explain())
        frame      read frame
        watermark  event time t, BoundedOutOfOrderness('5s')
        n          n=size(v) in Tumbling('1min')
        """
        steps = list(self.step.chain())[::-1]
        width = max(len(step.name) for step in steps)
        return "\n".join(f"{step.name:<{width}}  {step.describe()}" for step in steps)

    def to_pandas(self, *, batch_rows: int = 100_000) -> pd.DataFrame:
        """Run a bounded source to its end, as fast as it goes, and give all that comes out of the last step.

        For an aggregated stream that is every pane, the late ones too, by window end, keys and revision.
        """
        frame: pd.DataFrame = room("runtimes.batch", "to_pandas")(self, batch_rows=batch_rows)
        return frame

    def start(self, **options: Any) -> Any:
        """Start a live run of this stream alone: see `workbench.start` for the options."""
        return room("runtimes.registry", "start")(self, **options)

    def ledger(self, *, by: str = "step", figure: bool = False, batch_rows: int = 100_000) -> Any:
        """Run a bounded source to its end and account for every row: see `workbench.runtimes.ledger`.

        Parameters
        ----------
        by : str
            ``step``: what came to each step and what became of it; ``reason``: why rows did not go on.
        figure : bool
            Whether to draw it, step by step.
        """
        frame = room("runtimes.ledger", "ledger")(self, by="step" if figure else by, batch_rows=batch_rows)
        return room("views.ledgerfigure", "LedgerFigure")(frame) if figure else frame

    @property
    def plot(self) -> Any:
        """Live plots, which are HoloViews objects: ``plot.line(x, y, by=...)``, ``plot.table()``, ..."""
        return room("views.plots", "PlotAccessor")(self)

    def graph(self) -> Any:
        """Give the pipeline as a picture: its steps, what each does, and what it sets aside."""
        return room("views.graph", "StreamGraph")(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        told: dict[str, str] = self.graph()._repr_mimebundle_()
        return told

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>\n{self.explain()}"

    def _apply(self, method: str, *arguments: Any, after: Columns = None, **keywords: Any) -> EventStream:
        return self._then(
            Apply(
                name=method,
                upstreams=(self.step,),
                method=method,
                arguments=arguments,
                keywords=keywords,
                after=after,
            )
        )

    def _operate(
        self,
        kind: str,
        *others: EventStream,
        after: Columns = None,
        ports: tuple[str, ...] = ("late",),
        dated: bool = True,
        **options: Any,
    ) -> EventStream:
        """Add a step that the engine has an operator for by name; the engine checks its options."""
        streams = (self, *others)
        for stream in streams:
            what = f"a {kind.replace('_', ' ')}"
            require_dated(step_of(stream, what), what)
            stream._require(options.get("keys", ()), "a key")
        upstreams = tuple(stream.step for stream in streams)
        step = Operation(
            name=kind,
            upstreams=upstreams,
            kind=kind,
            options=options,
            after=after,
            ports=ports,
            dated=dated,
        )
        room("engine.operations", "operator_of")(step)
        return self._then(step)

    def _beside(self, port: str) -> EventStream:
        step = next((each for each in self.step.chain() if port in each.ports), None)
        if step is None:
            raise DescriptionError(
                f"{self.name!r} has no .{port}",
                detail="no step of it sets any aside",
                hint=f"ask the stream of the step that does for .{port}",
            )
        return self._then(Output(name=f"{step.name}.{port}", upstreams=(step,), port=port))

    def _then(self, step: Step) -> EventStream:
        return EventStream(step)

    def _require(self, columns: tuple[str, ...] | list[str], what: str) -> None:
        if self.columns is not None:
            require(self.columns, columns, what)


def _flat(names: tuple[str | list[str], ...]) -> tuple[str, ...]:
    """Give names that were given one by one, or as lists."""
    return tuple(name for each in names for name in (each if isinstance(each, list | tuple) else [each]))


def _grouped(stream: EventStream, keys: tuple[str, ...]) -> Grouped:
    found: Grouped = room("model.grouped", "Grouped")(stream, keys)
    return found
