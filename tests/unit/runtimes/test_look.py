"""Looking: what views show may be a moment before, or some keys only; and how far a run has come."""

import asyncio

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from simulators import Clickstream
from workbench.errors import SchemaError
from workbench.runtimes.course import Course
from workbench.runtimes.trace import LEAST, MOST_MARKS, Record, Trace
from workbench.testing.clock import ManualClock

START = pd.Timestamp("2026-01-05 09:00", tz="UTC")


@pytest.fixture
def traffic():
    clicks = wb.stream(Clickstream(seed=3), watermark="2s", duration="3min")
    return clicks.groupby("country").window("10s", lateness="5s").agg(events=("event_id", "size"))


async def stepped(stream, **options):
    run = stream.start(paused=True, clock=ManualClock(START), **options)
    run.task.cancel()
    return run


def test_looking_back_shows_what_had_come_out_by_then(traffic):
    async def main():
        run = await stepped(traffic)
        told = {}
        for _ in range(400):
            run.step()
            told[run.now] = (run.panes("events"), run.metrics())
        for moment, (panes, metrics) in list(told.items())[::37]:
            run.look(at=moment)
            pd.testing.assert_frame_equal(run.seen("events"), panes.reset_index(drop=True), check_freq=False)
            then = run.metrics()
            assert (then.rows, then.late, then.watermark) == (metrics.rows, metrics.late, metrics.watermark)
        assert run.look(at=START - pd.Timedelta("1s")).seen("events").empty
        assert run.metrics().rows == 0
        assert run.look().metrics().rows == max(metrics.rows for _, metrics in told.values())
        assert len(run.seen("events")) == len(run.panes("events")) + len(run.open_panes("events"))

    asyncio.run(main())


def test_a_view_may_be_of_some_keys_only_and_the_run_is_not(traffic):
    async def main():
        run = await stepped(traffic)
        for _ in range(200):
            run.step()
        everything = run.seen("events")
        run.look(only={"country": ["DE", "FR"]})
        some = run.seen("events")
        assert set(some.country) == {"DE", "FR"}
        assert some.events.sum() == everything[everything.country.isin(["DE", "FR"])].events.sum()
        assert len(run.panes("events").country.unique()) > 2
        without = some.drop(columns="country")
        assert run.lens.filtered(without) is without
        with pytest.raises(
            SchemaError, match=r"'contry' \(for what is shown\)\n(.*\n)*Hint: did you mean 'country'"
        ):
            run.look(only={"contry": ["DE"]})
        assert set(run.seen("events").country) == {"DE", "FR"}

    asyncio.run(main())


def test_whoever_looks_is_told_when_there_is_another_thing_to_be_seen(traffic):
    async def main():
        run = await stepped(traffic)
        before = run.trace.version
        run.look(at=START)
        assert run.trace.version > before

    asyncio.run(main())


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.data())
def test_a_record_gives_any_beginning_of_it_as_far_as_it_is_kept(sizes, data):
    record, rows = Record(keep=200), []
    for size in sizes:
        rows += range(len(rows), len(rows) + size)
        record.append(pd.DataFrame({"v": rows[-size:]}))
    total = data.draw(st.integers(0, record.total))
    last = data.draw(st.integers(0, 50))
    kept = record.frame().v.tolist()
    right = [value for value in rows[:total] if value >= kept[0]]
    for wanted, told in (
        (right, record.until(total)),
        (right[max(0, len(right) - last) :], record.until(total, last)),
    ):
        assert (pd.concat(told).v.tolist() if told else []) == wanted


@given(st.lists(st.integers(1, 300), min_size=1, max_size=30), st.data())
def test_a_record_forgets_only_what_it_is_told_to_and_never_the_last(sizes, data):
    record, rows, forgotten = Record(keep=100_000), [], 0
    for size in sizes:
        for _ in range(3):  # so that many frames are put together
            rows += range(len(rows), len(rows) + size)
            record.append(pd.DataFrame({"v": rows[-size:]}))
        forgotten = max(forgotten, min(data.draw(st.integers(0, record.total)), record.total - LEAST))
        record.forget(forgotten)
        kept = record.frame().v.tolist()
        assert kept == rows[-len(kept) :]
        assert len(kept) >= min(LEAST, len(rows))
        assert kept[0] <= forgotten
        if data.draw(st.booleans()):
            assert record.together().v.tolist() == record.frame().v.tolist() == kept
    for _ in range(2 * Record._LOOSE + 1):
        rows.append(len(rows))
        record.append(pd.DataFrame({"v": rows[-1:]}))
    assert record.frame().v.tolist()[0] in (forgotten, kept[0])


