"""How a figure is made: of layers that HoloViews has drawn once, on tables that are streamed into.

A chart in `workbench.views.charts` is a list of layers, axes, and a function from a frame to the tables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
import pandas as pd
from bokeh import plotting
from bokeh.models import (
    ColumnDataSource,
    DataRange1d,
    DatetimeTickFormatter,
    FixedTicker,
    HoverTool,
    NoOverlap,
    NumeralTickFormatter,
)

from workbench.views import theme
from workbench.views.live import LivePlot, Shape
from workbench.views.tables import MAIN, OPEN

_CLOCK = "%H:%M:%S"


@dataclass(frozen=True, eq=False)
class Layer:
    """One glyph of a figure, and the table it is drawn from.

    Parameters
    ----------
    kind : str
        ``boxes``, ``line``, ``strokes``, ``discs`` or ``words``: what HoloViews draws.
    glyph : mapping
        Properties of the Bokeh glyph: its columns and its looks.
    table : str
        Name of the table.
    hover : bool
        Whether pointing at it tells its values.
    """

    kind: str
    glyph: Mapping[str, Any] = field(default_factory=dict)
    table: str = MAIN
    hover: bool = True


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What is along the axes of a figure.

    Parameters
    ----------
    x_label, y_label : str
        Words with their unit; empty for none.
    y_format : str
        How numbers are written, as numbro does.
    x_time : str
        ``event`` or ``processing`` time, or empty if x is not time.
    zero : bool
        Whether y begins at zero.
    height : int
        Pixels.
    hover : sequence of (str, str)
        Words and fields of the tooltip, as Bokeh writes them.
    x_range, y_range : bokeh range, optional
        Shared with another figure.
    left : int
        Pixels left of the frame, at least; what lines up frames one above the other.
    """

    x_label: str = ""
    y_label: str = ""
    y_format: str = "0,0"
    x_time: str = "event"
    zero: bool = True
    height: int = 240
    hover: Sequence[tuple[str, str]] = ()
    x_range: Any = None
    y_range: Any = None
    left: int = 8


def build(
    layers: Sequence[Layer],
    shape: Shape,
    axes: Axes,
    *,
    sources: dict[str, ColumnDataSource] | None = None,
    frame: pd.DataFrame | None = None,
    **about: Any,
) -> LivePlot:
    """Give a figure with the layers as HoloViews draws them, on tables that can be streamed into.

    Parameters
    ----------
    layers : sequence of Layer
        The back first.
    shape : callable
        From a frame to the tables that the layers name.
    axes : Axes
        What is along the axes.
    sources : dict of str to ColumnDataSource, optional
        Tables shared with another figure.
    frame : pandas.DataFrame, optional
        What is shown at first.
    **about
        Further fields of the `LivePlot`.
    """
    tables = shape(pd.DataFrame() if frame is None else frame)
    if sources is None:
        sources = {
            name: ColumnDataSource({column: np.array(values) for column, values in table.items()})
            for name, table in tables.items()
        }
    figure = plotting.figure(x_axis_type="datetime" if axes.x_time else "linear", tools="")
    renderers = [figure.add_glyph(sources[layer.table], drawn(layer.kind, layer.glyph)) for layer in layers]
    _dress(figure, axes, [r for r, layer in zip(renderers, layers, strict=True) if layer.hover])
    return LivePlot(figure=figure, shape=shape, sources=sources, **about)


def drawn(kind: str, looks: Mapping[str, Any]) -> Any:
    """Give a Bokeh glyph as HoloViews draws a kind of element, but for the looks that are given."""
    glyph, usual = _drawn(kind)
    return glyph(**{**usual, **looks})


@functools.cache
def _drawn(kind: str) -> tuple[Any, Mapping[str, Any]]:
    """Give the class of glyph with which HoloViews draws a kind of element, and how it looks.

    HoloViews needs 20 ms for an element and 80 for a figure. A process lets it draw each kind once, and not a
    dozen figures for each browser session.
    """
    flat = pd.DataFrame({name: np.zeros(1) for name in ("x0", "y0", "x1", "y1")} | {"text": [""]})
    corners = ["x0", "y0", "x1", "y1"]
    elements: dict[str, Callable[[], Any]] = {
        "boxes": lambda: hv.Rectangles(flat, corners).opts(line_color=None, backend="bokeh"),
        "line": lambda: hv.Curve(flat, "x0", "y0").opts(line_width=2, backend="bokeh"),
        "strokes": lambda: hv.Segments(flat, corners).opts(line_width=1.2, backend="bokeh"),
        "discs": lambda: hv.Scatter(flat, "x0", "y0").opts(size=5, line_color=None, backend="bokeh"),
        "words": lambda: hv.Labels(flat, ["x0", "y0"], "text"),
    }
    if "bokeh" not in hv.Store.renderers or hv.Store.current_backend != "bokeh":
        hv.Store.set_current_backend("bokeh")
    hv.renderer("bokeh").webgl = False
    glyph = hv.render(elements[kind](), backend="bokeh").renderers[0].glyph
    return type(glyph), glyph.properties_with_values(include_defaults=False) | {"tags": []}


