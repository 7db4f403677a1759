"""One HoloViews object in an output of a notebook: what it shows of its runs, or why it cannot be drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Any

import param

from workbench.errors import WorkbenchError
from workbench.runtimes.blame import own_lines
from workbench.runtimes.registry import Cell
from workbench.views.bokehwidget import BokehWidget
from workbench.views.cells import Table
from workbench.views.drawing import Drawing
from workbench.views.figuresvg import images
from workbench.views.htmltable import table
from workbench.views.notices import box
from workbench.views.rows import Rows, rows_in, run_of
from workbench.views.stage import slot
from workbench.views.transport import wrong


class Displayed:
    """A HoloViews object that follows its runs.

    Parameters
    ----------
    shown : holoviews object
        With the rows of streams in it.
    cell : tuple of str
        The cell that shows it, and which execution of the cell.

    Attributes
    ----------
    trouble : str
        Why it could not be drawn, in a line; empty if it could.
    """

    def __init__(self, shown: Any, cell: Cell) -> None:
        self.shown = shown
        rows = rows_in(shown)
        self.sources = {each: run_of(each.source_stream, cell)[:2] for each in rows}
        self.drawing: Drawing | None = None
        self.widget: Any = None
        self.trouble = self._notice = ""
        self._versions = dict.fromkeys(rows, 0)

    def close(self) -> None:
        """Let go of everything."""
        for part in (self.drawing, self.widget):
            if part is not None:
                part.close()

    def bring(self) -> None:
        """Take what the runs show now."""
        for rows, (run, result) in self.sources.items():
            rows.bring(run, result)

    def draw(self, *, at_once: bool = False) -> float:
        """Show what is new, if the page can take it or at once; give the seconds of a new drawing."""
        changed = [rows for rows, seen in self._versions.items() if rows.version != seen]
        if not changed or not (at_once or self._ready):
            return 0.0
        self._versions = {rows: rows.version for rows in self._versions}
        try:
            needed = self._show(changed)
            self.trouble = self._notice = ""
        except Exception as error:  # of somebody's function, or of what cannot be drawn: said in its place
            self._forgo(error)
            return 0.0
        return needed

    def label(self) -> None:
        """Say in the widget what is seen."""
        if isinstance(self.widget, BokehWidget):
            self.widget.label = self.words()

    def words(self) -> str:
        """Say what is shown, and what is wrong."""
        told = [self.trouble] if self.trouble else []
        return "\n".join([*told, *(rows.words(over=run.over) for rows, (run, _) in self.sources.items())])

    def html(self) -> str:
        """Give what the notebook keeps: a static picture, whose place the live view takes."""
        if self._notice or self.widget is None:
            return self._notice or escape(self.words())
        return slot(self.widget, self._still())

    def _still(self) -> str:
        """Give the picture as it is now, as HTML without a script."""
        if self.drawing is None:
            return str(self.widget.value)
        return images(self.drawing.figures, self.words())

    @property
    def _ready(self) -> bool:
        return bool(self.trouble) or not isinstance(self.widget, BokehWidget) or self.widget.ready

    def _show(self, changed: Sequence[Rows]) -> float:
        if all(isinstance(rows.picture, Table) for rows in self.sources) and len(self.sources) == 1:
            self._tabulate(changed[0])
        elif self.drawing is None or self.drawing.outgrown:
            return self._draw_anew()
        else:
            self.drawing.update(changed)
            self.widget.push()
        return 0.0

    def _draw_anew(self) -> float:
        begun = asyncio.get_running_loop().time()
        if self.drawing is not None:
            self.drawing.close()
        for rows in self.sources:
            rows.parts()  # which says itself what cannot be drawn
        with param.logging_level("ERROR"):  # HoloViews warns of what is said here, with all rows
            self.drawing = Drawing(self.shown)
        if self.widget is None:
            self.widget = BokehWidget(self.drawing.document)
        else:
            self.widget.show(self.drawing.document)
        return asyncio.get_running_loop().time() - begun

    def _tabulate(self, rows: Rows) -> None:
        import ipywidgets

        self.widget = self.widget or ipywidgets.HTML()
        self.widget.value = table(rows.frame)

    def _forgo(self, error: Exception) -> None:
        """Say why it cannot be drawn; what HoloViews has drawn in part is of no use any more."""
        self.drawing = None
        what = ", ".join(rows.picture.what(rows.source_stream.name) for rows in self.sources)
        said, code, hint = wrong(error), "\n".join(map(str, own_lines(error))), ""
        if isinstance(error, WorkbenchError):
            said, code, hint = error.what, "", error.hint
        self.trouble = f"{what} cannot be drawn: {said}"
        self._notice = box(self.trouble, code, hint=hint)
