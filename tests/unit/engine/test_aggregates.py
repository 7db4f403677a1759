"""Each aggregate on hard values: nulls, infinities, large integers, durations, text; and every error."""

import math
import os

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.operands import Operand
from workbench.engine.partials import PARTS, Plan
from workbench.engine.sketches import distinct_counts, heavy_hitters, quantiles
from workbench.errors import DescriptionError, SchemaError
from workbench.model.aggregates import FUNCTIONS, Aggregate
from workbench.testing.strategies import OF_ANY

SKETCHES = pytest.mark.skipif(
    not FUNCTIONS["approx_nunique"].installed and os.environ.get("CI") != "true",
    reason="needs datasketches, an extra (in CI it must be there)",
)
PLAIN = [
    name for name, known in FUNCTIONS.items() if known.columns == 1 and not known.argument and known.installed
]


def answer(frame, batch_rows=2, by_column=None, **named):
    """Aggregate all rows in one window, in small batches; gives the only pane."""
    frame = frame if isinstance(frame, pd.DataFrame) else pd.DataFrame({"v": frame})
    times = pd.to_datetime("2026-01-05") + pd.to_timedelta(np.arange(len(frame)), unit="s")
    rows = wb.stream(frame.assign(t=times), time="t", watermark=0)
    (pane,) = rows.window("1h").agg(by_column, **named).to_pandas(batch_rows=batch_rows).to_dict("records")
    return pane


def asked(function, column="v"):
    return (column, function, *{"share": (0.5,), "number": (2,)}.get(FUNCTIONS[function].argument, ()))


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("function", PLAIN)
def test_of_nulls_only(function, rows):
    value = answer(pd.Series([None] * rows, dtype="float64"), x=asked(function))["x"]
    nothing = {"size": rows, "count": 0, "sum": 0, "prod": 1, "nunique": 0, "approx_nunique": 0}
    nothing |= {"any": False, "all": True, "collect": []}
    assert value == nothing[function] if function in nothing else math.isnan(value)


@pytest.mark.parametrize("function", PLAIN)
def test_of_a_single_row(function):
    value = answer(pd.Series([3.0]), x=asked(function))["x"]
    undefined = ("var", "std", "sem", "skew", "kurt")
    one = {
        "size": 1,
        "count": 1,
        "nunique": 1,
        "approx_nunique": 1,
        "any": True,
        "all": True,
        "collect": [3.0],
    }
    assert math.isnan(value) if function in undefined else value == one.get(function, 3.0)


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
@pytest.mark.parametrize(
    "function", [name for name in PLAIN if name not in ("size", "collect", "mode", "approx_nunique")]
)
@pytest.mark.parametrize(
    "values",
    [
        [np.inf, 1.0, 2.0, 3.0, 5.0],
        [np.inf, -np.inf, 1.0, 2.0],
        [np.inf, np.inf],
        [0.1] * 7,
        [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 1],
        [-0.0, 0.0, 0.0, 0.0],
    ],
    ids=str,
)
def test_of_floats_as_pandas_says(function, values, batch_rows):
    frame = pd.DataFrame({"g": 0, "v": values})
    with np.errstate(invalid="ignore"):
        wanted = frame.groupby("g").agg(x=("v", function)).x[0]
    assert answer(frame[["v"]], batch_rows, x=("v", function))["x"] == pytest.approx(
        wanted, rel=1e-9, nan_ok=True
    )


def test_of_large_integers():
    big = 2**53 + 1
    pane = answer(
        pd.Series([big, big + 1, 1]),
        **{f: ("v", f) for f in ("sum", "min", "max", "first", "nunique", "mode", "collect")},
    )
    assert (pane["sum"], pane["min"], pane["max"], pane["first"]) == (2 * big + 2, 1, big + 1, big)
    assert (pane["nunique"], pane["mode"], pane["collect"]) == (3, 1, [big, big + 1, 1])


def test_the_mean_of_integers_whose_sum_does_not_fit():
    assert answer(pd.Series([2**62] * 4), m=("v", "mean"))["m"] == 2.0**62


