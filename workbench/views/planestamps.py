"""Panes on a time plane: each stamped at the moment when it fires, with its timing and its value."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.model.panes import EARLY, ON_TIME, RETRACTION, TIMING, WINDOW_END, WINDOW_START
from workbench.runtimes.lanes import Lane
from workbench.runtimes.plane import Plane
from workbench.time import END_OF_TIME, NO_WATERMARK, to_nanos
from workbench.views.planemarks import together
from workbench.views.planewords import first_output, value_words

APART: Final = 13
"""How many pixels apart panes of one window and timing are drawn, at least."""

_RANK = {ON_TIME: 0, EARLY: 2}


def stamp_panes(canvas: Any, plane: Plane, key: dict[str, Any] | None, windows: list[Lane]) -> list[str]:
    """Draw the panes; gives which timings there are."""
    panes = plane.panes(key, since=canvas.up.low)
    if WINDOW_START not in panes or not len(panes):
        return []
    stamps = _apart(canvas, _bounds(panes))
    alone = key is not None or not plane.keys
    numbers = _values(plane, panes, stamps) if alone else _rows(stamps, windows)
    stamps = stamps.assign(words=numbers, rank=[_RANK.get(timing, 1) for timing in stamps.timing])
    taken: list[tuple[float, float, float]] = []
    what = first_output(plane) if alone else "rows of all keys"
    drawn = [
        shape
        for stamp in stamps.sort_values("rank", kind="stable").to_dict("records")
        for shape in _stamp(canvas, stamp, taken, what)
    ]
    canvas.plot += together(drawn)
    return sorted(set(stamps.timing))


def _bounds(panes: pd.DataFrame) -> pd.DataFrame:
    """Give what there is to know of panes: when they fired, for which window, and how."""
    ends = to_nanos(panes[WINDOW_END])
    told = {
        "fired": panes.index.to_numpy(),
        "start": to_nanos(panes[WINDOW_START]),
        "end": np.where(ends == NO_WATERMARK, END_OF_TIME, ends),
        "timing": panes[TIMING].astype(str).to_numpy(),
        "back": panes[RETRACTION].to_numpy() if RETRACTION in panes else np.zeros(len(panes), dtype=bool),
    }
    return pd.DataFrame(told)


def _apart(canvas: Any, stamps: pd.DataFrame) -> pd.DataFrame:
    """Choose those to be seen; of panes of one window and timing within a few pixels the last."""
    seen = (stamps.fired >= canvas.up.low) & (stamps.end >= canvas.across.low)
    stamps = stamps[seen & (stamps.start <= canvas.across.high)]
    place = (canvas.up.many(stamps.fired) // APART).astype(int)
    groups = stamps.groupby([stamps.start, stamps.end, stamps.timing, place], sort=False)
    followed = groups.cumcount(ascending=False)
    return stamps.assign(many=groups.cumcount() + 1)[(followed == 0).to_numpy()]


def _values(plane: Plane, panes: pd.DataFrame, stamps: pd.DataFrame) -> list[str]:
    """Give the value of each pane; with a minus where it is taken back."""
    values = panes[first_output(plane)].iloc[stamps.index]
    return [("−" if back else "") + value_words(v) for back, v in zip(stamps.back, values, strict=True)]


def _rows(stamps: pd.DataFrame, windows: list[Lane]) -> list[str]:
    """Give how many rows of all keys a window held when it fired."""
    lane_of = {(lane.start, lane.end): lane for lane in windows}
    columns = stamps[["fired", "start", "end", "timing"]].itertuples(index=False)
    return [
        f"{lane.held(fired, on_time=timing == ON_TIME):,}" if (lane := lane_of.get((start, end))) else ""
        for fired, start, end, timing in columns
    ]


def _stamp(
    canvas: Any, stamp: dict[str, Any], taken: list[tuple[float, float, float]], what: str
) -> list[list[Any]]:
    """Draw one pane: a bar across its window, a sign for its timing, and its value where there is room."""
    left, right = canvas.across.within(stamp["start"]) + 1.5, canvas.across.within(stamp["end"]) - 1.5
    at, timing, words = canvas.up(stamp["fired"]), stamp["timing"], stamp["words"]
    if right <= left:
        return []
    middle, width = round((left + right) / 2, 1), 7.0 * len(words) + 4
    canvas.points.append([middle, at, _told(stamp, what, canvas)])
    shapes = [["path", f"pane {timing}", f"M{left:.1f} {at}H{right:.1f}"]]
    shapes.append(["path", f"sign {timing}", _sign(timing, left + 5, at)])
    places = (middle, round(right - width / 2 - 4, 1), round(left + width / 2 + 14, 1))
    free = (x for x in places if all(abs(at - b) > 13 or abs(x - a) > (width + w) / 2 for a, b, w in taken))
    if right - left >= width and (place := next(free, None)) is not None:
        taken.append((place, at, width))
        shapes.append(["text", f"value middle {timing}", place, at - 4, words])
    return shapes


def _told(stamp: dict[str, Any], what: str, canvas: Any) -> str:
    """Say what a pane is."""
    kind, start = stamp["timing"].replace("_", "-"), canvas.moment(stamp["start"])
    value = f"{what}: {stamp['words']}" if stamp["words"] else ""
    more = f"\n{stamp['many']} panes here, the last is told" if stamp["many"] > 1 else ""
    return f"{kind} pane of window {start}, fired at {canvas.moment(stamp['fired'], 1)}\n{value}{more}"


def _sign(timing: str, x: float, y: float) -> str:
    """Give the sign of a timing: a triangle, a square, a diamond."""
    if timing == EARLY:
        return f"M{x - 4:.1f} {y + 3:.1f}h8l-4-7z"
    if timing == ON_TIME:
        return f"M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z"
    return f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5-5z"
