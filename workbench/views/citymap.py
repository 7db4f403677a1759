"""Maps without a network: stations where they stand, and outlines of countries below them."""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
import pandas as pd
from bokeh.models import LinearColorMapper, Range1d

from simulators import datasets
from workbench.views import theme
from workbench.views.figures import Axes, Layer, build, line
from workbench.views.heatmaps import PALETTE, color_scale
from workbench.views.live import Columns, LivePlot, words

MARKS: Final = {"well": "circle", "faulty": "triangle", "silent": "x"}
"""Health, and the shape that says it."""


def map_plot(
    frame: pd.DataFrame, borders: pd.DataFrame, *, value: str = "temperature", height: int = 320
) -> LivePlot:
    """Give stations where they stand: colour is a value, shape is health, a ring grows while one is silent.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a station: ``key`` (a number), ``station, longitude, latitude``, the value, ``health``,
        ``silent``
        (seconds).
    borders : pandas.DataFrame
        Lines below them, one after the other: ``line`` (a number), ``longitude, latitude``.
    value : str
        The column that is the colour.
    height : int
        Pixels.
    """
    mapper = LinearColorMapper(palette=PALETTE)
    ring = {
        "x": "x",
        "y": "y",
        "size": "ring",
        "fill_color": None,
        "line_color": theme.MUTED,
        "line_dash": [3, 3],
    }
    layers = [
        line(theme.LINE, y="y", table="borders", line_width=1.5),
        Layer("discs", ring, "all", hover=False),
    ]
    drawn = {"borders": _lines(borders, "line")}
    for health, marker in MARKS.items():
        looks = {
            "x": "x", "y": "y", "size": 15 if health == "well" else 17, "marker": {"value": marker},
            "fill_color": {"field": "value", "transform": mapper}, "line_width": 1.4,
            "line_color": theme.MUTED if health == "well" else theme.VERMILLION,
        }  # fmt: skip
        layers.append(Layer("discs", looks, health))

    def shape(rows: pd.DataFrame) -> dict[str, Columns]:
        return drawn | _stations(rows, value)

    axes = Axes(
        x_time="", height=height, zero=False, x_label="longitude, °", y_label="latitude, °", y_format="0.00",
        hover=[("station", "@name"), (value, "@value{0.00}"), ("health", "@health")],
    )  # fmt: skip
    plot = build(layers, shape, axes, frame=frame)
    plot.figure.xgrid[0].update(grid_line_color=theme.GRID, visible=True)
    color_scale(plot, mapper, list(MARKS), "0.0")
    plot.figure.x_range.range_padding = plot.figure.y_range.range_padding = 0.12
    return plot


def _stations(rows: pd.DataFrame, value: str) -> dict[str, Columns]:
    names = {"key": "key", "x": "longitude", "y": "latitude", "value": value, "silent": "silent"}
    columns: dict[str, Any] = {
        name: rows[column].to_numpy(dtype=float) if len(rows) else np.zeros(0)
        for name, column in names.items()
    }
    columns["ring"] = np.minimum(18 + columns["silent"] / 4, 60)
    health = rows["health"].to_numpy(dtype=str) if len(rows) else np.zeros(0, dtype=str)
    columns["name"], columns["health"] = words(rows["station"] if len(rows) else []), words(health)
    masks = {name: health == name for name in MARKS} | {"all": np.ones(len(health), dtype=bool)}
    return {name: {held: column[mask] for held, column in columns.items()} for name, mask in masks.items()}


def where_plot(*, longitude: float = 11.5, latitude: float = 48.1, height: int = 200) -> LivePlot:
    """Give the outlines of the countries around a place, and a mark where it is; it never changes."""
    star = {"x": "x", "y": "y", "size": 10, "fill_color": theme.VERMILLION, "marker": {"value": "star"}}
    mark = Layer("discs", star,
                 "place", hover=False)  # fmt: skip
    there = np.array([longitude]), np.array([latitude])

    def shape(_: pd.DataFrame) -> dict[str, Columns]:
        return {"main": outlines(), "place": {"key": np.zeros(1), "x": there[0], "y": there[1]}}

    wide = Range1d(longitude - 14, longitude + 14), Range1d(latitude - 7.5, latitude + 7.5)
    axes = Axes(x_time="", height=height, x_range=wide[0], y_range=wide[1], y_format="0", zero=False)
    plot = build([line(theme.MUTED, y="y", line_width=1), mark], shape, axes)
    plot.figure.ygrid[0].visible = False
    return plot


@functools.cache
def outlines() -> Columns:
    """Give the coasts and borders of all countries as one line with gaps: ``x`` (longitude) and ``y``."""
    points = datasets.table("outlines")
    points = points[points["layer"] == "country"]
    near = points.groupby("ring")["longitude"].transform(lambda x: ((x > -8) & (x < 30)).any())
    return _lines(points[near & points["latitude"].between(30, 65)], "ring")


def _lines(points: pd.DataFrame, by: str) -> Columns:
    """Give lines as a single one with gaps."""
    parted = np.flatnonzero(np.diff(points[by].to_numpy()) != 0) + 1
    x = np.insert(points["longitude"].to_numpy(dtype=float), parted, np.nan)
    y = np.insert(points["latitude"].to_numpy(dtype=float), parted, np.nan)
    return {"key": np.arange(len(x), dtype=float), "x": x, "y": y}
