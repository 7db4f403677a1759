"""A composed picture as a Bokeh document: HoloViews draws it once, then its tables are streamed into.

HoloViews takes 20 to 200 ms to bring a `holoviews.DynamicMap` up to date, streaming 2 to 20. So where an
element that is drawn is one of a part, as it was given (dressed in other options, perhaps), the part's new
columns go straight to what it was drawn from. Where somebody has made something else of it, it is left to
HoloViews.
"""

from __future__ import annotations

import html
import warnings
from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.document import Document
from bokeh.models import DataRange1d, Legend, Range1d, TableColumn, Toolbar
from holoviews.core.util import dimension_sanitizer

from workbench.views.elements import CORNERS, Part, backend, own
from workbench.views.live import Columns, sync
from workbench.views.rows import Rows, forget, rows_in
from workbench.views.tables import lasting

KEY = own("key")
"""The column by which rows are recognised."""


class Drawing:
    """A HoloViews object, drawn.

    Parameters
    ----------
    shown : holoviews object
        With the rows of streams in it.
    """

    def __init__(self, shown: Any) -> None:
        backend()
        self.rows = rows_in(shown)
        forget(shown)
        with warnings.catch_warnings():  # legends that do other things than ours are not one with them
            warnings.filterwarnings("ignore", "Click policy of legends")
            self.plot = hv.renderer("bokeh").instance(mode="default", webgl=False).get_plot(shown)
        self._bound = {rows: _bound(self.plot, rows) for rows in self.rows}
        self._form = [rows.form() for rows in self.rows]
        for rows in self.rows:
            self._stream(rows)
        _follow_data(
            self.plot,
            [(leaf, rows.parts()[name]) for rows in self.rows for leaf, name in self._bound[rows] or ()],
            _least([lasting(rows.frame) for rows in self.rows]),
        )
        for toolbar in self.plot.state.select({"type": Toolbar}):
            toolbar.logo = None
        for column in self.plot.state.select({"type": TableColumn}):
            column.title = html.escape(column.title)  # which BokehJS reads as HTML
        for figure in self.figures:
            for legend in figure.right:
                if isinstance(legend, Legend):
                    legend.location = "top_left"
        self.document = Document()
        self.document.add_root(self.plot.state)

    @property
    def figures(self) -> list[Any]:
        """The Bokeh figures, in order; a table is none."""
        figures = (each.handles.get("plot") for each in _figures(self.plot))
        return list(dict.fromkeys(figure for figure in figures if figure is not None))

    @property
    def outgrown(self) -> bool:
        """Whether other parts are needed than were drawn: there is a new category, or the first rows came."""
        return [rows.form() for rows in self.rows] != self._form

    def update(self, changed: Sequence[Rows]) -> None:
        """Show what has changed."""
        slow = [rows for rows in changed if not self._stream(rows)]
        if slow:
            self.plot.refresh()  # and not what others have drawn of the same rows

    def close(self) -> None:
        """Take the drawing off the streams of HoloViews."""
        self.plot.cleanup()

    def _stream(self, rows: Rows) -> bool:
        bound = self._bound[rows]
        if bound is None:
            return False
        parts = rows.parts()
        for leaf, name in bound:
            sync(leaf.handles["source"], columns(leaf, parts[name]), KEY)
            _recolor(leaf, parts[name])
        return True


def columns(leaf: Any, part: Part) -> Columns:
    """Give a part's columns as the source of its element has them, and the key that tells rows apart."""
    given = part.columns
    names = [_name(leaf, dimension.name) for dimension in leaf.current_frame.dimensions()]
    if part.element == "Area":  # a polygon, there and back
        x, top, bottom = (given[name] for name in part.dimensions)
        there = {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([bottom, top[::-1]])}
        return there | {KEY: np.arange(len(there["x"]), dtype=float)}
    if part.element == "Histogram":
        sides = {"left": given[own("left")], "right": given[own("right")]}
        return sides | {"top": given[part.vdims[0]], KEY: given[own("left")]}
    if part.element == "Rectangles":
        names[:4] = CORNERS
    shaped = dict(zip(names, (given[name] for name in part.dimensions), strict=True))
    shaped |= {name: column for name, column in given.items() if name not in part.dimensions}
    if part.element == "HeatMap":
        shaped |= {"zvalues": shaped[names[2]]}
    keys = part.keys if part.keys is not None else next(iter(shaped.values()))
    return shaped | {KEY: keys}


def _name(leaf: Any, dimension: str) -> str:
    """Give the column of a dimension: some elements take its name as it is, others make it a word."""
    drawn = leaf.handles["source"].data
    plain = dimension_sanitizer(dimension)
    return plain if plain in drawn and dimension not in drawn else dimension


