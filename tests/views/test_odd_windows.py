"""Windows of any length, in any zone, of many keys or of all time, are shown as they are."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from bokeh.models import HoverTool

import workbench as wb
from workbench.views import rows as rows_module
from workbench.views.drawing import Drawing
from workbench.views.figuresvg import svg
from workbench.views.htmltable import table
from workbench.views.rows import plain, rows_in

START = pd.Timestamp("2026-01-05 09:00")


def stream(times, **columns):
    frame = pd.DataFrame({"t": times, "v": np.arange(len(times), dtype=float), **columns})
    return wb.stream(frame, time="t", watermark="0s")


def bring(shown, steps=None, batch_rows=100):
    """Let the rows of a picture come: those of the first batches, or all."""
    rows = rows_in(shown)[0]
    run = wb.start(r=rows.source_stream, speed="max", batch_rows=batch_rows, paused=steps is not None)
    if steps is None:
        run.wait(20)
    for _ in range(steps or 0):
        run.step("batch")
    assert rows.bring(run, "r")
    wb.stop_all()
    return shown


def elements(shown, kind):
    return shown[()].traverse(lambda each: each, [kind])


@pytest.fixture
def ever():
    keys = np.array(["a", None, "b", "a"], dtype=object)[np.arange(400) % 4]
    return stream(START + pd.to_timedelta(np.arange(400), unit="s"), k=keys).groupby("k").window(wb.Global())


@pytest.mark.parametrize("steps", [2, None])
def test_of_all_time_there_are_bars_and_tables(ever, steps):
    panes = ever.agg(n=("v", "size"))
    bars = bring(panes.plot(), steps)
    assert rows_in(bars)[0].picture.kind == "bars"
    closed, still_open = elements(bars, hv.Bars)
    now, other = (closed, still_open) if steps is None else (still_open, closed)
    count = 400 if steps is None else 200
    told = {"a": count / 2, "b": count / 4, "–": count / 4}
    assert dict(zip(now["k"], now["n"], strict=True)) == told
    assert np.isnan(other["n"]).all()
    assert "one window of all time" in rows_in(bars)[0].words()
    assert len(elements(bring(panes.plot.table(), steps), hv.Table)[0]) == 3
    assert svg(Drawing(bars).figures[0])


def test_of_all_time_there_is_nothing_along_time(ever):
    panes = ever.agg(n=("v", "size"), price=("v", "ohlc"))
    for refused in (
        lambda: panes.plot.line("window_end", "n", by="k"),
        lambda: panes.plot.bars("window_start", "n", by="k"),
        lambda: panes.plot.heatmap("k", "n"),
        lambda: panes.plot.ohlc(key="a"),
    ):
        with pytest.raises(wb.DescriptionError, match=r"Global\(\)\nDetail: .*all time.*\nHint: bars\('k'"):
            refused()
    alone = stream(START + pd.to_timedelta(np.arange(9), unit="s")).window(wb.Global()).agg(n=("v", "size"))
    assert rows_in(alone.plot())[0].picture.kind == "table"


@pytest.mark.parametrize("kind", ["line", "area", "bars", "heatmap"])
def test_what_is_not_known_to_be_of_all_time_is_drawn_without_places(ever, kind):
    plot = ever.agg(n=("v", "size")).query("n > 0").plot
    shown = bring(
        {
            "line": lambda: plot.line("window_end", "n", by="k"),
            "area": lambda: plot.area("window_end", "n", by="k"),
            "bars": lambda: plot.bars("window_start", "n", by="k"),
            "heatmap": lambda: plot.heatmap("k", "n"),
        }[kind]()
    )
    drawing = Drawing(shown)
    drawn = svg(drawing.figures[0])
    assert "nan" not in drawn
    assert "one window of all time" in rows_in(shown)[0].words()


@pytest.mark.parametrize(
    ("size", "first", "told"),
    [
        ("1D", "%Y-%m-%d %H:%M", "2026-01-05 00:00"),
        ("1min", "%H:%M:%S", "09:00:00"),
        ("250ms", "%H:%M:%S.%3N", "09:00:00.000"),
        ("200us", "%H:%M:%S.%6N", "09:00:00.000000"),
    ],
)
def test_moments_are_written_as_windows_are_long(size, first, told):
    times = START + pd.Timedelta(size) * np.arange(6)
    panes = stream(times, k=["a", "b"] * 3).groupby("k").window(size).agg(n=("v", "sum"), price=("v", "ohlc"))
    shown = {
        "line": panes.plot.line("window_end", "n", by="k"),
        "bars": panes.plot.bars("window_start", "n", by="k"),
        "heatmap": panes.plot.heatmap("k", "n"),
        "ohlc": panes.plot.ohlc(key="a"),
    }
    for picture in shown.values():
        drawing = Drawing(bring(picture))
        tools = drawing.plot.state.select({"type": HoverTool})
        assert any(f"{{{first}}}" in field for tool in tools for _, field in tool.tooltips)
        assert f"from {told} to " in rows_in(picture)[0].words()
        drawing.close()
    assert f"<td>{told}</td>" in table(panes.to_pandas())


def test_a_window_when_clocks_go_back_stays_apart_from_the_one_before():
    times = pd.date_range("2026-10-24 22:30", periods=6, freq="h", tz="UTC").tz_convert("Europe/Paris")
    panes = stream(times).window("1h").agg(n=("v", "sum"))
    dots = elements(bring(panes.plot.line("window_start", "n")), hv.Scatter)[0]
    assert (np.diff(dots["window_start"]) == np.timedelta64(1, "h")).all()
    bars = bring(panes.plot.bars("window_start", "n"))
    boxes = elements(bars, hv.Rectangles)[0]
    assert (boxes["right"] - boxes["left"] == np.timedelta64(1, "h")).all()
    assert "(Europe/Paris, as UTC+01:00)" in rows_in(bars)[0].words()
    before = rows_in(panes.plot.bars("window_start", "n"))[0]
    form = before.form()
    before.picture.zone = rows_in(bars)[0].picture.zone
    assert before.form() != form  # the words along the axis are others


def test_days_begin_at_midnight_before_and_after_clocks_go_back():
    days = pd.date_range("2026-10-23", periods=5, freq="D", tz="Europe/Paris")
    assert plain(pd.DataFrame({"at": days}))["at"].dt.hour.tolist() == [0] * 5


def test_each_column_is_told_by_a_clock_of_its_own_zone():
    at = pd.date_range("2026-10-25 00:00", periods=2, freq="h", tz="UTC")
    frame = pd.DataFrame({"here": at.tz_convert("Europe/Paris"), "there": at.tz_convert("Asia/Tokyo")})
    told = plain(frame)
    assert told.here.dt.hour.tolist() == [1, 2]  # instead of twice 2 o'clock
    assert told.there.dt.hour.tolist() == [9, 10]


@pytest.mark.parametrize("looked_at", [5, 10, 25])
def test_windows_are_shown_whole_or_not_at_all(monkeypatch, looked_at):
    monkeypatch.setattr(rows_module, "LOOKED_AT", looked_at)
    times = START + pd.to_timedelta(np.repeat(np.arange(4), 10), unit="min")
    keys = np.tile([f"k{i}" for i in range(10)], 4)
    panes = stream(times, k=keys).groupby("k").window("1min").agg(n=("v", "size"))
    boxes = elements(bring(panes.plot.bars("window_start", "n", by="k")), hv.Rectangles)
    heights = pd.concat([each.dframe() for each in boxes]).groupby("window_start").n.sum()
    assert (heights == 10).all()
    assert len(heights) == max(1, (looked_at - 1) // 10)
    assert len(elements(bring(panes.plot.table(last=3)), hv.Table)[0]) == 3


def test_panes_of_keys_that_a_picture_does_not_tell_apart_are_refused():
    described = stream(
        START + pd.to_timedelta(np.arange(9), unit="s"), k=["a", "b", "c"] * 3, d=[1, 2, 3] * 3
    )
    panes = described.groupby("k").window("1min").agg(n=("v", "sum"))
    text = r"a line of 'n' does not tell 'k' apart\nDetail: .*hide.*\nHint: by='k'"
    with pytest.raises(wb.DescriptionError, match=text):
        panes.plot.line("window_end", "n")
    with pytest.raises(wb.DescriptionError, match="does not tell 'k' apart"):
        panes.plot.area("window_end", "n")
    with pytest.raises(wb.DescriptionError, match="does not tell 'k' apart"):
        panes.plot.bars("window_start", "n", stacked=False)
    panes.plot.bars("window_start", "n")  # adds up
    panes.query("k == 'a'").plot.line("window_end", "n")
    two = described.groupby("k", "d").window("1min").agg(n=("v", "sum"))
    for refused in (
        lambda: two.plot.line("window_end", "n", by="k"),
        lambda: two.plot.heatmap("k", "n"),
        lambda: two.plot.bars("k", "n"),
    ):
        with pytest.raises(wb.DescriptionError, match=r"tell 'd' apart\n.*\nHint: leave 'd' out of groupby"):
            refused()


def test_a_large_window_that_is_open_does_not_hide_those_that_are_closed(monkeypatch):
    monkeypatch.setattr(rows_module, "LOOKED_AT", 5)
    times = START + pd.to_timedelta(np.repeat(np.arange(4), 10), unit="min")
    panes = stream(times, k=np.tile([f"k{i}" for i in range(10)], 4)).groupby("k").window("1min")
    shown = bring(panes.agg(n=("v", "size")).plot.line("window_end", "n", by="k"), steps=4, batch_rows=10)
    dots = elements(shown, hv.Scatter)[0].dframe()
    assert dots.groupby("window_end")["wb·state"].agg(["first", "size"]).to_numpy().tolist() == [
        ["final", 10],
        ["still open", 10],
    ]
