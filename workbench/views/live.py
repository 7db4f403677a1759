"""Live figures: built once, then only the rows that changed are sent to the browser.

A `LivePlot` is a Bokeh figure, the tables its glyphs read, and a function from a frame to those tables. What
is sent is the least that leads on: nothing, some cells, or appended rows; a whole table only where what is
held does not lead on to what is wanted. `Tables` works it out for all sessions, `sync` for one Bokeh source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd
from bokeh.models import ColumnDataSource

from workbench.views.words import NOTHING

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of equal length: float64 (times as milliseconds since 1970-01-01 UTC), or objects for words."""

Shape = Callable[[pd.DataFrame], Mapping[str, Columns]]
"""From a frame to the tables of a figure; an empty frame gives tables with all their columns."""

_NULLS = frozenset(map(str, (None, np.nan, pd.NaT, pd.NA)))

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
    if kept is not None and kept == len(wanted[key]) < len(held[key]):
        kept = None  # rows only fall off: nothing can be streamed to push them out
    if kept is None:
        if _equal(held, wanted):
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
    if set(held) != set(wanted) or key not in held or not len(held[key]) or not len(wanted[key]):
        return None
    found = np.flatnonzero(held[key] == wanted[key][0])
    if not len(found):
        return None
    first = int(found[0])
    kept = len(held[key]) - first
    if kept > len(wanted[key]) or not np.array_equal(held[key][first:], wanted[key][:kept]):
        return None
    return kept


def _equal(held: Columns, wanted: Columns) -> bool:
    same_names = set(held) == set(wanted)
    return same_names and all(_same(held[name], column) for name, column in wanted.items())


