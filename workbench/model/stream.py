"""The description of a pipeline: steps, and the stream that strings them together.

An `EventStream` is immutable and lazy: it says what is to be done and does nothing. Steps are compared by
identity, so that results which were described from one stream share its steps when they run together.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import DescriptionError
from workbench.model.aggregates import Aggregate, named_aggregates
from workbench.model.panes import LATE_BY, RETAINED, REVISION, TIMING, WATERMARK, WINDOW_END, WINDOW_START
from workbench.model.watermarks import BoundedOutOfOrderness
from workbench.model.windows import Window, as_window
from workbench.schema import REASON, Schema, require
from workbench.time import Duration, duration, spell

if TYPE_CHECKING:
    import pandas as pd

Columns = tuple[str, ...] | None
"""The names of the columns that a step puts out; None where a user's function decides."""


class Source(Protocol):
    """Where a stream's rows come from; `workbench.sources` has the readers that go with it."""

    @property
    def name(self) -> str:
        """A short name, such as ``"clickstream"``."""
        ...

    @property
    def schema(self) -> Schema:
        """The columns of the rows."""
        ...

    def reader(self) -> Any:
        """Start reading at the beginning; `workbench.sources.Reader` says what comes."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One step of a pipeline: a node of the graph when it runs."""

    name: str
    upstream: Step | None = None

    @property
    def columns(self) -> Columns:
        """The columns that come out."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say in a line what the step does."""
        raise NotImplementedError

    def chain(self) -> Iterator[Step]:
        """Give this step and all before it, the last first."""
        step: Step | None = self
        while step is not None:
            yield step
            step = step.upstream


@dataclass(frozen=True, eq=False, kw_only=True)
class Read(Step):
    """Rows from a source, in arrival order."""

    source: Source

    @property
    def columns(self) -> Columns:
        """The columns of the source."""
        return tuple(self.source.schema.dtypes)

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"read {self.source.name}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Date(Step):
    """Admits rows at the door and gives each the watermark that it met; rows that do not fit are rejected."""

    schema: Schema
    watermark: BoundedOutOfOrderness

    @property
    def columns(self) -> Columns:
        """The columns of the schema."""
        return tuple(self.schema.dtypes)

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"event time {self.schema.time}, {self.watermark!r}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Apply(Step):
    """A stateless step: a pandas method, or a function from frame to frame, pure and row-local.

    The function and its arguments are kept as they are, so that other runtimes can translate them.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    after: Columns = None

    @property
    def columns(self) -> Columns:
        """The columns that come out, where they are known."""
        return self.after

    def describe(self) -> str:
        """Say in a line what the step does."""
        words = [_spell(value) for value in self.arguments]
        words += [f"{name}={_spell(value)}" for name, value in self.keywords.items()]
        return f"{self.method}({', '.join(words)})"


@dataclass(frozen=True, eq=False, kw_only=True)
class Aggregated(Step):
    """Windows of rows by key, aggregated into panes; what comes too late goes to its ``late`` output."""

    keys: tuple[str, ...]
    window: Window
    lateness: int
    aggregates: tuple[Aggregate, ...]

    @property
    def columns(self) -> Columns:
        """The columns of the pane table."""
        outputs = tuple(aggregate.output for aggregate in self.aggregates)
        return (WINDOW_START, WINDOW_END, *self.keys, *outputs, TIMING, REVISION)

    def describe(self) -> str:
        """Say in a line what the step does."""
        by = f" by {', '.join(self.keys)}" if self.keys else ""
        late = f", lateness {spell(self.lateness)}" if self.lateness else ""
        what = ", ".join(f"{a.output}={a.function}({a.column})" for a in self.aggregates)
        return f"{what}{by} in {self.window!r}{late}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Output(Step):
    """A further output of the step before: ``late`` or ``rejected`` rows."""

    port: str

    @property
    def columns(self) -> Columns:
        """The columns of the rows that came in, and what was added about them."""
        before = next(step.columns for step in self.chain() if not isinstance(step, Output | Aggregated))
        added = (LATE_BY, WATERMARK) if self.port == "late" else (REASON,)
        return None if before is None else before + added

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"the {self.port} rows"


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
        return self._then(Output(name=f"{step.name}.rejected", upstream=step, port="rejected"))

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

    def map(self, function: Callable[[pd.DataFrame], pd.DataFrame], /, **keywords: Any) -> EventStream:
        """Apply a function from frame to frame, pure and row-local, that keeps the index.

        The index holds the arrival numbers, by which a row's event time and watermark are found again, so the
        function may drop, change or repeat rows, but not renumber them.
        """
        return self._apply("map", function, **keywords)

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

        For an aggregated stream that is every pane, the late ones too, in the order they came out.
        """
        frame: pd.DataFrame = _room("runtimes.batch", "to_pandas")(self, batch_rows=batch_rows)
        return frame

    def start(self, **options: Any) -> Any:
        """Start a live run of this stream alone: see `workbench.start` for the options."""
        return _room("runtimes.run", "start")(self, **options)

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
            Apply(name=method, upstream=self.step, method=method, arguments=arguments, keywords=keywords, after=after)
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
        if any(isinstance(step, Aggregated | Output) for step in self.stream.step.chain()):
            raise DescriptionError(
                "a window cannot follow a window",
                detail="panes and late rows carry no watermark of their own yet",
                hint="describe both windows from the stream before them",
            )
        return Windowed(self.stream, self.keys, as_window(window), duration(lateness, what="lateness"))


@dataclass(frozen=True, eq=False)
class Windowed:
    """A stream with keys and a window, waiting for its aggregates."""

    stream: EventStream
    keys: tuple[str, ...]
    window: Window
    lateness: int

    def agg(self, **named: tuple[str, str]) -> PaneStream:
        """Aggregate as pandas does: ``agg(output=("column", "function"), ...)``.

        Returns
        -------
        PaneStream
            Of panes with the columns ``window_start, window_end``, keys, aggregates, ``timing, revision``; its
            step is named after the first aggregate.
        """
        aggregates = named_aggregates(named)
        self.stream._require([a.column for a in aggregates if a.function != "size"], "an aggregate")
        clash = [a.output for a in aggregates if a.output in (*RETAINED, *self.keys)]
        if clash:
            raise DescriptionError(
                f"an aggregate cannot be called {clash[0]!r}",
                detail=f"the pane table has that column already: {', '.join((*RETAINED, *self.keys))}",
            )
        step = Aggregated(
            name=aggregates[0].output,
            upstream=self.stream.step,
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

        Two columns are added: ``late_by`` (timedelta: how far the watermark had passed the end of the row's last
        window plus lateness; at least zero) and ``watermark`` (datetime: the one that the row met).
        """
        return self._then(Output(name=f"{self.name}.late", upstream=self.step, port="late"))


def _room(module: str, name: str) -> Any:
    """Find a verb that an outer room carries out; by name, since the description imports no room outside it."""
    return getattr(importlib.import_module(f"workbench.{module}"), name)


def _spell(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)
