"""The transport bar: holds, steps and rewinds a run, looks back, and says how the run is doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import pandas as pd
import traitlets

from workbench.errors import WorkbenchError
from workbench.runtimes.pace import Speed
from workbench.runtimes.run import Run
from workbench.runtimes.trace import Metrics
from workbench.time import END_OF_TIME, timestamp
from workbench.views import theme
from workbench.views.words import NOTHING, percent, seconds

SPEEDS: dict[str, Speed] = {"0.1x": 0.1, "1x": 1, "10x": 10, "60x": 60, "600x": 600, "max": "max"}
BACK = 10.0
"""Seconds of the clock that the button goes back; of processing time, so many times the speed."""


class Transport(anywidget.AnyWidget):
    """The bar of one run; whoever shows it calls `tell` now and then.

    Keys, while it has the focus: space holds and goes on, right is a batch, left goes back, ``w`` and ``p``
    go to the next watermark and pane, ``s`` stops. The slider looks back: views show what had come out by
    then, and the run goes on.

    Parameters
    ----------
    run : Run
        Whose.
    more : callable, optional
        Gives what is shown besides, as of a card: see `workbench.views.card`.
    """

    _esm = theme.script("transport.js")
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Run, *, more: Callable[[Run], dict[str, Any]] | None = None) -> None:
        self._run, self._more = run, more
        self._wrong = ""
        super().__init__(state=self._told())
        self.on_msg(self._heard)

    def tell(self) -> None:
        """Show how the run is doing."""
        self.state = self._told()

    def _told(self) -> dict[str, Any]:
        card = {} if self._more is None else {"card": self._more(self._run)}
        return {**told(self._run), "wrong": self._wrong, **card}

    def act(self, name: str, speed: str = "", at: float | None = None) -> None:
        """Do what a button, key or slider says; if the run is over, only look back."""
        run = self._run
        if name == "look":
            run.look(at=None if at is None else pd.Timestamp(at, unit="ms"), only=run.lens.only)
        if run.over:
            return self.tell()
        match name:
            case "pause":
                run.resume() if run.status == "paused" else run.pause()
            case "batch" | "watermark" | "pane":
                if run.status == "running":
                    run.pause()
                run.step(name)
            case "rewind" if run.rewinds:
                run.rewind(pd.Timedelta(BACK * (6 if run.speed == "max" else run.speed), unit="s"))
            case "stop":
                run.stop()
            case "speed" if speed in speeds(run):
                run.speed = speeds(run)[speed]
        self.tell()

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        self._wrong = ""
        try:
            self.act(str(content.get("act")), str(content.get("speed", "")), content.get("at"))
        except Exception as error:  # shown where it was caused
            self._wrong = wrong(error)
            self.tell()


def wrong(error: Exception) -> str:
    """Say in a line what went wrong.

    Examples
    --------
    >>> wrong(WorkbenchError("no way back", hint="start it anew")), wrong(ValueError("no"))
    ('no way back · start it anew', 'ValueError: no')
    """
    if isinstance(error, WorkbenchError):
        return " · ".join(filter(None, (error.what, error.detail, error.hint)))
    return f"{type(error).__name__}: {error}"


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
        "words": health(run.metrics(), ended=at_end(run)),
        "progress": progress(run.metrics()),
        "look": looking(run),
    }


def looking(run: Run) -> dict[str, Any]:
    """Give how far back one can look, and the moment looked at, in ms; empty before the first batch."""
    marks = run.trace.marks
    if not marks:
        return {}
    at = run.lens.at
    words = "now" if at is None else f"looking back to {_clock(timestamp(at), fine=True)}"
    since, until = marks[0].moment, max(run.now, marks[-1].moment)
    return {
        "since": since / 1e6,
        "until": until / 1e6,
        "at": None if at is None else min(max(at, since), until) / 1e6,
        "words": words,
    }


def progress(metrics: Metrics) -> dict[str, Any]:
    """Give how much of bounded sources has been read, and how long the rest takes; else for how long it runs.

    Examples
    --------
    >>> from workbench.runtimes.trace import Metrics
    >>> up, left = pd.Timedelta("3min"), pd.Timedelta("40s")
    >>> progress(Metrics("running", 0, 0.0, None, None, None, 0, 0, 0, up, 0.25, left))
    {'share': 0.25, 'words': '25 % read, 40.0 s left'}
    >>> progress(Metrics("running", 0, 0.0, None, None, None, 0, 0, 0, up))
    {'share': None, 'words': 'up 3 min 0 s'}
    """
    if metrics.share is None:
        return {"share": None, "words": f"up {seconds(metrics.uptime)}"}
    rest = f", {seconds(metrics.left)} left" if metrics.left is not None else ""
    return {"share": round(metrics.share, 3), "words": f"{percent(metrics.share, 0)} read{rest}"}


def at_end(run: Run) -> bool:
    """Tell whether the watermark that is seen is at the end of time."""
    return run.lens.at is None and run.watermark == END_OF_TIME


def health(metrics: Metrics, *, ended: bool = False) -> list[tuple[str, str]]:
    """Give words on how a run is doing, each with what it is of: event time is blue, processing time green.

    The watermark has ``ended`` where it is at the end of time.

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
        ("event", f"watermark {'end of time' if ended else _clock(metrics.watermark, fine)}"),
        ("lag", f"lag {lag}"),
        ("late", f"late {metrics.late:,}"),
        ("rejected", f"rejected {metrics.rejected:,}"),
    ]


def _clock(moment: pd.Timestamp | None, fine: bool) -> str:
    if moment is None:
        return NOTHING
    return f"{moment:%H:%M:%S}" + (f".{moment.microsecond // 100_000}" if fine else "")
