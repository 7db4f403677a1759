"""The record of the time plane says what the engine did."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.runtimes.bins import Bins
from workbench.runtimes.plane import FATES, Plane
from workbench.runtimes.replay import replay
from workbench.time import END_OF_TIME, NO_WATERMARK, to_nanos

START = pd.Timestamp("2026-01-05 12:00")
WINDOWS = {
    "tumbling": wb.Tumbling("1min"),
    "sliding": wb.Sliding("1min", "20s"),
    "session": wb.Session("3s"),
    "calendar": wb.Calendar("day"),
    "global": wb.Global(),
    "count": wb.Count(7),
    "gaps": wb.Sliding("10s", "1min"),
}


def rows(count=400, seed=5):
    """Give rows whose delays are now and then longer than any bound."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 300, count))
    delays = rng.exponential(4, count) + 60 * (rng.random(count) < 0.1)
    frame = pd.DataFrame({"t": START + pd.to_timedelta(times, unit="s"), "v": rng.integers(1, 10, count)})
    frame["country"] = rng.choice(["FR", "US"], count)
    frame["arrived"] = frame.t + pd.to_timedelta(delays, unit="s")
    return frame.sort_values("arrived", ignore_index=True)


def described(window, lateness="20s", frame=None, keys=("country",)):
    frame = rows() if frame is None else frame
    source = wb.stream(frame, time="t", arrival="arrived", watermark="10s")
    return source.groupby(*keys).window(window, lateness=lateness).agg(total=("v", "sum"), n=("v", "size"))


def ran(stream, batch_rows=13):
    return wb.start(total=stream, speed="max", batch_rows=batch_rows).wait(10)


@pytest.mark.parametrize("name", WINDOWS)
def test_its_numbers_are_those_of_the_engine(name):
    lateness = "0s" if name in ("count", "global") else "20s"
    run = ran(described(WINDOWS[name], lateness))
    plane = run.graph.plane("total")
    counts, metrics = plane.counts(), run.metrics()
    assert sum(counts.values()) == metrics.rows == len(plane.rows())
    assert (counts["too_late"], counts["rejected"]) == (metrics.late, metrics.rejected)
    assert plane.marks == list(run.trace.watermarks)
    told = run.trace.results["total"].frame()
    pd.testing.assert_frame_equal(plane.panes().reset_index(drop=True), told.reset_index(drop=True))


def test_fates_and_moments_do_not_depend_on_the_size_of_batches():
    stream = described(wb.Tumbling("1min"))
    whole, single = (ran(stream, size).graph.plane("total") for size in (10_000, 1))
    pd.testing.assert_frame_equal(whole.rows(), single.rows())
    assert np.array_equal(whole.steps(), single.steps())
    on_time = [plane.panes().query("timing == 'on_time'") for plane in (whole, single)]
    pd.testing.assert_frame_equal(*on_time)
    assert whole.counts() == single.counts() == replay(stream.step).counts()
    assert min(whole.counts()[fate] for fate in FATES[:3]) > 0


def test_a_row_that_was_late_and_accepted_is_in_a_late_pane():
    plane = ran(described(wb.Tumbling("1min")), 1).graph.plane("total")
    accepted = plane.rows().query("fate == 1")
    late = plane.panes().query("timing == 'late'")
    assert len(accepted) == len(late)
    assert sorted(accepted.arrival) == sorted(late.index)


def test_panes_fire_when_the_watermark_passes_the_end_of_their_window():
    plane = ran(described(wb.Tumbling("1min")), 100).graph.plane("total")
    moments, watermarks = plane.steps()
    on_time = plane.panes().query("timing == 'on_time'")
    ends = to_nanos(on_time.window_end)
    assert np.array_equal(on_time.index, moments[np.searchsorted(watermarks, ends)])
    assert (np.diff(watermarks) > 0).all()
    assert watermarks[-1] == END_OF_TIME
    assert watermarks[0] > NO_WATERMARK


