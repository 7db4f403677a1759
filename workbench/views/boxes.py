"""Pictures made of boxes: bars of windows and of categories, candles, histograms.

What is of windows still open is hatched, and lighter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.runtimes.sought import with_key
from workbench.views import theme
from workbench.views.elements import CORNERS, STATE, Axes, Part, held, own
from workbench.views.live import milliseconds, words
from workbench.views.pictures import NOBODY, Picture
from workbench.views.tables import labels, openness, places_among

Floats = npt.NDArray[np.float64]
_TIMES = frozenset({"left", "right", WINDOW_START, WINDOW_END})
_PRICES = ("open", "high", "low", "close")


@dataclass(eq=False, kw_only=True)
class WindowBars(Picture):
    """Bars as wide as their windows, one on the other or side by side; hatched where windows are open."""

    stacked: bool = True
    kind = "bars"

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the boxes of closed windows by name, and those of all windows that are open."""
        names = (self.meet(frame, self.by) or [NOBODY]) if self.by else [self.y]
        boxes = self._boxes(frame, names)
        told = self.tooltips(frame, (self.y, f"@{{{held(self.y)}}}{{0,0.[00]}}"))
        parts = {
            f"bars {name}": self._part(boxes[(boxes.place == i) & ~boxes.still_open], name, i, told)
            for i, name in enumerate(names)
        }
        return parts | {"open": self._part(boxes[boxes.still_open], "", None, told)}

    def _boxes(self, frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Give a box for each pane: its window and name, from where to where it reaches, and its value."""
        columns = [WINDOW_START, WINDOW_END, self.y]
        rows = frame if len(frame) else pd.DataFrame(columns=[*columns, self.by or "place"])
        place = places_among(rows[self.by], names) if self.by else np.zeros(len(rows), int)
        boxes = pd.DataFrame(
            {
                "left": milliseconds(rows[WINDOW_START]) if len(rows) else np.zeros(0),
                "right": milliseconds(rows[WINDOW_END]) if len(rows) else np.zeros(0),
                "place": place,
                "value": rows[self.y].to_numpy(dtype=float),
                "still_open": openness(rows),
            }
        )
        boxes = boxes[boxes.place >= 0].sort_values(
            ["left", "right", "place"], kind="stable", ignore_index=True
        )
        heights = boxes.value.fillna(0.0)
        if self.stacked:
            boxes["top"] = heights.groupby([boxes.left, boxes.right]).cumsum()
            boxes["bottom"] = boxes.top - heights
            return boxes.assign(x0=boxes.left, x1=boxes.right)
        wide = (boxes.right - boxes.left) / max(1, len(names))
        x0 = boxes.left + wide * boxes.place
        return boxes.assign(bottom=0.0, top=heights, x0=x0, x1=x0 + wide)

    def _part(
        self, boxes: pd.DataFrame, name: str, place: int | None, told: Sequence[tuple[str, str]]
    ) -> Part:
        color = words([self.color(i) for i in boxes.place])
        y, by = held(self.y), held(self.by)
        columns = {
            "left": boxes.x0.to_numpy(),
            "bottom": boxes.bottom.to_numpy(),
            "right": boxes.x1.to_numpy(),
            "top": boxes.top.to_numpy(),
            WINDOW_START: boxes.left.to_numpy(),
            WINDOW_END: boxes.right.to_numpy(),
            y: boxes.value.to_numpy(),
            **({by: words([self.names[i] for i in boxes.place])} if by else {}),
            STATE: words(np.where(boxes.still_open, "still open", "final")),
            **({"fill_color": color} if place is None else {}),
        }
        if place is None:
            looks = {"fill_color": hv.dim("fill_color"), "line_color": theme.MUTED, "line_width": 0.75}
            looks |= {"fill_alpha": theme.OPEN_ALPHA, "show_legend": False}
        else:
            looks = {"color": self.color(place), "fill_alpha": theme.CLOSED_ALPHA}
            looks |= {"line_color": theme.PAPER, "line_width": 0.5}
        return Part(
            "Rectangles",
            [*CORNERS],
            [WINDOW_START, WINDOW_END, y, *(["fill_color", *([by] if by else [])] if place is None else [])],
            columns,
            times=_TIMES,
            looks=looks,
            hatched=place is None,
            zero=True,
            keys=boxes.x0.to_numpy() * 1_000 + boxes.place.to_numpy(),
            category=name if self.by and place is not None else None,
            tooltips=told,
        )


class CategoryBars(Picture):
    """Bars from the left, one a category, of the latest window; hatched while it is open."""

    kind = "bars"

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the rows of the latest window, or the last row of each category."""
        if WINDOW_END in frame and frame[WINDOW_END].notna().any():
            frame = frame[frame[WINDOW_END] == frame[WINDOW_END].max()]
        return frame.drop_duplicates(self.x, keep="last") if self.x in frame else frame

    def axes(self) -> Axes:
        """Say what is along the axes, which are turned."""
        return Axes(x_label="", y_label=self.y, x_time=False, grid="x", opts=self.opts)

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the bars that are final, and those of windows that are open."""
        names = self.meet(frame, self.x)
        found = frame.set_index(labels(frame[self.x])).reindex(names) if len(frame) else pd.DataFrame()
        value = found[self.y].to_numpy(dtype=float) if len(found) else np.full(len(names), np.nan)
        still_open = openness(found) if len(found) else np.zeros(len(names), dtype=bool)
        return {
            "bars": self._part(names[::-1], np.where(still_open, np.nan, value)[::-1], False),
            "open": self._part(names[::-1], np.where(still_open, value, np.nan)[::-1], True),
        }

    def _part(self, names: list[str], value: Floats, still_open: bool) -> Part:
        looks: dict[str, Any] = {
            "color": theme.BLUE,
            "invert_axes": True,
            "line_color": None,
            "bar_width": 0.7,
        }
        looks |= {"fill_alpha": theme.OPEN_ALPHA if still_open else theme.CLOSED_ALPHA, "show_legend": False}
        return Part(
            "Bars",
            [self.x],
            [self.y],
            {self.x: words(names), self.y: np.ascontiguousarray(value)},
            looks=looks,
            hatched=still_open,
            zero=True,
            tooltips=[(self.x, f"@{{{self.x}}}"), (self.y, f"@{{{self.y}}}{{0,0.[00]}}")],
        )


@dataclass(eq=False, kw_only=True)
class Candles(Picture):
    """A candle a window: hollow blue where it closes higher, filled vermillion where lower.

    Parameters
    ----------
    prefix : str
        What the columns ``open, high, low, close`` begin with.
    only : dict
        The values of the key columns whose candles they are.
    """

    prefix: str = ""
    only: dict[str, Any] | None = None
    kind = "ohlc"

    @property
    def numbers(self) -> Sequence[str]:
        """The prices."""
        return [self.prefix + price for price in _PRICES]

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the panes of the key, in the last windows."""
        only = {name: value for name, value in (self.only or {}).items() if name in frame}
        return super().seen(with_key(frame, only))

    def axes(self) -> Axes:
        """Say what is along the axes."""
        return Axes(x_label=f"window ({self.zone})", y_label=self.y, opts=self.opts)

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the wicks, and the bodies of windows that are closed, and of those that are open."""
        table = self._table(frame)
        rising = table.close >= table.open
        color = words(np.where(rising, theme.UP, theme.DOWN))
        alpha = np.where(rising, 0.0, theme.CLOSED_ALPHA)
        table = table.assign(line_color=color, fill_color=color, fill_alpha=alpha)
        wicks = {
            name: table[of].to_numpy() for name, of in zip(CORNERS, ("x", "low", "x", "high"), strict=True)
        }
        return {
            "wicks": Part(
                "Segments",
                [*CORNERS],
                [],
                wicks,
                times=frozenset({"left", "right"}),
                looks={"color": theme.MUTED, "line_width": 1.2},
                scaled=False,  # or one mad trade would flatten all others
                keys=table.left.to_numpy(),
            ),
            "candles": self._bodies(frame, table[~table.still_open], False),
            "open": self._bodies(frame, table[table.still_open], True),
        }

    def _table(self, frame: pd.DataFrame) -> pd.DataFrame:
        if not len(frame):
            return pd.DataFrame(columns=["left", "right", "x", *_PRICES], dtype=float).assign(
                still_open=False
            )
        left, right = milliseconds(frame[WINDOW_START]), milliseconds(frame[WINDOW_END])
        prices = {name: frame[self.prefix + name].to_numpy(dtype=float) for name in _PRICES}
        table = pd.DataFrame({"left": left, "right": right, "x": (left + right) / 2, **prices})
        table["still_open"] = openness(frame)
        return table.dropna().drop_duplicates("left", keep="last").sort_values("left")

    def _bodies(self, frame: pd.DataFrame, table: pd.DataFrame, still_open: bool) -> Part:
        gap = 0.14 * (table.right - table.left)
        columns = {
            "left": (table.left + gap).to_numpy(),
            "bottom": table[["open", "close"]].min(axis=1).to_numpy(),
            "right": (table.right - gap).to_numpy(),
            "top": table[["open", "close"]].max(axis=1).to_numpy(),
            WINDOW_START: table.left.to_numpy(),
            WINDOW_END: table.right.to_numpy(),
            **{name: table[name].to_numpy() for name in _PRICES},
            STATE: words(["still open" if still_open else "final"] * len(table)),
            **{name: words(table[name]) for name in ("line_color", "fill_color")},
            "fill_alpha": table.fill_alpha.to_numpy() * (theme.OPEN_ALPHA if still_open else 1),
        }
        looks = {name: hv.dim(name) for name in ("line_color", "fill_color", "fill_alpha")}
        return Part(
            "Rectangles",
            [*CORNERS],
            [name for name in columns if name not in CORNERS],
            columns,
            times=_TIMES,
            looks={**looks, "line_width": 1.4},
            hatched=still_open,
            keys=table.left.to_numpy(),
            tooltips=self.tooltips(frame, *((name, f"@{{{name}}}{{0,0.00[00]}}") for name in _PRICES)),
        )


@dataclass(eq=False, kw_only=True)
class Bins(Picture):
    """How often a number was how large: of rows, and of windows that are closed.

    Parameters
    ----------
    bins : int
        How many.
    """

    bins: int = 20
    kind = "hist"
    whole = False

    @property
    def numbers(self) -> Sequence[str]:
        """What is counted."""
        return (self.x,)

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the last rows; what is still open is not counted yet."""
        return frame[~openness(frame)].tail(self.last)

    def axes(self) -> Axes:
        """Say what is along the axes."""
        return Axes(x_label=self.x, y_label="count", x_time=False, opts=self.opts)

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the bins of all values that are finite."""
        values = frame[self.x].to_numpy(dtype=float) if len(frame) else np.zeros(0)
        counts, edges = _counted(values[np.isfinite(values)], self.bins)
        count = "count" if self.x != "count" else own("count")
        columns = {own("left"): edges[:-1], own("right"): edges[1:], count: counts.astype(float)}
        looks = {"color": theme.BLUE, "fill_alpha": theme.CLOSED_ALPHA, "line_color": theme.PAPER}
        return {
            "bins": Part(
                "Histogram",
                [self.x],
                [count],
                columns,
                looks=looks,
                zero=True,
                keys=np.arange(len(counts), dtype=float),
                tooltips=[(self.x, "@left{0,0.[00]} – @right{0,0.[00]}"), ("count", "@top{0,0}")],
            )
        }


def _counted(values: Floats, bins: int) -> tuple[Floats, Floats]:
    """Give how many values are in each bin, and the edges of the bins, however large the values are."""
    values = values / 4  # or the span of the greatest there are would be infinite
    if not len(values):
        return np.zeros(bins), np.linspace(0, 1, bins + 1)
    low, high = values.min(), values.max()
    least = bins * np.spacing(max(abs(low), abs(high)))  # a bin that is narrower has no width
    if high - low < least or low == high:
        room = max(least, 0.125)
        low, high = low - room, high + room
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    return counts.astype(float), edges * 4
