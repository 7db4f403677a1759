"""What all operators with two inputs share: sides, their watermarks, their keys, and how rows are told.

A batch comes from one side; its stamp is of that side's own arrival numbers. Row by row, the *combined
watermark* that a row meets is the least of its own side's and the other's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import require
from workbench.engine.keys import KeyDictionary
from workbench.engine.partitions import Partitions
from workbench.engine.progress import Stamp
from workbench.engine.ranges import behind, shift
from workbench.engine.rows import Aside, RowStore, side_by_side
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError
from workbench.model.joins import suffixed
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Side = Literal["left", "right"]
Idle = tuple[int | None, int | None]
NEVER_IDLE: Idle = (None, None)

SIDES = ("left", "right")
LEFT, RIGHT = 0, 1
INNER, OUTER, SEMI, ANTI = "inner", "outer", "semi", "anti"
UNMATCHED, EQUAL = "unmatched", "equal"


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """What comes of a batch of one side.

    Parameters
    ----------
    frame : pandas.DataFrame
        Joined rows: the left columns, then the right ones; the index numbers them from 1 on.
    late : pandas.DataFrame
        Rows of the batch that came too late, plus ``late_by`` and ``watermark``, the combined one they met.
    rejected : pandas.DataFrame
        Rows of the batch that are in no window, plus ``reason``.
    stamp : Stamp
        The event times of the joined rows, and a watermark for them: no later one comes with a time before.
    dropped : int
        Late rows; with windows, late pairs of row and window.
    """

    frame: pd.DataFrame
    late: pd.DataFrame
    rejected: pd.DataFrame
    stamp: Stamp
    dropped: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch as the operators see it: arrays of equal length, in arrival order."""

    side: int
    frame: pd.DataFrame
    times: Nanos
    met: Nanos
    """The combined watermark that each row met; for a side with its own, that."""
    limits: Nanos
    """The same less the lateness: rows before it are late."""
    keys: Ints
    null: Mask
    """Whether a row's key has a null and thus matches nothing."""