def _dress(figure: Any, axes: Axes, hovered: list[Any]) -> None:
    """Give a figure the house's looks."""
    figure.update(
        sizing_mode="stretch_width",
        height=axes.height,
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_left=axes.left,
        min_border_right=14,
        min_border_top=6,
        min_border_bottom=4,
        title=None,
    )
    figure.x_range = axes.x_range or DataRange1d(range_padding=0.01)
    figure.y_range = axes.y_range or (
        DataRange1d(start=0, range_padding=0.06) if axes.zero else DataRange1d(range_padding=0.08)
    )
    for ruler in (figure.x_range, figure.y_range):
        ruler.syncable = False  # or the browser would tell us its ends after every frame
    _dress_axes(figure, axes)
    if axes.hover:
        timed = ("left", "right", "x") if axes.x_time else ()
        moments = {f"@{column}": "datetime" for column in timed}
        figure.add_tools(
            HoverTool(
                renderers=hovered, tooltips=list(axes.hover), formatters=moments, point_policy="follow_mouse"
            )
        )


def _dress_axes(figure: Any, axes: Axes) -> None:
    ink = {"event": theme.EVENT_TIME, "processing": theme.PROCESSING_TIME}.get(axes.x_time, theme.MUTED)
    for axis in (figure.xaxis[0], figure.yaxis[0]):
        axis.update(
            axis_line_color=theme.LINE,
            major_tick_line_color=theme.LINE,
            minor_tick_line_color=None,
            major_label_text_font=theme.FONT,
            major_label_text_font_size="11px",
            major_label_text_color=theme.MUTED,
            axis_label_text_font=theme.FONT,
            axis_label_text_font_size="11px",
            axis_label_text_font_style="normal",
            axis_label_text_color=theme.MUTED,
            axis_label_standoff=6,
        )
    figure.xaxis[0].update(
        axis_label=axes.x_label or None, major_label_text_color=ink, axis_label_text_color=ink
    )
    figure.yaxis[0].update(axis_label=axes.y_label or None, axis_line_color=None, major_tick_line_color=None)
    figure.yaxis[0].formatter = NumeralTickFormatter(format=axes.y_format)
    figure.yaxis[0].ticker.desired_num_ticks = 5
    figure.xgrid[0].grid_line_color = None
    figure.ygrid[0].update(grid_line_color=theme.GRID, visible=True)
    if axes.x_time:
        time_format(figure, _CLOCK)
        figure.xaxis[0].ticker.desired_num_ticks = 6


def time_format(figure: Any, wording: str) -> None:
    """Write the times along x in one way, however far apart the ticks are; on a phone not at all of them."""
    units = ("microseconds", "milliseconds", "seconds", "minsec", "minutes", "hourmin", "hours")
    longer = ("days", "months", "years")
    figure.xaxis[0].formatter = DatetimeTickFormatter(**dict.fromkeys(units + longer, wording))
    figure.xaxis[0].major_label_policy = NoOverlap(min_distance=8)


def boxes(
    color: Any,
    *,
    bottom: str,
    top: str,
    left: str = "left",
    right: str = "right",
    table: str = MAIN,
    **glyph: Any,
) -> Layer:
    """Give boxes between four columns; those of the table ``open`` are light and hatched.

    Bokeh makes a canvas for every hatched box, even a blank one, at every paint; so only the few open windows
    have a hatch at all.
    """
    looks: dict[str, Any] = {"left": left, "right": right, "bottom": bottom, "top": top, "fill_color": color}
    if table == OPEN:
        looks |= {
            "fill_alpha": theme.OPEN_ALPHA,
            "line_color": color,
            "line_width": 0.75,
            "hatch_pattern": {"value": theme.OPEN_HATCH},
            "hatch_color": color,
            "hatch_alpha": 0.8,
            "hatch_scale": 7.0,
            "hatch_weight": 1.0,
        }
    else:
        looks |= {"fill_alpha": theme.CLOSED_ALPHA, "line_color": theme.PAPER, "line_width": 0.5}
    return Layer("boxes", looks | glyph, table)


def line(color: str, *, y: str, table: str = MAIN, **glyph: Any) -> Layer:
    """Give a line through the column ``y`` along the column ``x``."""
    return Layer("line", {"x": "x", "y": y, "line_color": color} | glyph, table, hover=False)


def strokes(color: str, *, table: str = MAIN) -> Layer:
    """Give upright strokes at the column ``x``, from the column ``low`` to ``high``."""
    looks = {"x0": "x", "y0": "low", "x1": "x", "y1": "high", "line_color": color}
    return Layer("strokes", looks, table, hover=False)


def discs(color: str, *, y: str, size: float, table: str = MAIN) -> Layer:
    """Give discs at the column ``y`` along the column ``x``."""
    return Layer("discs", {"x": "x", "y": y, "fill_color": color, "size": size}, table)


def wording(text: str, *, x: str, y: str, table: str = MAIN) -> Layer:
    """Give the words of the column ``text`` right of two other columns."""
    looks = {
        "x": x,
        "y": y,
        "text": {"field": text},
        "x_offset": 7,
        "text_align": "left",
        "text_baseline": "middle",
        "text_color": theme.INK,
        "text_font": {"value": theme.FONT},
        "text_font_size": "11px",
    }
    return Layer("words", looks, table, hover=False)


def category_axis(figure: Any, names: Sequence[str], *, axis: str = "y") -> None:
    """Write words at the whole numbers of an axis."""
    ruler = figure.yaxis[0] if axis == "y" else figure.xaxis[0]
    ruler.ticker = FixedTicker(ticks=list(range(len(names))))
    ruler.major_label_overrides = dict(enumerate(names))
    ruler.major_label_text_color = theme.INK
    ruler.major_label_text_font_size = "12px"
