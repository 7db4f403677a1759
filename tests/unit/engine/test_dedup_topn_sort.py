"""Deduplication, top-n and sorting: what is held and what is refused; laws are in tests/properties."""

import numpy as np
import pandas as pd
import pytest

from workbench.engine.dedup import Dedup
from workbench.engine.progress import Progress
from workbench.engine.sorting import EventTimeSort
from workbench.engine.topn import TopN
from workbench.errors import DescriptionError, SnapshotError
from workbench.model.windows import Count, Tumbling


def batch(progress, times, **columns):
    stamp = progress.stamp(np.array(times, dtype=np.int64))
    index = pd.RangeIndex(stamp.first, stamp.first + len(times))
    return pd.DataFrame(columns or {"n": times}).set_axis(index), stamp


def test_in_one_batch_many_rows_of_a_key_may_pass_one_after_another():
    times = np.arange(10_000)
    passed = Dedup(within=10).process(*batch(Progress(0), times))
    # a row meets the watermark of the row before it
    assert passed.frame["n"].tolist() == [0, *range(11, 10_000, 11)]
    assert len(passed.frame) + len(passed.duplicate) == 10_000
    assert passed.late.empty


def test_rows_are_remembered_until_the_watermark_has_gone_on():
    dedup, progress = Dedup(keys=["n"], within=100), Progress(0)
    for begin in range(0, 20_000, 500):
        passed = dedup.process(*batch(progress, range(begin, begin + 500)))
        assert len(passed.frame) == 500
        assert dedup.size <= 100
    assert len(dedup.keys) < 2_000
    dedup.process(pd.DataFrame({"n": pd.Series(dtype="int64")}), progress.end())
    assert dedup.size == 0


def test_by_key_and_time_rows_are_remembered_while_one_like_them_would_not_be_late():
    dedup, progress = Dedup(within=None, by="key_and_time"), Progress(5)
    passed = dedup.process(*batch(progress, [10, 12, 10, 12, 15, 10]))
    assert (passed.frame["n"].tolist(), len(passed.duplicate)) == ([10, 12, 15], 3)
    assert dedup.process(*batch(progress, [10])).duplicate["n"].tolist() == [10]
    dedup.process(*batch(progress, [16]))
    assert dedup.process(*batch(progress, [10])).late["n"].tolist() == [10]
    assert dedup.size == 3


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dedup(within=None), "deduplication by key without a duration"),
        (lambda: Dedup(within=0), "at least a nanosecond, but within is 0"),
        (lambda: Dedup(within=5, by="time"), "no such by: 'time'"),
        (lambda: Dedup(within=5, lateness=-5), "at least zero, but is -5"),
        (lambda: TopN(window=Tumbling("1s"), n=0, by="v"), "at least one, but n is 0"),
        (lambda: TopN(window=Tumbling("1s"), n=1, by="v", ties="min"), "no such ties: 'min'"),
        (lambda: TopN(window=Count(5), n=1, by="v"), "has no place in event time"),
        (lambda: EventTimeSort(lateness=-1), "at least zero, but is -1"),
    ],
)
def test_what_makes_no_sense_is_refused(make, text):
    with pytest.raises(DescriptionError, match=text):
        make()


def test_rows_that_cannot_be_among_the_first_are_let_go():
    top, progress = TopN(window=Tumbling("1s"), n=3, by="n"), Progress(0)
    rng = np.random.default_rng(1)
    values = rng.permutation(20_000)
    for begin in range(0, 20_000, 200):
        top.process(*batch(progress, [5] * 200, n=values[begin : begin + 200]))
        assert top.size <= 500
    told = top.process(pd.DataFrame({"n": pd.Series(dtype="int64")}), progress.end()).frame
    assert told["n"].tolist() == [19_999, 19_998, 19_997]
    assert told["rank"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("ties", "wanted"),
    [("row_number", [1, 2, 3]), ("rank", [1, 1, 3, 3]), ("dense_rank", [1, 1, 2, 2, 3])],
)
def test_ties(ties, wanted):
    top, progress = TopN(window=Tumbling("1s"), n=3, by="n", ties=ties), Progress(0)
    top.process(*batch(progress, [1] * 6, n=[9.0, 7, 9, 7, 5, np.nan]))
    told = top.process(pd.DataFrame({"n": pd.Series(dtype="float64")}), progress.end()).frame
    assert told["rank"].tolist() == wanted


def test_a_column_named_rank_is_refused():
    with pytest.raises(DescriptionError, match="the rows have a column 'rank' already"):
        TopN(window=Tumbling("1s"), n=1, by="rank").process(*batch(Progress(0), [1], rank=[1]))


def test_sorting_waits_for_rows_of_the_same_moment():
    sort, progress = EventTimeSort(), Progress(0)
    assert sort.process(*batch(progress, [5])).frame.empty
    released = sort.process(*batch(progress, [5, 7]))
    assert released.frame["n"].tolist() == [5, 5]
    assert released.stamp.look_up(released.frame)[0].tolist() == [5, 5]
    assert sort.size == 1
    assert sort.process(*batch(progress, [6])).late["late_by"].tolist() == [pd.Timedelta(1)]


def test_snapshots_of_others_are_refused():
    for one, other in (
        (Dedup(within=5), Dedup(within=6)),
        (EventTimeSort(), EventTimeSort(lateness=1)),
        (TopN(window=Tumbling("1s"), n=1, by="v"), TopN(window=Tumbling("1s"), n=2, by="v")),
    ):
        with pytest.raises(SnapshotError, match="the snapshot is of another operator"):
            other.restore(one.snapshot())
