"""Several streams in one: the least of their watermarks, on every runtime."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.door import Door
from workbench.engine.operators import Confluence
from workbench.engine.outcomes import OUT
from workbench.errors import DescriptionError
from workbench.schema import Schema
from workbench.time import END_OF_TIME, NO_WATERMARK


def frame(seconds, value):
    times = pd.to_datetime("2026-01-05") + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({"t": times, "k": "a", "v": value})


LEFT, RIGHT = frame([1, 20, 61, 130], 1), frame([5, 2, 59, 70, 3], 10)


@pytest.fixture
def both():
    left = wb.stream(LEFT, time="t", watermark="1h", name="left")
    return left.union(wb.stream(RIGHT, time="t", watermark="1h", name="right"))


def test_a_union_is_the_concatenation_of_its_tables(both):
    panes = both.groupby("k").window("1min").agg(total=("v", "sum"), rows=("v", "size")).to_pandas()
    whole = pd.concat([LEFT, RIGHT])
    by_hand = whole.groupby(whole.t.dt.floor("1min")).v.agg(["sum", "size"])
    assert panes.total.tolist() == by_hand["sum"].tolist()
    assert panes.rows.tolist() == by_hand["size"].tolist()


def test_live_and_at_once_give_the_same(both):
    panes = both.window("1min").agg(total=("v", "sum"))
    run = wb.start(panes, speed="max", batch_rows=2).wait(10)
    pd.testing.assert_frame_equal(run.panes("total"), panes.to_pandas())
    assert run.metrics().rows == len(LEFT) + len(RIGHT)
    assert {"left", "right", "watermark", "watermark_2", "union", "total"} <= set(run.graph.nodes)


def test_a_stream_may_be_put_to_itself(both):
    rows = wb.stream(LEFT, time="t", watermark="1h")
    doubled = rows.union(rows).window("1h").agg(n=("v", "size"))
    assert doubled.to_pandas().n.tolist() == [2 * len(LEFT)]
    assert wb.start(doubled, speed="max").wait(10).panes("n").n.tolist() == [2 * len(LEFT)]


def test_branches_of_one_stream_come_together_again():
    rows = wb.stream(LEFT, time="t", watermark="1h")
    parts = rows.query("v > 0").union(rows.query("v <= 0"))
    assert parts.window("1h").agg(n=("v", "size")).to_pandas().n.tolist() == [len(LEFT)]


def test_the_watermark_is_the_least_and_rows_meet_it_row_by_row():
    schema = Schema.infer(LEFT, "t")
    doors = [Door(schema, wb.BoundedOutOfOrderness(0), "t"), Door(schema, wb.BoundedOutOfOrderness(0), "t")]
    union = Confluence(2, None)
    first = union.process(*_dated(doors[0], LEFT), 0)
    assert first.stamp.watermark == NO_WATERMARK  # nothing is known of the other yet
    assert set(first.stamp.met) == {NO_WATERMARK}
    second = union.process(*_dated(doors[1], RIGHT), 1)
    assert second.frames[OUT].index.tolist() == [5, 6, 7, 8, 9]
    seconds = (second.stamp.met - LEFT.t.iloc[0].as_unit("ns").value) / 1e9 + 1
    assert seconds[1:].tolist() == [5, 5, 59, 70]
    assert second.stamp.watermark == RIGHT.t.max().as_unit("ns").value
    for side, door in enumerate(doors):
        ended = door.end()
        last = union.process(ended.frames[OUT], ended.stamp, side)
    assert last.stamp.watermark == END_OF_TIME


def test_a_union_goes_on_from_a_snapshot():
    union, other = Confluence(2, None), Confluence(2, None)
    door = Door(Schema.infer(LEFT, "t"), wb.BoundedOutOfOrderness(0), "t")
    union.process(*_dated(door, LEFT), 1)
    other.restore(union.snapshot())
    batch = _dated(door, LEFT)
    one, two = union.process(*batch, 0), other.process(*batch, 0)
    pd.testing.assert_frame_equal(one.frames[OUT], two.frames[OUT])
    assert np.array_equal(one.stamp.met, two.stamp.met)


def test_a_silent_stream_holds_the_watermark_back_until_it_is_idle():
    minute = 60_000_000_000

    def union_of(idle):
        return Confluence(2, None, idle)

    def batch(door, seconds, now):
        door.now = now
        return _dated(door, frame(seconds, 1))

    schema = Schema.infer(LEFT, "t")
    patient, hasty = union_of(None), union_of(minute)
    for union in (patient, hasty):
        loud, silent = (
            Door(schema, wb.BoundedOutOfOrderness(0), "t"),
            Door(schema, wb.BoundedOutOfOrderness(0), "t"),
        )
        union.process(*batch(silent, [1], 0), 1)
        union.process(*batch(loud, [5], 10), 0)
        assert union.watermark == silent.progress.watermark
        assert union.holding() == 1
        union.process(*batch(loud, [90], minute), 0)
        assert union.holding() == 1  # what has not been read yet may hold rows of the silent stream
        silent.now = minute
        said = silent.tick()
        union.process(said.frames[OUT], said.stamp, 1)
        assert (union.watermark == loud.progress.watermark) == (union is hasty)
        assert union.holding() == (0 if union is hasty else 1)
        back = union.process(*batch(silent, [2], minute + 1), 1)  # it counts again, and its row comes late
        assert (back.stamp.met[0] == loud.progress.watermark) == (union is hasty)
        assert union.holding() == 1


def test_a_run_says_who_holds_the_watermark_back():
    slow = wb.stream(frame([1, 200], 1), time="t", watermark="0s", name="slow").named("slow rows")
    quick = wb.stream(frame([1, 50, 201], 1), time="t", watermark="0s", name="quick").named("quick rows")
    run = wb.start(quick.union(slow).window("1min").agg(n=("v", "size")), paused=True)
    run.step().step()  # the first rows of both, and the second one of the quick stream
    assert run.metrics().rows == 3
    assert run.held_back_by == {"union": "slow rows"}
    run.speed = "max"
    run.resume().wait(10)
    assert run.panes("n").n.tolist() == [3, 2]


def test_streams_that_do_not_fit_are_refused(both):
    other = wb.stream(LEFT.rename(columns={"v": "w"}), time="t", watermark="1s")
    with pytest.raises(DescriptionError, match="different columns"):
        both.union(other)
    with pytest.raises(DescriptionError, match="a union cannot follow"):
        both.union(both.window("1min").agg(n=("v", "size")).late)


def _dated(door, rows):
    outcome = door.process(rows)
    return outcome.frames[OUT], outcome.stamp
