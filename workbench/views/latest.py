"""The latest pane of each window and key: what of a trace, which keeps all revisions, is worth showing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.model.panes import EARLY, TIMING, WINDOW_END, WINDOW_START
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.model.triggers import ACCUMULATING, AfterWatermark
from workbench.runtimes.trace import LEAST

KEPT_ROWS = 15_000
"""Panes of a result that are kept at hand, about; the trace keeps more."""
KEPT_FOR = "2h"
"""How much processing time they are kept for: pages look back by an hour, from any moment of the last one."""


class Latest:
    """The latest pane of each window and key, kept up to date from what is new in a trace.

    Parameters
    ----------
    keys : sequence of str
        The columns that tell panes apart, ``window_end`` among them.
    keep : int
        How many rows to keep, about: whole windows are forgotten, the oldest first. So are those that ended
        `KEPT_FOR` before the last one, but for the last 2,000 panes.
    early : bool
        Whether early panes are kept; not where those of open windows are peeked at, and told when they close.
    """

    def __init__(self, keys: list[str], keep: int = KEPT_ROWS, *, early: bool = True) -> None:
        self._keys, self._keep, self._early = keys, keep, early
        self._seen = 0
        self.frame = pd.DataFrame()

    def refresh(self, record: Any) -> pd.DataFrame:
        """Take in what came out since the last time; gives the panes in order of window end."""
        fresh = record.since(self._seen)
        self._seen = record.total
        if not self._early:  # the most of what comes, where each batch fires
            fresh = [told for frame in fresh if len(told := frame[frame[TIMING] != EARLY])]
        if fresh:
            first = min(frame[WINDOW_END].min() for frame in fresh)
            settled = self.frame[WINDOW_END].searchsorted(first) if len(self.frame) else 0
            before = [self.frame.iloc[settled:]] if settled < len(self.frame) else []
            panes = pd.concat(before + fresh).drop_duplicates(self._keys, keep="last")
            panes = panes.sort_values(WINDOW_END, kind="stable")
            panes = pd.concat([self.frame.iloc[:settled], panes] if settled else [panes], ignore_index=True)
            ends = panes[WINDOW_END]
            oldest = min(ends.iloc[-1] - pd.Timedelta(KEPT_FOR), ends.iloc[-min(LEAST, len(panes))])
            oldest = max(oldest, ends.iloc[-min(self._keep, len(panes))])
            self.frame = panes.iloc[ends.searchsorted(oldest) :].reset_index(drop=True)
        return self.frame


def latest_of(stream: EventStream) -> Latest:
    """Begin with none; early panes count where a window is not told of, as a whole, when it closes."""
    step = stream.step
    assert isinstance(step, Aggregated), f"{stream.name} has no windows"
    closes = isinstance(step.trigger, AfterWatermark) and step.accumulation == ACCUMULATING
    return Latest([WINDOW_START, WINDOW_END, *step.keys], early=not closes)
