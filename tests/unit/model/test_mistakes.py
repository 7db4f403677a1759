"""Mistakes that are easily made, and what is said of them; and what looks like one and is none."""

import copy
import pickle

import pandas as pd
import pytest

import workbench as wb
from simulators import Sensors
from workbench.errors import DescriptionError, SchemaError, StepError
from workbench.model.conditions import check_condition

FRAME = pd.DataFrame(
    {
        "t": pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:01", "2026-01-05 09:01"]),
        "k": ["a", "b", "b"],
        "s": ["x", "y", "y"],
        "v": [1.0, 2.0, 2.0],
    }
)


def stream(frame=FRAME, **options):
    return wb.stream(frame, time="t", watermark="10s", **options)


@pytest.fixture
def rows():
    return stream()


CLEAR = [
    # sources
    (lambda s: stream(duration="1min"), "duration='1min' has no effect here\nDetail: a frame ends with"),
    (
        lambda s: wb.stream(Sensors(), time="arrival_time", watermark=0),
        "time='arrival_time' has no effect here\nDetail: the simulator sensors has its own columns of times\n"
        "Hint: leave time out; it is 'event_time'",
    ),
    (
        lambda s: wb.stream(s.step.upstreams[0].source, watermark=0, name="other"),
        "name='other' has no effect here\nDetail: the source says that itself\n"
        "Hint: leave name out; it is 'frame'",
    ),
    (lambda s: stream(arrival="v"), "the arrival column 'v' is float64, not a datetime\nHint: convert it"),
    (lambda s: stream(arrival="k"), "the arrival column 'k' is str, not a datetime\nHint: convert it"),
    (
        lambda s: wb.stream("rows.csv", watermark=0),
        "this cannot be a source: str\nHint: read it first, as in wb.stream(pd.read_csv('rows.csv'), time=",
    ),
    (
        lambda s: wb.stream(Sensors, watermark=0),
        "this cannot be a source: the class Sensors\nHint: make one of it, as in wb.stream(Sensors(), ...)",
    ),
    # several streams
    (
        lambda s: s.union(stream(FRAME.assign(t=FRAME["t"].dt.tz_localize("UTC")))),
        "the streams of a union have event times with and without a time zone\n"
        "Detail: 't' of frame is datetime64[us, UTC], 't' of frame is datetime64[us]\n"
        "Hint: give all of them one",
    ),
    (
        lambda s: s.interval_join(s, on="k"),
        "an interval without bounds\nDetail: every row of one side would match every row of the other, "
        "and be held for ever\nHint: give lower, upper or both, as in lower='-5s', upper='10s'",
    ),
    (
        lambda s: s.interval_join(s, on="k", lower="10s", upper="-10s"),
        "no difference lies between a lower bound of 10s and an upper bound of -10s\n",
    ),
    (lambda s: s.lookup_join(FRAME), "a lookup join without keys\nHint: name them, as in on='country'"),
    (
        lambda s: s.lookup_join(FRAME, on="k"),
        "the table has more than one row of the key {'k': 'b'}\nDetail: each row of the stream takes "
        "the columns of one row of the table\n"
        "Hint: drop_duplicates, or join a stream of changes with .asof_join",
    ),
    (
        lambda s: s.dedup("k"),
        "deduplication by key without a duration\nDetail: every key ever seen would be remembered\n"
        "Hint: say how long, as in within='1h', or that times must be equal too: same_time=True",
    ),
    (lambda s: s.map(len).dedup(within="1h"), "nobody knows which columns make two rows the same\n"),
    # windows and triggers
    (lambda s: s.window("0s"), "the size of a window must be more than zero"),
    (lambda s: s.window("soon"), "not a duration: 'soon'\nDetail: the size of a window must be"),
    (
        lambda s: s.window("1min").agg(n=("v", "size"), trigger=wb.AfterWatermark),
        "trigger is no trigger: the class AfterWatermark\nHint: make one of it, as in "
        "trigger=wb.AfterWatermark(...)",
    ),
    (
        lambda s: s.window("1min").agg(n=("v", "size"), trigger="soon"),
        "trigger is no trigger: 'soon'\nDetail: it is neither a trigger nor a number of rows, and as a "
        "duration: not a duration: 'soon'\nHint: write trigger=wb.AfterWatermark(early='5s'), or early='5s'",
    ),
    # functions and patterns
    (lambda s: s.groupby("k").match("a b"), "a pattern was expected, but got 'a b'\nHint: make one with"),
    (lambda s: s.groupby("k").process("x"), "on_row is 'x', which cannot be called\nHint: give a function"),
    (
        lambda s: s.groupby("k").process(print, columns=["x"]),
        "the columns that come out have dtypes, but got ['x']\nHint: write columns={'total': 'float64'}",
    ),
    (lambda s: s.groupby("k")["v"], "a Grouped has no columns to choose, but got 'v'\nHint: choose columns"),
    # conditions
    (
        lambda s: s.query("vv > 1"),
        "no such column: 'vv' (for a condition)\nDetail: there are t, k, s, v\nHint: did you mean 'v'?",
    ),
    (lambda s: s.query("k.str.lower() == 'a' and sin(x) > 0"), "no such column: 'x' (for a condition)"),
    (lambda s: s.query("v >"), "not a condition: 'v >' (for a condition)\nDetail: it is one expression"),
    (lambda s: s.query("v = 1"), "not a condition: 'v = 1' (for a condition)\nDetail: it is one expression"),
    (
        lambda s: s.groupby("k").match(wb.begin("low", "vv < 4")),
        "no such column: 'vv' (for the stage 'low')\n",
    ),
    (
        lambda s: s.groupby("k").match(wb.recognize("A B", define={"B": "v > @limit"})),
        "a condition cannot refer to variables: 'v > @limit'\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("describe", "text"), CLEAR)
def test_a_mistake_is_told_when_it_is_made_and_says_what_to_write(rows, describe, text):
    with pytest.raises(DescriptionError) as caught:
        describe(rows)
    assert str(caught.value).startswith(text)
    assert str(caught.value).count("Hint: ") <= 1


@pytest.mark.parametrize(
    "condition",
    ["index > 0 and ilevel_0 > 0", "sin(v) > 0", "v < inf", "`a b` > 1", "k == 'a`b' or k == 'x @ y'",
     "k.str.contains('a')", "k in ['a', 'b'] & ~(v > 1)", "  v > 1  # more"],
)  # fmt: skip
def test_conditions_that_pandas_can_ask_are_taken(condition):
    frame = FRAME.assign(**{"a b": 1})
    stream(frame).query(condition)
    frame.query(condition)


def test_of_columns_that_nobody_knows_a_condition_is_only_read(rows):
    rows.map(lambda frame: frame.assign(w=1)).query("w > 0")
    with pytest.raises(DescriptionError, match="not a condition"):
        check_condition("w >", None, "a condition")


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda s: s.agg, r"put rows into windows first: .window\('1min'\).agg\(.*groupby\('key'\) before"),
        (lambda s: s.groupby("k").agg, r"put rows into windows first: .window\('1min'\).agg\("),
        (lambda s: s.rolling, r"say of which rows: .groupby\('key'\).rolling\('5min'\)"),
        (lambda s: s.lag, r"say of which rows: .groupby\('key'\).lag\("),
        (lambda s: s.top, r"put rows into windows first: .window\('1min'\).top\("),
        (lambda s: s.groupby("k").sum, r"name it in .agg, of a window: .window\('1min'\).agg\(sum="),
        (lambda s: s.window("1min").mean, r"name it in .agg"),
        (lambda s: s.windw, r"did you mean .window\?"),
        (lambda s: s.x1, r"there are asof_join, "),
    ],
)  # fmt: skip
def test_a_verb_that_is_not_there_says_what_to_write(rows, ask, hint):
    with pytest.raises(AttributeError, match=rf"object has no attribute '\w+'\nHint: {hint}"):
        ask(rows)


