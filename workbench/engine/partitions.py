"""One watermark of several: the least of those that are not idle, row by row.

The parts may be the partitions of a source or the streams of a union. A row counts from its arrival on, so
that what a row meets depends on the rows before it and on when they came, never on the batches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.engine.keys import Codes
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Mask = npt.NDArray[np.bool_]

_ARRAYS = ("reached", "heard", "asleep", "known")


class Partitions:
    """The watermarks of several parts, by code, and the one that they make together.

    State: four numbers a part, and a batch costs a few sorts of its rows, whatever the number of parts.

    Parameters
    ----------
    count : int
        How many parts are expected from the beginning, and hold the watermark back before they have rows;
        further ones count from their first row.
    idle : int or array of int
        Nanoseconds of processing time without rows after which a part does not count; `END_OF_TIME` for
        never.
    clock : bool
        Whether the watermarks move on with processing time.
    greatest : bool
        Whether the greatest counts in place of the least.
    apart : bool
        Whether the parts are read in turn, as sources are, each with its own processing time: then one is
        idle only after it was said that it has had no rows, since what has not been read yet may hold some.

    Attributes
    ----------
    watermark : int
        The one that they make together; never decreases.
    now : int
        Processing time, as far as it is known.

    Examples
    --------
    >>> parts = Partitions(idle=100)
    >>> parts.take(np.array([0, 1, 0]), np.array([10, 7, 30]), np.array([0, 1, 2]), 2).tolist()[1:]
    [10, 10, 10]
    >>> parts.take(np.array([0, 1]), np.array([40, 20]), np.array([90, 103]), 103).tolist()
    [10, 40, 40]
    """

    def __init__(
        self,
        count: int = 0,
        *,
        idle: int | Nanos = END_OF_TIME,
        clock: bool = False,
        greatest: bool = False,
        apart: bool = False,
    ) -> None:
        self.idle, self.clock, self.greatest, self.apart = idle, clock, greatest, apart
        self.known = np.full(count, NO_WATERMARK)  # if apart: up to when it was said what each has had
        self.reached = np.full(count, NO_WATERMARK)  # by part; with a clock, less the processing time
        self.heard = np.full(count, NO_WATERMARK)  # when the last row came; unknown before the first
        self.asleep: Mask = np.zeros(count, dtype=bool)  # said to be idle, or not there yet
        self.watermark = self.now = NO_WATERMARK

    def __len__(self) -> int:
        return len(self.reached)

    def take(self, codes: Codes | int, claims: Nanos, arrivals: Nanos, now: int) -> Nanos:
        """Take rows: give the watermark that each meets when it arrives, and last the one after all at `now`.

        Parameters
        ----------
        codes : int array, shape (rows,), or int
            The part of each row, or of all, which is several times as fast.
        claims : int64 array, shape (rows,)
            The watermark that each row gives its part; `NO_WATERMARK` where none.
        arrivals : int64 array, shape (rows,)
            When each came, in nanoseconds; one before its predecessor came with it.
        now : int
            Processing time after all.
        """
        begin = int(self.known[codes]) if self.apart else self.now
        moments = np.maximum.accumulate(np.concatenate([[begin], arrivals, [now]]))[1:]
        self.now = max(self.now, int(moments[-1]))
        self.heard[~self.asleep & (self.heard == NO_WATERMARK)] = moments[0]
        if self.clock:
            claims = _less(claims, moments[:-1])
        so_far = np.maximum.accumulate(np.append(self._greatest(), claims))
        if isinstance(codes, int):
            made = self._note_one(codes, claims, moments)
        else:
            made = self._note(codes, claims, moments)
        if not self.greatest:  # where nothing holds it back it is the greatest all the same
            so_far = np.where(made == END_OF_TIME, so_far, made)
        if self.clock:
            so_far = _plus(so_far, moments)
        so_far[0] = max(int(so_far[0]), self.watermark)
        met: Nanos = np.maximum.accumulate(so_far)
        self.watermark = int(met[-1])
        return met

    def settle(self, now: int = NO_WATERMARK) -> int:
        """Let processing time pass, without rows; give the watermark."""
        nothing = np.zeros(0, dtype=np.int64)
        return int(self.take(nothing, nothing, nothing, now)[-1])

    def move(self, part: int, watermark: int) -> None:
        """Move the watermark of a part, which is no sign of life; one that has ended counts no more."""
        if self.clock and watermark not in (NO_WATERMARK, END_OF_TIME):
            watermark -= self.now
        self.reached[part] = max(int(self.reached[part]), watermark)
        self.asleep[part] |= watermark == END_OF_TIME

    def wake(self, part: int) -> None:
        """Let a part count again, as if a row had come."""
        self._expect(part + 1)
        self.asleep[part], self.heard[part] = False, self.now

    def sleep(self, part: int, *, for_good: bool = False) -> None:
        """Take a part for idle; or for gone, so that it does not count among the greatest either."""
        self._expect(part + 1)
        self.asleep[part] = True
        if for_good:
            self.reached[part] = NO_WATERMARK

    def awake(self) -> Codes:
        """Give the parts that are not idle."""
        return np.flatnonzero(~self.asleep & (self.now < self._idle_from(np.arange(len(self)))))

    def holding(self) -> int | None:
        """Give the part that holds the watermark back; None if none does."""
        awake = self.awake()
        held = self.reached[awake]
        return int(awake[held.argmin()]) if len(awake) and not self.greatest else None

    def end(self) -> None:
        """Go to the end of time: nothing is held any more."""
        for name in _ARRAYS:
            setattr(self, name, getattr(self, name)[:0])
        self.watermark = END_OF_TIME

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        arrays = {name: getattr(self, name).copy() for name in _ARRAYS}
        return {**arrays, "watermark": self.watermark, "now": self.now}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        for name in _ARRAYS:
            setattr(self, name, snapshot[name].copy())
        self.watermark, self.now = snapshot["watermark"], snapshot["now"]

    def _expect(self, count: int) -> None:
        """Have at least so many parts; new ones do not count before their first row."""
        more = count - len(self)
        if more > 0:
            self.reached = np.append(self.reached, np.full(more, NO_WATERMARK))
            self.heard = np.append(self.heard, np.full(more, NO_WATERMARK))
            self.asleep = np.append(self.asleep, np.ones(more, dtype=bool))
            self.known = np.append(self.known, np.full(more, NO_WATERMARK))

    def _greatest(self) -> int:
        """Give the greatest that a part has reached, of those that have not ended, if there are any."""
        going = self.reached[self.reached != END_OF_TIME]
        return int(going.max(initial=NO_WATERMARK)) if len(going) or not len(self) else END_OF_TIME

    def _until(self, codes: Codes, heard: Nanos) -> Nanos:
        """Give the moments at which parts become idle, if they were last heard at others."""
        idle = self.idle if isinstance(self.idle, int) else self.idle[codes]
        later = np.minimum(heard, END_OF_TIME - idle) + idle
        return np.where(np.equal(idle, END_OF_TIME), END_OF_TIME, later)

    def _idle_from(self, parts: Codes) -> Nanos:
        """Give the moments from which parts are idle, as far as is known."""
        until = self._until(parts, self.heard[parts])
        return np.where(self.known[parts] < until, END_OF_TIME, until) if self.apart else until

    def _note(self, codes: Codes, claims: Nanos, moments: Nanos) -> Nanos:
        """Take rows into the state; give the least at each row and after all, `END_OF_TIME` if all are idle.

        What a part has reached holds from after the row until its next row has come, or until it is idle: an
        interval of rows. The parts' state before the batch is a row before the first.
        """
        self._expect(int(codes.max(initial=-1)) + 1)
        parts, rows, known = len(self), len(codes), np.arange(len(self))
        part = np.concatenate([known, codes])
        order = np.argsort(part, kind="stable")
        part = part[order]
        row = np.concatenate([np.full(parts, -1), np.arange(rows)])[order]
        last = np.append(part[1:] != part[:-1], True)[: len(part)]
        reached = _running_greatest(part, np.concatenate([self.reached, claims])[order])
        heard = np.concatenate([self.heard, moments[:-1]])[order]
        stop = np.where(last, rows + 1, np.roll(row, -1) + 1)
        stop = np.minimum(stop, np.searchsorted(moments, self._until(part, heard)))
        stop[(row < 0) & self.asleep[part]] = 0
        self.reached, self.heard = reached[last], heard[last]
        self.asleep &= row[last] < 0
        return least_covering(row + 1, stop, reached, rows + 1)

    def _note_one(self, part: int, claims: Nanos, moments: Nanos) -> Nanos:
        """Do the same for rows of one part: the others hold from the first row until they are idle."""
        self._expect(part + 1)
        reached = np.maximum.accumulate(np.append(self.reached[part], claims))
        heard = np.append(self.heard[part], moments[:-1])
        said = np.append(np.full(len(claims), self.known[part]), moments[-1]) if self.apart else moments
        counts = said < self._until(np.full(1, part), heard)
        counts[0] &= not self.asleep[part]
        made = np.where(counts, reached, END_OF_TIME)
        others = np.flatnonzero(~self.asleep & (np.arange(len(self)) != part))
        stop = np.searchsorted(moments, self._idle_from(others))
        held = np.full(len(moments) + 1, END_OF_TIME)
        np.minimum.at(held, stop, self.reached[others])
        made = np.minimum(made, np.minimum.accumulate(held[::-1])[::-1][1:])
        self.reached[part], self.heard[part], self.known[part] = reached[-1], heard[-1], moments[-1]
        self.asleep[part] &= not len(claims)
        return np.asarray(made)


def least_covering(starts: Codes, stops: Codes, values: Nanos, length: int) -> Nanos:
    """Give, for each position, the least value of the intervals that cover it; `END_OF_TIME` where none does.

    Each interval is covered by two blocks of a power of two, and each block by its halves (a sparse table).

    Parameters
    ----------
    starts, stops : int arrays
        Half-open intervals of positions; empty ones are passed over.
    values : int64 array
        Their values.
    length : int
        How many positions there are.

    Examples
    --------
    >>> least_covering(np.array([0, 2]), np.array([4, 3]), np.array([7, 5]), 5).tolist()[:4]
    [7, 7, 5, 7]
    """
    covering = stops > starts
    starts, stops, values = starts[covering], stops[covering], values[covering]
    level = np.frexp(stops - starts)[1] - 1
    table = np.full((length.bit_length(), length), END_OF_TIME)
    np.minimum.at(table, (level, starts), values)
    np.minimum.at(table, (level, stops - (1 << level)), values)
    for above in range(len(table) - 1, 0, -1):
        half = 1 << (above - 1)
        np.minimum(table[above - 1], table[above], out=table[above - 1])
        np.minimum(table[above - 1, half:], table[above, :-half], out=table[above - 1, half:])
    return np.asarray(table[0])


def _running_greatest(groups: Codes, values: Nanos) -> Nanos:
    """Give the greatest value so far within each group; the groups are in order."""
    distinct, rank = np.unique(values, return_inverse=True)
    base = groups * len(distinct)
    return np.asarray(distinct[np.maximum.accumulate(base + rank) - base])


def _less(claims: Nanos, moments: Nanos) -> Nanos:
    """Subtract processing time from watermarks, where both are known."""
    known = (claims != NO_WATERMARK) & (claims != END_OF_TIME) & (moments != NO_WATERMARK)
    return np.where(known, claims - moments, np.where(claims == END_OF_TIME, claims, NO_WATERMARK))


def _plus(claims: Nanos, moments: Nanos) -> Nanos:
    """Add processing time to watermarks, where there are any."""
    some = (claims != NO_WATERMARK) & (claims != END_OF_TIME)
    return np.where(some, claims + moments, claims)
