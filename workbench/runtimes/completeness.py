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
from workbench.model.steps import Date
from workbench.model.watermarks import BoundedOutOfOrderness
from workbench.model.windows import Count, Global
from workbench.runtimes.fates import REFUSED, last_ends
from workbench.runtimes.plane import Plane
from workbench.time import NO_WATERMARK

MOST = 200
"""How many bounds are looked at."""


class Curve:
    """How many rows would have come in time with any bound.

    Of the latest rows, which the plane keeps one by one; of sessions as if each row were one alone.

    Parameters
    ----------
    plane : Plane
        The record.
    key : dict, optional
        The values of the key columns; None for all rows.

    Attributes
    ----------
    present : int
        The bound that there is, in nanoseconds.
    rows : int
        How many rows are looked at.

    Raises
    ------
    DescriptionError
        If the watermark has no bound, or no row is ever late.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.runtimes.replay import replay
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 65, 8, 90, 9], unit="s"), "v": 1})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> curve = Curve(replay(panes.step))
    >>> [[int(rows) for rows in curve.at(bound)] for bound in (0, 31_000_000_000)]
    [[3, 4], [5, 5]]
    """

    def __init__(self, plane: Plane, key: dict[str, Any] | None = None) -> None:
        self.present = present_bound(plane)
        rows = plane.rows(key, latest=True)
        rows = rows[rows.fate != REFUSED]
        assert plane.window is not None
        known = rows.met.to_numpy() != NO_WATERMARK
        ends = last_ends(plane.window, rows.event_time.to_numpy())
        needs = np.where(known, reached(plane, rows, self.present) - ends, -1)
        self.rows = len(rows)
        self._needs = np.sort(needs)  # each comes on time with any longer bound
        self._late = np.sort(np.where(known, needs - plane.lateness, -1))

    def at(self, bounds: Any) -> tuple[Any, Any]:
        """Give how many rows would come on time, and how many in time to be accepted, with some bounds."""
        return np.searchsorted(self._needs, bounds), np.searchsorted(self._late, bounds)

    @property
    def whole(self) -> int:
        """The least bound that takes all rows on time, in nanoseconds."""
        return max(int(self._needs[-1]) + 1, 0) if self.rows else 0

    def bounds(self) -> Any:
        """Give bounds where something changes, up to the one that takes all rows; the present one too."""
        some = np.unique(shift(np.maximum(np.concatenate([self._needs, self._late]), -1), 1))
        if len(some) > MOST:
            some = some[np.linspace(0, len(some) - 1, MOST).astype(np.int64)]
        return np.unique(np.concatenate([[0, self.present], some]).astype(np.int64))


def completeness(plane: Plane, key: dict[str, Any] | None = None) -> pd.DataFrame:
    """Give for many bounds how many rows would have come in time: see `Curve`.

    Returns
    -------
    pandas.DataFrame
        ``bound`` (timedelta64[ns], ascending, from 0), ``on_time`` and ``accepted`` (float, shares of rows
        that come before their last window closes, or before its lateness is over), ``present`` (bool, whether
        it is the bound that there is).

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.runtimes.replay import replay
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 65, 8, 90, 9], unit="s"), "v": 1})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> completeness(replay(panes.step)).iloc[[0, -1]][["on_time", "accepted", "present"]]
       on_time  accepted  present
    0      0.6       0.8     True
    3      1.0       1.0    False
    """
    return table(Curve(plane, key))


def table(curve: Curve) -> pd.DataFrame:
    """Give a curve as a table: see `completeness`."""
    bounds = curve.bounds()
    on_time, accepted = (rows / max(curve.rows, 1) for rows in curve.at(bounds))
    told = {"bound": bounds.view("timedelta64[ns]"), "on_time": on_time, "accepted": accepted}
    return pd.DataFrame(told).assign(present=bounds == curve.present)


def present_bound(plane: Plane) -> int:
    """Give the bound that there is, in nanoseconds.

    Raises
    ------
    DescriptionError
        If there is none, or several.
    """
    window = plane.window
    if window is None or isinstance(window, Count | Global):
        raise DescriptionError(
            f"no row is ever late for {window!r}" if window else "there are no windows",
            hint="completeness is of windows that close by time",
        )
    policies = [before.watermark for before in plane.step.chain() if isinstance(before, Date)]
    bounds = {each.bound if isinstance(each, BoundedOutOfOrderness) else None for each in policies}
    if len(bounds) > 1 or None in bounds:
        raise DescriptionError(
            "completeness needs one bound of disorder",
            detail=f"the watermarks are {', '.join(map(repr, policies))}",
            hint="as in wb.stream(..., watermark='10s')",
        )
    return plane.bounds[-1][1] if plane.bounds else int(bounds.pop() or 0)


def reached(plane: Plane, rows: pd.DataFrame, bound: int) -> Any:
    """Give the greatest event time before each row, by the watermark that it met and the bound of then.

    Where a longer bound has made the watermark stand still, the rows themselves tell.
    """
    met, arrivals = rows.met.to_numpy(), rows.arrival.to_numpy()
    if not plane.bounds:
        return met + bound
    since, bounds, stood = (np.array(each) for each in zip(*plane.bounds, strict=True))
    at = np.searchsorted(since, arrivals) - 1
    made, before = met + bounds[at], met + bounds[np.maximum(at - 1, 0)]
    seen = np.append(NO_WATERMARK, np.maximum.accumulate(rows.event_time.to_numpy()))[:-1]
    seen = np.clip(seen, np.minimum(made, before), np.maximum(made, before))
    return np.where(met <= stood[at], seen, made)


def bounds_then(plane: Plane, moments: Any, bound: int) -> Any:
    """Give the bound that there was at some moments of processing time; or the only one that there is."""
    if not plane.bounds:
        return bound
    since, bounds, _ = (np.array(each) for each in zip(*plane.bounds, strict=True))
    return bounds[np.searchsorted(since, moments) - 1]
