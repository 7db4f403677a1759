"""The driver, on a clock under the test's control."""

import asyncio

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError, RunError, StepError
from workbench.runtimes.pace import Pace
from workbench.testing.clock import ManualClock

FRAME = pd.DataFrame(
    {
        "t": pd.to_datetime("2026-01-05 09:00") + pd.to_timedelta([0, 1, 2, 3, 30, 61, 62, 10], unit="s"),
        "k": list("abababab"),
        "v": [1, 2, 3, 4, 5, 6, 7, 8],
    }
)


@pytest.fixture
def rows():
    return wb.stream(FRAME, time="t", watermark="0s")


@pytest.fixture
def panes(rows):
    return rows.groupby("k").window("1min").agg(total=("v", "sum"))


async def settle(clock, *, sleepers=1):
    """Give the loop control until the driver waits for the clock again."""
    for _ in range(1_000):
        await asyncio.sleep(0)
        if clock.sleepers >= sleepers:
            return
    raise AssertionError("the driver never came to wait")


def test_processing_time_goes_at_its_speed_and_stands_still_in_a_pause():
    clock = ManualClock()
    pace = Pace(clock, 0, 10)
    clock.advance("1s")
    assert pace.now() == 0
    pace.go()
    clock.advance("1s")
    assert pace.now() == 10_000_000_000
    pace.speed = 2
    clock.advance("1s")
    assert pace.now() == 12_000_000_000
    pace.halt()
    clock.advance("1s")
    assert pace.now() == 12_000_000_000


@pytest.mark.parametrize(("speed", "seconds"), [(1, [3, 27, 31, 1]), (10, [0.3, 2.7, 3.1, 0.1])])
def test_rows_arrive_when_their_time_has_come(panes, speed, seconds):
    async def main():
        clock = ManualClock()
        run = panes.start(clock=clock, speed=speed)
        arrived = []
        for pause in seconds:
            await settle(clock)
            clock.advance(pause)
            await settle(clock)
            arrived.append(run.metrics().rows)
        run.stop()
        return arrived

    # a row is taken when processing time has passed its arrival: after 3 s those of seconds 0, 1 and 2
    assert asyncio.run(main()) == [3, 4, 5, 6]


def test_a_pause_holds_the_source_and_a_step_lets_one_batch_through(panes):
    async def main():
        clock = ManualClock()
        run = panes.start(clock=clock, paused=True)
        clock.advance("1h")
        await asyncio.sleep(0)
        counts = [run.metrics().rows, *(run.step().metrics().rows for _ in range(3))]
        run.resume()
        assert run.status == "running"
        with pytest.raises(RunError, match="only a paused run"):
            run.step()
        await settle(clock)
        for _ in range(2):  # to read the rest, and to find that there is no more
            clock.advance("2min")
            await settle(clock) if not run.over else None
        await run.finished()
        return counts, run

    counts, run = asyncio.run(main())
    assert counts == [0, 1, 2, 3]
    assert run.status == "finished"
    assert run.metrics().rows == len(FRAME)


def test_the_live_answer_is_the_batch_answer(rows, panes):
    run = wb.start(panes, late=panes.late, speed="max", batch_rows=2).wait(10)
    pd.testing.assert_frame_equal(run.panes("total"), panes.to_pandas().drop(columns=[]), check_like=True)
    pd.testing.assert_frame_equal(run.trace.results["late"].frame(), panes.late.to_pandas())
    metrics = run.metrics()
    assert (metrics.rows, metrics.late, metrics.rejected, metrics.state) == (8, 1, 0, 0)
    assert run.positions == {"frame": (8,)}


def test_an_error_ends_the_run_names_the_step_and_holds_the_rows(rows, panes, capsys):
    bad = rows.assign(w=lambda frame: [1 / (v - 3) for v in frame.v]).named("ratio")
    run = wb.start(bad=bad.window("1min").agg(n=("w", "size")), good=panes, speed="max")
    with pytest.raises(StepError, match="step 'ratio' raised ZeroDivisionError") as caught:
        run.wait(10)
    assert caught.value.rows.v.tolist() == [3]
    assert run.status == "failed"
    assert run.positions == {}
    assert run not in wb.runs()
    # the sibling had the batch all the same
    assert run.trace.results["good"].total > 0
    assert "failed: step 'ratio'" in capsys.readouterr().err
    with pytest.raises(RunError, match="failed cannot be resumed"):
        run.resume()