def _same(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> bool:
    return len(old) == len(new) and not len(_unlike(old, new))


def _unlike(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Give the rows whose values differ; what is no number is like what is none."""
    return np.flatnonzero(~((old == new) | ((old != old) & (new != new))))


def _changed(held: Columns, wanted: Columns, first: int, kept: int) -> Iterator[tuple[str, Any, Any]]:
    """Give the columns in which cells differ, which, and what they shall be."""
    for name, column in wanted.items():
        old, new = held[name][first:], column[:kept]
        rows = _unlike(old, new)
        if len(rows):
            yield name, rows, new


def _patches(held: Columns, wanted: Columns, first: int, kept: int) -> dict[str, list[Any]]:
    """Give the cells that differ; a column that differs mostly goes as one slice."""
    patches: dict[str, list[Any]] = {}
    for name, rows, new in _changed(held, wanted, first, kept):
        if len(rows) > max(8, kept // 2):
            patches[name] = [(slice(first, first + kept), new)]
        else:
            values = new[rows].tolist()
            patches[name] = [(first + row, value) for row, value in zip(rows.tolist(), values, strict=True)]
    return patches


class Tables:
    """The tables of a figure as they are at one moment, for all sessions that look at the same.

    Parameters
    ----------
    columns : mapping of str to mapping of str to array
        By the table's name, its columns.
    key : str
        The column that tells rows apart; without it all go at once.
    """

    def __init__(self, columns: Mapping[str, Columns], *, key: str = KEY) -> None:
        self.columns, self.key = columns, key
        self._since: WeakKeyDictionary[Tables, str] = WeakKeyDictionary()
        self._whole = ""

    def since(self, held: Tables | None) -> str:
        """Give, as JSON, what leads to them from tables that a browser has; worked out once for all.

        Of each table that changes, ``all`` its columns; or how many rows ``drop`` off at its front, then the
        ``cells`` that change, by column, and the columns of the ``fresh`` rows at its end.

        Examples
        --------
        >>> before = Tables({"main": {"key": np.array([1.0, 2.0]), "y": np.array([5.0, 6.0])}})
        >>> after = Tables({"main": {"key": np.array([2.0, 3.0]), "y": np.array([6.5, np.nan])}})
        >>> after.since(before)
        '{"main": {"drop": 1, "cells": {"y": [[0], [6.5]]}, "fresh": {"key": [3.0], "y": [null]}}}'
        >>> after.since(after), after.since(None)
        ('{}', '{"main": {"all": {"key": [2.0, 3.0], "y": [6.5, null]}}}')
        """
        if held is None:
            if not self._whole:
                self._whole = json.dumps({name: _whole(table) for name, table in self.columns.items()})
            return self._whole
        if held not in self._since:
            steps = {
                name: _step(held.columns.get(name, {}), table, self.key)
                for name, table in self.columns.items()
            }
            self._since[held] = json.dumps({name: step for name, step in steps.items() if step})
        return self._since[held]


def _step(held: Columns, wanted: Columns, key: str) -> dict[str, Any]:
    """Give what leads from a table to another; nothing if they are the same."""
    kept = _overlap(held, wanted, key)
    if kept is None:
        return {} if _equal(held, wanted) else _whole(wanted)
    first = len(held[key]) - kept
    changed = _changed(held, wanted, first, kept)
    cells = {name: [rows.tolist(), _listed(new[rows])] for name, rows, new in changed}
    grown = kept < len(wanted[key])
    fresh = {name: _listed(column[kept:]) for name, column in wanted.items()} if grown else {}
    return {"drop": first, "cells": cells, "fresh": fresh} if first or cells or fresh else {}


def _whole(table: Columns) -> dict[str, Any]:
    return {"all": {name: _listed(column) for name, column in table.items()}}


def _listed(column: npt.NDArray[Any]) -> list[Any]:
    """Give values for JSON, which knows no number that is none."""
    if column.dtype.kind == "f" and not (known := np.isfinite(column)).all():
        return [
            value if is_known else None
            for value, is_known in zip(column.tolist(), known.tolist(), strict=True)
        ]
    values: list[Any] = column.tolist()
    return values


def milliseconds(times: Any) -> npt.NDArray[np.float64]:
    """Give naive UTC datetimes as Bokeh counts them: milliseconds since 1970-01-01; NaT as NaN.

    Numbers are what they are, for an axis that is no time.

    Examples
    --------
    >>> milliseconds(pd.to_datetime(["1970-01-01 00:00:01.5"])).tolist()
    [1500.0]
    """
    if isinstance(times, pd.Series) and pd.api.types.is_numeric_dtype(times):
        return times.to_numpy(dtype=np.float64, na_value=np.nan)
    column = times if isinstance(times, pd.Series) else pd.DatetimeIndex(times)
    moments = column.to_numpy().astype("datetime64[us]")
    counted = moments.view(np.int64) / 1e3
    return np.where(np.isnat(moments), np.nan, counted)


def words(values: Any) -> npt.NDArray[np.object_]:
    """Give values as an object array of strings, which can be patched with longer ones; a dash for null.

    Examples
    --------
    >>> words(["FR", 7, None]).tolist()
    ['FR', '7', '–']
    """
    said = [str(value) for value in values]
    if not _NULLS.isdisjoint(said):
        missing = pd.isna(np.fromiter(values, dtype=object, count=len(said)))
        said = [NOTHING if null else word for null, word in zip(missing, said, strict=True)]
    array = np.empty(len(said), dtype=object)
    array[:] = said
    return array


@dataclass(eq=False)
class Drawn:
    """Tables that something is drawn from.

    Parameters
    ----------
    sources : dict of str to ColumnDataSource
        By name; whoever opens a document gets what they hold.
    shown : Tables, optional
        What they are to show now.
    """

    sources: dict[str, ColumnDataSource]
    shown: Tables | None = field(default=None, kw_only=True)

    def show(self, tables: Tables) -> None:
        """Show other tables; a page tells its browser of it, see `workbench.views.wire`."""
        self.shown = tables

    def fill(self) -> Change:
        """Put what is shown into the sources.

        Returns
        -------
        str
            The greatest change that a table took; see `sync`.
        """
        shown = Tables({}) if self.shown is None else self.shown
        tables = shown.columns
        order: list[Change] = ["same", "patched", "streamed", "replaced"]
        changes = [
            sync(source, tables[name], shown.key) for name, source in self.sources.items() if name in tables
        ]
        return max(changes, key=order.index, default="same")


@dataclass(eq=False)
class LivePlot(Drawn):
    """A figure that is built once and kept up to date.

    Parameters
    ----------
    sources : dict of str to ColumnDataSource
        The tables of its glyphs.
    figure : bokeh figure
        As rendered; `workbench.views.figures` makes them.
    shape : callable
        From a frame to the figure's tables.
    legend : list of tuple
        Colour and word of each part, in order; a page draws it as it likes.
    categories : tuple of str, optional
        What there is a place for.
    by : str, optional
        The column with the categories.
    picks : bool
        Whether the categories are along the y axis, where they can be pointed at.
    """

    figure: Any
    shape: Shape
    legend: Sequence[tuple[str, str]] = ()
    categories: tuple[str, ...] | None = None
    by: str | None = None
    picks: bool = False
