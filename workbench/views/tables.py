"""From frames to tables: times, categories as columns, and which windows are still open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.model.panes import EARLY, TIMING, WINDOW_END, WINDOW_START
from workbench.views.live import Columns, milliseconds
from workbench.views.words import NOTHING

Floats = npt.NDArray[np.float64]

MAIN: Final = "main"
"""The table of what is final, or has no window."""
OPEN: Final = "open"
"""The table of windows that are still open."""


def openness(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell of each row whether its window is still open."""
    if TIMING not in frame:
        return np.zeros(len(frame), dtype=bool)
    return (frame[TIMING] == EARLY).to_numpy(dtype=bool)


def lasting(frame: pd.DataFrame) -> pd.Timedelta | None:
    """Give how long the windows of a frame are, by the last ones; None if it has none."""
    if WINDOW_START not in frame or WINDOW_END not in frame:
        return None
    start, end = (frame[name].iloc[-99:].to_numpy() for name in (WINDOW_START, WINDOW_END))
    middle = pd.Timedelta(np.sort(end - start)[len(end) // 2]) if len(end) else pd.NaT
    return None if middle is pd.NaT else middle


def dated(column: pd.Series) -> Callable[[Any], str] | None:
    """Give how moments of several days, or days, are written; None where a clock tells them apart.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2026-01-05", "2026-01-06"]))
    >>> noons = days + pd.Timedelta("12h")
    >>> dated(days)(days[0]), dated(noons)(noons[0]), dated(noons[:1])
    ('2026-01-05', '01-05 12:00:00', None)
    """
    if not pd.api.types.is_datetime64_any_dtype(column):
        return None
    days = column.dropna().dt.normalize()
    whole = bool((days == column.dropna()).all())
    if days.nunique() < 2 and not whole:
        return None
    pattern = "%Y-%m-%d" if whole else "%m-%d %H:%M:%S"
    return lambda moment: NOTHING if moment is pd.NaT else f"{moment:{pattern}}"


def labels(column: pd.Series) -> pd.Series:
    """Give the words for the values of a column: what is told apart by it is called so everywhere.

    Null is a value too, a dash; so pandas neither skips nor drops its rows.

    Examples
    --------
    >>> labels(pd.Series(["FR", None])).tolist(), labels(pd.Series([7])).tolist()
    (['FR', '–'], ['7'])
    """
    if isinstance(column.dtype, pd.CategoricalDtype):  # a few words, and not one a row
        few = np.array([*column.cat.categories.astype(str), NOTHING], dtype=object)
        said = few[column.cat.codes.to_numpy()]
    else:
        said = column.astype(str).to_numpy(dtype=object, copy=True)
        said[column.isna().to_numpy()] = NOTHING
    return pd.Series(said, index=column.index, dtype=object)


def parted(columns: Columns, still_open: npt.NDArray[np.bool_]) -> dict[str, Columns]:
    """Give the tables ``main`` and ``open``: the rows of closed windows, and of those still open."""
    return {
        MAIN: {name: column[~still_open] for name, column in columns.items()},
        OPEN: {name: column[still_open] for name, column in columns.items()},
    }


def pivoted(
    rows: pd.DataFrame,
    x: str,
    y: str,
    by: str | None,
    names: Sequence[str],
    *,
    where: npt.NDArray[np.bool_] | None = None,
    moments: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Give the times in a long frame, ascending, and the values by time and category, NaN for none."""
    if not len(rows):
        return np.zeros(0), np.zeros((0, len(names)))
    when, which = milliseconds(rows[x]), _places(rows, by, names)
    known = which >= 0
    if where is not None:
        known &= where
    if moments is None:
        moments = np.unique(when if where is None else when[where])
    values = np.full((len(moments), len(names)), np.nan)
    values[np.searchsorted(moments, when[known]), which[known]] = rows[y].to_numpy(dtype=float)[known]
    return moments, values


def _places(rows: pd.DataFrame, by: str | None, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Give the place of each row's category among the names; -1 for one that has none."""
    if by is None:
        return np.zeros(len(rows), dtype=np.int64)
    return places_among(rows[by], names)


def places_among(column: pd.Series, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Give the place among names of each value, by its label; -1 for one that is not there."""
    places = pd.Index(list(names))
    if isinstance(column.dtype, pd.CategoricalDtype):  # a few words to look up, and not one a row
        found = places.get_indexer([*column.cat.categories.astype(str), NOTHING])
        return found[column.cat.codes.to_numpy()].astype(np.int64)
    found = places.get_indexer(pd.Index(column.astype(str)))
    if NOTHING in places:
        found[column.isna().to_numpy()] = places.get_loc(NOTHING)
    return found.astype(np.int64)


def windows(rows: pd.DataFrame) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Give start and end of each window in a long frame, ascending, and whether it is still open."""
    if not len(rows):
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool)
    left, first = np.unique(milliseconds(rows[WINDOW_START]), return_index=True)
    return left, milliseconds(rows[WINDOW_END])[first], openness(rows)[first]