def test_rows_for_which_a_function_raises_can_be_set_aside(rows, panes):
    bad = rows.assign(w=lambda frame: [1 / (v - 3) for v in frame.v]).named("ratio")
    counted = bad.window("1min").agg(n=("w", "size"))
    run = wb.start(counted, good=panes, speed="max", on_error="reject").wait(10)
    rejected = run.trace.rejected.frame()
    assert rejected.v.tolist() == [3]
    assert rejected.reason.tolist() == ["ratio: ZeroDivisionError: division by zero"]
    assert run.panes("n").n.sum() + run.metrics().rejected + run.trace.late.frame().result.eq("n").sum() == 8


def test_an_error_of_an_attached_operator_ends_the_run_too(panes):
    run = wb.start(panes, speed="max", paused=True)
    run["watermark"].map(lambda frame: frame.nothing).sink(print)
    with pytest.raises(StepError, match="nothing"):
        run.resume().wait(10)
    assert run.trace.results["total"].total > 0


def test_a_source_that_dies_does_not_look_alive(panes):
    class Dying:
        name, schema = "dying", panes.step.upstreams[0].schema
        reached, position = 0, (0,)

        def reader(self):
            return self

        def poll(self, until, rows):
            raise ConnectionError("gone")

    run = wb.stream(Dying(), watermark="0s").window("1min").agg(n=("v", "size")).start()
    with pytest.raises(StepError, match="step 'dying' raised ConnectionError: gone"):
        run.wait(10)


def test_a_slow_consumer_holds_the_source(panes):
    async def main():
        run = wb.start(panes, speed="max", batch_rows=1, paused=True)
        gate = asyncio.Event()
        seen = []

        async def consume(frame):
            seen.append(len(frame))
            await gate.wait()

        run["watermark"].sink(consume)
        run.resume()
        for _ in range(50):
            await asyncio.sleep(0)
        held = run.metrics().rows
        gate.set()
        await run.finished()
        return held, run.metrics().rows

    assert asyncio.run(main()) == (1, len(FRAME))


def test_count_windows_may_share_their_bounds(rows):
    same = wb.stream(FRAME.assign(t=FRAME.t[0]), time="t", watermark="0s")
    run = wb.start(same.window(wb.Count(2)).agg(total=("v", "sum")), speed="max").wait(10)
    assert run.panes("total").total.tolist() == [3, 7, 11, 15]
    assert run.panes("total", rows=1).total.tolist() == [15]


def test_what_cannot_be_run_is_refused(panes):
    with pytest.raises(DescriptionError, match="not a speed: 'fast'"):
        panes.start(speed="fast")
    with pytest.raises(DescriptionError, match="not a speed: 0"):
        panes.start(speed=0)
    with pytest.raises(DescriptionError, match="on_error cannot be 'ignore'"):
        panes.start(on_error="ignore")
    with pytest.raises(DescriptionError, match="two results have the same name: total, total"):
        wb.start(panes, panes.query("total > 1").named("total"))
    with pytest.raises(DescriptionError, match="nothing to run"):
        wb.start()


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (
            lambda s: s.start(batch_rows=0),
            "batch_rows is 0\nDetail: it is a number of rows, and at least one",
        ),
        (lambda s: s.start(batch_rows=2.5), "batch_rows is 2.5\n"),
        (lambda s: s.start(keep=0), "keep is 0\n"),
        (lambda s: s.to_pandas(batch_rows=0), "batch_rows is 0\n"),
        (lambda s: s.ledger(batch_rows=-5), "batch_rows is -5\n"),
        (
            lambda s: s.start(speeed=1),
            "a run has no option 'speeed', and a result of that name is no int\n"
            "Detail: there are the options speed, on_error, clock, paused, batch_rows, name, past, "
            "keep, keep_for; all else names results\nHint: did you mean 'speed'?",
        ),
        (
            lambda s: wb.start(orders=FRAME),
            "a run has no option 'orders', and a result of that name is no Data",
        ),
        (lambda s: wb.start(s.window("1min")), "a run is of streams, but got Windowed\nHint: say first what"),
        (lambda s: wb.start(FRAME), "a run is of streams, but got DataFrame\nHint: make a stream"),
    ],
)
def test_options_are_checked_before_anything_runs(panes, start, text):
    with pytest.raises(DescriptionError) as caught:
        start(panes)
    assert str(caught.value).startswith(text)
    assert not wb.runs()


