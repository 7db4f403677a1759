"""A picture is drawn once by HoloViews and then streamed into; what is drawn is what the panes say."""

import json
import re
from xml.etree import ElementTree

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document
from bokeh.models import GlyphRenderer
from bokeh.plotting import figure

import workbench as wb
from workbench.views import theme
from workbench.views.bokehwidget import CREDIT, BokehWidget
from workbench.views.drawing import KEY, Drawing
from workbench.views.figuresvg import svg
from workbench.views.live import milliseconds
from workbench.views.rows import rows_in

START = pd.Timestamp("2026-01-05 09:00")


def panes(windows, names="ab", still_open=1, first=0):
    """A table of panes: the value of the n-th window of the i-th name is 10 n + i + 1."""
    at = [(n, i) for n in range(first, first + windows) for i in range(len(names))]
    starts = START + pd.to_timedelta([60 * n for n, _ in at], unit="s")
    timing = ["early" if n >= first + windows - still_open else "on_time" for n, _ in at]
    return pd.DataFrame(
        {
            "window_start": starts,
            "window_end": starts + pd.Timedelta("60s"),
            "k": [names[i] for _, i in at],
            "n": [10.0 * n + i + 1 for n, i in at],
            **{each: [10.0 * n + i + 1 for n, i in at] for each in ("open", "high", "low", "close")},
            "timing": timing,
            "revision": 0,
        }
    )


@pytest.fixture
def stream():
    frame = pd.DataFrame({"t": pd.to_datetime([1, 2], unit="s"), "k": ["a", "b"], "v": [1.0, 2.0]})
    described = wb.stream(frame, time="t", watermark="0s").groupby("k").window("1min")
    return described.agg(
        n=("v", "sum"), open=("v", "first"), high=("v", "max"), low=("v", "min"), close=("v", "last")
    )


KINDS = {
    "line": lambda p: p.line("window_end", "n", by="k"),
    "area": lambda p: p.area("window_end", "n", by="k"),
    "bars": lambda p: p.bars("window_start", "n", by="k"),
    "side by side": lambda p: p.bars("window_start", "n", by="k", stacked=False),
    "categories": lambda p: p.bars("k", "n"),
    "heatmap": lambda p: p.heatmap("k", "n"),
    "ohlc": lambda p: p.ohlc(key="a"),
    "hist": lambda p: p.hist("n"),
    "table": lambda p: p.table(),
}


def bring(shown, frame):
    for rows in rows_in(shown):
        rows.update(frame=rows.picture.seen(frame))
        rows.version += 1
    return rows_in(shown)


def tables(drawing):
    """The tables of what is drawn, as text that can be compared."""
    sources = [each.data_source for each in drawing.plot.state.select({"type": GlyphRenderer})]
    if not sources:
        sources = [drawing.plot.handles["source"]]
    return sorted(
        json.dumps(
            {name: np.asarray(column).tolist() for name, column in sorted(source.data.items())}, default=str
        )
        for source in sources
    )


@pytest.mark.parametrize("kind", KINDS)
def test_streaming_into_a_drawing_gives_what_drawing_it_anew_would(stream, kind):
    shown = KINDS[kind](stream.plot)
    bring(shown, panes(3))
    drawing = Drawing(shown)
    before = drawing.plot.state
    for frame in (panes(4), panes(4, still_open=0), panes(5, still_open=2), panes(5, first=2)):
        drawing.update(bring(shown, frame))
        fresh = Drawing(shown)
        assert tables(drawing) == tables(fresh)
        fresh.close()
    assert drawing.plot.state is before
    assert not drawing.outgrown
    drawing.close()


def test_the_numbers_drawn_are_those_of_the_panes(stream):
    shown = KINDS["line"](stream.plot)
    bring(shown, panes(2))
    drawing = Drawing(shown)
    frame = panes(5)
    drawing.update(bring(shown, frame))
    lines = {
        each.glyph.line_color: each.data_source.data
        for each in drawing.plot.state.select({"type": GlyphRenderer})
        if type(each.glyph).__name__ == "Line"
    }
    for place, name in enumerate("ba"):  # the greatest first
        own = frame[frame.k == name]
        drawn = lines[theme.series(place)]
        np.testing.assert_array_equal(drawn["window_end"], milliseconds(own.window_end))
        np.testing.assert_array_equal(drawn["n"], own.n.where(own.timing == "on_time"))


