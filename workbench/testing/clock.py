"""Processing time under a test's control: it stands still until it is told to move on."""

from __future__ import annotations

import asyncio
import heapq
import itertools

import pandas as pd

from workbench.time import Duration, duration


class ManualClock:
    """A `workbench.time.Clock` that moves only by `advance`; nothing ever waits in earnest.

    A sleeper wakes when the clock has come to its moment. It runs when the event loop next gets
    control, and then sees the time that the clock was advanced to, maybe later than its moment.

    Parameters
    ----------
    start : int, str or pandas.Timestamp
        Where it begins: nanoseconds since 1970-01-01 UTC, or a moment that pandas can read
        (naive is UTC).

    Examples
    --------
    >>> import asyncio
    >>> async def tick(clock):
    ...     await clock.sleep(10)
    ...     return clock.now()
    >>> async def main():
    ...     clock = ManualClock()
    ...     ticking = asyncio.ensure_future(tick(clock))
    ...     while not clock.sleepers:
    ...         await clock.sleep(0)
    ...     clock.advance("9s")
    ...     await clock.sleep(0)
    ...     early = ticking.done()
    ...     clock.advance("1s")
    ...     return early, await ticking
    >>> asyncio.run(main())
    (False, 10000000000)
    """

    def __init__(self, start: int | str | pd.Timestamp = 0) -> None:
        self._now = int(pd.Timestamp(start).as_unit("ns").value)
        self._order = itertools.count()
        self._sleeping: list[tuple[int, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        """Give the present moment in nanoseconds since 1970-01-01 UTC."""
        return self._now

    @property
    def sleepers(self) -> int:
        """How many are asleep: what a test waits for before it advances the clock."""
        return sum(not future.done() for _, _, future in self._sleeping)

    def advance(self, by: Duration) -> None:
        """Move on, and wake all whose moment has come, the earliest first.

        Parameters
        ----------
        by : duration
            As in ``"10s"``, or a number of seconds; at least zero.

        Raises
        ------
        DescriptionError
            If it is not a duration, or is negative: time does not run backwards.
        """
        self._now += duration(by, what="advance of the clock")
        while self._sleeping and self._sleeping[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleeping)
            if not future.done():
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced by so much; zero gives the event loop one turn."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if seconds <= 0:
            loop.call_soon(future.set_result, None)
        else:
            moment = self._now + duration(seconds, what="sleep")
            heapq.heappush(self._sleeping, (moment, next(self._order), future))
        await future
