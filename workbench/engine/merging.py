"""Merging the cells of slices into windows: what overlapping windows share is merged once."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pandas as pd

from workbench.engine.partials import Partials
from workbench.engine.placing import Ints
from workbench.engine.state import Cells

Held = tuple[Ints, Partials]
"""Keys, and a partial for each."""


def united(pieces: list[Held], below: int) -> Held:
    """Merge partials of the same key; all keys are less than `below`."""
    keys = np.concatenate([keys for keys, _ in pieces])
    groups, distinct = _numbered(keys, below)
    merged = reduce(Partials.append, (partials for _, partials in pieces))
    return distinct, merged.reduce(groups, len(distinct))


def appended(pieces: list[Held]) -> Held:
    """Put partials one behind the other."""
    partials = reduce(Partials.append, (partials for _, partials in pieces))
    return np.concatenate([keys for keys, _ in pieces]), partials


class TwoStacks:
    """The merged cells of one window after the other, each by merging two: of older and of newer slices.

    After Tangwongsan, Hirzel and Schneider, "Low-Latency Sliding-Window Aggregation in Worst-Case Constant
    Time" (2017), section 3: every slice is merged into the older ones once and into the newer ones once,
    however many windows cover it.

    Parameters
    ----------
    cells : Cells
        Of slices; those of windows that were asked for must not change, or `clear` must be called.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.clear()

    def clear(self) -> None:
        """Forget what is merged."""
        self._older: list[tuple[int, Held]] = []  # from each slice to the last of these; the oldest last
        self._newer: Held | None = None
        self._newest = 0

    def merged(self, places: Ints, keys_known: int) -> Held:
        """Give the merged cells of the slices of a window; windows are asked for in order.

        Parameters
        ----------
        places : int64 array
            The slices that hold something, ascending; at least one.
        keys_known : int
            All keys are less than that.
        """
        while self._older and self._older[-1][0] < places[0]:
            self._older.pop()
        if not self._older:
            for place in places[::-1].tolist():
                piece, after = self._piece(place), [held for _, held in self._older[-1:]]
                self._older.append((place, united([piece, *after], keys_known) if after else piece))
            self._newer, self._newest = None, int(places[-1])
        for place in places[places > self._newest].tolist():
            piece, before = self._piece(place), self._newer
            self._newer = piece if before is None else united([before, piece], keys_known)
            self._newest = place
        older = self._older[-1][1]
        return older if self._newer is None else united([older, self._newer], keys_known)

    def _piece(self, place: int) -> Held:
        _, rows = self.cells.of(np.array([place]))
        return self.cells.table["key"][rows], self.cells.table.take(rows)


def _numbered(values: Ints, below: int) -> tuple[Ints, Ints]:
    """Number the distinct ones of some values: number of each, and the values."""
    if below > 4 * len(values):
        groups, distinct = pd.factorize(values)
        return groups, distinct
    number = np.arange(len(values))
    seen = np.empty(below, dtype=np.int64)
    seen[values] = number  # of several the last stays
    distinct = values[seen[values] == number]
    seen[distinct] = number[: len(distinct)]
    return seen[values], distinct
