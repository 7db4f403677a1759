"""The card of a run: how its rows come, how far it is, what has come out; live, and as a static picture."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.runtimes.run import Run
from workbench.views import theme
from workbench.views.incell import show
from workbench.views.still import image
from workbench.views.transport import Transport, at_end, health, progress
from workbench.views.words import NOTHING, moment, number

POINTS = 60
"""Into how many parts the line of rows is cut."""
_STYLE = "padding:1px 14px 1px 0;text-align:left"


def card_of(run: Run) -> dict[str, Any]:
    """Give what the card shows of a run, besides its transport bar."""
    return {
        "name": run.name,
        "rates": rates(run),
        "results": [[name, *result_words(run, name)] for name in run.streams],
        "errors": [f"{error.what}" for error in run.errors[:3]],
    }


def rates(run: Run) -> list[float]:
    """Give rows a second of processing time, over the time that is remembered: the first the oldest.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime(range(120), unit="s"), "v": 1})
    >>> run = wb.stream(rows, time="t", watermark=0).start(speed="max", batch_rows=1).wait(10)
    >>> sorted(set(rates(run)))
    [1.0]
    """
    marks = run.trace.marks[-600:]
    if len(marks) < 3 or marks[-1].moment <= marks[0].moment:
        return []
    moments = np.array([mark.moment for mark in marks])
    rows = np.array([mark.counters.arrived for mark in marks])
    at = np.linspace(moments[0], moments[-1], min(POINTS, len(marks)))
    counted = np.interp(at, moments, rows)
    values: list[float] = np.round(np.diff(counted) / np.diff(at) * 1e9, 1).tolist()
    return values


def result_words(run: Run, name: str) -> tuple[str, str]:
    """Say how many rows of a result have come out, and the last window of them."""
    record = run.trace.results[name]
    last = record.since(record.total - 1)
    frame = last[-1] if last else pd.DataFrame()
    if WINDOW_END not in frame:
        return f"{number(record.total)} rows", ""
    pane = frame.iloc[-1]
    of = moment(pane[WINDOW_END], pane[WINDOW_END] - pane[WINDOW_START])
    return f"{number(record.total)} panes", f"the last of {of}"


class RunCard:
    """A run in a cell: buttons and keys, how its rows come, and its results; it never blocks.

    Parameters
    ----------
    run : Run
        Whose.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 65], unit="s"), "v": [5, 7]})
    >>> run = wb.stream(rows, time="t", watermark=0).window("1min").agg(n=("v", "size")).start(speed="max")
    >>> "2 panes" in RunCard(run.wait(10))._repr_html_()
    True
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    def display(self) -> None:
        """Show it in the cell being executed, and keep it up to date."""
        run = self.run
        show(
            lambda: repr(run),
            self._repr_html_,
            lambda: Transport(run, more=card_of),
            Transport.tell,
            lambda: run.over,
            lambda: run.status,
        )

    def _repr_html_(self) -> str:
        metrics, told = self.run.metrics(), card_of(self.run)
        words = [
            f"<b>{escape(self.run.name)}</b>",
            *(escape(each) for _, each in health(metrics, ended=at_end(self.run))),
        ]
        lines = [" · ".join([*words, escape(progress(metrics)["words"])])]
        lines += [f"<b>{escape(error)}</b>" for error in told["errors"]]
        rows = "".join(
            f"<tr>{''.join(f'<td style={_STYLE!r}>{escape(word)}</td>' for word in row)}</tr>"
            for row in told["results"]
        )
        font = escape(theme.FONT, quote=True)
        return (
            f'<div style="font:12px/1.6 {font}">{"<br>".join(lines)}'
            f"{_spark(told['rates'])}<table>{rows}</table></div>"
        )


def _spark(values: list[float]) -> str:
    """Draw a line of values, as an image that stands in a notebook nobody has trusted."""
    if len(values) < 2:
        return ""
    most = max(values) or 1.0
    points = " ".join(
        f"{240 * at / (len(values) - 1):.1f},{30 - 28 * value / most:.1f}" for at, value in enumerate(values)
    )
    label = f"rows a second, from {number(values[0])} to {number(values[-1])}"
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 32" width="240" height="32">'
        f'<polyline points="{points}" fill="none" stroke="{theme.PROCESSING_TIME}" stroke-width="1.5"/></svg>'
    )
    return f"<br>{image(picture, label)} up to {number(most)} rows/s" if most else NOTHING
