"""Aggregates of one's own: what users may write, and what they are told."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError
from workbench.testing.laws import check_aggregate
from workbench.testing.strategies import CUSTOMS

NUMBERS = st.integers(-1000, 1000)


def answer(custom, values, column="v", batch_rows=2):
    frame = values if isinstance(values, pd.DataFrame) else pd.DataFrame({"v": values})
    times = pd.to_datetime("2026-01-05") + pd.to_timedelta(np.arange(len(frame)), unit="s")
    rows = wb.stream(frame.assign(t=times), time="t", watermark=0)
    return rows.window("2s").agg(x=(column, custom)).to_pandas(batch_rows=batch_rows)["x"]


def test_the_examples_keep_the_laws():
    letters = st.sampled_from("abc")
    columns = {"span": (NUMBERS,), "evens": (NUMBERS,), "heaviest": (NUMBERS, NUMBERS), "letters": (letters,)}
    for name, values in columns.items():
        check_aggregate(CUSTOMS[name][1], *values)


@pytest.mark.parametrize(
    ("custom", "law"),
    [
        (wb.Custom(lambda v: v, lambda a, b: a, lambda v: v), r"merge\(a, b\) is not merge\(b, a\)"),
        (wb.Custom(lambda v: v, np.subtract, lambda v: v), "is not merge"),
        (wb.Custom(float, lambda a, b: (a + b) / 2, float), r"merge\(merge\(a, b\), c\) is not"),
        (wb.Custom(lambda v: [v], lambda a, b: a.extend(b) or a, len), r"merge\(a, b\) changes them"),
        (
            wb.Custom(lambda v: v - v.min(), np.add, lambda v: v),
            "zero-size array|another result in two batches",
        ),
    ],
    ids=["left", "difference", "halves", "in place", "not by row"],
)
def test_what_breaks_a_law_is_found(custom, law):
    with pytest.raises((AssertionError, ValueError), match=law):
        check_aggregate(custom, NUMBERS, examples=50)


def test_nulls_are_left_out_and_of_nothing_there_is_null():
    custom = wb.Custom(lambda v: (v, 1), (np.add, np.add), lambda total, count: total / count)
    by_hand = wb.Custom(lambda v: (v, 1), lambda a, b: (a[0] + b[0], a[1] + b[1]), lambda p: p[0] / p[1])
    for one in (custom, by_hand):
        found = answer(one, [1.0, 3.0, None, None, None, 5.0])
        assert found.isna().tolist() == [False, True, False]
        assert found.dropna().tolist() == [2, 5]


def test_values_come_in_types_that_a_user_expects():
    seen = {}

    def lift(*arrays):
        seen.update(enumerate(array.dtype.str for array in arrays))
        return 1

    frame = pd.DataFrame(
        {
            "b": [True],
            "i": np.array([1], dtype="int8"),
            "f": np.array([1], dtype="float32"),
            "d": pd.to_timedelta([1], unit="s").astype("timedelta64[ms]"),
            "m": pd.to_datetime(["2026-01-05"]).astype("datetime64[us]").tz_localize("Europe/Berlin"),
            "s": ["a"],
        }
    )
    assert answer(wb.Custom(lift, np.add, lambda n: n), frame, list(frame.columns)).tolist() == [1]
    assert list(seen.values()) == ["|b1", "<i8", "<f8", "<m8[ms]", "<M8[us]", "|O"]


def test_objects_come_as_python_knows_them():
    moments = pd.Series(pd.to_datetime(["2026-01-05", "2026-01-06"]).tz_localize("UTC"))
    latest = wb.Custom(lambda t: t, max, lambda t: t.day_name())
    assert answer(latest, moments).tolist() == ["Tuesday"]
    pairs = wb.Custom(lambda v: [v], lambda a, b: sorted(a + b), lambda held: held)
    assert answer(pairs, [2, 1, 4, 3]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "window", [wb.Sliding("4s", "1s"), wb.Session("3s"), wb.Count(2), wb.Global()], ids=str
)
def test_custom_aggregates_go_with_every_window(window):
    frame = pd.DataFrame(
        {"t": pd.to_datetime(np.arange(9) * 10**9), "k": list("abcabcabc"), "v": np.arange(9)}
    )
    total = wb.Custom(lambda v: v, np.add, lambda v: v)
    slow = wb.Custom(lambda v: v, lambda a, b: a + b, lambda v: v)
    stream = wb.stream(frame, time="t", watermark=0).groupby("k").window(window)
    panes = stream.agg(a=("v", "sum"), b=("v", total), c=("v", slow)).to_pandas(batch_rows=2)
    assert panes.a.tolist() == panes.b.tolist() == panes.c.tolist()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: wb.Custom(3, np.add, abs), "lift is 3, which cannot be called\nHint: write wb.Custom"),
        (lambda: wb.Custom(abs, (), abs), r"merge is \(\), which cannot be called"),
        (lambda: wb.Custom(abs, np.add, None), "result is None, which cannot be called"),
        (lambda: wb.Custom(abs, np.sqrt, abs), "'sqrt'> cannot merge .*\nDetail: .*\nHint: choose np.add"),
        (lambda: wb.Custom(abs, (np.add, max), abs), "function max> cannot merge"),
        (
            lambda: answer(wb.Custom(lambda v: v, (np.add, np.add), lambda a, b: a), [1]),
            r"lifts to 1 array\(s\), but merges 2\nHint: let lift give one array for each",
        ),
        (
            lambda: answer(wb.Custom(lambda v: v[:1], np.add, lambda a: a), [1, 2]),
            r"lifts 2 rows to an array of shape \(1,\)\nDetail: .*\nHint: let lift give arrays as long",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(make, text):
    with pytest.raises(DescriptionError, match=text):
        make()


def test_a_custom_aggregate_has_the_same_name_in_every_process():
    assert repr(wb.Custom(np.log, (np.add, np.maximum), len)) == "Custom(log, add, maximum, len)"
    assert "0x" not in repr(wb.Custom(lambda v: v, lambda a, b: a, len))
