"""What the record of the time plane tells besides: other bounds and policies, rows under way, stages."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from simulators import Clickstream, Delivery, Sensors
from workbench.errors import DescriptionError
from workbench.runtimes.completeness import Curve
from workbench.runtimes.inflight import in_flight, pending
from workbench.runtimes.replay import replay
from workbench.runtimes.stages import stages
from workbench.runtimes.whatif import Other
from workbench.time import END_OF_TIME, SECOND, to_nanos

START = pd.Timestamp("2026-01-05 12:00")
WINDOWS = {
    "tumbling": wb.Tumbling("1min"),
    "sliding": wb.Sliding("1min", "20s"),
    "cumulating": wb.Cumulating("1min", "15s"),
}


def rows(count=400, seed=5):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 300, count))
    delays = rng.exponential(4, count) + rng.uniform(20, 90, count) * (rng.random(count) < 0.1)
    frame = pd.DataFrame({"t": START + pd.to_timedelta(times, unit="s"), "v": rng.integers(1, 10, count)})
    frame["country"] = rng.choice(["FR", "US"], count)
    frame["arrived"] = frame.t + pd.to_timedelta(delays, unit="s")
    frame["mark"] = (frame.t - pd.Timedelta("25s")).where(rng.random(count) < 0.2)
    return frame.sort_values("arrived", ignore_index=True)


def described(watermark="10s", window="1min", lateness="20s", frame=None):
    frame = rows() if frame is None else frame
    source = wb.stream(frame, time="t", arrival="arrived", watermark=watermark)
    return source.groupby("country").window(window, lateness=lateness).agg(total=("v", "sum"))


def record(stream):
    """The plane of a whole; in larger batches than a picture wants."""
    return replay(stream.step, batch_rows=60)


OTHERS = {
    "longer": "25s",
    "shorter": "1s",
    "none": 0,
    "by key": wb.BoundedOutOfOrderness("5s", by="country"),
    "idle": wb.BoundedOutOfOrderness("5s", by="country", idle="20s"),
    "clock": wb.BoundedOutOfOrderness("5s", advance_with_clock=True),
    "marks": wb.Punctuated("mark"),
}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", OTHERS)
def test_another_policy_would_have_done_what_it_does_when_it_is_run(name, window):
    policy = OTHERS[name]
    other = Other(record(described(window=WINDOWS[window])), policy).now()
    real = record(described(policy, WINDOWS[window]))
    assert other.counts == real.counts()
    assert other.real == record(described(window=WINDOWS[window])).counts()
    if name != "clock":  # which moves it between rows too: when that is noticed depends on the batches
        assert np.array_equal(other.steps, real.steps())


def test_how_much_later_windows_would_fire_is_the_difference_of_two_runs():
    now, then = (record(described(bound)) for bound in ("10s", "25s"))
    ends = np.unique(now.rows().event_time.to_numpy() // (60 * SECOND) + 1) * 60 * SECOND
    when = [steps[0][np.searchsorted(steps[1], ends)] for steps in (now.steps(), then.steps())]
    other = Other(now, "25s").now()
    assert other.later.tolist() == (when[1] - when[0]).tolist()
    assert other.waiting == 0
    assert (other.later > 0).any()


def test_another_policy_of_one_key():
    frame = rows()
    other = Other(record(described()), "2s").now({"country": "FR"})
    real = record(described("2s"))
    fates = np.bincount(real.rows({"country": "FR"}).fate, minlength=4).tolist()
    assert list(other.counts.values()) == fates
    assert sum(fates) == (frame.country == "FR").sum()


def test_rows_that_another_policy_would_reject_are_counted_as_rejected():
    frame = rows()
    ahead = np.random.default_rng(1).random(len(frame)) < 0.1
    frame["t"] = frame.t.where(~ahead, frame.arrived + pd.Timedelta("7s"))
    policy = wb.BoundedOutOfOrderness("10s", max_ahead="5s")
    other = Other(record(described(frame=frame)), policy).now()
    stream = described(policy, frame=frame)
    ledger = stream.ledger().set_index("step")
    assert other.counts == {**record(stream).counts(), "rejected": ahead.sum()}
    assert ledger.loc["watermark", "rejected"] == ahead.sum()


def test_rows_that_depend_on_the_watermark_are_not_compared():
    final = described().final().window("2min").agg(total=("total", "sum"))
    with pytest.raises(DescriptionError, match="other rows would come out of 'total'"):
        Other(record(final), "1s")
    with pytest.raises(DescriptionError, match="several streams come together"):
        stream = two("5s", "5s").window("1min").agg(n=("v", "size"))
        Other(record(stream), wb.Ascending(by="country"))
    both = [two(bound, bound).window("1min").agg(n=("v", "size")) for bound in ("5s", "30s")]
    assert Other(record(both[0]), "30s").now().counts == record(both[1]).counts()


def test_what_another_policy_would_have_done_may_not_be_known():
    with pytest.raises(DescriptionError, match="no window closes by the watermark"):
        Other(record(described(window=wb.Global(), lateness=0)), "1s")
    with pytest.raises(DescriptionError, match="not a duration"):
        Other(record(described()), "soon")
    endless = wb.stream(Sensors(seed=7), watermark="3s").window("10s").agg(n=("event_id", "size"))
    run = endless.start(speed=10, paused=True)
    for _ in range(3):
        run.step()
    plane = run.graph.plane("n")
    with pytest.raises(DescriptionError, match="only keys and times are kept"):
        Other(plane, wb.BoundedOutOfOrderness("1s", by="zone"))
    clock = Other(plane, wb.BoundedOutOfOrderness("3s", advance_with_clock=True)).now()
    assert sum(clock.counts.values()) == len(plane.rows(latest=True))
    run.stop()


def test_a_run_that_has_not_ended_is_compared_as_far_as_it_has_come():
    stream = described()
    run = wb.start(total=stream, speed=1, paused=True)
    while run.trace.counters.arrived < 200:
        run.step()
    plane = run.graph.plane("total")
    other = Other(plane, wb.BoundedOutOfOrderness("5s", by="country")).now()
    arrived = run.trace.counters.arrived
    real = record(described(wb.BoundedOutOfOrderness("5s", by="country"), frame=rows()[:arrived]))
    assert other.counts == real.counts()
    assert other.steps[1].tolist() == real.steps()[1].tolist()[:-1]
    run.stop()


@pytest.mark.parametrize("window", WINDOWS)
def test_the_curve_is_what_other_bounds_give_when_they_are_run(window):
    curve = Curve(record(described(window=WINDOWS[window])))
    for seconds in (0, 1, 4, 10, 33, 80, 200):
        counts = record(described(f"{seconds}s", WINDOWS[window])).counts()
        on_time, accepted = (int(each) for each in curve.at(seconds * SECOND))
        assert on_time == counts["on_time"]
        assert accepted == counts["on_time"] + counts["late_accepted"]
    on_time, _ = curve.at(np.array([curve.whole - 1, curve.whole]))
    assert on_time.tolist() == [curve.rows - 1, curve.rows] or curve.whole == 0


def test_late_rows_that_are_kept_longer_than_others_do_not_bend_the_curve():
    frame = rows(3_000)
    stream = described(frame=frame)
    plane = replay(stream.step, keep=300)
    assert len(plane.rows()) > len(plane.rows(latest=True)) >= 300
    latest = plane.rows(latest=True)
    assert latest.index.tolist() == list(range(latest.index[0], 3_001))
    curve = Curve(plane)
    assert curve.at(10 * SECOND)[0] == (latest.fate == 0).sum()


@pytest.mark.parametrize("bounds", [("10s", "40s"), ("40s", "5s"), ("10s", "60s", "2s")])
def test_the_curve_stays_right_when_the_bound_is_changed(bounds):
    stream = described(bounds[0])
    run = wb.start(total=stream, speed=20, paused=True)
    for number, bound in enumerate(bounds[1:], 1):
        while run.trace.counters.arrived < 130 * number:
            run.step()
        run.change(bound=bound)
    while not run.over:
        run.step()
    curve = Curve(run.graph.plane("total"))
    assert curve.present == pd.Timedelta(bounds[-1]).value
    for seconds in (0, 5, 20, 45, 100):
        counts = record(described(f"{seconds}s")).counts()
        assert int(curve.at(seconds * SECOND)[0]) == counts["on_time"]


@pytest.mark.parametrize("after", [1, 30, 90, 250])
def test_rows_in_flight_are_counted(after):
    frame, now = rows(), to_nanos(pd.Series([START]))[0] + after * SECOND
    told = in_flight(record(described()), at=now)
    times, arrivals = to_nanos(frame.t), to_nanos(frame.arrived)
    came, ahead = arrivals <= now, (times <= now) & (arrivals > now)
    assert (told.arrived.sum(), told.pending.sum()) == (came.sum(), ahead.sum())
    at = (times - told.starts[0]) // told.width
    assert told.arrived.tolist() == np.bincount(at[came], minlength=len(told.starts)).tolist()
    assert told.pending.tolist() == np.bincount(at[ahead], minlength=len(told.starts)).tolist()
    assert told.oldest == (times[ahead].min() if ahead.any() else None)
    longer = (arrivals - times)[came] > 10 * SECOND
    assert told.beyond(10 * SECOND) == pytest.approx(longer.mean() if came.any() else 0)


LOSSY = Delivery(median="2s", sigma=1.0, cap="1min", loss=0.3, duplicates=0.2, duplicate_lag="20s")
DELIVERIES = {
    "own": {},
    "mobile": {"delivery": Delivery.mobile()},
    "lossy": {"delivery": LOSSY},
    "outage": {"delivery": Delivery.iot()},
}


@pytest.mark.parametrize("name", DELIVERIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_simulator_has_under_way_is_what_arrives_later(name, seed):
    simulator = Sensors(seed=seed, **DELIVERIES[name])
    reader = wb.stream(simulator, watermark="1s", duration="3min").step.upstreams[0].source.reader()
    begin = reader.reached
    all_rows = simulator.arrivals("3min")
    times, arrivals = to_nanos(all_rows.event_time), to_nanos(all_rows.arrival_time)
    for seconds in (0, 0.5, 61.5, 119.999, 170):
        now = begin + int(seconds * SECOND)
        reader.poll(now, 1_000_000)
        ahead = (times <= now) & (arrivals > now)
        right = sorted(zip(times[ahead].tolist(), arrivals[ahead].tolist(), strict=True))
        assert sorted(zip(*reader.pending(now).tolist(), strict=True)) == right
    assert reader.pending(begin - SECOND).shape == (2, 0)


def test_a_run_knows_what_its_sources_have_under_way():
    clicks = wb.stream(Clickstream(seed=7), watermark="2s")
    stream = clicks.groupby("action").window("10s").agg(n=("event_id", "size"))
    run = stream.start(speed=10, paused=True)
    for _ in range(30):
        run.step()
    known = pending(run, run.streams["n"].step)
    now = run._readers["clickstream"].reached
    reader = wb.stream(Clickstream(seed=7), watermark="2s").step.upstreams[0].source.reader()
    assert known.tolist() == reader.pending(now).tolist()
    assert known.shape[1] > 0
    assert (known[0] <= now).all() and (known[1] > now).all()
    told = in_flight(run.graph.plane("n"), pending=known)
    assert told.pending.sum() == known.shape[1]
    assert told.arrived.sum() == run.trace.counters.arrived
    run.stop()


def two(left="5s", right="30s"):
    one, other = rows(), rows(300, seed=8).drop(columns="mark")
    left = wb.stream(one, time="t", arrival="arrived", watermark=left, name="left")
    right = wb.stream(other, time="t", arrival="arrived", watermark=right, name="right")
    return left.union(right.assign(mark=pd.NaT).astype({"mark": one.mark.dtype}))


def test_each_stage_has_its_own_rows_and_watermark_and_a_union_the_least():
    stream = two().groupby("country").window("1min", lateness="20s").agg(total=("v", "sum"))
    run = wb.start(total=stream, speed=20, paused=True)
    while run.trace.counters.arrived < 350:
        run.step()
    left, right, union, result = stages(run)
    assert [stage.name for stage in (left, right, union, result)] == ["left", "right", "union", "total"]
    assert union.watermark == min(left.watermark, right.watermark) == right.watermark == result.watermark
    assert (left.held_by, union.held_by, result.held_by) == (None, "right", "right")
    counts = [sum(stage.plane.counts().values()) for stage in (left, right, union, result)]
    assert counts[0] + counts[1] == counts[2] == counts[3] == run.trace.counters.arrived
    for stage, frame in ((left, rows()), (right, rows(300, seed=8))):
        plane = stage.plane
        came = frame.iloc[: sum(plane.counts().values())]
        assert plane.rows().event_time.tolist() == to_nanos(came.t).tolist()
        behind = plane.rows().met > plane.rows().event_time
        assert plane.counts()["late_accepted"] == behind.sum() > 0
    while not run.over:
        run.step()
    assert {stage.watermark for stage in stages(run)} == {END_OF_TIME}
    assert union.held_by is None


def test_a_join_is_a_stage_too():
    one, other = rows(60), rows(60, seed=8)[["t", "country", "arrived", "v"]]
    left = wb.stream(one, time="t", arrival="arrived", watermark="5s", name="left")
    right = wb.stream(other, time="t", arrival="arrived", watermark="40s", name="right")
    joined = left.interval_join(right, on="country", lower="-5s", upper="5s").named("joined")
    run = wb.start(joined=joined, speed=20, paused=True)
    while run.trace.counters.arrived < 80:
        run.step()
    stage = stages(run)[-1]
    assert (stage.name, stage.held_by) == ("joined", "right")
    assert stage.watermark == stage.inputs[1].watermark < stage.inputs[0].watermark
    assert sum(stage.plane.counts().values()) == run.trace.results["joined"].total > 0
    run.stop()


def test_a_run_without_a_past_has_no_planes():
    run = wb.start(total=described(), speed="max", past=False).wait(10)
    assert stages(run) == []


def test_what_goes_back_is_told_again_at_every_stage():
    stream = described()
    run = wb.start(total=stream, speed=20, paused=True)
    while run.trace.counters.arrived < 300:
        run.step()
    before = [stage.plane.rows() for stage in stages(run)]
    run.rewind("30s")
    while run.trace.counters.arrived < len(before[0]):
        run.step()
    for stage, told in zip(stages(run), before, strict=True):
        pd.testing.assert_frame_equal(stage.plane.rows()[: len(told)], told)
    run.stop()


def test_another_bound_is_compared_exactly_across_a_change_of_the_bound():
    run = wb.start(total=described(), speed=20, paused=True)
    while run.trace.counters.arrived < 150:
        run.step()
    run.change(bound="40s")
    while not run.over:
        run.step()
    other, real = Other(run.graph.plane("total"), "25s").now(), record(described("25s"))
    assert other.counts == real.counts()
    assert np.array_equal(other.steps[1], real.steps()[1])
    assert other.steps[0].tolist()[:-1] == real.steps()[0].tolist()[:-1]  # the end is when it is noticed
