"""Candles: how a price went within each window."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.views import theme
from workbench.views.figures import Axes, boxes, build, line, strokes
from workbench.views.live import Columns, LivePlot
from workbench.views.tables import OPEN, parted, windows


def candle_plot(
    frame: pd.DataFrame,
    *,
    average: str = "",
    y_label: str = "",
    y_format: str = "0,0.00",
    height: int = 240,
    x_label: str = "",
    x_range: Any = None,
    left: int = 8,
) -> LivePlot:
    """Give a candle for each window: hollow blue where it closes higher, filled vermillion where lower.

    The scale goes by the bodies, so that one mad trade does not flatten all others; its wick
    leaves the frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        Panes of one key: ``window_start, window_end, open, high, low, close``, perhaps ``timing``.
    average : str
        A column drawn as a line, such as the volume-weighted average price; none if empty.
    y_label, y_format, height, x_label, x_range, left
        As for `line_plot`.
    """
    layers = [strokes(theme.MUTED), strokes(theme.MUTED, table=OPEN)]
    layers += [
        boxes(theme.PAPER, bottom="from", top="up", fill_alpha=1.0, line_color=theme.UP, line_width=1.4),
        boxes(theme.DOWN, bottom="down", top="from", line_color=theme.DOWN, line_width=1.4),
        boxes(theme.UP, bottom="from", top="up", table=OPEN, line_width=1.4),
        boxes(theme.DOWN, bottom="down", top="from", table=OPEN, line_width=1.4),
    ]
    if average:
        layers.append(line(theme.ORANGE, y="average", table="average", line_width=2))

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        tables = _candles(rows)
        return tables | {"average": _average(rows, average)} if average else tables

    hover = [("window", "@left{%H:%M:%S}")]
    hover += [(name, f"@{name}{{{y_format}}}") for name in ("open", "high", "low", "close")]
    axes = Axes(
        x_label=x_label,
        y_label=y_label,
        y_format=y_format,
        zero=False,
        height=height,
        hover=hover,
        x_range=x_range,
        left=left,
    )
    plot = build(layers, shape, axes, frame=frame)
    bodies = [r for r, layer in zip(plot.figure.renderers, layers, strict=True) if "bottom" in layer.glyph]
    plot.figure.y_range.update(renderers=bodies, range_padding=0.25)
    return plot


def _candles(rows: pd.DataFrame) -> dict[str, Columns]:
    left, right, still_open = windows(rows)
    prices = {
        name: rows[name].to_numpy(dtype=float) if len(rows) else np.zeros(0)
        for name in ("open", "high", "low", "close")
    }
    rising = prices["close"] >= prices["open"]
    gap = 0.14 * (right - left)
    columns: dict[str, npt.NDArray[Any]] = {
        "key": left,
        "x": (left + right) / 2,
        "left": left + gap,
        "right": right - gap,
        "from": prices["open"],
        "up": np.where(rising, prices["close"], np.nan),
        "down": np.where(rising, np.nan, prices["close"]),
    }
    return parted(columns | prices, still_open)


def _average(rows: pd.DataFrame, average: str) -> Columns:
    _, right, still_open = windows(rows)
    value = rows[average].to_numpy(dtype=float) if len(rows) else np.zeros(0)
    return {"key": right[~still_open], "x": right[~still_open], "average": value[~still_open]}
