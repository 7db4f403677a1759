"""Heat maps: a cell for each pair of a row and a column, the darker the more; what is missing is hatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from bokeh.models import BasicTicker, ColorBar, LinearColorMapper, NoOverlap, NumeralTickFormatter, Range1d
from bokeh.palettes import cividis

from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.views import theme
from workbench.views.figures import Axes, Layer, boxes, build, category_axis, wording
from workbench.views.live import Columns, LivePlot, milliseconds, words
from workbench.views.tables import MAIN, OPEN, openness

GAPS: Final = "gaps"
"""The table of cells that there is nothing for."""
PALETTE: Final = tuple(reversed(cividis(64)))
"""Light is little, dark is much; the order of light is the same for those who do not see all colours."""


def matrix_plot(
    frame: pd.DataFrame,
    x: str,
    y: str,
    value: str,
    text: str,
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    height: int = 240,
    x_label: str = "",
) -> LivePlot:
    """Give a cell for each pair of two categories, with words in it.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a cell: ``x``, ``y``, ``value`` and the words ``text``.
    x, y, value, text : str
        Names of columns.
    columns, rows : sequence of str
        The categories from left to right, and from top to bottom.
    height, x_label
        As for `line_plot`.
    """
    inside = wording("text", x="x", y="y")
    centred = dict(inside.glyph) | {"x_offset": 0, "text_align": "center", "text_color": {"field": "ink"}}
    layers = [_cells(LinearColorMapper(palette=PALETTE)), Layer("words", centred, MAIN, hover=False)]

    def shape(told: pd.DataFrame) -> dict[str, Columns]:
        return {MAIN: _matrix(told, (x, y, value, text), columns, rows)}

    axes = Axes(
        x_time="",
        height=height,
        x_label=x_label,
        x_range=Range1d(-0.5, len(columns) - 0.5),
        y_range=Range1d(len(rows) - 0.5, -0.5),
        hover=[(x, "@column"), (y, "@row"), (value, "@value{0.0}")],
    )
    plot = build(layers, shape, axes, frame=frame, categories=tuple(rows), by=y)
    category_axis(plot.figure, columns, axis="x")
    plot.figure.xaxis[0].update(  # words side by side, in a third of a page, or on a phone
        major_label_text_font_size="11px", major_label_policy=NoOverlap(min_distance=2)
    )
    category_axis(plot.figure, rows)
    plot.figure.ygrid[0].visible = False
    return plot


def _matrix(
    told: pd.DataFrame, names: tuple[str, str, str, str], columns: Sequence[str], rows: Sequence[str]
) -> Columns:
    x, y, value, text = names
    if len(told):
        places = [pd.Index(list(known)).get_indexer(told[name].astype(str)) for name, known in
                  ((x, columns), (y, rows))]  # fmt: skip
        known = (places[0] >= 0) & (places[1] >= 0)
        across, down = places[0][known].astype(float), places[1][known].astype(float)
        values, said = told[value].to_numpy(dtype=float)[known], words(told[text][known])
    else:
        across = down = values = np.zeros(0)
        said = words([])
    dark = values > 0.5 * (values.max() if len(values) else 0)
    return {
        "key": down * len(columns) + across,
        "x": across, "y": down,
        "left": across - 0.48, "right": across + 0.48, "bottom": down - 0.46, "top": down + 0.46,
        "value": values, "text": said, "ink": words(np.where(dark, "#ffffff", "#1b2430")),
        "column": words([columns[int(i)] for i in across]), "row": words([rows[int(i)] for i in down]),
    }  # fmt: skip


def strip_plot(
    frame: pd.DataFrame,
    by: str,
    value: str,
    *,
    categories: Sequence[str],
    height: int = 240,
    x_label: str = "event time (UTC)",
    y_format: str = "0,0.0",
    low: float | None = None,
    high: float | None = None,
    among: Callable[[], Sequence[str]] | None = None,
) -> LivePlot:
    """Give a row of cells for each category, one a window; windows without rows in between are hatched grey.

    Parameters
    ----------
    frame : pandas.DataFrame
        Panes of windows of one size that do not overlap: ``window_start, window_end``, ``by``, ``value``.
    by, value : str
        Names of columns.
    categories : sequence of str
        The rows, from top to bottom.
    low, high : float, optional
        Values of the lightest and the darkest colour; else the least and the greatest.
    among : callable, optional
        Gives the categories that are looked at, as a filter leaves them; of others nothing is said to miss.
    height, x_label, y_format
        As for `line_plot`.
    """
    names = [str(name) for name in categories]
    missing = boxes(theme.MUTED, bottom="bottom", top="top", table=GAPS, line_color=None, fill_alpha=0.08)
    hatch = {"hatch_pattern": {"value": "x"}, "hatch_color": theme.MUTED, "hatch_alpha": 0.5}
    missing = Layer(
        "boxes", {**missing.glyph, **hatch, "hatch_scale": 7.0, "hatch_weight": 0.7}, GAPS, hover=False
    )
    mapper = LinearColorMapper(palette=PALETTE, low=low, high=high)
    layers = [_cells(mapper), _cells(mapper, table=OPEN), missing]

    def shape(told: pd.DataFrame) -> dict[str, Columns]:
        return _strips(told, by, value, names, names if among is None else among())

    axes = Axes(
        height=height,
        x_label=x_label,
        y_range=Range1d(len(names) - 0.5, -0.5),
        hover=[(by, "@name"), ("window", "@left{%H:%M:%S}"), (value, f"@value{{{y_format}}}")],
    )
    plot = build(layers, shape, axes, frame=frame, categories=tuple(names), by=by, picks=True)
    category_axis(plot.figure, names)
    plot.figure.yaxis[0].major_label_text_font_size = "11px"
    plot.figure.ygrid[0].visible = False
    color_scale(plot, mapper, (MAIN, OPEN), y_format)
    return plot


def _strips(
    told: pd.DataFrame, by: str, value: str, names: Sequence[str], among: Sequence[str]
) -> dict[str, Columns]:
    if len(told):
        row = pd.Index(list(names)).get_indexer(told[by].astype(str))
        left, right = milliseconds(told[WINDOW_START]), milliseconds(told[WINDOW_END])
        values, still_open = told[value].to_numpy(dtype=float), openness(told)
        there = (row >= 0) & ~np.isnan(values)
    else:
        row = left = right = values = np.zeros(0)
        still_open = there = np.zeros(0, dtype=bool)
    cells = _placed(left, right, row, values, names)
    return {
        MAIN: {name: column[there & ~still_open] for name, column in cells.items()},
        OPEN: {name: column[there & still_open] for name, column in cells.items()},
        GAPS: _gaps(left[there], right[there], row[there], names, np.isin(list(names), list(among))),
    }


def _gaps(left: Any, right: Any, row: Any, names: Sequence[str], looked_at: Any) -> Columns:
    """Give the cells for which there is nothing: of each that is looked at, in each window that any has."""
    starts, first = np.unique(left, return_index=True)
    ends = right[first] if len(left) else right
    held = np.zeros((len(starts), len(names)), dtype=bool)
    held[np.searchsorted(starts, left), row.astype(int)] = True
    window, lost = np.nonzero(~held & looked_at)
    return _placed(starts[window], ends[window], lost.astype(float), np.zeros(len(lost)), names)


def _placed(
    left: Any, right: Any, row: Any, values: Any, names: Sequence[str]
) -> dict[str, npt.NDArray[Any]]:
    return {
        "key": left + row / max(len(names), 1),
        "left": left, "right": right, "bottom": row - 0.45, "top": row + 0.45, "value": values,
        "name": words([names[int(i)] if i >= 0 else "" for i in row]),
    }  # fmt: skip


def color_scale(plot: LivePlot, mapper: LinearColorMapper, tables: Sequence[str], number_format: str) -> None:
    """Let the same colour mean the same value in several tables, and say at the right which is which.

    A table without rows gets one that is nowhere: BokehJS looks for the values of the rows that were there.
    """
    shape = plot.shape

    def filled(told: pd.DataFrame) -> dict[str, Columns]:
        return {
            name: table if name not in tables or len(table["value"]) else _nowhere(table)
            for name, table in shape(told).items()
        }

    plot.shape = filled
    sources = [plot.sources[name] for name in tables]
    mapper.domain = [(each, "value") for each in plot.figure.renderers if each.data_source in sources]
    bar = ColorBar(
        color_mapper=mapper, width=8, padding=4, margin=0, ticker=BasicTicker(desired_num_ticks=4),
        formatter=NumeralTickFormatter(format=number_format), major_tick_line_color=None, bar_line_color=None,
        background_fill_color=None, major_label_text_color=theme.MUTED, major_label_text_font=theme.FONT,
        major_label_text_font_size="11px", label_standoff=5,
    )  # fmt: skip
    plot.figure.add_layout(bar, "right")


def _nowhere(table: Columns) -> Columns:
    """Give a row that is not drawn."""
    return {
        name: words([""]) if column.dtype == object else np.array([np.nan]) for name, column in table.items()
    }


def _cells(mapper: LinearColorMapper, *, table: str = MAIN) -> Layer:
    """Give cells whose colour says their value."""
    color = {"field": "value", "transform": mapper}
    looks: dict[str, Any] = {"fill_alpha": 1.0, "line_color": None} if table == MAIN else {"fill_alpha": 0.7}
    layer = boxes(theme.MUTED, bottom="bottom", top="top", table=table, **looks)
    return Layer("boxes", {**layer.glyph, "fill_color": color}, table)
