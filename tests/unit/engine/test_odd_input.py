"""What somebody who looked hard has found in columns, times and keys: each was told wrongly, or lost."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError, SchemaError, StepError
from workbench.schema import Schema

each_batch = pytest.mark.parametrize("batch_rows", [1, 2, 100])


def at(*seconds):
    return pd.to_datetime(list(seconds), unit="s")


def stream(columns, watermark=0, **options):
    return wb.stream(pd.DataFrame(columns), time="t", watermark=watermark, **options)


ROWS = {"t": at(1, 2, 3, 99), "v": [1, 5, 7, 100], "k": ["fr", "us", "de", "fr"]}


@each_batch
def test_what_is_held_is_of_the_dtypes_of_all_batches(batch_rows):
    words = stream(ROWS).astype({"k": "category"}).window("1min")
    told = words.agg(first=("k", "first"), last=("k", "last"), each=("k", "collect"), least=("k", "min"))
    assert told.to_pandas(batch_rows=batch_rows).iloc[0, 2:6].tolist() == [
        "fr",
        "de",
        ["fr", "us", "de"],
        "de",
    ]
    halves = stream(ROWS).assign(x=lambda frame: frame["v"].where(frame["v"] > 3, frame["v"] + 0.5))
    told = halves.window("1min").agg(least=("x", "min"), first=("x", "first"), each=("x", "collect"))
    assert told.to_pandas(batch_rows=batch_rows).iloc[0, 2:5].tolist() == [1.5, 1.5, [1.5, 5, 7]]


@each_batch
def test_durations_and_moments_of_two_units_are_added_up_in_one(batch_rows):
    few, many = pd.to_timedelta([1, 2, 3], unit="s"), pd.to_timedelta([4, 5, 6, 7], unit="s")
    coarse = stream({"t": at(1, 3, 5), "v": few.as_unit("s"), "m": at(1, 3, 5).as_unit("us")})
    fine = stream({"t": at(2, 4, 6, 70), "v": many.as_unit("ms"), "m": at(2, 4, 6, 70).as_unit("ns")})
    for united in (coarse.union(fine), fine.union(coarse)):
        panes = united.window("1min").agg(total=("v", "sum"), least=("v", "min"), first=("m", "min"))
        panes = panes.to_pandas(batch_rows=batch_rows)
        assert panes.loc[0, ["total", "least"]].tolist() == [pd.Timedelta("21s"), pd.Timedelta("1s")]
        assert panes.loc[0, "first"] == at(1)[0]
    finer = stream({"t": at(2, 70), "v": pd.to_timedelta([4_500, 1], unit="ms").as_unit("ms")})
    with pytest.raises(SchemaError, match=r"follows one of timedelta64.s.\nDetail: .*\nHint: convert it"):
        finer.union(coarse[["t", "v"]]).window("1min").agg(total=("v", "sum")).to_pandas(
            batch_rows=batch_rows
        )


@each_batch
def test_where_clocks_go_back_over_midnight_no_row_is_lost(batch_rows):
    times = ["02:00:00", "02:30:20", "03:00:00", "03:29:00", "03:40:00"]
    rows = stream({"t": pd.to_datetime([f"2010-11-07 {time}" for time in times]), "v": range(5)})
    for window in (wb.Calendar("day", tz="America/St_Johns"), wb.Calendar("week", tz="America/St_Johns")):
        panes = rows.window(window).agg(each=("v", "collect"))
        assert sorted(panes.to_pandas(batch_rows=batch_rows)["each"].explode()) == [0, 1, 2, 3, 4]
        assert panes.late.to_pandas(batch_rows=batch_rows).empty
    days = rows.window(wb.Calendar("day", tz="America/St_Johns")).agg(each=("v", "collect"))
    assert days.to_pandas(batch_rows=batch_rows)["each"].tolist() == [[0], [1, 2, 3, 4]]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_beyond_the_years_of_nanoseconds_are_rejected(unit):
    times = np.array(
        ["2026-01-01", "2610-07-23", "9999-12-31", "0001-01-01", "NaT"], dtype=f"datetime64[{unit}]"
    )
    rows = stream({"t": times, "v": range(5)}, watermark="1D")
    assert rows.window("1D").agg(each=("v", "collect")).to_pandas()["each"].tolist() == [[0]]
    reasons = rows.rejected.to_pandas()["reason"].tolist()
    assert reasons == ["event time is beyond the years 1677 to 2262"] * 3 + ["null event time"]


def test_other_columns_may_be_as_far_away_as_they_like():
    until = np.array(["9999-12-31", "2026-01-01"], dtype="datetime64[us]")
    rows = stream({"t": at(1, 2), "until": until, "v": [1, 2]})
    assert rows.query("until > '2030-01-01'").to_pandas()["v"].tolist() == [1]


@pytest.mark.parametrize(("left", "right"), [("Int64", "int64"), ("int64", "Int64"), ("Float64", "float64")])
def test_keys_that_may_be_missing_meet_those_that_may_not(left, right):
    one = stream({"t": at(0, 1), "k": pd.array([1, 2], dtype=left), "a": [1, 2]})
    two = stream({"t": at(0, 1), "k": pd.array([1, 2], dtype=right), "b": [3, 4]})
    joined = one.interval_join(two, on="k", lower=0, upper="1s").to_pandas()
    assert joined[["a", "b"]].to_numpy().tolist() == [[1, 3], [2, 4]]
    counts = (
        one[["t", "k"]].union(two[["t", "k"]]).groupby("k").window("1min").agg(rows=("k", "size")).to_pandas()
    )
    assert counts["rows"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("dtype", "values", "admitted"),
    [
        ("int8", [1, 300, None, "x"], [1]),
        ("uint8", [1, -1, 2.5, 3], [1, 3]),
        ("int64", [1, 1e30, 2, 2**62], [1, 2, 2**62]),
        ("boolean", [True, None, "x", False], [True, None, False]),
        ("Int8", [1, 300, None, 1.5], [1, None]),
        ("timedelta64[ns]", [pd.Timedelta("1s"), "x", None], [pd.Timedelta("1s"), None]),
    ],
)
def test_values_that_do_not_fit_are_rejected_and_no_others(dtype, values, admitted):
    times = at(*range(len(values)))
    frame = pd.DataFrame({"t": times, "x": pd.Series(values, dtype=object)})
    came, rejected = Schema({"t": times.dtype, "x": dtype}, "t").admit(frame)
    assert came["x"].astype(object).where(came["x"].notna(), None).tolist() == admitted
    assert str(came["x"].dtype) == dtype
    assert rejected["reason"].unique().tolist() == [f"x is not {dtype}"]
    assert len(came) + len(rejected) == len(values)


def test_arrival_times_as_text_may_be_of_different_precision():
    times = ["2026-01-01 00:00:00", "2026-01-01 00:05:00.5", "2026-01-01 00:10"]
    rows = pd.DataFrame({"t": times, "came": times, "v": [1, 2, 3]})
    door = wb.BoundedOutOfOrderness(0, max_ahead="1min")
    assert wb.stream(rows, time="t", arrival="came", watermark=door).rejected.to_pandas().empty


def join(**options):
    return stream(ROWS).interval_join(stream(ROWS), on="k", lower=0, **options)


HASHES = stream({"t": at(1), "v": np.array([2**63 + 5], "uint64")})
TABLE = pd.DataFrame(ROWS)
anything = stream(ROWS).map(lambda frame: frame)  # whose columns are known when there are rows
lists = stream({"t": at(1, 2), "k": [[1], [2]], "v": [1, 2]})
TWICE = pd.DataFrame([[at(1)[0], 1, 2]], columns=["t", "v", "v"])


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: stream({"t": at(1), 0: [1]}), SchemaError, "the columns are .'t', 0."),
        (lambda: wb.stream(TWICE, time="t", watermark=0), SchemaError, "the columns are"),
        (lambda: stream(ROWS).to_pandas(batch_rows=0), DescriptionError, "batch_rows is 0"),
        (lambda: stream(ROWS, watermark="10"), DescriptionError, "not a duration: '10'"),
        (lambda: stream(ROWS, watermark=True), DescriptionError, "not a duration: True"),
        (lambda: HASHES.window("1s").agg(m=("v", "min")).to_pandas(), SchemaError, "numbers beyond 2"),
        (lambda: stream(ROWS).query("v > @step"), DescriptionError, "cannot refer to variables"),
        (lambda: stream(ROWS).rename({"v": "k"}), DescriptionError, "two columns 'k'"),
        (lambda: stream(ROWS)[["t", "v", "v"]], DescriptionError, "two columns 'v'"),
        (
            lambda: stream(ROWS).groupby("k").rolling(2).agg({"v": "mean"}),
            DescriptionError,
            "the rows have a column 'v' already\nDetail: .*\nHint: name it otherwise",
        ),
        (
            lambda: stream(ROWS).groupby("k").lag(v="v"),
            DescriptionError,
            "the rows have a column 'v' already",
        ),
        (lambda: stream(ROWS).union(TABLE), DescriptionError, "a union is of streams, but got DataFrame"),
        (lambda: stream(ROWS).window_join(TABLE, "1s"), DescriptionError, "a join is of streams"),
        (lambda: stream(ROWS).lookup_join({"k": 1}, on="k"), DescriptionError, "but got dict"),
        (lambda: join(suffixes="_r"), DescriptionError, "the suffixes are two, .* but are '_r'"),
        (lambda: join(suffixes=("", "")), DescriptionError, "both sides have columns .*, .v.. after"),
        (lambda: wb.Tumbling("1s", offset=None), DescriptionError, "the offset must be at least zero"),
        (lambda: wb.Calendar("day", tz=None), DescriptionError, "no such time zone: None"),
        (
            lambda: anything.groupby("z").window("1s").agg(n=("v", "size")).to_pandas(),
            SchemaError,
            "column: 'z'",
        ),
        (lambda: anything.window("1s").agg(n=("z", "sum")).to_pandas(), SchemaError, "no such column: 'z'"),
        (lambda: anything.window("1s").top(1, by="z").to_pandas(), SchemaError, "no such column: 'z'"),
        (lambda: lists.groupby("k").window("1s").agg(n=("v", "sum")).to_pandas(), SchemaError, "told apart"),
        (lambda: lists.dedup("k", within="1s").to_pandas(), SchemaError, "cannot be told apart"),
    ],
)
def test_what_cannot_be_is_refused_with_words(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_a_step_that_raises_is_named():
    broken = stream(ROWS).groupby("k").match(wb.begin("a", lambda rows: rows["z"] > 1))
    with pytest.raises(StepError, match="step 'match' raised KeyError: 'z'") as raised:
        broken.to_pandas()
    assert raised.value.rows["v"].tolist() == ROWS["v"]
    assert "on_error" not in str(raised.value)


@each_batch
def test_what_is_told_of_rows_hides_none_of_their_columns(batch_rows):
    rows = {"t": [*at(1, 99, 2), pd.NaT], "reason": list("abcd"), "watermark": 1.5, "reason_read": 7}
    panes = stream(rows).window("10s").agg(n=("reason", "size"))
    late = panes.late
    assert late.columns == ("t", "reason", "watermark_read", "reason_read", "late_by", "watermark")
    told = late.to_pandas(batch_rows=batch_rows)
    assert tuple(told.columns) == late.columns
    assert told["watermark_read"].tolist() == [1.5]
    assert told["watermark"].tolist() == [at(99)[0]]
    rejected = stream(rows).rejected
    assert rejected.columns == ("t", "reason_read_", "watermark", "reason_read", "reason")
    told = rejected.to_pandas(batch_rows=batch_rows)
    assert tuple(told.columns) == rejected.columns
    assert told["reason_read_"].tolist() == ["d"]
    assert told["reason"].tolist() == ["null event time"]


def test_a_mean_of_durations_is_cut_towards_zero_as_in_pandas():
    waits = pd.Series([-1, -2, 3, -7], dtype="timedelta64[ns]")
    panes = stream({"t": at(1, 2, 3, 4), "wait": waits}).window("10s").agg(mean=("wait", "mean")).to_pandas()
    assert panes["mean"].tolist() == [waits.mean()]
    panes = stream({"t": at(1, 2), "wait": waits[:2]}).window("10s").agg(mean=("wait", "mean")).to_pandas()
    assert panes["mean"].tolist() == [waits[:2].mean()] == [pd.Timedelta(-1)]


def test_a_time_zone_may_be_one_of_pythons():
    assert wb.Calendar("day", tz=ZoneInfo("Asia/Tokyo")) == wb.Calendar("day", tz="Asia/Tokyo")


def test_numbers_of_numpy_are_numbers():
    rolled = stream(ROWS).groupby("k").rolling(np.int64(2), min_periods=1).agg(total=("v", "sum"))
    assert rolled.to_pandas()["total"].tolist() == [1, 5, 7, 101]
    for size in (np.int64(60), np.float32(60), 60, "1min"):
        assert len(stream(ROWS).window(size).agg(rows=("v", "size")).to_pandas()) == 2


def test_triggers_within_triggers_are_written_as_others_are():
    window = stream(ROWS).window("1min")
    told = [
        window.agg(total=("v", "sum"), trigger=trigger).to_pandas(batch_rows=1)
        for trigger in (wb.AfterWatermark(early=2), wb.AfterWatermark(early=wb.AfterCount(2)))
    ]
    pd.testing.assert_frame_equal(*told)
    assert wb.Repeatedly("5s") == wb.Repeatedly(wb.AfterProcessingTime("5s"))
    assert wb.AfterAny(3, "5s").of == (wb.AfterCount(3), wb.AfterProcessingTime("5s"))
    with pytest.raises(DescriptionError, match="early is no trigger: 'soon'"):
        wb.AfterWatermark(early="soon")


def test_an_at_sign_in_words_is_no_variable():
    rows = stream({"t": at(1, 2), "k": ["a@b", "c"]})
    assert rows.query("k == 'a@b'").to_pandas()["k"].tolist() == ["a@b"]
    assert rows.rename({"k": "at@"}).query('`at@` == "c"').to_pandas()["at@"].tolist() == ["c"]


@each_batch
def test_unsigned_numbers_may_be_missing(batch_rows):
    rows = stream({"t": at(1, 2, 70), "v": pd.array([7, None, None], dtype="UInt64")})
    panes = rows.window("1min").agg(most=("v", "max"), n=("v", "count")).to_pandas(batch_rows=batch_rows)
    assert panes["n"].tolist() == [1, 0]
    assert panes.loc[0, "most"] == 7