class Sides:
    """Two inputs by key; each sub-class says how their rows meet.

    Parameters
    ----------
    keys : sequence of str
        Key columns, the same on both sides; none for one group of all rows.
    how : str
        Which rows without a match are told: ``inner`` none, ``left``, ``right`` or ``outer`` (both); ``semi``
        tells left rows that have a match, ``anti`` those that have none, each once and by themselves.
    lateness : int
        Nanoseconds that a row may come behind the watermark.
    null_keys : str
        ``unmatched``: a null key matches nothing, as in SQL, Flink and Spark; ``equal``: it matches another
        null key, as in ``pandas.merge``.
    suffixes : tuple of str
        Appended to the names that both sides have, keys aside.
    idle : (int or None, int or None)
        For each side, nanoseconds of processing time without rows after which it does not hold the combined
        watermark back; None for never.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.
    labels : sequence of str
        What the operator keeps beside each row.
    described : str
        What snapshots must agree on.
    """

    hows: tuple[str, ...] = (INNER, "left", "right", OUTER, SEMI, ANTI)

    def __init__(
        self,
        *,
        keys: Sequence[str],
        how: str,
        lateness: int,
        null_keys: str,
        suffixes: tuple[str, str],
        idle: Idle,
        time_dtype: Any,
        labels: Sequence[str],
        described: object,
    ) -> None:
        choose("how", how, self.hows)
        choose("null_keys", null_keys, (UNMATCHED, EQUAL))
        if lateness < 0:
            raise DescriptionError(f"the lateness must be at least zero, but is {lateness!r}")
        self.keys = KeyDictionary(keys)
        self.how, self.lateness, self.null_keys, self.suffixes = how, lateness, null_keys, suffixes
        self.stores = (RowStore(*labels), RowStore(*labels))
        self.watermarks = [NO_WATERMARK, NO_WATERMARK]
        after = np.array([END_OF_TIME if one is None else one for one in idle], dtype=np.int64)
        # where a side may be idle; else the combined watermark is the least of both
        self.both = Partitions(2, idle=after, apart=True) if idle != NEVER_IDLE else None
        self.arrived = [0, 0]
        self.told, self.watermark = 0, NO_WATERMARK
        self.outer = (how in ("left", OUTER, ANTI), how in ("right", OUTER))
        self._null = np.zeros(0, dtype=bool)  # by key code
        self._aside = (Aside(time_dtype), Aside(time_dtype))
        self.now = NO_WATERMARK
        self._described = repr((type(self).__name__, tuple(keys), how, lateness, null_keys, idle, described))

    @property
    def size(self) -> int:
        """How many rows are held; 0 when both sides have ended."""
        return sum(map(len, self.stores))

    @property
    def known(self) -> bool:
        """Whether both sides have said what columns they have."""
        return all(store.names for store in self.stores)

    @property
    def limit(self) -> int:
        """The combined watermark less the lateness: rows before it are late."""
        return behind(self.combined, self.lateness)

    @property
    def combined(self) -> int:
        """The least watermark of the sides that are not idle."""
        return min(self.watermarks) if self.both is None else self.both.watermark

    @property
    def heeds_clock(self) -> bool:
        """Whether the combined watermark may move without a row."""
        return self.both is not None

    def holding(self) -> int | None:
        """Give the side that holds the combined watermark back; None if none does."""
        if self.both is not None:
            return self.both.holding()
        least = min(self.watermarks)
        return None if least == END_OF_TIME else self.watermarks.index(least)

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {
            "version": VERSION,
            "described": self._described,
            "keys": self.keys.snapshot(),
            "watermarks": list(self.watermarks),
            "both": None if self.both is None else self.both.snapshot(),
            "arrived": list(self.arrived),
            "told": (self.told, self.watermark),
            "stores": [store.snapshot() for store in self.stores],
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)
        self.keys.restore(snapshot["keys"])
        self.watermarks, self.arrived = list(snapshot["watermarks"]), list(snapshot["arrived"])
        if self.both is not None:
            self.both.restore(snapshot["both"])
        self.told, self.watermark = snapshot["told"]
        for store, held in zip(self.stores, snapshot["stores"], strict=True):
            store.restore(held)
        self._null = np.zeros(0, dtype=bool)

    def _read(self, side: Side, frame: pd.DataFrame, stamp: Stamp, *, own: bool = False) -> Batch:
        """Look up, encode, and move the side's watermark; with `own`, the other side's does not count."""
        at = SIDES.index(choose("side", side, SIDES))
        self.now = stamp.now
        times, met = stamp.look_up(frame)
        if self.both is not None:
            combined = self._combine(self.both, at, stamp)[stamp.places(frame)]
            met = np.maximum(met, combined) if own else combined
        elif not own:
            met = np.minimum(met, self.watermarks[1 - at])
        self.watermarks[at] = max(self.watermarks[at], stamp.watermark)
        self.stores[at].learn(frame)
        codes = encode(self.keys, frame)
        return Batch(at, frame, times, met, shift(met, -self.lateness), codes, self._nulls()[codes])

    @staticmethod
    def _combine(both: Partitions, side: int, stamp: Stamp) -> Nanos:
        """Give the combined watermark that each row of a batch met."""
        after = np.append(stamp.met, stamp.watermark)
        arrivals = np.full(len(stamp.times), stamp.now) if stamp.arrivals is None else stamp.arrivals
        both.move(side, int(after[0]))
        return both.take(side, after[1:], arrivals, stamp.now)[:-1]

    def _numbers(self, side: int, count: int) -> Ints:
        """Number rows of a side by arrival at this operator."""
        self.arrived[side] += count
        return np.arange(self.arrived[side] - count, self.arrived[side])

    def _nulls(self) -> Mask:
        """Give which keys match nothing, by code."""
        known = len(self._null)
        if self.null_keys == EQUAL or not self.keys.names:
            self._null = np.zeros(len(self.keys), dtype=bool)
        elif len(self.keys) > known:
            new = self.keys.take(np.arange(known, len(self.keys)))
            null = np.any([column.isna().to_numpy() for column in new.values()], axis=0)
            self._null = np.concatenate([self._null, null])
        return self._null

    def _joined(
        self,
        batch: Batch,
        told: pd.DataFrame,
        stamp: Stamp,
        late: Mask,
        late_by: Nanos,
        outside: Mask | None = None,
        dropped: int | None = None,
    ) -> Joined:
        """Put together what came of a batch."""
        aside = self._aside[batch.side]
        some_late = aside.late(batch.frame, late, late_by, batch.met)
        rejected = aside.rejected(batch.frame, np.zeros(0, dtype=bool) if outside is None else outside)
        return Joined(told, some_late, rejected, stamp, int(late.sum()) if dropped is None else dropped)

    def _tell(
        self,
        left: Ints,
        right: Ints,
        times: Nanos,
        watermark: int,
        first: Mapping[str, pd.Series] | None = None,
    ) -> tuple[pd.DataFrame, Stamp]:
        """Make a table of pairs of slots (-1 where there is none), and its stamp."""
        columns = {**(first or {}), **self._columns(left, right)}
        frame = side_by_side(columns)
        start = self.told + 1
        frame.index = pd.RangeIndex(start, start + len(left))
        met = np.full(len(left), self.watermark)
        self.told += len(left)
        self.watermark = max(self.watermark, watermark)
        return frame, Stamp(start, times, met, self.watermark, self.now)

    def _columns(self, left: Ints, right: Ints) -> dict[str, pd.Series]:
        mine = self.stores[LEFT].take(left, nullable=self.outer[RIGHT])
        if self.how in (SEMI, ANTI):
            return mine
        theirs = self.stores[RIGHT].take(right, nullable=self.outer[LEFT])
        names = suffixed([*mine] or self.keys.names, [*theirs], self.keys.names, self.suffixes)
        keys = self._keys(mine, theirs, left, right)
        columns = {name: keys[each] if each in keys else mine[each] for each, name in names[0].items()}
        return columns | {name: theirs[each] for each, name in names[1].items()}

    def _keys(
        self, mine: Mapping[str, pd.Series], theirs: Mapping[str, pd.Series], left: Ints, right: Ints
    ) -> dict[str, pd.Series]:
        """Give the key columns, from the side that always has them."""
        if not self.outer[RIGHT] and mine:
            return {name: mine[name] for name in self.keys.names}
        if not self.outer[LEFT] and theirs:
            return {name: theirs[name] for name in self.keys.names}
        codes = np.zeros(len(left), dtype=np.int64)
        for store, slots in zip(self.stores, (left, right), strict=True):
            codes[slots >= 0] = store["key"][slots[slots >= 0]]
        return self.keys.take(codes)

    def _forget(self) -> None:
        """Forget keys of which no row is left, once they are most of all keys."""
        if self.keys.worth_forgetting(self.size):
            held = [store["key"][store.live()] for store in self.stores]
            self._renew_keys(self.keys.retain(np.unique(np.concatenate(held))))
            self._null = np.zeros(0, dtype=bool)

    def _renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        for store in self.stores:
            live = store.live()
            store["key"][live] = code_of[store["key"][live]]


def encode(keys: KeyDictionary, frame: pd.DataFrame) -> Ints:
    """Give the code of each row's key; a frame without rows may be without columns.

    Raises
    ------
    SchemaError
        If a key column is missing.
    """
    if len(frame):
        require(frame.columns, keys.names, "a key")
    elif any(name not in frame.columns for name in keys.names):
        return np.zeros(0, dtype=np.int64)
    return keys.encode(frame)


def choose(what: str, value: str, known: Sequence[str]) -> str:
    """Give a value back if it is among those known.

    Raises
    ------
    DescriptionError
        If it is not.

    Examples
    --------
    >>> choose("how", "left", ("inner", "left"))
    'left'
    """
    if value not in known:
        raise DescriptionError(f"no such {what}: {value!r}", hint=f"one of {', '.join(map(repr, known))}")
    return value


def ended(limit: int) -> bool:
    """Say whether no row can come any more."""
    return limit == END_OF_TIME
