"""What a keyed function keeps of each key: its state, its timers, and when the state expires.

`Agenda` says what is due next, over all keys; `Context` is what the function sees of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.keys import KeyDictionary
from workbench.errors import DescriptionError
from workbench.time import END_OF_TIME, Duration, duration

Ints = npt.NDArray[np.int64]

TIMER, EXPIRY = 0, 1
"""What may be due; at the same moment, timers come before expiries."""


@dataclass(slots=True, eq=False)
class Kept:
    """What is kept of a key; of no use without a state and anything due."""

    code: int
    key: dict[str, Any]
    state: Any = None
    due: dict[str | None, tuple[int, int, int]] = field(default_factory=dict)
    """Timers by name, and the expiry under None: moment, kind, and a number by which was set first."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return self.state is None and not self.due


class Context:
    """What a keyed function sees beside the row: its key, the moment, its state and its timers.

    Parameters
    ----------
    kept : Kept
        What is kept of the key.
    moment : int
        Event time in nanoseconds.
    timer : str or None
        The name of the timer that has fired; None for a row.
    zone : tzinfo or None
        Of `time`.
    initial : callable or None
        Makes the state where there is none.

    Attributes
    ----------
    key : dict of str to object
        The key columns, with None for null.
    moment, timer
        As above.
    changes : dict of str to int or None
        The timers that were set (for which moment) or deleted (None) here.

    Examples
    --------
    >>> context = Context(Kept(0, {"country": "FR"}), 5_000_000_000, None, None, list)
    >>> context.state.append(3)
    >>> context.set_timer("10s")
    >>> context.key, context.time, context.state, context.changes
    ({'country': 'FR'}, Timestamp('1970-01-01 00:00:05'), [3], {'': 15000000000})
    """

    __slots__ = ("_initial", "_kept", "_zone", "changes", "key", "moment", "timer")

    def __init__(
        self, kept: Kept, moment: int, timer: str | None, zone: Any, initial: Callable[[], Any] | None
    ) -> None:
        self.key, self.moment, self.timer = kept.key, moment, timer
        self.changes: dict[str, int | None] = {}
        self._kept, self._zone, self._initial = kept, zone, initial

    @property
    def time(self) -> pd.Timestamp:
        """The event time of the row, or the moment for which the timer was set."""
        moment = pd.Timestamp(self.moment, unit="ns")
        return moment if self._zone is None else moment.tz_localize("UTC").tz_convert(self._zone)

    @property
    def state(self) -> Any:
        """Anything that can be pickled, to be changed or assigned; None if there is none, and to drop it."""
        if self._kept.state is None and self._initial is not None:
            self._kept.state = self._initial()
        return self._kept.state

    @state.setter
    def state(self, state: Any) -> None:
        self._kept.state = state

    def set_timer(self, when: pd.Timestamp | Duration, name: str = "") -> None:
        """Set a timer, or set it anew: a key has at most one of a name.

        Parameters
        ----------
        when : pandas.Timestamp or duration
            A moment, or how long after `time`, as in ``"30s"``. A moment that has come already counts as now:
            the timer fires once all rows of `time` have been told.
        name : str
            Tells it from the key's other timers.

        Raises
        ------
        DescriptionError
            If `when` is neither; or if a timer sets a timer for no later than itself.
        """
        if isinstance(when, pd.Timestamp):
            moment = max(int(when.as_unit("ns").value), self.moment)
        else:
            moment = min(self.moment + duration(when, what="time until a timer"), END_OF_TIME - 1)
        if self.timer is not None and moment <= self.moment:
            raise DescriptionError(
                f"a timer of {self.time} sets a timer for no later than that: {when!r}",
                detail="the two would fire for ever",
                hint="set it for after context.time",
            )
        self.changes.pop(name, None)  # so that the order is that of the last call for each
        self.changes[name] = moment

    def delete_timer(self, name: str = "") -> None:
        """Delete a timer, if there is one of that name."""
        self.changes[name] = None