def test_a_result_that_there_is_not_is_told_with_those_that_there_are(panes):
    run = panes.start(speed="max").wait(10)
    for ask in (run.panes, run.seen, run.open_panes, run.explain):
        with pytest.raises(RunError, match="no result called 'totl'\nDetail: there are total"):
            ask("totl")
    with pytest.raises(RunError, match="no result called 'totl'"):
        run.look(at="2026-01-05 09:00:30").seen("totl")


def test_before_the_first_pane_there_are_its_columns(panes):
    run = panes.start(paused=True)
    for seen in (run.panes("total"), run.seen("total")):
        assert seen.empty and tuple(seen.columns) == panes.columns
    run.stop()


def test_waiting_on_the_loop_that_drives_is_refused(panes):
    async def main():
        run = panes.start(speed="max")
        with pytest.raises(RunError, match=r"await run\.finished"):
            run.wait()
        await run.finished()

    asyncio.run(main())


def test_stop_all_stops_what_is_running(panes):
    run = panes.start(speed=0.001)
    assert run in wb.runs()
    wb.stop_all()
    assert run.status == "stopped"
    assert wb.runs() == []
    assert "stopped" in repr(run)


def test_the_same_cell_run_again_replaces_its_run(panes, monkeypatch):
    from workbench.runtimes import registry

    execution = iter([("cell", "first"), ("cell", "first"), ("cell", "second"), ("other", "third")])
    monkeypatch.setattr(registry, "cell_in_execution", lambda: next(execution))
    one, two = panes.start(paused=True), panes.start(paused=True)
    assert not one.over
    again, other = panes.start(paused=True), panes.start(paused=True)
    assert (one.status, two.status, again.status, other.status) == ("stopped", "stopped", "paused", "paused")
    wb.stop_all()


def test_how_long_a_run_has_been_held_and_how_far_it_is_behind(panes):
    async def main():
        clock = ManualClock()
        run = panes.start(speed=10, clock=clock, batch_rows=2)
        await settle(clock)
        clock.advance("2s")
        assert run.course.since == pd.Timedelta("2s")
        assert run.behind == 20_000_000_000  # of processing time, of which nothing has been read
        run.pause()
        clock.advance("3s")
        assert run.course.since == pd.Timedelta("3s")
        run.stop()
        assert run.course.since == pd.Timedelta(0)

    asyncio.run(main())


def test_a_run_is_looked_at_as_often_as_is_said(panes):
    async def main(tick):
        clock = ManualClock()
        run = panes.start(clock=clock)
        run.tick = tick
        await settle(clock)
        clock.advance(run.tick)
        await settle(clock)
        asleep = min(moment for moment, _, future in clock._sleeping if not future.done()) - clock.now()
        run.stop()
        return asleep

    assert asyncio.run(main(0.5)) == 500_000_000
    assert asyncio.run(main(0.25)) == 250_000_000


def test_a_turn_that_comes_late_does_not_put_off_the_next(panes):
    async def main(late):
        clock = ManualClock()
        run = panes.start(clock=clock)
        run.tick = 1.0
        await settle(clock)
        clock.advance(late)
        await settle(clock)
        asleep = min(moment for moment, _, future in clock._sleeping if not future.done()) - clock.now()
        run.stop()
        return asleep

    assert asyncio.run(main("1250ms")) == 750_000_000
    assert asyncio.run(main("1h")) == 1_000_000_000  # what has been missed is not made up for
