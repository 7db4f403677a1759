"""The parts of the engine, each by itself; the laws hold them together in tests/properties."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.keys import KeyDictionary
from workbench.engine.operands import Operand
from workbench.engine.partials import PARTS, Plan
from workbench.engine.placing import assign
from workbench.engine.progress import Progress
from workbench.engine.shapes import SlidingShape
from workbench.engine.state import Cells
from workbench.engine.windowed import window_operator
from workbench.errors import DescriptionError, SchemaError, SnapshotError
from workbench.model.aggregates import Aggregate
from workbench.model.naming import named_aggregates
from workbench.time import END_OF_TIME, NO_WATERMARK

SECOND = 1_000_000_000


def test_a_row_meets_the_watermark_of_the_rows_before_it():
    progress = Progress(bound=10)
    first = progress.stamp(np.array([100, 95, 120, 110]))
    assert first.met.tolist() == [NO_WATERMARK, 90, 90, 110]
    second = progress.stamp(np.array([90, NO_WATERMARK, 130]))
    assert second.met.tolist() == [110, 110, 110]
    assert (second.first, second.watermark) == (5, 120)
    assert progress.end().watermark == END_OF_TIME


def test_a_watermark_never_goes_back():
    progress = Progress(bound=None)
    assert progress.advance(50).watermark == 50
    assert progress.advance(40).watermark == 50


def test_renumbered_rows_are_noticed():
    stamp = Progress(bound=0).stamp(np.array([1, 2, 3]))
    frame = pd.DataFrame({"v": [1, 2, 3]}, index=pd.RangeIndex(1, 4))
    assert stamp.look_up(frame[frame.v > 1])[0].tolist() == [2, 3]
    with pytest.raises(DescriptionError, match="renumbered the rows"):
        stamp.look_up(frame.reset_index(drop=True))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", "b", None, "a"]),
        pd.Series(["a", "b", None, "a"], dtype="category"),
        pd.Series([3, 1, 3, 2]),
        pd.Series([3, None, 3, 2], dtype="Int64"),
        pd.Series([1.5, np.nan, 1.5, 2]),
        pd.Series(pd.to_datetime(["2026-01-05", None, "2026-01-05", "2026-01-06"])),
        pd.Series([True, False, True, True]),
    ],
    ids=lambda column: str(column.dtype),
)
def test_keys_come_back_as_they_went_in(column):
    keys = KeyDictionary(["k"])
    frame = column.to_frame("k")
    codes = keys.encode(frame)
    pd.testing.assert_frame_equal(pd.DataFrame(keys.take(codes)), frame)
    assert len(set(codes)) == len(keys) == column.nunique(dropna=False)
    again = keys.encode(frame.iloc[::-1])
    assert again.tolist() == codes[::-1].tolist()


def test_several_key_columns_make_one_code_and_nulls_are_keys():
    frame = pd.DataFrame({"a": ["x", "x", None, None, "x"], "b": [1, 2, 1, 1, 1], "c": list("ppppp")})
    keys = KeyDictionary(["a", "b", "c"])
    assert keys.encode(frame).tolist() == [0, 1, 2, 2, 0]
    pd.testing.assert_frame_equal(keys.table(), frame.iloc[:3])


def test_keys_are_forgotten_but_for_those_retained():
    keys = KeyDictionary(["k"])
    keys.encode(pd.DataFrame({"k": list("abcd")}))
    assert keys.retain(np.array([1, 3])).tolist() == [-1, 0, -1, 1]
    assert keys.table().k.tolist() == ["b", "d"]


def test_categories_of_later_batches_join_those_before():
    keys = KeyDictionary(["k"])
    keys.encode(pd.DataFrame({"k": pd.Categorical(["a"], categories=["a", "b"])}))
    codes = keys.encode(pd.DataFrame({"k": pd.Categorical(["c", "b"], categories=["b", "c"])}))
    assert keys.take(codes)["k"].tolist() == ["c", "b"]


@pytest.mark.parametrize(("size", "slide"), [(10, 10), (10, 5), (35, 25), (4, 6), (7, 3), (3, 7), (10, 1)])
@pytest.mark.parametrize("offset", [0, 2])
def test_slices_cover_exactly_the_windows(size, slide, offset):
    shape = SlidingShape(size, slide, offset)
    times = np.arange(-60, 61)
    rows, starts, ends = assign(wb.Sliding(size * 1e-9, slide * 1e-9, offset=offset * 1e-9), times)
    told = set(zip(times[rows].tolist(), starts.tolist(), ends.tolist(), strict=True))
    windows = np.arange(-100, 100)
    by_hand = {
        (t, int(start), int(start) + size)
        for start in windows * slide + offset
        for t in times.tolist()
        if start <= t < start + size
    }
    assert told == by_hand
    # a window's slices hold its times and no others
    slices = shape.slice_of(times)
    low, high = shape.slices_of(windows)
    for window in range(80, 120):
        inside = (slices >= low[window]) & (slices <= high[window])
        start = windows[window] * slide + offset
        assert times[inside].tolist() == [t for t in times.tolist() if start <= t < start + size]


def test_variance_does_not_lose_its_digits():
    plan = Plan([Aggregate("var", "v", "var")])
    frame = pd.DataFrame({"v": [1e9 + 4, 1e9 + 7, 1e9 + 13]})
    operand = plan.operands(frame)["v"]
    whole = PARTS["moments"].fold(operand, np.arange(3), np.arange(3), np.zeros(3, dtype=int), 1)
    lifted = PARTS["moments"].lift(operand, np.arange(3), np.arange(3))
    one_by_one = tuple(column[:1] for column in lifted)
    for i in (1, 2):
        one_by_one = PARTS["moments"].merge(one_by_one, tuple(column[i : i + 1] for column in lifted))
    assert whole[-1][0] / 2 == one_by_one[-1][0] / 2 == 21.0


def test_sums_of_integers_are_exact():
    big = 2**53 + 1
    operand = Operand.of(np.array([big, 1, 1]))
    assert PARTS["sum"].fold(operand, None, None, np.zeros(3, dtype=int), 1)[0].tolist() == [big + 2]


def test_a_sum_of_text_is_refused_with_a_hint():
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-05"]), "v": ["x"]})
    with pytest.raises(SchemaError, match="the sum of a column of str is not defined"):
        wb.stream(frame, time="t", watermark=0).window("1min").agg(s=("v", "sum")).to_pandas()


def test_text_and_times_have_extremes_firsts_and_distinct_counts():
    frame = pd.DataFrame(
        {
            "t": pd.to_datetime(["2026-01-05 09:00:02", "2026-01-05 09:00:01", "2026-01-05 09:00:03"]),
            "v": ["b", None, "a"],
        }
    )
    named = {f: ("v", f) for f in ("min", "max", "first", "last", "nunique", "count")}
    rows = wb.stream(frame, time="t", watermark=0)
    panes = rows.window("1min").agg(**named, latest=("t", "max")).to_pandas()
    assert panes.iloc[0][list(named)].tolist() == ["a", "b", "b", "a", 1 + 1, 2]
    assert panes.latest[0] == frame.t[2]


def test_ties_of_first_and_last_go_by_arrival():
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-05 09:00"] * 3), "v": [3, 1, 2]})
    rows = wb.stream(frame, time="t", watermark=0)
    panes = rows.window("1min").agg(first=("v", "first"), last=("v", "last")).to_pandas(batch_rows=1)
    assert panes[["first", "last"]].iloc[0].tolist() == [3, 2]


def test_nullable_columns_stay_nullable():
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:01"]), "v": [None, 2]})
    frame["v"] = frame.v.astype("Int64")
    panes = (
        wb.stream(frame, time="t", watermark=0).window("1min").agg(m=("v", "max"), s=("v", "sum")).to_pandas()
    )
    assert panes.m.dtype == "Int64"
    assert panes.m.isna().tolist() == [True, False]
    assert panes.s.tolist() == [0, 2]


def test_cells_find_their_rows_again_and_free_them():
    cells = Cells([], "panes")
    rows, added = cells.merge(np.array([5, 5, 9]), np.array([0, 1, 0]), 2, None)
    again, anew = cells.merge(np.array([9, 5]), np.array([0, 1]), 300, None)
    assert again.tolist() == [rows[2], rows[1]]
    assert (added.all(), anew.any()) == (True, False)
    assert cells.places().tolist() == [5, 9]
    cells.drop(np.array([5]))
    assert len(cells) == 1
    assert cells.merge(np.array([7]), np.array([0]), 300, None)[0].tolist() == [rows[0]]  # used again


def run(window, batches, *, lateness=0, keys=("k",), bound=0, named=None):
    """Run batches of (seconds, key, value); gives outputs and the operator."""
    named = named or {"total": ("v", "sum")}
    progress = Progress(bound=bound * SECOND)
    operator = window_operator(
        keys=keys, window=window, lateness=lateness * SECOND, aggregates=named_aggregates(named)
    )
    outputs = []
    for batch in batches:
        frame = pd.DataFrame(batch, columns=["s", "k", "v"])
        stamp = progress.stamp((frame.s * SECOND).to_numpy(dtype=np.int64))
        frame.index = pd.RangeIndex(stamp.first, stamp.first + len(frame))
        outputs.append(operator.process(frame, stamp))
    outputs.append(operator.process(frame.iloc[:0], progress.end()))
    return outputs, operator


def test_a_row_late_for_one_window_counts_for_the_others():
    # windows of 20 s every 10 s; at watermark 25 the row of second 15 is late for [0, 20) only
    outputs, operator = run(wb.Sliding(20, 10), [[(12, "a", 1), (25, "a", 1), (15, "a", 10)]])
    panes = pd.concat([output.panes for output in outputs if len(output.panes)])
    assert dict(zip(panes.window_end.dt.second, panes.total, strict=True)) == {20: 1, 30: 12, 40: 1}
    assert sum(output.dropped for output in outputs) == 1
    assert all(output.late.empty for output in outputs)
    assert operator.size == 0


def test_an_on_time_pane_holds_what_came_before_the_window_closed_even_within_a_batch():
    outputs, _ = run(wb.Tumbling(10), [[(1, "a", 1), (11, "a", 1), (2, "a", 10)]], lateness=5)
    panes = outputs[0].panes
    assert panes.total.tolist() == [1, 11]
    assert panes.timing.tolist() == ["on_time", "late"]
    assert panes.revision.tolist() == [0, 1]


def test_a_row_between_windows_is_rejected_with_the_reason():
    outputs, _ = run(wb.Sliding(4, 6), [[(3, "a", 1), (5, "a", 2)]])
    assert outputs[0].rejected.v.tolist() == [2]
    assert outputs[0].rejected.reason.tolist() == ["between windows"]


def test_a_late_row_says_by_how_much():
    outputs, _ = run(wb.Tumbling(10), [[(1, "a", 1), (17, "a", 1), (2, "a", 10)]], lateness=5)
    late = outputs[0].late
    assert late.v.tolist() == [10]
    assert late.late_by.tolist() == [pd.Timedelta("2s")]
    assert late.watermark.tolist() == [pd.Timestamp(17, unit="s")]


def test_a_session_that_fired_takes_a_late_row_and_counts_on():
    outputs, operator = run(wb.Session(10), [[(0, "a", 1), (15, "b", 1), (9, "a", 10)]], lateness=20)
    panes = pd.concat([output.panes for output in outputs if len(output.panes)])
    panes = panes[panes.k == "a"]
    assert panes.total.tolist() == [1, 11]
    assert panes.window_end.dt.second.tolist() == [10, 19]
    assert panes.revision.tolist() == [0, 1]
    assert operator.size == 0


def test_peek_changes_nothing():
    progress = Progress(bound=0)
    operator = window_operator(window=wb.Tumbling(10), aggregates=named_aggregates({"n": ("v", "size")}))
    assert operator.peek().empty
    stamp = progress.stamp(np.array([1, 2]) * SECOND)
    operator.process(pd.DataFrame({"v": [1, 2]}, index=pd.RangeIndex(1, 3)), stamp)
    before = operator.snapshot()
    early = operator.peek()
    assert early.n.tolist() == [2]
    assert early.timing.tolist() == ["early"]
    assert repr(operator.snapshot()) == repr(before)


def test_keys_without_state_are_forgotten():
    rows = 3_000
    batches = [[(10 * i, f"user {i}", 1) for i in range(start, start + 500)] for start in range(0, rows, 500)]
    _, operator = run(wb.Session(5), batches)
    assert operator.size == 0
    assert len(operator.keys) < rows


def test_a_snapshot_of_another_operator_is_refused():
    one = window_operator(window=wb.Tumbling(10), aggregates=named_aggregates({"n": ("v", "size")}))
    other = window_operator(window=wb.Tumbling(20), aggregates=named_aggregates({"n": ("v", "size")}))
    with pytest.raises(SnapshotError, match="of another operator"):
        other.restore(one.snapshot())


def test_days_have_the_length_that_they_have_there():
    # Berlin put its clocks forward on 2026-03-29 and back on 2026-10-25
    noons = pd.to_datetime(["2026-03-28 12:00", "2026-03-29 12:00", "2026-10-25 12:00", "2026-10-26 12:00"])
    frame = pd.DataFrame({"t": noons.tz_localize("Europe/Berlin"), "v": 1})
    rows = wb.stream(frame, time="t", watermark=0)
    days = rows.window(wb.Calendar("day", tz="Europe/Berlin")).agg(n=("v", "size")).to_pandas()
    hours = (days.window_end - days.window_start) / pd.Timedelta("1h")
    assert hours.tolist() == [24, 23, 25, 24]
    assert str(days.window_start.dtype) == "datetime64[us, Europe/Berlin]"
    assert set(days.window_start.dt.hour) == {0}


def test_a_day_whose_midnight_is_skipped_starts_when_it_starts():
    frame = pd.DataFrame({"t": pd.to_datetime(["2017-10-15 03:30"]), "v": [1]})  # in Sao Paulo from 01:00 on
    rows = wb.stream(frame, time="t", watermark=0)
    (day,) = (
        rows.window(wb.Calendar("day", tz="America/Sao_Paulo")).agg(n=("v", "size")).to_pandas().itertuples()
    )
    assert day.window_start == pd.Timestamp("2017-10-15 03:00")
    assert day.window_end == pd.Timestamp("2017-10-16 02:00")


def test_the_global_window_fires_at_the_end_and_has_no_bounds():
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-05", "2020-01-05"]), "v": [1, 2]})
    panes = (
        wb.stream(frame, time="t", watermark=0)
        .window(wb.Global())
        .agg(s=("v", "sum"))
        .to_pandas(batch_rows=1)
    )
    assert panes.s.tolist() == [3]
    assert panes[["window_start", "window_end"]].isna().all(axis=None)


def test_cumulating_windows_share_their_slices():
    outputs, operator = run(
        wb.Cumulating(30, 10), [[(1, "a", 1), (12, "a", 10), (25, "a", 100), (31, "a", 1000)]]
    )
    panes = pd.concat([output.panes for output in outputs if len(output.panes)])
    assert dict(zip(panes.window_end.dt.second, panes.total, strict=True)) == {
        10: 1, 20: 11, 30: 111, 40: 1000, 50: 1000, 0: 1000,
    }  # fmt: skip
    assert operator.size == 0


def test_a_median_of_text_is_refused():
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-05"]), "v": ["x"]})
    with pytest.raises(SchemaError, match=r"m=median\(v\): the median of a column of str is not defined"):
        wb.stream(frame, time="t", watermark=0).window("1min").agg(m=("v", "median")).to_pandas()


def test_collected_values_are_in_the_order_of_their_times():
    outputs, _ = run(
        wb.Tumbling(10), [[(3, "a", 3)], [(1, "a", 1), (3, "a", 4)]], named={"all": ("v", "collect")}, bound=5
    )
    assert outputs[-1].panes["all"].tolist() == [[1, 3, 4]]


@pytest.mark.parametrize("window", [wb.Sliding("60s", "10s"), wb.Cumulating("60s", "10s")])
@pytest.mark.parametrize("many", [0, 10**9])
def test_to_peek_changes_nothing_that_is_told_later(window, many, monkeypatch):
    """Neither where what windows share is kept merged, nor where each is merged anew."""
    monkeypatch.setattr("workbench.engine.slices._MANY", many)
    random = np.random.default_rng(3)
    times = (np.arange(4_000) * 50 + random.integers(0, 5_000, 4_000)) * 1_000_000
    frame = pd.DataFrame({"k": random.integers(0, 9, 4_000), "v": random.integers(0, 99, 4_000)})
    told = []
    for peeking in (False, True):
        operator = window_operator(
            window=window, keys=("k",), aggregates=named_aggregates({"n": ("v", "size"), "s": ("v", "sum")})
        )
        progress, panes = Progress(bound=5 * SECOND), []
        for at in range(0, 4_000, 170):
            batch = frame.iloc[at : at + 170].set_axis(pd.RangeIndex(at + 1, min(at + 170, 4_000) + 1))
            panes.append(operator.process(batch, progress.stamp(times[at : at + 170])).panes)
            if peeking:
                operator.peek()
        told.append(pd.concat(panes, ignore_index=True))
    pd.testing.assert_frame_equal(*told)
