"""Columns whose names or values a picture could stumble over are shown like any other."""

import re
from xml.etree import ElementTree

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from bokeh.models import GlyphRenderer, HoverTool
from bokeh.plotting import figure

import workbench as wb
from workbench.views import theme
from workbench.views.charts import bar_plot, line_plot
from workbench.views.drawing import Drawing
from workbench.views.elements import own
from workbench.views.figuresvg import svg
from workbench.views.htmltable import table
from workbench.views.live import Tables
from workbench.views.rows import rows_in

rng = np.random.default_rng(1)
ROWS = 300
FRAME = pd.DataFrame(
    {
        "t": pd.Timestamp("2026-01-05 09:00") + pd.to_timedelta(np.arange(ROWS), unit="s"),
        "v": rng.integers(1, 9, ROWS).astype(float),
        "k": rng.choice(["CA", "NY"], ROWS),
    }
)
NAMES = ("key", "state", "x0", "top", "width", "zvalues", "fill_alpha")
"""What pictures, HoloViews or Bokeh call columns of their own."""
KINDS = {
    "line": lambda plot, by, y: plot.line("window_end", y, by=by),
    "area": lambda plot, by, y: plot.area("window_end", y, by=by),
    "bars": lambda plot, by, y: plot.bars("window_start", y, by=by),
    "categories": lambda plot, by, y: plot.bars(by, y),
    "heatmap": lambda plot, by, y: plot.heatmap(by, y),
    "hist": lambda plot, by, y: plot.hist(y),
    "table": lambda plot, by, y: plot.table(),
}


def stream(frame):
    return wb.stream(frame, time="t", watermark="0s")


def bring(shown):
    """Let all rows of a picture come."""
    streams = {f"r{i}": rows.source_stream for i, rows in enumerate(rows_in(shown))}
    run = wb.start(speed="max", **streams)
    run.wait(20)
    for i, rows in enumerate(rows_in(shown)):
        rows.bring(run, f"r{i}")
    wb.stop_all()
    return shown


def drawn(shown):
    """What is drawn: by the kind of glyph, what its properties come to, and what pointing at it tells."""
    drawing = Drawing(bring(shown))
    found = []
    renderers = list(drawing.plot.state.select({"type": GlyphRenderer}))
    hovers = {
        r: tool.tooltips for tool in drawing.plot.state.select({"type": HoverTool}) for r in tool.renderers
    }
    for each in renderers:
        data = each.data_source.data
        looks = {}
        for name, value in each.glyph.properties_with_values(include_defaults=False).items():
            field = value if isinstance(value, str) and value in data else getattr(value, "field", None)
            if field is not None:
                looks[name] = np.asarray(data[field]).tolist()
        told = [told_at(data, field) for _, field in hovers.get(each, ())]
        found.append((type(each.glyph).__name__, looks, told))
    if not renderers:
        source = drawing.plot.handles["source"].data
        columns = [column.field for column in drawing.plot.state.columns]
        found = [np.asarray(source[name]).tolist() for name in columns]
    drawing.close()
    return sorted(found, key=repr) if renderers else found


def told_at(data, field):
    names = [braced or bare for braced, bare in re.findall(r"@(?:\{([^}]+)\}|(\w+))", field)]
    return [np.asarray(data[name]).tolist() for name in names]


def numbers(found):
    """So that what is no number is like what is none."""
    return repr(found).replace("None", "nan")


@pytest.fixture(scope="module")
def plain():
    panes = stream(FRAME).groupby("k").window("1min").agg(n=("v", "sum"))
    return {kind: numbers(drawn(plot(panes.plot, "k", "n"))) for kind, plot in KINDS.items()}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, name) for kind in ("line", "area", "bars", "heatmap") for name in NAMES),
        *(("hist", "count"), ("hist", "left"), ("categories", "top"), ("table", "key")),
    ],
)
def test_a_key_or_an_aggregate_may_be_called_as_pictures_call_their_own_columns(plain, kind, name):
    keyed = stream(FRAME.rename(columns={"k": name})).groupby(name).window("1min").agg(n=("v", "sum"))
    assert numbers(drawn(KINDS[kind](keyed.plot, name, "n"))) == plain[kind]
    told = stream(FRAME).groupby("k").window("1min").agg(**{name: ("v", "sum")})
    assert numbers(drawn(KINDS[kind](told.plot, "k", name))) == plain[kind]


NULLS = FRAME.assign(k=FRAME.k.where(FRAME.k == "CA", None))


@pytest.fixture(scope="module")
def unnamed():
    return stream(NULLS).groupby("k").window("1min").agg(n=("v", "sum"), price=("v", "ohlc"))


@pytest.mark.parametrize("kind", ["line", "area", "bars", "heatmap"])
@pytest.mark.parametrize("as_category", [False, True])
def test_the_null_key_is_shown_as_a_dash(plain, kind, as_category):
    frame = NULLS.astype({"k": "category"}) if as_category else NULLS
    panes = stream(frame).groupby("k").window("1min").agg(n=("v", "sum"))
    found = numbers(drawn(KINDS[kind](panes.plot, "k", "n")))
    assert found.replace("–", "NY") == plain[kind]
    assert "–" in found or kind == "line"


