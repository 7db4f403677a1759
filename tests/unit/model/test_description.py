import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError, SchemaError
from workbench.model.aggregates import FUNCTIONS
from workbench.model.windows import as_window

FRAME = pd.DataFrame({"t": pd.to_datetime(["2026-01-05 09:00"]), "k": ["a"], "v": [1.0]})


@pytest.fixture
def rows():
    return wb.stream(FRAME, time="t", watermark="10s")


def test_a_description_runs_nothing_and_is_shared_by_identity(rows):
    first = rows.groupby("k").window("1min").agg(n=("v", "size"))
    second = rows.groupby("k").window("5min").agg(n=("v", "size"))
    assert first.step.upstreams == second.step.upstreams


def test_columns_are_known_as_far_as_they_can_be(rows):
    assert rows.columns == ("t", "k", "v")
    assert rows.assign(w=1).columns == ("t", "k", "v", "w")
    assert rows[["v"]].columns == ("v",)
    assert rows.map(lambda frame: frame).columns is None
    panes = rows.groupby("k").window("1min").agg(n=("v", "size"))
    assert panes.columns == ("window_start", "window_end", "k", "n", "timing", "revision")
    assert panes.late.columns == ("t", "k", "v", "late_by", "watermark")
    assert rows.rejected.columns == ("t", "k", "v", "reason")


@pytest.mark.parametrize(
    ("describe", "text"),
    [
        (lambda s: s.groupby("kk"), "no such column: 'kk'"),
        (lambda s: s.groupby("k").window("1min").agg(n=("w", "sum")), "no such column: 'w'"),
        (lambda s: s.groupby("k").window("1min").agg(n=("v", "summ")), "no such aggregate: 'summ'"),
        (lambda s: s.groupby("k").window("1min").agg(), "nothing to aggregate"),
        (lambda s: s.groupby("k").window("1min").agg(n="v"), "not a pair of column and function"),
        (lambda s: s.groupby("k").window("1min").agg(timing=("v", "sum")), "cannot be called 'timing'"),
        (lambda s: s.groupby("k").window("1min").agg(k=("v", "sum")), "cannot be called 'k'"),
        (lambda s: s.groupby("k", "k"), "keys cannot be used"),
        (lambda s: s.window("1min").agg(q=("v", "quantile")), "share from 0 to 1, but 'q' has None"),
        (lambda s: s.window("1min").agg(q=("v", "quantile", 95)), "share from 0 to 1, but 'q' has 95"),
        (lambda s: s.window("1min").agg(q=("v", "sum", 0.5)), "'sum' takes no argument"),
        (lambda s: s.window("soon"), "not a duration: 'soon'"),
        (lambda s: s.window("0s"), "more than zero"),
        (lambda s: s.window("1min", lateness="-1s"), "lateness must be at least zero"),
        (lambda s: s.window(wb.Tumbling), "the class Tumbling"),
        (lambda s: s.window(wb.Global), "the class Global"),
        (lambda s: s.window(wb.Cumulating("1h", "7min")), "no multiple of a step of 7min"),
        (lambda s: s.window(wb.Count(0)), "at least one row, but is 0"),
        (lambda s: s.window(wb.Count(3), lateness="1s"), r"Count\(3\) has no lateness"),
        (lambda s: s.window(wb.Calendar("fortnight")), "no such unit of a calendar: 'fortnight'"),
        (lambda s: s.window(wb.Calendar("day", 0)), "at least one day, but has 0"),
        (
            lambda s: s.window(wb.Calendar("day", tz="Europe/Atlantis")),
            "no such time zone: 'Europe/Atlantis'",
        ),
        (lambda s: s.window(wb.Calendar("week", week_start="mon")), "no such weekday: 'mon'"),
        (lambda s: s["v"], "a list of columns"),
        (lambda s: s.window("1min", lateness="1s").agg(n=("v", "size")).window("5min"), "cannot follow 'n'"),
        (
            lambda s: s.window("1min").agg(n=("v", "size")).late.window("5min"),
            "a window cannot follow 'n.late'",
        ),
        (lambda s: s.window("1min").agg(n=("v", "size"), trigger=wb.AfterCount(3)), "would lose rows"),
        (
            lambda s: s.window("1min", lateness="1s").agg(
                n=("v", "size"), trigger=wb.AfterWatermark(late=None)
            ),
            "would lose the late rows",
        ),
        (lambda s: s.window(wb.Count(3)).agg(n=("v", "size"), early=1), "has no trigger"),
        (lambda s: s.window("1min").agg(n=("v", "size"), early="soon"), "early is no trigger: 'soon'"),
        (lambda s: s.window("1min").agg(n=("v", "size"), early=1, trigger=wb.AfterWatermark()), "not both"),
        (lambda s: s.window("1min").agg(n=("v", "size")).updates("loudly"), "no such mode of updates"),
        (lambda s: s.window(wb.Count(3)).agg(n=("v", "size")).updates("discarding"), "has no updates"),
        (lambda s: s.duplicates, "has no .duplicates"),
        (lambda s: s.interval_join(s, on="k"), "an interval without bounds"),
        (lambda s: s.interval_join(s, on="x", lower=0, upper=1), "no such column: 'x'"),
        (lambda s: s.asof_join(s, on="k", direction="sideways"), "no such direction: 'sideways'"),
        (lambda s: s.dedup("k"), "deduplication by key without a duration"),
        (lambda s: s.window("1min").top(0, by="v"), "at least one"),
        (lambda s: s.window(wb.Count(3)).top(1, by="v"), "has no place in event time"),
        (
            lambda s: s.groupby("k").rolling("1s", closed="ajar").agg(n=("v", "size")),
            "no such closed: 'ajar'",
        ),
        (lambda s: s.groupby("k").lag(before="x"), "no such column: 'x'"),
        (lambda s: wb.Session("5s", max_size="1s"), "a session of at most '1s' cannot have a gap of '5s'"),
        (lambda s: wb.stream(FRAME, watermark="1s"), "a frame needs an event-time column"),
        (lambda s: wb.stream(FRAME, time="t", watermark=None), "the stream has no watermark"),
        (lambda s: wb.stream(42, watermark="1s"), "cannot be a source: int"),
    ],
)
def test_what_cannot_be_built_is_refused_when_described(rows, describe, text):
    with pytest.raises(DescriptionError, match=text):
        describe(rows)


