"""Watermark policies in whole pipelines: at once, live, and in graphs written by hand."""

import asyncio

import pandas as pd
import pytest
import streamz

import workbench as wb
from simulators import Sensors
from workbench.errors import DescriptionError
from workbench.testing.clock import ManualClock

DAY = pd.Timestamp("2026-01-05 09:00")


async def settle(clock):
    """Give the loop control until the driver waits for the clock again."""
    while not clock.sleepers:
        await asyncio.sleep(0)


def frame(seconds, sensors, **columns):
    times = {
        name: DAY + pd.to_timedelta(pd.Series(values, dtype="float64"), unit="s")
        for name, values in columns.items()
    }
    return pd.DataFrame({"t": DAY + pd.to_timedelta(seconds, unit="s"), "sensor": list(sensors), **times})


def counted(rows, policy, **options):
    return wb.stream(rows, time="t", watermark=policy, **options).window("10s").agg(n=("sensor", "size"))


SKEWED = frame([0, 5, 40, 45, 6, 50, 12, 47], "abaabaab")
"""Sensor b's clock is half a minute behind, so that a bound for all would call its rows late."""


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_by_partition_a_slow_sensor_loses_no_rows(batch_rows):
    for policy, late in ((wb.Ascending(), 1), (wb.Ascending(by="sensor"), 0)):
        panes = counted(SKEWED.iloc[:6], policy)
        assert panes.to_pandas(batch_rows=batch_rows).n.sum() == 6 - late
        run = wb.start(panes, speed="max", batch_rows=batch_rows).wait(10)
        assert run.panes("n").n.sum() == 6 - late
        assert run.metrics().late == late


def test_live_and_at_once_agree_for_every_policy():
    marks = SKEWED.assign(mark=SKEWED.t.where(SKEWED.index % 3 == 2), came=SKEWED.t.cummax())
    for policy in (
        wb.Ascending(),
        wb.Punctuated("mark"),
        wb.Punctuated("mark", by="sensor", idle="20s"),
        wb.BoundedOutOfOrderness("10s", by="sensor", idle="30s", max_ahead="1h"),
        wb.BoundedOutOfOrderness("2s", advance_with_clock=True),
    ):
        panes = counted(marks, policy, arrival="came")
        for batch_rows in (1, 2, 5):
            run = wb.start(panes, late=panes.late, speed="max", batch_rows=batch_rows).wait(10)
            pd.testing.assert_frame_equal(run.panes("n"), panes.to_pandas(batch_rows=1))
            late = panes.late.to_pandas()
            pd.testing.assert_frame_equal(run.trace.results["late"].frame(), late, check_dtype=len(late) > 0)


def test_a_run_says_which_partition_holds_the_watermark_back():
    run = wb.start(counted(SKEWED, wb.Ascending(by="sensor")), paused=True)
    assert run.held_back_by == {}
    run.step().step().step()
    assert run.held_back_by == {"watermark": "sensor='b'"}
    run.speed = "max"
    run.resume().wait(10)
    assert run.held_back_by == {}


def test_a_run_says_so_for_partitions_and_streams_at_once():
    one = wb.stream(SKEWED, time="t", watermark=wb.Ascending(by="sensor"), name="one").named("one rows")
    two = wb.stream(SKEWED.iloc[:1], time="t", watermark="1h", name="two").named("two rows")
    run = wb.start(one.union(two).window("10s").agg(n=("sensor", "size")), speed="max", paused=True)
    run.step()
    assert run.held_back_by == {"one rows": "sensor='b'", "union": "two rows"}
    run.stop()


@pytest.mark.parametrize(("idle", "second"), [("30s", 100), (None, 1)])
def test_the_idleness_of_a_source_counts_in_a_union_too(idle, second):
    quick, silent = frame([0, 10, 100, 200], "aaaa"), frame([1, 5_000], "bb")
    slow = wb.stream(silent, time="t", watermark=wb.Ascending(idle=idle), name="slow").named("slow rows")
    fast = wb.stream(quick, time="t", watermark="0s", name="fast").named("fast rows")
    run = wb.start(fast.union(slow).window("10s").agg(n=("sensor", "size")), paused=True)
    while run.metrics().rows < 4:
        run.step()
    union = next(operator for name, operator in run.graph.operators() if name == "union")
    assert pd.Timestamp(union.watermark) == DAY + pd.Timedelta(second, unit="s")
    assert run.held_back_by["union"] == ("slow rows" if idle is None else "fast rows")
    run.stop()


