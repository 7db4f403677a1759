import pandas as pd
import pytest

from workbench.errors import SchemaError
from workbench.schema import Schema

TIMES = pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:01", "2026-01-05 09:02"])


def admit(column, dtype):
    schema = Schema({"t": "datetime64[ns]", "x": dtype}, time="t")
    return schema.admit(pd.DataFrame({"t": TIMES.as_unit("ns"), "x": column}))


def test_rows_that_fit_are_let_in_as_they_are():
    frame = pd.DataFrame({"t": TIMES, "x": [1, 2, 3]})
    admitted, rejected = Schema.infer(frame, "t").admit(frame)
    assert admitted is frame
    assert list(rejected.columns) == ["t", "x", "reason"]
    assert rejected.empty


@pytest.mark.parametrize(
    ("column", "dtype", "bad"),
    [
        (["1", "2", "three"], "int64", [2]),
        ([1.0, 2.5, None], "int64", [1, 2]),
        ([1, None, 3], "Int64", []),
        (["1.5", "x", None], "float64", [1]),
        ([True, "yes", False], "bool", [1]),
        (["2026-01-05", "yesterday", None], "datetime64[us]", [1]),
        (["a", "b", "c"], pd.CategoricalDtype(["a", "b"]), [2]),
    ],
)
def test_values_that_do_not_fit_are_rejected_with_the_reason(column, dtype, bad):
    admitted, rejected = admit(pd.Series(column, dtype=object), dtype)
    assert rejected.index.tolist() == bad
    assert len(admitted) + len(rejected) == 3
    assert admitted.x.dtype == pd.api.types.pandas_dtype(dtype)
    assert all(reason.startswith("x is not") for reason in rejected.reason)


def test_a_rejected_row_is_kept_as_received():
    _, rejected = admit(pd.Series(["1", "2", "three"], dtype=object), "int64")
    assert rejected.x.tolist() == ["three"]


def test_a_row_without_event_time_is_rejected():
    frame = pd.DataFrame({"t": [TIMES[0], pd.NaT], "x": [1, 2]})
    admitted, rejected = Schema.infer(frame, "t").admit(frame)
    assert admitted.x.tolist() == [1]
    assert rejected.reason.tolist() == ["null event time"]


def test_text_that_is_a_time_is_read():
    frame = pd.DataFrame({"t": ["2026-01-05T09:00:00+01:00", "nonsense"], "x": [1, 2]})
    admitted, rejected = Schema.infer(frame, "t").admit(frame)
    assert admitted.t.tolist() == [pd.Timestamp("2026-01-05 08:00")]
    assert rejected.reason.tolist() == ["t is not datetime64[us]"]


def test_a_missing_column_is_named_with_the_one_most_like_it():
    with pytest.raises(SchemaError) as caught:
        Schema.infer(pd.DataFrame({"time": TIMES}), "tme")
    assert "no such column: 'tme'" in str(caught.value)
    assert "Hint: did you mean 'time'?" in str(caught.value)


def test_a_time_column_of_numbers_is_refused():
    with pytest.raises(SchemaError, match="not a datetime"):
        Schema.infer(pd.DataFrame({"t": [1, 2]}), "t")