def test_what_somebody_made_of_a_picture_is_kept_up_to_date_by_holoviews():
    def doubled(overlay):
        return overlay.map(lambda curve: curve.clone((curve.dimension_values(0), 2 * curve["n"])), [hv.Curve])

    frame = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "v": [1.0]})
    stream = wb.stream(frame, time="t", watermark="0s").window("1min").agg(n=("v", "sum"))
    shown = stream.plot.line("window_end", "n").apply(doubled)
    bring(shown, panes(2, "a", 0))
    drawing = Drawing(shown)
    drawing.update(bring(shown, panes(4, "a", 0)))
    drawn = next(
        each.data_source.data
        for each in drawing.plot.state.select({"type": GlyphRenderer})
        if type(each.glyph).__name__ == "Line"
    )
    assert drawn["n"].tolist() == [2, 22, 42, 62]


def test_other_options_and_combinations_are_streamed_into(stream):
    plain = stream.plot.line("window_end", "n", by="k")
    shown = (plain * hv.HLine(5)).opts(hv.opts.Curve(line_width=7)).opts(height=90, ylim=(0, 500)) + KINDS[
        "bars"
    ](stream.plot)
    bring(shown, panes(2))
    drawing = Drawing(shown)
    first, second = drawing.figures
    assert first.height == 90
    assert (first.y_range.start, first.y_range.end) == (0, 500)  # as somebody has said
    assert second.y_range.start == 0
    widths = {
        each.glyph.line_width
        for each in first.renderers
        if type(getattr(each, "glyph", None)).__name__ == "Line"
    }
    assert widths == {7}
    drawing.update(bring(shown, panes(6)))
    assert max(len(each.data_source.data[KEY]) for each in second.renderers) == 5
    drawing.close()


def test_one_window_spans_its_own_length(stream):
    for kind in ("line", "area"):
        shown = KINDS[kind](stream.plot)
        bring(shown, panes(1))
        drawing = Drawing(shown)
        (drawn,) = drawing.figures
        assert drawn.x_range.default_span == 60_000
        words = re.findall("<text[^>]*>([^<]*)<", svg(drawn))  # of a picture without a browser too
        assert {"09:00:40", "09:01:20"} <= set(words), words
        drawing.close()


def test_an_axis_that_figures_share_has_room_for_all_of_them(stream):
    shown = KINDS["line"](stream.plot) + stream.plot.line("window_end", "open", by="k")
    bring(shown, panes(3))
    drawing = Drawing(shown)
    first, second = drawing.figures
    assert first.x_range is second.x_range
    lines = [
        each for figure in (first, second) for each in figure.renderers if isinstance(each, GlyphRenderer)
    ]
    assert set(first.x_range.renderers) == set(lines)
    drawing.close()


def test_legends_look_the_same_alone_and_beside_others(stream):
    alone, beside = KINDS["line"](stream.plot), KINDS["line"](stream.plot) + KINDS["bars"](stream.plot)
    bring(alone, panes(2))
    bring(beside, panes(2))
    drawings = [Drawing(alone), Drawing(beside)]
    policies = {each.legend[0].click_policy for drawing in drawings for each in drawing.figures}
    assert policies == {"hide"}


def test_a_new_name_outgrows_a_drawing_and_another_has_it(stream):
    shown = KINDS["line"](stream.plot)
    bring(shown, pd.DataFrame())
    empty = Drawing(shown)
    bring(shown, panes(2))
    assert empty.outgrown
    empty.close()
    drawing = Drawing(shown)
    assert not drawing.outgrown
    bring(shown, panes(3, "abc"))
    assert drawing.outgrown
    drawing.close()
    another = Drawing(shown)
    assert [item.label.value for item in another.figures[0].legend[0].items] == ["b", "a", "c"]
    another.close()


