"""``stream.plot``: which picture of a stream is wanted; `workbench.views.charts` draws it when displayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.errors import DescriptionError
from workbench.model.panes import REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.schema import require


@dataclass(frozen=True, eq=False)
class Plot:
    """A live picture of a stream, shown where it is displayed; displaying it never blocks the cell.

    Parameters
    ----------
    stream : EventStream
        What is shown.
    kind : str
        ``line``, ``stack``, ``bar`` or ``table``.
    draw : callable or None
        From a first frame to a `workbench.views.live.LivePlot`; None for a table.
    last : int
        How many windows (or, of a table or of single rows, how many rows) are shown.
    """

    stream: EventStream
    kind: str
    draw: Callable[[pd.DataFrame], Any] | None
    last: int

    def window_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the rows that are shown: those of the last windows, or just the last."""
        if self.kind in ("line", "stack") and WINDOW_END in frame:
            ends = frame[WINDOW_END].drop_duplicates().nlargest(self.last)
            return frame[frame[WINDOW_END] >= ends.iloc[-1]] if len(ends) else frame
        if self.kind == "bar" and WINDOW_END in frame and len(frame):
            return frame[frame[WINDOW_END] == frame[WINDOW_END].max()]
        return frame.tail(self.last)

    def _ipython_display_(self) -> None:
        from workbench.views.notebook import display_plot

        display_plot(self)

    def __repr__(self) -> str:
        return f"<live {self.kind} of {self.stream.name!r}; it shows itself in a notebook>"


class PlotAccessor:
    """Live pictures of a stream; each shows itself in a notebook cell and follows the stream's run.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> empty = pd.DataFrame({"t": pd.to_datetime([]), "v": []})
    >>> panes = wb.stream(empty, time="t", watermark="5s").window("1min").agg(n=("v", "size"))
    >>> panes.plot.line("window_end", "n")
    <live line of 'n'; it shows itself in a notebook>
    """

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream

    def __call__(self) -> Plot:
        """Give the picture that suits the stream: lines of the first aggregate by key, or a table."""
        step = self.stream.step
        if isinstance(step, Aggregated) and len(step.keys) <= 1:
            return self.line(WINDOW_END, step.aggregates[0].output, by=step.keys[0] if step.keys else None)
        return self.table()

    def line(self, x: str, y: str, *, by: str | None = None, last: int = 60, **looks: Any) -> Plot:
        """Give lines over time, one a value of ``by``; dashed where a window is still open.

        Parameters
        ----------
        x, y : str
            Columns: a datetime, and a number.
        by : str, optional
            The column that divides the rows into lines.
        last : int
            How many windows are shown.
        **looks
            As `workbench.views.charts.line_plot` takes them: ``y_label``, ``y_format``, ``height``, ...
        """
        self._require(x, y, by)

        def draw(frame: pd.DataFrame) -> Any:
            from workbench.views.charts import line_plot

            return line_plot(frame, x, y, by, **{"x_label": f"{x} (UTC)", "y_label": y, **looks})

        return Plot(self.stream, "line", draw, last)

    def stack(self, y: str, *, by: str, last: int = 60, **looks: Any) -> Plot:
        """Give stacked boxes as wide as their windows, one a value of ``by``; hatched while still open.

        Parameters
        ----------
        y, by : str
            A number of at least 0, and the column that divides the rows.
        last : int
            How many windows are shown.
        **looks
            As `workbench.views.charts.stacked_plot` takes them.
        """
        self._require(WINDOW_START, y, by)

        def draw(frame: pd.DataFrame) -> Any:
            from workbench.views.charts import stacked_plot

            return stacked_plot(frame, y, by, **{"x_label": "event time (UTC)", "y_label": y, **looks})

        return Plot(self.stream, "stack", draw, last)

    def bar(self, x: str, y: str, **looks: Any) -> Plot:
        """Give horizontal bars of the latest window, one a value of ``x``; hatched while it is open.

        Parameters
        ----------
        x, y : str
            The column of categories, and a number of at least 0.
        **looks
            As `workbench.views.charts.bar_plot` takes them.
        """
        self._require(x, y)

        def draw(frame: pd.DataFrame) -> Any:
            from workbench.views.charts import bar_plot

            return bar_plot(frame, x, y, **{"x_label": y, **looks})

        return Plot(self.stream, "bar", draw, 1)

    def table(self, *, last: int = 12) -> Plot:
        """Give a table of the last rows."""
        return Plot(self.stream, "table", None, last)

    def _require(self, *columns: str | None) -> None:
        if self.stream.columns is not None:
            require(self.stream.columns, [column for column in columns if column], "a plot")
        if columns[-1] in (TIMING, REVISION):
            raise DescriptionError(f"rows cannot be divided by {columns[-1]!r}", hint="choose a key")
