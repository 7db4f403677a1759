"""What may follow a ``groupby``: windows, frames that look back, patterns, functions with state."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import DescriptionError
from workbench.model.conditions import check_condition
from workbench.model.instead import OF_GROUPS, Instead
from workbench.model.naming import named_aggregates
from workbench.model.panes import RETAINED, WINDOW_END, WINDOW_START
from workbench.model.panestream import PaneStream
from workbench.model.patterns import Pattern
from workbench.model.steps import Aggregated, Columns, require_dated
from workbench.model.stream import EventStream
from workbench.model.triggers import DEFAULT, AfterWatermark, Trigger, as_trigger, require_lossless
from workbench.model.windows import Count, Global, Window, as_window
from workbench.time import Duration, duration


@dataclass(frozen=True, eq=False)
class Grouped(Instead):
    """A stream with keys, waiting for its window."""

    stream: EventStream
    keys: tuple[str, ...]
    _instead = OF_GROUPS

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
        require_dated(self.stream.step, "a window")
        chosen, after = as_window(window), duration(lateness, what="lateness")
        if after and isinstance(chosen, Count | Global):
            raise DescriptionError(
                f"{chosen!r} has no lateness",
                detail="no row is ever late for it",
                hint="leave lateness out",
            )
        return Windowed(self.stream, self.keys, chosen, after)

    def lag(
        self, *, n: int = 1, ttl: Duration | None = None, lateness: Duration = 0, **columns: str
    ) -> EventStream:
        """Add to each row what the row before it of its key had, in the order of event time.

        pandas: ``groupby().shift(n)``; SQL: ``LAG``. Rows come out in that order, once the watermark has
        passed them. See `workbench.engine.lag.Lag`.

        Parameters
        ----------
        n : int
            How many rows before, at least 1.
        ttl : duration, optional
            How long, in event time, a row is remembered; without it the last `n` of every key are for ever.
        lateness : duration
            How far behind the watermark a row is still taken.
        **columns : str
            Each new column, and the one that it looks back in: ``lag(before="page")``.
        """
        self.stream._require(list(columns.values()), "a column to look back in")
        before = self.stream.columns
        _require_new(columns, before, "lag(before_{0}='{0}')")
        return self.stream._operate(
            "lag",
            after=None if before is None else (*before, *columns),
            keys=self.keys,
            columns=columns,
            n=n,
            ttl=None if ttl is None else duration(ttl, what="time-to-live"),
            lateness=duration(lateness, what="lateness"),
        )

    def rolling(
        self,
        window: Duration | int,
        *,
        min_periods: int | None = None,
        closed: str = "right",
        lateness: Duration = 0,
    ) -> Rolled:
        """Look back from each row: over the last rows of its key (a number), or a duration of event time.

        pandas: ``groupby().rolling``; SQL: ``OVER (PARTITION BY ... ORDER BY ... ROWS | RANGE ...
        PRECEDING)``. See `workbench.engine.rolling.Rolling` for ties, `closed` and `min_periods`, which are
        as in pandas.

        Examples
        --------
        >>> import pandas as pd, workbench as wb
        >>> ticks = pd.DataFrame({"t": pd.to_datetime([1, 2, 9], unit="s"), "k": "a", "v": [1.0, 3.0, 8.0]})
        >>> stream = wb.stream(ticks, time="t", watermark=0)
        >>> rolled = stream.groupby("k").rolling("5s").agg(mean=("v", "mean"))
        >>> rolled.to_pandas()["mean"].tolist()
        [1.0, 2.0, 8.0]
        """
        timed = isinstance(window, bool) or not isinstance(window, numbers.Integral)
        rows = None if timed else int(window)
        within = None if rows is not None else duration(window, what="window", positive=True)
        after = duration(lateness, what="lateness")
        return Rolled(self, {"rows": rows, "within": within, "closed": closed}, min_periods, after)

    def process(
        self,
        on_row: Callable[..., Any],
        *,
        on_timer: Callable[..., Any] | None = None,
        on_expire: Callable[..., Any] | None = None,
        initial: Callable[[], Any] | None = None,
        ttl: Duration | None = None,
        columns: Mapping[str, Any] | None = None,
        lateness: Duration = 0,
    ) -> EventStream:
        """Call a function for each row, in event-time order, with state and timers of the row's key.

        For what nothing else covers; a Python call a row. Flink: ``KeyedProcessFunction``; Spark:
        ``transformWithState``. See `workbench.engine.keyed.Keyed`, also for what the functions are given.

        Parameters
        ----------
        on_row, on_timer, on_expire : callable
            ``on_row(row, context)``, ``on_timer(context)``, ``on_expire(context)``: give a dict, several, or
            None.
        initial : callable, optional
            Makes the state of a key that has none, as `dict` does.
        ttl : duration, optional
            How long, in event time, the state of a key without rows or timers is kept.
        columns : mapping of str to dtype, optional
            The columns that come out, besides the keys.
        lateness : duration
            How far behind the watermark a row is still taken.
        """
        return self.stream._operate(
            "process",
            after=None if columns is None else (*self.keys, *(c for c in columns if c not in self.keys)),
            keys=self.keys,
            on_row=on_row,
            on_timer=on_timer,
            on_expire=on_expire,
            initial=initial,
            ttl=None if ttl is None else duration(ttl, what="time-to-live"),
            columns=columns,
            lateness=duration(lateness, what="lateness"),
        )

    def match(self, pattern: Pattern) -> EventStream:
        """Find a pattern among the rows of each key, in the order of event time.

        Flink: CEP and ``MATCH_RECOGNIZE``. `workbench.begin` and `workbench.recognize` make patterns. Partial
        matches whose time was over are in ``.timed_out``. See `workbench.engine.patterns.PatternOperator`.

        Examples
        --------
        >>> import pandas as pd, workbench as wb
        >>> logins = pd.DataFrame({
        ...     "t": pd.to_datetime([1, 2, 3, 9], unit="s"), "user": "a", "ok": [False, False, True, True],
        ... })
        >>> guessed = wb.begin("miss", "not ok", times=2).next("hit", "ok").within("10s")
        >>> found = wb.stream(logins, time="t", watermark=0).groupby("user").match(guessed)
        >>> found.to_pandas()[["user", "match_end", "miss", "hit"]]
          user           match_end    miss  hit
        0    a 1970-01-01 00:00:03  [1, 2]    3
        """
        if not isinstance(pattern, Pattern):
            raise DescriptionError(
                f"a pattern was expected, but got {pattern!r}",
                hint="make one with wb.begin('low', 'v < 1').next('high', 'v > 9'), or wb.recognize('A B+')",
            )
        self.stream._require(pattern.columns, "a pattern")
        for stage in pattern.stages:
            if isinstance(stage.where, str):
                check_condition(stage.where, self.stream.columns, f"the stage {stage.name!r}")
        return self.stream._operate(
            "match", ports=("late", "timed_out"), dated=False, keys=self.keys, pattern=pattern
        )


@dataclass(frozen=True, eq=False)
class Windowed(Instead):
    """A stream with keys and a window, waiting for its aggregates."""

    stream: EventStream
    keys: tuple[str, ...]
    window: Window
    lateness: int

    def agg(
        self,
        by_column: Mapping[str, Any] | None = None,
        /,
        *,
        early: Trigger | Duration | int | None = None,
        late: Trigger | Duration | int | None = None,
        trigger: Trigger | None = None,
        **named: Any,
    ) -> PaneStream:
        """Aggregate as pandas does: ``agg(output=("column", "function"), ...)``.

        Parameters
        ----------
        by_column : mapping, optional
            ``{"column": "function"}`` makes an output named after the column, ``{"column": ["f", "g"]}``
            outputs named ``column_f`` and ``column_g``.
        early : duration, int or Trigger, optional
            Panes before the window closes, each replacing the one before: so long, in processing time, after
            the first new row; after so many new rows; or as a trigger says, each time anew.
        late : duration, int or Trigger, optional
            The same for late rows; by default each batch that has some puts out a pane.
        trigger : Trigger, optional
            In place of `early` and `late`, the whole of it: see `workbench.model.triggers`.
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
        told = self._trigger(early, late, trigger)
        step = Aggregated(
            trigger=told,
            name=aggregates[0].output,
            upstreams=(self.stream.step,),
            keys=self.keys,
            window=self.window,
            lateness=self.lateness,
            aggregates=aggregates,
        )
        return PaneStream(step)

    def top(self, n: int, by: str, *, ascending: bool = False, ties: str = "row_number") -> EventStream:
        """Give the first `n` rows of each window and key, by a column, once the window has closed.

        Flink SQL: Window Top-N; Beam: ``Top``. Rows get ``window_start``, ``window_end`` and ``rank``. See
        `workbench.engine.topn.TopN`.

        Parameters
        ----------
        n : int
            How many, at least 1.
        by : str
            The column to rank by; nulls come last.
        ascending : bool
            Whether the least value comes first.
        ties : str
            ``row_number``, ``rank`` or ``dense_rank``, as in SQL.
        """
        self.stream._require([by], "a column to rank by")
        before = self.stream.columns
        return self.stream._operate(
            "top",
            after=None if before is None else (WINDOW_START, WINDOW_END, *before, "rank"),
            ports=("late", "rejected"),
            keys=self.keys,
            window=self.window,
            n=n,
            by=by,
            ascending=ascending,
            ties=ties,
            lateness=self.lateness,
        )

    def _trigger(self, early: Any, late: Any, trigger: Trigger | None) -> Trigger:
        """Make one trigger of what was said, and refuse what would lose rows."""
        if (early, late, trigger) == (None, None, None):
            return DEFAULT
        if isinstance(self.window, Count):
            raise DescriptionError(
                f"{self.window!r} has no trigger",
                detail="it puts out one pane, when it is full",
                hint="leave early, late and trigger out",
            )
        if trigger is not None and (early, late) != (None, None):
            raise DescriptionError(
                "a trigger says when there are panes, early and late ones too",
                hint="give early= and late=, or trigger=, not both",
            )
        if trigger is None:
            trigger = AfterWatermark(
                early=None if early is None else as_trigger(early, what="early"),
                late=DEFAULT.late if late is None else as_trigger(late, what="late"),
            )
        require_lossless(as_trigger(trigger, what="trigger"), self.window, self.lateness)
        return trigger


