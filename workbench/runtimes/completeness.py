"""Completeness against latency: how many rows would have come in time with another bound of disorder.

A row that met a watermark would have met one that much earlier, had the bound been that much longer; so one
run answers for every bound. A longer bound makes answers more complete, and every one of them later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.ranges import shift
from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated, Date
from workbench.model.watermarks import BoundedOutOfOrderness
from workbench.model.windows import Count, Global
from workbench.runtimes.plane import REFUSED, Plane, last_ends
from workbench.time import NO_WATERMARK

MOST = 200
"""How many bounds are looked at."""


def completeness(plane: Plane, key: dict[str, Any] | None = None) -> pd.DataFrame:
    """Give for many bounds how many rows would have come in time.

    Of the rows that the plane keeps one by one; of sessions as if each row were one alone.

    Parameters
    ----------
    plane : Plane
        The record.
    key : dict, optional
        The values of the key columns; None for all rows.

    Returns
    -------
    pandas.DataFrame
        ``bound`` (timedelta64[ns], ascending, from 0), ``on_time`` and ``accepted`` (float, shares of rows
        that come before their last window closes, or before its lateness is over), ``present`` (bool, whether
        it is the bound that there is).

    Raises
    ------
    DescriptionError
        If the watermark has no bound, or no row is ever late.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.runtimes.plane import replay
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 65, 8, 90, 9], unit="s"), "v": 1})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> completeness(replay(panes.step)).iloc[[0, -1]][["on_time", "accepted", "present"]]
       on_time  accepted  present
    0      0.6       0.8     True
    3      1.0       1.0    False
    """
    bound = present_bound(plane.step)
    rows = plane.rows(key)
    rows = rows[(rows.fate != REFUSED)]
    known = rows.met.to_numpy() != NO_WATERMARK
    ends = last_ends(plane.step.window, rows.event_time.to_numpy())
    needs = np.where(known, rows.met.to_numpy() + bound - ends, -1)  # in time with a longer bound than that
    late = np.where(known, needs - plane.step.lateness, -1)
    bounds = _bounds(np.concatenate([needs, late]), bound)
    shares = [np.searchsorted(np.sort(each), bounds) / max(len(rows), 1) for each in (needs, late)]
    told = {"bound": bounds.view("timedelta64[ns]"), "on_time": shares[0], "accepted": shares[1]}
    return pd.DataFrame(told).assign(present=bounds == bound)


def present_bound(step: Aggregated) -> int:
    """Give the bound that there is, in nanoseconds.

    Raises
    ------
    DescriptionError
        If there is none, or several.
    """
    if isinstance(step.window, Count | Global):
        raise DescriptionError(
            f"no row is ever late for {step.window!r}", hint="completeness is of windows that close by time"
        )
    policies = [before.watermark for before in step.chain() if isinstance(before, Date)]
    bounds = {each.bound if isinstance(each, BoundedOutOfOrderness) else None for each in policies}
    if len(bounds) > 1 or None in bounds:
        raise DescriptionError(
            "completeness needs one bound of disorder",
            detail=f"the watermarks are {', '.join(map(repr, policies))}",
            hint="as in wb.stream(..., watermark='10s')",
        )
    return int(bounds.pop() or 0)


def _bounds(needs: Any, present: int) -> Any:
    """Choose bounds where something changes, up to the one that takes all rows, and past it a little."""
    some = np.unique(shift(np.maximum(needs, -1), 1))  # the least bound that takes a row
    if len(some) > MOST:
        some = some[np.linspace(0, len(some) - 1, MOST).astype(np.int64)]
    return np.unique(np.concatenate([[0, present], some]).astype(np.int64))
