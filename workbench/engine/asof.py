"""AsofJoin: each left row with the right row nearest in time; process(side, batch) -> joined, late.

The way of a batch through here: left rows wait until the right side's watermark proves that no better right
row can come; right rows are held as long as a left row, waiting or to come, may choose them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.progress import Stamp
from workbench.engine.ranges import TimeIndex, behind, in_order, shift
from workbench.engine.sides import (
    INNER,
    LEFT,
    NEVER_IDLE,
    RIGHT,
    SIDES,
    UNMATCHED,
    Batch,
    Idle,
    Ints,
    Joined,
    Mask,
    Side,
    Sides,
    choose,
    ended,
)
from workbench.errors import DescriptionError
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

BACKWARD, FORWARD, NEAREST = "backward", "forward", "nearest"


class AsofJoin(Sides):
    """Joins each left row with one right row of its key: the last before it, the first after, or the nearest.

    Known as ``pandas.merge_asof``, as-of join in Polars and RisingWave, and with ``backward`` as temporal
    join, or join with a versioned table (``FOR SYSTEM_TIME AS OF``), in Flink; state and timers in Beam.

    Exact in event time: a left row is answered when the right watermark, less the lateness, has passed the
    last moment at which a right row could change its answer. Of right rows of equal key and time, the last to
    arrive is chosen, but of those ahead of the left row the first, as in pandas. A right row is late when it
    is behind its own side's watermark, less the lateness, since left rows may have been answered without it;
    a left row, when it is behind the combined one, since what it would choose may be gone.

    Parameters
    ----------
    keys : sequence of str
        Key columns, the same on both sides; none for one group of all rows.
    direction : str
        ``backward``: the last right row at or before the left one; ``forward``: the first at or after it;
        ``nearest``: the nearer of the two.
    allow_exact : bool
        Whether a right row of the same time may be chosen; ``allow_exact_matches`` in pandas.
    tolerance : int or None
        The greatest distance in nanoseconds, inclusive; None for any.
    nearest_tie : str
        With ``nearest``, which of two at the same distance is chosen: ``backward``, as in pandas, or
        ``forward``.
    how : str
        ``left`` tells left rows without a match too, ``inner`` leaves them out.
    lateness : int
        Nanoseconds that a row may come behind the watermark; answers wait as much longer.
    null_keys : str
        ``unmatched`` or ``equal``; see `Sides`. Right rows with a null key are never chosen.
    suffixes : tuple of str
        For names that both sides have, as in ``pandas.merge``.
    idle : (int or None, int or None)
        After how long a side does not hold the watermark back; see `Sides`.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.

    Notes
    -----
    A batch costs a sort of its rows, up to five binary searches for each row in question, and a few array
    operations in the rows held. State is bounded by the rows that wait, the right rows after the combined
    watermark, and for ``backward`` and ``nearest`` one right row a key, as far back as the tolerance allows.
    With ``forward`` or ``nearest`` and no tolerance, a left row waits until a match comes, or to the end.

    In a batch, answers come by left time, then arrival; their time is the left row's.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> join = AsofJoin(keys=["pair"])
    >>> trades, quotes = Progress(bound=0), Progress(bound=0)
    >>> quote = pd.DataFrame({"pair": "EUR", "rate": [1.1, 1.2]}, index=pd.RangeIndex(1, 3))
    >>> _ = join.process("right", quote, quotes.stamp(np.array([10, 20])))
    >>> trade = pd.DataFrame({"pair": "EUR", "amount": [5, 6]}, index=pd.RangeIndex(1, 3))
    >>> join.process("left", trade, trades.stamp(np.array([19, 20]))).frame
      pair  amount  rate
    1  EUR       5   1.1
    >>> join.process("right", quote[:0], quotes.advance(21)).frame
      pair  amount  rate
    2  EUR       6   1.2
    """

    hows = ("left", INNER)

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        direction: str = BACKWARD,
        allow_exact: bool = True,
        tolerance: int | None = None,
        nearest_tie: str = BACKWARD,
        how: str = "left",
        lateness: int = 0,
        null_keys: str = UNMATCHED,
        suffixes: tuple[str, str] = ("", "_right"),
        idle: Idle = NEVER_IDLE,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        choose("direction", direction, (BACKWARD, FORWARD, NEAREST))
        choose("nearest_tie", nearest_tie, (BACKWARD, FORWARD))
        if tolerance is not None and tolerance < 0:
            raise DescriptionError(f"the tolerance must be at least zero, but is {tolerance!r}")
        super().__init__(
            keys=keys,
            how=how,
            lateness=lateness,
            null_keys=null_keys,
            suffixes=suffixes,
            idle=idle,
            time_dtype=time_dtype,
            # until: the last right time that may still change the answer; best: slot of the choice so far
            labels=("number", "time", "key", "null", "until", "best"),
            described=(direction, allow_exact, tolerance, nearest_tie),
        )
        self.direction, self.nearest_tie = direction, nearest_tie
        self.apart = 0 if allow_exact else 1
        self.tolerance = END_OF_TIME if tolerance is None else tolerance
        self.choices = TimeIndex()

    def process(self, side: Side, frame: pd.DataFrame, stamp: Stamp) -> Joined:
        """Take a batch of one side; tell left rows whose answer is certain; see `IntervalJoin.process`."""
        batch = self._read(side, frame, stamp, own=side == SIDES[RIGHT])
        late = batch.times < batch.limits
        asking = self._wait(batch, ~late) if batch.side == LEFT else self._offer(batch, ~late & ~batch.null)
        self._search(asking)
        answered, waiting = self._parted()
        told, stamp = self._told(answered, waiting)
        self.stores[LEFT].drop(answered)
        self.stores[RIGHT].drop(self.choices.drop(self._useless()))
        self._forget()
        return self._joined(batch, told, stamp, late, batch.limits - batch.times)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {**super().snapshot(), "choices": self.choices.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot; see `Sides.restore`."""
        super().restore(snapshot)
        self.choices.restore(snapshot["choices"])

    @property
    def _proven(self) -> int:
        """The moment before which no right row comes any more, late ones aside."""
        return behind(max(self.watermarks[RIGHT], self.combined), self.lateness)

    def _wait(self, batch: Batch, wanted: Mask) -> Ints:
        """Hold left rows; give the slots of those to search for."""
        times = batch.times[wanted]
        slots = self.stores[LEFT].add(
            batch.frame if wanted.all() else batch.frame[wanted],
            number=self._numbers(LEFT, len(times)),
            time=times,
            key=batch.keys[wanted],
            null=batch.null[wanted],
            until=np.where(batch.null[wanted], NO_WATERMARK, times - self.apart),
            best=np.full(len(times), -1),
        )
        return self._ripe() if self.direction == BACKWARD else slots

    def _offer(self, batch: Batch, wanted: Mask) -> Ints:
        """Hold right rows; give the slots of the left rows that they may be better for."""
        keys, times = batch.keys[wanted], batch.times[wanted]
        frame = batch.frame if wanted.all() else batch.frame[wanted]
        slots, order = self.stores[RIGHT].add(frame, time=times, key=keys), in_order(keys, times)
        self.choices.add(keys[order], times[order], slots[order])
        if self.direction == BACKWARD:
            return self._ripe()
        touched = np.zeros(len(self.keys), dtype=bool)
        touched[keys] = True
        waiting = self.stores[LEFT].live()
        return waiting[touched[self.stores[LEFT]["key"][waiting]]]

    def _ripe(self) -> Ints:
        """Give the left rows whose answer can change no more."""
        return self._parted()[0]

    def _parted(self) -> tuple[Ints, Ints]:
        """Give the left rows whose answer can change no more, and those that wait."""
        slots, proven = self.stores[LEFT].live(), self._proven
        until = self.stores[LEFT]["until"][slots]
        ripe = (until < proven) | (until == NO_WATERMARK) | ended(proven)
        return slots[ripe], slots[~ripe]

    def _search(self, slots: Ints) -> None:
        """Choose right rows for left ones, as far as they are known."""
        left = self.stores[LEFT]
        slots = slots[left["null"][slots] == 0]
        slots = slots[in_order(left["key"][slots], left["time"][slots])]
        keys, times = left["key"][slots], left["time"][slots]
        if self.direction == BACKWARD:
            left["best"][slots] = self._before(keys, times)[0]
            return
        after, ahead = self._after(keys, times)
        if self.direction == FORWARD:
            left["best"][slots] = after
            left["until"][slots] = _plus(times, np.minimum(ahead, self.tolerance))
            return
        before, back = self._before(keys, times)
        tie = (ahead == back) & (ahead > 0)
        forward = (ahead < back) | (tie & (self.nearest_tie == FORWARD))
        left["best"][slots] = np.where(forward, after, before)
        distance = np.minimum(np.minimum(ahead, back), self.tolerance)
        settled = ~forward & (before >= 0) & (self.nearest_tie == BACKWARD)
        left["until"][slots] = np.maximum(_plus(times, distance) - settled, times - self.apart)

    def _before(self, keys: Ints, times: Nanos) -> tuple[Ints, Nanos]:
        """Give the last right row at or before each moment, -1 for none, and its distance."""
        high = times - self.apart
        first, beyond = self.choices.find(keys, shift(times, -self.tolerance), high)
        return self._chosen(first < beyond, beyond - 1, times)

    def _after(self, keys: Ints, times: Nanos) -> tuple[Ints, Nanos]:
        """Give the first right row at or after each moment, -1 for none, and its distance."""
        low = times + self.apart
        first, beyond = self.choices.find(keys, low, shift(times, self.tolerance))
        return self._chosen(first < beyond, first, times)

    def _chosen(self, found: Mask, at: Ints, times: Nanos) -> tuple[Ints, Nanos]:
        if not len(self.choices):
            return np.full(len(times), -1), np.full(len(times), END_OF_TIME)
        at = np.where(found, at, 0)
        distance = np.abs(self.choices.times[at] - times)
        return np.where(found, self.choices.slots[at], -1), np.where(found, distance, END_OF_TIME)

    def _told(self, answered: Ints, waiting: Ints) -> tuple[pd.DataFrame, Stamp]:
        left = self.stores[LEFT]
        slots = answered[left["best"][answered] >= 0] if self.how == INNER else answered
        slots = slots[in_order(left["time"][slots], left["number"][slots])]
        promise = min(self.limit, int(left["time"][waiting].min(initial=END_OF_TIME)))
        # one before: rows of just that moment wait, or may come
        return self._tell(slots, left["best"][slots], left["time"][slots], behind(promise, 1))

    def _useless(self) -> Mask:
        """Say which right rows no left row, waiting or to come, can choose."""
        left, held = self.stores[LEFT], self.choices
        to_come = END_OF_TIME if ended(self.watermarks[LEFT]) else self.limit
        earliest = np.full(len(self.keys), to_come)  # time of the left rows of a key
        waiting = left.live()
        np.minimum.at(earliest, left["key"][waiting], left["time"][waiting])
        earliest = earliest[held.keys]
        never = earliest == END_OF_TIME
        if self.direction == FORWARD:
            return np.asarray(never | (held.times < shift(earliest, self.apart)))
        superseded = np.zeros(len(held), dtype=bool)
        superseded[:-1] = held.times[1:] <= shift(earliest[:-1], -self.apart)
        superseded[:-1] &= held.keys[1:] == held.keys[:-1]
        return np.asarray(never | superseded | (shift(held.times, self.tolerance) < earliest))

    def _renew_keys(self, code_of: Ints) -> None:
        super()._renew_keys(code_of)
        self.choices.renew_keys(code_of)


def _plus(times: Nanos, distances: Nanos) -> Nanos:
    """Add distances to moments, at most the end of time."""
    return np.asarray(np.minimum(times, END_OF_TIME - distances) + distances)
