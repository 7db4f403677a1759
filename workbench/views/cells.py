"""Pictures made of cells: heat maps and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.views.elements import Axes, Part, held
from workbench.views.live import milliseconds, words
from workbench.views.pictures import Picture
from workbench.views.tables import lasting, openness, places_among
from workbench.views.words import pattern

_EXACT = 2**53
"""The whole numbers below are floats too; beyond it, a browser has not all of them."""


@dataclass(eq=False, kw_only=True)
class HeatMap(Picture):
    """A cell for each window and name, the darker the greater; hatched over windows that are still open.

    ``by`` is along y, and ``y`` is the number that colours a cell.
    """

    kind = "heatmap"

    def axes(self) -> Axes:
        """Say what is along the axes."""
        return Axes(x_label=f"window ({self.zone})", y_label=self.by, grid="", opts=self.opts)

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the cells, and the spans of time over which windows are open."""
        names = self.meet(frame, self.by)
        rows = frame.dropna(subset=[WINDOW_START]) if len(frame) else frame
        place = places_among(rows[self.by], names) if len(rows) else np.zeros(0, dtype=np.int64)
        rows, place = rows[place >= 0], place[place >= 0]
        by, y = held(self.by), held(self.y)
        left = milliseconds(rows[WINDOW_START]) if len(rows) else np.zeros(0)
        right = milliseconds(rows[WINDOW_END]) if len(rows) else np.zeros(0)
        open_spans = np.unique(np.stack([left, right], axis=1)[openness(rows)], axis=0)
        cells = {
            self.x: (left + right) / 2,
            by: words([names[i] for i in place]),
            y: rows[self.y].to_numpy(dtype=float) if len(rows) else np.zeros(0),
            "width": right - left,
        }
        told = [("window", f"@{{{self.x}}}{{{pattern(lasting(frame))}}}"), *self._told_apart()]
        return {
            "cells": Part(
                "HeatMap",
                [self.x, by],
                [y],
                cells,
                times=frozenset({self.x}),
                looks={"cmap": "cividis", "colorbar": True},
                keys=cells[self.x] * 1_000 + place,
                tooltips=[*told, (self.y, "@zvalues{0,0.[00]}")],
            ),
            "open": Part(
                "VSpans",
                ["x0", "x1"],
                [],
                {"x0": open_spans[:, 0], "x1": open_spans[:, 1]},
                times=frozenset({"x0", "x1"}),
                looks={"color": "white", "fill_alpha": 0.0, "line_alpha": 0.0},
                hatched=True,
            ),
        }


@dataclass(eq=False, kw_only=True)
class Table(Picture):
    """The last rows as a table, the latest first."""

    last: int = 12
    kind = "table"
    whole = False

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the last rows."""
        return frame.tail(self.last)

    def axes(self) -> Axes:
        """A table has none."""
        return Axes(opts=self.opts)

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the rows; a table of other columns is another part."""
        rows = frame.iloc[::-1]
        times = {name for name in rows if pd.api.types.is_datetime64_any_dtype(rows[name])}
        columns = {name: _column(rows[name], name in times) for name in rows}
        part = Part(
            "Table",
            [],
            [str(name) for name in rows],
            {str(name): column for name, column in columns.items()},
            times=frozenset(map(str, times)),
            keys=np.arange(len(rows), dtype=float),
        )
        spelled = ", ".join(  # words are written by another formatter than numbers
            f"{name} in words" if column.dtype == object else name for name, column in part.columns.items()
        )
        return {f"table of {spelled}": part}


def _column(column: pd.Series, is_time: bool) -> Any:
    if is_time:
        return milliseconds(column)
    if pd.api.types.is_integer_dtype(column) and (column.max() > _EXACT or column.min() < -_EXACT):
        return words(column)
    if pd.api.types.is_integer_dtype(column) and not column.hasnans:
        return column.to_numpy(dtype=np.int64)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return words(column)
