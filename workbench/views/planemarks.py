"""Rows on a time plane: one mark each, or, where there are too many, bubbles with counts."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.runtimes.fates import FATES, LATE_ACCEPTED, ON_TIME_ROW, REFUSED, TOO_LATE
from workbench.runtimes.inflight import Pending
from workbench.views.planewords import PENDING
from workbench.views.words import seconds, short

MOST: Final = 400
"""Rows that are drawn one by one."""
MOST_LATE: Final = 120
"""Late rows that are, however many rows there are."""
CELL: Final = 30
"""The size of a bin on the picture, in pixels."""


FEW: Final = 8
"""A bin of so many rows is drawn as large as can be, if none has more."""


def marks(canvas: Any, rows: pd.DataFrame, bins: pd.DataFrame) -> dict[str, str]:
    """Draw rows; gives by fate how it was drawn: ``mark`` or ``bin``."""
    rows, bins = _seen(canvas, rows), _seen(canvas, bins)
    binned = len(rows) + len(bins) > MOST
    drawn = {}
    for fate in (ON_TIME_ROW, REFUSED, LATE_ACCEPTED, TOO_LATE):
        mine, older = rows[rows.fate == fate], bins[bins.fate == fate]
        if not len(mine) + len(older):
            continue
        name = FATES[fate]
        few = not len(older) and (not binned or (fate != ON_TIME_ROW and len(mine) <= MOST_LATE))
        drawn[name] = "mark" if few else "bin"
        (_marks if few else _bubbles)(canvas, name, pd.concat([mine.assign(rows=1), older]))
    return drawn


def ghosts(canvas: Any, pending: Pending) -> dict[str, str]:
    """Draw rows that have happened and not arrived, where they will be; gives how, as `marks` does."""
    event_times, arrivals = pending
    rows = _seen(canvas, pd.DataFrame({"event_time": event_times, "arrival": arrivals}))
    if not len(rows):
        return {}
    few = len(rows) <= MOST_LATE
    (_marks if few else _bubbles)(canvas, PENDING, rows.assign(rows=1))
    return {PENDING: "mark" if few else "bin"}


def sign(fate: str, x: float, y: float) -> list[list[Any]]:
    """Give the mark of a fate: a disc, a half-filled ring, a cross, a dashed ring, a small ring."""
    at = f"M{x:.1f} {y:.1f}"
    match fate:
        case "on_time":
            return [["path", "rim", f"{at}h0"], ["path", "mark on_time", f"{at}h0"]]
        case "late_accepted":
            ring, half = (
                f"{at}m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
                f"{at}m-4.5 0a4.5 4.5 0 0 0 9 0z",
            )
            return [["path", "mark ring", ring], ["path", "mark half", half]]
        case "too_late":
            cross = f"{at}m-4-4l8 8m0-8l-8 8"
            return [["path", "halo", cross], ["path", "mark too_late", cross]]
        case "pending":
            return [["path", "mark pending", f"{at}m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z"]]
        case _:
            return [["path", "mark rejected", f"{at}m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0z"]]


def _seen(canvas: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Give the rows that are within the picture, with their places."""
    across, up = canvas.across, canvas.up
    inside = rows.event_time.between(across.low, across.high) & rows.arrival.between(up.low, up.high)
    rows = rows[inside]
    return rows.assign(x=across.many(rows.event_time), y=up.many(rows.arrival))


def _marks(canvas: Any, fate: str, rows: pd.DataFrame) -> None:
    """Draw a mark for each row; all marks of a fate are one path."""
    layers: dict[str, list[str]] = {}
    for x, y in zip(rows.x.tolist(), rows.y.tolist(), strict=True):
        for _, name, path in sign(fate, x, y):
            layers.setdefault(name, []).append(path)
    canvas.plot += [["path", name, "".join(paths)] for name, paths in layers.items()]
    columns = zip(rows.x.round(1), rows.y.round(1), rows.event_time, rows.arrival, strict=True)
    canvas.points += [[x, y, _told(fate, time, arrival, canvas)] for x, y, time, arrival in columns]


def _told(fate: str, time: int, arrival: int, canvas: Any) -> str:
    """Say what one mark is."""
    when, came = canvas.moment(time, 1), canvas.moment(arrival, 1)
    verb = "arrives" if fate == PENDING else "arrived"
    return f"{canvas.fates[fate]}: of {when}\n{verb} {seconds((arrival - time) / 1e9)} later, at {came}"


def _bubbles(canvas: Any, fate: str, rows: pd.DataFrame) -> None:
    """Draw a bubble for each bin with rows, the larger the more there are, with their number if it fits."""
    cells = rows.assign(i=(rows.x // CELL).astype(int), j=(rows.y // CELL).astype(int))
    cells = cells.assign(mx=cells.x * cells.rows, my=cells.y * cells.rows)
    sums = cells.groupby(["i", "j"], as_index=False)[["mx", "my", "rows"]].sum()
    most, shapes = max(sums.rows.max(), FEW), []
    for mx, my, count in sums[["mx", "my", "rows"]].itertuples(index=False):
        x, y = mx / count, my / count  # where its rows are, on the average
        radius = 2.5 + 10 * float(np.sqrt(count / most))
        arc = f"a{radius:.0f} {radius:.0f} 0 1 0 "
        ring = f"M{x - round(radius):.0f} {y:.0f}{arc}{2 * round(radius)} 0{arc}-{2 * round(radius)} 0z"
        shapes.append(["path", f"bubble {fate}", ring])
        if radius > 2.6 * len(words := _brief(count)) + 1:
            shapes.append(["text", f"count middle {fate}", round(x, 1), round(y + 3, 1), words])
        canvas.points.append([round(x, 1), round(y, 1), f"{int(count):,} rows {canvas.fates[fate]}"])
    canvas.plot += together(shapes)


def _brief(count: int) -> str:
    """Write a count in four letters at most, or so."""
    return (
        f"{count}"
        if count < 1_000
        else f"{count / 1_000:.1f}k"
        if count < 9_950
        else short(count).replace(".0", "")
    )


def together(shapes: list[list[Any]]) -> list[list[Any]]:
    """Put paths of one class into one, which takes less room; words come last, above them.

    Examples
    --------
    >>> together([["path", "a", "M1 2h3"], ["text", "t", 1, 2, "word"], ["path", "a", "M5 6h3"]])
    [['path', 'a', 'M1 2h3M5 6h3'], ['text', 't', 1, 2, 'word']]
    """
    paths: dict[str, list[str]] = {}
    for kind, name, *rest in shapes:
        if kind == "path":
            paths.setdefault(name, []).append(rest[0])
    words = [shape for shape in shapes if shape[0] == "text"]
    return [["path", name, "".join(each)] for name, each in paths.items()] + words