def test_what_came_out_long_ago_is_forgotten_with_its_marks():
    trace = Trace(["n"], keep_for=900)
    for moment in range(3_000):
        trace.results["n"].append(pd.DataFrame({"v": [moment, moment, moment]}))
        trace.mark(moment, moment - 5)
    assert trace.marks[0].moment == 2_999 - 900
    assert trace.at(2_999 - 901) is None
    kept = trace.results["n"].frame().v.tolist()
    assert 2_700 <= len(kept) <= 2_700 + 3 * 2 * Record._LOOSE
    assert kept == [moment for moment in range(3_000) for _ in range(3)][-len(kept) :]


def test_of_a_long_run_marks_are_kept_further_apart():
    trace = Trace(["n"])
    for moment in range(3 * MOST_MARKS):
        trace.counters.arrived += 1
        trace.mark(moment, moment - 5)
    assert len(trace.marks) <= MOST_MARKS
    assert trace.at(trace.marks[-1].moment - 1).counters.arrived == 3 * MOST_MARKS - 1
    for moment in range(0, 3 * MOST_MARKS, 97):
        mark = trace.at(moment)
        assert 0 <= moment - mark.moment <= (3 * MOST_MARKS - moment) / 20
        assert mark.counters.arrived == mark.moment + 1


def test_a_bounded_run_says_how_far_it_is_and_how_long_it_takes(traffic):
    async def main():
        clock = ManualClock(START)
        run = traffic.start(paused=True, clock=clock, speed=10)
        run.task.cancel()
        assert run.metrics().share is None
        run.resume()
        for _ in range(40):
            clock.advance("100ms")
            run._turn()
        metrics = run.metrics()
        assert metrics.share == pytest.approx(40 / 180, abs=0.01)
        assert metrics.left.total_seconds() == pytest.approx(14, abs=1)
        assert metrics.uptime == pd.Timedelta("4s")
        while not run.over:
            clock.advance("1s")
            run._turn()
        clock.advance("1h")
        metrics = run.metrics()
        assert (metrics.share, metrics.left) == (1.0, None)
        assert metrics.uptime < pd.Timedelta("1min")

    asyncio.run(main())


def test_a_run_without_end_knows_no_share():
    course = Course(ManualClock())
    course.mark(5, [0.5, None])
    assert course.share is None
    assert course.left is None


def test_a_frame_knows_what_is_under_way():
    times = pd.to_datetime([5, 50, 65, 8, None, 90], unit="s")
    reader = wb.stream(pd.DataFrame({"t": times}), time="t", watermark=0).step.upstreams[0].source.reader()
    second = 1_000_000_000
    assert (reader.pending(60 * second) // second).tolist() == [[8], [65]]
    assert reader.pending(7 * second).shape == (2, 0)
    assert reader.pending(66 * second).shape == (2, 0)
    assert reader.pending(8 * second).shape == (2, 1)
    reader.poll(None, 100)
    assert reader.pending(1_000 * second).shape == (2, 0)


def test_a_time_plane_is_veiled_after_the_moment_that_is_looked_at(traffic):
    async def main():
        run = await stepped(traffic)
        for _ in range(100):
            run.step()
        plane = run.timeplane("events", last="10s", ahead=False)
        assert plane.scene()["at"] is None
        before = plane.version
        run.look(at=run.now - 5 * 10**9)
        assert plane.scene()["at"] == pytest.approx(500, abs=20)
        assert plane.version != before
        run.look(at=START - pd.Timedelta("1h"))
        assert plane.scene()["at"] == 0

    asyncio.run(main())
