"""The kinds of live charts: lines, stacks and bars; candles and bands have files of their own.

Every function takes the first frame, which may be empty, and gives a `workbench.views.live.LivePlot`; call
its ``shape(frame)`` with all rows that are to be seen. Where windows are still open (``timing`` is
``early``) the picture is lighter and hatched, or dashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from bokeh.models import DataRange1d, Range1d

from workbench.model.panes import WINDOW_START
from workbench.views import theme
from workbench.views.figures import Axes, Layer, boxes, build, category_axis, discs, line, wording
from workbench.views.live import Columns, LivePlot, words
from workbench.views.tables import MAIN, OPEN, labels, openness, parted, pivoted, windows
from workbench.views.words import short


def line_plot(
    frame: pd.DataFrame,
    x: str,
    y: str,
    by: str | None = None,
    *,
    categories: Sequence[str] | None = None,
    colors: Sequence[str] = theme.OKABE_ITO,
    x_time: str = "event",
    x_label: str = "",
    y_label: str = "",
    y_format: str = "0,0",
    zero: bool = False,
    dots: bool = True,
    height: int = 240,
    x_range: Any = None,
) -> LivePlot:
    """Give lines over time, one a category; the last stretch is dashed while its window is open.

    Parameters
    ----------
    frame : pandas.DataFrame
        The first rows; with the columns ``x`` (datetime), ``y`` (number), ``by`` and perhaps ``timing``.
    x, y, by : str
        Names of columns; without ``by`` there is one line.
    categories : sequence of str, optional
        The values of ``by`` that have a line; else those in the first frame.
    colors : sequence of str
        Of the lines, in order.
    x_time : str
        Whether x is ``event`` or ``processing`` time; it decides the colour of the axis.
    dots : bool
        Whether each value has a dot.
    x_label, y_label, y_format, zero, height, x_range
        See `workbench.views.figures.Axes`.
    """
    names = _categories(frame, by, categories, y)
    layers: list[Layer] = []
    for i, _ in enumerate(names):
        color = colors[i % len(colors)]
        layers.append(line(color, y=f"o{i}", line_dash=[4, 3], line_width=1.5))
        layers.append(line(color, y=f"c{i}", line_width=2))
        layers.append(discs(color, y=f"c{i}", size=3.5 if dots else 0))

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return {MAIN: _lines(rows, x, y, by, names)}

    where = ("time", "@x{%H:%M:%S}") if x_time else (x_label or x, "@x{0.00}")
    hover = [where, *((name, f"@v{i}{{{y_format}}}") for i, name in enumerate(names))]
    axes = Axes(
        x_label=x_label,
        y_label=y_label,
        y_format=y_format,
        x_time=x_time,
        zero=zero,
        height=height,
        hover=hover,
        x_range=x_range,
    )
    legend = [(colors[i % len(colors)], name) for i, name in enumerate(names)]
    return build(layers, shape, axes, frame=frame, legend=legend, categories=tuple(names), by=by)


def _lines(rows: pd.DataFrame, x: str, y: str, by: str | None, names: Sequence[str]) -> Columns:
    """Give, by time and in columns by category: all values, those of closed windows, and the open end."""
    moments, values = pivoted(rows, x, y, by, names)
    _, closed = pivoted(rows, x, y, by, names, where=~openness(rows), moments=moments)
    columns: dict[str, npt.NDArray[Any]] = {"key": moments, "x": moments}
    for i in range(len(names)):
        final = closed[:, i]
        seen = np.flatnonzero(~np.isnan(final))
        tail = values[:, i].copy()
        tail[: seen[-1] if len(seen) else 0] = np.nan
        columns |= {f"v{i}": values[:, i], f"c{i}": final, f"o{i}": tail}
    return columns


def stacked_plot(
    frame: pd.DataFrame,
    y: str,
    by: str,
    *,
    categories: Sequence[str] | None = None,
    colors: Sequence[str] = theme.OKABE_ITO,
    y_label: str = "",
    y_format: str = "0,0",
    height: int = 240,
    x_label: str = "",
    x_range: Any = None,
    left: int = 8,
) -> LivePlot:
    """Give a stack of boxes for each window, one a category, as wide as the window.

    Parameters
    ----------
    frame : pandas.DataFrame
        Panes of windows that do not overlap: ``window_start, window_end``, ``y`` (at least 0), ``by``.
    y, by : str
        Names of columns.
    categories : sequence of str, optional
        The values of ``by``, the lowest in the stack first; else those in the first frame.
    colors, y_label, y_format, height, x_label, x_range, left
        As for `line_plot`.
    """
    names = _categories(frame, by, categories, y)
    layers = [
        boxes(colors[i % len(colors)], bottom=f"b{i}", top=f"t{i}", table=table)
        for table in (MAIN, OPEN)
        for i in range(len(names))
    ]

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return _stack(rows, y, by, names)

    hover = [("window", "@left{%H:%M:%S} – @right{%H:%M:%S}")]
    hover += [(name, f"@v{i}{{{y_format}}}") for i, name in reversed(list(enumerate(names)))]
    axes = Axes(
        y_label=y_label,
        y_format=y_format,
        height=height,
        hover=hover,
        x_label=x_label,
        x_range=x_range,
        left=left,
    )
    legend = [(colors[i % len(colors)], name) for i, name in enumerate(names)]
    return build(layers, shape, axes, frame=frame, legend=legend, categories=tuple(names), by=by)


def _stack(rows: pd.DataFrame, y: str, by: str, names: Sequence[str]) -> dict[str, Columns]:
    left, right, still_open = windows(rows)
    _, values = pivoted(rows, WINDOW_START, y, by, names, moments=left)
    heights = np.nan_to_num(values)
    tops = np.cumsum(heights, axis=1)
    columns: dict[str, npt.NDArray[Any]] = {"key": left, "left": left, "right": right}
    for i in range(len(names)):
        columns |= {f"v{i}": heights[:, i], f"t{i}": tops[:, i], f"b{i}": tops[:, i] - heights[:, i]}
    return parted(columns, still_open)


def bar_plot(
    frame: pd.DataFrame,
    category: str,
    y: str,
    *,
    text: str | None = None,
    categories: Sequence[str] | None = None,
    color: str = theme.BLUE,
    x_label: str = "",
    height: int = 240,
    room: float = 0.18,
) -> LivePlot:
    """Give horizontal bars, the first category on top, each with its value (or words) at its end.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a category: ``category``, ``y`` (at least 0), and perhaps ``timing``.
    category, y : str
        Names of columns.
    text : str, optional
        The column with the words at the end of a bar; else the value.
    categories : sequence of str, optional
        Those that have a bar, in order; else those in the first frame.
    color : str
        Of the bars.
    x_label, height
        As for `line_plot`.
    room : float
        Room for the words beyond the longest bar, as a share of its length.
    """
    names = _categories(frame, category, categories, y)
    layers = [
        boxes(color, bottom="bottom", top="top", left="zero", right="value", line_color=None),
        wording("text", x="value", y="key"),
        boxes(color, bottom="bottom", top="top", left="zero", right="value", table=OPEN),
        wording("text", x="value", y="key", table=OPEN),
    ]

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return _bars(rows, category, y, text, names)

    reach = DataRange1d(start=0, range_padding=2 * room, range_padding_units="percent")
    turned = Range1d(len(names) - 0.45, -0.55)
    axes = Axes(x_label=x_label, x_time="", height=height, x_range=reach, y_range=turned)
    plot = build(layers, shape, axes, frame=frame, categories=tuple(names), by=category, picks=True)
    category_axis(plot.figure, names)
    plot.figure.xaxis[0].update(
        major_label_text_font_size="0px", major_tick_line_color=None, axis_line_color=None
    )
    plot.figure.ygrid[0].visible = False
    return plot


def _bars(
    rows: pd.DataFrame, category: str, y: str, text: str | None, names: Sequence[str]
) -> dict[str, Columns]:
    place = np.arange(len(names), dtype=float)
    value, said, still_open = np.zeros(len(names)), words([""] * len(names)), np.zeros(len(names), dtype=bool)
    if len(rows):
        by_name = rows.set_index(labels(rows[category]))
        found = by_name[~by_name.index.duplicated(keep="last")].reindex(list(names))
        value = found[y].fillna(0).to_numpy(dtype=float)
        said = words(found[text].astype(object).fillna("") if text else [short(v) for v in value])
        still_open = openness(found)
    columns: dict[str, npt.NDArray[Any]] = {
        "key": place,
        "zero": np.zeros(len(names)),
        "value": value,
        "text": said,
        "bottom": place - 0.34,
        "top": place + 0.34,
    }
    return parted(columns, still_open)


def _categories(
    frame: pd.DataFrame, by: str | None, categories: Sequence[str] | None, alone: str
) -> list[str]:
    if by is None:
        return [alone]
    if categories is not None:
        return [str(name) for name in categories]
    return list(labels(frame[by]).unique()) if by in frame else []
