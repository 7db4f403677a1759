"""From the record of a time plane to a drawing: rectangles, paths and words at their places.

A scene is plain JSON. The page's own renderer (``assets/timeplane.js``) and the static picture draw the same
one, so what a saved notebook shows is what was seen live.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.model.steps import Date
from workbench.model.windows import Window
from workbench.runtimes.inflight import NONE, Pending
from workbench.runtimes.lanes import Lane, lanes
from workbench.runtimes.plane import Plane
from workbench.runtimes.whatif import WhatIf
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND, Nanos
from workbench.views.planelegend import below
from workbench.views.planemarks import ghosts, marks
from workbench.views.planestamps import stamp_panes
from workbench.views.planewords import (
    DATED_WORDS,
    FATE_WORDS,
    caption,
    first_output,
    key_words,
    legend,
    moment,
    other_words,
    spoken,
    under_way_words,
    usual_length,
)
from workbench.views.scales import Scale, tick, ticks

WIDTH: Final = 960
NARROW: Final = 600
"""How wide each is of several side by side."""
LEFT, RIGHT, TOP, BOTTOM = 70, 944, 58, 496
MARGIN: Final = WIDTH - RIGHT

MOST_LANES: Final = 150
"""How many windows are drawn as lanes; with more there is nothing to be made out."""

AHEAD: Final = 0.12
"""How much of the picture is for what is to come, where that is known."""

Extent = tuple[int, int, int, int]
"""The first and the last event time and processing time to be seen, in nanoseconds."""

Shape = list[Any]
"""``["rect", class, x, y, width, height]``, perhaps with an opacity behind, ``["path", class, d]`` or
``["text", class, x, y, words]``."""


@dataclass(slots=True, eq=False)
class Canvas:
    """Where event time and processing time are on the picture, and what has been drawn."""

    across: Scale
    up: Scale
    zone: Any = None
    length: int = 0
    """Of windows, in nanoseconds; moments are written as it suits them."""
    fates: dict[str, str] = field(default_factory=lambda: FATE_WORDS)
    under: list[Shape] = field(default_factory=list)
    plot: list[Shape] = field(default_factory=list)
    points: list[Shape] = field(default_factory=list)

    def moment(self, nanos: int, digits: int = 0) -> str:
        """Write a moment."""
        return moment(nanos, self.zone, digits, self.length)

    def rect(self, name: str, start: int, end: int, begin: int, until: int, opacity: float = 1.0) -> None:
        """Draw what lasts from one moment of event time, and of processing time, to another."""
        left, right = self.across.within(start), self.across.within(end)
        bottom, top = self.up.within(begin), self.up.within(until)
        if right > left and bottom > top:
            shape = ["rect", name, left, top, round(right - left, 1), round(bottom - top, 1)]
            self.plot.append([*shape, round(opacity, 3)] if opacity < 1 else shape)


def scene(
    plane: Plane,
    *,
    name: str,
    key: dict[str, Any] | None = None,
    last: int | None = None,
    held_by: str | None = None,
    live: bool = False,
    other: WhatIf | None = None,
    pending: Pending = NONE,
    extent: Extent | None = None,
    width: int = WIDTH,
    at: int | None = None,
) -> dict[str, Any]:
    """Draw a plane.

    Parameters
    ----------
    plane : Plane
        The record.
    name : str
        Of the result.
    key : dict, optional
        The values of the key columns; None for all rows together.
    last : int, optional
        Show only so many nanoseconds of processing time, the last ones; None for all.
    held_by : str, optional
        Who holds the watermark back.
    live : bool
        Whether it goes on.
    other : WhatIf, optional
        What another watermark would have done.
    pending : Pending
        Rows that have happened and not arrived yet.
    extent : Extent, optional
        What is to be seen, in place of what there is.
    width : int
        In pixels.
    at : int, optional
        The moment of processing time that is looked back to: what came after is veiled on the page.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.runtimes.replay import replay
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90], unit="s"), "v": [1, 2, 3, 4, 5]})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(total=("v", "sum"))
    >>> drawn = scene(replay(panes.step), name="total")
    >>> drawn["caption"]
    'Every window has fired. Of 5 rows, 4 came on time and 1 was late but accepted.'
    """
    rows = plane.rows(key)
    bounds = extent or extent_of(plane, key, last)
    windows = lanes(plane, key, since=None if last is None else bounds[0])
    canvas = _canvas(bounds, plane, width, ahead=pending.shape[1] > 0)
    entries = _draw(canvas, plane, key, windows, other, pending)
    words = caption(plane, windows, rows if key else None, canvas.zone, held_by)
    words = " ".join([words, *under_way_words(pending, canvas.up.high), *other_words(other)])
    shapes, height = below(entries, words, LEFT, canvas.across.last)
    title = f"{name}{key_words(key)}"
    return {
        "size": [width, height],
        "frame": [LEFT, width - MARGIN, TOP, BOTTOM],
        "across": canvas.across.told(canvas.zone),
        "up": canvas.up.told(canvas.zone),
        "above": [["text", "title", 12, 24, title], ["text", "about", 12, 43, _about(plane, key, width)]],
        "under": canvas.under,
        "plot": canvas.plot,
        "points": canvas.points,
        "below": shapes,
        "caption": words,
        "label": spoken(name, key, words),
        "live": live,
        "at": None if at is None else _share(canvas.up, at),
    }


def _share(up: Scale, moment: int) -> int:
    """Say how far up a moment is, in thousandths; what is at the top is looked back to all the same."""
    return round(min(max(1_000 * (moment - up.low) / (up.high - up.low), 0), 999))


def _draw(
    canvas: Canvas,
    plane: Plane,
    key: dict[str, Any] | None,
    windows: list[Lane],
    other: WhatIf | None,
    pending: Pending,
) -> list[list[str]]:
    """Draw everything within the frame; gives the entries of the legend."""
    _axes(canvas, plane.window)
    _lanes(canvas, windows)
    _diagonal(canvas)
    if plane.lateness:
        _steps(canvas, "horizon", plane.steps(), plane.lateness, plane.now)
    if other is not None:
        _steps(canvas, "ghost", other.steps, 0, plane.now)
    _steps(canvas, "watermark", plane.steps(), 0, plane.now)
    if pending.shape[1]:
        _now(canvas, plane.now)
    drawn = marks(canvas, plane.rows(key), plane.binned(key)) | ghosts(canvas, pending)
    timings = stamp_panes(canvas, plane, key, windows)
    entries = legend(drawn, timings, lateness=bool(plane.lateness), windows=windows, plane=plane)
    return entries + ([["ghost", f"watermark with {other.words}"]] if other is not None else [])


def _about(plane: Plane, key: dict[str, Any] | None, width: int) -> str:
    """Say what the plane is of, and what the numbers on it are."""
    told, numbers = plane.step.describe(), ""
    if plane.window is not None:
        numbers = f" · the numbers are {_what(plane, key)}"
    most = int(width / 6.6) - len(numbers)
    return (told if len(told) <= most else told[: max(most - 1, 0)] + "…") + numbers


def _what(plane: Plane, key: dict[str, Any] | None) -> str:
    """Say what the numbers on the panes are."""
    if key is None and plane.keys:
        return "rows of all keys together; key=... chooses one"
    return first_output(plane)


def extent_of(plane: Plane, key: dict[str, Any] | None = None, last: int | None = None) -> Extent:
    """Give what is to be seen: all there is, with whole windows, or the last of it."""
    bounds = _bounds(plane, plane.rows(key), key, last)
    windows = lanes(plane, key) if last is None else []
    starts = (lane.start for lane in windows if lane.start != NO_WATERMARK)  # a global one has no bounds
    ends = (lane.end for lane in windows if lane.end != END_OF_TIME)
    return min([bounds[0], *starts]), max([bounds[1], *ends]), bounds[2], bounds[3]


def _bounds(plane: Plane, rows: pd.DataFrame, key: dict[str, Any] | None, last: int | None) -> Extent:
    """Give the first and the last event time and processing time of rows and watermark."""
    now = plane.now
    if now == NO_WATERMARK:
        return 0, 60 * SECOND, 0, 60 * SECOND
    reach = max(getattr(plane.window, "lengths", ()), default=0) + plane.lateness
    known = plane.watermark not in (NO_WATERMARK, END_OF_TIME)
    if last is not None:
        first = min(now - last, (plane.watermark if known else now) - reach)
        ahead = rows.event_time[rows.arrival >= now - last].max() if len(rows) else now
        return int(first), int(max(now, now if pd.isna(ahead) else ahead)), now - last, now
    table = plane.binned(key)
    times = np.concatenate([rows.event_time.to_numpy(), table.event_time.to_numpy()])
    arrivals = np.concatenate([rows.arrival.to_numpy(), table.arrival.to_numpy()])
    if not len(times):
        return now - 60 * SECOND, now, now - 60 * SECOND, now
    return (
        int(times.min()),
        int(max(times.max(), plane.watermark if known else times.max())),
        int(arrivals.min()),
        now,
    )


def _canvas(extent: Extent, plane: Plane, width: int, *, ahead: bool) -> Canvas:
    left, right, bottom, top = extent
    across, up = max(right - left, 1_000_000), max(top - bottom, 1_000_000)
    return Canvas(
        Scale(left - across // 50, right + across // 50, LEFT, width - MARGIN),
        Scale(bottom - up // 40, top + (int(up * AHEAD) if ahead else up // 18), BOTTOM, TOP),
        zone_of(plane),
        usual_length(plane.window),
        FATE_WORDS if plane.window is not None else DATED_WORDS,
    )


def zone_of(plane: Plane) -> Any:
    """Give the time zone of the event time, in which all times are written."""
    dated = next(step for step in plane.step.chain() if isinstance(step, Date))
    return getattr(dated.schema.dtypes[dated.schema.time], "tz", None)


def _axes(canvas: Canvas, window: Window | None) -> None:
    """Draw the axes: event time blue, processing time green."""
    right = canvas.across.last
    canvas.under.append(["rect", "ground", LEFT, TOP, right - LEFT, BOTTOM - TOP])
    size = min(getattr(window, "lengths", ()), default=0)
    for at, words in ticks(canvas.across, canvas.zone, most=int((right - LEFT) // 95), wanted=size):
        canvas.under.append(["path", "grid", f"M{at} {TOP}V{BOTTOM}"])
        canvas.under.append(tick("event tick", at, BOTTOM + 17, words, right + MARGIN))
    for at, words in ticks(canvas.up, canvas.zone, most=8):
        canvas.under.append(["path", "grid", f"M{LEFT} {at}H{right}"])
        canvas.under.append(["text", "processing tick end", LEFT - 8, at + 4, words])
    canvas.under.append(["path", "event axis", f"M{LEFT} {BOTTOM}H{right}"])
    canvas.under.append(["path", "processing axis", f"M{LEFT} {BOTTOM}V{TOP}"])
    canvas.under.append(["text", "event name end", right - 8, BOTTOM - 9, "event time →"])
    canvas.under.append(["text", "processing name", LEFT + 9, TOP + 17, "↑ processing time"])


def _diagonal(canvas: Canvas) -> None:
    """Draw where rows would be that arrive when they happen."""
    low = max(canvas.across.low, canvas.up.low)
    high = min(canvas.across.high, canvas.up.high)
    if high > low:
        x0, y0, x1, y1 = canvas.across(low), canvas.up(low), canvas.across(high), canvas.up(high)
        canvas.plot.append(["path", "ideal", f"M{x0} {y0}L{x1} {y1}"])


def _lanes(canvas: Canvas, windows: list[Lane]) -> None:
    """Draw windows as lanes, the darker the more rows they hold."""
    most = max((piece.rows for lane in windows for piece in lane.pieces), default=1)
    for lane in windows if len(windows) <= MOST_LANES else ():
        for piece in lane.pieces:
            shade = 0.06 + 0.3 * piece.rows / most
            canvas.rect("state", piece.start, piece.end, piece.begin, piece.until, shade)
        for piece in lane.pieces if lane.closes is None else ():
            canvas.rect("open", piece.start, piece.end, piece.begin, piece.until)
        if lane.freed is not None and canvas.up.low <= lane.freed <= canvas.up.high:
            _freed(canvas, lane)


def _freed(canvas: Canvas, lane: Lane) -> None:
    """Draw the moment when the state of a window is freed: a lid on its lane."""
    assert lane.freed is not None
    left, right, at = canvas.across.within(lane.start), canvas.across.within(lane.end), canvas.up(lane.freed)
    if right - left > 3:
        canvas.plot.append(["path", "freed", f"M{left + 1} {at + 4}V{at}H{right - 1}V{at + 4}"])
        canvas.points.append([right - 6, at, f"state of {canvas.moment(lane.start)} is freed"])


def _now(canvas: Canvas, now: int) -> None:
    """Draw the present moment; what is above has not come yet."""
    at, right = canvas.up(now), canvas.across.last
    canvas.plot.append(["path", "now", f"M{LEFT} {at}H{right}"])
    canvas.plot.append(["text", "value processing", LEFT + 9, at - 5, "now"])


def _steps(canvas: Canvas, name: str, steps: Nanos, back: int, now: int) -> None:
    """Draw a watermark, or what is so far behind it, as a step line: up with time, across when it moves."""
    moments, watermarks = steps
    if not len(moments):
        return
    right = canvas.across.last
    known = np.where(watermarks == NO_WATERMARK, canvas.across.low, watermarks - back)
    x = np.where(watermarks == END_OF_TIME, right, canvas.across.many(known))
    x, y = np.clip(x, LEFT - 9, right), np.clip(canvas.up.many(moments), TOP - 9, BOTTOM + 9)
    last = np.append(np.diff(np.round(y)) != 0, True)  # of steps within a pixel, the last
    x, y = x[last], y[last]
    digits = 1 if len(x) < 150 else 0  # many steps must not make a large picture
    path = [f"M{x[0]:.1f} {y[0]:.1f}"]
    moves = zip(x[1:].tolist(), y[1:].tolist(), strict=True)
    path += [f"V{up:.{digits}f}H{across:.{digits}f}" for across, up in moves]
    line = "".join([*path, f"V{canvas.up.within(now)}" if watermarks[-1] != END_OF_TIME else ""])
    canvas.plot += [["path", "halo", line]] * (name != "horizon") + [["path", name, line]]
