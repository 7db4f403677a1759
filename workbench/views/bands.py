"""Bands: small figures side by side, each with the least, the middle and the greatest of its windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import pandas as pd
from bokeh.models import DataRange1d

from workbench.model.panes import WINDOW_START
from workbench.views import theme
from workbench.views.figures import Axes, boxes, build, line
from workbench.views.live import Columns, LivePlot
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
        Shared by all; else as wide as the data.
    """
    names = [str(name) for name in categories]

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return _bands(rows, low, middle, high, by, names)

    x_range, y_shared = DataRange1d(range_padding=0.01), y_range or DataRange1d(range_padding=0.05)
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
            y_format=y_format, zero=False, height=height, hover=hover, x_range=x_range, y_range=y_shared
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