def test_errors_are_value_errors_too(rows):
    with pytest.raises(ValueError, match="no such column"):
        rows.groupby("nope")
    assert issubclass(SchemaError, DescriptionError)


def test_windows_say_how_they_were_made():
    for window in (
        wb.Tumbling("1min", offset="15s"),
        wb.Sliding("5min", "10s"),
        wb.Session("30min"),
        wb.Session("30min", merge_touching=False),
        wb.Cumulating("1h", "10min", offset="5min"),
        wb.Calendar("week", 2, tz="Europe/Paris", week_start="sunday"),
        wb.Global(),
        wb.Count(10),
        wb.Count(10, 2),
    ):
        assert (
            eval(
                repr(window),
                {**vars(wb), "Tumbling": wb.Tumbling, "Sliding": wb.Sliding, "Session": wb.Session},
            )
            == window
        )
    assert as_window("1min") == wb.Tumbling("1min")
    assert wb.Tumbling("1min", offset="-15s").offset == 45_000_000_000


def test_explain_tells_every_step(rows):
    text = rows.query("v > 0").named("positive").groupby("k").window("1min").agg(n=("v", "size")).explain()
    assert [line.split()[0] for line in text.splitlines()] == ["frame", "watermark", "positive", "n"]
    assert "query('v > 0')" in text


def test_every_aggregate_runs_as_pandas_would_say(rows):
    named = {
        name: (
            ["v", "v"] if known.columns == 2 else "v",
            name,
            *{"share": (0.9,), "number": (3,)}.get(known.argument, ()),
        )
        for name, known in FUNCTIONS.items()
        if known.installed
    }
    panes = rows.window("1min").agg(**named).to_pandas()
    ones = dict.fromkeys(named, 1) | {
        "collect": [1.0],
        "heavy_hitters": [(1.0, 1)],
        "any": True,
        "all": True,
    }
    nothing = ["var", "std", "sem", "skew", "kurt", "corr", "cov"]  # of a single value
    assert panes[nothing].isna().all(axis=None)
    assert panes[list(named)].iloc[0].dropna().to_dict() == {
        name: one for name, one in ones.items() if name in named and name not in nothing
    }
