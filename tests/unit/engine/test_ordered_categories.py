"""Ordered categories are compared by their order, wherever values are compared."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import SchemaError, StepError
from workbench.model.aggregates import Aggregate
from workbench.model.expressions import col

GRADE = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)  # in the order of text: high, low, mid


def alarms(*grades, dtype=GRADE):
    times = pd.to_datetime(np.arange(len(grades)), unit="s")
    return pd.DataFrame({"t": times, "k": "a", "grade": pd.Series(grades, dtype=object).astype(dtype)})


def stream(*grades):
    return wb.stream(alarms(*grades), time="t", watermark=0)


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_extremes_go_by_the_order_and_keep_the_dtype(batch_rows):
    panes = stream("mid", "high", None, "low", "low").window("10s").agg(
        least=("grade", "min"), most=("grade", "max"), mode=("grade", "mode"), first=("grade", "first"),
        all=("grade", "collect"), kinds=("grade", "nunique"), n=("grade", "count"),
    )  # fmt: skip
    (pane,) = panes.to_pandas(batch_rows=batch_rows).to_dict("records")
    told = ["low", "high", "low", "mid", ["mid", "high", "low", "low"], 3, 4]
    assert [pane[name] for name in ("least", "most", "mode", "first", "all", "kinds", "n")] == told
    assert panes.to_pandas(batch_rows=batch_rows)["most"].dtype == GRADE


def test_of_nothing_there_is_no_extreme():
    panes = stream(None, None).window("10s").agg(most=("grade", "max")).to_pandas()
    assert panes["most"].isna().all()
    assert panes["most"].dtype == GRADE


def test_a_frame_that_looks_back():
    rolled = stream("mid", "high", "low", "low", "mid").groupby("k").rolling(2).agg(most=("grade", "max"))
    assert rolled.to_pandas()["most"].tolist()[1:] == ["high", "high", "low", "mid"]


def test_ties_of_the_mode_are_the_least():
    panes = stream("high", "mid").window("10s").agg(mode=("grade", "mode")).to_pandas()
    assert panes["mode"].tolist() == ["mid"]


def test_what_is_no_number_is_refused():
    with pytest.raises(SchemaError, match="the sum of a column of category is not defined"):
        stream("low").window("10s").agg(total=("grade", "sum")).to_pandas()


def test_functions_of_ones_own_are_given_the_categories():
    longest = wb.Custom(len, max, lambda held: held)
    panes = stream("low", "high").window("10s").agg(longest=("grade", longest))
    assert panes.to_pandas()["longest"].tolist() == [4]


def test_patterns_compare_by_the_order():
    where = col("grade") >= "mid"
    found = stream("high", "low", "mid").groupby("k").match(wb.begin("alarm", where)).to_pandas()
    assert found["alarm"].tolist() == [1, 3]
    with pytest.raises((SchemaError, StepError), match="'hihg' is no category"):
        stream("low").groupby("k").match(wb.begin("alarm", col("grade") >= "hihg")).to_pandas()


def held(*batches):
    """The greatest of batches that a function between has made, each of its own dtype."""
    from workbench.engine.partials import Plan

    plan = Plan([Aggregate("most", "grade", "max")])
    return [plan.operands(batch)["grade"] for batch in batches]


def test_a_batch_with_fewer_categories_takes_its_places_among_those_known():
    fewer = pd.CategoricalDtype(["low", "high"], ordered=True)
    _, second = held(alarms("mid"), alarms("high", None, dtype=fewer))
    assert second.restore(second.values, second.valid).astype(object).tolist() == ["high", np.nan]
    assert second.dtype == GRADE
    _, words = held(alarms("mid"), alarms("high", dtype="str"))
    assert words.values.tolist() == [2]


@pytest.mark.parametrize(
    "dtype", [pd.CategoricalDtype(["high", "mid", "low"], ordered=True), pd.CategoricalDtype(["high", "top"])]
)
def test_another_order_or_an_unknown_category_is_refused(dtype):
    words = [str(dtype.categories[-1])]
    with pytest.raises(SchemaError, match="follows one of ordered categories"):
        held(alarms("mid"), alarms(*words, dtype=dtype))


def test_beside_another_column_they_take_their_places_too():
    from workbench.engine.partials import Plan

    both = wb.Custom(lambda grade, k: grade, max, str)
    plan = Plan([Aggregate("most", ("grade", "k"), both)])
    plan.operands(alarms("mid"))
    fewer = pd.CategoricalDtype(["low", "high"], ordered=True)
    second = plan.operands(alarms("high", dtype=fewer))["grade", "k"].each()[0]
    assert second.restore(second.values).astype(object).tolist() == ["high"]


def test_behind_text_they_are_text():
    _, second = held(alarms("x", dtype="str"), alarms("low"))
    assert second.values.tolist() == ["low"]
