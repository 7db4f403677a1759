"""One watermark of several parts, and the door that dates rows by a policy."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.door import Door
from workbench.engine.outcomes import OUT, REJECTED
from workbench.engine.partitions import Partitions, least_covering
from workbench.errors import SchemaError
from workbench.schema import Schema
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND


def rows(**columns):
    frame = pd.DataFrame(columns)
    for name in frame.columns.intersection(["t", "mark"]):
        frame[name] = pd.to_datetime(frame[name].astype("float64"), unit="s").astype("datetime64[ns]")
    return frame


def door_for(policy, frame):
    return Door(Schema.infer(frame, "t"), policy, "t")


def met(door, frame, arrivals=None):
    """The watermarks that rows met, and the one after, in seconds."""
    if arrivals is not None:
        door.arrivals = np.array(arrivals, dtype=np.int64) * SECOND
        door.now = int(door.arrivals[-1])
    stamp = door.process(frame).stamp
    after = [*stamp.met.tolist(), stamp.watermark]
    return [None if each == NO_WATERMARK else each / SECOND for each in after]


def test_the_least_value_of_the_intervals_that_cover_a_position():
    rng = np.random.default_rng(7)
    for length in (1, 2, 3, 17, 64):
        starts, widths = rng.integers(0, length, 20), rng.integers(-3, length + 3, 20)
        stops, values = np.minimum(starts + widths, length), rng.integers(0, 9, 20)
        by_hand = [
            min([END_OF_TIME, *values[(starts <= position) & (position < stops)].tolist()])
            for position in range(length)
        ]
        assert least_covering(starts, stops, values, length).tolist() == by_hand


def test_rows_of_one_part_come_to_the_same_with_their_codes_and_without():
    rng = np.random.default_rng(7)
    for idle in (END_OF_TIME, 5):
        one, many = Partitions(2, idle=idle), Partitions(2, idle=idle)
        now = 0
        for part in rng.integers(0, 3, 40).tolist():
            arrivals = now + np.cumsum(rng.integers(0, 4, 3))
            claims, now = rng.integers(0, 99, 3), int(arrivals[-1])
            expected = many.take(np.full(3, part), claims, arrivals, now)
            assert one.take(part, claims, arrivals, now).tolist() == expected.tolist()


def test_ascending_rows_meet_the_event_time_before_them():
    frame = rows(t=[1, 3, 3, 2, 5])
    assert met(door_for(wb.Ascending(), frame), frame) == [None, 1, 3, 3, 3, 5]


def test_a_mark_moves_the_watermark_after_its_row_and_nothing_else_does():
    frame = rows(t=[10, 11, 90, 12, 13], mark=[None, 8, None, 5, 20])
    door = door_for(wb.Punctuated("mark"), frame)
    assert met(door, frame) == [None, None, 8, 8, 8, 20]


def test_marks_speak_for_their_partition():
    frame = rows(t=[1, 2, 3, 4], mark=[10, 20, None, 30], k=["a", "b", "b", "a"])
    assert met(door_for(wb.Punctuated("mark", by="k"), frame), frame) == [None, 10, 10, 10, 20]


def test_the_stream_has_the_least_watermark_of_its_partitions_null_among_them():
    frame = rows(t=[10, 4, 20, 6, 30], k=["a", None, "a", None, "a"])
    door = door_for(wb.Ascending(by="k"), frame)
    assert met(door, frame) == [None, 10, 10, 10, 10, 10]
    assert door.holding() == "k=nan"
    assert met(door, rows(t=[25], k=[None])) == [10, 25]


def test_an_idle_partition_does_not_hold_back_until_it_has_rows_again():
    frame = rows(t=[10, 11, 40, 41, 12, 42], k=list("abaaba"))
    door = door_for(wb.Ascending(by="k", idle="30s"), frame)
    # b was last heard of at 11, so that it is idle from 41 on, when the row of that time arrives
    assert met(door, frame, [10, 11, 40, 41, 42, 43]) == [None, 10, 10 + 1, 40, 41, 41, 41]
    assert door.holding() == "k='b'"


def test_of_partitions_all_idle_the_greatest_counts():
    frame = rows(t=[50, 20], k=["a", "b"])
    door = door_for(wb.Ascending(by="k", idle="30s"), frame)
    met(door, frame, [50, 51])
    door.now = 200 * SECOND
    assert door.tick().stamp.watermark == 50 * SECOND
    assert door.holding() is None


def test_the_watermark_moves_on_with_the_clock():
    frame = rows(t=[100, 101, 90])
    door = door_for(wb.BoundedOutOfOrderness("5s", advance_with_clock=True), frame)
    assert met(door, frame, [200, 203, 210]) == [None, 98, 105, 105]  # 95 at 200; 101 - 5 at 203 adds nothing
    door.now = 220 * SECOND
    assert door.tick().stamp.watermark == 115 * SECOND
    assert door.tick().stamp.watermark == 115 * SECOND


def test_rows_too_far_ahead_of_their_arrival_are_rejected_and_move_nothing():
    frame = rows(t=[10, 5_000, None, 11, 4_611], mark=[None, None, None, 9_999, 12])
    door = door_for(wb.BoundedOutOfOrderness("1s", max_ahead="1h"), frame)
    door.arrivals = np.array([1_010, 1_011, 1_012, 1_013, 1_011]) * SECOND
    outcome = door.process(frame)
    assert outcome.frames[OUT].index.tolist() == [1, 4, 5]
    assert outcome.frames[REJECTED].reason.to_dict() == {
        2: "more than 1h ahead of its arrival",
        3: "null event time",
    }
    assert outcome.stamp.watermark == 4_610 * SECOND
    marked = door_for(wb.Punctuated("mark", max_ahead="1h"), frame)
    marked.arrivals = np.array([1_010, 1_011, 1_012, 1_013, 1_011]) * SECOND
    assert marked.process(frame).frames[REJECTED].index.tolist() == [2, 3, 4]
    assert marked.progress.watermark == 12 * SECOND


def test_where_nobody_knows_the_time_no_row_is_ahead():
    frame = rows(t=[10])
    door = door_for(wb.Ascending(max_ahead="1h"), frame)
    assert len(door.process(frame).frames[OUT]) == 1


def test_a_source_that_has_ended_does_not_count_but_all_that_have_ended_do():
    parts = Partitions(2, idle=10)
    parts.take(0, np.array([5]), np.array([0]), 0)
    parts.take(1, np.array([7]), np.array([0]), 0)
    parts.move(0, END_OF_TIME)
    assert parts.settle(1) == 7
    assert parts.settle(100) == 7
    parts.move(1, END_OF_TIME)
    assert parts.settle(101) == END_OF_TIME


def test_the_end_forgets_the_partitions():
    frame = rows(t=[10, 20], k=["a", "b"])
    door = door_for(wb.Ascending(by="k"), frame)
    met(door, frame)
    assert door.size == 2
    assert door.end().stamp.watermark == END_OF_TIME
    assert (door.size, door.holding()) == (0, None)


def test_columns_are_looked_for_when_the_first_batch_says_what_there_is():
    with pytest.raises(SchemaError, match="no such column: 'k'"):
        Door(None, wb.Ascending(by="k"), "t").process(rows(t=[1]))