def test_with_the_clock_windows_close_while_no_rows_come():
    rows = frame([0, 3], "aa", came=[0, 3]).iloc[[0, 1, 1]].reset_index(drop=True)
    rows.loc[2, ["t", "came"]] = DAY + pd.Timedelta("1h")

    async def main(policy):
        clock = ManualClock()
        run = counted(rows, policy, arrival="came").start(clock=clock)
        for _ in range(3):
            await settle(clock)
            clock.advance("10s")
        await settle(clock)
        told = run.panes("n")
        versions = run.trace.version
        run.stop()
        return len(told), versions

    closed, told = asyncio.run(main(wb.BoundedOutOfOrderness("1s", advance_with_clock=True)))
    assert closed == 1
    assert told > asyncio.run(main(wb.BoundedOutOfOrderness("1s")))[1]


def test_simulated_rows_know_when_they_arrived():
    rows = wb.stream(
        Sensors(seed=7, devices=5),
        duration="20s",
        watermark=wb.BoundedOutOfOrderness("1s", by="device", idle="5s", max_ahead="0s"),
    )
    rejected = rows.rejected.to_pandas()
    assert (rejected.event_time > rejected.arrival_time).all()
    assert set(rejected.reason) <= {"more than 0s ahead of its arrival", "null event time"}
    panes = [rows.window("2s").agg(n=("device", "size")).to_pandas(batch_rows=size) for size in (17, 1_000)]
    finals = [each.drop_duplicates(["window_start"], keep="last") for each in panes]
    assert finals[0].n.tolist() == finals[1].n.tolist()


def test_a_hand_written_graph_takes_a_policy_and_says_when_it_lacks_the_time():
    rows = SKEWED.assign(came=SKEWED.t.cummax())
    source, out = streamz.Stream(), []
    policy = wb.BoundedOutOfOrderness("0s", by="sensor", idle="30s", max_ahead="1h")
    dated = source.watermark(policy, time="t", arrival="came")
    dated.window("10s", n=("sensor", "size")).sink(out.append)
    for row in range(len(rows)):
        source.emit(rows.iloc[row : row + 1])
    dated.end()
    described = counted(rows, policy, arrival="came").to_pandas(batch_rows=1)
    assert pd.concat(out).n.tolist() == described.n.tolist()
    with pytest.raises(DescriptionError) as caught:
        streamz.Stream().watermark(policy, time="t")
    assert caught.value.what.startswith("nobody knows when the rows of watermark arrive: BoundedOutOf")
    assert "a hand-written graph has no clock" in caught.value.detail
    assert "arrival='arrival_time'" in caught.value.hint


def test_at_once_idleness_makes_no_row_late_since_sources_are_read_in_turn():
    one = wb.stream(frame(range(0, 900, 5), "a" * 180), time="t", watermark=wb.Ascending(idle="30s"))
    two = wb.stream(frame(range(2, 900, 5), "b" * 180), time="t", watermark=wb.Ascending(idle="30s"))
    panes = one.union(two, idle="30s").window("10s").agg(n=("sensor", "size"))
    assert panes.late.to_pandas().empty
    assert panes.to_pandas().n.tolist() == [4] * 90


def test_a_door_says_where_each_partition_is():
    run = wb.start(counted(SKEWED, wb.Ascending(by="sensor", idle="1min")), paused=True, batch_rows=1)
    while run.metrics().rows < 5:
        run.step(to="batch")
    (door,) = [each for _, each in run.graph.operators() if hasattr(each, "parts")]
    latest = SKEWED.iloc[: run.metrics().rows].groupby("sensor")["t"].max()
    reached = {name: mark for name, (mark, _, _) in door.parts().items()}
    assert reached == {name: time.as_unit("ns").value for name, time in latest.items()}
    run.stop()
    whole = wb.start(counted(SKEWED, wb.Ascending()), paused=True)
    assert [each.parts() for _, each in whole.graph.operators() if hasattr(each, "parts")] == [{}]
    whole.stop()
