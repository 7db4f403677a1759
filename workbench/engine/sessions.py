"""Merging sessions: rows of a key with no pause longer than the gap.

Rows and sessions of a key that touch, however remotely, form a *cluster*; what happens in one cluster does
not concern another. As long as every row is ahead of the watermark that it met, order does not matter, and
each cluster becomes one session at once. A row at or behind its watermark is a *straggler*: the session that
it would join may have fired or expired by then. Clusters with stragglers are therefore taken in rounds, one
straggler and the rows that follow it at a time, all such clusters together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.partials import Plan
from workbench.engine.slices import Firing, Placed, Rows
from workbench.engine.state import Table
from workbench.model.panes import EARLY, LATE, ON_TIME
from workbench.model.windows import Session
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def cluster(domains: Ints, starts: Nanos, ends: Nanos, *, touching: bool) -> tuple[Ints, int]:
    """Number the connected unions of intervals within each domain: number of each interval's, and how many.

    Parameters
    ----------
    domains : int64 array
        Intervals of different domains never meet.
    starts, ends : int64 arrays
        The intervals, half-open.
    touching : bool
        Whether an interval that starts where another ends meets it.

    Examples
    --------
    >>> starts, ends = np.array([0, 25, 10]), np.array([10, 30, 20])
    >>> numbers, count = cluster(np.zeros(3, dtype=int), starts, ends, touching=True)
    >>> numbers.tolist(), count
    ([0, 1, 0], 2)
    """
    order = np.lexsort((starts, domains))
    domains, starts = domains[order], starts[order]
    distinct, rank = np.unique(ends, return_inverse=True)
    fresh = np.empty(len(order), dtype=bool)
    fresh[:1] = True
    np.not_equal(domains[1:], domains[:-1], out=fresh[1:])
    base = np.cumsum(fresh) * len(distinct)
    reached = distinct[
        np.maximum.accumulate(base + rank[order]) - base
    ]  # the furthest end so far in the domain
    apart = starts[1:] > reached[:-1] if touching else starts[1:] >= reached[:-1]
    fresh[1:] |= apart
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    return numbers, int(fresh.sum())


class SessionWindows:
    """State and firing of session windows.

    State is bounded by the sessions that are open or closed for less than the lateness.
    """

    def __init__(self, window: Session, lateness: int, plan: Plan) -> None:
        self.gap, self.touching = window.gap, window.merge_touching
        self.lateness = lateness
        self.watermark = NO_WATERMARK
        # panes: how many were told; told: 1 if the last one still holds; behind: 1 if a row behind the
        # watermark
        # changed it since; cluster: its number in the present batch, or -1
        self.sessions = Table(("key", "start", "end", "panes", "told", "behind", "cluster"), plan.parts)

    def __len__(self) -> int:
        return len(self.sessions)

    def process(self, rows: Rows, watermark: int) -> Placed:
        """Take a batch, and the watermark after it; fire what is due."""
        count = len(rows.times)
        late_by = rows.met - (rows.times + self.gap + self.lateness)
        placed = Placed(np.zeros(count, dtype=bool), np.zeros(count, dtype=bool), late_by, 0, [])
        if count:
            self._place(rows, placed)
        self.watermark = watermark
        placed.dropped = int(placed.late.sum())
        self._fire(self.sessions.live(), watermark, placed)
        self._expire(self.sessions.live(), watermark)
        return placed

    def peek(self, keys_known: int) -> Firing | None:
        """Give what the open sessions hold so far; nothing is fired."""
        live = self.sessions.live()
        still_open = live[self.sessions["end"][live] > self.watermark]
        return self._firing(still_open, EARLY) if len(still_open) else None

    def live_keys(self) -> Ints:
        """Give the codes of the keys that the state holds."""
        return np.unique(self.sessions["key"][self.sessions.live()])

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        live = self.sessions.live()
        self.sessions["key"][live] = code_of[self.sessions["key"][live]]

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {"watermark": self.watermark, "sessions": self.sessions.snapshot()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark = snapshot["watermark"]
        self.sessions.restore(snapshot["sessions"])

    def _place(self, rows: Rows, placed: Placed) -> None:
        """Put rows into sessions: calm clusters at once, those with stragglers in rounds."""
        wanted = np.zeros(rows.keys_known, dtype=bool)
        wanted[rows.keys] = True
        live = self.sessions.live()
        held = live[wanted[self.sessions["key"][live]]]
        everything = np.arange(len(rows.times))
        held_in, cluster_of, clusters = self._cluster(held, self.sessions["key"], rows, everything, rows.keys)
        self.sessions["cluster"][live] = -1
        self.sessions["cluster"][held] = held_in
        straggling = rows.times <= rows.met
        if not straggling.any():
            self._join(held, held_in, rows, everything, cluster_of, cluster_of)
            return
        mixed = np.zeros(clusters, dtype=bool)
        mixed[cluster_of[straggling]] = True
        calm_held, calm = ~mixed[held_in], np.flatnonzero(~mixed[cluster_of])
        self._join(held[calm_held], held_in[calm_held], rows, calm, cluster_of[calm], cluster_of)
        chosen = np.flatnonzero(mixed[cluster_of])
        for stragglers, followers in _rounds(chosen, cluster_of, straggling):
            self._admit(rows, stragglers, cluster_of, placed)
            self._absorb(rows, followers, cluster_of)

    def _admit(self, rows: Rows, stragglers: Ints, cluster_of: Ints, placed: Placed) -> None:
        """Take one straggler of each of some clusters, after what its watermark has closed or expired."""
        if not len(stragglers):
            return
        met = np.zeros(int(cluster_of.max()) + 1, dtype=np.int64)
        met[cluster_of[stragglers]] = rows.met[stragglers]
        held = self._held_in(cluster_of[stragglers])
        moment = met[self.sessions["cluster"][held]]
        # a late pane waits for the end of the batch, unless its session expires before
        expired = self.sessions["end"][held] + self.lateness <= moment
        now = expired | (self.sessions["behind"][held] == 0)
        self._fire(held[now], moment[now], placed)
        self._expire(held, moment)
        held = held[~expired]
        held_at, row_at, count = self._cluster(held, self.sessions["cluster"], rows, stragglers, cluster_of)
        alone = np.ones(count, dtype=bool)
        alone[held_at] = False
        late = alone[row_at] & (placed.late_by[stragglers] >= 0)
        placed.late[stragglers] = late
        made = self._join(held, held_at, rows, stragglers[~late], row_at[~late], cluster_of)
        self.sessions["behind"][made] = self.sessions["end"][made] <= met[self.sessions["cluster"][made]]

    def _absorb(self, rows: Rows, followers: Ints, cluster_of: Ints) -> None:
        """Take rows ahead of their watermark."""
        held = self._held_in(cluster_of[followers])
        held_at, row_at, _ = self._cluster(held, self.sessions["cluster"], rows, followers, cluster_of)
        self._join(held, held_at, rows, followers, row_at, cluster_of)

    def _held_in(self, clusters: Ints) -> Ints:
        """Give the live sessions of some clusters of this batch."""
        live = self.sessions.live()
        return live[np.isin(self.sessions["cluster"][live], clusters)]

    def _cluster(
        self, held: Ints, held_domains: Ints, rows: Rows, chosen: Ints, row_domains: Ints
    ) -> tuple[Ints, Ints, int]:
        """Cluster sessions and rows within domains: number of each session's, of each row's, and how many."""
        times = rows.times[chosen]
        numbers, count = cluster(
            np.concatenate([held_domains[held], row_domains[chosen]]),
            np.concatenate([self.sessions["start"][held], times]),
            np.concatenate([self.sessions["end"][held], times + self.gap]),
            touching=self.touching,
        )
        return numbers[: len(held)], numbers[len(held) :], count

    def _join(
        self, held: Ints, held_at: Ints, rows: Rows, chosen: Ints, row_at: Ints, cluster_of: Ints
    ) -> Ints:
        """Make one session of the rows, and the sessions held, at each place that has a row.

        Gives the new sessions; those held at a place without a row stay as they are.
        """
        if not len(chosen):
            return chosen
        at, places = pd.factorize(row_at)
        count = len(places)
        position = np.full(int(max(row_at.max(), held_at.max(initial=0))) + 1, -1, dtype=np.int64)
        position[places] = np.arange(count)
        joined = position[held_at] >= 0
        held, held_at = held[joined], position[held_at[joined]]
        partials = rows.fold(chosen, at, count)
        times = rows.times[chosen]
        start, end = np.full(count, END_OF_TIME), np.full(count, NO_WATERMARK)
        np.minimum.at(start, at, times)
        np.maximum.at(end, at, times + self.gap)
        key, within, panes = np.zeros((3, count), dtype=np.int64)
        key[at], within[at] = rows.keys[chosen], cluster_of[chosen]
        if len(held):
            np.minimum.at(start, held_at, self.sessions["start"][held])
            np.maximum.at(end, held_at, self.sessions["end"][held])
            np.maximum.at(panes, held_at, self.sessions["panes"][held])
            both = self.sessions.take(held).append(partials)
            partials = both.reduce(np.concatenate([held_at, np.arange(count)]), count)
            self.sessions.drop(held)
        return self.sessions.add(partials, key=key, start=start, end=end, panes=panes, cluster=within)

    def _fire(self, sessions: Ints, watermark: int | Nanos, placed: Placed) -> None:
        """Fire those sessions that a watermark (one for all, or one each) has closed and not been told of."""
        table = self.sessions
        due = sessions[(table["told"][sessions] == 0) & (table["end"][sessions] <= watermark)]
        for timing, behind in ((ON_TIME, 0), (LATE, 1)):
            rows = due[table["behind"][due] == behind]
            if len(rows):
                placed.firings.append(self._firing(rows, timing))
        table["told"][due] = 1
        table["panes"][due] += 1

    def _firing(self, sessions: Ints, timing: str) -> Firing:
        table = self.sessions
        return Firing(
            table["start"][sessions],
            table["end"][sessions],
            table["key"][sessions],
            table.take(sessions),
            timing,
            table["panes"][sessions],
        )

    def _expire(self, sessions: Ints, watermark: int | Nanos) -> None:
        """Drop those sessions that no row can reach any more."""
        self.sessions.drop(sessions[self.sessions["end"][sessions] + self.lateness <= watermark])


def _rounds(chosen: Ints, cluster_of: Ints, straggling: Mask) -> Iterator[tuple[Ints, Ints]]:
    """Divide rows into rounds: at most one straggler a cluster, and the rows up to its next one."""
    chosen = chosen[np.argsort(cluster_of[chosen], kind="stable")]
    clusters = cluster_of[chosen]
    passed = np.cumsum(straggling[chosen])
    new = np.flatnonzero(np.r_[True, clusters[1:] != clusters[:-1]])
    before: Ints = passed[new] - straggling[chosen][new]
    turn: Ints = passed - np.repeat(before, np.diff(np.r_[new, len(clusters)]))
    for number in range(int(turn.max()) + 1):
        now = chosen[turn == number]
        yield now[straggling[now]], now[~straggling[now]]
