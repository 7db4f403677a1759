"""Under way: what has happened by a moment, and arrives later."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulators.columns import Table
from simulators.delivery.parcel import Mark
from simulators.delivery.road import Arrivals
from simulators.ordering import IntArray
from simulators.parameters import microseconds

if TYPE_CHECKING:
    from simulators.base import Simulator


class Delivered(NamedTuple):
    """The events of a block, and how they arrive."""

    events: Table
    """As they happened, or as they say they did."""
    arrivals: Arrivals
    marks: list[Mark]


def tail_of(delivered: Delivered, moment: int) -> Delivered:
    """Return what arrives at a moment or later, by itself: of a block it is little, and needed for long."""
    events, (rows, time), _ = delivered
    first = int(np.searchsorted(time, moment))
    chosen, at = np.unique(rows[first:], return_inverse=True)
    some = {name: values[chosen] for name, values in events.items()}
    return Delivered(some, Arrivals(at, time[first:].copy()), [])


def under_way(simulator: "Simulator", moment: int) -> tuple[IntArray, IntArray]:
    """Return the event times and arrivals of what has happened by a moment and arrives later.

    What is lost on its way never arrives, and is not among it; a second copy is. It looks at the blocks from
    which something may still come, and those are at hand where arrivals are being read.

    Parameters
    ----------
    simulator
        Any simulator.
    moment
        Microseconds since its start, 0 or more.

    Returns
    -------
    event times, arrivals
        Microseconds since the start, by block, then arrival; event times as their devices say.
    """
    length = microseconds(simulator.block)
    present = moment // length
    parts = [np.zeros((2, 0), np.int64)]
    for block in range(max(0, present - simulator._reach), present + 1):
        events, (rows, arrival), _ = simulator._arriving(block, present)
        first = int(np.searchsorted(arrival, moment, side="right"))
        rows, arrival = rows[first:], arrival[first:]
        if block == present:  # the rest of it has not happened yet
            happened = simulator._block(block)[0][simulator.time_column][rows] <= moment
            rows, arrival = rows[happened], arrival[happened]
        parts.append(np.stack([events[simulator.time_column][rows], arrival]))
    event_times, arrivals = np.concatenate(parts, axis=1)
    return event_times, arrivals
