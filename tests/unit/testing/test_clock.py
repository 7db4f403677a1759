import asyncio

import pandas as pd
import pytest

from workbench.errors import DescriptionError
from workbench.testing.clock import ManualClock


def test_it_stands_still_until_it_is_advanced():
    clock = ManualClock("2026-01-05T09:00")
    assert clock.now() == clock.now() == pd.Timestamp("2026-01-05T09:00").value
    clock.advance("250ms")
    assert clock.now() == pd.Timestamp("2026-01-05T09:00:00.250").value


def test_it_starts_at_nanoseconds_or_at_a_zoned_moment():
    assert ManualClock(5).now() == 5
    assert ManualClock("1970-01-01T01:00+01:00").now() == 0


def test_it_does_not_run_backwards():
    clock = ManualClock()
    with pytest.raises(DescriptionError, match="the advance of the clock must be at least zero"):
        clock.advance(-1)
    assert clock.now() == 0


def test_sleepers_wake_in_the_order_of_their_moments():
    woken = []

    async def sleeper(clock, seconds):
        await clock.sleep(seconds)
        woken.append((seconds, clock.now()))

    async def main():
        clock = ManualClock()
        tasks = [asyncio.ensure_future(sleeper(clock, seconds)) for seconds in (3, 1, 2)]
        await clock.sleep(0)
        assert clock.sleepers == 3
        clock.advance(2)
        assert clock.sleepers == 1
        await clock.sleep(0)
        assert woken == [(1, 2_000_000_000), (2, 2_000_000_000)]
        clock.advance("1min")
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert woken[-1] == (3, 62_000_000_000)


def test_a_cancelled_sleeper_is_gone():
    async def main():
        clock = ManualClock()
        task = asyncio.ensure_future(clock.sleep(1))
        await clock.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert clock.sleepers == 0
        clock.advance(5)

    asyncio.run(main())
