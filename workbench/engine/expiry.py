"""Until when a window accepts rows: to its end and the lateness, which may change while rows come."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.engine.ranges import behind, shift
from workbench.time import NO_WATERMARK, Nanos


class Expiry:
    """Gives the watermark from which windows accept no row any more, by their ends.

    Parameters
    ----------
    lateness : int
        Nanoseconds for which a window accepts rows after its end.

    Notes
    -----
    What had expired when the lateness changed stays so: its state is gone. A longer lateness is for windows
    that were still held, and those to come; a shorter one lets go at once of what it does not cover.

    Examples
    --------
    >>> expiry = Expiry(5)
    >>> expiry(np.array([10, 20])).tolist()
    [15, 25]
    >>> expiry.change(100, watermark=18)
    >>> expiry(np.array([10, 20])).tolist()
    [18, 120]
    """

    def __init__(self, lateness: int) -> None:
        self.lateness = lateness
        self._gone = self._changed = NO_WATERMARK  # windows that end until then had expired when it changed

    def __call__(self, ends: Nanos) -> Nanos:
        """Give the watermarks; at most the end of time."""
        expiry = shift(ends, self.lateness)
        if self._gone == NO_WATERMARK:
            return expiry
        return np.where(ends <= self._gone, np.minimum(expiry, self._changed), expiry)

    def passed(self, watermark: int) -> int:
        """Give the moment until which all windows have expired; never decreases while the watermark goes on.

        Examples
        --------
        >>> expiry = Expiry(5)
        >>> expiry.change(100, watermark=18)
        >>> expiry.passed(18), expiry.passed(200)
        (13, 100)
        """
        return max(behind(watermark, self.lateness), self._gone)

    def change(self, lateness: int, watermark: int) -> None:
        """Let another lateness hold from this watermark on."""
        if lateness != self.lateness:
            self._gone, self._changed = self.passed(watermark), watermark
            self.lateness = lateness

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return {"lateness": self.lateness, "gone": self._gone, "changed": self._changed}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.lateness, self._gone = snapshot["lateness"], snapshot["gone"]
        self._changed = snapshot["changed"]
