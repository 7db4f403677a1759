"""Rows under way as a picture: arrived and not, by event time; below, how long rows take.

After figure 3-1 of *Streaming Systems*: as messages in flight have an oldest one, there is a moment of event
time before which all has arrived, and a watermark is a guess at it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from workbench.errors import DescriptionError
from workbench.runtimes.completeness import present_bound
from workbench.runtimes.inflight import NONE, InFlight, Pending, in_flight, pending
from workbench.runtimes.plane import Plane
from workbench.runtimes.run import Run
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND, Nanos, moment_of
from workbench.views.completeness import brief
from workbench.views.planelegend import caption as lines_of
from workbench.views.planescene import MARGIN, WIDTH, zone_of
from workbench.views.planewords import key_words, moment, usual_length
from workbench.views.scales import Scale, length_ticks, tick, ticks
from workbench.views.sceneview import SceneView
from workbench.views.words import percent, seconds, short

LEFT, RIGHT = 70, WIDTH - MARGIN
BARS: Final = (116, 270)
"""Top and bottom of the counts by event time."""
MARKS: Final = 68
"""Where the words on the first of the marks above them are."""
DELAYS: Final = (366, 476)
"""Top and bottom of the distribution of delay."""
BINS: Final = 60

When: TypeAlias = Callable[..., str]
"""Writes a moment, perhaps with digits."""


class InFlightView(SceneView):
    """How many rows have arrived, and how many are under way; made by ``timeplane().in_flight()``.

    Parameters
    ----------
    plane : Plane
        The record.
    name : str
        Of the result.
    key : dict, optional
        The values of the key columns.
    at : timestamp, optional
        The moment of processing time; by default the last.
    last : int, optional
        Of a run that goes on, how much event time is looked at, in nanoseconds.
    run : Run, optional
        That is followed; its sources may know what has not arrived yet.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 3, 2, 9], unit="s"), "v": 1})
    >>> rows["came"] = pd.to_datetime([2, 4, 9, 10], unit="s")
    >>> panes = wb.stream(rows, time="t", arrival="came", watermark="2s").window("8s").agg(n=("v", "size"))
    >>> panes.timeplane().in_flight(at="1970-01-01 00:00:05")
    Rows in flight of n. At 00:00:05.0 2 have arrived and 1 is known to be under way, the oldest of
    00:00:02.0, 3.0 s ago. The watermark is at 00:00:01.0. Half of the rows arrive within 1.0 s; 0.0 % take
    longer than the bound of 2s.
    """

    def __init__(
        self,
        plane: Plane,
        name: str,
        *,
        key: dict[str, Any] | None = None,
        at: Any = None,
        last: int | None = None,
        run: Run | None = None,
    ) -> None:
        super().__init__(run)
        self.plane, self.name, self.key, self.last = plane, name, key, last
        self.at = None if at is None else moment_of(at)

    @property
    def version(self) -> Any:
        """What changes when there is something new to be seen."""
        return self.plane.version

    def told(self) -> InFlight:
        """Count: see `workbench.runtimes.inflight`."""
        last = self.last if self.live else None
        return in_flight(self.plane, self.key, at=self.at, last=last, pending=self._pending())

    def to_pandas(self) -> Any:
        """Give the counts by event time: ``event_time, arrived, pending``."""
        return self.told().to_pandas()

    def scene(self) -> dict[str, Any]:
        """Draw it as it is now, in two parts: by event time, and by delay."""
        if self.plane.now == NO_WATERMARK:
            return _nothing(self.name)
        told, zone, bound = self.told(), zone_of(self.plane), self._bound()
        when = partial(moment, zone=zone, length=usual_length(self.plane.window))
        shapes, points = _by_event_time(told, zone, when)
        more, others = _by_delay(told, bound)
        words = _words(told, when, bound)
        lines = lines_of(words, 12, DELAYS[1] + 62, RIGHT)
        about = "rows by event time: arrived, and happened but not arrived yet"
        title = f"Rows in flight of {self.name}{key_words(self.key)}"
        return {
            "size": [WIDTH, DELAYS[1] + 66 + 17 * len(lines)],
            "frame": [0, WIDTH, 0, DELAYS[1] + 50],
            "above": [["text", "title", 12, 24, title], ["text", "about", 12, 43, about]],
            "under": [],
            "plot": shapes + more,
            "points": points + others,
            "below": lines,
            "caption": words,
            "label": f"{title}. {words}",
            "live": self.live,
        }

    def _pending(self) -> Pending:
        known = NONE if self.run is None or self.key else pending(self.run, self.plane.step)
        return known if self.at is None else known[:, known[0] <= self.at]

    def _bound(self) -> int | None:
        try:
            return present_bound(self.plane)
        except DescriptionError:
            return None


def _nothing(name: str) -> dict[str, Any]:
    words = "No row has come yet."
    above = [["text", "title", 12, 24, f"Rows in flight of {name}"], ["text", "about", 12, 43, words]]
    empty: dict[str, Any] = {part: [] for part in ("under", "plot", "points", "below")}
    label = f"Rows in flight of {name}: {words}"
    return {
        "size": [WIDTH, 60], "frame": [0, WIDTH, 0, 60], "above": above, **empty, "caption": words,
        "label": label, "live": True,
    }  # fmt: skip


def _words(told: InFlight, when: When, bound: int | None) -> str:
    """Say all that is to be seen."""
    arrived, waiting = int(told.arrived.sum()), int(told.pending.sum())
    parts = [f"At {when(told.now, digits=1)} {arrived:,} have arrived and {waiting:,}"]
    parts[0] += f" {'is' if waiting == 1 else 'are'} known to be under way"
    if told.oldest is not None:
        ago = seconds((told.now - told.oldest) / SECOND)
        parts[0] += f", the oldest of {when(told.oldest, digits=1)}, {ago} ago"
    if told.watermark not in (NO_WATERMARK, END_OF_TIME):
        parts.append(f"The watermark is at {when(told.watermark, digits=1)}")
    if len(told.delays):
        half = f"Half of the rows arrive within {seconds(float(np.median(told.delays)) / SECOND)}"
        beyond = "" if bound is None else f"; {percent(told.beyond(bound))} take longer than the bound of"
        parts.append(f"{half}{beyond} {brief(bound)}" if bound is not None else half)
    return ". ".join(parts) + "."


def _by_event_time(told: InFlight, zone: Any, when: When) -> tuple[list[Any], list[Any]]:
    """Draw rows by event time, and mark the watermark, the present, and the oldest that has not arrived."""
    top, bottom = BARS
    low, high = int(told.starts[0]), max(int(told.starts[-1]) + told.width, told.now)
    across = Scale(low, high + max((high - low) // 40, 1), LEFT, RIGHT)
    most = max(int((told.arrived + told.pending).max()), 1)
    bars, points = _stacked(told, across, most, when)
    words = [tick("event tick", at, bottom + 18, said, WIDTH) for at, said in ticks(across, zone, most=9)]
    axis = ["path", "event axis", f"M{LEFT} {bottom}H{RIGHT}"]
    name = ["text", "event name end", RIGHT, bottom + 36, "event time →"]
    counts = _counts(most, top, bottom)
    return [*counts, *words, *bars, *_marks_of(told, across, when), axis, name, *_legend(bottom + 36)], points


def _stacked(told: InFlight, across: Scale, most: int, when: When) -> tuple[list[Any], list[Any]]:
    """Draw how many rows of each interval have arrived, and above them how many are under way."""
    (top, bottom), shapes, points = BARS, [], []
    counts = (each.tolist() for each in (told.starts, told.arrived, told.pending))
    for start, came, waits in zip(*counts, strict=True):
        left, right = across(start), across(start + told.width)
        low, high = ((bottom - top) * count / most for count in (came, waits))
        if came:
            shapes.append(_bar("arrived", left, right, bottom - low, low))
        if waits:
            shapes += [_bar(name, left, right, bottom - low - high, high) for name in ("pending", "open")]
        if came or waits:
            words = f"event time {when(start)}\n{came:,} arrived, {waits:,} under way"
            points.append([round((left + right) / 2, 1), round(bottom - low - high, 1), words])
    return shapes, points


def _marks_of(told: InFlight, across: Scale, when: When) -> list[Any]:
    """Mark the watermark, the oldest row that has not arrived, and the present, each at its own height."""
    marks = [
        ("watermark", "watermark", told.watermark, "event"),
        ("horizon", "oldest not arrived", told.oldest, "lost"),
        ("now", "now", told.now, "processing"),
    ]
    shapes: list[Any] = []
    for number, (name, words, at, colour) in enumerate(marks):
        if at is None or not across.low <= at <= across.high:
            continue
        x, y = across(at), MARKS + 17 * number
        left = x > (LEFT + RIGHT) / 2
        told_at = f"{words} {when(at, digits=1)}"
        shapes.append(["path", name, f"M{x} {y - 8}V{BARS[1]}"])
        shapes.append(["text", f"value {colour}{' end' * left}", x - 6 if left else x + 6, y, told_at])
    return shapes


def _legend(y: float) -> list[Any]:
    return [
        _bar("arrived", LEFT, LEFT + 24, y - 10, 12),
        ["text", "legend", LEFT + 30, y, "arrived"],
        _bar("pending", LEFT + 100, LEFT + 124, y - 10, 12),
        _bar("open", LEFT + 100, LEFT + 124, y - 10, 12),
        ["text", "legend", LEFT + 130, y, "happened, not arrived yet"],
    ]


def _by_delay(told: InFlight, bound: int | None) -> tuple[list[Any], list[Any]]:
    """Draw how long rows took, and the bound."""
    top, bottom = DELAYS
    shapes: list[Any] = [["text", "about", 12, top - 22, "rows by delay, from event to arrival: the latest"]]
    if not len(told.delays):
        return shapes, []
    low, high = int(told.delays[0]) // SECOND * SECOND, int(np.quantile(told.delays, 0.995))
    across = Scale(min(low, 0), int(max(high, bound or 0, 1_000_000) * 1.15), LEFT, RIGHT)
    edges = _edges(across, bound)
    counts = np.histogram(told.delays, edges)[0]
    most = max(int(counts.max()), 1)
    bars, points = _delays(counts, edges, across, most, bound)
    shapes += [*_counts(most, top, bottom), *bars]
    if bound is not None:
        x, left = across(bound), across(bound) > (LEFT + RIGHT) / 2
        words = f"bound {brief(bound)}: {percent(told.beyond(bound))} take longer"
        shapes.append(["path", "watermark", f"M{x} {top - 8}V{bottom}"])
        shapes.append(["text", f"value event{' end' * left}", x - 6 if left else x + 6, top, words])
    shapes += [tick("tick", at, bottom + 18, said, WIDTH) for at, said in length_ticks(across, most=9)]
    shapes.append(["path", "freed", f"M{LEFT} {bottom}H{RIGHT}"])
    return [*shapes, ["text", "name end", RIGHT, bottom + 36, "delay →"]], points


def _delays(
    counts: Any, edges: Nanos, across: Scale, most: int, bound: int | None
) -> tuple[list[Any], list[Any]]:
    """Draw how many rows took how long; those beyond the bound have a colour of their own."""
    (top, bottom), shapes, points = DELAYS, [], []
    for begin, end, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
        if count:
            left, right, height = across(begin), across(end), (bottom - top) * count / most
            name = "beyond" if bound is not None and begin >= bound else "arrived"
            shapes.append(_bar(name, left, right, bottom - max(height, 2), max(height, 2)))
            words = f"{count:,} rows took {seconds(begin / SECOND)} to {seconds(end / SECOND)}"
            points.append([round((left + right) / 2, 1), round(bottom - height, 1), words])
    return shapes, points


def _edges(across: Scale, bound: int | None) -> Nanos:
    """Give where intervals of delay begin and end; the bound is between two of them."""
    width = max((across.high - across.low) // BINS, 1)
    if bound:
        width = max(bound // -(-bound // width), 1)
    return np.arange(across.low // width, across.high // width + 1) * width


def _bar(name: str, left: float, right: float, top: float, height: float) -> list[Any]:
    """Give a bar, with a little room beside it."""
    width = max(right - left - (1 if right - left > 3 else 0), 0.5)
    return [
        "rect",
        name if name == "open" else f"bar {name}",
        left,
        round(top, 1),
        round(width, 1),
        round(height, 1),
    ]


def _counts(most: int, top: float, bottom: float) -> list[Any]:
    """Give lines of round numbers of rows."""
    step = next(
        factor * 10**power for power in range(18) for factor in (1, 2, 5) if most / (factor * 10**power) <= 4
    )
    shapes: list[Any] = []
    for count in range(0, most + 1, step):
        y = round(bottom - (bottom - top) * count / most, 1)
        shapes += [
            ["path", "grid", f"M{LEFT} {y}H{RIGHT}"],
            ["text", "tick end", LEFT - 8, y + 4, short(count)],
        ]
    return shapes
