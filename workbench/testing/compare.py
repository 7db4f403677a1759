"""What must be equal: final panes, and how two pane tables are compared.

A pane is *superseded* by a later pane of its window and key; with sessions, by any later pane of its
key whose interval contains its own, since a session that grows or is merged contains its parts. The
**final panes** are those that nothing supersedes. Leaving out intermediate panes cannot change
the outcome, so the rule does not depend on the batches.

The rule sees panes only, and in one corner it is too strict: a session that has expired may come to
lie within a later one that never held its rows (its row was accepted because it touched a live
session beyond). `workbench.testing.answers.Answer` tells such panes apart by their true descent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import LATE_BY, REVISION, WATERMARK, WINDOW_END, WINDOW_START
from workbench.time import to_nanos

Key = tuple[Any, ...]
"""The values of the key columns, with None for null."""


def final_panes(panes: pd.DataFrame, keys: Sequence[str] = (), *, sessions: bool = True) -> pd.DataFrame:
    """Reduce a pane table in the order of emission to the panes that nothing supersedes.

    Parameters
    ----------
    panes : pandas.DataFrame
        The pane tables of all batches, one after the other.
    keys : sequence of str
        The key columns.
    sessions : bool
        Whether a pane supersedes those of the sessions within its own; otherwise only those of its window.

    Returns
    -------
    pandas.DataFrame
        The same columns; by ``window_end``, then keys (null last).
    """
    if panes.empty:
        return panes
    starts, ends = to_nanos(panes[WINDOW_START]).tolist(), to_nanos(panes[WINDOW_END]).tolist()
    survivors: dict[Key, list[int]] = {}
    for position, key in reversed(list(enumerate(keys_of(panes, keys)))):
        later = survivors.setdefault(key, [])
        start, end = starts[position], ends[position]
        contained = (starts[other] <= start and end <= ends[other] for other in later)
        equal = ((starts[other], ends[other]) == (start, end) for other in later)
        if not any(contained if sessions else equal):
            later.append(position)
    final = panes.iloc[sorted(position for kept in survivors.values() for position in kept)]
    return final.sort_values([WINDOW_END, *keys], kind="stable", ignore_index=True)


def pane_differences(
    actual: pd.DataFrame,
    expected: pd.DataFrame,
    keys: Sequence[str] = (),
    *,
    ignore: Iterable[str] = (REVISION,),
) -> list[str]:
    """Say in what two tables of final panes differ; an empty list if in nothing.

    Numbers are compared by value, with a relative tolerance of 1e-9, whatever their dtypes; nulls
    are equal to nulls; order is free.

    Parameters
    ----------
    actual, expected : pandas.DataFrame
        At most one pane for each window and key.
    keys : sequence of str
        The key columns.
    ignore : iterable of str
        Columns not compared; by default the revision, which depends on the batches.
    """
    left, right = _by_window(actual, keys, set(ignore)), _by_window(expected, keys, set(ignore))
    found = [f"missing pane {name}: {right[name]}" for name in right if name not in left]
    found += [f"pane too many {name}: {left[name]}" for name in left if name not in right]
    for name in left.keys() & right.keys():
        for column, wanted in right[name].items():
            got = left[name].get(column, "no such column")
            if not same(got, wanted):
                found.append(f"pane {name}: {column} is {got!r}, but should be {wanted!r}")
    if len(left) != len(actual):
        found.append("a window and key has more than one final pane")
    return found


def late_rows(late: pd.DataFrame) -> dict[int, tuple[int, int]]:
    """Give arrival number -> (by how much it was late, watermark met), both in nanoseconds."""
    if late.empty:
        return {}
    by = late[LATE_BY].to_numpy().astype("timedelta64[ns]").astype(np.int64).tolist()
    met = to_nanos(late[WATERMARK]).tolist()
    return dict(zip(late.index.tolist(), zip(by, met, strict=True), strict=True))


def keys_of(frame: pd.DataFrame, keys: Iterable[str]) -> list[Key]:
    """Give the key of each row, with None for null."""
    columns = [[plain(value) for value in frame[name]] for name in keys]
    return list(zip(*columns, strict=True)) if columns else [()] * len(frame)


def plain(value: Any) -> Any:
    """Give None for any null, numpy scalars as Python's, and other values as they are.

    Examples
    --------
    >>> plain(float("nan")), plain(pd.NA), plain(np.int64(3)), plain("a")
    (None, None, 3, 'a')
    """
    if not pd.api.types.is_scalar(value):
        return value
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def same(actual: Any, expected: Any) -> bool:
    """Say whether two values are equal: numbers nearly, nulls to nulls, lists as multisets.

    Examples
    --------
    >>> same(3, 3.0), same(float("nan"), None), same([1, 2], [2, 1]), same("3", 3)
    (True, True, True, False)
    """
    if isinstance(actual, list) and isinstance(expected, list):
        return sorted(map(repr, actual)) == sorted(map(repr, expected))
    left, right = plain(actual), plain(expected)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


def _by_window(panes: pd.DataFrame, keys: Sequence[str], ignore: set[str]) -> dict[Key, Any]:
    """Give (start, end, *key) -> the other columns' values."""
    if panes.empty:
        return {}
    columns = [name for name in panes.columns if name not in {WINDOW_START, WINDOW_END, *keys, *ignore}]
    starts, ends = to_nanos(panes[WINDOW_START]).tolist(), to_nanos(panes[WINDOW_END]).tolist()
    values = panes[columns].to_dict("records")
    names = zip(starts, ends, keys_of(panes, keys), strict=True)
    return {(*name[:2], *name[2]): row for name, row in zip(names, values, strict=True)}