@pytest.mark.parametrize("function", PLAIN)
def test_of_booleans_as_of_zero_and_one(function):
    booleans = pd.Series([True, False, True, None, True], dtype="boolean")
    value = answer(booleans, x=asked(function))["x"]
    wanted = answer(booleans.astype("Int64"), x=asked(function))["x"]
    assert value == wanted if isinstance(wanted, list) else value == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize(
    "function", ["sum", "mean", "min", "max", "first", "last", "median", "std", "sem", "mode"]
)
def test_durations_stay_durations(function):
    spans = pd.Series(pd.to_timedelta([1, None, 4, 6, 1], unit="s")).astype("timedelta64[ms]")
    frame = pd.DataFrame({"g": 0, "v": spans})
    value = answer(spans, x=("v", function))["x"]
    wanted = spans.mode()[0] if function == "mode" else frame.groupby("g").agg(x=("v", function)).x[0]
    assert abs(value - wanted) <= pd.Timedelta("1ms")
    assert answer(spans[1:2], x=("v", function))["x"] in (
        (pd.Timedelta(0),) if function == "sum" else (pd.NaT,)
    )


@pytest.mark.parametrize("function", ["var", "skew", "kurt", "prod"])
def test_powers_of_durations_are_refused(function):
    with pytest.raises(
        SchemaError, match=r"of a column of timedelta64\[ns\] is not defined\nDetail: a power"
    ):
        answer(pd.Series(pd.to_timedelta([1, 2], unit="s")).astype("timedelta64[ns]"), x=("v", function))


@pytest.mark.parametrize("function", [name for name in PLAIN if name not in OF_ANY | {"min", "max"}])
def test_numbers_of_text_are_refused(function):
    with pytest.raises(SchemaError, match="of a column of str is not defined\nHint: choose count, nunique"):
        answer(pd.Series(["a", "b"]), x=asked(function))


def test_pairs_with_a_null_are_left_out_as_pandas_does():
    frame = pd.DataFrame(
        {"x": [1.0, 2, None, 4, 5, 7], "y": pd.Series([2, None, 1, 9, 8, 3], dtype="Int64"), "one": 1.0}
    )
    pane = answer(
        frame, corr=(["x", "y"], "corr"), cov=(["x", "y"], "cov"), mean=(["x", "y"], "weighted_mean"),
        flat=(["x", "one"], "corr"),
    )  # fmt: skip
    pairs = frame.dropna().astype("float64")
    assert pane["corr"] == pytest.approx(pairs.x.corr(pairs.y))
    assert pane["cov"] == pytest.approx(pairs.x.cov(pairs.y))
    assert pane["mean"] == pytest.approx(np.average(pairs.x, weights=pairs.y))
    assert math.isnan(pane["flat"])


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_links_far_from_zero_lose_no_digits(batch_rows):
    frame = pd.DataFrame({"x": [1e9 + 4, 1e9 + 7, 1e9 + 13], "y": [-1e9 + 8, -1e9 + 14, -1e9 + 26], "w": 1e9})
    pane = answer(
        frame, batch_rows, cov=(["x", "y"], "cov"), corr=(["x", "y"], "corr"), var=("x", "var"),
        skew=("x", "skew"), kurt=("x", "kurt"), mean=(["x", "w"], "weighted_mean"),
    )  # fmt: skip
    assert (pane["var"], pane["cov"], pane["corr"]) == (21, 42, 1)
    assert pane["skew"] == pytest.approx(pd.Series([4.0, 7, 13]).skew(), rel=1e-12)
    assert pane["mean"] == 1e9 + 8


def test_weights_that_sum_to_zero_have_no_mean():
    assert math.isnan(
        answer(pd.DataFrame({"x": [1.0, 2], "w": [1, -1]}), m=(["x", "w"], "weighted_mean"))["m"]
    )


def test_a_pair_of_text_or_durations_is_refused():
    frame = pd.DataFrame({"x": ["a"], "d": pd.to_timedelta([1], unit="s"), "y": [1.0]})
    with pytest.raises(SchemaError, match="the corr of a column of str is not defined"):
        answer(frame, c=(["x", "y"], "corr"))
    with pytest.raises(SchemaError, match="the weighted_mean of a column of timedelta64"):
        answer(frame, c=(["d", "y"], "weighted_mean"))


def test_candles_go_by_event_time_and_ties_by_arrival():
    times = pd.to_datetime(
        ["2026-01-05 09:00:02", "2026-01-05 09:00:01", "2026-01-05 09:00:02", "2026-01-05 09:00:01"]
    )
    trades = pd.DataFrame({"t": times, "price": [3.0, 9.0, 5.0, 1.0]})
    stream = wb.stream(trades, time="t", watermark="5s").window("1min")
    for batch_rows in (1, 2, 4):
        panes = stream.agg({"price": "ohlc"}).to_pandas(batch_rows=batch_rows)
        assert panes.filter(like="price").iloc[0].to_dict() == {
            "price_open": 9, "price_high": 9, "price_low": 1, "price_close": 5,
        }  # fmt: skip
    resampled = trades.sort_values("t", kind="stable").set_index("t").resample("1min").price.ohlc()
    assert panes.filter(like="price").iloc[0].tolist() == resampled.iloc[0].tolist()


