"""Follows the runs of a pattern, all keys and all runs at once.

A *run* is a match in the making. Its rows are *nodes* of a tree, each knowing the one before it, so that runs
share what they have in common (the shared versioned buffer of Agrawal et al., section 4.1). What a run may do
next are its *waits*, one for each option of its state (`workbench.engine.automaton`).

A wait goes straight to the next row of its key that concerns it. So a batch takes as many rounds as a run
has relevant rows in it, whatever the number of rows, keys and runs; a round is a fixed number of array
operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.engine.automaton import ANY, END, STRICT, Automaton
from workbench.engine.expressions import Columns, Tallies, Tally, evaluate
from workbench.model.patterns import Pattern
from workbench.time import END_OF_TIME, Nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

_LABELS = ("row", "place", "parent", "depth", "start", "key", "first", "last", "expires", "matched")
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(eq=False)
class Rows:
    """The rows that the watermark has released in a batch, by key, then event time, then arrival.

    Parameters
    ----------
    row : int64 array
        The slot in which the operator holds each row.
    key, time, bits : int64 arrays
        Key code; event time in nanoseconds; a bit for each stage whose plain condition takes the row.
    seen : int64 array
        By key code, how many of its rows were released before.
    """

    row: Ints
    key: Ints
    time: Nanos
    bits: Ints
    seen: Ints
    _next: dict[int, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = np.bincount(self.key, minlength=len(self.seen))
        self.end = np.cumsum(count)
        self.begin = self.end - count
        self.number = np.arange(len(self.key)) - self.begin[self.key] + self.seen[self.key]

    def next_of(self, bits: int) -> Ints:
        """Give for each place the least one from there on whose row has one of some bits, of whatever key."""
        if bits not in self._next:
            count = len(self.row)
            places = np.where((self.bits & bits) != 0, np.arange(count), count)
            self._next[bits] = np.append(np.minimum.accumulate(places[::-1])[::-1], count)
        return self._next[bits]


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """Runs, by their last node, and an option that each waits for.

    Parameters
    ----------
    node, option : int64 arrays
        Which run, and which option.
    cursor : int64 array
        Number within its key of the row that was looked at last.
    order : int64 array
        In a row pattern, which of a start's waits is preferred: the least.
    """

    node: Ints
    option: Ints
    cursor: Ints
    order: Ints

    def take(self, chosen: Any) -> Waits:
        """Give some of them."""
        return Waits(self.node[chosen], self.option[chosen], self.cursor[chosen], self.order[chosen])

    def __add__(self, other: Waits) -> Waits:
        names = [each.name for each in fields(self)]
        return Waits(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


class Pool:
    """Columns that grow by doubling, and from which rows are taken out all at once."""

    def __init__(self, *names: Any) -> None:
        self.columns: dict[Any, Array] = dict.fromkeys(names, _NONE)
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, name: Any) -> Array:
        return self.columns[name][: self.size]

    def add(self, columns: dict[Any, Array]) -> Ints:
        """Add rows at the end and give their numbers."""
        count = len(next(iter(columns.values())))
        numbers = np.arange(self.size, self.size + count)
        for name, added in columns.items():
            held = self.columns.get(name, _NONE)
            dtype = np.result_type(held, added) if self.size else added.dtype
            if self.size + count > len(held) or held.dtype != dtype:
                larger = np.zeros(max(2 * self.size, self.size + count, 64), dtype=dtype)
                larger[: self.size] = held[: self.size]
                held = self.columns[name] = larger
            held[self.size : self.size + count] = added
        self.size += count
        return numbers

    def keep(self, kept: Mask) -> Ints:
        """Take all other rows out; give the new number of each old one, and -1 last, for -1."""
        renewed = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        if not kept.all():
            self.columns = {name: self[name][kept] for name in self.columns}
            self.size = int(kept.sum())
        return renewed


class Matcher:
    """The runs of a pattern: advances them, and says which have matched and which have run out of time.

    State is a node for each row of a run that still waits, and a wait for each of its options. Bounded by
    ``within`` and the keys; with ``followed_by_any`` or ``relaxed_any`` the runs of a key are as many as
    there are ways to choose rows, so that a short ``within`` is needed.
    """

    def __init__(self, pattern: Pattern) -> None:
        self.pattern, self.automaton = pattern, Automaton(pattern)
        self.names = [stage.name for stage in pattern.stages]
        self.tally = Tally([stage.where for stage in pattern.stages], self.names)
        self.nodes = Pool(*_LABELS)
        self.waits = _waits()
        self.complete = Pool("node", "at")  # matches not yet told: last node, and the row that settled it
        self.starts = 0
        self.seen = _NONE

    def __len__(self) -> int:
        return len(self.nodes)

    def advance(self, rows: Rows, columns: Columns) -> None:
        """Take the rows that a watermark has released."""
        if not len(rows.row):
            return
        self.columns = columns
        touched = (rows.end > rows.begin)[self.nodes["key"][self.waits.node]]
        parked, active = [self.waits.take(~touched)], self.waits.take(touched) + self._begin(rows)
        while len(active.node):
            at = self._reach(active, rows)
            parked.append(active.take(at < 0))
            active = self._step(active.take(at >= 0), at[at >= 0], rows)
        self.waits = _joined(parked)
        self.seen = rows.seen + (rows.end - rows.begin)

    def expire(self, watermark: int) -> Ints:
        """End the runs whose time is over; give the last nodes of those that lacked something.

        What waited only for something not to come, has matched.
        """
        nodes, waits = self.nodes, self.waits
        over = nodes["expires"][waits.node] <= watermark
        if not over.any():
            return _NONE
        ended, self.waits = waits.take(over), waits.take(~over)
        last = self.automaton.target[ended.option] == END
        matched = np.unique(ended.node[last])
        self.complete.add({"node": matched, "at": np.full(len(matched), END_OF_TIME)})
        if self.automaton.ordered:
            ended = ended.take(np.lexsort((ended.order, nodes["start"][ended.node])))
            starts = nodes["start"][ended.node]
            ended = ended.take(np.append(True, starts[1:] != starts[:-1])[: len(starts)])
        lacking = np.unique(ended.node)
        lacking = lacking[(nodes["matched"][lacking] == 0) & ~np.isin(lacking, matched)]
        return lacking if self.pattern.length is not None else _NONE

    def trace(self, tips: Ints) -> tuple[Ints, Ints]:
        """Give the nodes of some runs, first to last, run by run: place of the run in `tips`, and node.

        Takes as many rounds as the longest run has rows.
        """
        depth = self.nodes["depth"][tips]
        found = np.empty(int(depth.sum()), dtype=np.int64)
        at, node = np.cumsum(depth) - 1, tips
        while len(node):
            found[at] = node
            node, at = self.nodes["parent"][node], at - 1
            more = node >= 0
            if not more.all():
                node, at = node[more], at[more]
        return np.repeat(np.arange(len(tips)), depth), found

    def forget(self) -> None:
        """Drop the nodes that no wait and no match to be told leads back to."""
        alive = np.zeros(len(self.nodes), dtype=bool)
        alive[self.waits.node] = True
        alive[self.complete["node"]] = True
        jump = np.where(self.nodes["parent"] < 0, np.arange(len(alive)), self.nodes["parent"])
        while len(alive):  # ancestors at distance 1, 2, 4, ...
            alive[jump[alive]] = True
            further = jump[jump]
            if (further == jump).all():
                break
            jump = further
        renewed = self.nodes.keep(alive)
        self.nodes["parent"][:] = renewed[self.nodes["parent"]]
        self.complete["node"][:] = renewed[self.complete["node"]]
        self.waits = Waits(renewed[self.waits.node], self.waits.option, self.waits.cursor, self.waits.order)

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes."""
        self.nodes["key"][:] = code_of[self.nodes["key"]]
        kept = np.flatnonzero(code_of[: len(self.seen)] >= 0)
        seen = np.zeros(int((code_of >= 0).sum()), dtype=np.int64)
        seen[code_of[kept]] = self.seen[kept]
        self.seen = seen

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain values and arrays."""
        return {
            "nodes": {name: self.nodes[name].copy() for name in self.nodes.columns},
            "waits": tuple(getattr(self.waits, each.name).copy() for each in fields(self.waits)),
            "complete": {name: self.complete[name].copy() for name in self.complete.columns},
            "starts": self.starts,
            "seen": self.seen.copy(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.nodes, self.complete = Pool(*_LABELS), Pool("node", "at")
        self.nodes.add({name: array.copy() for name, array in snapshot["nodes"].items()})
        self.complete.add({name: array.copy() for name, array in snapshot["complete"].items()})
        self.waits = Waits(*(array.copy() for array in snapshot["waits"]))
        self.starts, self.seen = snapshot["starts"], snapshot["seen"].copy()

    def _begin(self, rows: Rows) -> Waits:
        """Let a run begin at every row that fits."""
        automaton, count = self.automaton, len(rows.row)
        options = np.arange(automaton.count[0])
        bits = rows.bits.copy()
        for place in automaton.depends:
            if (int(np.bitwise_or.reduce(automaton.search[options])) >> place) & 1:
                tallies = self.tally.start(count, self.columns)
                bits |= self._holds(place, tallies, rows.row) << place
        fits = (bits[:, np.newaxis] & automaton.need[options]) != 0
        fits &= (bits[:, np.newaxis] & automaton.block[options]) == 0
        at, option = np.nonzero(fits)
        start = self.starts + at
        self.starts += count
        none = np.full(len(at), -1, dtype=np.int64)
        return self._children(none, option, at, start, option, rows)

    def _reach(self, waits: Waits, rows: Rows) -> Ints:
        """Give the place of the next row that concerns each wait; -1 where there is none in time."""
        nodes, automaton = self.nodes, self.automaton
        key = nodes["key"][waits.node]
        at = rows.begin[key] + np.maximum(waits.cursor + 1 - rows.seen[key], 0)
        fresh = waits.cursor == nodes["last"][waits.node]
        every = automaton.each[waits.option] | (fresh & (automaton.first[waits.option] != 0))
        search = automaton.search[waits.option]
        for bits in np.unique(search[~every]).tolist():
            chosen = (search == bits) & ~every
            at[chosen] = rows.next_of(bits)[at[chosen]]
        reached = at < rows.end[key]
        reached &= rows.time[np.minimum(at, len(rows.time) - 1)] < nodes["expires"][waits.node]
        return np.where(reached, at, -1)

    def _step(self, waits: Waits, at: Ints, rows: Rows) -> Waits:
        """Let each wait look at a row; give the waits that come of it."""
        automaton, option = self.automaton, waits.option
        bits, kind, ends = rows.bits[at], automaton.kind[option], automaton.target[option] == END
        for place in automaton.depends:
            asks = np.flatnonzero((automaton.asks[option] >> place) & 1)
            tallies = self._tallies(waits.node[asks])
            bits[asks] |= self._holds(place, tallies, rows.row[at[asks]]) << place
        fresh = waits.cursor == self.nodes["last"][waits.node]
        dead = ((bits & automaton.block[option]) != 0) | (fresh & ((bits & automaton.first[option]) != 0))
        taken = ~dead & ((bits & automaton.need[option]) != 0)
        settled = ends & ~dead & (kind == STRICT)
        if settled.any():
            self.complete.add({"node": waits.node[settled], "at": rows.number[at[settled]]})
            self.nodes["matched"][waits.node[settled]] = True
        stay = ~dead & (kind != STRICT) & (~taken | (kind == ANY))
        staying = Waits(waits.node, option, rows.number[at], waits.order).take(stay)
        start = self.nodes["start"][waits.node[taken]]
        children = self._children(
            waits.node[taken], option[taken], at[taken], start, waits.order[taken], rows
        )
        return staying + children

    def _children(self, parent: Ints, option: Ints, at: Ints, start: Ints, order: Ints, rows: Rows) -> Waits:
        """Let runs take a row each: tell those that match by it, and give what the others wait for."""
        automaton = self.automaton
        if automaton.ordered:
            chosen = self._preferred(start, order, automaton.accepts[automaton.state[option]])
            parent, option, at, start = parent[chosen], option[chosen], at[chosen], start[chosen]
        if not len(at):
            return _waits()
        state, last = automaton.state[option], rows.number[at]
        done = automaton.accepts[state]
        node = self.nodes.add(
            {
                "row": rows.row[at],
                "place": automaton.target[option],
                "parent": parent,
                "start": start,
                "key": rows.key[at],
                "last": last,
                "matched": done,
                **self._inherited(parent, at, rows),
                **self.tally.extend(
                    self._tallies(parent), automaton.target[option], rows.row[at], self.columns
                ),
            }
        )
        self.complete.add({"node": node[done], "at": last[done]})
        count = automaton.count[state]
        of = np.repeat(np.arange(len(node)), count)
        rank = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
        return Waits(node[of], automaton.begin[state][of] + rank, last[of], np.arange(len(of)))

    def _inherited(self, parent: Ints, at: Ints, rows: Rows) -> dict[Any, Array]:
        """Give what a node has of its run's first row, and its depth."""
        if not (parent < 0).any():
            held = {name: self.nodes[name][parent] for name in ("first", "expires")}
            return {**held, "depth": self.nodes["depth"][parent] + 1}
        length = self.pattern.length
        time = rows.time[at]
        never = np.full(len(at), END_OF_TIME)
        if length is not None:
            never = np.where(
                time > END_OF_TIME - length, never, np.minimum(time, END_OF_TIME - length) + length
            )
        return {"first": rows.number[at], "expires": never, "depth": np.ones(len(at), dtype=np.int64)}

    @staticmethod
    def _preferred(start: Ints, order: Ints, accepts: Mask) -> Ints:
        """Put runs in order of preference by start; leave out those after the first of it that matches."""
        chosen = np.lexsort((order, start))
        start, accepts = start[chosen], accepts[chosen]
        before: Ints = np.cumsum(accepts) - accepts
        new = np.append(True, start[1:] != start[:-1])[: len(start)]
        base = np.maximum.accumulate(np.where(new, before, 0))
        preferred: Ints = chosen[before == base]
        return preferred

    def _tallies(self, nodes: Ints) -> Tallies:
        """Give the tallies of some runs, by their last node; -1 for one that has no row yet."""
        if len(nodes) and nodes[0] < 0:
            return self.tally.start(len(nodes), self.columns)
        return {name: self.nodes[name][nodes] for name in self.tally.names}

    def _holds(self, place: int, tallies: Tallies, rows: Ints) -> Ints:
        """Ask the condition of a stage, as if each run had taken the row for it."""
        if not len(rows):
            return _NONE
        more = self.tally.extend(tallies, place, rows, self.columns)
        navigate = self.tally.navigate(more, self.columns)
        where = self.pattern.stages[place].where
        value = evaluate(where, lambda name: self.columns(name).take(rows), navigate)
        held: Ints = np.broadcast_to(value.valid & (value.values != 0), len(rows)).astype(np.int64)
        return held


def _waits() -> Waits:
    """Give no waits."""
    return Waits(_NONE, _NONE, _NONE, _NONE)


def _joined(parts: list[Waits]) -> Waits:
    """Put waits one behind the other."""
    names = [each.name for each in fields(Waits)]
    return Waits(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
