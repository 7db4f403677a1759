"""Completeness against latency as a picture: the curve of all bounds, and the present one a point on it.

In a notebook and on a page it is the *watermark tuner*: the point is dragged, or moved with the keyboard, and
while it moves the words say what that bound would give; of a live run the bound can be put into use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.errors import DescriptionError, WorkbenchError
from workbench.runtimes.completeness import Curve, table
from workbench.runtimes.plane import Plane
from workbench.runtimes.run import Run
from workbench.time import END_OF_TIME, SECOND, Duration, duration
from workbench.views.planesvg import html_of, svg
from workbench.views.scales import Scale, length_ticks
from workbench.views.sceneview import SceneView
from workbench.views.words import percent

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 540, 58, 250
STEPS: Final = 200
"""How many bounds the point can be moved to."""


class Completeness(SceneView):
    """How many rows would have come in time, for every bound; made by ``result.timeplane().completeness()``.

    Parameters
    ----------
    plane : Plane
        The record.
    key : dict, optional
        The values of the key columns.
    run : Run, optional
        That is followed.

    Attributes
    ----------
    on_use : callable or None
        Is told the bound, a Timedelta, that somebody wants to be used; None where it cannot be changed. By
        default ``run.change(bound=...)``.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 65, 8, 90, 9], unit="s"), "v": 1})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> shown = panes.timeplane().completeness()
    >>> shown
    With a bound of 0s 60.0 % of rows come on time and 80.0 % in time to be accepted; 1 of 5 comes too late. A
    bound of about 30.001s would take all on time.
    >>> shown.words("12s")[-35:]
    'Every answer is 12s later than now.'
    """

    def __init__(self, plane: Plane, key: dict[str, Any] | None = None, *, run: Run | None = None) -> None:
        super().__init__(run)
        self.plane, self.key = plane, key
        change = getattr(run, "change", None)
        self.on_use: Callable[[pd.Timedelta], Any] | None = change and (lambda bound: change(bound=bound))
        self.said = ""
        self._curve: tuple[int, Curve] = plane.version, Curve(plane, key)

    @property
    def curve(self) -> Curve:
        """What there is to know of every bound."""
        if self._curve[0] != self.plane.version:
            self._curve = self.plane.version, Curve(self.plane, self.key)
        return self._curve[1]

    @property
    def version(self) -> Any:
        """What changes when there is something new to be seen."""
        return self.plane.version, self.said

    def to_pandas(self) -> pd.DataFrame:
        """Give the curve: see `workbench.runtimes.completeness`."""
        return table(self.curve)

    def words(self, bound: Duration | None = None) -> str:
        """Say what a bound would give; by default the present one."""
        curve = self.curve
        if not curve.rows:
            return "No row has come yet."
        nanos = curve.present if bound is None else duration(bound, what="bound of disorder")
        on_time, accepted = (int(rows) for rows in curve.at(nanos))
        late, all_rows = curve.rows - accepted, max(curve.rows, 1)
        told = (
            f"With a bound of {brief(nanos)} {percent(on_time / all_rows)} of rows come on time and "
            f"{percent(accepted / all_rows)} in time to be accepted; {late:,} of {curve.rows:,} "
            f"come{'s' * (late == 1)} too late."
        )
        if nanos != curve.present:
            when = "later" if nanos > curve.present else "earlier"
            return f"{told} Every answer is {brief(abs(nanos - curve.present))} {when} than now."
        whole = -(-curve.whole // 1_000_000) * 1_000_000
        return (
            told
            if on_time == curve.rows
            else f"{told} A bound of about {brief(whole)} would take all on time."
        )

    def use(self, bound: Duration) -> Any:
        """Let the run go on with another bound: see ``run.change``.

        Raises
        ------
        DescriptionError
            If there is no run that could be changed.
        """
        if self.on_use is None or not self.live:
            raise DescriptionError(
                "no run goes on here that could be changed", hint="start one: panes.start()"
            )
        return self.on_use(pd.Timedelta(duration(bound, what="bound of disorder")))

    def scene(self) -> dict[str, Any]:
        """Draw it as it is now, with what the tuner needs to know of every bound."""
        curve = self.curve
        most, lowest = _reach(curve), _lowest(curve)
        across = Scale(0, most, LEFT, RIGHT)
        up = Scale(int(lowest * 1e9), 1_000_000_000, BOTTOM, TOP)
        words = self.words()
        shapes = [shape for name in ("accepted", "on_time") for shape in _drawn(curve, name, across, up)]
        return {
            "size": [WIDTH, HEIGHT],
            "frame": [LEFT, RIGHT, TOP, BOTTOM],
            "above": _head(),
            "under": _axes(across, up, lowest),
            "plot": [],
            "below": [*shapes, *_point(curve, across, up)],
            "caption": words,
            "label": words,
            "live": self.live,
            "tuner": {
                "step": most // STEPS // 1_000,
                "counts": [rows.tolist() for rows in curve.at(np.arange(STEPS + 1) * (most // STEPS))],
                "rows": curve.rows,
                "present": curve.present / 1_000,
                "lowest": lowest,
                "usable": self.live and self.on_use is not None,
                "said": self.said,
            },
        }

    def _static(self, drawn: dict[str, Any]) -> str:
        label = f"Completeness against latency. {drawn['label']}"
        return html_of(svg({**drawn, "label": label}), label, "max-width:min(100%, 640px)")

    def _widget(self, drawn: dict[str, Any]) -> Any:
        from workbench.views.tunerwidget import TunerWidget

        view = TunerWidget(scene=drawn)
        view.observe(lambda change: self._wanted(view, change["new"]), "wanted")
        return view

    def _part(self, drawn: dict[str, Any]) -> Any:
        from workbench.views.tunerwidget import TunerComponent

        part = TunerComponent(scene=drawn, sizing_mode="stretch_width")
        part.param.watch(lambda event: self._wanted(part, event.new), "wanted")
        return part

    def _wanted(self, view: Any, wanted: dict[str, Any]) -> None:
        """Use a bound that somebody wants, and say what came of it."""
        bound = pd.Timedelta(int(wanted["bound"]) * 1_000)
        try:
            self.use(bound)
            self.said = f"The run goes on with a bound of {brief(bound.value)}."
        except WorkbenchError as error:
            self.said = str(error)
        self._tell(view)


def brief(nanos: int) -> str:
    """Write a bound in few letters, to a thousandth of a second.

    Examples
    --------
    >>> brief(13_400_000_000), brief(90_000_000_000), brief(3_660_000_000_000)
    ('13.4s', '1min 30s', '1h 1min')
    """
    total = round(nanos / SECOND, 3 if nanos < 60 * SECOND else 1)
    hours, rest = divmod(total, 3_600)
    minutes, rest = divmod(rest, 60)
    parts = [(f"{hours:g}h", hours), (f"{minutes:g}min", minutes), (f"{round(rest, 3):g}s", rest)]
    return " ".join(words for words, count in parts if count) or "0s"


def _reach(curve: Curve) -> int:
    """Give the longest bound on the picture, a round one; what only a few rows need is left out."""
    bounds = curve.bounds()
    shares = curve.at(bounds)[0] / max(curve.rows, 1)
    most = int(bounds[min(np.searchsorted(shares, 0.995), len(bounds) - 1)])
    most = curve.whole if curve.whole < 3 * most else most
    wanted = max(most * 1.1, curve.present * 1.4, SECOND / 100)
    rounds = (factor * 10**power for power in range(7, 19) for factor in (1, 2, 4, 6, 8))
    return next((each for each in rounds if each >= wanted), END_OF_TIME)


def _lowest(curve: Curve) -> float:
    """Give the least share on the picture."""
    least = int(curve.at(0)[0]) / max(curve.rows, 1)
    return max(0.0, least - 0.2 * (1 - least) - 0.005)


def _head() -> list[Any]:
    about = "share of rows, for every bound of disorder"
    return [["text", "title", 12, 24, "Completeness against latency"], ["text", "about", 12, 43, about]]


def _axes(across: Scale, up: Scale, lowest: float) -> list[Any]:
    """Draw both axes with round numbers: shares of rows, and bounds in blue, since they are event time."""
    shapes: list[Any] = []
    step = next(
        each for each in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if (1 - lowest) / each <= 6
    )
    digits = 1 if step < 0.01 else 0
    for number in range(int((1 - lowest) / step) + 1):
        y = up(int((1 - number * step) * 1e9))
        shapes.append(["path", "grid", f"M{LEFT} {y}H{RIGHT}"])
        shapes.append(["text", "tick end", LEFT - 8, y + 4, percent(1 - number * step, digits)])
    for x, words in length_ticks(across, most=7):
        shapes.append(["text", "event tick middle", x, BOTTOM + 18, words])
    shapes.append(["path", "event axis", f"M{LEFT} {BOTTOM}H{RIGHT}"])
    name = "bound: how much later every answer is →"
    return [*shapes, ["text", "event name end", RIGHT, BOTTOM + 38, name]]


def _drawn(curve: Curve, name: str, across: Scale, up: Scale) -> list[Any]:
    """Draw the share of rows as a step line, and name it above."""
    bounds = curve.bounds()
    bounds = bounds[bounds <= across.high]
    shares = curve.at(bounds)[0 if name == "on_time" else 1] / max(curve.rows, 1)
    x, y = across.many(bounds).round(1).tolist(), up.many(shares * 1e9).round(1).tolist()
    path = f"M{x[0]} {y[0]}" + "".join(f"H{a}V{b}" for a, b in zip(x[1:], y[1:], strict=True)) + f"H{RIGHT}"
    left, words = {"on_time": (280, "on time"), "accepted": (375, "accepted, with lateness")}[name]
    line = [["path", f"curve {name}", path], ["path", f"curve {name}", f"M{left} 39h24"]]
    return [*line, ["text", f"curve {name}", left + 30, 43, words]]


def _point(curve: Curve, across: Scale, up: Scale) -> list[Any]:
    """Draw the present bound as a point; its words are below the curve."""
    share = int(curve.at(curve.present)[0]) / max(curve.rows, 1)
    x, y = across(curve.present), up(int(share * 1e9))
    words = f"now {brief(curve.present)}: {percent(share)} on time"
    left = x > (LEFT + RIGHT) / 2
    begin = x - 10 - 7 * len(words) if left else x  # where the words begin, the curve may be lower
    bound = int(across.high * (begin - LEFT) / (RIGHT - LEFT))
    under = up(int(curve.at(max(bound, 0))[0]) * 1_000_000_000 // max(curve.rows, 1))
    at = min(max(y, under) + 22, BOTTOM - 8)
    told = ["text", f"value{' end' * left}", x - 10 if left else x + 10, at, words]
    return [["path", "cross", f"M{x} {TOP}V{BOTTOM}"], ["path", "point", f"M{x} {y}h0"], told]
