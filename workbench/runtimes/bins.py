"""Rows as counts: how many came in each small rectangle of event time and processing time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.model.windows import Count, Cumulating, Session, Sliding, Window
from workbench.time import SECOND, Nanos

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

FINEST = 8
"""Bins of event time a window."""


class Bins:
    """Counts by bin of event time, bin of processing time, and fate.

    Bins of event time are an eighth of a window, and begin where windows begin, so that the rows of a window
    can be counted. Bins of processing time are as long at first, and are doubled when there are too many.

    Parameters
    ----------
    window : Window or None
        Whose rows are counted; without one, bins of event time are a second.
    most : int
        How many bins there may be, about; when no doubling helps, the oldest are forgotten.

    Examples
    --------
    >>> from workbench.model.windows import Tumbling
    >>> bins = Bins(Tumbling("8s"))
    >>> at = np.array([1, 1, 9]) * 500_000_000
    >>> bins.add(at, at, np.array([0, 0, 2], dtype=np.int8))
    >>> bins.table().rows.tolist(), bins.counts().tolist()
    ([2, 1], [2, 0, 1, 0])
    """

    def __init__(self, window: Window | None, most: int = 10_000) -> None:
        self.most = most
        self.width, self.offset = _grid(window)
        self.height = self.width
        self._binned = pd.DataFrame(
            {name: np.zeros(0, dtype=np.int64) for name in ("x", "y", "fate", "rows")}
        )
        self._forgotten = np.zeros(4, dtype=np.int64)
        self._waiting: list[tuple[Nanos, Nanos, Codes]] = []

    def add(self, times: Nanos, arrivals: Nanos, fates: Codes) -> None:
        """Count some rows; they are put into bins many at once."""
        if not len(times):
            return
        self._waiting.append((times, arrivals, fates))
        if len(self._waiting) > 1_000 or sum(len(each[0]) for each in self._waiting[-50:]) > 250_000:
            self._fold()

    def forget_after(self, moment: int) -> None:
        """Forget what came after a moment."""
        self._fold()
        self._binned = self._binned[self._binned.y * self.height <= moment]

    def counts(self) -> Ints:
        """Give how many rows met each fate, those of bins that are forgotten too."""
        self._fold()
        table = self._binned
        found = np.bincount(table.fate.to_numpy(), table.rows.to_numpy(), minlength=4).astype(np.int64)
        return found + self._forgotten

    def table(self) -> pd.DataFrame:
        """Give the bins: ``event_time, arrival`` (int64 nanoseconds, their middle), ``fate, rows``."""
        self._fold()
        table = self._binned
        event_time = table.x * self.width + self.offset + self.width // 2
        return table.assign(
            event_time=event_time, arrival=table.y * self.height + self.height // 2
        ).reset_index(drop=True)

    def _fold(self) -> None:
        """Put what waits into bins."""
        if not self._waiting:
            return
        times, arrivals, fates = (np.concatenate(columns) for columns in zip(*self._waiting, strict=True))
        self._waiting = []
        x, y = (times - self.offset) // self.width, arrivals // self.height
        left, low, across = x.min(), y.min(), int(x.max() - x.min()) + 1
        distinct, rows = _tally(((y - low) * across + (x - left)) * 4 + fates)
        places, fate = np.divmod(distinct, 4)
        more = {"x": places % across + left, "y": places // across + low, "fate": fate, "rows": rows}
        self._binned = self._summed(pd.concat([self._binned, pd.DataFrame(more)]))
        while len(self._binned) > self.most and len(self._binned.y.unique()) > 64:
            self.height *= 2
            self._binned = self._summed(self._binned.assign(y=self._binned.y // 2))
        if len(self._binned) > 2 * self.most:
            self._forget(self._binned.y < self._binned.y.sort_values().iloc[-self.most])

    def _forget(self, gone: pd.Series) -> None:
        lost = self._binned[gone]
        self._binned = self._binned[~gone]
        self._forgotten += np.bincount(lost.fate, lost.rows, minlength=4).astype(np.int64)

    @staticmethod
    def _summed(table: pd.DataFrame) -> pd.DataFrame:
        return table.groupby(["x", "y", "fate"], as_index=False, sort=False)["rows"].sum()


def _grid(window: Window | None) -> tuple[int, int]:
    """Give the width of bins of event time, and where one of them begins."""
    match window:
        case Sliding():
            return max(1, int(np.gcd(window.size, window.slide)) // FINEST), window.offset
        case Cumulating():
            return max(1, window.step // FINEST), window.offset
        case Session():
            return max(1, window.gap // FINEST), 0
        case Count() | None:
            return SECOND, 0
        case _:
            return 3600 * SECOND // FINEST, 0


def _tally(codes: Ints) -> tuple[Ints, Ints]:
    """Give the codes that there are, from zero on, and how many of each."""
    if codes.max() < 4 * len(codes) + 100_000:  # where they lie close together, counting beats sorting
        rows = np.bincount(codes)
        distinct = np.flatnonzero(rows)
        return distinct, rows[distinct]
    return np.unique(codes, return_counts=True)
