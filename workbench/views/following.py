"""Keeping displays up to date: one task for all of them, which takes only a part of the kernel's time.

Whatever is displayed says how it is refreshed and when it is over. Running a cell again closes what it
displayed before, and lets go of its widgets, or they would be kept for ever; and ends its runs, whatever it
holds by then. However much there is to draw, drawing takes at most `SHARE` of a core: what is shown is the
newest, and what came between is not drawn.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workbench.runtimes.loops import running_loop
from workbench.runtimes.registry import Cell, cell_in_execution, is_before, stop_of_before

PERIOD = 0.2
"""Seconds between two looks, at least."""
SHARE = 0.12
"""How much of the time all displays together may take."""


@dataclass(eq=False)
class Shown:
    """One display of a cell, which is kept up to date until it is over.

    Parameters
    ----------
    refresh : callable
        Shows what is new; may give the seconds that it needed only this once, to make what it shows.
    over : callable
        Says whether there will be nothing new any more.
    done : callable, optional
        Is called after the last refresh.
    widgets : sequence
        Are closed when the cell is run again.
    cell : tuple of str, optional
        The cell that shows it, and which execution of the cell.
    """

    refresh: Callable[[], Any]
    over: Callable[[], bool]
    done: Callable[[], Any] | None = None
    widgets: tuple[Any, ...] = ()
    cell: Cell | None = None
    ended: bool = False
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    def close(self) -> None:
        """Stop following, and let go of the widgets."""
        self.ended = True
        if self in _shown:
            _shown.remove(self)
        for widget in self.widgets:
            widget.close()

    def look(self) -> float:
        """Show what is new, where it is said in the cell that shows it; give the seconds needed only once."""
        over = self.over()
        once = self.context.run(self.refresh)
        if over and not self.ended:
            self.ended = True
            if self.done is not None:
                self.context.run(self.done)
            if self.cell is None:
                _shown.remove(self)
        return once if isinstance(once, float) else 0.0


_shown: list[Shown] = []
_task: asyncio.Task[None] | None = None


def follow(
    refresh: Callable[[], Any],
    over: Callable[[], bool],
    *,
    done: Callable[[], Any] | None = None,
    widgets: tuple[Any, ...] = (),
) -> Shown:
    """Keep a display of the cell being executed up to date; an event loop must be running."""
    global _task
    cell = cell_in_execution()
    if cell is not None:
        replace(cell)
        _heed_cells()
    shown = Shown(refresh, over, done, widgets, cell)
    _shown.append(shown)
    if _task is None or _task.done() or _task.get_loop() is not running_loop():
        _task = asyncio.ensure_future(_look_at_all())
    return shown


def replace(cell: Cell | None) -> None:
    """Close what a cell displayed when it was executed before."""
    for shown in _shown[:]:
        if is_before(shown.cell, cell):
            shown.close()


def _heed_cells() -> None:
    """Let IPython tell when a cell begins: it may have nothing of ours any more."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "events"):
        shell.events.register("pre_run_cell", _begins)  # once, however often


def _begins(_: Any) -> None:
    """Let go of what the cell that begins displayed, and started, when it was executed before."""
    cell = cell_in_execution()
    replace(cell)
    stop_of_before(cell)


async def _look_at_all() -> None:
    """Look at all displays again and again, until all are over."""
    loop = asyncio.get_running_loop()
    while live := [shown for shown in _shown if not shown.ended]:
        spent = 0.0
        for shown in live:
            begun = loop.time()
            try:
                if not shown.ended:
                    spent -= shown.look()
            except Exception as error:  # a display that fails must not stop the others
                shown.ended = True
                shown.context.run(traceback.print_exception, error)
            spent += loop.time() - begun
            await asyncio.sleep(0)
        await asyncio.sleep(max(PERIOD, spent / SHARE - spent))
