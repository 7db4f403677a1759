"""A fixed piece of HTML with live values in it: one message an update, however many numbers it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from workbench.views import theme


class Bound(JSComponent):
    """HTML whose marked places are filled with values, in the browser.

    Parameters
    ----------
    html : str
        The piece; it never changes. ``data-text="rate"`` is filled with ``data["rate"]``; likewise
        ``data-class``, ``data-bar`` (percent), ``data-spark`` (a list of numbers), ``data-show``,
        ``data-value``, ``data-label`` and ``data-title``. Values are text, and never read as HTML.
    data : dict
        The values, by name; ``beat`` counts the updates, and comes back as ``ack`` when it has been drawn.
    command : dict
        What a button or a list with ``data-command`` says: ``name``, ``value`` and a running ``number``. A
        list with ``data-keep`` says its choice again when its page is loaded anew.
    ack : int
        The last beat that the browser has drawn.
    """

    html = param.String(default="")
    data = param.Dict(default={})
    command = param.Dict(default={})
    ack = param.Integer(default=-1)

    _esm = Path(theme.ASSETS / "bound.js")
    _priority_changes = ["ack", "command"]  # noqa: RUF012 - Panel's own; it holds others back for 50 ms
    _stylesheets = [theme.stylesheet()]  # noqa: RUF012 - Panel's own declaration

    def say(self, **data: Any) -> None:
        """Show values; nothing is sent if they are the same as before."""
        if data != self.data:
            self.data = data
