"""Live displays in a notebook cell: a plot or a table that follows its run, with controls.

Displaying starts a run of the stream, or joins the one there is. Nothing blocks: a task on the kernel's event
loop looks at the run's trace a few times a second and sends what is new. Running a cell again closes its
displays and replaces its runs.
"""

from __future__ import annotations

import asyncio
import html
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import EARLY, TIMING
from workbench.model.stream import EventStream
from workbench.runtimes.registry import cell_in_execution, runs, start
from workbench.runtimes.run import Run, running_loop
from workbench.views import theme
from workbench.views.plots import Plot, PlotAccessor

PERIOD = 0.2
"""Seconds between two looks at the trace."""

LOOKED_AT = 5_000
"""Rows that a display looks at, the last to come out; more would not be seen."""

_TABLE = f"""
.wb-table {{ font: 12px/1.5 {theme.FONT}; border-collapse: collapse; font-variant-numeric: tabular-nums }}
.wb-table th, .wb-table td {{ padding: 2px 14px 2px 0; text-align: left; white-space: nowrap }}
.wb-table th {{ border-bottom: 1px solid {theme.LINE}; font-weight: 600 }}
.wb-table .n {{ text-align: right }}
.wb-table .open {{ opacity: .6; font-style: italic }}
"""

_views: list[View] = []
_loaded_in: str | None = None


def display_stream(stream: EventStream) -> None:
    """Show a stream in the cell being executed: the picture that suits it."""
    display_plot(PlotAccessor(stream)())


def display_plot(plot: Plot) -> None:
    """Show a plot in the cell being executed."""
    from IPython import display as ipython

    cell = cell_in_execution()
    if running_loop() is None or cell is None:  # a terminal, a script: nothing could be updated
        ipython.display({"text/plain": repr(plot)}, raw=True)
        return
    for view in [view for view in _views if view.cell[0] == cell[0] and view.cell[1] != cell[1]]:
        view.close()
    run, result = _run_of(plot.stream, cell)
    _load_javascript(cell[0])
    view = View(plot, run, result, cell)
    _views.append(view)
    view.show()
    view.task = asyncio.ensure_future(view.follow())


@dataclass(eq=False)
class View:
    """One display of one plot.

    Parameters
    ----------
    plot : Plot
        What is shown.
    run : Run
        Where it comes from.
    result : str
        The name of the stream in the run.
    cell : tuple of str
        The cell that shows it, and which execution of the cell.
    """

    plot: Plot
    run: Run
    result: str
    cell: tuple[str, str]
    task: Any = None
    _seen: tuple[Any, ...] = ()
    _shown: pd.DataFrame | None = None
    _live: Any = None
    _parts: dict[str, Any] = field(default_factory=dict)

    def close(self) -> None:
        """Stop following."""
        if self.task is not None:
            self.task.cancel()
        if self in _views:
            _views.remove(self)

    def show(self) -> None:
        """Display the transport bar, and below it what is updated."""
        import ipywidgets as widgets
        from IPython import display as ipython

        from workbench.views.transport import Transport

        self._parts["text"] = widgets.HTML("waiting for the first rows")
        self._parts["transport"] = Transport(self.run)
        ipython.display(self._parts["transport"])
        ipython.display(self._parts["text"])
        if self.plot.draw is not None:
            self._parts["figure"] = ipython.display({"text/plain": ""}, raw=True, display_id=True)

    async def follow(self) -> None:
        """Show what is new until the run is over, and then once more."""
        while True:
            over = self.run.over
            self.refresh()
            if over:
                break
            await asyncio.sleep(PERIOD)

    def refresh(self) -> None:
        """Show what is new."""
        trace = self.run.trace
        seen = (trace.version, self.run.status)
        self._parts["transport"].tell()
        if seen == self._seen:
            return
        self._seen = seen
        frame = self.plot.window_of(self._frame())
        if len(frame):
            self._shown = frame
        elif self._shown is None:
            return
        else:  # gone back to where there was nothing yet
            frame = self._shown[:0]
        if self.plot.draw is None:
            self._parts["text"].value = table(frame)
        else:
            self._draw(frame)

    def _draw(self, frame: pd.DataFrame) -> None:
        import panel as pn

        assert self.plot.draw is not None
        if self._live is not None:
            self._live.update(frame)
        if self._live is None or self._live.unknown:  # the first frame, or one with a category never seen
            self._live = self.plot.draw(frame)
            self._parts["pane"] = pn.pane.Bokeh(self._live.figure, sizing_mode="stretch_width")
            self._parts["figure"].update(self._parts["pane"])
            self._parts["text"].value = legend(self._live.legend)
        else:
            pn.io.push_notebook(self._parts["pane"])

    def _frame(self) -> pd.DataFrame:
        panes, still_open = self.run.panes(self.result, rows=LOOKED_AT), self.run.open_panes(self.result)
        frames = [frame for frame in (panes, still_open) if len(frame)]
        return pd.concat(frames, ignore_index=True) if frames else panes


def table(frame: pd.DataFrame) -> str:
    """Give rows as HTML, the latest first; those of windows that are still open are grey.

    Examples
    --------
    >>> "<td class='n'>7</td>" in table(pd.DataFrame({"v": [7]}))
    True
    """
    latest = frame.iloc[::-1]
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in latest.columns)
    still_open = (latest[TIMING] == EARLY).tolist() if TIMING in latest else [False] * len(latest)
    columns = [[_cell_text(value) for value in latest[name]] for name in latest.columns]
    rows = [
        "<tr" + (" class='open'" if grey else "") + ">" + "".join(cells) + "</tr>"
        for grey, *cells in zip(still_open, *columns, strict=True)
    ]
    return f"<style>{_TABLE}</style><table class='wb-table'><tr>{head}</tr>{''.join(rows)}</table>"


def legend(entries: Any) -> str:
    """Give the colours and words of a plot's parts."""
    parts = [
        f"<span style='margin-right:14px;white-space:nowrap'><span style='display:inline-block;width:10px;"
        f"height:10px;border-radius:2px;background:{color};margin-right:5px'></span>{html.escape(word)}</span>"
        for color, word in entries
    ]
    return f"<div style='font:12px {html.escape(theme.FONT)}'>{''.join(parts)}</div>"


def _cell_text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return f"<td>{value:%H:%M:%S}</td>"
    if isinstance(value, float):
        return f"<td class='n'>{value:,.2f}</td>"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"<td class='n'>{value:,}</td>"
    return f"<td>{html.escape(str(value))}</td>"


def _run_of(stream: EventStream, cell: tuple[str, str]) -> tuple[Run, str]:
    """Find the newest run that has this stream, or start one; what the cell started before is replaced."""
    for run in reversed(runs()):
        replaced = run.owner is not None and run.owner[0] == cell[0] and run.owner[1] != cell[1]
        for name, other in run.streams.items():
            if other.step is stream.step and not replaced:
                return run, name
    return start(stream), stream.name


def _load_javascript(cell: str) -> None:
    """Put Panel's and Bokeh's JavaScript into the first cell that displays something.

    It is put in whole, since nothing may be fetched; and again if that cell is run again.
    """
    global _loaded_in
    if _loaded_in in (None, cell):
        import panel as pn

        pn.config.inline = True
        pn.extension(inline=True)
        _loaded_in = cell
