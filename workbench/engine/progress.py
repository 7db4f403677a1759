"""The running watermark: gives each row the watermark that it met; monotonicity lives here alone.

Every row that arrives gets an *arrival number*, counted from 1, which is its index from then on. Whatever
row-local steps do to a batch, a row's event time and watermark are found again by that number in the batch's
`Stamp`, which travels beside the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import DescriptionError
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """The event times of the rows of one arrival batch, and the watermark that each of them met.

    Parameters
    ----------
    first : int
        Arrival number of the first row; the others follow without gaps.
    times : int64 array, shape (rows,)
        Event time in nanoseconds; `NO_WATERMARK` for a rejected row.
    met : int64 array, shape (rows,)
        The watermark that the rows before had made when the row arrived; never decreases.
    watermark : int
        The watermark after the batch.
    now : int
        Processing time when the batch came in; `NO_WATERMARK` where nobody knows it.
    """

    first: int
    times: Nanos
    met: Nanos
    watermark: int
    now: int = NO_WATERMARK

    def look_up(self, frame: pd.DataFrame) -> tuple[Nanos, Nanos]:
        """Give event time and met watermark of each row of a frame made from this batch by row-local steps.

        Raises
        ------
        DescriptionError
            If the index does not hold arrival numbers of this batch.
        """
        index = frame.index
        if isinstance(index, pd.RangeIndex) and index.start == self.first and len(index) == len(self.times):
            return self.times, self.met
        if len(index) == 0:
            return self.times[:0], self.met[:0]
        position = index.to_numpy() - self.first
        if position.dtype.kind != "i" or position.min() < 0 or position.max() >= len(self.times):
            raise DescriptionError(
                "a step has renumbered the rows",
                detail="the index holds arrival numbers, by which event time and watermark are found",
                hint="keep the index in functions given to map: no reset_index, no set_index, no merge",
            )
        return self.times[position], self.met[position]


class Progress:
    """The watermark of one source, as it runs.

    Parameters
    ----------
    bound : int or None
        Nanoseconds that the watermark stays behind the greatest event time; with None it only moves by
        `advance`.

    Examples
    --------
    >>> progress = Progress(bound=10)
    >>> stamp = progress.stamp(np.array([100, 95, 120]))
    >>> stamp.met.tolist()[1:], stamp.watermark
    ([90, 90], 110)
    """

    def __init__(self, bound: int | None) -> None:
        self.bound = bound
        self.watermark = NO_WATERMARK
        self.arrived = 0

    def stamp(self, times: Nanos, now: int = NO_WATERMARK) -> Stamp:
        """Number and date a batch of event times in arrival order (`NO_WATERMARK` where a row has none)."""
        made = np.empty(len(times) + 1, dtype=np.int64)
        made[0] = self.watermark
        if self.bound is None:
            made[1:] = self.watermark
        else:
            np.subtract(np.maximum(times, NO_WATERMARK + self.bound), self.bound, out=made[1:])
            np.maximum.accumulate(made, out=made)
        first = self.arrived + 1
        self.arrived += len(times)
        self.watermark = int(made[-1])
        return Stamp(first, times, made[:-1], self.watermark, now)

    def advance(self, watermark: int) -> Stamp:
        """Move the watermark on without a row; a lesser one changes nothing."""
        self.watermark = max(self.watermark, watermark)
        return self.stamp(np.empty(0, dtype=np.int64))

    def end(self) -> Stamp:
        """End a bounded stream: the watermark goes to the end of time."""
        return self.advance(END_OF_TIME)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values."""
        return {"watermark": self.watermark, "arrived": self.arrived}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark, self.arrived = snapshot["watermark"], snapshot["arrived"]
