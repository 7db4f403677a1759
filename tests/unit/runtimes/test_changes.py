"""Changing a run: at once where that is exact, else as if it had always been so; and history knows."""

import asyncio
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from simulators import Ahead, Clickstream, Delivery, Sensors
from workbench.engine.door import Door
from workbench.engine.progress import Progress
from workbench.engine.windowed import window_operator
from workbench.errors import DescriptionError, RunError
from workbench.model.aggregates import Aggregate
from workbench.runtimes.run import Run
from workbench.testing.clock import ManualClock

SECOND = 1_000_000_000
START, LATER = pd.Timestamp("2026-01-05T09:00"), pd.Timestamp("2026-01-06")


def paused(streams, **options):
    return Run(streams, clock=ManualClock(), **options)


def steps(run, count):
    for _ in range(count):
        run.step()
        run._clock.advance(0.4)  # wall time, so that checkpoints are due


def told(run, result):
    """All that has come out of a result, and what was late."""
    return run.trace.results[result].frame().reset_index(drop=True), run.trace.late.frame()


def assert_same(one, other):
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right)


# what the engine does at a change, against row by row


def disordered(seed, count=700):
    """Event times, in seconds, that go on and jump back, some far."""
    rng = np.random.default_rng(seed)
    return (
        np.arange(count) - rng.integers(0, 12, count) - rng.integers(0, 90, count) * (rng.random(count) < 0.1)
    )


PHASES = [(0, 5, 0), (140, 20, 30), (280, 2, 30), (420, 2, 5), (560, 15, 60)]
"""From which row on: the bound, and the lateness."""


def oracle(times, windows_of, phases):
    """Say which rows each window takes, and which are late for all; what has expired once stays so."""
    greatest = expired = -(10**9)
    taken, late = defaultdict(list), []
    for row, time in enumerate(times.tolist()):
        before = [phase for phase in phases if phase[0] < row] or phases[:1]
        expired = max(expired, greatest - before[-1][2])
        _, bound, lateness = [phase for phase in phases if phase[0] <= row][-1]
        expired = max(expired, greatest - lateness)
        open_for_it = [(start, end) for start, end in windows_of(time) if end > expired]
        for window in open_for_it:
            taken[window].append(row)
        if not open_for_it:
            late.append(row)
        greatest = max(greatest, time - bound)
    return dict(taken), late


def sessions_oracle(times, gap, phases):
    """The same for sessions, of one key."""
    greatest = expired = -(10**9)
    held, gone, late = [], [], []
    for row, time in enumerate(times.tolist()):
        before = [phase for phase in phases if phase[0] < row] or phases[:1]
        _, bound, lateness = [phase for phase in phases if phase[0] <= row][-1]
        expired = max(expired, greatest - before[-1][2], greatest - lateness)
        gone += [each for each in held if each[1] <= expired]
        held = [each for each in held if each[1] > expired]
        touched = [each for each in held if each[0] <= time + gap and time <= each[1]]
        if touched or time + gap > expired:
            held = [each for each in held if each not in touched]
            begin = min([time, *(each[0] for each in touched)])
            end = max([time + gap, *(each[1] for each in touched)])
            held.append((begin, end, sorted([row, *(one for each in touched for one in each[2])])))
        else:
            late.append(row)
        greatest = max(greatest, time - bound)
    return {(start, end): rows for start, end, rows in gone + held}, late


