"""How the nodes of a run are doing, and what they remember."""

import asyncio

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.runtimes.pace import Beat
from workbench.runtimes.vitals import KEPT, Kept
from workbench.testing.clock import ManualClock
from workbench.time import SECOND


def frame(seconds, **columns):
    times = pd.to_datetime("2026-01-05 09:00") + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({"t": times, "v": np.arange(len(times)), **columns})


async def settle(clock):
    """Give the loop control until the driver waits for the clock again."""
    for _ in range(1_000):
        await asyncio.sleep(0)
        if clock.sleepers:
            return
    raise AssertionError("the driver never came to wait")


async def driven(stream, seconds, *, step=0.5, **options):
    """Let a run go for so many seconds of a clock under control."""
    clock = ManualClock()
    run = wb.start(stream, clock=clock, **options)
    for _ in range(round(seconds / step)):
        await settle(clock)
        clock.advance(step)
    await settle(clock)
    return run


def by_name(run):
    return {node.name: node for node in run.vitals.look(run)}


def test_only_as_many_frames_are_kept_as_hold_the_last_rows():
    kept, frames = Kept(), [frame(range(count)) for count in (5, 30, 12, 1, 9)]
    for each in frames:
        kept.add(each)
    assert len(kept._frames) == 3  # 12, 1 and 9 rows
    assert all(held is given for held, given in zip(kept._frames, frames[2:], strict=True))  # no copies
    assert kept.frame().equals(pd.concat(frames).tail(KEPT))


def test_a_large_frame_is_kept_alone():
    kept = Kept()
    for _ in range(10):
        kept.add(frame(range(1_000)))
    assert len(kept._frames) == 1


def test_rows_are_those_of_the_ledger():
    rows = frame([0, 70, 3, 20, 130, 131])
    panes = wb.stream(rows, time="t", watermark=0).query("v != 3").window("1min").agg(n=("v", "size"))
    run = panes.start(speed="max", batch_rows=2).wait(10)
    nodes = by_name(run)
    for line in run.ledger().to_dict("records"):
        node = nodes[line["step"]]
        assert (node.rows_in, node.rows_out, node.state) == (line["rows_in"], line["rows_out"], line["state"])
        assert node.aside["late"] == line["late"]
    assert nodes["n"].aside == {"late": 1, "rejected": 0}
    assert run.vitals.rows("n", "late").v.tolist() == [2]
    assert run.vitals.rows("frame").v.tolist() == [0, 1, 2, 3, 4, 5]


def test_rates_are_rows_a_second_of_the_clock_and_zero_in_a_pause():
    async def main():
        rows = wb.stream(frame(np.arange(0, 100, 0.25)), time="t", watermark="2s").query("v % 2 == 0")
        run = await driven(rows, 20)
        node = by_name(run)["query"]
        run.pause()
        return node, by_name(run)["query"]

    node, paused = asyncio.run(main())
    assert node.rate_in == pytest.approx(4, rel=0.15)
    assert node.rate_out == pytest.approx(2, rel=0.15)
    assert node.lag == pytest.approx(2 * SECOND, abs=SECOND)
    assert (paused.rate_in, paused.rate_out) == (0.0, 0.0)
    assert node.milliseconds == 0.0  # the clock stood still while a batch was taken


def test_a_batch_is_timed():
    async def main():
        clock = ManualClock()

        def slow(rows):
            clock.advance(0.003)
            return rows

        run = wb.stream(frame([0, 1]), time="t", watermark=0).map(slow).start(clock=clock, speed="max")
        await run.finished()
        return by_name(run)["map"]

    node = asyncio.run(main())
    assert (node.milliseconds, node.slowest) == (3.0, 3.0)


def test_rows_that_wait_are_the_queue():
    async def main():
        rows = wb.stream(frame([0, 1, 2, 3, 60]), time="t", watermark="10s").sort()
        return by_name(await driven(rows, 4))["sort"]

    node = asyncio.run(main())
    assert (node.rows_in, node.rows_out, node.queue) == (4, 0, 4)


def test_an_error_is_told_at_its_node(capsys):
    rows = wb.stream(frame([0, 1]), time="t", watermark=0).map(lambda rows: rows.missing)
    run = rows.start(speed="max")
    with pytest.raises(wb.StepError):
        run.wait(10)
    nodes = by_name(run)
    assert nodes["map"].error.startswith("AttributeError: ")
    assert nodes["watermark"].error == ""
    capsys.readouterr()


def test_who_holds_the_watermark_back_and_for_how_long():
    zones = ["us", "eu", *["us"] * 18]
    policy = wb.BoundedOutOfOrderness("1s", by="zone")
    stream = wb.stream(frame(range(20), zone=zones), time="t", watermark=policy)

    async def main():
        run = await driven(stream.window("10s").agg(n=("v", "size")), 15)
        return run.vitals.waits(run)

    holds, opened = asyncio.run(main())
    assert (holds.node, holds.by) == ("watermark", "zone='eu'")
    assert holds.silent == pytest.approx(14 * SECOND, abs=SECOND)
    assert opened.node == "n"
    assert opened.window[1] - opened.window[0] == 10 * SECOND
    assert opened.needs == 10 * SECOND  # the watermark is still at 09:00:00


def test_no_window_is_open_once_the_sources_have_ended():
    panes = wb.stream(frame([0, 1]), time="t", watermark=0).window("1min").agg(n=("v", "size"))
    run = panes.start(speed="max").wait(10)
    assert run.vitals.waits(run) == []


def test_a_run_that_has_caught_up_rests_for_a_beat_and_not_for_all_it_took():
    beat, now = Beat(0), 0
    for _ in range(28):  # quick turns, one after the other
        beat.rest(begun=now, ended=now + 10, tick=1_000)
        now += 20
    assert beat.rest(begun=now, ended=now + 10, tick=1_000) <= 1_000
    assert [beat.rest(begun=begun, ended=begun + 3, tick=100) for begun in (10_000, 10_100, 10_250)] == [
        97,
        97,
        47,
    ]
