"""What a plot asks for, and what a notebook cell shows; the browser has its own tests."""

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import SchemaError
from workbench.views.notebook import legend, table

FRAME = pd.DataFrame(
    {"t": pd.to_datetime([1, 2, 61, 125, 190], unit="s"), "k": list("abaab"), "v": [1.0, 2.0, 3.0, 4.0, 5.0]}
)


@pytest.fixture
def panes():
    return wb.stream(FRAME, time="t", watermark="0s").groupby("k").window("1min").agg(total=("v", "sum"))


def test_a_plot_of_a_column_that_is_not_there_is_refused_when_asked_for(panes):
    with pytest.raises(SchemaError, match="no such column: 'totl'"):
        panes.plot.line("window_end", "totl")
    with pytest.raises(wb.DescriptionError, match="cannot be divided by 'timing'"):
        panes.plot.line("window_end", "total", by="timing")


def test_a_line_shows_the_last_windows_and_a_bar_the_last_one(panes):
    frame = panes.to_pandas()
    assert panes.plot.line("window_end", "total", by="k", last=2).window_of(frame).total.tolist() == [4, 5]
    assert panes.plot.bar("k", "total").window_of(frame).total.tolist() == [5]
    assert panes.plot.table(last=3).window_of(frame).total.tolist() == [3, 4, 5]
    assert panes.plot.stack("total", by="k").window_of(frame.iloc[:0]).empty


def test_the_picture_that_suits_a_stream(panes):
    assert panes.plot().kind == "line"
    assert panes.query("total > 1").plot().kind == "table"
    assert wb.stream(FRAME, time="t", watermark="0s").plot().kind == "table"


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (lambda p: p.line("window_end", "total", by="k"), {"v0", "v1"}),
        (lambda p: p.stack("total", by="k"), {"t0", "t1"}),
        (lambda p: p.bar("k", "total"), {"value"}),
    ],
)
def test_a_plot_is_drawn_once_and_then_streamed_into(panes, draw, columns):
    plot = draw(panes.plot)
    frame = panes.to_pandas()
    live = plot.draw(frame.iloc[:2])
    sources = dict(live.sources)
    figure = live.figure
    assert any(columns <= set(source.data) for source in sources.values())
    live.update(plot.window_of(frame))
    assert live.figure is figure
    assert live.sources == sources
    assert not live.unknown


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


def test_a_legend_has_a_word_for_each_colour():
    assert "view" in legend([("#0072B2", "view")])


def test_outside_a_notebook_a_display_is_words(panes, capsys):
    before = wb.runs()
    panes.plot.line("window_end", "total")._ipython_display_()
    assert "<live line of 'total'" in capsys.readouterr().out
    assert wb.runs() == before
