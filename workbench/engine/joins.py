"""IntervalJoin: rows of two streams that are close in event time; process(side, batch) -> joined, late.

The way of a batch through here: its late rows leave; the others look for partners among the rows held of the
other side, by key and range of time, and are held themselves; then rows that no partner can reach any more
are dropped, and told first if they had none and their side is an outer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.placing import spread
from workbench.engine.progress import Stamp
from workbench.engine.ranges import TimeIndex, in_order, shift
from workbench.engine.sides import (
    ANTI,
    LEFT,
    NEVER_IDLE,
    RIGHT,
    SEMI,
    UNMATCHED,
    Batch,
    Idle,
    Ints,
    Joined,
    Mask,
    Side,
    Sides,
    ended,
)
from workbench.errors import DescriptionError
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

_NONE = np.zeros(0, dtype=np.int64)


class IntervalJoin(Sides):
    """Joins rows of equal keys whose times lie close: ``right - left`` within ``[lower, upper]``.

    Known as interval join in Flink (``intervalJoin ... between``), stream-stream join with a time constraint
    in Spark, ``KStream-KStream`` join in Kafka Streams; in Beam one writes it with state and timers.

    A row is late when its time, plus the lateness, is behind the combined watermark that it met. A row is
    held until no row of the other side that is not late can be its partner: that is when the combined
    watermark, less the lateness, has passed the last moment that it reaches to. Then, on an outer side, it is
    told without partner if it never had one. So joined, unmatched and late rows depend on the order of
    arrival of both sides only, however they came in batches. Where a stream meets itself, that order is one
    of batches: of each, one side comes before the other.

    Parameters
    ----------
    keys : sequence of str
        Key columns, the same on both sides; none for one group of all rows.
    lower, upper : int or None
        Bounds of right time less left time in nanoseconds, of either sign; None for no bound, on one side at
        most.
    how : str
        ``inner``, ``left``, ``right`` or ``outer``: whose rows without partner are told; ``semi`` gives left
        rows when they meet their first partner, ``anti`` those that can have none any more, each once.
    lower_inclusive, upper_inclusive : bool
        Whether a difference of exactly the bound matches.
    lateness : int
        Nanoseconds that a row may come behind the watermark.
    drop_late : bool
        Whether late rows go to ``late``; else they join what is still held, as in Kafka Streams.
    null_keys : str
        ``unmatched`` or ``equal``; see `Sides`.
    suffixes : tuple of str
        For names that both sides have, as in ``pandas.merge``.
    idle : (int or None, int or None)
        After how long a side does not hold the watermark back; see `Sides`.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.

    Notes
    -----
    A batch costs a sort of its rows, two binary searches a row, and a few array operations in the rows held
    and the pairs found. State is bounded by the rows within ``upper - lower`` plus the lateness and how far
    one side is ahead of the other; with a bound of None, one side is held until the end.

    In a batch, pairs come by arrival of the row that brought them, then time and arrival of its partner; then
    rows without partner, left ones first, by key and time. A joined row has the later time of its two. On the
    side that may be missing, integers are ``Int64`` and booleans ``boolean``.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> second = 1_000_000_000
    >>> join = IntervalJoin(keys=["user"], lower=0, upper=10 * second, how="left")
    >>> views, clicks = Progress(bound=0), Progress(bound=0)
    >>> view = pd.DataFrame({"user": ["a", "b"], "page": [1, 2]}, index=pd.RangeIndex(1, 3))
    >>> len(join.process("left", view, views.stamp(np.array([0, 5]) * second)).frame)
    0
    >>> click = pd.DataFrame({"user": ["b"], "on": ["buy"]}, index=pd.RangeIndex(1, 2))
    >>> join.process("right", click, clicks.stamp(np.array([9]) * second)).frame
      user  page   on
    1    b     2  buy
    >>> _ = join.process("left", view[:0], views.end())
    >>> join.process("right", click[:0], clicks.end()).frame
      user  page   on
    2    a     1  NaN
    >>> join.size
    0
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        lower: int | None,
        upper: int | None,
        how: str = "inner",
        lower_inclusive: bool = True,
        upper_inclusive: bool = True,
        lateness: int = 0,
        drop_late: bool = True,
        null_keys: str = UNMATCHED,
        suffixes: tuple[str, str] = ("", "_right"),
        idle: Idle = NEVER_IDLE,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        least = NO_WATERMARK if lower is None else lower + (not lower_inclusive)
        most = END_OF_TIME if upper is None else upper - (not upper_inclusive)
        if lower is None and upper is None:
            raise DescriptionError(
                "an interval without bounds",
                detail="every row of one side would match every row of the other, and be held for ever",
                hint="give lower, upper or both, in nanoseconds",
            )
        if least > most:
            raise DescriptionError(
                f"no difference lies between a lower bound of {lower} and an upper bound of {upper}",
                detail="the interval is that of right time less left time",
                hint="exchange the bounds, or make them inclusive",
            )
        super().__init__(
            keys=keys,
            how=how,
            lateness=lateness,
            null_keys=null_keys,
            suffixes=suffixes,
            idle=idle,
            time_dtype=time_dtype,
            labels=("time", "key", "matched"),
            described=(least, most, drop_late),
        )
        self.drop_late = drop_late
        # how far a row of each side reaches: back and ahead in the other side's time
        ahead, back = END_OF_TIME if lower is None else -least, NO_WATERMARK if upper is None else -most
        self.reach = ((least, most), (back, ahead))
        self.held = (TimeIndex(), TimeIndex())

    def process(self, side: Side, frame: pd.DataFrame, stamp: Stamp) -> Joined:
        """Take a batch of one side; join, and tell what is due.

        Parameters
        ----------
        side : str
            ``left`` or ``right``.
        frame : pandas.DataFrame
            Rows of one arrival batch; the index holds that side's arrival numbers. Without rows, only the
            side's watermark moves.
        stamp : Stamp
            The event times of the batch, and that side's watermark.
        """
        batch = self._read(side, frame, stamp)
        late = batch.times < batch.limits
        joining = ~late if self.drop_late else np.ones(len(late), dtype=bool)
        pairs, alone = self._meet(batch, joining)
        unmatched, gone = self._expire()
        unmatched[batch.side] = np.concatenate([alone, unmatched[batch.side]])
        told, stamp = self._told(pairs, unmatched)
        gone[batch.side] = np.concatenate([alone, gone[batch.side]])
        for store, slots in zip(self.stores, gone, strict=True):
            store.drop(slots)
        self._forget()
        if not self.drop_late:
            late[:] = False
        return self._joined(batch, told, stamp, late, batch.limits - batch.times)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {**super().snapshot(), "held": [index.snapshot() for index in self.held]}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot; see `Sides.restore`."""
        super().restore(snapshot)
        for index, held in zip(self.held, snapshot["held"], strict=True):
            index.restore(held)

    def _meet(self, batch: Batch, joining: Mask) -> tuple[tuple[Ints, Ints], Ints]:
        """Hold rows and find their partners: pairs of slots, and the slots of rows that match nothing."""
        wanted = joining & (~batch.null | self.outer[batch.side])
        frame = batch.frame if wanted.all() else batch.frame[wanted]
        times, keys, limits = batch.times[wanted], batch.keys[wanted], batch.limits[wanted]
        slots = self.stores[batch.side].add(frame, time=times, key=keys)
        able = ~batch.null[wanted]
        mine, partners = self._pair(batch.side, slots[able], keys[able], times[able], limits[able])
        return (mine, partners) if batch.side == LEFT else (partners, mine), slots[~able]

    def _pair(self, side: int, slots: Ints, keys: Ints, times: Nanos, limits: Nanos) -> tuple[Ints, Ints]:
        """Give pairs of slots, of this side and of the other, by arrival of this side's row."""
        own, other, held = self.stores[side], self.stores[1 - side], self.held[1 - side]
        back, ahead = self.reach[side]
        order = in_order(keys, times)
        keys, times = keys[order], times[order]
        first, beyond = np.empty((2, len(order)), dtype=np.int64)
        first[order], beyond[order] = held.find(keys, shift(times, back), shift(times, ahead))
        self.held[side].add(keys, times, slots[order])
        of, at = spread(first, beyond - 1)
        mine, partners = slots[of], held.slots[at]
        if not self.drop_late:  # a late row does not meet what had expired when it came
            there = self._until(1 - side, other["time"][partners]) >= limits[of]
            mine, partners = mine[there], partners[there]
        told = self._chosen(mine if side == LEFT else partners)
        own["matched"][mine] = 1
        other["matched"][partners] = 1
        return mine[told], partners[told]

    def _chosen(self, left: Ints) -> Ints | slice:
        """Choose the pairs that are told, by their left rows."""
        if self.how not in (SEMI, ANTI):
            return slice(None)
        unmet = np.flatnonzero(self.stores[LEFT]["matched"][left] == 0)
        _, first = np.unique(left[unmet], return_index=True)
        return unmet[np.sort(first)] if self.how == SEMI else _NONE

    def _until(self, side: int, times: Nanos) -> Nanos:
        """Give the last moment at which a row of the other side may be a partner."""
        return shift(times, self.reach[side][1])

    def _expire(self) -> tuple[list[Ints], list[Ints]]:
        """Drop rows that no partner can reach; give the slots of those to be told alone, and of all."""
        limit = self.limit
        unmatched, gone = [_NONE, _NONE], [_NONE, _NONE]
        for side in (LEFT, RIGHT):
            held = self.held[side]
            expired = self._until(side, held.times) < limit
            slots = gone[side] = held.drop(expired | ended(limit))
            if self.outer[side]:
                unmatched[side] = slots[self.stores[side]["matched"][slots] == 0]
        return unmatched, gone

    def _told(self, pairs: tuple[Ints, Ints], unmatched: list[Ints]) -> tuple[pd.DataFrame, Stamp]:
        none_left, none_right = (np.full(len(unmatched[side]), -1) for side in (RIGHT, LEFT))
        left = np.concatenate([pairs[LEFT], unmatched[LEFT], none_left])
        right = np.concatenate([pairs[RIGHT], none_right, unmatched[RIGHT]])
        times = np.full(len(left), NO_WATERMARK)
        for store, slots in zip(self.stores, (left, right), strict=True):
            some = slots >= 0
            times[some] = np.maximum(times[some], store["time"][slots[some]])
        return self._tell(left, right, times, self._promise())

    def _promise(self) -> int:
        """Give the moment before which no joined row comes any more."""
        waiting = [
            self.held[side].times[self.stores[side]["matched"][self.held[side].slots] == 0]
            for side in (LEFT, RIGHT)
            if self.outer[side]
        ]
        return min([self.limit, *(int(times.min()) for times in waiting if len(times))])

    def _renew_keys(self, code_of: Ints) -> None:
        super()._renew_keys(code_of)
        for index in self.held:
            index.renew_keys(code_of)
