"""How far a run has come: rows a second, how much of its sources has been read, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from workbench.runtimes.trace import Rate
from workbench.time import Clock


class Course:
    """The way of one run in wall time.

    Parameters
    ----------
    clock : Clock
        Of wall time.

    Attributes
    ----------
    share : float or None
        How much of the sources has been read, from 0 to 1; None where one has no end.

    Examples
    --------
    >>> from workbench.testing.clock import ManualClock
    >>> clock = ManualClock()
    >>> course = Course(clock)
    >>> for step in range(1, 3):
    ...     clock.advance("1s")
    ...     course.mark(100 * step, [step / 10])
    >>> course.rows_per_second, course.share, course.left
    (100.0, 0.2, Timedelta('0 days 00:00:08'))
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = clock.now()
        self._over: int | None = None
        self._turned = self._begun
        self._rows, self._shares = Rate(), Rate()
        self.share: float | None = None

    def mark(self, rows: int, shares: Iterable[float | None]) -> None:
        """Note how many rows there have been, and how much of each source has been read."""
        wall, known = self._clock.now(), list(shares)
        self._rows.mark(wall, rows)
        if not known or None in known:
            return
        self.share = sum(share or 0.0 for share in known) / len(known)
        self._shares.mark(wall, self.share)

    def turn(self) -> None:
        """Note that the run goes on, is held, or is over."""
        self._turned = self._clock.now()

    @property
    def since(self) -> pd.Timedelta:
        """Wall time since the run last went on, was held, or was over."""
        return pd.Timedelta(self._clock.now() - self._turned, unit="ns")

    def end(self) -> None:
        """Note that the run is over."""
        self._over = self._clock.now()

    @property
    def rows_per_second(self) -> float:
        """Rows a second of wall time, over the last few seconds; a run that goes back takes none back."""
        return max(0.0, self._rows.value(self._clock.now()))

    @property
    def uptime(self) -> pd.Timedelta:
        """Wall time since the start."""
        return pd.Timedelta((self._over or self._clock.now()) - self._begun, unit="ns")

    @property
    def left(self) -> pd.Timedelta | None:
        """Wall time until all will have been read, at the present rate; None where nobody knows."""
        if self.share is None or self._over is not None:
            return None
        rate = self._shares.value(self._clock.now())
        return pd.Timedelta((1 - self.share) / rate, unit="s").round("1s") if rate > 0 else None
