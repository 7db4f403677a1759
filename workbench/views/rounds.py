"""All pages of an event loop are looked at together, and those that have something to show are called.

If each looked by itself, forty times a second, it would take the lock of its document each time, as Bokeh's
periodic callbacks do, whether or not anything has come.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from bokeh.document import Document

from workbench.time import Clock, SystemClock

PERIOD = 0.025
"""Seconds from one look at all pages to the next."""
_LOG = logging.getLogger(__name__)


class Looker(Protocol):
    """What is looked at: says whether it has something to show, and shows it."""

    def is_due(self) -> bool:
        """Tell whether there is something to show; it costs next to nothing."""
        ...

    def tick(self) -> None:
        """Show it, holding the lock of the document."""
        ...


class Rounds:
    """The rounds of one event loop; they end with the last page, and begin again with the next.

    Parameters
    ----------
    clock : Clock, optional
        Lets time pass between two rounds.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._pages: dict[Document, Looker] = {}
        self._called: set[Document] = set()
        self._going: asyncio.Task[None] | None = None

    def join(self, page: Looker, document: Document) -> None:
        """Look at a page from now on, until its session ends."""

        def leave(session_context: Any) -> None:
            self._pages.pop(document, None)
            self._called.discard(document)

        self._pages[document] = page
        document.on_session_destroyed(leave)
        if self._going is None:
            self._going = asyncio.ensure_future(self._go())

    async def _go(self) -> None:
        try:
            while self._pages:
                for document in list(self._pages):
                    if self._call(document):
                        await self._clock.sleep(0)  # others get their turn between two pages; sessions end
                await self._clock.sleep(PERIOD)
        finally:
            self._going = None

    def _call(self, document: Document) -> bool:
        """Call a page that has something to show, if it does not wait for its lock; tells whether it was.

        In the next round it comes after those that have waited longer.
        """
        page = self._pages.get(document)
        if page is None or document in self._called:
            return False

        def show() -> None:
            self._called.discard(document)
            page.tick()

        try:
            if not page.is_due():
                return False
            self._called.add(document)
            document.add_next_tick_callback(show)
        except Exception:  # one page must not be the end of all others
            _LOG.exception("a page cannot be looked at any more")
            del self._pages[document]
            self._called.discard(document)
            return False
        self._pages[document] = self._pages.pop(document)
        return True


_OF: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds] = WeakKeyDictionary()


def join(page: Looker, document: Document) -> None:
    """Look at a page in the rounds of the event loop that is running, until its session ends."""
    _OF.setdefault(asyncio.get_running_loop(), Rounds()).join(page, document)
