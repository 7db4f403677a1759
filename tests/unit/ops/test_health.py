"""Health: what is wrong is said, and what has ended well is well."""

import asyncio

import pandas as pd
import pytest

import workbench as wb
from workbench.ops.health import Watch
from workbench.testing.clock import ManualClock

SECOND = 1_000_000_000


def pipeline(rows=3, fail=False):
    frame = pd.DataFrame({"t": pd.to_datetime(range(rows), unit="s"), "v": 1})

    def step(each):
        if fail:
            raise ValueError("no such thing")
        return each

    return wb.stream(frame, time="t", watermark=0).map(step).window("1s").agg(n=("v", "size"))


def reasons(watch):
    return watch.look().reasons["shop"]


@pytest.fixture
def clock():
    return ManualClock()


def test_a_pipeline_that_has_not_begun_is_not_well():
    health = Watch(lambda: {"shop": None}).look()
    assert not health.well
    assert health.told() == {
        "status": "degraded",
        "pipelines": {"shop": {"status": "degraded", "reasons": ["not started yet"]}},
    }


def test_one_that_has_read_all_is_well():
    run = pipeline().start(speed="max").wait(20)
    assert Watch(lambda: {"shop": run}).look().told() == {
        "status": "ok",
        "pipelines": {"shop": {"status": "ok", "reasons": []}},
    }


def test_a_failure_is_said_but_not_its_data(capsys):
    run = pipeline(fail=True).start(speed="max")
    with pytest.raises(wb.StepError):
        run.wait(20)
    health = Watch(lambda: {"shop": run, "city": pipeline().start(speed="max").wait(20)}).look()
    assert health.reasons == {"shop": ("run failed",), "city": ()}
    assert not health.well
    assert "no such thing" not in str(health.told())
    assert "no such thing" in capsys.readouterr().err


def test_paused_and_stopped_are_said():
    run = pipeline().start(paused=True)
    watch = Watch(lambda: {"shop": run})
    assert reasons(watch) == ("paused",)
    run.stop()
    assert reasons(watch) == ("stopped",)


def test_a_run_without_rows_goes_stale_and_recovers(clock):
    async def go():
        run = pipeline(rows=100).start(clock=clock, speed=1)
        watch = Watch(lambda: {"shop": run}, stale_after=30 * SECOND, clock=clock)
        said = [reasons(watch)]
        for further in ("29s", "1s", "15s"):
            clock.advance(further)  # the run has no turn meanwhile
            said.append(reasons(watch))
        run.trace.counters.arrived += 1
        said.append(reasons(watch))
        run.stop()
        return said

    assert asyncio.run(go()) == [
        (),
        (),
        ("stale: no row for 30 s",),
        ("stale: no row for 45 s",),
        (),
    ]


def test_a_pause_is_no_silence(clock):
    async def go():
        run = pipeline(rows=100).start(clock=clock, paused=True)
        watch = Watch(lambda: {"shop": run}, stale_after=30 * SECOND, clock=clock)
        watch.look()
        clock.advance("60s")
        watch.look()
        run.resume()
        said = reasons(watch)
        run.stop()
        return said

    assert asyncio.run(go()) == ()
