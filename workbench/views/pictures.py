"""The kinds of pictures that ``stream.plot`` gives: from the rows that are seen to the parts of a picture.

A part that is of windows still open is dashed, hollow or hatched, and lighter.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import SchemaError
from workbench.model.panes import EARLY, TIMING, WINDOW_END, WINDOW_START
from workbench.views import theme
from workbench.views.elements import STATE, Axes, Part, composed, held, own
from workbench.views.live import words
from workbench.views.tables import labels, lasting, openness, pivoted
from workbench.views.words import moment, pattern

Floats = npt.NDArray[np.float64]
MOST = 12
"""How many values of a column are told apart, unless said otherwise."""

NUMBERS = "choose a column of numbers, or count rows with 'size'"
"""What to do about words."""

NOBODY = ""
"""The name of the only part before there are names: HoloViews wants the same kind of thing every time."""


@dataclass(eq=False, kw_only=True)
class Picture:
    """One kind of picture of one stream.

    Parameters
    ----------
    x, y, by : str
        Columns; ``by`` is empty if rows are not divided.
    last : int
        How many windows are shown; of rows without windows how many rows.
    most : int
        How many values of ``by`` are shown: those that are greatest when there is something to be seen, then
        those that come up while there is room.
    zone : str
        The name of the time zone of the windows.
    opts : mapping
        HoloViews options of the whole picture.
    names : list of str
        The values of ``by`` so far; each keeps its place and colour.
    """

    x: str = ""
    y: str = ""
    by: str = ""
    last: int = 60
    most: int = MOST
    zone: str = "UTC"
    opts: Mapping[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    kind = ""
    whole = True  # whether it shows all panes of a window

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the rows that are shown: those of the last windows, or just the last."""
        if WINDOW_END not in frame or not len(frame):
            return frame.tail(self.last)
        ends = frame[WINDOW_END].dropna().drop_duplicates().nlargest(self.last)
        return frame[frame[WINDOW_END] >= ends.iloc[-1]] if len(ends) else frame

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give the parts, in order; which there are depends on nothing but the names."""
        raise NotImplementedError

    def element(self, parts: Mapping[str, Part]) -> Any:
        """Give the parts as one HoloViews object."""
        return composed(parts, self.by, self.axes())

    def axes(self) -> Axes:
        """Say what is along the axes."""
        is_time = self.x in (WINDOW_START, WINDOW_END)
        label = f"{self.x} ({self.zone})" if is_time else self.x
        return Axes(x_label=label, y_label=self.y, x_time=is_time, opts=self.opts)

    def what(self, name: str) -> str:
        """Say which picture it is of a stream."""
        what = f"{self.kind} of {name}" if self.kind else name
        return what + (f", {self.y}" if self.y else "") + (f" by {self.by}" if self.by else "")

    def words(self, name: str, frame: pd.DataFrame, *, over: bool = False) -> str:
        """Say what is seen of a stream, for those who do not see it; it may be over without a row.

        Examples
        --------
        >>> Picture(y="n", by="k").words("panes", pd.DataFrame())
        'panes, n by k: waiting for the first rows'
        >>> Picture(y="n").words("panes", pd.DataFrame(), over=True)
        'panes, n: there is no row'
        """
        what = self.what(name)
        if not len(frame):
            return f"{what}: {'there is no row' if over else 'waiting for the first rows'}"
        if WINDOW_END not in frame:
            return f"{what}: the last {len(frame):,} rows"
        ends = frame[WINDOW_END]
        if ends.isna().all():
            return f"{what}: one window of all time"
        still_open = frame.loc[openness(frame), WINDOW_END].nunique()
        first, last = (moment(at, lasting(frame)) for at in (frame[WINDOW_START].min(), ends.max()))
        reach = f"from {first} to {last} ({self.zone})"
        return f"{what}: {ends.nunique():,} windows, {reach}, {still_open} of them still open"

    def require_numbers(self, frame: pd.DataFrame) -> None:
        """See that what is drawn as a number is one.

        Raises
        ------
        SchemaError
            If it is not.
        """
        for name in (name for name in self.numbers if name in frame):
            try:
                frame[name].to_numpy(dtype=float)
            except (TypeError, ValueError):
                some = frame[name].dropna()
                held = f"such as {some.iloc[0]!r}" if len(some) else ""
                raise SchemaError(f"{name!r} is no number", detail=held, hint=NUMBERS) from None

    @property
    def numbers(self) -> Sequence[str]:
        """The columns that are drawn as numbers."""
        return (self.y,)

    def meet(self, frame: pd.DataFrame, column: str) -> list[str]:
        """Give the names of what is told apart; of those that are new the greatest come first."""
        if column in frame and len(self.names) < self.most:
            told = labels(frame[column])
            new = told[~told.isin(self.names)]
            if len(new):
                sizes = frame[self.y].abs().groupby(new).sum()
                fresh = sizes.sort_values(ascending=False, kind="stable").index
                self.names += [str(name) for name in fresh[: self.most - len(self.names)]]
        return self.names

    def color(self, place: int) -> str:
        """Give the colour of a name by its place."""
        return theme.series(place)

    def tooltips(self, frame: pd.DataFrame, *more: tuple[str, str]) -> list[tuple[str, str]]:
        """Say what pointing at a mark tells."""
        at = pattern(lasting(frame))
        said = [("window", f"@{{{WINDOW_START}}}{{{at}}} – @{{{WINDOW_END}}}{{{at}}}")]
        return [*said, *self._told_apart(), *more, ("", f"@{{{STATE}}}")]

    def _told_apart(self) -> list[tuple[str, str]]:
        return [(self.by, f"@{{{held(self.by)}}}")] if self.by else []


class Lines(Picture):
    """Lines over time, one a name; dashed, with hollow dots, where windows are still open."""

    kind = "line"

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give a curve a name, the dashed tails of all, and the dots of all."""
        names = (self.meet(frame, self.by) or [NOBODY]) if self.by else [self.y]
        values, final, moments = _pivots(frame, self.x, self.y, self.by, names)
        curves = {
            f"curve {name}": Part(
                "Curve",
                [self.x],
                [self.y],
                {self.x: moments, self.y: np.ascontiguousarray(final[:, i])},
                times=self._times(frame),
                looks={"color": self.color(i), "line_width": 2},
                category=name if self.by else None,
            )
            for i, name in enumerate(names)
        }
        return (
            curves
            | {"tails": self._tails(frame, values, final, moments)}
            | self.dots(frame, values, final, moments)
        )

    def _times(self, frame: pd.DataFrame) -> frozenset[str]:
        is_time = self.x in (WINDOW_START, WINDOW_END) or (
            self.x in frame and pd.api.types.is_datetime64_any_dtype(frame[self.x])
        )
        return frozenset({self.x}) if is_time else frozenset()

    def _tails(self, frame: pd.DataFrame, values: Floats, final: Floats, moments: Floats) -> Part:
        """Give the strokes from the last final value of each name through those of its open windows."""
        ends: list[tuple[int, int, int]] = []
        for i in range(values.shape[1]):
            seen = np.flatnonzero(~np.isnan(final[:, i]))
            known = np.flatnonzero(~np.isnan(values[:, i]))
            tail = known[known >= (seen[-1] if len(seen) else 0)]
            ends += [(before, after, i) for before, after in itertools.pairwise(tail)]
        start, end, which = np.array(ends, dtype=np.int64).reshape(-1, 3).T
        x, y, x_end, y_end = held(self.x), held(self.y), own("x_to"), own("y_to")
        columns = {
            x: moments[start],
            y: values[start, which],
            x_end: moments[end],
            y_end: values[end, which],
            "line_color": words([self.color(i) for i in which]),
        }
        return Part(
            "Segments",
            [x, y, x_end, y_end],
            ["line_color"],
            columns,
            times=frozenset({x, x_end}) if self._times(frame) else frozenset(),
            looks={
                "line_color": hv.dim("line_color"),
                "line_dash": "4 3",
                "line_width": 1.5,
                "show_legend": False,
            },
            keys=moments[start] * 1_000 + which,
        )

    def dots(
        self, frame: pd.DataFrame, values: Floats, final: Floats, moments: Floats, tops: Floats | None = None
    ) -> dict[str, Part]:
        """Give a dot for each value, hollow while its window is open; it tells what it is when pointed at."""
        rows, which = np.nonzero(~np.isnan(values))
        still_open = np.isnan(final[rows, which])
        color = words([self.color(int(i)) for i in which])
        x, y, value = held(self.x), held(self.y), values[rows, which]
        columns = {
            x: moments[rows],
            **({own("stacked"): tops[rows, which]} if tops is not None else {}),
            y: value,
            **({held(self.by): words([self.names[i] for i in which])} if self.by else {}),
            "line_color": color,
            "fill_alpha": np.where(still_open, 0.0, 1.0),
            "fill_color": color,
            STATE: words(np.where(still_open, "still open", "final")),
        }
        is_time = bool(self._times(frame))
        told = [(self.x, f"@{{{x}}}" + (f"{{{pattern(lasting(frame))}}}" if is_time else ""))]
        looks = {each: hv.dim(each) for each in ("line_color", "fill_alpha", "fill_color")}
        part = Part(
            "Scatter",
            [x],
            [name for name in columns if name != x],
            columns,
            times=frozenset({x}) if is_time else frozenset(),
            looks={**looks, "size": 4.5, "show_legend": False},
            keys=moments[rows] * 1_000 + which,
            tooltips=[
                *told,
                *self._told_apart(),
                (self.y, f"@{{{y}}}{{0,0.[00]}}"),
                ("", f"@{{{STATE}}}"),
            ],
        )
        return {"dots": part}


