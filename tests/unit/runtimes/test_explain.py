"""Which rows are in a pane, in which one, and which came too late by how much."""

import pandas as pd
import pytest

import workbench as wb
from simulators import Clickstream
from workbench.errors import DescriptionError
from workbench.runtimes import explain

FRAME = pd.DataFrame(
    {
        "t": pd.to_datetime("2026-01-05 09:00") + pd.to_timedelta([5, 50, 65, 8, 90, 9, 200], unit="s"),
        "country": ["FR", "FR", "US", "FR", "US", "FR", None],
        "v": range(7),
    }
)
ROWS = wb.stream(FRAME, time="t", watermark=0)
PANES = ROWS.groupby("country").window("1min", lateness="10s").agg(total=("v", "sum"), n=("v", "size"))
SESSIONS = ROWS.groupby("country").window(wb.Session("20s")).agg(total=("v", "sum"))
SLIDING = ROWS.window(wb.Sliding("1min", "20s")).agg(total=("v", "sum"))


def test_without_a_window_the_steps_are_told():
    assert PANES.explain().splitlines()[0].endswith("read frame")


def test_each_row_says_its_pane_or_by_how_much_it_was_late():
    told = PANES.explain(key="FR", window="2026-01-05 09:00")
    assert told.index.name == "arrival"
    assert told.columns.tolist() == ["t", "v", "watermark", "pane", "timing", "late", "late_by"]
    assert told.index.tolist() == [1, 2, 4, 6]
    assert told["pane"].tolist() == [0, 0, 1, pd.NA]
    assert told["timing"].tolist()[:3] == ["on_time", "on_time", "late"]
    assert told["late"].tolist() == [False, False, False, True]
    assert told["late_by"].iloc[3] == pd.Timedelta("20s")
    assert told["watermark"].isna().tolist() == [True, False, False, False]
    assert told["watermark"].iloc[3] == pd.Timestamp("2026-01-05 09:01:30")
    assert told["t"].tolist() == FRAME["t"].iloc[[0, 1, 3, 5]].tolist()


@pytest.mark.parametrize("key", ["FR", ("FR",), {"country": "FR"}])
@pytest.mark.parametrize(
    "window",
    [
        "2026-01-05 09:00",
        pd.Timestamp("2026-01-05 09:00:59"),
        pd.Timestamp("2026-01-05 10:00:30", tz="Europe/Berlin"),
        ("2026-01-05 09:00", "2026-01-05 09:01"),
        [pd.Timestamp("2026-01-05 09:00").to_datetime64(), "2026-01-05 09:01"],
    ],
)
def test_a_window_is_named_by_its_bounds_or_a_moment_and_a_key_in_three_ways(key, window):
    assert PANES.explain(key=key, window=window)["v"].tolist() == [0, 1, 3, 5]


def test_null_is_a_key():
    told = PANES.explain(key={"country": None}, window="2026-01-05 09:03:20")
    assert told["v"].tolist() == [6]


def test_of_a_session_the_rows_are_told_and_those_late_within_the_gap():
    told = SESSIONS.explain(key="FR", window="2026-01-05 09:00:10")
    assert told["v"].tolist() == [0, 3, 5]
    assert told["late"].tolist() == [False, True, True]
    assert told["late_by"].tolist()[1:] == [pd.Timedelta("37s"), pd.Timedelta("61s")]


def test_a_session_is_found_by_bounds_that_it_had_before_it_grew():
    frame = pd.DataFrame({"t": pd.to_datetime([0, 5, 40, 15], unit="s"), "v": range(4)})
    grown = wb.stream(frame, time="t", watermark=0).window(wb.Session("10s"), lateness="1min")
    panes = grown.agg(total=("v", "sum"))
    for window in [("1970-01-01 00:00", "1970-01-01 00:00:15"), "1970-01-01 00:00", "1970-01-01 00:00:25"]:
        told = panes.explain(window=window, batch_rows=1)
        assert (told["v"].tolist(), told["pane"].tolist()) == ([0, 1, 3], [0, 0, 1])


