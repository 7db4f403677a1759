"""What a time plane says in words: its caption, its legend, and what a screen reader reads."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import pandas as pd

from workbench.model.panes import EARLY, LATE, ON_TIME
from workbench.model.windows import Count, Global, Session
from workbench.runtimes.lanes import Lane
from workbench.runtimes.plane import FATES, Plane
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND
from workbench.views.words import NOTHING, seconds

FATE_WORDS = {
    "on_time": "on time",
    "late_accepted": "late but accepted",
    "too_late": "too late",
    "rejected": "rejected",
}


def moment(nanos: int, zone: Any = None, digits: int = 0) -> str:
    """Write a moment of the day, in a time zone.

    Examples
    --------
    >>> moment(61_250_000_000), moment(61_250_000_000, digits=1)
    ('00:01:01', '00:01:01.2')
    """
    if nanos in (END_OF_TIME, NO_WATERMARK):
        return NOTHING
    at = pd.Timestamp(int(nanos), unit="ns", tz="UTC")
    at = at if zone is None else at.tz_convert(zone)
    tenths = f".{at.microsecond // 100_000}" if digits else ""
    return f"{at:%H:%M:%S}{tenths}"


def value_words(value: Any) -> str:
    """Write the value of a pane.

    Examples
    --------
    >>> value_words(12345), value_words(0.123456), value_words(None), value_words("<b>")
    ('12,345', '0.1235', '–', '<b>')
    """
    if isinstance(value, str | list | tuple | dict):
        text = str(value)
        return text if len(text) <= 24 else text[:23] + "…"
    if pd.isna(value):
        return NOTHING
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real):
        number = float(value)
        return f"{number:,.1f}" if abs(number) >= 100 else f"{number:.4g}"
    return str(value)


def key_words(key: dict[str, Any] | None) -> str:
    """Write which key is shown.

    Examples
    --------
    >>> key_words({"country": "FR"}), key_words(None)
    (' of country FR', '')
    """
    return "" if not key else " of " + ", ".join(f"{name} {value}" for name, value in key.items())


def caption(
    plane: Plane, windows: list[Lane], rows: pd.DataFrame | None, zone: Any, held_by: str | None
) -> str:
    """Say what happens next, or how it ended, and what has become of the rows."""
    counts = plane.counts()
    if rows is not None:
        counts = {fate: int((rows.fate == code).sum()) for code, fate in enumerate(FATES)}
    if not sum(counts.values()):
        return "No row has come yet."
    return f"{_next(plane, windows, zone, held_by)} {_sum(counts)}"


def legend(
    drawn: dict[str, str], timings: list[str], *, lateness: bool, windows: list[Lane], plane: Plane
) -> list[list[str]]:
    """Give sign and words of all that is to be seen."""
    entries = [["watermark", "watermark"]] if plane.watermark != NO_WATERMARK else []
    entries += [["horizon", "lateness horizon"]] if lateness else []
    entries += [["ideal", "no delay"]]
    for fate, way in drawn.items():
        entries.append(
            [f"bubble {fate}" if way == "bin" else fate, FATE_WORDS[fate] + " (rows)" * (way == "bin")]
        )
    if windows:
        entries.append(["state", "state of a window: darker, more rows"])
    if any(lane.closes is None for lane in windows):
        entries.append(["open", "still open"])
    words = {EARLY: "early pane", ON_TIME: "on-time pane", LATE: "late pane"}
    entries += [[f"pane {timing}", words[timing]] for timing in (EARLY, ON_TIME, LATE) if timing in timings]
    entries += [["freed", "state freed"]] if any(lane.freed is not None for lane in windows) else []
    return entries


def spoken(name: str, key: dict[str, Any] | None, words: str) -> str:
    """Say all that a picture says, for those who do not see it."""
    return f"Time plane of {name}{key_words(key)}: event time across, processing time up. {words}"


def _next(plane: Plane, windows: list[Lane], zone: Any, held_by: str | None) -> str:
    """Say which window fires next, and what it waits for."""
    window, watermark = plane.step.window, plane.watermark
    if isinstance(window, Count):
        return f"A window fires when it has {window.size} rows, whatever the watermark."
    if watermark == END_OF_TIME:
        return "Every window has fired."
    if isinstance(window, Global):
        return "The one window is open until the stream ends."
    held = f" It is held back by {held_by}." if held_by else ""
    if watermark == NO_WATERMARK:
        return f"There is no watermark yet.{held}"
    lane = min((lane for lane in windows if lane.end > watermark), key=lambda lane: lane.end, default=None)
    if lane is None:
        return f"No window is open; the watermark is at {moment(watermark, zone, 1)}.{held}"
    what = "The session from" if isinstance(window, Session) else "Window"
    needs = seconds((lane.end - watermark) / SECOND)
    return (
        f"{what} {moment(lane.start, zone)} fires when the watermark passes {moment(lane.end, zone)}: "
        f"needs {needs} more of event time.{held}"
    )


def _sum(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    if total == counts["on_time"]:
        return f"All {total:,} rows came on time." if total > 1 else "The one row came on time."
    parts = [
        f"{count:,} {'came' if fate == 'on_time' else 'was' if count == 1 else 'were'} {FATE_WORDS[fate]}"
        for fate, count in counts.items()
        if count
    ]
    told = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return f"Of {total:,} row{'s' * (total > 1)}, {told}."
