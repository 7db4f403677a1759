"""HoloViews elements with the house's looks: a picture is made of parts, and each part is one element.

A part keeps its columns, so that once HoloViews has drawn the element they can be streamed into what it drew:
see `workbench.views.drawing`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
import numpy.typing as npt
from bokeh.models import DatetimeTickFormatter, NumeralTickFormatter

from workbench.views import theme
from workbench.views.live import Columns

CLOCK = "%H:%M:%S"
HATCHED = {
    "hatch_pattern": theme.OPEN_HATCH,
    "hatch_alpha": 0.8,
    "hatch_scale": 7.0,
    "hatch_weight": 1.0,
}
"""How a window that is still open looks, besides being lighter."""
HEIGHT = 260
LEGEND = {
    "border_line_color": None,
    "background_fill_color": None,
    "label_text_font": theme.FONT,
    "label_text_font_size": "11px",
    "label_text_color": theme.MUTED,
    "padding": 0,
    "margin": 4,
    "spacing": 0,
    "glyph_height": 12,
    "glyph_width": 14,
    "click_policy": "hide",
}
"""How legends look."""


def own(name: str) -> str:
    """Give the name of a column of ours beside those of a stream, where nobody's is called so.

    Examples
    --------
    >>> own("state")
    'wb·state'
    """
    return f"wb·{name}"


STATE = own("state")
"""Whether a window is final or still open, in words."""
CORNERS = ("left", "bottom", "right", "top")
"""What HoloViews calls the sides of boxes."""
_TAKEN = frozenset((*CORNERS, "width", "zvalues", "fill_color", "fill_alpha", "line_color"))


def held(name: str) -> str:
    """Give the name under which a part holds a stream's column, where HoloViews adds columns of its own.

    Examples
    --------
    >>> held("price"), held("top")
    ('price', 'wb·top')
    """
    return own(name) if name in _TAKEN else name


@dataclass(frozen=True, eq=False)
class Part:
    """One element of a picture.

    Parameters
    ----------
    element : str
        The name of the HoloViews element.
    kdims, vdims : sequence of str
        Its dimensions, in order.
    columns : mapping of str to array
        A column for each dimension, and perhaps others that pointing at it tells; times as milliseconds since
        1970-01-01 UTC.
    times : set of str
        The dimensions that are times.
    looks : mapping
        Options of the element. One that names a column as ``dim("fill_color")`` does takes its colours there.
    hatched : bool
        Whether it is of windows that are still open.
    keys : array, optional
        What tells rows apart; else the first column does.
    zero : bool
        Whether its values are measured from zero.
    scaled : bool
        Whether the axes make room for it.
    category : str, optional
        What it shows, where a picture has one part for each; it is a word of the legend.
    tooltips : sequence of (str, str)
        What pointing at it tells; nothing without.
    """

    element: str
    kdims: Sequence[str]
    vdims: Sequence[str]
    columns: Columns
    times: frozenset[str] = frozenset()
    looks: Mapping[str, Any] = field(default_factory=dict)
    hatched: bool = False
    keys: npt.NDArray[np.float64] | None = None
    zero: bool = False
    scaled: bool = True
    category: str | None = None
    tooltips: Sequence[tuple[str, str]] = ()

    @property
    def dimensions(self) -> list[str]:
        """The key dimensions and the value dimensions."""
        return [*self.kdims, *self.vdims]

    @functools.cached_property
    def data(self) -> dict[str, npt.NDArray[Any]]:
        """The columns as HoloViews is given them, and keeps them as long as nobody changes an element."""
        given = {
            name: moments(column) if name in self.times else column for name, column in self.columns.items()
        }
        if self.element == "Histogram":
            return {self.kdims[0]: np.append(given[own("left")], given[own("right")][-1:]), **given}
        return given


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What is along the axes of a picture.

    Parameters
    ----------
    x_label, y_label : str
        Words with their unit.
    x_time : bool
        Whether x is event time: its axis is blue then.
    grid : str
        The axis whose values have lines across: ``x``, ``y`` or none.
    opts : mapping
        HoloViews options of the whole picture.
    """

    x_label: str = ""
    y_label: str = ""
    x_time: bool = True
    grid: str = "y"
    opts: Mapping[str, Any] = field(default_factory=dict)