def test_twenty_drawings_leave_nothing_behind(stream):
    shown = KINDS["line"](stream.plot) + KINDS["table"](stream.plot)
    bring(shown, panes(3))
    for _ in range(20):
        Drawing(shown).close()
    assert [len(rows.subscribers) for rows in rows_in(shown)] == [0, 0]


class Page:
    """A browser: a copy of the document, brought up to date by what it is sent."""

    def __init__(self, widget):
        self.widget, self.sent, self.document = widget, [], None
        widget.send = self.hear
        widget._heard(widget, {"views": 1, "page": "one"}, [])

    def hear(self, content, buffers=None):
        self.sent.append(json.loads(json.dumps(content)))
        if "document" in content:
            self.document = Document.from_json(self.sent[-1]["document"])
        elif "patch" in content and self.document is not None:
            self.document.apply_json_patch(self.sent[-1]["patch"])

    def acknowledge(self):
        self.widget._heard(self.widget, {"ack": self.sent[-1]["number"]}, [])


def held(document):
    return {
        source.id: {name: np.asarray(column).tolist() for name, column in source.data.items()}
        for source in (each.data_source for each in document.select({"type": GlyphRenderer}))
    }


def same(one, other):
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def test_a_page_is_sent_the_document_when_it_asks_and_then_small_patches(stream):
    shown = KINDS["line"](stream.plot)
    bring(shown, panes(40))
    drawing = Drawing(shown)
    widget = BokehWidget(drawing.document)
    page = Page(widget)
    widget.push()
    drawing.update(bring(shown, panes(41)))
    widget._heard(widget, {"want": "document"}, [])  # what was held is in it, and is not told again
    assert same(held(page.document), held(drawing.document))
    whole = len(json.dumps(page.sent[-1]))
    for windows in (42, 43, 44):
        drawing.update(bring(shown, panes(windows)))
        widget.push()
        assert same(held(page.document), held(drawing.document))
        assert len(json.dumps(page.sent[-1])) < whole / 8
    count = len(page.sent)
    widget.push()  # nothing new
    assert len(page.sent) == count
    widget.close()


def test_a_page_that_is_behind_or_shows_nothing_is_not_drawn_for():
    document = Document()
    plot = figure()
    plot.scatter([1.0], [2.0])
    document.add_root(plot)
    widget = BokehWidget(document)
    page = Page(widget)
    assert widget.ready
    for height in range(CREDIT):
        plot.height = 200 + height
        widget.push()
    assert not widget.ready
    page.acknowledge()
    assert widget.ready
    widget._heard(widget, {"views": 0, "page": "one"}, [])
    assert not widget.ready
    widget._heard(widget, {"want": "library", "part": "../../etc/passwd"}, [])
    assert "library" not in page.sent[-1]
    widget.close()
    widget.close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "table"])
def test_the_static_picture_has_what_is_drawn(stream, kind):
    shown = KINDS[kind](stream.plot)
    bring(shown, panes(6))
    drawing = Drawing(shown)
    drawn = svg(drawing.figures[0], "<words>")
    tree = ElementTree.fromstring(drawn)
    assert tree.get("aria-label") == "<words>"
    assert len(drawn) < 20_000
    shapes = "".join(path.get("d") for path in tree.iter("{http://www.w3.org/2000/svg}path"))
    assert "nan" not in shapes
    hatches = len(list(tree.iter("{http://www.w3.org/2000/svg}pattern")))
    assert (hatches > 0) == (kind not in ("line", "hist"))
    assert ("stroke-dasharray" in drawn) == (kind in ("line",))


def test_a_box_of_the_static_picture_is_as_high_as_its_number(stream):
    shown = stream.plot.bars("window_start", "n", ylim=(0, 100))
    bring(shown, panes(3, "a", 0))
    drawn = svg(Drawing(shown).figures[0])
    tops = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)H[\d.]+V[\d.]+H[\d.]+z", drawn)[-3:]]
    bottom, top = 260 - 40, 24
    np.testing.assert_allclose(tops, [bottom - (bottom - top) * n / 100 for n in (1, 11, 21)], atol=0.06)
