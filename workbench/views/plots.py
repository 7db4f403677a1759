"""``stream.plot``: live pictures of a stream, as HoloViews objects that people compose."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import pandas as pd

from workbench.columns import require
from workbench.errors import DescriptionError
from workbench.model.aggregates import Aggregate
from workbench.model.panes import REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.steps import Aggregated, Apply, Date
from workbench.model.stream import EventStream
from workbench.model.windows import Global
from workbench.runtimes.sought import key_values
from workbench.views.boxes import Bins, Candles, CategoryBars, WindowBars
from workbench.views.cells import HeatMap, Table
from workbench.views.elements import backend
from workbench.views.notebook import show_in_cells
from workbench.views.pictures import MOST, Areas, Lines, Picture
from workbench.views.plotchecks import require_drawable
from workbench.views.rows import Rows


class PlotAccessor:
    """Live pictures of a stream, each a `holoviews.DynamicMap` of its latest panes.

    They combine as HoloViews objects do: ``a * b`` draws one over the other, ``a + b`` beside it, and
    ``.opts(...)`` changes how they look. At the end of a cell, alone or combined, they start a run of their
    streams, or join the newest there is, and follow it. What is of windows still open is dashed, hollow or
    hatched.

    Further keywords are HoloViews options of the whole picture: ``height``, ``title``, ``ylabel``, ...

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> empty = pd.DataFrame({"t": pd.to_datetime([]), "v": []})
    >>> values = wb.stream(empty, time="t", watermark="5s")
    >>> panes = values.window("1min").agg(n=("v", "size"), top=("v", "max"))
    >>> panes.plot.line("window_end", "n") * panes.plot.line("window_end", "top")
    :DynamicMap   []
    >>> type(panes.plot.bars("window_start", "n") + panes.plot.table()).__name__
    'Layout'
    """

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream

    def __call__(self) -> hv.DynamicMap:
        """Give the picture that suits the stream: lines of the first number by key, or a table.

        Of all time there is no line; there are bars of the keys.
        """
        step = self.stream.step
        if isinstance(step, Aggregated) and len(step.keys) <= 1:
            number = next((each.output for each in step.aggregates if _is_number(each, step)), None)
            if number is not None and not isinstance(step.window, Global):
                return self.line(WINDOW_END, number, by=step.keys[0] if step.keys else None)
            if number is not None and step.keys:
                return self.bars(step.keys[0], number)
        return self.table()

    def line(
        self, x: str, y: str, *, by: str | None = None, last: int = 60, most: int = MOST, **opts: Any
    ) -> hv.DynamicMap:
        """Give lines, one a value of ``by``; dashed where a window is still open.

        Parameters
        ----------
        x, y : str
            Columns: a datetime or a number, and a number.
        by : str, optional
            The column that divides the rows into lines; where panes have a key it must be the key.
        last : int
            How many windows are shown; of a stream without windows, how many rows.
        most : int
            How many lines there are at the most: those of the greatest values.
        **opts
            HoloViews options.
        """
        return self._show(Lines, x, y, by, last=last, most=most, opts=opts)

    def area(
        self,
        x: str,
        y: str,
        *,
        by: str | None = None,
        stacked: bool = True,
        last: int = 60,
        most: int = MOST,
        **opts: Any,
    ) -> hv.DynamicMap:
        """Give areas, one a value of ``by``, one on the other; hatched where a window is still open.

        Parameters
        ----------
        x, y, by, last, most, **opts
            As for `line`.
        stacked : bool
            Whether one is on the other, or all are from zero.
        """
        return self._show(Areas, x, y, by, last=last, most=most, stacked=stacked, opts=opts)

    def bars(
        self,
        x: str,
        y: str,
        *,
        by: str | None = None,
        stacked: bool = True,
        last: int = 30,
        most: int = MOST,
        **opts: Any,
    ) -> hv.DynamicMap:
        """Give bars: over windows as wide as they are, or of the latest window one a category.

        Parameters
        ----------
        x : str
            ``window_start`` or ``window_end``, or a column of categories.
        y, by, last, most, **opts
            As for `line`; categories are not divided further.
        stacked : bool
            Whether the bars of a window are one on the other, or side by side; without ``by``, those of all
            keys are one on the other.
        """
        if x in (WINDOW_START, WINDOW_END):
            return self._show(WindowBars, x, y, by, last=last, most=most, stacked=stacked, opts=opts)
        if by is not None:
            raise DescriptionError(
                f"bars of {x!r} cannot be divided by {by!r}",
                detail="they show one window, each category once",
                hint=f"bars('window_start', {y!r}, by={by!r})",
            )
        return self._show(CategoryBars, x, y, None, last=last, most=most, opts=opts)

    def heatmap(self, by: str, y: str, *, last: int = 60, most: int = 30, **opts: Any) -> hv.DynamicMap:
        """Give a cell for each window, across, and each value of ``by``, up; its colour tells ``y``.

        Parameters
        ----------
        by, y : str
            Columns: of categories, and a number.
        last, most, **opts
            As for `line`.
        """
        self._require(WINDOW_START)
        return self._show(HeatMap, WINDOW_START, y, by, last=last, most=most, opts=opts)

    def ohlc(self, name: str | None = None, *, key: Any = None, last: int = 60, **opts: Any) -> hv.DynamicMap:
        """Give a candle for each window: hollow blue where it closes higher, filled vermillion where lower.

        Parameters
        ----------
        name : str, optional
            That of the aggregate ``"ohlc"``; by default the first there is.
        key : value, tuple or dict, optional
            The values of the key columns; needed if there are any.
        last, **opts
            As for `line`.
        """
        step = self.stream.step
        keys = step.keys if isinstance(step, Aggregated) else ()
        prefix = self._prices(name)
        self._refuse_timeless("candles")
        only = key_values(keys, key) if keys or key is not None else {}
        picture = Candles(y=prefix.rstrip("_") or "price", prefix=prefix, only=only, last=last, opts=opts)
        return self._live(picture)

    def hist(self, x: str, *, bins: int = 20, last: int = 2_000, **opts: Any) -> hv.DynamicMap:
        """Give a histogram of a column, over the last rows or the panes of the last windows that are closed.

        Parameters
        ----------
        x : str
            A column of numbers.
        bins : int
            How many bars.
        last, **opts
            As for `line`; here it is rows.
        """
        self._require(x)
        return self._live(Bins(x=x, bins=bins, last=last, opts=opts))

    def table(self, *, last: int = 12, **opts: Any) -> hv.DynamicMap:
        """Give a table of the last rows."""
        return self._live(Table(last=last, opts=opts))

    def _show(self, kind: type[Picture], x: str, y: str, by: str | None, **options: Any) -> hv.DynamicMap:
        self._require(x, y, by, by=by)
        if x in (WINDOW_START, WINDOW_END):
            self._refuse_timeless(f"a {kind.kind} over {x!r}")
        if not (kind is WindowBars and options["stacked"]):
            self._refuse_undivided(kind, x, y, by)
        return self._live(kind(x=x, y=y, by=by or "", **options))

    def _live(self, picture: Picture) -> hv.DynamicMap:
        backend()
        require_drawable(self.stream.step, picture)
        show_in_cells()
        rows = Rows(self.stream, picture)
        return hv.DynamicMap(rows.draw, streams=[rows])

    def _require(self, *columns: str | None, by: str | None = None) -> None:
        if self.stream.columns is not None:
            require(self.stream.columns, [column for column in columns if column], "a plot")
        if by in (TIMING, REVISION):
            raise DescriptionError(f"rows cannot be divided by {by!r}", hint="choose a key")

    def _refuse_timeless(self, kind: str) -> None:
        """Refuse a picture along time of a window that has no bounds."""
        step = self.stream.step
        if isinstance(step, Aggregated) and isinstance(step.window, Global):
            raise DescriptionError(
                f"{kind} of {step.window!r}",
                detail="it is one window of all time, without a start and an end",
                hint=f"bars({step.keys[0]!r}, ...)" if step.keys else "table()",
            )

    def _refuse_undivided(self, kind: type[Picture], x: str, y: str, by: str | None) -> None:
        """Refuse a picture in which the panes of several keys would be at one place."""
        step = self.stream.step
        left = [key for key in step.keys if key not in (x, by)] if isinstance(step, Aggregated) else []
        if left:
            free = len(left) == 1 and by is None and kind is not CategoryBars
            raise DescriptionError(
                f"a {kind.kind} of {y!r} does not tell {', '.join(map(repr, left))} apart",
                detail="a window has a pane for each of its values, of which one would hide the others",
                hint=f"by={left[0]!r}" if free else f"leave {left[0]!r} out of groupby, or query one value",
            )

    def _prices(self, name: str | None) -> str:
        columns = self.stream.columns or ()
        found = [each.removesuffix("open") for each in columns if each.endswith("open")]
        found = [each for each in found if all(each + of in columns for of in ("high", "low", "close"))]
        wanted = [each for each in found if name in (None, each, each.rstrip("_"))]
        if not wanted:
            raise DescriptionError(
                f"no prices called {name!r}" if name else "no prices to draw candles of",
                hint="aggregate them with 'ohlc', as in .agg(price=('price', 'ohlc'))",
            )
        return wanted[0]


def _is_number(aggregate: Aggregate, step: Aggregated) -> bool:
    """Tell whether an aggregate is a number, as far as is known before there are rows."""
    if aggregate.function in ("collect", "heavy_hitters"):
        return False
    if aggregate.function not in ("first", "last", "min", "max", "mode"):
        return True
    for each in step.chain():
        if isinstance(each, Apply) and aggregate.column in each.keywords:  # as assign does
            return True
        if isinstance(each, Date) and aggregate.column in each.schema.dtypes:
            return pd.api.types.is_numeric_dtype(each.schema.dtypes[str(aggregate.column)])
    return True
