"""What a time plane says in words: its caption, its legend, and what a screen reader reads."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import EARLY, LATE, ON_TIME
from workbench.model.steps import Aggregated
from workbench.model.windows import Calendar, Count, Global, Session, Window
from workbench.runtimes.fates import FATES
from workbench.runtimes.inflight import Pending
from workbench.runtimes.lanes import Lane
from workbench.runtimes.plane import Plane
from workbench.runtimes.whatif import WhatIf
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND, Nanos
from workbench.views.words import NOTHING, seconds
from workbench.views.words import moment as written

DAY = 86_400 * SECOND
PENDING = "pending"
"""Rows that have happened and not arrived: no fate yet, but drawn like one."""

FATE_WORDS = {
    "on_time": "on time",
    "late_accepted": "late but accepted",
    "too_late": "too late",
    "rejected": "rejected",
    PENDING: "not arrived yet",
}
DATED_WORDS = {**FATE_WORDS, "on_time": "in time", "late_accepted": "behind the watermark"}
"""Where there are no windows."""


def moment(nanos: int, zone: Any = None, digits: int = 0, length: int = 0) -> str:
    """Write a moment in a time zone, as it suits windows of a length, in nanoseconds; perhaps with tenths.

    Examples
    --------
    >>> moment(61_250_000_000), moment(61_250_000_000, digits=1), moment(61_250_000_000, length=SECOND // 20)
    ('00:01:01', '00:01:01.2', '00:01:01.250')
    """
    if nanos in (END_OF_TIME, NO_WATERMARK):
        return NOTHING
    at = pd.Timestamp(int(nanos), unit="ns", tz="UTC")
    at = at if zone is None else at.tz_convert(zone)
    words = written(at, pd.Timedelta(length))
    return f"{words}.{at.microsecond // 100_000}" if digits and len(words) == len("00:00:00") else words


def usual_length(window: Window | None) -> int:
    """Give the length that says how moments are best written, in nanoseconds: a day, or what is shortest.

    Examples
    --------
    >>> from workbench.model.windows import Sliding
    >>> usual_length(Sliding("1min", "50ms")), usual_length(Sliding("2D", "1h")) == DAY
    (50000000, True)
    """
    if isinstance(window, Calendar):
        return DAY
    lengths = getattr(window, "lengths", ())[:2]  # the offset is none
    return DAY if max(lengths, default=0) >= DAY else min(lengths, default=0)


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
        return _nothing(plane, of_key=rows is not None)
    words = FATE_WORDS if plane.window is not None else DATED_WORDS
    return f"{_next(plane, windows, zone, held_by)} {_sum(counts, words)}"


def _nothing(plane: Plane, *, of_key: bool) -> str:
    """Say that there is no row, of a key or at all, and whether one may still come."""
    others = of_key and any(plane.counts().values())
    yet = "" if plane.watermark == END_OF_TIME else " yet"
    return f"No row {'of this key ' if others else ''}has come{yet}."


def under_way_words(pending: Pending, until: int) -> list[str]:
    """Say how many rows have happened and not arrived, and how many of them come later than is shown.

    Examples
    --------
    >>> import numpy as np
    >>> under_way_words(np.array([[1, 2, 3], [7, 8, 30]]), until=10)
    ['3 rows have happened and not arrived yet, 1 of them beyond the picture.']
    """
    count, beyond = pending.shape[1], int((pending[1] > until).sum())
    if not count:
        return []
    told = f"{count:,} row{'s have' if count > 1 else ' has'} happened and not arrived yet"
    return [f"{told}, {beyond:,} of them beyond the picture." if beyond else f"{told}."]


def other_words(other: WhatIf | None) -> list[str]:
    """Say what another watermark would have done, against what there was."""
    if other is None or not sum(other.real.values()):
        return []
    fates = [fate for fate in FATES if other.counts[fate] or other.real[fate]]
    told = [f"{other.counts[fate]:,} {FATE_WORDS[fate]} (really {other.real[fate]:,})" for fate in fates]
    told[:1] = [each.replace(" ", " would be ", 1) for each in told[:1]]
    total = sum(other.real.values())
    which = "same" if other.whole else "latest"
    rows = f"With {other.words}, of the {which} {total:,} rows {_listed(told)}."
    return [rows, _fired_words(other)] if len(other.later) or other.waiting else [rows]


def _fired_words(other: WhatIf) -> str:
    """Say how much later or earlier windows would have fired, and of how many nothing would have changed."""
    moved = np.abs(other.later) >= SECOND // 20
    ended = ", when the stream ended" if other.ended[~moved].all() else ""
    stayed = f"as {'it' if moved.any() and (~moved).sum() == 1 else 'they'} did{ended}"
    parts = []
    if moved.all() and len(moved):
        parts.append(f"windows would have fired {_moved_words(other.later)}")
    elif moved.any():
        first = f"{moved.sum():,} would have fired {_moved_words(other.later[moved])}"
        parts += [f"of {len(moved):,} windows, {first}", f"{(~moved).sum():,} {stayed}"]
    elif len(moved):
        parts.append(f"windows would have fired {stayed}")
    if other.waiting:
        parts.append(
            f"{other.waiting:,} that {'has' if other.waiting == 1 else 'have'} fired would still wait"
        )
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}."


def _moved_words(later: Nanos) -> str:
    """Say how much later or earlier some windows would have fired."""
    middle = int(np.median(later))
    told = f"{seconds(abs(middle) / SECOND)} {'later' if middle > 0 else 'earlier'}"
    return f"{told} (median of {len(later):,})" if len(later) > 1 else told


def first_output(plane: Plane) -> str:
    """Give the column whose values are on the panes."""
    assert isinstance(plane.step, Aggregated)
    return plane.step.aggregates[0].output


def legend(
    drawn: dict[str, str], timings: list[str], *, lateness: bool, windows: list[Lane], plane: Plane
) -> list[list[str]]:
    """Give sign and words of all that is to be seen."""
    entries = [["watermark", "watermark"]] if plane.watermark != NO_WATERMARK else []
    entries += [["horizon", "lateness horizon"]] if lateness else []
    entries += [["ideal", "no delay"]]
    fates = FATE_WORDS if plane.window is not None else DATED_WORDS
    for fate, way in drawn.items():
        sign = f"bubble {fate}" if way == "bin" else fate
        entries.append([sign, fates[fate] + " (rows)" * (way == "bin")])
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
    window, watermark = plane.window, plane.watermark
    if window is None:
        return _dated(plane, zone, held_by)
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
        usual = usual_length(window)
        return f"No window is open; the watermark is at {moment(watermark, zone, 1, usual)}.{held}"
    what = "The session from" if isinstance(window, Session) else "Window"
    needs = seconds((lane.end - watermark) / SECOND)
    start, end = (moment(each, zone, length=lane.end - lane.start) for each in (lane.start, lane.end))
    return f"{what} {start} fires when the watermark passes {end}: needs {needs} more of event time.{held}"


def _dated(plane: Plane, zone: Any, held_by: str | None) -> str:
    """Say where the watermark of rows without windows is, and who holds it back."""
    if plane.watermark == END_OF_TIME:
        return "The stream has ended."
    if plane.watermark == NO_WATERMARK:
        told = "There is no watermark yet"
    else:
        behind = seconds((plane.now - plane.watermark) / SECOND)
        told = f"The watermark is at {moment(plane.watermark, zone, 1)}, {behind} behind now"
    return f"{told}; it is held back by {held_by}." if held_by else f"{told}."


def _sum(counts: dict[str, int], words: dict[str, str]) -> str:
    total = sum(counts.values())
    if total == counts["on_time"]:
        came = words["on_time"]
        return f"All {total:,} rows came {came}." if total > 1 else f"The one row came {came}."
    parts = [
        f"{count:,} {'came' if fate == 'on_time' else 'was' if count == 1 else 'were'} {words[fate]}"
        for fate, count in counts.items()
        if count
    ]
    return f"Of {total:,} row{'s' * (total > 1)}, {_listed(parts)}."


def _listed(parts: list[str]) -> str:
    """Put parts into one, with "and" before the last.

    Examples
    --------
    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