def test_rows_late_for_one_sliding_window_are_told_there_only():
    late = SLIDING.explain(window=("2026-01-05 09:00", "2026-01-05 09:01"))
    assert late.loc[[4, 6], "late"].all()
    assert SLIDING.explain(window="2026-01-05 09:01:20")["late"].tolist() == [False]


def test_a_row_made_into_several_is_told_several_times():
    rows = ROWS.assign(w=lambda f: f["v"].map(lambda v: [v, v])).explode("w")
    told = rows.window("1min").agg(n=("w", "size")).explain(window="2026-01-05 09:03:20")
    assert told.index.tolist() == [7, 7]


def test_a_simulator_without_end_is_read_until_the_window_has_expired():
    simulator = Clickstream(users=50, seed=7)
    start = pd.Timestamp(simulator.start)
    for window in (wb.Tumbling("1min"), wb.Session("50ms")):
        clicks = wb.stream(simulator, watermark="10s").groupby("country").window(window, lateness="5s")
        panes = clicks.agg(n=("action", "size"))
        bounded = wb.stream(simulator, watermark="10s", duration="4min").groupby("country")
        known = bounded.window(window, lateness="5s").agg(n=("action", "size")).to_pandas()
        pane = known[known["window_start"] > start + pd.Timedelta("1min")].iloc[0]
        told = panes.explain(key=pane["country"], window=pane["window_start"], batch_rows=1_000)
        assert (told["pane"] == 0).sum() == pane["n"]


def test_a_run_explains_its_results():
    run = wb.start(total=PANES, rows=ROWS, speed="max").wait(10)
    told = run.explain("total", key="FR", window="2026-01-05 09:00")
    pd.testing.assert_frame_equal(told, PANES.explain(key="FR", window="2026-01-05 09:00"))
    assert run.explain("rows") == ROWS.explain()


@pytest.mark.parametrize(
    ("panes", "asked", "text"),
    [
        (
            PANES,
            {"key": "FR", "window": "2026-01-05 10:00"},
            "no row of country='FR' has come to a window at [2026-01-05 10:00:00, 2026-01-05 10:01:00)\n"
            "Hint: the nearest with rows: [2026-01-05 09:00:00, 2026-01-05 09:01:00)",
        ),
        (
            PANES,
            {"key": "DE", "window": "2026-01-05 09:00"},
            "no row of country='DE' has come to a window at [2026-01-05 09:00:00, 2026-01-05 09:01:00)\n"
            "Detail: there is no row of that key at all\nHint: the panes say which keys there are",
        ),
        (
            SESSIONS,
            {"key": "FR", "window": "2026-01-05 09:30"},
            "no row of country='FR' has come to a window at 2026-01-05 09:30:00\n"
            "Hint: the nearest with rows: "
            "[2026-01-05 09:00:05, 2026-01-05 09:00:25), [2026-01-05 09:00:50, 2026-01-05 09:01:10)",
        ),
        (
            PANES,
            {"window": "2026-01-05 09:00"},
            "which key is to be explained?\nDetail: rows are grouped by country\n"
            "Hint: give key={'country': ...}",
        ),
        (
            PANES,
            {"key": ("FR", 1), "window": "2026-01-05 09:00"},
            "the key ('FR', 1) does not fit\nDetail: rows are grouped by country\n"
            "Hint: give key={'country': ...}",
        ),
        (
            SLIDING,
            {"key": "FR", "window": "2026-01-05 09:00"},
            "the key 'FR' does not fit\nDetail: rows are grouped by no column\nHint: leave key out",
        ),
        (
            PANES,
            {"key": "FR"},
            "which window is to be explained?\nHint: give window='2026-01-05 09:00'",
        ),
        (
            PANES,
            {"key": "FR", "window": (1, 2, 3)},
            "not the bounds of a window: (1, 2, 3)\nHint: give window=(start, end)",
        ),
        (
            PANES,
            {"key": "FR", "window": pd.NaT},
            "not a moment: NaT\nDetail: it is null\nHint: write it as in '2026-01-05 09:00'",
        ),
        (
            PANES,
            {"key": "FR", "window": ("2026-01-05 09:00", "2026-01-05 09:02")},
            "Tumbling('1min') has no window [2026-01-05 09:00:00, 2026-01-05 09:02:00)\n"
            "Hint: at 2026-01-05 09:00:00 it has [2026-01-05 09:00:00, 2026-01-05 09:01:00)",
        ),
        (
            SLIDING,
            {"window": "2026-01-05 09:00:30"},
            "Sliding('1min', '20s') has several windows at 2026-01-05 09:00:30\n"
            "Detail: they are [2026-01-05 08:59:40, 2026-01-05 09:00:40), "
            "[2026-01-05 09:00:00, 2026-01-05 09:01:00), [2026-01-05 09:00:20, 2026-01-05 09:01:20)\n"
            "Hint: say which: window=('2026-01-05 08:59:40', '2026-01-05 09:00:40')",
        ),
        (
            ROWS.window(wb.Count(2)).agg(n=("v", "size")),
            {"window": "2026-01-05 09:00"},
            "Count(2) cannot be explained\n"
            "Detail: its windows are told apart by the order of rows, not by time\n"
            "Hint: explain windows of event time",
        ),
        (
            wb.stream(Clickstream(seed=7), watermark=0).window(wb.Global()).agg(n=("action", "size")),
            {"window": "2026-01-05 09:00"},
            "Global() never closes\nDetail: clickstream has no end\nHint: bound the source",
        ),
    ],
)
def test_what_cannot_be_explained(panes, asked, text):
    with pytest.raises(DescriptionError) as error:
        panes.explain(**asked)
    assert str(error.value) == text


