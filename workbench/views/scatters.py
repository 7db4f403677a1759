"""Scatters: a mark for each row, whose shape and colour say what it is; what is true can be ringed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.views import theme
from workbench.views.figures import Axes, Layer, build
from workbench.views.live import Columns, LivePlot

TRUE: Final = "true"
"""The table of rows that are ringed."""


def scatter_plot(
    frame: pd.DataFrame,
    x: str,
    y: str,
    by: str,
    *,
    kinds: Mapping[str, tuple[str, str]],
    true: str = "",
    key: str = "key",
    x_label: str = "",
    y_label: str = "",
    y_format: str = "0.0",
    height: int = 240,
    ranges: tuple[Any, Any] = (None, None),
) -> LivePlot:
    """Give a mark for each row.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``x``, ``y`` (numbers), ``by``, ``key`` (a number of its own for each row), perhaps ``true``.
    x, y, by, true, key : str
        Names of columns; rows of which ``true`` holds have a ring.
    kinds : mapping of str to (str, str)
        By value of ``by``: colour and Bokeh marker.
    x_label, y_label, y_format, height
        As for `line_plot`.
    ranges : tuple
        Bokeh ranges of both axes; None for one that fits.
    """
    layers = [
        Layer("discs", {"x": "x", "y": "y", "fill_color": color, "fill_alpha": 0.65, "size": 6,
                        "marker": {"value": marker}}, kind)
        for kind, (color, marker) in kinds.items()
    ]  # fmt: skip
    ring = {"x": "x", "y": "y", "fill_color": None, "size": 11, "line_color": theme.INK, "line_width": 1.2}
    layers.append(Layer("discs", ring, TRUE, hover=False))

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        kind = rows[by].astype(str).to_numpy() if len(rows) else np.zeros(0, dtype=str)
        truth = rows[true].to_numpy(dtype=bool) if true and true in rows else np.zeros(len(rows), dtype=bool)
        columns = {
            name: rows[column].to_numpy(dtype=float) if len(rows) else np.zeros(0)
            for name, column in (("key", key), ("x", x), ("y", y))
        }
        masks = {name: kind == name for name in kinds} | {TRUE: truth}
        return {
            name: {held: column[mask] for held, column in columns.items()} for name, mask in masks.items()
        }

    axes = Axes(
        x_label=x_label, y_label=y_label, y_format=y_format, x_time="", height=height, zero=False,
        hover=[(x_label or x, "@x{0.0}"), (y_label or y, "@y{0.00}")], x_range=ranges[0], y_range=ranges[1],
    )  # fmt: skip
    legend = [(color, kind) for kind, (color, _) in kinds.items()]
    return build(layers, shape, axes, frame=frame, legend=legend)
