"""Bands: small figures side by side, each with the least, the middle and the greatest of its windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from bokeh.models import ColumnDataSource, DataRange1d

from workbench.model.panes import WINDOW_START
from workbench.views import theme
from workbench.views.figures import Axes, boxes, build, drawn, line
from workbench.views.live import Columns, LivePlot, milliseconds
from workbench.views.tables import OPEN, parted, pivoted, windows


def band_plots(
    frame: pd.DataFrame,
    low: str,
    middle: str,
    high: str,
    by: str,
    *,
    categories: Sequence[str],
    color: str = theme.BLUE,
    y_format: str = "0",
    height: int = 100,
    y_range: Any = None,
) -> tuple[LivePlot, list[Any]]:
    """Give small multiples: for each category the middle as a line in a band from low to high.

    Returns
    -------
    tuple of LivePlot and list
        The plot, which fills the table that all figures share; and the figures, in order of the categories.

    Parameters
    ----------
    frame : pandas.DataFrame
        Panes of windows that do not overlap, with the columns named.
    low, middle, high, by : str
        Names of columns.
    categories : sequence of str
        One figure each.
    color, y_format, height
        As for `line_plot`.
    y_range : bokeh range, optional
        Shared by all; else each is as wide as its data.
    """
    names = [str(name) for name in categories]

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return _bands(rows, low, middle, high, by, names)

    x_range = DataRange1d(range_padding=0.01)
    plots: list[LivePlot] = []
    for i in range(len(names)):
        layers = [
            boxes(color, bottom=f"l{i}", top=f"h{i}", fill_alpha=0.28, line_color=None),
            boxes(color, bottom=f"l{i}", top=f"h{i}", table=OPEN),
            line(color, y=f"m{i}", line_width=1.5),
        ]
        hover = [
            ("window", "@left{%H:%M:%S}"),
            (middle, f"@m{i}{{0.00}}"),
            (high, f"@h{i}{{0.00}}"),
            (low, f"@l{i}{{0.00}}"),
        ]
        axes = Axes(
            y_format=y_format, zero=False, height=height, hover=hover, x_range=x_range, y_range=y_range
        )
        sources = plots[0].sources if plots else None
        plots.append(build(layers, shape, axes, frame=frame, sources=sources, categories=tuple(names), by=by))
    return plots[0], [plot.figure for plot in plots]


def _bands(
    rows: pd.DataFrame, low: str, middle: str, high: str, by: str, names: Sequence[str]
) -> dict[str, Columns]:
    left, right, still_open = windows(rows)
    columns: dict[str, npt.NDArray[Any]] = {
        "key": left,
        "left": left,
        "right": right,
        "x": (left + right) / 2,
    }
    for letter, name in (("l", low), ("m", middle), ("h", high)):
        _, values = pivoted(rows, WINDOW_START, name, by, names, moments=left)
        columns |= {f"{letter}{i}": values[:, i] for i in range(len(names))}
    return parted(columns, still_open)


def dots_on(
    figures: Sequence[Any],
    frame: pd.DataFrame,
    x: str,
    y: str,
    by: str,
    *,
    categories: Sequence[str],
    key: str = "event_id",
    color: str = theme.MUTED,
) -> LivePlot:
    """Give single values as dots behind the bands of `band_plots`.

    Parameters
    ----------
    figures : sequence of bokeh figure
        One a category.
    frame : pandas.DataFrame
        In the order in which the rows came: ``x`` (datetime), ``y`` (number), ``by``, and ``key`` (a number).
    x, y, by, key : str
        Names of columns.
    categories, color
        As for `band_plots`.
    """
    names = [str(name) for name in categories]

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return {name: _dots(rows, name, (key, x, y, by)) for name in names}

    sources = {name: ColumnDataSource(dict(table)) for name, table in shape(frame).items()}
    looks = {"x": "x", "y": "y", "size": 2.2, "fill_color": color, "fill_alpha": 0.55}
    for figure, name in zip(figures, names, strict=True):
        figure.add_glyph(sources[name], drawn("discs", looks)).level = "underlay"
    return LivePlot(sources, figures[0], shape)


def _dots(rows: pd.DataFrame, name: str, columns: tuple[str, str, str, str]) -> Columns:
    key, x, y, by = columns
    if rows.empty:
        return {"key": np.zeros(0), "x": np.zeros(0), "y": np.zeros(0)}
    own = rows[(rows[by] == name).to_numpy()]
    return {
        "key": own[key].to_numpy(dtype=float),
        "x": milliseconds(own[x]),
        "y": own[y].to_numpy(dtype=float),
    }
