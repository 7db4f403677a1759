"""What every source's reader keeps to: arrival order, positions that can be sought, an end that stays one."""

import pandas as pd
import pytest

from simulators import Clickstream, Sensors, Trading
from workbench.sources.frame import FrameSource
from workbench.sources.simulated import SimulatedSource
from workbench.time import SECOND, to_nanos


def shuffled_frame():
    times = pd.to_datetime("2026-01-05") + pd.to_timedelta([0, 3, 1, 2, 9, 4, 20, 20, 5], unit="s")
    return pd.DataFrame({"t": times, "v": range(len(times))})


SOURCES = {
    "frame": lambda: FrameSource(shuffled_frame(), time="t"),
    "frame with arrivals": lambda: FrameSource(
        shuffled_frame().assign(came=lambda f: f.t.cummax() + pd.Timedelta("1s")), time="t", arrival="came"
    ),
    "clickstream": lambda: SimulatedSource(Clickstream(seed=3), duration="95s", name="clickstream"),
    "trading": lambda: SimulatedSource(Trading(seed=3), duration="25s", name="trading"),
    "sensors": lambda: SimulatedSource(Sensors(seed=3), duration="25s", name="sensors"),
}


@pytest.fixture(params=SOURCES, ids=str)
def source(request):
    return SOURCES[request.param]()


def read(reader, until=None, rows=1_000_000):
    frames = []
    while (frame := reader.poll(until, rows)) is not None and (len(frame) or until is None):
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else None


def test_the_rows_are_those_of_the_schema(source):
    frame = source.reader().poll(None, 100)
    assert dict(frame.dtypes) == dict(source.schema.dtypes)


@pytest.mark.parametrize("rows", [1_000, 7_777])
def test_batches_of_any_size_give_the_same_rows(source, rows):
    pd.testing.assert_frame_equal(read(source.reader(), rows=rows), read(source.reader()), check_exact=True)


def test_reading_by_the_clock_gives_the_same_rows_and_none_before_their_time(source):
    whole = read(source.reader())
    reader = source.reader()
    now, pieces = reader.reached, []
    while True:
        now += SECOND // 2 + 1
        before = reader.reached
        frame = reader.poll(now, 500)
        if frame is None:
            break
        assert before <= reader.reached <= max(now, before)
        pieces.append(frame)
        if "arrival_time" in frame and len(frame):
            assert to_nanos(frame.arrival_time).max() < now
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole, check_exact=True)


def test_a_position_can_be_sought_by_another_reader(source):
    reader = source.reader()
    reader.poll(None, 5)
    position = reader.position
    rest = read(reader, rows=1_000)
    other = source.reader()
    other.seek(position)
    pd.testing.assert_frame_equal(read(other, rows=1_000), rest, check_exact=True)


def test_the_end_stays_the_end(source):
    reader = source.reader()
    read(reader)
    assert reader.poll(None, 10) is None
    assert reader.poll(reader.reached + 10 * SECOND, 10) is None


def test_a_simulation_without_duration_has_no_end():
    source = SimulatedSource(Sensors(seed=3), name="sensors")
    assert source.end is None
    reader = source.reader()
    assert all(len(reader.poll(None, 2_000)) == 2_000 for _ in range(3))


def test_an_empty_frame_ends_at_once():
    reader = FrameSource(shuffled_frame().iloc[:0], time="t").reader()
    assert reader.poll(None, 10) is None
