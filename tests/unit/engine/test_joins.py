"""Joins: when rows are told, what is held meanwhile, and what is refused; laws are in tests/properties."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.asof import AsofJoin
from workbench.engine.joins import IntervalJoin
from workbench.engine.progress import Progress, Stamp
from workbench.engine.windowjoin import WindowJoin
from workbench.errors import DescriptionError, SchemaError, SnapshotError
from workbench.model.windows import Count, Sliding, Tumbling
from workbench.time import END_OF_TIME

SECOND = 1_000_000_000


class Feed:
    """Gives rows of one key or more to an operator, and moves watermarks by hand."""

    def __init__(self, operator):
        self.operator = operator
        self.progress = {"left": Progress(None), "right": Progress(None)}
        for side in self.progress:
            self.rows(side)

    def rows(self, side, *times, key="a"):
        stamp = self.progress[side].stamp(np.array(times, dtype=np.int64))
        index = pd.RangeIndex(stamp.first, stamp.first + len(times))
        columns = {"k": pd.Series([key] * len(times), dtype="str"), side[0]: np.array(times, dtype=np.int64)}
        return self.operator.process(side, pd.DataFrame(columns).set_axis(index), stamp)

    def watermark(self, side, moment):
        empty = pd.DataFrame({"k": pd.Series(dtype="str"), side[0]: pd.Series(dtype="int64")})
        return self.operator.process(side, empty, self.progress[side].advance(moment))


def pairs(joined):
    both = joined.frame[["l", "r"]].astype(object)
    return both.where(both.notna(), None).to_numpy().tolist()


def test_an_unmatched_row_is_told_once_no_partner_can_come():
    feed = Feed(IntervalJoin(keys=["k"], lower=-5, upper=10, how="outer"))
    feed.rows("left", 100)
    feed.rows("right", 200)
    feed.watermark("left", 110)
    assert pairs(feed.watermark("right", 110)) == []  # a right row at 110 may come
    assert pairs(feed.watermark("right", 300)) == []  # the left watermark is behind
    assert pairs(feed.watermark("left", 111)) == [[100, None]]
    assert pairs(feed.watermark("left", 206)) == [[None, 200]]
    assert feed.operator.size == 0


def test_an_exclusive_bound_is_not_waited_for():
    feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=10, how="left", upper_inclusive=False))
    feed.rows("left", 100)
    feed.watermark("left", 110)
    assert pairs(feed.watermark("right", 109)) == []
    assert pairs(feed.watermark("right", 110)) == [[100, None]]


def test_lateness_waits_longer_and_accepts_more():
    feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=10, how="left", lateness=20))
    feed.rows("left", 100)
    for side in ("left", "right"):
        feed.watermark(side, 120)
    assert pairs(feed.rows("right", 105)) == [[100, 105]]
    late = feed.rows("right", 99).late
    assert late["late_by"].tolist() == [pd.Timedelta(1)]
    assert late["watermark"].tolist() == [pd.Timestamp(120)]


def test_only_what_may_have_a_partner_is_held():
    feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=50))
    for now in range(0, 10_000, 10):
        feed.rows("left", now)
        feed.rows("right", now + 1)
        feed.watermark("left", now)
        feed.watermark("right", now)
        assert feed.operator.size <= 9


def test_without_an_upper_bound_left_rows_stay_to_the_end():
    feed = Feed(IntervalJoin(keys=["k"], lower=5, upper=None, how="left"))
    feed.rows("left", 1, 2)
    feed.watermark("left", 10**15)
    assert pairs(feed.watermark("right", 10**15)) == []
    assert pairs(feed.rows("right", 10**15)) == [[1, 10**15], [2, 10**15]]
    feed.watermark("right", END_OF_TIME)
    assert pairs(feed.watermark("left", END_OF_TIME)) == []
    assert feed.operator.size == 0


def test_null_keys_match_nothing_unless_asked():
    for null_keys, wanted in (("unmatched", []), ("equal", [[1, 1]])):
        feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=5, null_keys=null_keys))
        feed.rows("left", 1, key=None)
        assert pairs(feed.rows("right", 1, key=None)) == wanted
    feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=5, how="outer"))
    assert pairs(feed.rows("left", 1, key=None)) == [[1, None]]
    assert pairs(feed.rows("right", 1, key=None)) == [[None, 1]]
    assert feed.operator.size == 0


def test_integers_on_the_side_that_may_be_missing_keep_their_digits():
    feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=5, how="left"))
    feed.rows("left", 2**53 + 1)
    joined = feed.rows("right", 2**53 + 1).frame
    assert joined["r"].tolist() == [2**53 + 1]
    assert joined.dtypes.astype(str).to_dict() == {"k": "str", "l": "int64", "r": "Int64"}
    assert feed.rows("right").frame.dtypes.equals(joined.dtypes)


def test_names_that_clash_get_suffixes():
    frame = pd.DataFrame({"k": ["a"], "v": [1]}, index=pd.RangeIndex(1, 2))
    stamp = Progress(None).stamp(np.array([0]))
    join = IntervalJoin(keys=["k"], lower=0, upper=5, suffixes=("_one", "_other"))
    join.process("left", frame, stamp)
    assert [*join.process("right", frame, stamp).frame] == ["k", "v_one", "v_other"]
    join = IntervalJoin(keys=["k"], lower=0, upper=5, suffixes=("", ""))
    join.process("left", frame, stamp)
    with pytest.raises(DescriptionError, match=r"both sides have columns \['v'\]"):
        join.process("right", frame, stamp)


def test_keys_are_forgotten_with_their_rows():
    for join in (
        IntervalJoin(keys=["k"], lower=0, upper=5),
        WindowJoin(keys=["k"], window=Tumbling(5e-9)),
        AsofJoin(keys=["k"], tolerance=5),
    ):
        progress = {side: Progress(0) for side in ("left", "right")}
        told = 0
        for begin in range(0, 20_000, 500):
            for side in progress:
                numbers = np.arange(begin, begin + 500)
                frame = pd.DataFrame({"k": numbers}, index=pd.RangeIndex(begin + 1, begin + 501))
                told += len(join.process(side, frame, progress[side].stamp(numbers)).frame)
        assert len(join.keys) < 5_000
        for side in progress:
            told += len(join.process(side, frame[:0], progress[side].end()).frame)
        assert told == 20_000
        assert join.size == 0


def test_a_snapshot_of_another_join_is_refused():
    snapshot = IntervalJoin(lower=0, upper=5).snapshot()
    with pytest.raises(SnapshotError, match="the snapshot is of another operator"):
        IntervalJoin(lower=0, upper=6).restore(snapshot)
    with pytest.raises(SnapshotError, match="the snapshot is of another operator"):
        AsofJoin().restore(snapshot)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: IntervalJoin(lower=None, upper=None), "an interval without bounds"),
        (lambda: IntervalJoin(lower=2, upper=1), "no difference lies between a lower bound of 2 and"),
        (lambda: IntervalJoin(lower=1, upper=1, upper_inclusive=False), "no difference lies between"),
        (lambda: IntervalJoin(lower=1, upper=1, how="full"), "no such how: 'full'"),
        (lambda: IntervalJoin(lower=1, upper=1, lateness=-1), "at least zero, but is -1"),
        (lambda: IntervalJoin(lower=1, upper=1, null_keys="drop"), "no such null_keys: 'drop'"),
        (lambda: WindowJoin(window=Count(3)), r"Count\(3\) has no place in event time"),
        (lambda: AsofJoin(direction="up"), "no such direction: 'up'"),
        (lambda: AsofJoin(tolerance=-1), "the tolerance must be at least zero, but is -1"),
        (lambda: AsofJoin(how="outer"), "no such how: 'outer'"),
    ],
)
def test_what_makes_no_sense_is_refused(make, text):
    with pytest.raises(DescriptionError, match=text):
        make()


def test_a_window_is_joined_when_both_watermarks_have_passed_its_end():
    feed = Feed(WindowJoin(keys=["k"], window=Tumbling(10e-9), how="outer"))
    feed.rows("left", 3, 12)
    feed.rows("right", 5)
    assert pairs(feed.watermark("left", 30)) == []
    assert pairs(feed.watermark("right", 9)) == []
    assert pairs(feed.watermark("right", 10)) == [[3, 5]]
    assert pairs(feed.watermark("right", 20)) == [[12, None]]
    assert feed.operator.size == 0


def test_a_row_may_be_late_for_one_window_and_in_time_for_another():
    feed = Feed(WindowJoin(keys=["k"], window=Sliding(10e-9, 5e-9)))
    feed.rows("left", 7)
    for side in ("left", "right"):
        feed.watermark(side, 10)
    joined = feed.rows("right", 8)
    assert (joined.dropped, len(joined.late)) == (1, 0)
    feed.watermark("left", 15)
    told = feed.watermark("right", 15).frame
    assert told["window_start"].tolist() == [pd.Timestamp(5)]


def test_a_column_named_as_a_bound_is_refused():
    frame = pd.DataFrame({"window_end": [1]}, index=pd.RangeIndex(1, 2))
    with pytest.raises(DescriptionError, match="the left rows have a column 'window_end' already"):
        WindowJoin(window=Tumbling("1s")).process("left", frame, Progress(None).stamp(np.array([0])))


@pytest.mark.parametrize(
    ("question", "held", "answered_at"),
    [
        ({}, (90,), 101),
        ({"allow_exact": False}, (90,), 100),
        ({"direction": "forward"}, (), END_OF_TIME),
        ({"direction": "forward", "tolerance": 30}, (), 131),
        ({"direction": "forward"}, (120,), 121),
        ({"direction": "nearest"}, (90,), 110),
        ({"direction": "nearest", "nearest_tie": "forward"}, (90,), 111),
        ({"direction": "nearest"}, (90, 105), 106),
        ({"direction": "nearest", "tolerance": 30}, (), 131),
        ({"direction": "nearest"}, (100,), 101),
    ],
)
def test_a_left_row_is_answered_as_soon_as_its_answer_is_certain(question, held, answered_at):
    feed = Feed(AsofJoin(keys=["k"], **question))
    feed.rows("right", *held)
    feed.rows("left", 100)
    feed.watermark("left", 10**9)
    feed.watermark("right", min(answered_at - 1, 10**12))
    assert feed.operator.watermarks[1] < answered_at
    assert len(feed.operator.stores[0]) == 1
    assert len(feed.watermark("right", answered_at).frame) == 1


def test_of_right_rows_the_last_of_each_key_is_held():
    feed = Feed(AsofJoin(keys=["k"]))
    for now in range(1000):
        for key in "ab":
            feed.rows("right", now, key=key)
        feed.watermark("left", now)
        feed.watermark("right", now)
    assert feed.operator.size <= 4
    feed.watermark("left", END_OF_TIME)
    assert feed.operator.size == 0


def test_a_right_row_behind_its_own_watermark_is_late():
    feed = Feed(AsofJoin(keys=["k"]))
    feed.watermark("right", 100)
    assert len(feed.rows("right", 99).late) == 1
    assert len(feed.rows("right", 100).late) == 0
    assert len(feed.rows("left", 50).late) == 0  # the left watermark holds the combined one back


def test_what_is_told_is_dated():
    feed = Feed(IntervalJoin(keys=["k"], lower=0, upper=10, how="left"))
    feed.rows("left", 100, 103)
    joined = feed.rows("right", 104)
    assert isinstance(joined.stamp, Stamp)
    assert joined.stamp.look_up(joined.frame)[0].tolist() == [104, 104]
    feed.rows("left", 107)
    feed.watermark("left", 200)
    assert feed.watermark("right", 110).stamp.watermark == 107  # that row may still be told alone
    assert feed.watermark("right", 118).stamp.watermark == 118


def test_a_side_that_sends_nothing_has_no_columns():
    join, progress = IntervalJoin(keys=["k"], lower=0, upper=5, how="left"), Progress(0)
    frame = pd.DataFrame({"k": ["a"], "v": [1]}, index=pd.RangeIndex(1, 2))
    join.process("left", frame, progress.stamp(np.array([3])))
    join.process("left", frame[:0], progress.end())
    told = join.process("right", pd.DataFrame(), Progress(0).end()).frame
    assert told.to_dict("records") == [{"k": "a", "v": 1}]


def test_a_missing_key_is_named():
    frame = pd.DataFrame({"v": [1]}, index=pd.RangeIndex(1, 2))
    with pytest.raises(SchemaError, match="no such column: 'k'"):
        AsofJoin(keys=["k"]).process("left", frame, Progress(0).stamp(np.array([3])))


def test_late_rows_meet_a_watermark_in_the_zone_of_their_times():
    join, progress = AsofJoin(time_dtype="datetime64[us, Europe/Berlin]"), Progress(0)
    frame = pd.DataFrame({"v": [1, 2]}, index=pd.RangeIndex(1, 3))
    late = join.process("right", frame, progress.stamp(np.array([SECOND, 0]))).late
    assert late["watermark"].tolist() == [pd.Timestamp("1970-01-01 01:00:01", tz="Europe/Berlin")]


@pytest.mark.parametrize("rows", [1, 100])
@pytest.mark.parametrize(
    ("one", "other"), [("category", "str"), ("str", "object"), ("int64", "Int64"), ("int64", "float64")]
)
def test_keys_of_unlike_types_meet(one, other, rows):
    values = ["a", "b", "c", "d"] if one in ("category", "str") else [1, 2, 3, 4]
    left, right = (
        wb.stream(
            pd.DataFrame(
                {"t": pd.to_datetime([1, 2, 3], unit="s"), "k": pd.Series(some, dtype=dtype), name: 1}
            ),
            time="t",
            watermark=0,
        )
        for some, dtype, name in ((values[:3], one, "v"), (values[1:], other, "w"))
    )
    joined = left.interval_join(right, on="k", lower="-9s", upper="9s", how="outer").to_pandas(
        batch_rows=rows
    )
    assert sorted(joined["k"].tolist()) == values
    assert joined.set_index("k")[["v", "w"]].notna().all(axis=1).sort_index().tolist() == [
        False,
        True,
        True,
        False,
    ]
