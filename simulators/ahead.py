"""Ahead: the next block is made while this one is read.

A block at 100,000 events a second takes half a second to make. Whoever reads it beside other work, as
a live run does on the event loop of its pages, should not stand still that long. numpy lets other
threads go on while it computes, so the next block is made in one.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

import pandas as pd

from simulators.base import Simulator


class Ahead:
    """A simulator whose next block of arrivals is made in a thread; in all else the simulator itself.

    Blocks depend on nothing but their index, so what comes out is the same. It holds one block more
    in memory.

    Parameters
    ----------
    simulator
        Any simulator.

    Examples
    --------
    >>> from simulators import Sensors
    >>> readings = Ahead(Sensors(seed=7))
    >>> readings.block_arrivals(3).equals(Sensors(seed=7).block_arrivals(3))
    True
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._next: tuple[int, Future[pd.DataFrame]] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of ours, and not there yet: as when it is copied
            raise AttributeError(name)
        return getattr(self._simulator, name)

    def __repr__(self) -> str:
        return f"Ahead({self._simulator!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"_simulator": self._simulator, "_next": None}

    def block_arrivals(self, j: int) -> pd.DataFrame:
        """Return what the simulator's own gives, and begin with the block after it."""
        begun, self._next = self._next, None
        frame = (
            begun[1].result() if begun is not None and begun[0] == j else self._simulator.block_arrivals(j)
        )
        self._next = j + 1, self._thread.submit(self._simulator.block_arrivals, j + 1)
        return frame

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")
