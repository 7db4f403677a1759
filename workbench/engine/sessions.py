"""Merging sessions: rows of a key with no pause longer than the gap.

Rows and sessions of a key that touch, however remotely, form a *cluster*; what happens in one cluster does
not concern another. As long as every row is ahead of the watermark that it met, order does not matter, and
each cluster becomes one session at once. A row at or behind its watermark is a *straggler*: the session that
it would join may have fired or expired by then. Clusters with stragglers are therefore taken in rounds, one
straggler and the rows that follow it at a time, all such clusters together. So are, row by row, clusters that
are longer than a session may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.partials import Plan
from workbench.engine.placing import Firing, Placed, Rows
from workbench.engine.ranges import shift
from workbench.engine.state import Table
from workbench.engine.telling import Teller, peeked
from workbench.engine.triggers import Arrivals, Merging, Moment
from workbench.model.windows import Session
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def cluster(
    domains: Ints, starts: Nanos, ends: Nanos, *, touching: bool, longest: int | None = None
) -> tuple[Ints, int]:
    """Number the connected unions of intervals within each domain: number of each interval's, and how many.

    Parameters
    ----------
    domains : int64 array
        Intervals of different domains never meet.
    starts, ends : int64 arrays
        The intervals, half-open.
    touching : bool
        Whether an interval that starts where another ends meets it.
    longest : int or None
        A union that has become that long takes no further interval; those of a domain are taken by start, in
        a loop over their greatest number.

    Examples
    --------
    >>> starts, ends = np.array([0, 25, 10]), np.array([10, 30, 20])
    >>> numbers, count = cluster(np.zeros(3, dtype=int), starts, ends, touching=True)
    >>> numbers.tolist(), count
    ([0, 1, 0], 2)
    """
    begin, until = int(starts.min(initial=END_OF_TIME)), int(ends.max(initial=NO_WATERMARK))
    span = max(until - begin, 0) + 1
    if longest is None and span < END_OF_TIME // (int(domains.max(initial=0)) + 2):  # one number says both
        base = domains * span
        order = np.argsort(base + (starts - begin))
        domains, starts, base = domains[order], starts[order], base[order] - begin
        reached = np.maximum.accumulate(base + ends[order]) - base  # the furthest end so far in the domain
        fresh = _changes(domains)
    else:
        # of those that start together the longer is first: it matters where unions may not become too long
        order = np.lexsort((-ends, starts, domains))
        domains, starts = domains[order], starts[order]
        distinct, rank = np.unique(ends, return_inverse=True)
        fresh = _changes(domains)
        base = np.cumsum(fresh) * len(distinct)
        reached = distinct[np.maximum.accumulate(base + rank[order]) - base]
    apart = starts[1:] > reached[:-1] if touching else starts[1:] >= reached[:-1]
    fresh[1:] |= apart
    if longest is not None:
        fresh = _bounded(fresh, starts, ends[order], touching, longest)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    return numbers, int(fresh.sum())


def _changes(values: Ints) -> Mask:
    """Say where another value begins."""
    fresh = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return fresh


def _bounded(fresh: Mask, starts: Nanos, ends: Nanos, touching: bool, longest: int) -> Mask:
    """Cut unions where they have become too long; intervals by union and start, `fresh` where one begins."""
    fresh, begin = fresh.copy(), np.flatnonzero(fresh)
    sizes = np.diff(np.append(begin, len(starts)))
    start, end = starts[begin], ends[begin]  # of what each union has come to
    for turn in range(1, int(sizes.max(initial=0))):
        some = np.flatnonzero(sizes > turn)
        at = begin[some] + turn
        apart = starts[at] > end[some] if touching else starts[at] >= end[some]
        apart |= end[some] - start[some] >= longest
        fresh[at] = apart
        start[some] = np.where(apart, starts[at], start[some])
        end[some] = np.where(apart, ends[at], np.maximum(end[some], ends[at]))
    return fresh


class SessionWindows:
    """State and firing of session windows.

    State is bounded by the sessions that are open or closed for less than the lateness.
    """

    def __init__(self, window: Session, plan: Plan, teller: Teller) -> None:
        self.gap, self.touching, self.longest = window.gap, window.merge_touching, window.max_size
        self.teller = teller
        self.watermark = NO_WATERMARK
        # cluster: its number in the present batch, or -1
        self.sessions = Table(("key", "start", "end", "cluster", *teller.labels), plan.parts)

    def __len__(self) -> int:
        return len(self.sessions) + len(self.teller)

    def process(self, rows: Rows, watermark: int) -> Placed:
        """Take a batch, and the watermark after it; fire what is due."""
        self.teller.batch += 1
        count = len(rows.times)
        late_by = rows.met - self.teller.expiry(shift(rows.times, self.gap))
        never = np.zeros(count, dtype=bool)
        placed = Placed(never, never.copy(), late_by, 0, [], never.copy())
        if count:
            self._place(rows, placed)
        self.watermark = watermark
        placed.dropped = int(placed.late.sum())
        live = self.sessions.live()
        if self.teller.at_end_only:
            live = live[self.sessions["end"][live] <= watermark]
        at = Moment(self.sessions, live, np.full(len(live), watermark), rows.now)
        placed.firings += self.teller.fire(at, rows)
        self._expire(at.only(self.teller.expired(at)), rows, placed)
        return placed

    def peek(self, keys_known: int) -> Firing | None:
        """Give what the open sessions hold so far; nothing is fired."""
        live = self.sessions.live()
        still_open = live[self.sessions["end"][live] > self.watermark]
        return peeked(self.sessions, still_open) if len(still_open) else None

    def live_keys(self) -> Ints:
        """Give the codes of the keys that the state holds."""
        return np.unique(self.sessions["key"][self.sessions.live()])

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        live = self.sessions.live()
        self.sessions["key"][live] = code_of[self.sessions["key"][live]]
        self.teller.renew(code_of, live, live)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {
            "watermark": self.watermark,
            "sessions": self.sessions.snapshot(),
            "numbers": self.sessions.live(),
            "teller": self.teller.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.watermark = snapshot["watermark"]
        self.sessions.restore(snapshot["sessions"])
        self.teller.restore(snapshot["teller"], snapshot["numbers"], self.sessions.live())

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
        if self.longest is not None:
            straggling |= self._long(held, held_in, rows, cluster_of, clusters)[cluster_of]
        if not straggling.any():
            self._join(held, held_in, rows, everything, cluster_of, cluster_of, placed)
            return
        mixed = np.zeros(clusters, dtype=bool)
        mixed[cluster_of[straggling]] = True
        calm_held, calm = ~mixed[held_in], np.flatnonzero(~mixed[cluster_of])
        self._join(held[calm_held], held_in[calm_held], rows, calm, cluster_of[calm], cluster_of, placed)
        chosen = np.flatnonzero(mixed[cluster_of])
        for stragglers, followers in _rounds(chosen, cluster_of, straggling):
            self._admit(rows, stragglers, cluster_of, placed)
            self._absorb(rows, followers, cluster_of, placed)

    def _long(self, held: Ints, held_in: Ints, rows: Rows, cluster_of: Ints, clusters: int) -> Mask:
        """Say which clusters are so long that a session could reach its maximum size."""
        first, last = np.full(clusters, END_OF_TIME), np.full(clusters, NO_WATERMARK)
        for where, start, end in (
            (held_in, self.sessions["start"][held], self.sessions["end"][held]),
            (cluster_of, rows.times, shift(rows.times, self.gap)),
        ):
            np.minimum.at(first, where, start)
            np.maximum.at(last, where, end)
        return np.asarray(last - first >= (self.longest or 0))

    def _admit(self, rows: Rows, stragglers: Ints, cluster_of: Ints, placed: Placed) -> None:
        """Take one row of each of some clusters, after what its watermark has closed or expired."""
        if not len(stragglers):
            return
        met = np.zeros(int(cluster_of.max()) + 1, dtype=np.int64)
        met[cluster_of[stragglers]] = rows.met[stragglers]
        held = self._held_in(cluster_of[stragglers])
        at = Moment(self.sessions, held, met[self.sessions["cluster"][held]], rows.now)
        # a late pane waits for the end of the batch, unless its session expires before
        expired = self.teller.expired(at)
        placed.firings += self.teller.fire(at.only(expired), rows)
        placed.firings += self.teller.fire_passed(at, rows)
        self._expire(at.only(expired), rows, placed)
        held = held[~expired]
        held_at, row_at, count = self._cluster(
            held, self.sessions["cluster"], rows, stragglers, cluster_of, self.longest
        )
        alone = np.ones(count, dtype=bool)
        alone[held_at] = False
        expiry = self.teller.expiry(shift(rows.times[stragglers], self.gap))
        late = alone[row_at] & (expiry <= rows.met[stragglers])
        placed.late[stragglers] = late
        self._join(held, held_at, rows, stragglers[~late], row_at[~late], cluster_of, placed, met)

    def _absorb(self, rows: Rows, followers: Ints, cluster_of: Ints, placed: Placed) -> None:
        """Take rows ahead of their watermark."""
        held = self._held_in(cluster_of[followers])
        held_at, row_at, _ = self._cluster(held, self.sessions["cluster"], rows, followers, cluster_of)
        self._join(held, held_at, rows, followers, row_at, cluster_of, placed)

    def _held_in(self, clusters: Ints) -> Ints:
        """Give the live sessions of some clusters of this batch."""
        live = self.sessions.live()
        return live[np.isin(self.sessions["cluster"][live], clusters)]

    def _cluster(
        self,
        held: Ints,
        held_domains: Ints,
        rows: Rows,
        chosen: Ints,
        row_domains: Ints,
        longest: int | None = None,
    ) -> tuple[Ints, Ints, int]:
        """Cluster sessions and rows within domains: number of each session's, of each row's, and how many."""
        times = rows.times[chosen]
        numbers, count = cluster(
            np.concatenate([held_domains[held], row_domains[chosen]]),
            np.concatenate([self.sessions["start"][held], times]),
            np.concatenate([self.sessions["end"][held], shift(times, self.gap)]),
            touching=self.touching,
            longest=longest,
        )
        return numbers[: len(held)], numbers[len(held) :], count

    def _join(
        self,
        held: Ints,
        held_at: Ints,
        rows: Rows,
        chosen: Ints,
        row_at: Ints,
        cluster_of: Ints,
        placed: Placed,
        met: Ints | None = None,
    ) -> None:
        """Make one session of the rows, and the sessions held, at each place that has a row.

        Those held at a place without a row stay as they are. Where rows are stragglers, ``met`` is the
        watermark of their cluster; others are ahead of it.
        """
        if not len(chosen):
            return
        at, places = pd.factorize(row_at)
        count = len(places)
        position = np.full(int(max(row_at.max(), held_at.max(initial=0))) + 1, -1, dtype=np.int64)
        position[places] = np.arange(count)
        joined = position[held_at] >= 0
        held, held_at = held[joined], position[held_at[joined]]
        table, times = self.sessions, rows.times[chosen]
        partials = rows.fold(chosen, at, count)
        start, end = np.full(count, END_OF_TIME), np.full(count, NO_WATERMARK)
        np.minimum.at(start, at, times)
        np.maximum.at(end, at, shift(times, self.gap))
        key, within = np.zeros((2, count), dtype=np.int64)
        key[at], within[at] = rows.keys[chosen], cluster_of[chosen]
        old = {label: table[label][held] for label in self.teller.labels}
        if len(held):
            np.minimum.at(start, held_at, table["start"][held])
            np.maximum.at(end, held_at, table["end"][held])
            both = table.take(held).append(partials)
            partials = both.reduce(np.concatenate([held_at, np.arange(count)]), count)
            table.drop(held)
        spans = table.add(partials, key=key, start=start, end=end, cluster=within)
        watermark = np.full(count, NO_WATERMARK) if met is None else met[within]
        made = Moment(table, spans, watermark, rows.now)
        self.teller.begin(made)
        if len(held):
            self.teller.merge(Merging(made, held_at, old), held)
        self.teller.arrive(made, Arrivals.of(at, times, chosen, count))
        if self.teller.finishes and placed.done is not None:
            placed.done[chosen] = self.teller.done(made)[at]

    def _expire(self, at: Moment, rows: Rows, placed: Placed) -> None:
        """Close and drop sessions that no row can reach any more."""
        if len(at.spans):
            placed.firings += self.teller.close(at, rows)
            self.sessions.drop(at.spans)


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
