"""What of a simulated source can be changed while it is read: its simulator, from the present moment on.

The rows that have been read stay the ones that there were, and positions stay what they are: what happened
before the moment arrives as it would have, whatever happens after it.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from simulators.delivery import PRESETS
from simulators.dials import Dials, dials, turned
from simulators.rates import present_rate
from simulators.switched import Switched, present, switched
from workbench.errors import DescriptionError
from workbench.sources.simulated import SimulatedSource


def can_be_turned(source: Any) -> bool:
    """Say whether a source reads a simulator whose parameters are known."""
    return isinstance(source, SimulatedSource) and hasattr(present(source.simulator), "delivery")


def dials_of(source: SimulatedSource) -> Dials:
    """Give how the dials of a source's simulator stand."""
    return dials(present(source.simulator))


def rate_of(source: SimulatedSource, at: int) -> float | None:
    """Give the events a second around a moment; None if the simulator's rate is not for choosing."""
    simulator = present(source.simulator)
    return present_rate(simulator, _block(source, at)) if getattr(simulator, "pace", "") else None


def deliveries() -> tuple[str, ...]:
    """Give the names of deliveries."""
    return tuple(PRESETS)


def switch(source: SimulatedSource, simulator: Any, at: int) -> SimulatedSource:
    """Give the source as it is if another simulator makes what happens from a moment on.

    Raises
    ------
    DescriptionError
        If the simulator does not fit.

    Examples
    --------
    >>> from simulators import Sensors
    >>> source = SimulatedSource(Sensors(devices=4, hertz=1, missing=0), name="sensors")
    >>> faster = switch(source, Sensors(devices=4, hertz=10, missing=0), source.start + 5_000_000_000)
    >>> [len(faster.simulator.block_events(block)) for block in range(2)]
    [220, 400]
    """
    made = copy(source)
    try:
        made.simulator = switched(source.simulator, simulator, pd.Timestamp(at, unit="ns"))
    except ValueError as error:
        raise _taught(error) from error
    return made


def turn(source: SimulatedSource, at: int, *, rate: float | None = None, **others: Any) -> SimulatedSource:
    """Give the source with dials of its simulator turned from a moment on: see `simulators.dials`.

    Raises
    ------
    DescriptionError
        If a dial cannot stand so, or the simulator has no rate.
    """
    simulator = present(source.simulator)
    try:
        if rate is not None:
            _check_rate(rate)
            now = present_rate(simulator, _block(source, at)) if getattr(simulator, "pace", "") else 1.0
            others["factor"] = rate / max(now, np.finfo(float).tiny)
        return switch(source, turned(simulator, **others), at)
    except ValueError as error:
        raise _taught(error) from error


def branched(source: Any, at: int) -> Any:
    """Give the source with the simulator that it has at last already from an earlier moment on."""
    if not isinstance(source, SimulatedSource):
        return source
    simulator = getattr(source.simulator, "_simulator", source.simulator)
    later = isinstance(simulator, Switched) and simulator.at > pd.Timestamp(at, unit="ns")
    return switch(source, present(simulator), at) if later else source


def _check_rate(rate: Any) -> None:
    if not (isinstance(rate, int | float | np.number) and 0 < rate < np.inf):
        raise DescriptionError(
            f"rate is {rate!r}",
            detail="it counts events a second, and must be a finite number above 0",
            hint="write for example rate=100",
        )


def _block(source: SimulatedSource, at: int) -> int:
    length: int = source.simulator.block.as_unit("ns").value
    return int(max(0, at - source.start) // length)


def _taught(error: ValueError) -> DescriptionError:
    """Turn an error of the simulators, which has the same three parts, into one of ours."""
    if isinstance(error, DescriptionError):
        return error
    what, _, rest = str(error).partition("\nDetail: ")
    detail, _, hint = rest.partition("\nHint: ")
    return DescriptionError(what, detail=detail, hint=hint)