@dataclass(eq=False, kw_only=True)
class Areas(Lines):
    """Areas over time, one on the other; lighter and hatched where windows are still open."""

    stacked: bool = True
    kind = "area"

    def parts(self, frame: pd.DataFrame) -> dict[str, Part]:
        """Give two areas a name, what is final and what is open, and the dots of all."""
        names = (self.meet(frame, self.by) or [NOBODY]) if self.by else [self.y]
        values, final, moments = _pivots(frame, self.x, self.y, self.by, names)
        heights = np.nan_to_num(values)
        tops = np.cumsum(heights, axis=1) if self.stacked else heights
        bottoms = tops - heights
        moved = np.flatnonzero((np.isnan(final) & ~np.isnan(values)).any(axis=1))
        first_open = int(moved[0]) if len(moved) else len(moments)
        parts = {}
        for still_open in (False, True):
            rows = slice(max(0, first_open - 1), None) if still_open else slice(first_open)
            for i, name in enumerate(names):
                alpha = (theme.OPEN_ALPHA if still_open else theme.CLOSED_ALPHA) * (
                    1 if self.stacked else 0.4
                )
                parts[f"{'open' if still_open else 'area'} {name}"] = Part(
                    "Area",
                    [self.x],
                    [self.y, own("bottom")],
                    {self.x: moments[rows], self.y: tops[rows, i], own("bottom"): bottoms[rows, i]},
                    times=self._times(frame),
                    looks={
                        "color": self.color(i),
                        "fill_alpha": alpha,
                        "line_alpha": 0,
                        "show_legend": not still_open,
                    },
                    hatched=still_open,
                    zero=True,
                    category=name if self.by and not still_open else None,
                )
        return parts | self.dots(frame, values, final, moments, tops)


def _pivots(frame: pd.DataFrame, x: str, y: str, by: str, names: list[str]) -> tuple[Floats, Floats, Floats]:
    """Give by moment and name all values, those of closed windows, and the moments, ascending."""
    moments, values = pivoted(frame, x, y, by or None, names)
    still_open = frame[TIMING] == EARLY if TIMING in frame else pd.Series(False, index=frame.index)
    _, final = pivoted(
        frame, x, y, by or None, names, where=~still_open.to_numpy(dtype=bool), moments=moments
    )
    return values, final.reshape(values.shape), moments