def test_the_null_key_has_a_bar_candles_and_a_line(unnamed):
    closed = bring(unnamed.plot.bars("k", "n"))[()].traverse(lambda each: each, [hv.Bars])[0]
    sums = FRAME[FRAME.t >= FRAME.t.max().floor("1min")].groupby("k").v.sum()
    assert dict(zip(closed["k"], closed["n"], strict=True)) == {"CA": sums["CA"], "–": sums["NY"]}
    wicks = bring(unnamed.plot.ohlc(key={"k": None}))[()].traverse(lambda each: each, [hv.Segments])[0]
    assert len(wicks) == 5
    frame = unnamed.to_pandas()
    lines = line_plot(frame, "window_end", "n", "k")
    assert lines.categories == ("CA", "–")
    main = lines.shape(frame)["main"]
    assert not any(np.isnan(main[name]).any() for name in ("c0", "c1"))


def test_a_line_over_numbers_has_all_of_them():
    x = np.array([48.85661, 48.85662, 48.85663, 0.0001, 0.0002, 0.00034])
    for numbers_ in (x, 10**13 + np.arange(6)):
        rows = pd.DataFrame({"t": FRAME.t[:6], "x": numbers_, "v": np.arange(6.0)})
        dots = bring(stream(rows).plot.line("x", "v"))[()].traverse(lambda each: each, [hv.Scatter])[0]
        assert dict(zip(dots["x"], dots["v"], strict=True)) == dict(zip(rows.x, rows.v, strict=True))


def test_a_histogram_counts_numbers_of_any_size():
    for values in ([2**60] * 6, [-1e308, 1e308], [0.1] * 3, [0.0], [1e308, np.inf], [1e16, 1e16 + 2]):
        rows = pd.DataFrame({"t": FRAME.t[: len(values)], "x": values})
        bins = bring(stream(rows).plot.hist("x"))[()].traverse(lambda each: each, [hv.Histogram])[0]
        assert bins["count"].sum() == np.isfinite(np.array(values, dtype=float)).sum()
        assert (np.diff(bins.edges) > 0).all()


def test_a_histogram_may_be_of_revisions(unnamed):
    assert rows_in(unnamed.plot.hist("revision"))[0].picture.x == "revision"
    with pytest.raises(wb.DescriptionError, match="cannot be divided by 'revision'"):
        unnamed.plot.heatmap("revision", "n")


def test_the_static_picture_of_a_heat_map_without_a_number():
    rows = FRAME.drop_duplicates("k")
    panes = stream(rows).groupby("k").window("1min").agg(s=("v", "std"))
    drawing = Drawing(bring(panes.plot.heatmap("k", "s")))
    cells = next(e for e in drawing.figures[0].renderers if type(e.glyph).__name__ == "Rect")
    assert cells.glyph.fill_color.transform.low is None
    assert 'fill="none"' in svg(drawing.figures[0])


def test_the_static_picture_of_hatched_boxes_without_a_colour():
    hatched = figure()
    hatched.quad(left=[0], right=[1], bottom=[0], top=[1], fill_color=None, hatch_pattern=theme.OPEN_HATCH)
    assert "<pattern" in svg(hatched)


def test_names_with_control_characters_are_still_xml():
    panes = stream(FRAME.replace({"k": {"CA": "C\x00\x1bA"}})).groupby("k").window("1min").agg(n=("v", "sum"))
    shown = svg(Drawing(bring(panes.plot.line("window_end", "n", by="k"))).figures[0], "a\x07b")
    words = ["".join(each.itertext()) for each in ElementTree.fromstring(shown).iter()]
    assert "CA" in words
    assert ElementTree.fromstring(shown).get("aria-label") == "ab"


def test_bars_say_how_long_they_are():
    frame = pd.DataFrame({"k": ["a", "b", "c"], "n": [0.25, 0.4, 1234.0]})
    assert bar_plot(frame, "k", "n").shape(frame)["main"]["text"].tolist() == ["0.250", "0.400", "1,234"]
    frame["said"] = pd.Categorical(["much", None, "little"])
    plot = bar_plot(frame, "k", "n", text="said", categories=["c", "d", "b"])
    assert plot.shape(frame)["main"]["text"].tolist() == ["little", "", ""]


def test_whole_numbers_that_a_browser_has_not_are_words():
    rows = FRAME[:3].assign(wide=2**53 + np.arange(3), narrow=7)
    told = bring(stream(rows).plot.table())[()].traverse(lambda each: each, [hv.Table])[0]
    assert told["wide"].tolist() == [str(2**53 + 2), str(2**53 + 1), str(2**53)]
    assert told["narrow"].tolist() == [7, 7, 7]


def test_the_first_number_is_what_a_result_shows_by_itself():
    rows = stream(FRAME.assign(page="/"))

    def chosen(**aggregates):
        return rows_in(rows.groupby("k").window("1min").agg(**aggregates).plot())[0].picture

    picture = chosen(p=("page", "last"), at=("t", "max"), n=("v", "size"))
    assert (picture.kind, picture.y) == ("line", "n")
    assert chosen(p=("page", "last")).kind == "table"
    changed = rows.assign(page=lambda frame: frame.page.str.len()).groupby("k").window("1min")
    assert rows_in(changed.agg(p=("page", "last")).plot())[0].picture.y == "p"


def test_cells_of_a_table_are_never_nan():
    odd = pd.DataFrame(
        {
            "v": [np.nan, 1.0],
            "at": [pd.NaT, FRAME.t[0]],
            "n": pd.array([None, 3], dtype="Int64"),
            "w": [None, "<x>"],
        }
    )
    shown = table(odd)
    assert shown.count("–") == 4
    assert not re.search("nan|NaT|&lt;NA&gt;|None", shown)


def test_tables_may_tell_rows_apart_by_another_column():
    def made(keys):
        return Tables({"main": {own("key"): np.array(keys), "key": np.zeros(2)}}, key=own("key"))

    assert '"drop": 1' in made([2.0, 3.0]).since(made([1.0, 2.0]))
