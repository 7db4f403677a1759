"""Live figures: built once, then only the rows that changed are sent to the browser.

A `LivePlot` is a Bokeh figure, the tables its glyphs read, and a function from a frame to those tables.
`sync` brings a table up to date with the least traffic: nothing, a patch of cells, or appended rows; the
whole table only where what is held does not lead on to what is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from bokeh.models import ColumnDataSource

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of equal length: float64 (times as milliseconds since 1970-01-01 UTC), or objects for words."""

Shape = Callable[[pd.DataFrame], Mapping[str, Columns]]
"""From a frame to the tables of a figure; an empty frame gives tables with all their columns."""

Change = Literal["same", "patched", "streamed", "replaced"]

KEY = "key"
"""The column by which rows are recognised, unless said otherwise; its values differ from row to row."""


def sync(source: ColumnDataSource, wanted: Columns, key: str = KEY) -> Change:
    """Make a source hold the wanted rows, sending as little as possible.

    Parameters
    ----------
    source : bokeh.models.ColumnDataSource
        What the browser has.
    wanted : mapping of str to array
        The rows that it shall have, in order; a few hundred at the most, distinct by their key.
    key : str
        The column that tells rows apart.

    Returns
    -------
    str
        ``same``: nothing was sent. ``patched``: some cells. ``streamed``: rows at the end, while as many
        fell off at the front as are no longer wanted (and perhaps some cells). ``replaced``: everything,
        because the rows held are not followed by those wanted, or the columns differ.

    Examples
    --------
    >>> source = ColumnDataSource({"key": np.array([1.0, 2.0]), "y": np.array([5.0, 6.0])})
    >>> sync(source, {"key": np.array([2.0, 3.0]), "y": np.array([6.0, 7.0])})
    'streamed'
    >>> source.data["y"].tolist()
    [6.0, 7.0]
    """
    held = source.data
    kept = _overlap(held, wanted, key)
    if kept is None:
        if not len(wanted[key]) and key in held and not len(held[key]) and set(held) == set(wanted):
            return "same"
        source.data = {name: np.array(column) for name, column in wanted.items()}
        return "replaced"
    first = len(held[key]) - kept
    patches = _patches(held, wanted, first, kept)
    if patches:
        source.patch(patches)
    if len(wanted[key]) > kept:
        # A list goes with the message; each array would be a binary message of its own, and one about it.
        fresh = {name: column[kept:].tolist() for name, column in wanted.items()}
        source.stream(fresh, rollover=len(wanted[key]))
        return "streamed"
    return "patched" if patches else "same"


def _overlap(held: Columns, wanted: Columns, key: str) -> int | None:
    """Count the last rows held that are the first ones wanted; None if the rows must be replaced."""
    if set(held) != set(wanted) or not len(held[key]) or not len(wanted[key]):
        return None
    found = np.flatnonzero(held[key] == wanted[key][0])
    if not len(found):
        return None
    first = int(found[0])
    kept = len(held[key]) - first
    if kept > len(wanted[key]) or not np.array_equal(held[key][first:], wanted[key][:kept]):
        return None
    if first and kept == len(wanted[key]):  # rows only fall off: nothing can be streamed to push them out
        return None
    return kept


def _patches(held: Columns, wanted: Columns, first: int, kept: int) -> dict[str, list[Any]]:
    """Give the cells that differ; a column that differs mostly goes as one slice."""
    patches: dict[str, list[Any]] = {}
    for name, column in wanted.items():
        old, new = held[name][first:], column[:kept]
        rows = np.flatnonzero(~((old == new) | ((old != old) & (new != new))))
        if len(rows) > max(8, kept // 2):
            patches[name] = [(slice(first, first + kept), new)]
        elif len(rows):
            values = new[rows].tolist()
            patches[name] = [(first + row, value) for row, value in zip(rows.tolist(), values, strict=True)]
    return patches


def milliseconds(times: Any) -> npt.NDArray[np.float64]:
    """Give naive UTC datetimes as Bokeh counts them: milliseconds since 1970-01-01; NaT as NaN.

    Numbers are what they are, for an axis that is no time.

    Examples
    --------
    >>> milliseconds(pd.to_datetime(["1970-01-01 00:00:01.5"])).tolist()
    [1500.0]
    """
    if isinstance(times, pd.Series) and pd.api.types.is_numeric_dtype(times):
        return times.to_numpy(dtype=np.float64)
    column = times if isinstance(times, pd.Series) else pd.DatetimeIndex(times)
    moments = column.to_numpy().astype("datetime64[us]")
    counted = moments.view(np.int64) / 1e3
    return np.where(np.isnat(moments), np.nan, counted)


def words(values: Any) -> npt.NDArray[np.object_]:
    """Give values as an object array of strings, which can be patched with longer ones.

    Examples
    --------
    >>> words(["FR", 7]).tolist()
    ['FR', '7']
    """
    array = np.empty(len(values), dtype=object)
    array[:] = [str(value) for value in values]
    return array


@dataclass(eq=False)
class LivePlot:
    """A figure that is built once and kept up to date.

    Parameters
    ----------
    figure : bokeh figure
        As rendered, with nothing in its sources yet; `workbench.views.figures` makes them.
    shape : callable
        From a frame to the figure's tables.
    sources : dict of str to ColumnDataSource
        The tables as the browser has them.
    summary : callable, optional
        From a frame to a sentence that says what is to be seen, for those who do not see it.
    legend : list of tuple
        Colour and word of each part, in order; a page draws it as it likes.
    unknown : set of str
        Categories that came up and have no place in the figure; whoever owns it may build another.
    """

    figure: Any
    shape: Shape
    sources: dict[str, ColumnDataSource]
    legend: Sequence[tuple[str, str]] = ()
    categories: tuple[str, ...] | None = None
    by: str | None = None
    picks: bool = False
    """Whether its categories are along the y axis, where they can be pointed at."""
    shown: Any = None
    unknown: set[str] = field(default_factory=set)

    def update(self, frame: pd.DataFrame) -> Change:
        """Show a frame: all the rows that are to be seen, with the columns the figure was made for.

        Returns
        -------
        str
            The greatest change that a table took; see `sync`.
        """
        if self.by is not None and self.categories is not None and self.by in frame:
            seen = {str(value) for value in frame[self.by].unique()}
            self.unknown |= seen - set(self.categories)
        return self.show(self.shape(frame))

    def show(self, tables: Mapping[str, Columns]) -> Change:
        """Show tables that `shape` gave before, perhaps for another session; the same again cost nothing."""
        if tables is self.shown:
            return "same"
        self.shown = tables
        order: list[Change] = ["same", "patched", "streamed", "replaced"]
        changes = [sync(self.sources[name], columns) for name, columns in tables.items()]
        return max(changes, key=order.index, default="same")