class Agenda:
    """What is kept of all keys, and what of it is due when.

    Things of the same moment are due in the order in which they were set, timers before expiries. Setting and
    taking cost the logarithm of what is due.

    Examples
    --------
    >>> agenda, kept = Agenda(), Kept(0, {})
    >>> agenda.set(kept, "", 20, TIMER)
    >>> agenda.set(kept, "", 10, TIMER)
    >>> agenda.take(10), agenda.take(11)[0], agenda.take(99)
    (None, 10, None)
    """

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}
        self.numbered = 0
        self._touched: set[int] = set()  # keys of which there may be nothing left to keep
        self._heap: list[tuple[int, int, int, Kept, str | None]] = []  # what was set anew is there, but void

    def __len__(self) -> int:
        return len(self.kept)

    def learn(self, codes: Collection[int], keys: KeyDictionary) -> None:
        """Make room for keys of which nothing is kept."""
        self._touched.update(codes)
        new = [code for code in codes if code not in self.kept]
        for code, key in zip(new, _keys(keys, new), strict=True):
            self.kept[code] = Kept(code, key)

    def set(self, kept: Kept, name: str | None, moment: int, kind: int) -> None:
        """Set what is due under a name, in place of what was."""
        self.numbered += 1
        kept.due[name] = (moment, kind, self.numbered)
        heapq.heappush(self._heap, (moment, kind, self.numbered, kept, name))

    def take(self, limit: int) -> tuple[int, Kept, str | None] | None:
        """Give what is due next before a moment, and take it out: moment, whose, and name."""
        while self._heap and self._heap[0][0] < limit:
            moment, kind, number, kept, name = heapq.heappop(self._heap)
            if kept.due.get(name) == (moment, kind, number):
                del kept.due[name]
                self._touched.add(kept.code)
                return moment, kept, name
        return None

    def tidy(self, keys: KeyDictionary) -> None:
        """Let go of keys of which nothing is kept, and of what is void if that is most."""
        for code in self._touched:
            if code in self.kept and self.kept[code].empty:
                del self.kept[code]
        self._touched.clear()
        if len(self._heap) > 2 * sum(len(kept.due) for kept in self.kept.values()) + 64:
            self._heap = self._due()
        if keys.worth_forgetting(len(self)):
            code_of = keys.retain(np.array(sorted(self.kept), dtype=np.int64))
            for kept in self.kept.values():
                kept.code = int(code_of[kept.code])
            self.kept = {kept.code: kept for kept in self.kept.values()}

    def clear(self) -> None:
        """Let go of everything."""
        self.kept, self._heap = {}, []

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values; not a copy."""
        kept = [(kept.code, kept.state, kept.due) for kept in self.kept.values()]
        return {"kept": kept, "numbered": self.numbered}

    def restore(self, snapshot: dict[str, Any], keys: KeyDictionary) -> None:
        """Go on from a snapshot, and keep it."""
        self.clear()
        self.numbered = snapshot["numbered"]
        self.learn([code for code, _, _ in snapshot["kept"]], keys)
        for code, state, due in snapshot["kept"]:
            self.kept[code].state, self.kept[code].due = state, due
        self._heap = self._due()

    def _due(self) -> list[tuple[int, int, int, Kept, str | None]]:
        heap = [(*when, kept, name) for kept in self.kept.values() for name, when in kept.due.items()]
        heapq.heapify(heap)
        return heap


def _keys(keys: KeyDictionary, codes: Sequence[int]) -> list[dict[str, Any]]:
    """Give keys as dicts, with None for null."""
    if not keys.names or not codes:
        return [{} for _ in codes]
    columns = keys.take(np.array(codes, dtype=np.int64)).values()
    plain = [column.astype(object).where(column.notna(), None).tolist() for column in columns]
    return [dict(zip(keys.names, values, strict=True)) for values in zip(*plain, strict=True)]
