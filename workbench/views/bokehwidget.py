"""A Bokeh document in a notebook: an anywidget that draws it, and is sent only what changes.

Nothing of it is kept in the notebook: the page asks for BokehJS, once, and for the document when it shows a
view. What changes is held until the page is ready for it; it may be two patches behind.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import bokeh
import traitlets
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from bokeh.models import TableWidget
from bokeh.util.paths import static_path

from workbench.views import theme

CREDIT = 2
"""How many patches may be on their way."""
TITLE = "#444444"
"""Bokeh's own colour of titles."""
DARK = {
    theme.MUTED: "#aab4c0",
    theme.EVENT_TIME: theme.SKY,
    theme.LINE: "#4a525c",
    theme.GRID: "#30363d",
    theme.INK: "#e3e8ee",
    TITLE: "#e3e8ef",
}
"""What the colours of words, axes and grids become on a dark page."""


class BokehWidget(anywidget.AnyWidget):
    """A Bokeh document, drawn in the page and kept up to date.

    Parameters
    ----------
    document : bokeh.document.Document
        What is shown; it may be changed at any time, and replaced with `show`.
    label : str
        What it shows, in words.
    """

    _esm = theme.script("bokeh.js")
    version = traitlets.Unicode(bokeh.__version__).tag(sync=True)
    dark = traitlets.Dict(DARK).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)

    def __init__(self, document: Document, label: str = "") -> None:
        super().__init__(label=label)
        self.sent = self.acknowledged = 0
        self.views: dict[str, int] = {}  # how many each page shows
        self._events: list[DocumentPatchedEvent] = []
        self.document = document
        self._hold_changes()
        self.on_msg(self._heard)

    @property
    def ready(self) -> bool:
        """Whether a page shows it, and can take more; while not, drawing would be for nobody."""
        return any(self.views.values()) and self.sent - self.acknowledged < CREDIT

    def show(self, document: Document) -> None:
        """Show another document."""
        self._let_go()
        self.document = document
        self._hold_changes()
        self._send_document(again=True)

    def push(self) -> None:
        """Send what has changed."""
        self.document.unhold()
        events, self._events = self._events, []
        self.document.hold("combine")
        if not events:
            return
        serializer = Serializer(references=self.document.models.synced_references, deferred=False)
        patch = {"events": serializer.encode(events)}
        self.document.models.flush_synced(lambda model: not serializer.has_ref(model))
        self._tell(patch=patch)

    def close(self) -> None:
        """Let go of the document, and of the view in the page; ipywidgets closes again what is deleted."""
        if self.comm is not None:
            self._let_go()
        super().close()

    def _hold_changes(self) -> None:
        self.document.on_change(self._changed)
        self.document.hold("combine")

    def _let_go(self) -> None:
        self.document.remove_on_change(self._changed)

    def _changed(self, event: Any) -> None:
        if isinstance(event, DocumentPatchedEvent):
            self._events.append(event)

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        match content:
            case {"ack": int(number)}:
                self.acknowledged = max(self.acknowledged, number)
            case {"views": int(number), "page": str(page)}:
                self.views[page] = number
            case {"want": "document"}:
                self._send_document()
            case {"want": "library", "part": "bokeh" | "bokeh-widgets" | "bokeh-tables" as part}:
                self.send({"library": part}, [library(part)])

    def _send_document(self, *, again: bool = False) -> None:
        self.push()  # or what is held would be told twice
        tables = any(isinstance(model, TableWidget) for model in self.document.models)
        parts = ["bokeh", *(["bokeh-widgets", "bokeh-tables"] if tables else [])]
        self._tell(document=self.document.to_json(deferred=False), parts=parts, again=again)
        self.document.models.flush_synced()

    def _tell(self, **content: Any) -> None:
        self.sent += 1
        self.send({**content, "number": self.sent})


def library(part: str) -> bytes:
    """Give a part of BokehJS, as it is installed.

    Examples
    --------
    >>> len(library("bokeh")) > 1_000_000
    True
    """
    return (Path(static_path()) / "js" / f"{part}.min.js").read_bytes()
