"""After a match, where the next one may begin: chooses the matches that are told.

Matches of a key are told by their first row, then by the row that settled them; of several at once the
longest first, then that whose rows came first. A match waits until no run of an earlier first row goes on, in
a row pattern also none of its own first row, which would be preferred. Once told, it prunes whatever begins
from its first row on and before its *floor*, the row where the next match may begin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.matching import Matcher

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def settle(matcher: Matcher, lacking: Ints) -> tuple[Ints, Ints]:
    """Take out of the state the matches that are due, and what they prune.

    Parameters
    ----------
    matcher : Matcher
        Whose matches are complete but not told.
    lacking : int64 array
        Last nodes of the runs whose time is over.

    Returns
    -------
    told, timed_out : int64 arrays
        Last nodes of the matches, and of the runs that timed out and were not pruned.
    """
    nodes, complete = matcher.nodes, matcher.complete
    if matcher.automaton.ordered:
        _prefer(matcher)
        lacking = lacking[~np.isin(nodes["start"][lacking], nodes["start"][complete["node"]])]
    if not len(complete) or matcher.pattern.skip == ("none",):
        told = complete["node"].copy()
        complete.keep(np.zeros(len(complete), dtype=bool))
        return told, lacking
    chosen = _in_order(matcher)
    tips = complete["node"][chosen]
    line = _Line.of(matcher, tips, nodes["first"][tips], floors(matcher, tips))
    told = line.tell(ordered=matcher.automaton.ordered)
    waits = matcher.waits
    matcher.waits = waits.take(~line.pruned(nodes["key"][waits.node], nodes["first"][waits.node], told))
    left = ~line.pruned(nodes["key"][tips], nodes["first"][tips], told)
    left[told] = False
    kept = np.zeros(len(complete), dtype=bool)
    kept[chosen[left]] = True
    complete.keep(kept)
    return tips[told], lacking[~line.pruned(nodes["key"][lacking], nodes["first"][lacking], told)]


def floors(matcher: Matcher, tips: Ints) -> Ints:
    """Give the number, within its key, of the row where the next match may begin; the first prunes none."""
    nodes, (to, *stage) = matcher.nodes, matcher.pattern.skip
    first = nodes["first"][tips]
    if to == "past_last":
        return nodes["last"][tips] + 1
    if to == "to_next":
        return first + 1
    floor = first + matcher.automaton.ordered
    owner, found = matcher.trace(tips)
    named = nodes["place"][found] == matcher.names.index(stage[0])
    owner, number = owner[named], nodes["last"][found[named]]
    if to == "to_first":
        owner, number = owner[::-1], number[::-1]
    reached = floor.copy()
    reached[owner] = number  # of several, the one assigned last stays
    further: Ints = np.maximum(floor, reached)
    return further


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """Complete matches in order, and first rows of runs that go on, each as one number with its key."""

    key: Ints
    code: Ints
    floor: Ints
    live: Ints
    least: int
    span: int

    @classmethod
    def of(cls, matcher: Matcher, tips: Ints, first: Ints, floor: Ints) -> _Line:
        nodes = matcher.nodes
        node = matcher.waits.node[np.isin(nodes["key"][matcher.waits.node], nodes["key"][tips])]
        both = np.append(first, nodes["first"][node])
        least, span = int(both.min()), int(both.max() - both.min()) + 2
        key = nodes["key"][tips]
        live = np.unique(nodes["key"][node] * span + nodes["first"][node] - least)
        return cls(key, key * span + first - least, floor, live, least, span)

    def tell(self, *, ordered: bool) -> Ints:
        """Say which matches are told: one of each key a round."""
        keys, begin = np.unique(self.key, return_index=True)
        end = np.append(begin[1:], len(self.key))
        place, floor = begin.copy(), keys * self.span
        told = [begin[:0]]
        live = np.append(self.live, np.iinfo(np.int64).max)
        while len(keys):
            code = self.code[np.minimum(place, len(self.code) - 1)]
            first_live = live[np.searchsorted(live, floor)]
            due = (place < end) & ((code < first_live) if ordered else (code <= first_live))
            keys, place, end, floor = keys[due], place[due], end[due], floor[due]
            told.append(place)
            floor = np.maximum(floor, self._floor(keys, place))
            place = np.maximum(place + 1, np.searchsorted(self.code, floor))
        return np.sort(np.concatenate(told))

    def pruned(self, key: Ints, first: Ints, told: Ints) -> Mask:
        """Say which of some runs begin where a match that is told prunes."""
        if not len(told) or not len(key):
            return np.zeros(len(key), dtype=bool)
        # of the matches that begin no later, the last one reaches furthest
        number = np.clip(first - self.least, -1, self.span - 1)
        before = np.searchsorted(self.code[told], key * self.span + number, side="right") - 1
        match = told[np.maximum(before, 0)]
        pruned: Mask = (before >= 0) & (self.key[match] == key) & (self.floor[match] > first)
        return pruned

    def _floor(self, keys: Ints, place: Ints) -> Ints:
        return keys * self.span + np.clip(self.floor[place] - self.least, 0, self.span - 1)


def _prefer(matcher: Matcher) -> None:
    """Keep of each start the match that came last: what still went on when one came was preferred to it."""
    start = matcher.nodes["start"][matcher.complete["node"]]
    _, latest = np.unique(start[::-1], return_index=True)
    kept = np.zeros(len(start), dtype=bool)
    kept[len(start) - 1 - latest] = True
    matcher.complete.keep(kept)


def _in_order(matcher: Matcher) -> Ints:
    """Put complete matches in the order in which they are told."""
    nodes, complete = matcher.nodes, matcher.complete
    tips = complete["node"]
    by = (-nodes["depth"][tips], complete["at"], nodes["first"][tips], nodes["key"][tips])
    order = np.lexsort(by)
    same = np.ones(max(len(tips) - 1, 0), dtype=bool)
    for column in by:
        same &= column[order][1:] == column[order][:-1]
    if not same.any():
        return order
    tied = np.append(False, same) | np.append(same, False)
    group = np.cumsum(np.append(True, ~same))[tied]
    owner, found = matcher.trace(tips[order[tied]])
    depth = nodes["depth"][tips[order[tied]]]
    rows = np.zeros((len(depth), int(depth.max())), dtype=np.int64)
    rows[owner, np.arange(len(owner)) - np.repeat(np.cumsum(depth) - depth, depth)] = (
        nodes["last"][found] * 64 + nodes["place"][found]
    )
    order[tied] = order[tied][np.lexsort((*rows.T[::-1], group))]
    return order
