"""What the graph of a run says of each step: its rates, its watermark, who waits, each in a few words."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

from workbench.runtimes.vitals import NodeVitals, Wait
from workbench.time import END_OF_TIME, SECOND, timestamp
from workbench.views.words import NOTHING, clock, moment, seconds, short


def say(said: dict[str, Any], at: int, node: NodeVitals) -> None:
    """Put a node's values in words, at their places: ``at`` and the reading, or the output beside.

    Examples
    --------
    >>> said = {"slots": {}, "tones": {}, "labels": {}}
    >>> say(said, 2, NodeVitals("n", "windows", rate_in=1_250.0, rate_out=3.0, aside={"late": 4}))
    >>> said["slots"]["2.in"], said["slots"]["2.late"], said["tones"]["2.late"]
    ('in 1,250/s', '4', 'some')
    """
    slots, tones = said["slots"], said["tones"]
    rate = f"{short(node.rate_in)} in, {short(node.rate_out)} out a second"
    if node.kind == "source":
        rate = f"{short(node.rate_in)} rows a second"
        slots |= {f"{at}.in": f"{short(node.rate_in)} rows/s", f"{at}.out": f"{short(node.rows_out)} rows"}
    else:
        slots |= {f"{at}.{reading}": text for reading, text in _readings(node).items()}
    if node.error:
        what, _, why = node.error.partition(": ")
        slots |= {f"{at}.in": what[:30], f"{at}.out": "", f"{at}.batch": why[:32], f"{at}.slowest": ""}
    tones[str(at)] = "failed" if node.error else ""
    aside = [f"{count} {port}" for port, count in (node.aside or {}).items() if count]
    said["labels"][str(at)] = ", ".join(
        [f"{node.name}: {rate}", *aside, *([node.error] if node.error else [])]
    )
    for port, count in (node.aside or {}).items():
        slots[f"{at}.{port}"], tones[f"{at}.{port}"] = short(count), "some" if count else ""
        said["labels"][f"{at}.{port}"] = f"{node.name}: {count} {port} rows"


def _readings(node: NodeVitals) -> dict[str, str]:
    """Give a step's values in words."""
    took, most = node.milliseconds, node.slowest
    return {
        "in": f"in {short(node.rate_in)}/s",
        "out": f"out {short(node.rate_out)}/s",
        "batch": "no batch yet" if took is None else f"{took:.1f} ms a batch",
        "slowest": "" if most is None else f"slowest {most:.1f}",
        "watermark": _mark(node),
        "lag": "" if node.lag is None else f"lag {seconds(node.lag / SECOND)}",
        "state": f"state {short(node.state)}",
        "queue": "" if node.queue is None else f"{short(node.queue)} rows wait",
    }


def _mark(node: NodeVitals) -> str:
    if node.watermark == END_OF_TIME:
        return "watermark: end of time"
    at = timestamp(node.watermark)
    return "no watermark" if at is None else f"watermark {clock(at)}"


def width(rate: float) -> float:
    """Give how thick an edge is: by the logarithm of its rows a second.

    Examples
    --------
    >>> width(0.0), width(1_000.0)
    (1.5, 5.4)
    """
    return round(1.5 + 1.3 * math.log10(1 + rate), 1)


def waiting(wait: Wait) -> str:
    """Put in words who waits for whom.

    Examples
    --------
    >>> waiting(Wait("revenue", window=(60 * SECOND, 120 * SECOND), needs=3_200_000_000))
    'revenue: window 00:01–00:02 is open, needs 3.2 s more of event time'
    >>> waiting(Wait("revenue", window=(0, 86_400 * SECOND), needs=18_000 * SECOND))
    'revenue: window 1970-01-01 00:00–1970-01-02 00:00 is open, needs 5 h 0 min more of event time'
    >>> waiting(Wait("watermark", by="zone='eu-2'", silent=14 * SECOND))
    "watermark: zone='eu-2' holds it back, no rows for 14.0 s"
    """
    if wait.window is not None:
        length = pd.Timedelta(wait.window[1] - wait.window[0])
        start, end = (moment(timestamp(bound), length) for bound in wait.window)
        if all(re.fullmatch(r"\d\d:\d\d:00", bound) for bound in (start, end)):
            start, end = start[:5], end[:5]
        more = seconds(wait.needs / SECOND)
        return f"{wait.node}: window {start}–{end} is open, needs {more} more of event time"
    if wait.silent is None or wait.silent < SECOND:
        return f"{wait.node}: {wait.by} is furthest behind"
    return f"{wait.node}: {wait.by} holds it back, no rows for {seconds(wait.silent / SECOND)}"


def cell(value: Any, length: pd.Timedelta | None = None) -> str:
    """Give a cell as short text; a moment as it suits windows of a length.

    Examples
    --------
    >>> cell(pd.Timestamp("2026-01-05 09:00:07")), cell(None), cell(1_234.5)
    ('09:00:07', '–', '1,234.50')
    >>> cell(pd.Timestamp("2026-01-05 09:00:07"), pd.Timedelta("1D"))
    '2026-01-05 09:00'
    """
    if isinstance(value, pd.Timestamp) and length is not None:
        return moment(value, length)
    if isinstance(value, pd.Timestamp):
        return f"{value:%H:%M:%S.%f}"[:-3] if value.microsecond else f"{value:%H:%M:%S}"
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return NOTHING
    return f"{value:,.2f}" if isinstance(value, float) else str(value)[:80]
