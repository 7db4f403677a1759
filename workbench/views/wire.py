"""The wire of a page: all live values of its parts in one message an update, and back what somebody does.

Panel takes two milliseconds to tell a browser of one part; a page has a dozen, and a server has many pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from workbench.views import theme
from workbench.views.bound import Bound


class Wire(JSComponent):
    """What a page and its browser tell each other; it shows nothing by itself.

    Parameters
    ----------
    parts : mapping of str to Bound
        By the name under which the page has them.

    Attributes
    ----------
    told : str
        What is new, as JSON: ``beat``, the number of the frame, and ``parts`` that have changed. As text,
        since Bokeh would look for models in every value.
    command : dict
        What a button or a list says: ``part``, ``name``, ``value`` and a running ``number``.
    ack : int
        The last frame that the browser has drawn.
    """

    told = param.String(default='{"beat": 0, "parts": {}}')
    command = param.Dict(default={})
    ack = param.Integer(default=-1)

    _esm = Path(theme.ASSETS / "wire.js")
    _priority_changes = ["ack", "command"]  # noqa: RUF012 - Panel's own; it holds others back for 50 ms

    def __init__(self, parts: Mapping[str, Bound], **options: Any) -> None:
        super().__init__(**options)
        self.parts = dict(parts)
        self._sent: dict[str, int] = {}

    def send(self, beat: int, *, whole: bool = False) -> None:
        """Send a frame: the parts that have changed, or all of them."""
        told = {}
        for name, part in self.parts.items():
            if whole or part.version != self._sent.get(name):
                told[name] = {"data": part.data} | ({"html": part.html} if part.rewritten else {})
                self._sent[name] = part.version
        self.told = spelled({"beat": beat, "parts": told})


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