def test_pandas_spellings():
    frame = pd.DataFrame({"v": [1.0, 2, 3], "n": [4, 5, 6]})
    pane = answer(frame, by_column={"v": ["sum", "mean"], "n": "max"}, low=pd.NamedAgg("n", "min"),
                  half=pd.NamedAgg("v", "quantile", 0.5))  # fmt: skip
    names = ("v_sum", "v_mean", "n", "low", "half")
    assert [name for name in pane if name in names] == list(names)
    assert [pane[name] for name in names] == [6, 2, 6, 4, 2]


OWN = wb.Custom(abs, np.add, abs)


def describe(**named):
    return (
        wb.stream(pd.DataFrame({"t": pd.to_datetime([0]), "v": [1.0], "w": [1.0]}), time="t", watermark=0)
        .window("1min")
        .agg(named.pop("by_column", None), **named)
    )


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ({"x": ("v", sum)}, "its name, but 'x' has <built-in function sum>\nDetail: .*\nHint: write 'sum'"),
        ({"x": ("v", np.mean)}, "Hint: write 'mean'; wb.Custom"),
        ({"x": ("v", len)}, "Hint: write 'size'"),
        ({"x": ("v", list)}, "Hint: write 'collect'"),
        ({"x": ("v", lambda v: v)}, "Hint: wb.Custom"),
        ({"by_column": {"v": [np.sum]}}, "'v_sum' has <function sum"),
        ({"by_column": "sum"}, "'sum' does not say of which column\nHint: .agg"),
        ({"by_column": {"v": [OWN]}}, r"of 'v' has no name: Custom\(abs, add, abs\)\nHint: name it"),
        ({"by_column": {"v": ["sum"]}, "v_sum": ("w", "sum")}, "2 aggregates are called 'v_sum'\nHint: name"),
        ({"x": ("v", "summ")}, "'summ' .*\nDetail: there are size, .*\nHint: did you mean 'sum'"),
        ({"x": ("v", "corr")}, r"at 2 columns, but 'x' has 'v'\nHint: write x=\(\['price', 'volume'\]"),
        ({"x": (["v", "w"], "sum")}, r"at 1 column, but 'x' has \('v', 'w'\)\nHint: write x=\('amount'"),
        ({"x": (["v", "u"], "corr")}, "no such column: 'u'"),
        ({"x": ([], "corr")}, "not a pair of column and function"),
        ({"x": ("v", "ohlc", 3)}, "'first' takes no argument, but 'x_open' has 3"),
        ({"x": ("v", OWN, 3)}, r"Custom\(abs, add, abs\) takes no argument"),
        ({"x": ("v", "heavy_hitters", 0.5)}, "a whole number, at least 1, but 'x' has 0.5\nHint: write"),
        ({"x": ("v", "approx_quantile")}, "approx_quantile takes a share from 0 to 1, but 'x' has None"),
    ],
)  # fmt: skip
def test_what_cannot_be_aggregated_is_refused_when_described(named, text):
    with pytest.raises(DescriptionError, match=text):
        describe(**named)


def test_what_needs_a_package_says_so(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        DescriptionError, match=r"needs the package datasketches.*\nDetail: .*\nHint: pip install"
    ):
        describe(x=("v", "approx_nunique"))


def test_a_description_tells_columns_and_arguments():
    text = describe(vwap=(["v", "w"], "weighted_mean"), p95=("v", "quantile", 0.95)).explain()
    assert "vwap=weighted_mean(v, w), p95=quantile(v, 0.95) in Tumbling" in text


@SKETCHES
@pytest.mark.parametrize("pieces", [1, 7, 300])
@pytest.mark.parametrize("draw", ["lognormal", "uniform", "ties"])
def test_an_approximate_quantile_is_right_to_one_percent_of_the_ranks(draw, pieces):
    rng = np.random.default_rng(11)
    make = {
        "lognormal": rng.lognormal,
        "uniform": rng.random,
        "ties": lambda size: rng.integers(0, 50, size) * 1.0,
    }
    values = make[draw](size=60_000)
    merged = merged_in_pieces("digest", values, pieces)
    plan = Plan([Aggregate("q", "v", "approx_quantile", 0.5)])
    plan.operands(pd.DataFrame({"v": values}))
    ordered = np.sort(values)
    for share in (0, 0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1):
        (found,) = quantiles(merged[0], plan.dtypes["v"], share)
        low, high = (np.searchsorted(ordered, found, side=side) / len(values) for side in ("left", "right"))
        assert low - 0.01 <= share <= high + 0.01