def test_what_looks_for_verbs_finds_none_and_copies_are_made(rows):
    assert not hasattr(rows, "agg")
    assert not hasattr(rows.groupby("k"), "_repr_html_")
    assert getattr(rows, "_ipython_canary_method_should_not_exist_", None) is None
    for made in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert made(rows.groupby("k")).stream.columns == rows.columns


def test_what_a_property_raises_is_not_hidden(rows, monkeypatch):
    def broken(self):
        raise AttributeError("of something else")

    monkeypatch.setattr(type(rows), "plot", property(broken))
    with pytest.raises(AttributeError, match="of something else"):
        _ = rows.plot


def test_without_columns_dedup_looks_at_all_of_them_as_pandas_does(rows):
    assert len(rows.dedup(within="1h").to_pandas()) == len(FRAME.drop_duplicates()) == 2
    assert len(rows.dedup(["k", "s"], within="1h").to_pandas()) == 2
    assert len(rows.dedup("k", "s", within="1h").to_pandas()) == 2


def test_columns_of_times_that_a_source_has_anyway_may_be_named():
    wb.stream(Sensors(), time="event_time", arrival="arrival_time", watermark=0)
    stream(arrival="t")
    stream(FRAME.assign(at="2026-01-05 09:05"), arrival="at")


def test_where_a_step_may_give_a_time_zone_a_union_is_taken(rows):
    zoned = stream(FRAME.assign(t=FRAME["t"].dt.tz_localize("UTC")))
    localized = rows.assign(t=lambda frame: frame["t"].dt.tz_localize("UTC"))
    assert str(localized.union(zoned).to_pandas()["t"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize("function", ["mean", "sum", "median", "any", "std", "skew"])
def test_an_aggregate_of_text_is_called_by_its_name(rows, function):
    told = rf"odd={function}\(k\): the {function} of a column of str is not defined\nHint: choose count"
    with pytest.raises(SchemaError, match=told):
        rows.window("1min").agg(odd=("k", function), n=("v", function)).to_pandas()


@pytest.mark.parametrize("given", [3, "text", [1, 2]])
def test_what_makes_no_row_is_told_by_its_type(rows, given):
    with pytest.raises(
        StepError, match=f"the function gave a {type(given).__name__}, not a dict, several dicts"
    ):
        rows.groupby("k").process(lambda row, context: given).to_pandas()
