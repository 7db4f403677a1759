"""Live displays in a notebook cell: pictures and tables that follow their runs, with controls.

Displaying starts a run of each stream in it, or joins the one there is. Nothing blocks: what is displayed is
brought up to date by `workbench.views.following`. Running a cell again closes its displays and replaces its
runs.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from html import escape
from typing import Any

import holoviews as hv

from workbench.runtimes.loops import running_loop
from workbench.runtimes.registry import Cell, cell_in_execution
from workbench.views import fixed
from workbench.views.bokehwidget import BokehWidget
from workbench.views.cells import Table
from workbench.views.drawing import Drawing
from workbench.views.elements import backend
from workbench.views.figuresvg import svg
from workbench.views.following import follow, replace
from workbench.views.htmltable import table
from workbench.views.incell import STILL
from workbench.views.rows import Rows, rows_in, run_of
from workbench.views.stage import slot
from workbench.views.still import image
from workbench.views.transport import Transport

_everything = False
"""Whether objects without streams of ours are shown by us too."""


def extension() -> None:
    """Show HoloViews objects of one's own in cells as those of streams are shown, in place of `hv.extension`.

    Nothing is asked of the internet, and a saved notebook keeps a small picture of each. What has sliders is
    left to HoloViews.

    Examples
    --------
    >>> import workbench as wb
    >>> wb.extension()
    """
    global _everything
    _everything = True
    backend()
    show_in_cells()


def show_in_cells() -> None:
    """Let HoloViews objects with our streams in them be shown live by notebooks, wherever they end a cell."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        shell.display_formatter.ipython_display_formatter.for_type(hv.core.Dimensioned, _formatted)


def _formatted(shown: Any) -> None:
    if display(shown) is None and not (_everything and fixed.display(shown)):
        raise NotImplementedError  # which IPython takes as: show it as if we were not there


def display(shown: Any) -> View | None:
    """Show a HoloViews object in the cell being executed; None if that is no business of ours."""
    cell = cell_in_execution()
    rows = rows_in(shown)
    if not rows or cell is None or running_loop() is None:
        return None
    replace(cell)
    view = View(shown, rows, cell)
    view.show()
    return view


class View:
    """One display of one HoloViews object.

    Parameters
    ----------
    shown : holoviews object
        What is shown.
    rows : sequence of Rows
        What changes in it.
    cell : tuple of str
        The cell that shows it, and which execution of the cell.
    """

    def __init__(self, shown: Any, rows: Sequence[Rows], cell: Cell) -> None:
        self.shown = shown
        self.sources = {each: run_of(each.source_stream, cell)[:2] for each in rows}
        self.runs = list(dict.fromkeys(run for run, _ in self.sources.values()))
        self.transports = [Transport(run) for run in self.runs]
        self.drawing: Drawing | None = None
        self.widget: Any = None
        self._versions = dict.fromkeys(rows, 0)
        self._handle: Any = None
        self._told: tuple[Any, ...] = ()
        self._taken = self._once = 0.0

    @property
    def over(self) -> bool:
        """Whether there will be nothing new any more."""
        return all(run.over for run in self.runs)

    def show(self) -> None:
        """Display it, and keep it up to date."""
        from IPython import display as ipython

        self._handle = ipython.display(self.bundle(), raw=True, display_id=True)
        follow(self.refresh, lambda: self.over, done=self.finish, widgets=(self,))

    def close(self) -> None:
        """Let go of everything."""
        for part in (self.drawing, self.widget, *self.transports):
            if part is not None:
                part.close()

    def refresh(self) -> float:
        """Show what is new, if the page can take it; give the seconds that a new drawing needed."""
        self._once = 0.0
        for transport in self.transports:
            transport.tell()
        for rows, (run, result) in self.sources.items():
            rows.bring(run, result)
        if any(rows.version != seen for rows, seen in self._versions.items()) and self._ready:
            self._draw()
        self._take_still()
        return self._once

    def finish(self) -> None:
        """Show the last there is, whether or not the page is ready, and leave a picture of it."""
        if any(rows.version != seen for rows, seen in self._versions.items()):
            self._draw()
        self._handle.update(self.bundle(), raw=True)

    def bundle(self) -> dict[str, str]:
        """Give what the notebook keeps: words, and a static picture, whose place the live view takes."""
        bars = "".join(slot(transport) for transport in self.transports)
        picture = self.still()
        return {
            "text/plain": self.words(),
            "text/html": bars + (picture if self.widget is None else slot(self.widget, picture)),
        }

    def words(self) -> str:
        """Say what is shown."""
        return "\n".join(rows.words() for rows in self.sources)

    def still(self) -> str:
        """Give the picture as it is now, as HTML without a script."""
        if self.widget is None:
            return escape(self.words())
        if self.drawing is None:
            return str(self.widget.value)
        words = self.words()
        return "".join(image(svg(figure, words), words, "max-width:100%") for figure in self.drawing.figures)

    @property
    def _ready(self) -> bool:
        return not isinstance(self.widget, BokehWidget) or self.widget.ready

    def _draw(self) -> None:
        changed = [rows for rows, seen in self._versions.items() if rows.version != seen]
        self._versions = {rows: rows.version for rows in self._versions}
        if all(isinstance(rows.picture, Table) for rows in self.sources) and len(self.sources) == 1:
            self._tabulate(changed[0])
        elif self.drawing is None or self.drawing.outgrown:
            self._draw_anew()
        else:
            self.drawing.update(changed)
            self.widget.push()

    def _draw_anew(self) -> None:
        begun = asyncio.get_running_loop().time()
        if self.drawing is not None:
            self.drawing.close()
        self.drawing = Drawing(self.shown)
        if self.widget is None:
            self.widget = BokehWidget(self.drawing.document)
        else:
            self.widget.show(self.drawing.document)
        self._once = asyncio.get_running_loop().time() - begun

    def _tabulate(self, rows: Rows) -> None:
        import ipywidgets

        self.widget = self.widget or ipywidgets.HTML()
        self.widget.value = table(rows.frame)

    def _take_still(self) -> None:
        """Take the static picture: when there is something to see, when a run is held, and now and then."""
        now = asyncio.get_running_loop().time()
        told = (self.widget, *(run.status for run in self.runs))
        if told != self._told or now - self._taken > STILL:
            self._told, self._taken = told, now
            if isinstance(self.widget, BokehWidget):
                self.widget.label = self.words()
            self._handle.update(self.bundle(), raw=True)
