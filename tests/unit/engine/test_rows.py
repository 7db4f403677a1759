"""Rows held in columns, and found by key and time."""

import numpy as np
import pandas as pd
import pytest

from workbench.engine.ranges import TimeIndex, behind, in_order, shift
from workbench.engine.rows import RowStore
from workbench.time import END_OF_TIME, NO_WATERMARK

COLUMNS = [
    pd.Series([1, 2, 3], dtype="int32"),
    pd.Series([1, 2**62 + 1, 3], dtype="int64"),
    pd.Series([1.5, np.nan, 3]),
    pd.Series([True, False, True]),
    pd.Series([True, None, False], dtype="boolean"),
    pd.Series([1, None, 3], dtype="Int64"),
    pd.Series([0.5, None, 3], dtype="Float64"),
    pd.Series(["a", None, "c"], dtype="str"),
    pd.Series(["a", None, "c"], dtype="string"),
    pd.Series(["a", None, "c"], dtype=object),
    pd.Series(["a", None, "c"], dtype="category"),
    pd.Series(pd.to_datetime(["2026-01-05", None, "2026-01-06"])),
    pd.Series(pd.to_datetime(["2026-01-05", None, "2026-01-06"])).dt.tz_localize("Europe/Berlin"),
    pd.Series(pd.to_timedelta(["1s", None, "2s"])),
    pd.Series(pd.period_range("2026-01", periods=3, freq="M")),
    pd.Series([[1], None, {"a": 2}]),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.dtype))
def test_rows_come_back_as_they_went_in(column):
    store = RowStore("time")
    first = store.add(column.iloc[:1].to_frame("v"), time=np.array([1]))
    slots = np.concatenate([first, store.add(column.iloc[1:].to_frame("v"), time=np.array([2, 3]))])
    pd.testing.assert_series_equal(store.take(slots)["v"], column, check_names=False)
    nullable = store.take(np.append(slots, -1), nullable=True)["v"]
    assert nullable.isna().tolist() == [*column.isna(), True]
    assert nullable.dropna().tolist() == column.dropna().tolist()
    assert store.take(slots, nullable=True)["v"].dtype == nullable.dtype


def test_slots_are_used_again_and_rows_grow():
    store = RowStore("time")
    for _ in range(50):
        slots = store.add(pd.DataFrame({"v": np.arange(40.0)}), time=np.arange(40))
        assert store.take(slots)["v"].tolist() == [*range(40)]
        store.drop(slots[1:])
    assert len(store) == 50
    assert len(store._live) <= 128


def test_dropped_objects_are_let_go():
    store = RowStore()
    slots = store.add(pd.DataFrame({"v": ["a", "b"]}, dtype=object))
    store.drop(slots)
    assert store._columns["v"].values[slots].tolist() == [None, None]


def test_a_column_may_change_its_type():
    store = RowStore()
    parts = [[1, 2], [1.5, 2.5], ["a", "b"]]
    slots = np.concatenate([store.add(pd.DataFrame({"v": part})) for part in parts])
    assert store.take(slots)["v"].tolist() == [1, 2, 1.5, 2.5, "a", "b"]


def test_categories_are_united():
    store = RowStore()
    one, other = (pd.Series(list(letters), dtype="category") for letters in ("ab", "cb"))
    slots = np.concatenate([store.add(column.to_frame("v")) for column in (one, other, one)])
    assert store.take(slots)["v"].tolist() == list("abcbab")
    assert store.take(slots)["v"].dtype == pd.CategoricalDtype(list("abc"))


def test_a_snapshot_keeps_rows_in_their_slots():
    store = RowStore("time")
    slots = store.add(pd.DataFrame({"v": np.arange(100)}), time=np.arange(100))
    store.drop(slots[::3])
    other = RowStore("time")
    other.restore(store.snapshot())
    kept = np.setdiff1d(slots, slots[::3])
    assert (other.live() == kept).all()
    assert (other["time"][kept] == kept).all()
    assert other.take(kept)["v"].tolist() == kept.tolist()
    assert len(other.add(pd.DataFrame({"v": np.arange(70)}), time=np.arange(70))) == 70
    assert len(other) == 136


def test_a_side_that_never_came_is_null():
    assert RowStore("time").take(np.array([-1, -1]), nullable=True) == {}
    store = RowStore("time")
    store.learn(pd.DataFrame({"v": pd.Series(dtype="int64")}))
    assert store.take(np.array([-1, -1]), nullable=True)["v"].isna().all()


@pytest.mark.parametrize("scale", [1, 10**15], ids=["packed", "ranked"])
def test_ranges_are_found_whatever_their_length(scale):
    rng = np.random.default_rng(3)
    index, rows = TimeIndex(), []
    for batch in range(5):
        keys, times = rng.integers(0, 5, 40), rng.integers(-50, 50, 40) * scale
        order = in_order(keys, times)
        slots = batch * 40 + order
        index.add(keys[order], times[order], slots)
        rows += zip(keys[order].tolist(), times[order].tolist(), slots.tolist(), strict=True)
    assert index.slots.tolist() == [slot for _, _, slot in sorted(rows)]
    keys, low = rng.integers(0, 9, 200), rng.integers(-70, 70, 200) * scale
    high = low + rng.integers(-2, 9, 200) * scale
    low[:5], high[5:10] = NO_WATERMARK, END_OF_TIME
    first, beyond = index.find(keys, low, high)
    for number, (key, least, most) in enumerate(zip(keys, low, high, strict=True)):
        wanted = [slot for at, time, slot in sorted(rows) if at == key and least <= time <= most]
        assert index.slots[first[number] : beyond[number]].tolist() == wanted


def test_order_is_that_of_lexsort():
    rng = np.random.default_rng(3)
    for scale in (1, 2**60):
        major, minor = rng.integers(0, 4, 99), rng.integers(-3, 3, 99) * scale
        assert (in_order(major, minor) == np.lexsort((minor, major))).all()


def test_moments_do_not_leave_int64():
    times = np.array([NO_WATERMARK + 1, -5, 5, END_OF_TIME - 1])
    assert shift(times, END_OF_TIME).tolist() == [END_OF_TIME] * 4
    assert shift(times, -END_OF_TIME).tolist() == [NO_WATERMARK] * 4
    assert shift(times, 10).tolist() == [NO_WATERMARK + 11, 5, 15, END_OF_TIME]
    assert shift(times, -10).tolist() == [NO_WATERMARK, -15, -5, END_OF_TIME - 11]
    assert behind(NO_WATERMARK + 3, 10) == NO_WATERMARK


def test_rows_without_columns_are_rows_too():
    store, again = RowStore("time"), RowStore("time")
    store.add(pd.DataFrame(index=range(2)), time=np.array([1, 2]))
    again.restore(store.snapshot())
    assert (len(again), again["time"][again.live()].tolist()) == (2, [1, 2])
