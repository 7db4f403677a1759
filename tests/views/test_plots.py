"""What ``stream.plot`` gives are HoloViews objects, which hold what the engine's panes say."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import SchemaError
from workbench.views.htmltable import table
from workbench.views.rows import rows_in

rng = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "t": pd.Timestamp("2026-01-05 09:00") + pd.to_timedelta(np.sort(rng.uniform(0, 600, 900)), unit="s"),
        "k": rng.choice(["a", "b", "c"], 900, p=[0.6, 0.3, 0.1]),
        "v": rng.integers(1, 100, 900).astype(float),
    }
)


@pytest.fixture
def values():
    return wb.stream(FRAME, time="t", watermark="0s")


@pytest.fixture
def panes(values):
    return values.groupby("k").window("1min").agg(total=("v", "sum"), price=("v", "ohlc"))


@pytest.fixture
def brought():
    """Let the rows of a picture come: the first ``batches`` of 400, or all there are."""

    def bring(shown, batches=None):
        streams = {f"r{i}": rows.source_stream for i, rows in enumerate(rows_in(shown))}
        run = wb.start(speed="max", batch_rows=400, paused=batches is not None, **streams)
        if batches is None:
            run.wait(20)
        else:
            for _ in range(batches):
                run.step("batch")
        for i, rows in enumerate(rows_in(shown)):
            assert rows.bring(run, f"r{i}")
        return shown

    yield bring
    wb.stop_all()


def right():
    """The sum of each minute and key, by pandas."""
    return FRAME.groupby([FRAME.t.dt.floor("1min"), "k"]).v.sum().unstack()


def elements(shown, kind):
    return shown[()].traverse(lambda each: each, [kind])


def test_a_plot_of_a_column_that_is_not_there_is_refused_when_asked_for(panes):
    with pytest.raises(SchemaError, match="no such column: 'totl'"):
        panes.plot.line("window_end", "totl")
    with pytest.raises(wb.DescriptionError, match="cannot be divided by 'timing'"):
        panes.plot.line("window_end", "total", by="timing")
    with pytest.raises(wb.DescriptionError, match="bars of 'k' cannot be divided"):
        panes.plot.bars("k", "total", by="k")
    with pytest.raises(wb.DescriptionError, match="no prices called 'cost'"):
        panes.plot.ohlc("cost")
    with pytest.raises(SchemaError, match="window_start"):
        wb.stream(FRAME, time="t", watermark="0s").plot.heatmap("k", "v")


def test_what_cannot_be_drawn_is_refused_when_asked_for(panes, values):
    with pytest.raises(
        wb.DescriptionError, match=r"plot.line has no option 'heigth'(.|\n)*Hint: it has 'height'"
    ):
        panes.plot.line("window_end", "total", by="k", heigth=3)
    with pytest.raises(wb.DescriptionError, match=r"plot.table has no option 'heigth'"):
        values.plot.table(heigth=3)
    with pytest.raises(wb.DescriptionError, match="bins is 0"):
        panes.plot.hist("total", bins=0)
    with pytest.raises(wb.DescriptionError, match=r"last is 2\.5"):
        panes.plot.line("window_end", "total", by="k", last=2.5)
    picked = (
        values.query("v > 1").assign(w=1).groupby("k").window("1min").agg(at=("k", "max"), n=("w", "max"))
    )
    for name, draw in (
        ("k", lambda: values.plot.hist("k")),
        ("t", lambda: values.plot.hist("t")),
        ("k", lambda: panes.plot.line("window_end", "k", by="k")),
        ("window_start", lambda: panes.plot.heatmap("k", "window_start")),
        ("at", lambda: picked.plot.bars("k", "at")),
    ):
        with pytest.raises(SchemaError, match=f"'{name}' is no number"):
            draw()
    assert isinstance(picked.plot.bars("k", "n"), hv.DynamicMap)
    assert isinstance(values.assign(k=lambda rows: rows.v).plot.hist("k"), hv.DynamicMap)


def test_lines_are_curves_of_the_panes(panes, brought):
    shown = brought(panes.plot.line("window_end", "total", by="k"))
    overlay = shown[()]
    named = overlay.traverse(lambda each: each, [hv.NdOverlay])[0]
    assert set(named.keys()) == {"a", "b", "c"}
    for key, sums in right().items():
        curve = named[key]
        assert isinstance(curve, hv.Curve)
        np.testing.assert_array_equal(curve["total"], sums.to_numpy())
        np.testing.assert_array_equal(curve["window_end"], (sums.index + pd.Timedelta("1min")).to_numpy())
    assert len(elements(shown, hv.Segments)[0]) == 0  # no window is open


def test_what_is_still_open_is_dashed_and_hollow(panes, brought):
    shown = brought(panes.plot.line("window_end", "total", by="k"), batches=1)
    first = FRAME.iloc[:400]
    last_minute = first.t.max().floor("1min")
    still_open = first[first.t >= last_minute].groupby("k").v.sum()
    dots = elements(shown, hv.Scatter)[0].dframe()
    hollow = dots[dots.fill_alpha == 0].set_index("k").total
    assert hollow.to_dict() == still_open.to_dict()
    assert set(dots["wb·state"][dots.fill_alpha == 1]) == {"final"}
    tails = elements(shown, hv.Segments)[0].dframe()
    assert sorted(tails["wb·y_to"]) == sorted(still_open)
    curves = elements(shown, hv.Curve)
    assert all(np.isnan(curve["total"][-1]) for curve in curves)


def test_areas_are_stacked_and_boxes_are_as_wide_as_their_windows(panes, brought):
    shown = brought(panes.plot.area("window_end", "total", by="k"))
    tops = {area["total"].tobytes() for area in elements(shown, hv.Area)}
    order = right().sum().sort_values(ascending=False).index
    for column in right()[order].cumsum(axis=1).to_numpy().T:
        assert np.ascontiguousarray(column).tobytes() in tops

    stacked = brought(panes.plot.bars("window_start", "total", by="k"))
    whole = pd.concat([box.dframe() for box in elements(stacked, hv.Rectangles)])
    assert set(whole.right - whole.left) == {pd.Timedelta("1min")}
    np.testing.assert_allclose(whole.groupby("left").top.max(), right().sum(axis=1))

    side = brought(panes.plot.bars("window_start", "total", by="k", stacked=False))
    whole = pd.concat([box.dframe() for box in elements(side, hv.Rectangles)])
    assert set(whole.right - whole.left) == {pd.Timedelta("20s")}
    assert (whole.bottom == 0).all()


def test_bars_of_categories_show_the_latest_window(panes, brought):
    shown = brought(panes.plot.bars("k", "total"))
    closed, still_open = elements(shown, hv.Bars)
    assert dict(zip(closed["k"], closed["total"], strict=True)) == right().iloc[-1].to_dict()
    assert np.isnan(still_open["total"]).all()
    closed, still_open = elements(brought(panes.plot.bars("k", "total"), batches=1), hv.Bars)
    assert np.isnan(closed["total"]).all()
    assert not np.isnan(still_open["total"]).any()


def test_a_heat_map_has_a_cell_for_each_pane(panes, brought):
    cells = elements(brought(panes.plot.heatmap("k", "total")), hv.HeatMap)[0]
    found = pd.Series(cells["total"], index=[pd.DatetimeIndex(cells["window_start"]), cells["k"]]).unstack()
    np.testing.assert_array_equal(found.to_numpy(), right().to_numpy())
    assert (found.index - pd.Timedelta("30s") == right().index).all()  # a cell is around its middle


def test_candles_are_those_of_one_key(panes, brought):
    with pytest.raises(wb.DescriptionError, match="which key"):
        panes.plot.ohlc()
    shown = brought(panes.plot.ohlc(key="b"))
    prices = FRAME[FRAME.k == "b"].groupby(FRAME.t.dt.floor("1min")).v
    wicks = elements(shown, hv.Segments)[0]
    np.testing.assert_array_equal(wicks["top"], prices.max())
    np.testing.assert_array_equal(wicks["bottom"], prices.min())
    candles = elements(shown, hv.Rectangles)[0].dframe()
    np.testing.assert_array_equal(candles.close, prices.last())
    rising = (prices.last() >= prices.first()).to_numpy()
    np.testing.assert_array_equal(candles.fill_alpha == 0, rising)  # hollow


def test_a_histogram_counts_rows(values, brought):
    bins = elements(brought(values.plot.hist("v", bins=7)), hv.Histogram)[0]
    counts, edges = np.histogram(FRAME.v, bins=7)
    np.testing.assert_array_equal(bins["count"], counts)
    np.testing.assert_array_equal(bins.edges, edges)


def test_a_table_shows_the_last_rows_the_latest_first(panes, brought):
    shown = elements(brought(panes.plot.table(last=3)), hv.Table)[0]
    assert shown["total"].tolist() == panes.to_pandas().total.tolist()[:-4:-1]


def test_only_the_last_windows_and_the_greatest_names_are_shown(panes, brought):
    shown = brought(panes.plot.line("window_end", "total", by="k", last=2, most=2))
    curves = elements(shown, hv.Curve)
    assert [len(curve) for curve in curves] == [2, 2]
    np.testing.assert_array_equal(curves[0]["total"], right()["a"].iloc[-2:])


def test_they_combine_as_holoviews_objects_do(panes, values):
    line, bars = panes.plot.line("window_end", "total", by="k"), panes.plot.bars("k", "total")
    assert isinstance(line, hv.DynamicMap)
    assert isinstance(line * panes.plot.area("window_end", "total", by="k"), hv.DynamicMap)
    beside = (line + bars + values.plot.hist("v")).cols(1)
    assert isinstance(beside, hv.Layout)
    assert len(rows_in(beside)) == 3
    assert rows_in(line.opts(hv.opts.Curve(line_width=5)).opts(height=100)) == rows_in(line)
    assert rows_in(hv.Curve([1, 2])) == []
    assert hv.renderer("bokeh").webgl is False


def test_the_picture_that_suits_a_stream(panes, values):
    def kind(shown):
        return rows_in(shown)[0].picture.kind

    assert kind(panes.plot()) == "line"
    assert kind(panes.query("total > 1").plot()) == "table"
    assert kind(values.plot()) == "table"


def test_times_are_those_of_their_zone(brought):
    frame = FRAME.assign(t=FRAME.t.dt.tz_localize("Asia/Tokyo"))
    panes = wb.stream(frame, time="t", watermark="0s").window("1min").agg(total=("v", "sum"))
    shown = brought(panes.plot.line("window_end", "total"))
    curve = elements(shown, hv.Curve)[0]
    assert curve["window_end"][0] == np.datetime64("2026-01-05 09:01")
    assert "(Asia/Tokyo)" in rows_in(shown)[0].words()


def test_a_table_tells_open_windows_apart_and_escapes_what_it_shows():
    frame = pd.DataFrame(
        {"name": ["<b>", "x"], "n": [1, 2000], "yes": [True, False], "timing": ["on_time", "early"]}
    )
    shown = table(frame)
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert shown.index("2,000") < shown.index("&lt;b&gt;")  # the latest first
    assert shown.count("class='open'") == 1
    assert "True" in shown


def test_outside_a_notebook_a_display_is_words(panes, capsys):
    before = wb.runs()
    panes._ipython_display_()
    assert "<PaneStream 'total'>" in capsys.readouterr().out
    assert repr(panes.plot.line("window_end", "total", by="k")).startswith(":DynamicMap")
    assert wb.runs() == before
