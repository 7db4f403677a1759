"""How many may look at once: a page that would be one too many says that it is full, and looks again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from bokeh.util.token import get_session_id
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler

from workbench.views.login import notice

AGAIN = 10
"""Seconds after which a page that is full looks again."""
OPENING = ("", "/autoload.js", "/ws")
"""What begins a session of a page, after its address."""


class Full(Matcher):
    """Matches requests for a session that would be one too many.

    Parameters
    ----------
    pages : collection of str
        The addresses of pages, such as ``/`` and ``/trading``.
    sessions : callable
        Gives the identifiers of the sessions that there are.
    most : int
        How many there may be.
    """

    def __init__(self, pages: Collection[str], sessions: Callable[[], Collection[str]], most: int) -> None:
        self._opening = {page.rstrip("/") + piece for page in pages for piece in OPENING}
        self._sessions, self._most = sessions, most

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Give an empty mapping if it matches, None if not, as Tornado has it."""
        if request.path.rstrip("/") not in self._opening:
            return None
        sessions = self._sessions()
        return {} if len(sessions) >= self._most and _session(request) not in sessions else None


def full_rule(pages: Collection[str], sessions: Callable[[], Collection[str]], most: int) -> Rule:
    """Give the rule by which a server says that it is full."""
    return Rule(Full(pages, sessions, most), FullPage, {"most": most})


class FullPage(RequestHandler):
    """Says that there is no room."""

    def initialize(self, most: int) -> None:
        """Take how many there may be."""
        self._most = most

    def get(self) -> None:
        """Say it."""
        self.set_status(503)
        self.set_header("Retry-After", str(AGAIN))
        self.set_header("Cache-Control", "no-store")
        words = f"As many as may look at once do so now ({self._most}). This page looks again by itself."
        self.finish(notice("No room at the moment", words, again=AGAIN))

    def data_received(self, chunk: bytes) -> None:
        """Take no bodies piece by piece."""


def _session(request: HTTPServerRequest) -> str:
    """Give the session that a websocket would take up again; nothing of others."""
    protocols = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    try:
        return str(get_session_id(protocols[1].strip()))
    except Exception:  # whoever makes up a token has no session
        return ""
