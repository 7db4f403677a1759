"""When spans put out panes, and what these hold: trigger and accumulation, whatever the windows.

A *span* is a window, or a session, of one key, and a row of the table of its windows. Those put rows into
spans and say how far the watermark is; a `Teller` says which spans fire.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.engine.combining import node_of
from workbench.engine.expiry import Expiry
from workbench.engine.partials import Plan
from workbench.engine.placing import Firing, Rows
from workbench.engine.state import Table
from workbench.engine.triggers import Arrivals, Merging, Moment
from workbench.model.panes import EARLY, ON_TIME, TIMINGS
from workbench.model.triggers import ACCUMULATING, DEFAULT, DISCARDING, RETRACTING, Trigger, finishes

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CLOSING = "closing"
_BOUNDS = ("start", "end", "key")
_TOLD = ("span", *_BOUNDS, "timing", "revision")


class Teller:
    """Fires spans by a trigger.

    A span fires when its trigger says so and rows have come to it since its last pane. When it expires, what
    has not been told is told in a closing pane, whatever the trigger.

    Parameters
    ----------
    plan : Plan
        What is computed.
    expiry : Expiry
        Until when a span accepts rows.
    trigger : Trigger
        When spans fire.
    accumulation : str
        ``accumulating``, ``discarding`` or ``retracting``.
    empty : collection of str
        Which panes are told even if no row has come since the last: ``on_time``, ``closing``.

    Notes
    -----
    A batch costs a fixed number of array operations in the spans that are held. State is a few integers a
    span; retracting, its last pane as well.
    """

    def __init__(
        self,
        plan: Plan,
        expiry: Expiry,
        *,
        trigger: Trigger = DEFAULT,
        accumulation: str = ACCUMULATING,
        empty: Collection[str] = (),
    ) -> None:
        self.expiry, self.accumulation, self.empty = expiry, accumulation, empty
        self.node, self.finishes = node_of(trigger, count()), finishes(trigger)
        self.at_end_only = trigger == DEFAULT  # nothing is told of a span before the watermark passes its end
        # panes: how many were told; fresh: how many rows have come since the last; past: 1 if the watermark
        # has passed the end and what was there by then has been told, or a row behind it has come; asked: the
        # batch in which the trigger was asked, if no row has come since; ended: that in which the end was
        # passed with nothing left to tell; told: that of the last pane behind the end
        self.labels = ("panes", "fresh", "past", "asked", "ended", "told", *self.node.labels)
        self.batch = 0
        self.told = Table(_TOLD, plan.parts)

    def __len__(self) -> int:
        return len(self.told)

    def expired(self, at: Moment) -> Mask:
        """Say which spans accept no row any more."""
        return np.asarray(self.expiry(at.table["end"][at.spans]) <= at.watermark)

    def done(self, at: Moment) -> Mask:
        """Say which spans have a trigger that has finished: they tell nothing any more."""
        return self.node.done(at)

    def begin(self, at: Moment) -> None:
        """Take note of new spans."""
        for label in ("panes", "fresh", "asked", "ended", "told"):
            at.table[label][at.spans] = 0
        at.table["past"][at.spans] = at.passed
        self.node.clear(at)

    def arrive(self, at: Moment, rows: Arrivals) -> None:
        """Take note of rows that came to spans."""
        at.table["fresh"][at.spans] += rows.counts
        at.table["asked"][at.spans] = 0
        at.table["past"][at.spans] |= at.passed
        self.node.arrive(at, rows)

    def merge(self, what: Merging, old: Ints) -> None:
        """Take note that spans have become others, which have begun."""
        some, into = np.unique(what.into, return_inverse=True)
        what = Merging(what.made.only(some), into, what.old)
        table, made = what.made.table, what.made.spans
        np.maximum.at(table["panes"], made[what.into], what.old["panes"])
        np.add.at(table["fresh"], made[what.into], what.old["fresh"])
        self.node.merge(what)
        if len(self.told):
            live = self.told.live()
            order = np.argsort(old)
            at = np.minimum(np.searchsorted(old[order], self.told["span"][live]), len(old) - 1)
            found = old[order][at] == self.told["span"][live]
            self.told["span"][live[found]] = made[what.into[order[at[found]]]]

    def fire(self, at: Moment, rows: Rows) -> list[Firing]:
        """Fire those spans that are due; the rows are those of the batch.

        Each trigger is asked once a batch, and once more if rows have come to its span since.
        """
        table = at.table
        at = at.only(table["asked"][at.spans] != self.batch)
        table["asked"][at.spans] = self.batch
        ready = self.node.ready(at)
        at_end = at.passed & (table["past"][at.spans] == 0)
        wanted = (table["fresh"][at.spans] > 0) | self.node.insists(at)
        if ON_TIME in self.empty:
            wanted |= at_end
        self.node.fire(at.only(ready))
        firings = self._tell(at.only(ready & wanted), rows)
        ended = at.spans[at_end & (table["fresh"][at.spans] == 0)]
        table["past"][ended], table["ended"][ended] = 1, self.batch
        return firings

    def close(self, at: Moment, rows: Rows) -> list[Firing]:
        """Tell what spans that expire have not told.

        Where end and expiry are passed in one batch, and nothing is left to tell, there is one pane at most.
        """
        fresh, empty = at.table["fresh"][at.spans] > 0, np.full(len(at.spans), CLOSING in self.empty)
        at.table["past"][at.spans[~fresh & (at.table["ended"][at.spans] == self.batch)]] = 0
        if ON_TIME in self.empty:
            empty |= at.table["past"][at.spans] == 0
        wanted = fresh | (empty & (at.table["told"][at.spans] != self.batch))
        firings = self._tell(at.only(wanted & ~self.done(at)), rows)
        if len(self.told):
            live = self.told.live()
            self.told.drop(live[np.isin(self.told["span"][live], at.spans)])
        return firings

    def fire_passed(self, at: Moment, rows: Rows) -> list[Firing]:
        """Fire spans whose end has been passed just now: before rows come that are behind it."""
        return self.fire(at.only(at.passed & (at.table["past"][at.spans] == 0)), rows)

    def snapshot(self) -> dict[str, Any]:
        """Give the state that is not in the table of spans."""
        return {"told": self.told.snapshot(), "batch": self.batch}

    def restore(self, snapshot: Mapping[str, Any], before: Ints, after: Ints) -> None:
        """Go on from a snapshot; the spans, ascending, have other numbers now, in the same order."""
        self.told.restore(snapshot["told"])
        self.batch = snapshot["batch"]
        self._renumber(before, after)

    def renew(self, code_of: Ints, before: Ints, after: Ints) -> None:
        """Take over new key codes, and new numbers of the spans."""
        live = self.told.live()
        self.told["key"][live] = code_of[self.told["key"][live]]
        self._renumber(before, after)

    def _renumber(self, before: Ints, after: Ints) -> None:
        live = self.told.live()
        self.told["span"][live] = after[np.searchsorted(before, self.told["span"][live])]

    def _tell(self, at: Moment, rows: Rows) -> list[Firing]:
        if not len(at.spans):
            return []
        now = self._firing(at)
        firings = [*self._retract(at, now), now]
        at.table["panes"][at.spans] += 1
        at.table["fresh"][at.spans] = 0
        at.table["told"][at.spans] = np.where(at.passed, self.batch, 0)
        if self.accumulation == DISCARDING:
            at.table.put(at.spans, rows.nothing(len(at.spans)))
        return firings

    def _firing(self, at: Moment) -> Firing:
        start, end, key, panes, past = (at.table[name][at.spans] for name in (*_BOUNDS, "panes", "past"))
        timing = np.where(at.passed, TIMINGS.index(ON_TIME) + past, TIMINGS.index(EARLY))
        last = self.expired(at) | self.done(at)
        return Firing(start, end, key, at.table.take(at.spans), timing, panes, last)

    def _retract(self, at: Moment, now: Firing) -> list[Firing]:
        """Tell the last panes of spans, and of those merged into them, as retractions; keep the new ones."""
        if self.accumulation != RETRACTING:
            return []
        live = self.told.live()
        gone = live[np.isin(self.told["span"][live], at.spans)]
        start, end, key, timing, revision = (self.told[name][gone] for name in _TOLD[1:])
        partials = self.told.take(gone)
        self.told.drop(gone)
        told = (at.spans, now.starts, now.ends, now.keys, now.timings, now.revisions)
        self.told.add(now.partials, **dict(zip(_TOLD, told, strict=True)))
        if not len(gone):
            return []
        return [Firing(start, end, key, partials, timing, revision, retraction=True)]


def peeked(table: Table, spans: Ints) -> Firing:
    """Give what spans hold, or have not yet told, as early panes; nothing changes."""
    start, end, key, panes = (table[name][spans] for name in (*_BOUNDS, "panes"))
    return Firing(start, end, key, table.take(spans), np.full(len(spans), TIMINGS.index(EARLY)), panes)
