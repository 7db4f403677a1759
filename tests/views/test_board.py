"""``wb.dashboard``: one run, one drawing of each picture, and sessions that all see the same as it."""

import asyncio
import json

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, FixedTicker, TableColumn
from panel.io.state import set_curdoc

import workbench as wb
from workbench.errors import DescriptionError
from workbench.views.boardcards import values
from workbench.views.drawing import Drawing
from workbench.views.rows import rows_in
from workbench.views.sharing import SharedFeed

ROWS = 4_000


def sales():
    times = pd.date_range("2026-01-05 09:00", periods=ROWS, freq="s")
    shops = np.array(["north", "south", "west"])[np.arange(ROWS) % 3]
    return pd.DataFrame({"time": times, "shop": shops, "amount": np.arange(ROWS) % 97})


def described():
    stream = wb.stream(sales(), time="time", watermark="5s")
    revenue = stream.groupby("shop").window("1min").agg(revenue=("amount", "sum"))
    return stream, revenue


def board():
    """A dashboard as a script describes it for each session: equal, but made of other objects."""
    stream, revenue = described()
    bars = revenue.plot.bars("window_start", "revenue", by="shop", title="Bars")
    heat = revenue.plot.heatmap("shop", "revenue")
    return wb.dashboard(("Revenue", revenue), bars, heat + bars, ("Rows", stream), title="Sales", speed=60)


@pytest.fixture
def feed():
    """A feed of it whose run stands still, as a function that goes on and gives it."""
    first = board()
    made = []

    async def go(steps):
        if not made:
            made.append(SharedFeed("Sales", first._streams, {"paused": True}))
            made[0].begin()
            made[0].run.speed = 60
        for _ in range(steps):
            made[0].run.step()

    def on(steps):
        asyncio.run(go(steps))
        return made[0]

    yield on
    made[0].stop()


def test_a_picture_that_cannot_be_drawn_leaves_the_others_and_says_so(caplog):
    stream, revenue = described()
    broken = [False]

    def large(picture):
        if broken[0]:
            raise ValueError("no bars today")
        return picture.map(lambda bars: bars.select(revenue=(1, None)), hv.Rectangles)

    apart = revenue.plot.bars("window_start", "revenue", by="shop").apply(large)
    shown = wb.dashboard(("Apart", apart), ("Revenue", revenue), ("Rows", stream), title="Sales")
    feed = SharedFeed("Sales", shown._streams, {"paused": True, "speed": 600})

    async def go():
        feed.begin()
        for _ in range(4):
            feed.run.step()
        with set_curdoc(Document()):
            page = shown.page(feed)
        assert page.strip.data["trouble"] == ""
        broken[0] = True
        before = page.cards[2].body.data
        for _ in range(2):
            feed.run.step()
            page.refresh()
        assert page.strip.data["trouble"] == "Apart: ValueError: no bars today"
        assert page.cards[2].body.data != before
        assert [record.message for record in caplog.records] == ["Sales: Apart"]
        broken[0] = False
        feed.run.step()
        page.refresh()
        assert page.strip.data["trouble"] == ""

    asyncio.run(go())
    feed.stop()


def held(root):
    """The tables of a picture by their identifiers."""
    return {
        source.id: {
            name: pd.Series(column).astype(object).fillna("none").tolist()
            for name, column in source.data.items()
        }
        for source in root.select({"type": ColumnDataSource})
    }


def pictures(page):
    """The panes of pictures, with the rows in them that the wire tells a browser."""
    for card in page.cards:
        for drawn in card.further:
            drawn.fill()
    return [card.body[0] for card in page.cards if card.figures]


def test_all_sessions_hold_what_the_original_holds_whenever_they_came(feed):
    now = feed(0)
    pages = [board().page(now)]  # before there is a row
    for steps in (1, 9, 30, 1, 60, 7):
        feed(steps)
        pages.append(board().page(now))
        for page in pages:
            page.refresh()
        originals = [one for one in now._kept.values() if one.drawing is not None]
        assert len(originals) == 3
        for page in pages:
            shown = pictures(page)
            for original, pane in zip(originals, shown, strict=True):
                assert held(pane.object) == held(original.drawing.plot.state)
        assert all(held(pane.object) for page in pages for pane in pictures(page))
    rows = now.run.seen("revenue", rows=5_000)
    assert pages[0].top.data["figure0"] == pages[-1].top.data["figure0"] != "–"
    closed = rows[rows.timing != "early"].groupby("window_end").revenue.sum()
    assert pages[0].top.data["figure0"] == f"{closed.iloc[-1]:,}"


def test_a_picture_is_drawn_once_for_all(feed, monkeypatch):
    now = feed(60)
    drawn = []
    draw = Drawing.__init__
    monkeypatch.setattr(Drawing, "__init__", lambda self, shown: (drawn.append(shown), draw(self, shown))[1])
    pages = [board().page(now) for _ in range(3)]
    feed(20)
    for page in pages:
        page.refresh()
    assert len(drawn) == 3  # one a picture


