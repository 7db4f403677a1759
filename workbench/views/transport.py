"""The transport bar: buttons and keys that hold, step and rewind a run, and a line on how it is doing."""

from __future__ import annotations

from typing import Any

import anywidget
import pandas as pd
import traitlets

from workbench.runtimes.pace import Speed
from workbench.runtimes.run import Run
from workbench.runtimes.trace import Metrics
from workbench.views import theme
from workbench.views.words import NOTHING

SPEEDS: dict[str, Speed] = {"0.1x": 0.1, "1x": 1, "10x": 10, "60x": 60, "600x": 600, "max": "max"}
BACK = 10.0
"""Seconds of the clock that the button goes back; of processing time, so many times the speed."""


class Transport(anywidget.AnyWidget):
    """The bar of one run; whoever shows it calls `tell` now and then.

    Keys, while it has the focus: space holds and goes on, right is a batch, left goes back, ``w`` and ``p``
    go to the next watermark and pane, ``s`` stops.
    """

    _esm = theme.ASSETS / "transport.js"
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Run) -> None:
        self._run = run
        super().__init__(state=told(run))
        self.on_msg(self._heard)

    def tell(self) -> None:
        """Show how the run is doing."""
        self.state = told(self._run)

    def act(self, name: str, speed: str = "") -> None:
        """Do what a button or key says; nothing if the run is over."""
        run = self._run
        if run.over:
            return
        match name:
            case "pause":
                run.resume() if run.status == "paused" else run.pause()
            case "batch" | "watermark" | "pane":
                if run.status == "running":
                    run.pause()
                run.step(name)
            case "rewind" if run.past:
                run.rewind(pd.Timedelta(BACK * (6 if run.speed == "max" else run.speed), unit="s"))
            case "stop":
                run.stop()
            case "speed" if speed in speeds(run):
                run.speed = speeds(run)[speed]
        self.tell()

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        self.act(str(content.get("act")), str(content.get("speed", "")))


def speeds(run: Run) -> dict[str, Speed]:
    """Give the speeds to choose from, by their words; that of the run is among them."""
    own = {} if run.speed in SPEEDS.values() else {f"{run.speed}x": run.speed}
    return SPEEDS | own


def told(run: Run) -> dict[str, Any]:
    """Give what the bar shows of a run."""
    choice = speeds(run)
    return {
        "status": run.status,
        "over": run.over,
        "speeds": list(choice),
        "speed": next(words for words, speed in choice.items() if speed == run.speed),
        "words": health(run.metrics()),
    }


def health(metrics: Metrics) -> list[tuple[str, str]]:
    """Give words on how a run is doing, each with what it is of: event time is blue, processing time green.

    Examples
    --------
    >>> from workbench.runtimes.trace import Metrics
    >>> health(Metrics("paused", 0, 0.0, None, None, None, 0, 0, 0))[0]
    ('status', 'paused')
    """
    fine = metrics.status == "paused"  # whoever steps wants to see it move
    lag = NOTHING if metrics.lag is None else f"{metrics.lag.total_seconds():,.1f} s"
    return [
        ("status", metrics.status),
        ("rate", f"{metrics.rows_per_second:,.0f} rows/s"),
        ("processing", f"now {_clock(metrics.now, fine)}"),
        ("event", f"watermark {_clock(metrics.watermark, fine)}"),
        ("lag", f"lag {lag}"),
        ("late", f"late {metrics.late:,}"),
        ("rejected", f"rejected {metrics.rejected:,}"),
    ]


def _clock(moment: pd.Timestamp | None, fine: bool) -> str:
    if moment is None:
        return NOTHING
    return f"{moment:%H:%M:%S}" + (f".{moment.microsecond // 100_000}" if fine else "")
