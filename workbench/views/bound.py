"""A fixed piece of HTML with live values in it: one message an update, however many numbers it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
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
        The values, by name: numbers, words and lists of either. ``beat`` counts updates, and comes back as
        ``ack`` when it has been drawn.
    command : dict
        What a button or a list with ``data-command`` says: ``name``, ``value`` and a running ``number``.
    ack : int
        The last beat that the browser has drawn.
    """

    html = param.String(default="")
    told = param.String(default="{}")  # as text: Bokeh would look for models in every value
    command = param.Dict(default={})
    ack = param.Integer(default=-1)

    _esm = Path(theme.ASSETS / "bound.js")
    _priority_changes = ["ack", "command"]  # noqa: RUF012 - Panel's own; it holds others back for 50 ms
    _stylesheets = [theme.stylesheet()]  # noqa: RUF012 - Panel's own declaration

    def __init__(self, *, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.data: Mapping[str, Any] = data or {}
        super().__init__(told=spelled(self.data), **options)

    def say(self, **data: Any) -> None:
        """Show values; nothing is sent if they are the same as before."""
        if data != self.data:
            self.data, self.told = data, spelled(data)


def spelled(values: Any) -> str:
    """Write values as JSON, which knows no number that is none.

    Examples
    --------
    >>> spelled({"line": [1.5, float("nan")], "n": 2})
    '{"line": [1.5, null], "n": 2}'
    """
    try:
        return json.dumps(values, allow_nan=False, default=float)
    except ValueError:
        return json.dumps(_known(values), default=float)


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _known(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_known(held) for held in value]
    return None if isinstance(value, float) and not isfinite(value) else value
