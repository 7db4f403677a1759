"""The wire of a page: what changes goes to the browser in one message a frame, and back what somebody does.

Bokeh and Panel would tell of each value, table and part by itself, at a millisecond or two each, and have
each session work out what has changed. A page has dozens of them, and a server has many pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bokeh.core.serialization import Serialized
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent

from workbench.views.bound import Bound
from workbench.views.live import Drawn, Tables
from workbench.views.plainjson import spelled

MESSAGE = "workbench"
"""The kind of Bokeh's messages that are ours."""
_EMPTY = Document()
"""What our messages refer to; with each message Bokeh lists all models of the document that it refers to."""


class Wire:
    """What a page and its browser tell each other, on the connection that Bokeh has anyway.

    A frame is JSON: ``beat``, its number; ``after``, the beat of the frame on which it builds, null if on
    none; ``parts`` and ``tables`` that have changed, by name. Frame 0 is in the page when it comes.

    Parameters
    ----------
    parts : mapping of str to Bound
        By the name under which the page has them.
    plots : mapping of str to Drawn
        By the name under which the page has them; their sources are named after it, unless a source goes by
        its identifier, and hold what is shown now.
    document : bokeh.document.Document, optional
        Of the page; None where there is no browser.

    Attributes
    ----------
    told : str
        The last frame.
    ack : int
        The last frame that the browser has drawn; -1 before it is there.
    """

    def __init__(
        self, parts: Mapping[str, Bound], plots: Mapping[str, Drawn], document: Document | None = None
    ) -> None:
        self.parts, self.plots = dict(parts), dict(plots)
        self.ack = -1
        self._document = document
        self._beat: int | None = None
        self._versions: dict[str, int] = {}
        self._shown: dict[str, Tables | None] = {}
        self._sources: dict[str, Any] = {}
        self.told = self._frame(0)

    def send(self, beat: int, *, whole: bool = False) -> None:
        """Send a frame: what has changed since the one before, or everything."""
        if whole:
            self._beat = None
            self._versions.clear()
            self._shown.clear()
        self.told = self._frame(beat)
        if self._document is not None:
            self._document.callbacks.trigger_on_change(MessageSentEvent(_EMPTY, MESSAGE, self.told))

    def _frame(self, beat: int) -> str:
        parts = []
        for name, part in self.parts.items():
            if part.version != self._versions.get(name):
                piece = f', "html": {spelled(part.html)}' if part.rewritten else ""
                parts.append(f'"{name}": {{"data": {part.text}{piece}}}')
                self._versions[name] = part.version
        tables = []
        for name, plot in self.plots.items():
            if plot.sources is not self._sources.get(name):
                self._begin(name, plot)
            if plot.shown is not None and plot.shown is not (held := self._shown.get(name)):
                self._shown[name] = plot.shown
                if (steps := plot.shown.since(held)) != "{}":
                    tables.append(f'"{name}": {steps}')
        head = spelled({"beat": beat, "after": self._beat})
        self._beat = beat
        return f'{head[:-1]}, "parts": {{{", ".join(parts)}}}, "tables": {{{", ".join(tables)}}}}}'

    def _begin(self, place: str, plot: Drawn) -> None:
        """Let sources that are new to the document have what is shown: with them it goes to the browser."""
        for name, source in plot.sources.items():
            if name != source.id:  # or the browser finds it by that
                source.name = f"{place}/{name}"
        plot.fill()
        self._sources[place], self._shown[place] = plot.sources, plot.shown


def listen(document: Document, hear: Callable[[Any], None]) -> None:
    """Hear what a browser says: a number is the last frame that it has drawn, all else is what somebody does.

    Numbers come as often as frames. For any other message Bokeh lists all models of the document, in case one
    is named in it.
    """
    take = document.apply_json_patch

    def apply(patch: Any, *, setter: Any = None) -> None:
        said = patch.content if isinstance(patch, Serialized) else patch
        match said:
            case {"events": [{"kind": "MessageSent", "msg_type": kind, "msg_data": int(drawn)}]}:
                if kind == MESSAGE:
                    return hear(drawn)
        return take(patch, setter=setter)

    document.apply_json_patch = apply
    document.on_message(MESSAGE, hear)


def heard(message: Any) -> dict[str, str]:
    """Give what a message of a browser says; anybody can send anything.

    Examples
    --------
    >>> heard({"name": "speed", "value": 10}), heard("nonsense")
    ({'part': '', 'name': 'speed', 'value': '10'}, {'part': '', 'name': '', 'value': ''})
    """
    said = message if isinstance(message, Mapping) else {}
    return {name: str(said.get(name, "")) for name in ("part", "name", "value")}