def test_one_key_is_chosen():
    run = ran(described(wb.Tumbling("1min")))
    plane, frame = run.graph.plane("total"), rows()
    assert len(plane.rows({"country": "FR"})) == (frame.country == "FR").sum()
    assert set(plane.panes({"country": "FR"}).country) == {"FR"}
    assert len(plane.panes({"country": "US"})) + len(plane.panes({"country": "FR"})) == len(plane.panes())


def test_older_rows_become_counts_and_none_is_lost():
    run = ran(described(wb.Tumbling("1min")), 13)
    whole = run.graph.plane("total").counts()
    bounded = described(wb.Tumbling("1min"))
    run = wb.start(total=bounded, speed="max", batch_rows=13, paused=True)
    run.graph.plane("total").keep = 50
    run.resume().wait(10)
    plane = run.graph.plane("total")
    assert plane.counts() == whole
    on_time = (plane.rows().fate == 0).sum()
    assert 30 <= on_time < 80
    assert plane.rows().fate.value_counts()[1] == min(whole["late_accepted"], 50)
    assert plane.binned().rows.sum() + len(plane.rows()) == sum(whole.values())


def test_the_latest_panes_are_kept_as_they_were():
    stream = described(wb.Tumbling("1min"))
    planes = [Plane(stream.step), Plane(stream.step, panes=7)]
    for plane in planes:
        run = wb.start(total=stream, speed="max", batch_rows=3, paused=True)
        run.graph.nodes["total"].plane = plane
        run.resume().wait(10)
    whole, few = (plane.panes() for plane in planes)
    assert 7 <= len(few) < len(whole)
    pd.testing.assert_frame_equal(few, whole[-len(few) :])
    middle = int(whole.index[len(whole) // 2])
    since = planes[0].panes(since=middle)
    pd.testing.assert_frame_equal(since, whole[-len(since) :])
    assert since.index.min() <= middle <= since.index.max()


def test_a_key_that_is_looked_at_has_bins_of_its_own():
    stream = described(wb.Tumbling("1min"))
    plane = Plane(stream.step, keep=30)
    plane.watch({"country": "FR"})
    run = wb.start(total=stream, speed="max", batch_rows=13, paused=True)
    run.graph.nodes["total"].plane = plane
    run.resume().wait(10)
    key = {"country": "FR"}
    counted = plane.binned(key).rows.sum() + len(plane.rows(key))
    assert counted == (rows().country == "FR").sum()
    assert plane.binned({"country": "US"}).empty


def test_bins_stay_bounded_however_long_a_run_is():
    bins = Bins(wb.Tumbling("1min"), most=500)
    rng = np.random.default_rng(1)
    for hour in range(50):
        arrivals = (hour * 3600 + np.sort(rng.uniform(0, 3600, 1_000))) * 1e9
        times = arrivals - rng.exponential(60e9, 1_000)
        bins.add(times.astype(np.int64), arrivals.astype(np.int64), np.zeros(1_000, dtype=np.int8))
    assert bins.counts().tolist() == [50_000, 0, 0, 0]
    assert len(bins.table()) <= 1_000


def test_a_run_that_goes_back_tells_the_same_again():
    stream = described(wb.Tumbling("1min"))
    run = wb.start(total=stream, speed="max", batch_rows=13, paused=True)
    plane = run.graph.plane("total")
    noted = []
    plane.take = lambda *batch: noted.append(batch)
    run.resume().wait(10)
    del plane.take
    for batch in noted[:10]:
        plane.take(*batch)
    mark = plane.mark
    for batch in noted[10:20]:
        plane.take(*batch)
    plane.back_to(mark)
    for batch in noted[10:]:
        plane.take(*batch)
    again = ran(stream, 13).graph.plane("total")
    assert plane.counts() == again.counts()
    assert plane.marks == again.marks
    pd.testing.assert_frame_equal(plane.rows(), again.rows())
    pd.testing.assert_frame_equal(plane.panes(), again.panes())


def test_no_rows_are_no_bins():
    bins = Bins(wb.Tumbling("1min"))
    none = np.zeros(0, dtype=np.int64)
    for _ in range(1_002):
        bins.add(none, none, none.astype(np.int8))
    assert (len(bins.table()), bins.counts().sum()) == (0, 0)
