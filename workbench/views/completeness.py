"""Completeness against latency as a picture: the curve of all bounds, the present one a point on it."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from workbench.runtimes.completeness import completeness
from workbench.runtimes.plane import Plane
from workbench.time import SECOND, spell
from workbench.views.planesvg import html_of
from workbench.views.scales import Scale, length_ticks
from workbench.views.words import percent

LEFT, RIGHT, TOP, BOTTOM = 60, 540, 58, 250


class Completeness:
    """How many rows would have come in time, for every bound; made by ``result.timeplane().completeness()``.

    Parameters
    ----------
    plane : Plane
        The record.
    key : dict, optional
        The values of the key columns.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 65, 8, 90, 9], unit="s"), "v": 1})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> panes.timeplane().completeness()
    With a bound of 0s 60.0 % of rows come on time and 80.0 % in time to be accepted; about 30s would take
    all on time.
    """

    def __init__(self, plane: Plane, key: dict[str, Any] | None = None) -> None:
        self._table = completeness(plane, key)

    def to_pandas(self) -> pd.DataFrame:
        """Give the curve: see `workbench.runtimes.completeness`."""
        return self._table

    def __repr__(self) -> str:
        table, now = self._table, self._now
        words = (
            f"With a bound of {_spell(now.bound)} {percent(now.on_time)} of rows come on time and "
            f"{percent(now.accepted)} in time to be accepted"
        )
        whole = table[table.on_time >= 1].bound.min()
        return f"{words}; about {_spell(whole)} would take all on time." if now.on_time < 1 else f"{words}."

    @property
    def _now(self) -> Any:
        return next(self._table[self._table.present].itertuples())

    def _repr_html_(self) -> str:
        return html_of(self._svg(), repr(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _svg(self) -> str:
        most = max(self._table.bound.max().value * 1.05, self._now.bound.value * 1.3, SECOND)
        lowest = max(0.0, min(self._table.on_time.min(), 0.9) - 0.05)
        place = _Place(most, lowest)
        parts = [_axes(place), *(_curve(self._table, name, place) for name in ("accepted", "on_time"))]
        x, y = place(self._now.bound.value, self._now.on_time)
        anchor = "end" if x > (LEFT + RIGHT) / 2 else ""
        words = f"now {_spell(self._now.bound)}: {percent(self._now.on_time)} on time"
        parts.append(
            f'<path class="cross" d="M{x} {TOP}V{BOTTOM}"/><circle class="point" cx="{x}" cy="{y}" r="6"/>'
            f'<text class="value {anchor}" x="{x - 10 if anchor else x + 10}" y="{min(y + 22, BOTTOM - 8)}">'
            f"{escape(words)}</text>"
        )
        label = escape(f"Completeness against latency. {self!r}", quote=True)
        head = '<text class="title" x="12" y="24">Completeness against latency</text>'
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 300" style="max-width:600px" '
            f'role="img" aria-label="{label}">'
            f'{head}<text class="about" x="12" y="43">share of rows, for every bound of disorder</text>'
            f"{''.join(parts)}</svg>"
        )


class _Place:
    """Where a bound and a share are on the picture."""

    def __init__(self, most: float, lowest: float) -> None:
        self.most, self.lowest = most, lowest

    def __call__(self, bound: float, share: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * bound / self.most
        return round(x, 1), round(BOTTOM - (BOTTOM - TOP) * (share - self.lowest) / (1 - self.lowest), 1)


def _axes(place: _Place) -> str:
    """Draw both axes with round numbers: shares of rows, and bounds in blue, since they are event time."""
    parts = []
    step = next(each for each in (0.01, 0.02, 0.05, 0.1, 0.2, 1.0) if (1 - place.lowest) / each <= 6)
    for number in range(int((1 - place.lowest) / step) + 1):
        _, y = place(0, 1 - number * step)
        parts.append(f'<path class="grid" d="M{LEFT} {y}H{RIGHT}"/>')
        words = percent(1 - number * step, 0)
        parts.append(f'<text class="tick end" x="{LEFT - 8}" y="{y + 4}">{words}</text>')
    for x, words in length_ticks(Scale(0, int(place.most), LEFT, RIGHT), most=7):
        parts.append(f'<text class="event tick middle" x="{x}" y="{BOTTOM + 18}">{words}</text>')
    parts.append(f'<path class="event axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>')
    parts.append(
        f'<text class="event name end" x="{RIGHT}" y="{BOTTOM + 38}">'
        "bound: how much later every answer is →</text>"
    )
    return "".join(parts)


def _curve(table: pd.DataFrame, name: str, place: _Place) -> str:
    """Draw the share of rows as a step line, and name it above."""
    points = [place(bound.value, share) for bound, share in zip(table.bound, table[name], strict=True)]
    path = f"M{points[0][0]} {points[0][1]}" + "".join(f"H{x}V{y}" for x, y in points[1:]) + f"H{RIGHT}"
    x, word = {"on_time": (280, "on time"), "accepted": (375, "accepted, with lateness")}[name]
    return (
        f'<path class="curve {name}" d="{path}"/><path class="curve {name}" d="M{x} 39h24"/>'
        f'<text class="curve {name}" x="{x + 30}" y="43">{word}</text>'
    )


def _spell(length: pd.Timedelta) -> str:
    """Write a bound to a tenth of a second."""
    tenth = SECOND // 10
    return spell(round(int(length.value) / tenth) * tenth)
