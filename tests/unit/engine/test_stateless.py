"""Stateless steps: ordinary pandas, row by row, with rows that keep their dates."""

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError, StepError

FRAME = pd.DataFrame(
    {
        "t": pd.to_datetime("2026-01-05") + pd.to_timedelta([1, 2, 61, 3], unit="s"),
        "k": ["a", "b", "a", "b"],
        "v": [1, 2, 3, 4],
        "tags": [["x", "y"], [], ["y"], ["x"]],
    }
)


@pytest.fixture
def rows():
    return wb.stream(FRAME, time="t", watermark="1h")


@pytest.mark.parametrize(
    ("describe", "column", "expected"),
    [
        (lambda s: s.query("v > 1 and k == 'b'"), "v", [2, 4]),
        (lambda s: s.query(pd.col("v") > 2), "v", [3, 4]),
        (lambda s: s.query(lambda f: f.v % 2 == 1), "v", [1, 3]),
        (lambda s: s.assign(w=pd.col("v") * 2), "w", [2, 4, 6, 8]),
        (lambda s: s.assign(w=lambda f: f.v + 1, u=7), "w", [2, 3, 4, 5]),
        (lambda s: s[["v"]], "v", [1, 2, 3, 4]),
        (lambda s: s.rename({"v": "value"}), "value", [1, 2, 3, 4]),
        (lambda s: s.astype({"v": "float64"}), "v", [1.0, 2.0, 3.0, 4.0]),
        (lambda s: s.map(lambda f, by: f.assign(v=f.v * by), by=10), "v", [10, 20, 30, 40]),
        (lambda s: s.explode("tags"), "v", [1, 1, 2, 3, 4]),
    ],
)
def test_a_step_is_what_pandas_does(rows, describe, column, expected):
    stream = describe(rows)
    for size in (1, 3, 100):
        assert stream.to_pandas(batch_rows=size)[column].tolist() == expected
    if stream.columns is not None:
        assert list(stream.to_pandas().columns) == list(stream.columns)


def test_rows_keep_their_dates_whatever_is_done_to_them(rows):
    without_time = rows.explode("tags")[["tags"]].groupby("tags").window("1min").agg(n=("tags", "size"))
    panes = without_time.to_pandas()
    assert panes[["tags", "n"]].fillna("none").values.tolist() == [["x", 2], ["y", 1], ["none", 1], ["y", 1]]


def test_a_function_that_renumbers_is_found_out(rows):
    bad = rows.query("v > 1").map(lambda f: f.reset_index(drop=True)).window("1min").agg(n=("v", "size"))
    with pytest.raises(DescriptionError, match="renumbered the rows"):
        bad.to_pandas()


def test_a_function_must_give_a_frame(rows):
    with pytest.raises(StepError, match="not a DataFrame"):
        rows.map(lambda f: f.v.sum()).to_pandas()


@pytest.mark.parametrize(
    "describe",
    [
        lambda s: s.rename({"w": "u"}),
        lambda s: s.astype({"w": "str"}),
        lambda s: s.explode("w"),
        lambda s: s[["w"]],
    ],
)
def test_a_column_that_is_not_there_is_refused_when_described(rows, describe):
    with pytest.raises(DescriptionError, match="no such column: 'w'"):
        describe(rows)


@pytest.mark.parametrize("condition", ["v", "k", lambda f: f["v"], lambda f: f["k"], lambda f: f["v"].max()])
def test_a_condition_that_is_no_boolean_is_refused(rows, condition):
    with pytest.raises(StepError, match=r"the condition .* gave (int64|str), not booleans") as told:
        rows.query(condition).to_pandas()
    assert "flag == 1" in told.value.hint
    assert not len(told.value.rows)


@pytest.mark.parametrize("flag", [[True, None, True, False], [True, False, True, False]])
def test_a_boolean_column_is_a_condition_and_null_is_no(flag):
    rows = wb.stream(FRAME.assign(flag=pd.array(flag, dtype="boolean")), time="t", watermark="1h")
    for condition in ("flag", pd.col("flag"), lambda f: f["flag"], lambda f: f["flag"].astype(object)):
        assert rows.query(condition).to_pandas()["v"].tolist() == [1, 3]
