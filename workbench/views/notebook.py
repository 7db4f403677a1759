"""Live displays in a notebook cell: pictures and tables that follow their runs, with controls.

Displaying starts a run of each stream in it, or joins the one there is. Nothing blocks: what is displayed is
brought up to date by `workbench.views.following`. Running a cell again closes its displays and replaces its
runs.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import holoviews as hv

from workbench.runtimes.loops import running_loop
from workbench.runtimes.registry import Cell, cell_in_execution
from workbench.views import fixed
from workbench.views.displayed import Displayed
from workbench.views.elements import backend
from workbench.views.following import follow, replace
from workbench.views.incell import STILL
from workbench.views.rows import rows_in
from workbench.views.stage import slot
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
    return display_all([Card("", shown)]) if rows_in(shown) else None


def display_all(cards: Sequence[Card]) -> View | None:
    """Show several in one output of the cell being executed; None if nothing could be updated."""
    cell = cell_in_execution()
    if cell is None or running_loop() is None:
        return None
    replace(cell)
    view = View(cards, cell)
    view.show()
    return view


@dataclass(frozen=True, eq=False)
class Card:
    """A HoloViews object in an output, with the rows of streams in it.

    Parameters
    ----------
    title : str
        Its heading; none if empty.
    shown : holoviews object
        What it is.
    wide : bool
        Whether nothing comes beside it.
    """

    title: str
    shown: Any
    wide: bool = True


class View:
    """One output of a cell: a card, or several beside each other where there is room.

    Parameters
    ----------
    cards : sequence of Card
        What is shown.
    cell : tuple of str
        The cell that shows it, and which execution of the cell.
    """

    def __init__(self, cards: Sequence[Card], cell: Cell) -> None:
        self.cards = cards
        self.parts = [Displayed(card.shown, cell) for card in cards]
        self.sources = {rows: of for part in self.parts for rows, of in part.sources.items()}
        self.runs = list(dict.fromkeys(run for run, _ in self.sources.values()))
        self.transports = [Transport(run) for run in self.runs]
        self._handle: Any = None
        self._told: tuple[Any, ...] = ()
        self._taken = 0.0

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
        for part in self.parts:
            part.close()
        for transport in self.transports:
            transport.close()

    def refresh(self) -> float:
        """Show what is new, if the page can take it; give the seconds that new drawings needed."""
        for transport in self.transports:
            transport.tell()
        once = 0.0
        for part in self.parts:
            part.bring()
            once += part.draw()
        self._take_still()
        return once

    def finish(self) -> None:
        """Show the last there is, whether or not the page is ready, and leave a picture of it."""
        for part in self.parts:
            part.draw(at_once=True)
        self._handle.update(self.bundle(), raw=True)

    def bundle(self) -> dict[str, str]:
        """Give what the notebook keeps: words, and static pictures, whose places the live views take."""
        bars = "".join(slot(transport) for transport in self.transports)
        shown = [part.html() for part in self.parts]
        if any(card.title for card in self.cards):
            shown = [_ROOM.format("".join(map(_framed, self.cards, shown)))]
        return {"text/plain": self.words(), "text/html": bars + "".join(shown)}

    def words(self) -> str:
        """Say what is shown."""
        return "\n".join(part.words() for part in self.parts)

    def _take_still(self) -> None:
        """Take the static picture: when there is something to see, when a run is held, and now and then."""
        now = asyncio.get_running_loop().time()
        seen = ((part.widget, part.trouble) for part in self.parts)
        told = (*seen, *(run.status for run in self.runs))
        if told != self._told or now - self._taken > STILL:
            self._told, self._taken = told, now
            for part in self.parts:
                part.label()
            self._handle.update(self.bundle(), raw=True)


_ROOM = (
    '<div style="display:grid;gap:4px 20px;'
    'grid-template-columns:repeat(auto-fit,minmax(min(100%,450px),1fr))">{}</div>'
)
"""Two beside each other, one where it is narrow."""


def _framed(card: Card, shown: str) -> str:
    """Give a card with its heading."""
    wide = ";grid-column:1/-1" if card.wide else ""
    heading = f'<h4 style="margin:8px 0 4px">{escape(card.title)}</h4>'
    return f'<div style="min-width:0;overflow-x:auto{wide}">{heading}{shown}</div>'