@dataclass(frozen=True, eq=False)
class Rolled(Instead):
    """A stream with keys and frames that look back, waiting for its aggregates."""

    grouped: Grouped
    frames: Mapping[str, Any]
    min_periods: int | None
    lateness: int

    def agg(self, by_column: Mapping[str, Any] | None = None, /, **named: Any) -> EventStream:
        """Add aggregates of its frame to each row; named as in `Windowed.agg`, but as no column there is."""
        aggregates, stream = named_aggregates(named, by_column), self.grouped.stream
        stream._require([name for a in aggregates for name in a.columns], "an aggregate")
        before, outputs = stream.columns, [each.output for each in aggregates]
        _require_new(outputs, before, "agg(rolled_{0}=('{0}', ...))")
        return stream._operate(
            "rolling",
            after=None if before is None else (*before, *outputs),
            keys=self.grouped.keys,
            aggregates=aggregates,
            min_periods=self.min_periods,
            lateness=self.lateness,
            **self.frames,
        )


def _require_new(names: Iterable[str], before: Columns, otherwise: str) -> None:
    """See that columns which rows get are none that they have."""
    if taken := [name for name in names if name in (before or ())]:
        raise DescriptionError(
            f"the rows have a column {taken[0]!r} already",
            detail="each row keeps its columns, and gets further ones",
            hint=f"name it otherwise, as in .{otherwise.format(taken[0])}",
        )
