"""The description of a pipeline, strung together: immutable and lazy; it only says what is to be done."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.errors import DescriptionError
from workbench.model.naming import named_aggregates
from workbench.model.panes import RETAINED
from workbench.model.steps import Aggregated, Apply, Columns, Date, Output, Step, Union
from workbench.model.windows import Count, Global, Window, as_window
from workbench.schema import require
from workbench.time import Duration, duration

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class EventStream:
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
        """The rows that the step before could not take, with the column ``reason`` (str)."""
        step = next((s for s in self.step.chain() if isinstance(s, Date | Aggregated)), self.step)
        return self._then(Output(name=f"{step.name}.rejected", upstreams=(step,), port="rejected"))

    def named(self, name: str) -> EventStream:
        """Give the last step a name: that of its node in a run and of its line in an error."""
        return type(self)(replace(self.step, name=name))

    def query(self, condition: Any) -> EventStream:
        """Keep the rows that meet a condition: a query string, a ``pd.col`` expression, or a function.

        The function goes from frame to boolean column and looks at one row at a time.
        """
        return self._apply("query", condition, after=self.columns)

    def assign(self, **columns: Any) -> EventStream:
        """Add or replace columns: values, ``pd.col`` expressions, or functions from frame to column."""
        before = self.columns
        after = None if before is None else tuple(dict.fromkeys((*before, *columns)))
        return self._apply("assign", after=after, **columns)

    def __getitem__(self, columns: list[str]) -> EventStream:
        """Keep some columns, by a list of names."""
        if not isinstance(columns, list):
            raise DescriptionError(
                f"a list of columns was expected, but got {columns!r}",
                hint="choose columns with stream[['a', 'b']], and rows with stream.query(...)",
            )
        self._require(columns, "a choice of columns")
        return self._apply("select", columns, after=tuple(columns))

    def rename(self, columns: Mapping[str, str]) -> EventStream:
        """Rename columns, by a mapping from old to new names."""
        self._require(list(columns), "a column to rename")
        before = self.columns
        after = None if before is None else tuple(columns.get(name, name) for name in before)
        return self._apply("rename", after=after, columns=dict(columns))

    def astype(self, dtypes: Mapping[str, Any]) -> EventStream:
        """Convert columns, by a mapping from names to dtypes as pandas spells them."""
        self._require(list(dtypes), "a column to convert")
        return self._apply("astype", dict(dtypes), after=self.columns)

    def explode(self, column: str) -> EventStream:
        """Make a row of each element of a column of lists; an empty list gives one row with null.

        The rows made of one row share its arrival number, its event time and the watermark that it met.
        """
        self._require([column], "a column to explode")
        return self._apply("explode", column, after=self.columns)

    def map(self, function: Callable[[pd.DataFrame], pd.DataFrame], /, **keywords: Any) -> EventStream:
        """Apply a function from frame to frame, pure and row-local, that keeps the index.

        The index holds the arrival numbers, by which a row's event time and watermark are found again, so the
        function may drop, change or repeat rows, but not renumber them.
        """
        return self._apply("map", function, **keywords)

    def union(self, *others: EventStream, idle: Duration | None = None) -> EventStream:
        """Put the rows of several streams into one.

        Its watermark is the least of theirs. Rows are numbered anew, in the order in which they come to it.

        Parameters
        ----------
        *others : EventStream
            Streams with the same columns.
        idle : duration, optional
            How long, in processing time, a stream may be without rows before it does not hold the watermark
            back any more; when it has rows again it counts again, and they may be late. Without it a silent
            stream holds the watermark back until it ends; ``run.held_back_by`` names it.

        Raises
        ------
        DescriptionError
            If the streams have different columns, or hold panes or late rows, which have no watermark.
        """
        streams = (self, *others)
        for stream in streams:
            _require_dated(stream, "a union")
            if None not in (stream.columns, self.columns) and set(stream.columns or ()) != set(
                self.columns or ()
            ):
                raise DescriptionError(
                    f"the streams of a union have different columns: {stream.columns} and {self.columns}",
                    hint="choose and rename columns first, so that they are the same",
                )
        after = None if idle is None else duration(idle, what="idleness", positive=True)
        return self._then(Union(name="union", upstreams=tuple(stream.step for stream in streams), idle=after))

    def groupby(self, *keys: str | list[str]) -> Grouped:
        """Group by one or several key columns; null is a key of its own."""
        flat = tuple(name for key in keys for name in (key if isinstance(key, list | tuple) else [key]))
        return Grouped(self, flat)

    def window(self, window: Window | Duration, *, lateness: Duration = 0) -> Windowed:
        """Put rows into windows without a key; see `Grouped.window`."""
        return Grouped(self, ()).window(window, lateness=lateness)

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
        frame: pd.DataFrame = _room("runtimes.batch", "to_pandas")(self, batch_rows=batch_rows)
        return frame

    def start(self, **options: Any) -> Any:
        """Start a live run of this stream alone: see `workbench.start` for the options."""
        return _room("runtimes.registry", "start")(self, **options)

    @property
    def plot(self) -> Any:
        """Live plots of this stream: ``plot.line(x, y, by=...)``, ``plot.bar(...)``, ``plot.table()``."""
        return _room("views.plots", "PlotAccessor")(self)

    def _ipython_display_(self) -> None:
        _room("views.notebook", "display_stream")(self)

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

    def _then(self, step: Step) -> EventStream:
        return EventStream(step)

    def _require(self, columns: tuple[str, ...] | list[str], what: str) -> None:
        if self.columns is not None:
            require(self.columns, columns, what)


@dataclass(frozen=True, eq=False)
class Grouped:
    """A stream with keys, waiting for its window."""

    stream: EventStream
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        self.stream._require(self.keys, "a key")
        taken = [key for key in self.keys if key in RETAINED]
        if taken or len(set(self.keys)) != len(self.keys):
            raise DescriptionError(
                f"these keys cannot be used: {self.keys!r}",
                detail=f"keys differ from each other and from {', '.join(RETAINED)}",
            )

    def window(self, window: Window | Duration, *, lateness: Duration = 0) -> Windowed:
        """Put the rows of each key into windows of event time.

        Parameters
        ----------
        window : Tumbling, Sliding, Session or duration
            A duration means a tumbling window.
        lateness : duration
            How long, by the watermark, a closed window still accepts rows and puts out late panes.
        """
        _require_dated(self.stream, "a window")
        chosen, after = as_window(window), duration(lateness, what="lateness")
        if after and isinstance(chosen, Count | Global):
            raise DescriptionError(
                f"{chosen!r} has no lateness",
                detail="no row is ever late for it",
                hint="leave lateness out",
            )
        return Windowed(self.stream, self.keys, chosen, after)


@dataclass(frozen=True, eq=False)
class Windowed:
    """A stream with keys and a window, waiting for its aggregates."""

    stream: EventStream
    keys: tuple[str, ...]
    window: Window
    lateness: int

    def agg(self, by_column: Mapping[str, Any] | None = None, /, **named: Any) -> PaneStream:
        """Aggregate as pandas does: ``agg(output=("column", "function"), ...)``.

        Parameters
        ----------
        by_column : mapping, optional
            ``{"column": "function"}`` makes an output named after the column, ``{"column": ["f", "g"]}``
            outputs named ``column_f`` and ``column_g``.
        **named : (column, function), (columns, function), (column, function, argument) or pd.NamedAgg
            The outputs, by name. A function is one of `workbench.model.aggregates.FUNCTIONS`, ``"ohlc"``
            (four outputs, ``name_open`` to ``name_close``), or a `workbench.Custom`.

        Returns
        -------
        PaneStream
            Of panes with the columns ``window_start, window_end``, keys, aggregates, ``timing, revision``;
            its step is named after the first aggregate.

        Examples
        --------
        >>> import pandas as pd, workbench as wb
        >>> trades = pd.DataFrame({
        ...     "t": pd.to_datetime(["2026-01-05 09:00:01", "2026-01-05 09:00:30", "2026-01-05 09:00:50"]),
        ...     "price": [10.0, 12.0, 11.0], "volume": [100, 300, 100],
        ... })
        >>> panes = wb.stream(trades, time="t", watermark=0).window("1min").agg(
        ...     {"volume": "sum"}, price=("price", "ohlc"), vwap=(["price", "volume"], "weighted_mean")
        ... )
        >>> panes.to_pandas().drop(columns=["window_start", "window_end", "timing", "revision"])
           volume  price_open  price_high  price_low  price_close  vwap
        0     500        10.0        12.0       10.0         11.0  11.4
        """
        aggregates = named_aggregates(named, by_column)
        self.stream._require([name for a in aggregates for name in a.columns], "an aggregate")
        clash = [a.output for a in aggregates if a.output in (*RETAINED, *self.keys)]
        if clash:
            raise DescriptionError(
                f"an aggregate cannot be called {clash[0]!r}",
                detail=f"the pane table has that column already: {', '.join((*RETAINED, *self.keys))}",
            )
        step = Aggregated(
            name=aggregates[0].output,
            upstreams=(self.stream.step,),
            keys=self.keys,
            window=self.window,
            lateness=self.lateness,
            aggregates=aggregates,
        )
        return PaneStream(step)


class PaneStream(EventStream):
    """The result of an aggregation: a stream of panes, with the rows that came too late beside it."""

    @property
    def late(self) -> EventStream:
        """The rows that were late for every window they belong to, as they came in.

        Two columns are added: ``late_by`` (timedelta: how far the watermark had passed the end of the row's
        last window plus lateness; at least zero) and ``watermark`` (datetime: the one that the row met).
        """
        return self._then(Output(name=f"{self.name}.late", upstreams=(self.step,), port="late"))


def _require_dated(stream: EventStream, what: str) -> None:
    """Check that a stream's rows have dates: an event time, and the watermark that each met."""
    if any(isinstance(step, Aggregated | Output) for step in stream.step.chain()):
        raise DescriptionError(
            f"{what} cannot follow a window",
            detail="panes and late rows carry no watermark of their own yet",
            hint="describe both from the stream before",
        )


def _room(module: str, name: str) -> Any:
    """Find, by name, a verb that an outer room carries out: the description imports none of them."""
    return getattr(importlib.import_module(f"workbench.{module}"), name)