def _bound(plot: Any, rows: Rows) -> list[tuple[Any, str]] | None:
    """Find where each part was drawn; None if somebody has made something else of one."""
    parts, found = rows.parts(), []
    for leaf in plot.traverse(
        lambda each: each, [hv.plotting.bokeh.ElementPlot, hv.plotting.bokeh.TablePlot]
    ):
        if rows not in getattr(leaf, "streams", ()) or isinstance(leaf, hv.plotting.bokeh.OverlayPlot):
            continue
        name = next((name for name, part in parts.items() if _is_of(leaf, part)), None)
        if name is None:
            return None
        _repoint(leaf, parts[name])
        found.append((leaf, name))
    return found if {name for _, name in found} == set(parts) else None


def _is_of(leaf: Any, part: Part) -> bool:
    """Tell whether what was drawn are the very numbers of a part."""
    element = leaf.current_frame
    if type(element).__name__ != part.element or not isinstance(element.data, dict):
        return False
    if getattr(leaf, "invert_axes", False) != part.looks.get("invert_axes", False):
        return False
    own = list(part.data.values())
    return all(any(held is column for column in own) for held in element.data.values())


def _repoint(leaf: Any, part: Part) -> None:
    """Let the colours of rows come from their columns, which HoloViews leaves out where all are the same."""
    glyph, style = leaf.handles.get("glyph"), leaf.style[leaf.cyclic_index]
    for name, look in part.looks.items():
        if isinstance(look, hv.dim) and style.get(name) is look:
            setattr(glyph, name, {"field": name})
    if part.element == "HeatMap":
        glyph.width = {"field": "width"}
    if part.hatched and part.element != "VSpans":
        glyph.hatch_color = glyph.fill_color


def _recolor(leaf: Any, part: Part) -> None:
    """Let the colours of a heat map reach from its least to its greatest number, unless somebody has said."""
    mapper = leaf.handles.get("color_mapper")
    numbers = part.columns[part.vdims[0]] if part.vdims else np.zeros(0)
    if (
        part.element != "HeatMap"
        or mapper is None
        or any(map(_known, leaf.clim))
        or not np.isfinite(numbers).any()
    ):
        return
    mapper.update(low=float(np.nanmin(numbers)), high=float(np.nanmax(numbers)))


def _least(lengths: Sequence[pd.Timedelta | None]) -> float:
    """Give the span of an axis of time on which there is one moment, in milliseconds: of the longest window.

    Examples
    --------
    >>> _least([None, pd.Timedelta("1min")]), _least([None])
    (60000.0, 1000.0)
    """
    return max((length.total_seconds() * 1e3 for length in lengths if length is not None), default=0) or 1e3


def _follow_data(plot: Any, bound: Sequence[tuple[Any, Part]], least: float) -> None:
    """Let the browser fit the axes of what is streamed; it stops when somebody zooms, until a reset.

    An axis of time spans ``least`` milliseconds where there is but one moment. Axes whose limits somebody has
    set stay as they are, and those that figures share stay shared.
    """
    made: dict[str, DataRange1d] = {}
    wholes = {each.handles.get("plot"): each for each in _figures(plot)}
    drawn = [(leaf, part) for leaf, part in bound if leaf.handles.get("plot") in wholes]
    figures = {leaf.handles["plot"]: None for leaf, _ in drawn}
    rulers = {(figure, axis): getattr(figure, f"{axis}_range") for figure in figures for axis in "xy"}
    for (figure, axis), ruler in rulers.items():
        limits = getattr(wholes[figure], f"{axis}lim")
        if isinstance(ruler, Range1d) and not any(_known(limit) for limit in limits):
            inside = [each for each in drawn if rulers[each[0].handles["plot"], axis] is ruler]
            setattr(figure, f"{axis}_range", made.setdefault(ruler.id, _data_range(axis, inside, least)))


def _data_range(axis: str, inside: Sequence[tuple[Any, Part]], least: float) -> DataRange1d:
    upright = "x" if any(getattr(leaf, "invert_axes", False) for leaf, _ in inside) else "y"
    fitted = [leaf.handles["glyph_renderer"] for leaf, part in inside if part.scaled]
    if axis != upright:
        span = {"default_span": least} if any(part.times for _, part in inside) else {}
        return DataRange1d(range_padding=0.02, renderers=fitted, **span)
    zero = any(part.zero for _, part in inside) and not any(_negative(part) for _, part in inside)
    return DataRange1d(start=0, range_padding=0.12) if zero else DataRange1d(range_padding=0.15)


def _negative(part: Part) -> bool:
    """Tell whether a part goes below zero."""
    upright = part.kdims[1::2] if part.element in ("Rectangles", "Segments") else part.vdims[:1]
    return any(bool((part.columns[name] < 0).any()) for name in upright if name in part.columns)


def _figures(plot: Any) -> list[Any]:
    return [
        each
        for each in plot.traverse(lambda part: part, [hv.plotting.bokeh.ElementPlot])
        if not each.overlaid
    ]


def _known(limit: Any) -> bool:
    return limit is not None and limit == limit
