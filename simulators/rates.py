"""Rates: how many events a second a simulator gives, and the same one with more or fewer."""

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from simulators.base import Simulator
from simulators.parameters import positive, require

Some = TypeVar("Some", bound=Simulator)

_TELLING = 5.0
"""Events a second with which a day's average can be told: some thousand are counted."""


def rate_of(simulator: Simulator) -> float:
    """Return the events a second of the first day, on average; measured on blocks spread over it.

    Examples
    --------
    >>> from simulators import Sensors
    >>> round(rate_of(Sensors(devices=10, hertz=1, missing=0)))
    10
    """
    probes = 24 * max(1, round(pd.Timedelta("1min") / simulator.block))  # a minute of each hour
    blocks = np.linspace(0, pd.Timedelta("1D") / simulator.block, probes, endpoint=False).astype(int)
    counts = [len(simulator.block_events(int(block))) for block in blocks]
    return float(np.mean(counts) / simulator.block.total_seconds())


def present_rate(simulator: Simulator, block: int) -> float:
    """Return the events a second of a block and those just before it, of a minute at least if there are.

    Examples
    --------
    >>> from simulators import Sensors
    >>> present_rate(Sensors(devices=10, hertz=1, missing=0), 20)
    10.0
    """
    count = -(-pd.Timedelta("1min") // simulator.block)
    counts = [len(simulator.block_events(i)) for i in range(max(0, block + 1 - count), block + 1)]
    return float(np.mean(counts) / simulator.block.total_seconds())


def times_rate(simulator: Some, factor: float) -> Some:
    """Return a simulator with so many times the events a second, and the same columns.

    Raises
    ------
    ValueError
        If the family has no parameter that the number of events follows.

    Examples
    --------
    >>> from simulators import Sensors, Trading
    >>> times_rate(Sensors(hertz=10), 0.5).hertz, times_rate(Trading(trades_per_second=100), 3)
    (5.0, Trading(seed=0, ..., trades_per_second=300, ...))
    """
    positive("factor", factor, unit="times the present rate")
    _require_pace(simulator)
    if hasattr(
        simulator, "hertz"
    ):  # in place of more devices, which would be other keys; ten a block at least
        return replace(simulator, hertz=max(0.1, round(simulator.hertz * factor, 1)))  # type: ignore[call-arg]
    return replace(simulator, **{simulator.pace: getattr(simulator, simulator.pace) * factor})


def at_rate(simulator: Some, events_per_second: float) -> Some:
    """Return a simulator with so many events a second, on the average of a day.

    Raises
    ------
    ValueError
        If the family has no parameter that the number of events follows.

    Examples
    --------
    >>> from simulators import Sensors
    >>> round(rate_of(at_rate(Sensors(seed=7), 500)), -1)
    500.0
    """
    positive("events_per_second", events_per_second, unit="events per second")
    _require_pace(simulator)
    present = getattr(simulator, simulator.pace)
    whole = next(field.type for field in fields(simulator) if field.name == simulator.pace) in (int, "int")

    def paced(value: Any) -> Some:
        return replace(simulator, **{simulator.pace: value})

    # few events tell as much of a rate, and are made sooner; some do not follow the parameter at all
    first, second = (max(1, present // 2), max(2, present)) if whole else (present / 20, present / 5)
    low, high = rate_of(paced(first)), rate_of(paced(second))
    while not whole and 0 < high < _TELLING:  # a rate of a few events is mostly chance
        more = 2 * _TELLING / high
        first, second = first * more, second * more
        low, high = rate_of(paced(first)), rate_of(paced(second))
    slope = (high - low) / (second - first)
    wanted = first + (events_per_second - low) / slope if slope > 0 else 0
    require(
        wanted > 0,
        f"events_per_second is {events_per_second!r}",
        detail=f"What does not follow {simulator.pace} alone makes more events.",
        hint="Ask for more, or for less of what is not ordinary.",
    )
    return paced(max(1, round(wanted)) if whole else wanted)


def _require_pace(simulator: Simulator) -> None:
    require(
        bool(simulator.pace),
        f"{type(simulator).__name__} has no rate",
        detail="Its events are as many as they are.",
        hint="Let it run at another speed.",
    )