def tumbling(time):
    return [(time // 10 * 10, time // 10 * 10 + 10)]


def sliding(time):
    last = time // 4 * 4
    return [(start, start + 10) for start in range(last - 8, last + 1, 4) if start <= time < start + 10]


WINDOWS = {
    "tumbling": (wb.Tumbling("10s"), {}),
    "sliding": (wb.Sliding("10s", "4s"), {}),
    "triggered": (
        wb.Sliding("10s", "4s"),
        {"trigger": wb.AfterWatermark(early=wb.AfterCount(2), late=wb.AfterCount(1))},
    ),
    "session": (wb.Session("2s"), {}),
}


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("size", [1, 7, 140])
@pytest.mark.parametrize("seed", range(4))
def test_bound_and_lateness_change_from_a_row_on(kind, size, seed):
    times = disordered(seed)
    window, options = WINDOWS[kind]
    operator = window_operator(
        window=window,
        aggregates=(Aggregate("rows", "row", "size"), Aggregate("sum", "row", "sum")),
        lateness=PHASES[0][2] * SECOND,
        **options,
    )
    progress = Progress(PHASES[0][1] * SECOND)
    panes, late = [], []
    for first in range(0, len(times), size):
        for row, bound, lateness in PHASES:
            if row == first:
                progress.bound = bound * SECOND
                operator.change_lateness(lateness * SECOND)
        stamp = progress.stamp(times[first : first + size] * SECOND)
        frame = pd.DataFrame({"row": np.arange(first, first + len(stamp.times))})
        frame.index = pd.RangeIndex(stamp.first, stamp.first + len(frame))
        output = operator.process(frame, stamp)
        panes.append(output.panes)
        late += output.late.row.tolist()
    end = progress.end()
    panes.append(operator.process(pd.DataFrame({"row": np.zeros(0, int)}), end).panes)
    if kind == "session":
        taken, too_late = sessions_oracle(times, 2, PHASES)
    else:
        taken, too_late = oracle(times, tumbling if kind == "tumbling" else sliding, PHASES)
    last = pd.concat(panes).drop_duplicates(["window_start", "window_end"], keep="last")
    seconds = [(last[name].astype("int64") // SECOND).tolist() for name in ("window_start", "window_end")]
    found = dict(zip(zip(*seconds, strict=True), zip(last.rows, last["sum"], strict=True), strict=True))
    wanted = {window: (len(rows), sum(rows)) for window, rows in taken.items()}
    if kind == "session":  # one that has grown or merged has told of what it was before
        found = {window: found.get(window) for window in wanted}
    assert found == wanted
    assert late == too_late
    assert len(late) > 3
    assert operator.size == 0


def test_a_longer_bound_makes_the_watermark_stand_until_it_is_reached():
    rows = pd.DataFrame({"t": pd.to_datetime([50, 60, 70, 80, 90], unit="s")})
    run = paused({"rows": wb.stream(rows, time="t", watermark="5s")}, speed="max", batch_rows=1)
    marks = []
    for change in (None, None, "20s", None, "1s"):
        if change:
            assert repr(run.change(bound=change)) == f"bound {change}: at once"
        run.step()
        marks.append(run.watermark // SECOND)
    assert marks == [45, 55, 55, 60, 89]
    assert "BoundedOutOfOrderness('1s')" in run.streams["rows"].explain()


def test_the_bound_is_of_all_sources_or_of_one_by_its_name():
    one = wb.stream(Sensors(seed=1), watermark="1s", name="one")
    other = wb.stream(Sensors(seed=2), watermark=wb.Ascending(by="device", idle="3s"), name="other")
    run = paused({"rows": one.union(other)})

    def bounds():
        doors = [operator for _, operator in run.graph.operators() if isinstance(operator, Door)]
        return [operator.progress.bound // SECOND for operator in doors]

    run.change(bound={"other": "5s"})
    assert sorted(bounds()) == [1, 5]
    run.change(bound=7)
    assert bounds() == [7, 7]
    assert "BoundedOutOfOrderness('7s', by='device', idle='3s')" in run.streams["rows"].explain()


# history


def traffic(lateness="2s", window="5s"):
    clicks = Clickstream(seed=7, sessions_per_second=20, delivery=Delivery.web())
    return (
        wb.stream(clicks, watermark="1s")
        .groupby("action")
        .window(window, lateness=lateness)
        .agg(n=("event_id", "size"))
    )


CHANGES = {
    "bound": {"bound": "4s"},
    "shorter": {"lateness": 0},
    "longer": {"lateness": "20s"},
    "rate": {"rate": 300},
    "road": {"delivery": "mobile", "disorder": "3s", "faults": {"loss": 0.2}},
}


@pytest.mark.parametrize("speed", [10, "max"])
@pytest.mark.parametrize("kind", CHANGES)
def test_going_back_over_a_change_gives_what_there_was(kind, speed):
    run = paused({"n": traffic()}, speed=speed, batch_rows=700)
    marks = {}

    def go(count):
        for _ in range(count):
            steps(run, 1)
            marks[run.now] = told(run, "n")

    go(12)
    before = run.now
    run.change(**CHANGES[kind])
    go(12)
    last, after = run.now, sorted(marks)[18]
    run.rewind(to=pd.Timestamp(after, unit="ns"))
    assert_same(told(run, "n"), marks[after])
    while run.now < last:
        steps(run, 1)
        assert_same(told(run, "n"), marks[run.now])
    run.rewind(to=pd.Timestamp(before, unit="ns"))
    assert_same(told(run, "n"), marks[before])


@pytest.mark.parametrize("kind", CHANGES)
def test_going_on_from_before_a_change_takes_the_way_of_the_change(kind):
    run, other = (paused({"n": traffic()}, speed=10) for _ in range(2))
    steps(run, 20)
    run.change(**CHANGES[kind])
    steps(run, 10)
    run.rewind("15s")
    while other.now < run.now:
        steps(other, 1)
    if kind == "rate":  # which is as many times as many as there were when it was changed
        source = run.graph.sources["clickstream"][0].source.simulator.after
        other.change(source=source)
    else:
        other.change(**CHANGES[kind])
    for each in (run, other):
        steps(each, 40)
    assert_same(told(run, "n"), told(other, "n"))
    assert len(told(run, "n")[0]) > 40


# beginning again


@pytest.mark.parametrize("window", ["3s", wb.Sliding("10s", "5s"), wb.Session("4s")])
@pytest.mark.parametrize("speed", [10, "max"])
def test_another_window_is_as_if_it_had_always_been_so(window, speed):
    run = paused({"n": traffic()}, speed=speed, batch_rows=700)
    steps(run, 30)
    now, trace = run.now, run.trace
    change = run.change(window=window, lateness=0)
    assert change.how == "restarted"
    assert (run.now, run.status, run.speed, run.trace) == (now, "paused", speed, trace)
    other = at_once(traffic(window=window, lateness=0), now)
    pd.testing.assert_frame_equal(run.panes("n"), other.panes("n"))
    assert run.metrics().rows == other.metrics().rows > 1_000
    assert run.watermark == other.watermark
    assert run.open_panes("n").n.sum() > 0
    run.rewind("4s")  # there is a past again
    reached = run._history.turns[-1].moment
    assert now - 10 * SECOND < reached <= run.now == now - 4 * SECOND
    other = at_once(traffic(window=window, lateness=0), reached)
    pd.testing.assert_frame_equal(run.panes("n"), other.panes("n"))
    assert len(run.panes("n")) > 5


def at_once(stream, moment):
    """A run that has read all up to a moment in one batch."""
    run = paused({"n": stream}, batch_rows=1_000_000)
    run.speed = (moment - run.now) / SECOND / 0.1
    return run.step()


def test_what_was_attached_is_named_and_gone_and_those_who_look_go_on():
    run = paused({"n": traffic()}, speed=10)
    seen = []
    run["n"].sink(seen.append)
    plane = run.graph.plane("n")
    plane.watch({"action": "view"})
    steps(run, 10)
    version, count = plane.version, len(seen)
    change = run.change(window="2s", lateness="1s")
    assert repr(change) == "window 2s, lateness 1s: restarted, without what was attached: sink"
    assert run.graph.plane("n") is plane
    assert plane.version > version
    assert plane.window == wb.Tumbling("2s")
    steps(run, 20)
    assert len(seen) == count
    assert run.ledger().balanced.dropna().all()


def test_a_run_that_goes_catches_up_without_standing_in_the_way():
    async def main():
        clock = ManualClock()
        run = wb.start(n=traffic(), speed=10, clock=clock)
        for _ in range(30):
            await asyncio.sleep(0)
            clock.advance("100ms")
        await asyncio.sleep(0)
        goal, rows = run.now, run.metrics().rows
        run.change(window="2s")
        assert run.metrics().rows < rows  # nothing has been read yet
        while run._way is not None:
            await asyncio.sleep(0)
            clock.advance("1ms")
        assert run.status == "running"
        assert goal <= run.now < goal + 10 * SECOND
        panes = run.panes("n")
        run.stop()
        other = at_once(traffic(window="2s"), goal)
        early = panes[panes.window_end <= START + pd.Timedelta(goal - 10 * SECOND - START.value)]
        early, wanted = (each.drop(columns="revision") for each in (early, other.panes("n")))
        pd.testing.assert_frame_equal(early, wanted.iloc[: len(early)])
        assert len(early) > 10

    asyncio.run(main())


def test_a_run_on_another_thread_is_changed_between_two_batches():
    run = wb.start(n=traffic(), speed="max")
    changes = [run.change(bound=f"{bound}s") for bound in range(1, 30)]
    changes.append(run.change(window="2s"))
    assert {change.how for change in changes} == {"at once", "restarted"}
    assert run.status == "running"
    run.stop()
    assert run.errors == []


# sources


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("batch_rows", [50, 700])
@pytest.mark.parametrize("speed", [10, "max"])
def test_another_simulator_makes_what_happens_from_now_on(seed, batch_rows, speed):
    road = replace(Delivery.mobile(), cap="1min", duplicates=0.2, loss=0.1)
    slow = Sensors(seed=seed, devices=8, hertz=5, delivery=road)
    fast = Sensors(seed=seed + 100, devices=8, hertz=20, delivery=Delivery.iot())
    rows = wb.stream(slow, watermark="1s", duration="3min").query("event_id >= 0")
    run = paused({"rows": rows}, speed=speed, batch_rows=batch_rows)
    steps(run, 7)
    run.change(source=fast)
    at = run.graph.sources["sensors"][0].source.simulator.at
    assert at - pd.Timestamp(run.now, unit="ns") <= pd.Timedelta("1us")
    while not run.over:
        run.step()
    found = run.trace.results["rows"]
    assert found.total < found.keep
    found = found.frame()
    wanted = pd.concat([born(slow, before=at), born(fast, since=at)])
    columns = [name for name in found if name != "event_id"]
    order = ["arrival_time", "event_time", "device", "temperature"]
    pd.testing.assert_frame_equal(
        found[columns].sort_values(order, ignore_index=True),
        wanted[columns].sort_values(order, ignore_index=True),
    )
    assert found.arrival_time.is_monotonic_increasing
    assert found.groupby("event_id").event_time.nunique().max() == 1  # no id for two events


def born(simulator, *, since=START, before=LATER):
    """What arrives within three minutes of the events that happened, in truth, between two moments."""
    blocks = range(18)
    events = pd.concat([simulator.block_events(i) for i in blocks])
    ids = events.event_id[(events.event_time >= since) & (events.event_time < before)]
    arrivals = pd.concat([simulator.block_arrivals(i) for i in blocks])
    return arrivals[arrivals.event_id.isin(ids)]


def test_dials_are_turned_one_after_the_other_and_what_is_made_ahead_too():
    run = paused({"rows": wb.stream(Ahead(Sensors(seed=7)), watermark="1s")}, speed=10)
    steps(run, 5)
    run.change(rate=500)
    run.change(disorder="3s", late=0.1)
    steps(run, 5)
    run.change(faults={"outage": True, "loss": 0.2})
    source = run.graph.sources["sensors"][0].source.simulator
    assert isinstance(source, Ahead)
    last = source._simulator.after
    assert last.hertz == pytest.approx(10 * 500 / 157, rel=0.1)
    assert (last.delivery.tail, last.delivery.loss) == (0.1, 0.2)
    assert [fault.by for fault in last.delivery.faults] == [pd.Timedelta("3s")]
    # the first two were at one moment: nothing of what was between them is kept
    assert source._simulator.before.before == Sensors(seed=7)


def test_the_rate_is_the_one_that_was_asked_for():
    run = paused({"rows": wb.stream(Sensors(seed=7, delivery=Delivery.ideal()), watermark="1s")}, speed=10)
    steps(run, 20)
    before = run.metrics().rows
    run.change(rate=40)
    steps(run, 50)
    assert (run.metrics().rows - before) / 50 == pytest.approx(40, rel=0.05)


# what cannot be


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"keys": "a"},
            "a run has no 'keys' to change\nHint: what can be changed: bound, lateness, window, source, "
            "rate, delivery, disorder, late, faults; and run.speed = 10",
        ),
        ({"bound": {"other": 1}}, "'other' has no bound\nHint: there are 'clickstream'"),
        ({"lateness": {"m": 1}}, "'m' has no lateness\nHint: there are 'n'"),
        ({"bound": "soon"}, "not a duration: 'soon'"),
        ({"window": "0s"}, "the size of a window must be more than zero"),
        ({"window": wb.Count(5)}, "Count(5) has no lateness\nDetail: no row is ever late for it"),
        ({"rate": -5}, "rate is -5\nDetail: it counts events a second"),
        ({"delivery": "pigeon"}, "there is no delivery 'pigeon'"),
        ({"faults": {"fire": True}}, "there is no fault 'fire'"),
        ({"late": 2}, "late is 2\nDetail: late is a share"),
        ({"source": Sensors()}, "Sensors cannot follow Clickstream\nDetail: They differ in block"),
        (
            {"source": Clickstream(start="2026-01-06")},
            "Clickstream cannot follow Clickstream\nDetail: They differ in start",
        ),
    ],
)
def test_errors_teach_and_nothing_is_changed(wanted, message):
    run = paused({"n": traffic()})
    streams, graph = run.streams, run.graph
    with pytest.raises(DescriptionError) as caught:
        run.change(**wanted)
    assert str(caught.value).startswith(message)
    assert (run.streams, run.graph) == (streams, graph)


def test_what_stands_in_the_way_is_said():
    marks = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "mark": pd.to_datetime([1], unit="s")})
    punctuated = paused({"rows": wb.stream(marks, time="t", watermark=wb.Punctuated("mark"))})
    with pytest.raises(DescriptionError, match=r"Punctuated\('mark'\) has no bound"):
        punctuated.change(bound="1s")
    with pytest.raises(DescriptionError, match="there is no window to change"):
        punctuated.change(window="1s")
    with pytest.raises(DescriptionError, match="rate is of one simulator, but 0 are being read\nHint: read"):
        punctuated.change(rate=5)
    counted = traffic(lateness=0)
    twice = paused({"most": counted.window("10s").agg(most=("n", "max"))})
    with pytest.raises(DescriptionError, match=r"most cannot follow 'n'(.|\n)*\.final\(\)"):
        twice.change(lateness={"n": "5s"})
    assert repr(twice.change(lateness={"most": "5s"})) == "lateness most 5s: at once"
    twice.stop()
    with pytest.raises(RunError, match="a run that is stopped cannot be changed"):
        twice.change(bound="1s")


def test_not_in_the_middle_of_a_batch():
    run = paused({"n": traffic()}, speed=10)
    caught = []

    def change(panes):
        try:
            run.change(bound="9s")
        except RunError as error:
            caught.append(str(error))

    run["n"].sink(change)
    steps(run, 20)
    assert caught[0].startswith("a run cannot be changed in the middle of a batch")
    assert run.errors == []


def test_a_description_that_runs_is_found_though_it_was_changed():
    panes = traffic()
    run = paused({"n": panes})
    run.change(window="2s")
    assert run.described["n"] is panes
    assert run.streams["n"] is not panes
    assert run.streams["n"].step.window == wb.Tumbling("2s")