@SKETCHES
@pytest.mark.parametrize("distinct", [100, 384, 385, 1_000, 20_000])
def test_an_approximate_distinct_count_is_right_to_five_percent_and_the_same_in_any_batches(distinct):
    rng = np.random.default_rng(5)
    found = set()
    for pieces in (1, 3, 17):
        values = rng.permutation(np.tile(np.arange(distinct), 2))
        found |= {*distinct_counts(merged_in_pieces("registers", values, pieces)[0])}
    (count,) = found
    assert count == distinct if distinct <= 384 else abs(count / distinct - 1) < 0.05


@SKETCHES
@pytest.mark.parametrize("pieces", [1, 5, 100])
def test_heavy_hitters_are_right_to_a_third_of_a_percent_of_the_rows(pieces):
    values = np.random.default_rng(3).zipf(1.2, size=40_000)
    operand = Operand.of(np.asarray(values))
    (found,) = heavy_hitters(merged_in_pieces("frequent", values, pieces)[0], operand, 5)
    true = pd.Series(values).value_counts()
    assert {value for value, _ in found} == {*true.index[:5]}
    for value, count in found:
        assert abs(count - true[value]) <= 0.0035 * len(values)


def merged_in_pieces(part, values, pieces):
    """Fold values piece by piece, and merge the partials in turn."""
    merged = None
    for piece in np.array_split(values, pieces):
        numbers = np.arange(len(piece))
        folded = PARTS[part].fold(
            Operand.of(np.asarray(piece)), numbers, numbers, np.zeros(len(piece), dtype=int), 1
        )
        merged = folded if merged is None else PARTS[part].merge(merged, folded)
    return merged


@SKETCHES
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pd.Series(["b", "a", "b", None]), [("b", 2), ("a", 1)]),
        (pd.Series([2.5, np.inf, 2.5, -0.0, 0.0]), [(0.0, 2), (2.5, 2)]),
        (pd.Series([2**62 + 1, 7, 2**62 + 1]), [(2**62 + 1, 2), (7, 1)]),
        (pd.Series([True, True, False]), [(True, 2), (False, 1)]),
        (pd.Series(pd.to_timedelta([1, 1, 2], unit="s")), [(pd.Timedelta("1s"), 2), (pd.Timedelta("2s"), 1)]),
        (pd.Series(["x", "y", "x"], dtype="category"), [("x", 2), ("y", 1)]),
        (pd.Series([1, None, 1], dtype="Int64"), [(1, 2)]),
    ],
    ids=lambda each: str(getattr(each, "dtype", "")),
)
def test_heavy_hitters_come_back_in_their_types(values, wanted):
    pane = answer(values, 1, top=("v", "heavy_hitters", 2), n=("v", "approx_nunique"))
    assert pane["top"] == wanted
    assert pane["n"] == values.nunique()
    assert [type(value) for value, _ in pane["top"]] == [type(value) for value, _ in wanted]


@SKETCHES
def test_a_sketch_of_objects_is_refused():
    with pytest.raises(SchemaError, match=r"a sketch takes numbers, .* but got \(1, 2\)\nHint: convert"):
        answer(pd.Series([(1, 2)], dtype=object), n=("v", "approx_nunique"))


@SKETCHES
def test_durations_have_approximate_quantiles():
    spans = pd.Series(pd.to_timedelta([1, 2, 3, None], unit="s"))
    assert answer(spans, q=("v", "approx_quantile", 0.5))["q"] == pd.Timedelta("2s")
    assert answer(spans[3:], q=("v", "approx_quantile", 0.5))["q"] is pd.NaT


def test_a_sum_of_no_rows_has_the_type_of_one():
    empty = pd.DataFrame({"t": pd.to_datetime([]), "v": pd.Series([], dtype="float64")})
    rolled = wb.stream(empty, time="t", watermark=0).groupby().rolling("1s").agg(s=("v", "sum"))
    assert rolled.to_pandas().s.dtype == "float64"
