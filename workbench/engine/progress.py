"""The running watermark: gives each row the watermark that it met.

Every row that arrives gets an *arrival number*, counted from 1, which is its index from then on. Whatever
row-local steps do to a batch, a row's event time and watermark are found again by that number in the batch's
`Stamp`, which travels beside the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.keys import Codes
from workbench.engine.partitions import Partitions
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
    arrivals : int64 array, shape (rows,), or None
        Processing time when each row arrived, where that is known; else they came with the batch.
    """

    first: int
    times: Nanos
    met: Nanos
    watermark: int
    now: int = NO_WATERMARK
    arrivals: Nanos | None = None

    def look_up(self, frame: pd.DataFrame) -> tuple[Nanos, Nanos]:
        """Give event time and met watermark of each row of a frame made from this batch by row-local steps.

        Raises
        ------
        DescriptionError
            If the index does not hold arrival numbers of this batch.
        """
        places = self.places(frame)
        return self.times[places], self.met[places]

    def places(self, frame: pd.DataFrame) -> Codes | slice:
        """Give where in the batch the rows of such a frame come from."""
        index = frame.index
        if isinstance(index, pd.RangeIndex) and index.start == self.first and len(index) == len(self.times):
            return slice(None)
        if len(index) == 0:
            return slice(0)
        position: Codes = index.to_numpy() - self.first
        if position.dtype.kind != "i" or position.min() < 0 or position.max() >= len(self.times):
            raise DescriptionError(
                "a step has renumbered the rows",
                detail="the index holds arrival numbers, by which event time and watermark are found",
                hint="keep the index in functions given to map: no reset_index, no set_index, no merge",
            )
        return position


class Progress:
    """The watermark of one source, as it runs.

    Parameters
    ----------
    bound : int or None
        Nanoseconds that the watermark stays behind the greatest event time; with None it only moves by what
        rows claim, and by `advance`.

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

    def stamp(
        self,
        times: Nanos,
        now: int = NO_WATERMARK,
        *,
        arrivals: Nanos | None = None,
        claims: Nanos | None = None,
        codes: Codes | None = None,
    ) -> Stamp:
        """Number and date a batch in arrival order.

        Parameters
        ----------
        times : int64 array, shape (rows,)
            Event times; `NO_WATERMARK` for a row that was rejected.
        now : int
            Processing time when the batch came in, if that is known.
        arrivals : int64 array, shape (rows,), optional
            Processing time when each row arrived, if that is known.
        claims : int64 array, shape (rows,), optional
            The watermark that each row gives, in place of its event time less the bound; `NO_WATERMARK` for
            none.
        codes : int array, shape (rows,), optional
            The partition of each row, where there are partitions.
        """
        made = self._made(times, now, arrivals, claims, codes)
        first = self.arrived + 1
        self.arrived += len(times)
        self.watermark = int(made[-1])
        return Stamp(first, times, made[:-1], self.watermark, now, arrivals)

    def advance(self, watermark: int) -> Stamp:
        """Move the watermark on without a row; a lesser one changes nothing."""
        self.watermark = max(self.watermark, watermark)
        return self.stamp(np.empty(0, dtype=np.int64))

    def end(self) -> Stamp:
        """End a bounded stream: the watermark goes to the end of time."""
        return self.advance(END_OF_TIME)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values."""
        return {"watermark": self.watermark, "arrived": self.arrived, "bound": self.bound}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark, self.arrived = snapshot["watermark"], snapshot["arrived"]
        self.bound = snapshot["bound"]

    def _claims(self, times: Nanos, out: Nanos | None = None) -> Nanos:
        """Give the watermark that each row gives by its event time."""
        if self.bound is None:
            return np.full(len(times), NO_WATERMARK)
        return np.subtract(np.maximum(times, NO_WATERMARK + self.bound), self.bound, out=out)

    def _made(
        self, times: Nanos, now: int, arrivals: Nanos | None, claims: Nanos | None, codes: Codes | None
    ) -> Nanos:
        """Give the watermark before each row, and after the last."""
        made = np.empty(len(times) + 1, dtype=np.int64)
        made[0] = self.watermark
        made[1:] = self._claims(times, made[1:]) if claims is None else claims
        return np.maximum.accumulate(made, out=made)


class PartitionedProgress(Progress):
    """The watermark of a source in partitions, or one that moves on with processing time.

    Rows arrive at the moments given for each; where these are not known, all rows of a batch arrive when it
    comes in, and then idleness is seen, and the clock moves, between batches only.

    Parameters
    ----------
    bound : int or None
        As for `Progress`; it is that of every partition.
    partitions : Partitions
        Their watermarks.

    Examples
    --------
    >>> progress = PartitionedProgress(10, Partitions())
    >>> progress.stamp(np.array([100, 80, 120, 95]), codes=np.array([0, 1, 0, 1])).met.tolist()[1:]
    [90, 90, 90]
    >>> progress.watermark
    90
    """

    def __init__(self, bound: int | None, partitions: Partitions) -> None:
        super().__init__(bound)
        self.partitions = partitions

    def advance(self, watermark: int) -> Stamp:
        """Move the watermark on without a row; a lesser one changes nothing."""
        self.partitions.watermark = max(self.partitions.watermark, watermark)
        return super().advance(watermark)

    def end(self) -> Stamp:
        """End a bounded stream: the watermark goes to the end of time, and nothing is remembered."""
        stamp = super().end()
        self.partitions.end()
        return stamp

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {**super().snapshot(), "partitions": self.partitions.snapshot()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        super().restore(snapshot)
        self.partitions.restore(snapshot["partitions"])

    def _made(
        self, times: Nanos, now: int, arrivals: Nanos | None, claims: Nanos | None, codes: Codes | None
    ) -> Nanos:
        if not len(times):
            return np.full(1, self.partitions.settle(now))
        claims = self._claims(times) if claims is None else claims
        arrivals = np.full(len(times), now) if arrivals is None else arrivals
        taken = times != NO_WATERMARK
        parts = 0 if codes is None else codes[taken]
        made = self.partitions.take(parts, claims[taken], arrivals[taken], now)
        return np.asarray(made[np.append(0, np.cumsum(taken))])