def test_keys_may_be_named_and_a_time_of_day_is_of_the_day_when_the_source_begins():
    times = pd.to_datetime(["2026-01-05 09:00:05", "2026-01-05 09:00:50", "2026-01-05 09:01:10"])
    sales = pd.DataFrame(
        {"t": times.tz_localize("Asia/Tokyo"), "country": ["FR", "US", "FR"], "v": [1, 2, 3]}
    )
    panes = wb.stream(sales, time="t", watermark=0).groupby("country").window("1min").agg(total=("v", "sum"))
    assert panes.explain(country="FR", window="09:00").v.tolist() == [1]
    assert panes.explain(country="FR", window="9:01:30").v.tolist() == [3]
    with pytest.raises(DescriptionError, match="does not fit"):
        panes.explain(city="FR", window="09:00")


def test_columns_called_as_what_is_told_keep_their_values():
    told = ["watermark", "pane", "timing", "late", "late_by"]
    frame = pd.DataFrame({"late": pd.to_datetime([1, 2, 70], unit="s"), "v": [4, 5, 6]})
    frame = frame.assign(**{name: frame.v for name in told if name != "late"})
    panes = wb.stream(frame, time="late", watermark=0).window("1min")
    panes = panes.agg(**{f"sum_{at}": (name, "max") for at, name in enumerate(told)})
    shown = panes.explain(window="1970-01-01 00:00")
    assert list(shown.columns) == [
        "late_read",
        "watermark_read",
        "pane_read",
        "timing_read",
        "late_by_read",
        *told,
    ]
    assert shown.late_read.tolist() == frame.late.tolist()[:2]
    assert shown.pane_read.tolist() == shown.late_by_read.tolist() == [4, 5]
    assert shown.late.tolist() == [False, False]
    assert shown.timing.tolist() == ["on_time", "on_time"]


def test_a_session_that_does_not_end_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr(explain, "MOST_ROWS", 3_000)
    panes = wb.stream(Clickstream(seed=7), watermark=0).window(wb.Session("5min")).agg(n=("action", "size"))
    with pytest.raises(DescriptionError, match=r"not ended after \d,\d\d\d rows\nDetail: clickstream has"):
        panes.explain(window="2026-01-05 09:00", batch_rows=1_000)
