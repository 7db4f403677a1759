"""Something live in the cell being executed: words, a static picture, and the widget that takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from workbench.runtimes.loops import running_loop
from workbench.runtimes.registry import cell_in_execution
from workbench.views.following import follow
from workbench.views.stage import slot

STILL = 30.0
"""Seconds after which the picture that is saved with a notebook is renewed."""


def show(
    words: Callable[[], str],
    still: Callable[[], str],
    make: Callable[[], Any],
    tell: Callable[[Any], Any],
    over: Callable[[], bool],
    state: Callable[[], Any] = bool,
) -> None:
    """Display something that is kept up to date; it never blocks the cell.

    Where nothing could be updated, in a terminal or a script, there are only the words and the picture.

    Parameters
    ----------
    words, still : callable
        Give it as it is now: in words, and as HTML without a script.
    make : callable
        Makes the widget.
    tell : callable
        Brings the widget up to date.
    over : callable
        Says whether there will be nothing new any more.
    state : callable
        Gives what the picture that is saved with the notebook is renewed for, such as a status; it is also
        renewed every half a minute, and at the end.
    """
    from IPython import display as ipython

    live = running_loop() is not None and cell_in_execution() is not None
    widget = make() if live else None

    def bundle() -> dict[str, str]:
        picture = still()
        return {"text/plain": words(), "text/html": picture if widget is None else slot(widget, picture)}

    handle = ipython.display(bundle(), raw=True, display_id=True)
    if widget is None:
        return
    clock = asyncio.get_running_loop().time
    saved = (state(), clock())

    def refresh() -> None:
        nonlocal saved
        tell(widget)
        if state() != saved[0] or clock() - saved[1] > STILL:
            saved = (state(), clock())
            handle.update(bundle(), raw=True)

    follow(refresh, over, done=lambda: handle.update(bundle(), raw=True), widgets=(widget,))
