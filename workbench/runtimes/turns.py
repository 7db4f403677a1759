"""Acting on a run between two of its turns, whoever drives it."""

from __future__ import annotations

from collections.abc import Callable

from workbench.errors import RunError
from workbench.runtimes.loops import Told, on_loop
from workbench.runtimes.readings import Readings


class BetweenTurns(Readings):
    """The part of a `Run` that keeps what changes it apart from the batches under way."""

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

        return on_loop(self._loop, apart)
