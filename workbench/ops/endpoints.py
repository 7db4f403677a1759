"""``/health`` and ``/metrics``, as handlers that a Tornado server is given."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from tornado.web import RequestHandler

from workbench.ops.health import Watch
from workbench.ops.metrics import CONTENT_TYPE, Exposition
from workbench.ops.passwords import People

LONGEST = 1_024
"""Characters of a password that are looked at, at the most."""


class Gate:
    """Lets people in by their passwords.

    One password is looked at at a time, and on another thread: that takes memory, and tenths of a second.

    Parameters
    ----------
    people : People
        Names and hashed passwords.
    """

    def __init__(self, people: People) -> None:
        self._people, self._turn = people, asyncio.Semaphore(1)

    async def admits(self, name: str, password: str) -> bool:
        """Tell whether somebody is who they say."""
        if not name or len(password) > LONGEST:
            return False
        async with self._turn:
            return await asyncio.to_thread(self._people.admits, name, password)


def endpoints(watch: Watch, exposition: Exposition, gate: Gate | None = None) -> list[Any]:
    """Give the rules of both; with a ``gate`` metrics are only for those who say who they are.

    Health says no more than whether there is something to be done, and is for everybody.
    """
    return [
        (r"/health", HealthHandler, {"watch": watch}),
        (r"/metrics", MetricsHandler, {"exposition": exposition, "gate": gate}),
    ]


class Answer(RequestHandler):
    """An answer that nobody keeps."""

    def set_default_headers(self) -> None:
        """Say so; and say nothing of what it is made with."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def data_received(self, chunk: bytes) -> None:
        """Take no bodies piece by piece."""


class HealthHandler(Answer):
    """200 if all pipelines are well, 503 if not; what is wrong is said as JSON."""

    def initialize(self, watch: Watch) -> None:
        """Take who knows it."""
        self._watch = watch

    def get(self) -> None:
        """Say it."""
        health = self._watch.look()
        self.set_status(200 if health.well else 503)
        self.write(health.told())


class MetricsHandler(Answer):
    """Numbers for Prometheus."""

    def initialize(self, exposition: Exposition, gate: Gate | None) -> None:
        """Take who knows them, and who may ask."""
        self._exposition, self._gate = exposition, gate

    async def get(self) -> None:
        """Give them, to those who may have them."""
        said = credentials(self.request.headers.get("Authorization", ""))
        if self._gate is not None and not await self._gate.admits(*said):
            self.set_status(401)
            self.set_header("WWW-Authenticate", 'Basic realm="metrics", charset="UTF-8"')
            self.finish("say who you are\n")
            return
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(self._exposition.text())


def credentials(header: str) -> tuple[str, str]:
    """Read name and password from an HTTP header; empty where there are none.

    Examples
    --------
    >>> credentials("Basic " + base64.b64encode(b"ada:correct: horse").decode())
    ('ada', 'correct: horse')
    >>> credentials("Bearer nonsense")
    ('', '')
    """
    kind, _, coded = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
