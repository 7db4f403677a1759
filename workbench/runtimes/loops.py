"""Event loops: which one runs here, and doing something on the one that drives a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

Told = TypeVar("Told")


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def on_loop(loop: Any, act: Callable[[], Told]) -> Told:
    """Do something on a loop of Tornado's, where another thread runs it; else at once, as if there were none.

    So it is done between two turns of what goes on there.
    """
    running = getattr(loop, "asyncio_loop", None)
    if running is None or not running.is_running() or running is running_loop():
        return act()

    async def acted() -> Told:
        return act()

    return asyncio.run_coroutine_threadsafe(acted(), running).result()