def test_what_somebody_has_made_of_a_picture_reaches_all_too():
    _, revenue = described()
    lines = revenue.plot.line("window_end", "revenue", by="shop")
    doubled = lines.apply(lambda shown: shown)
    changed = revenue.plot.hist("revenue").apply(lambda shown: hv.Curve(np.arange(len(shown) + 1)))

    def page(now):
        return wb.dashboard(doubled, changed, title="Sales").page(now)

    first = wb.dashboard(doubled, changed, title="Sales")

    async def go():
        now = SharedFeed("Sales", first._streams, {"paused": True})
        now.begin()
        now.run.speed = 60
        for _ in range(30):
            now.run.step()
        pages = [page(now), page(now)]
        before = [held(pane.object) for pane in pictures(pages[0])]
        for _ in range(60):
            now.run.step()
        for one in pages:
            one.refresh()
        after = [[held(pane.object) for pane in pictures(one)] for one in pages]
        now.stop()
        return before, after

    before, (mine, theirs) = asyncio.run(go())
    assert mine == theirs
    assert mine != before


@pytest.mark.parametrize("listed", [True, False])
def test_what_somebody_has_made_of_a_picture_may_have_other_places_along_its_axis(listed):
    """Places are a list that goes to the copies; where a model comes anew, they are copied anew."""
    _, revenue = described()

    def grown(shown):
        return hv.Bars([(f"bar {at}", at + 1.0) for at in range(int(shown["count"].sum()))])

    def axis(plot, element):
        if not listed:
            plot.state.xaxis[0].ticker = FixedTicker(ticks=list(range(len(element))))

    bars = revenue.plot.hist("revenue").apply(grown).opts(hv.opts.Bars(hooks=[axis]))
    first = wb.dashboard(bars, title="Sales")

    async def go():
        now = SharedFeed("Sales", first._streams, {"paused": True})
        now.begin()
        now.run.speed = 60
        page = wb.dashboard(bars, title="Sales").page(now)
        found = []
        for _ in range(3):
            for _ in range(30):
                now.run.step()
            page.refresh()
            (pane,) = pictures(page)
            own = pane.object.below[0].ticker
            found.append(
                (list(pane.object.x_range.factors), None if listed else list(own.ticks), pane.object)
            )
        now.stop()
        return found

    found = asyncio.run(go())
    counts = [len(factors) for factors, *_ in found]
    assert counts[0] < counts[1] < counts[2]
    assert listed or [len(ticks) for _, ticks, _ in found] == counts
    assert (found[1][2] is found[2][2]) == listed


def test_the_table_behind_costs_nothing_until_it_is_asked_for(feed):
    now = feed(60)
    page = board().page(now)
    behind, table = page.cards[0].extra, page.cards[0].below
    assert table.html == ""
    page.hear({"part": "extra0", "name": "table", "value": ""})
    assert table.html
    assert behind.data["word"] == "Hide table"
    shown = now.run.seen("revenue", rows=5_000)
    assert table.data["c3r0"] == f"{shown.revenue.iloc[-1]:,}"
    assert json.loads(page.wire.told)["parts"]["below0"] == {"data": table.data, "html": table.html}
    page.hear({"part": "extra0", "name": "table", "value": ""})
    assert table.html == ""


def test_cells_are_words():
    told = values(pd.DataFrame({"k": ["<b>", None], "late_by": pd.to_timedelta([90, 1.5], unit="s")}))
    assert (told["c0r1"], told["c0r0"]) == ("<b>", "–")
    assert (told["c1r1"], told["c1r0"]) == ("1 min 30 s", "1.5 s")


def test_words_of_a_drawn_table_are_no_html():
    rows = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "<img src=x>": ["<b>"]})
    stream = wb.stream(rows, time="t", watermark=0)
    shown = stream.plot.table()
    run = stream.start(speed="max").wait(20)
    rows_in(shown)[0].bring(run, stream.name)
    titles = [column.title for column in Drawing(shown).plot.state.select({"type": TableColumn})]
    assert "&lt;img src=x&gt;" in titles
    assert not any("<" in title for title in titles)


def test_results_of_one_name_are_told_apart():
    _, revenue = described()
    _, other = described()
    both = wb.dashboard(revenue, other)
    assert [stream.name for stream in both._streams] == ["revenue", "revenue 2"]


@pytest.mark.parametrize(
    ("shown", "what"),
    [((), "nothing to show"), ((7,), "a dashboard cannot show int"), ((hv.Curve([1]),), "cannot show Curve")],
)
def test_what_is_no_stream_is_refused(shown, what):
    with pytest.raises(DescriptionError, match=what) as refused:
        wb.dashboard(*shown)
    assert "Hint: wb.dashboard(revenue" in str(refused.value)
