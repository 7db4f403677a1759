"""Acting on a run between two of its turns, whoever drives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from workbench.errors import RunError
from workbench.runtimes.readings import Readings

Told = TypeVar("Told")


class BetweenTurns(Readings):
    """The part of a `Run` that keeps what changes it apart from the batches under way."""

    _loop: Any
    _turning: bool

    def _between_turns(self, act: Callable[[], Told], done: str) -> Told:
        """Do something between two turns: on the loop that drives the run, where that is another thread's.

        Raises
        ------
        RunError
            If a sink, or a function of a step, asks for it: a batch is under way; ``done`` says what is not.
        """

        def apart() -> Told:
            if self._turning:
                raise RunError(
                    f"a run cannot be {done} in the middle of a batch", hint="do it from outside of its sinks"
                )
            return act()

        loop = getattr(self._loop, "asyncio_loop", None)
        if loop is None or not loop.is_running() or loop is running_loop():
            return apart()

        async def acted() -> Told:
            return apart()

        return asyncio.run_coroutine_threadsafe(acted(), loop).result()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