def composed(parts: Mapping[str, Part], by: str, axes: Axes) -> Any:
    """Give a picture: one `holoviews.NdOverlay` of the parts that have a category, and the others over it."""
    backend()
    dress = functools.partial(dressed, axes=axes)
    elements = {name: _element(part, dress) for name, part in parts.items()}
    named = {part.category: elements[name] for name, part in parts.items() if part.category is not None}
    layers = [hv.NdOverlay(named, kdims=[by or own("series")], sort=False)] if named else []
    layers += [elements[name] for name, part in parts.items() if part.category is None]
    if "Table" in {part.element for part in parts.values()}:
        return layers[0].opts(**{"height": HEIGHT, "width": 900, **axes.opts}, backend="bokeh")
    looks = {"xlabel": axes.x_label, "ylabel": axes.y_label, "responsive": True, "height": HEIGHT}
    if len(layers) > 1:
        looks |= {"legend_position": "right", "show_legend": len(named) > 1, "legend_opts": LEGEND}
    whole = functools.reduce(operator.mul, layers)
    return whole.opts(**(looks | dict(axes.opts)), backend="bokeh")


def _element(part: Part, dress: Any) -> Any:
    """Give the HoloViews element of a part; its columns of numbers are the part's own arrays."""
    data: Any = part.data
    if part.element == "Histogram":
        data = tuple(data[name] for name in part.dimensions)
    made = getattr(hv, part.element)(data, kdims=list(part.kdims), vdims=list(part.vdims))
    if part.element == "Table":
        return made
    hooks = [dress, *([hatched] if part.hatched else [])]
    looks: dict[str, Any] = {"hooks": hooks, "default_tools": ["pan", "wheel_zoom", "reset", "save"]}
    looks |= {"hover_tooltips": list(part.tooltips), "tools": ["hover"]} if part.tooltips else {}
    return made.opts(**(looks | dict(part.looks)), backend="bokeh")


def moments(milliseconds: npt.NDArray[np.float64]) -> npt.NDArray[np.datetime64]:
    """Give milliseconds since 1970-01-01 as datetimes; NaN as NaT.

    Examples
    --------
    >>> moments(np.array([1500.0, np.nan]))
    array(['1970-01-01T00:00:01.500000',                        'NaT'],
          dtype='datetime64[us]')
    """
    counted = np.nan_to_num(np.round(milliseconds * 1e3), nan=np.iinfo(np.int64).min)
    return counted.astype(np.int64).view("datetime64[us]")


@functools.cache
def backend() -> None:
    """Let HoloViews draw with Bokeh, without WebGL: that is slower where there is no graphics card."""
    hv.Store.set_current_backend("bokeh")  # which also makes hv.opts.Curve and its like
    hv.renderer("bokeh").webgl = False


def hatched(plot: Any, _: Any) -> None:
    """Hatch what HoloViews drew: it has no option for that."""
    glyph = plot.handles["glyph"]
    if getattr(glyph.hatch_pattern, "value", glyph.hatch_pattern) != HATCHED["hatch_pattern"]:
        glyph.update(**HATCHED, hatch_color=glyph.fill_color)


def dressed(plot: Any, _: Any, *, axes: Axes) -> None:
    """Give the figure the house's looks, once."""
    figure = plot.handles["plot"]
    if theme.FONT in figure.tags:
        return
    figure.tags = [*figure.tags, theme.FONT]
    figure.update(
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=14,
    )
    for axis in figure.axis:
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
        )
    if axes.x_time:
        figure.xaxis[0].update(
            major_label_text_color=theme.EVENT_TIME,
            axis_label_text_color=theme.EVENT_TIME,
            formatter=clock_format(),
        )
    for axis in figure.axis:
        if type(axis).__name__ == "LinearAxis":
            axis.update(formatter=NumeralTickFormatter(format="0,0.[00]"), axis_line_color=None)
    figure.toolbar.autohide = True
    for legend in figure.legend:
        legend.update(**LEGEND)
    figure.xgrid.visible, figure.ygrid.visible = axes.grid == "x", axes.grid == "y"
    figure.grid.grid_line_color = theme.GRID


def clock_format() -> DatetimeTickFormatter:
    """Write times of the day, and the day only where days are told apart."""
    units = ("seconds", "minsec", "minutes", "hourmin", "hours")
    parts = dict.fromkeys(("microseconds", "milliseconds"), f"{CLOCK}.%3N")
    return DatetimeTickFormatter(**parts, **dict.fromkeys(units, CLOCK), days="%d %b", months="%b %Y")
