"""The graph as a picture: where boxes stand, what is drawn, what is told while the run goes."""

import asyncio
import base64
import itertools
import json
import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import DescriptionError
from workbench.testing.clock import ManualClock
from workbench.views import graph
from workbench.views.layers import arrange

NASTY = "<script>alert('\"&')</script>"
SVG = "{http://www.w3.org/2000/svg}"


def rows(count=8, **columns):
    times = pd.to_datetime("2026-01-05 09:00") + pd.to_timedelta(range(count), unit="s")
    return pd.DataFrame({"t": times, "v": range(count), **columns})


@pytest.fixture
def panes():
    return wb.stream(rows(), time="t", watermark="2s").query("v > 0").window("4s").agg(n=("v", "size"))


class Wire:
    """A widget that notes what is sent."""

    def __init__(self):
        self.sent, self.chosen, self.peek = [], "", {}

    @property
    def live(self):
        return self.sent[-1]

    @live.setter
    def live(self, values):
        self.sent.append(values)


@st.composite
def pipelines(draw):
    count = draw(st.integers(1, 12))
    heights = draw(st.lists(st.floats(20, 200), min_size=count, max_size=count))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2 * count)) if pairs else []
    return heights, edges


@given(pipelines())
def test_edges_go_to_the_right_and_boxes_do_not_overlap(pipeline):
    heights, edges = pipeline
    placed = arrange(heights, edges, gap=20)
    assert all(placed.layer[before] < placed.layer[after] for before, after in edges)
    for layer in set(placed.layer):
        spans = sorted(
            (placed.top[box], placed.top[box] + heights[box])
            for box in range(len(heights))
            if placed.layer[box] == layer
        )
        assert all(after[0] - before[1] >= 20 - 1e-6 for before, after in itertools.pairwise(spans))
    assert min(placed.top) >= -1e-6
    assert max(top + tall for top, tall in zip(placed.top, heights, strict=True)) <= placed.height + 1e-6


def test_an_edge_that_passes_a_layer_has_a_place_there():
    placed = arrange([50, 50, 50], [(0, 1), (1, 2), (0, 2)])
    at = placed.passing[0, 1]
    assert not placed.top[1] <= at <= placed.top[1] + 50


def test_what_takes_the_late_rows_stands_below_what_takes_the_panes():
    placed = arrange([50, 50, 50], [(0, 1), (0, 2)], low=frozenset({(0, 1)}))
    assert placed.top[2] < placed.top[1]


def test_the_picture_of_a_description_says_what_each_step_does(panes):
    shown = panes.graph()
    picture = ElementTree.fromstring(shown._repr_svg_())
    said = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"frame", "watermark", "query", "n", "query('v > 0')", "n=size(v)", "Tumbling('4s')"} <= set(said)
    assert "BoundedOutOfOrderness('2s')" in said
    assert picture.get("aria-label") == "pipeline of 4 steps: frame, then watermark, then query, then n"
    assert [line.split()[0] for line in repr(shown).splitlines()] == ["frame", "watermark", "query", "n"]


def test_late_rows_that_are_taken_further_leave_their_tab(panes):
    shown = panes.late.query("v > 3").named("much_too_late").graph()
    assert shown.boxes[-1].comes_from == ((3, "late"),)
    assert 'class="edge late"' in shown._repr_svg_()


def test_the_names_are_those_of_the_run():
    left = wb.stream(rows(), time="t", watermark="2s", name="left")
    right = wb.stream(rows(), time="t", watermark="2s", name="right").query("v > 1").query("v > 2")
    both = left.union(right).window("4s").agg(n=("v", "size")).late.query("v > 3")
    run = both.start(speed="max").wait(10)
    described, live = both.graph().boxes, run.graph().boxes
    assert {(box.name, box.text) for box in described} == {(box.name, box.text) for box in live}


def test_names_from_data_are_text_and_nothing_else():
    stream = wb.stream(rows(**{NASTY: "x"}), time="t", watermark="2s", name=NASTY).named(NASTY)
    run = stream.start(speed="max", name=NASTY).wait(10)
    for shown in (stream.graph(), run.graph()):
        html, svg = shown._repr_mimebundle_()["text/html"], shown._repr_svg_()
        assert "<script" not in html + svg
        ElementTree.fromstring(svg)
    peeked = run.graph()._peeked("1")
    assert [column["name"] for column in peeked["columns"]] == ["t", "v", NASTY]
    script = (graph.theme.ASSETS / "graph.js").read_text()
    assert script.count("innerHTML") == 1  # where the drawing goes in, which is escaped


def test_a_saved_notebook_has_a_picture_that_needs_no_trust(panes):
    run = panes.start(speed="max").wait(10)
    for shown in (panes.graph(), run.graph()):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "text/html"}
        (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
        ElementTree.fromstring(base64.b64decode(data))
        assert len(json.dumps(bundle)) < 60_000
    assert "finished" in bundle["text/html"]


def test_forty_steps_are_still_a_small_picture():
    stream = wb.stream(rows(), time="t", watermark="2s")
    for number in range(38):
        stream = stream.query(f"v > {number} - 1000")
    assert len(stream.graph()._repr_mimebundle_()["text/html"]) < 60_000


def test_nothing_is_asked_of_other_machines(panes):
    everything = panes.graph()._repr_svg_() + (graph.theme.ASSETS / "graph.js").read_text()
    assert set(re.findall(r"https?://[^\s\"']+", everything)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|import|XMLHttpRequest|WebSocket)\b\s*\(", everything)


def test_the_live_values_are_those_of_the_ledger(panes):
    run = panes.start(speed="max", batch_rows=3).wait(10)
    said = run.graph().values()
    ledger = run.ledger().set_index("step")
    assert said["slots"]["0.out"] == f"{ledger.rows_in['watermark']} rows"
    assert said["slots"]["3.late"] == str(ledger.late["n"])
    assert said["slots"]["3.state"] == "state 0"
    assert said["slots"]["3.watermark"] == "watermark: end of time"
    assert said["status"] == "finished"
    assert said["waits"] == []


def test_every_value_has_its_place_in_the_drawing(panes):
    run = panes.start(speed="max").wait(10)
    shown = run.graph()
    said, svg = shown.values(), shown.diagram.svg()
    slots = set(re.findall(r'data-slot="([^"]+)"', svg))
    assert slots <= set(said["slots"])
    assert {f"{at}.in" for at in range(4)} <= slots
    assert set(re.findall(r'data-edge="([^"]+)"', svg)) == set(said["edges"])
    assert svg.count('role="button" tabindex="0"') == svg.count("data-node=")


async def settle(clock):
    for _ in range(1_000):
        await asyncio.sleep(0)
        if clock.sleepers:
            return
    raise AssertionError("the driver never came to wait")


def test_nothing_is_sent_when_nothing_has_changed(panes):
    async def main():
        clock = ManualClock()
        run = panes.start(clock=clock)
        shown = run.graph()
        shown.widget = Wire()
        for _ in range(3):
            await settle(clock)
            clock.advance(1)
        await settle(clock)
        first = shown.refresh()
        again = [shown.refresh() for _ in range(5)]
        run.pause()
        paused = [shown.refresh() for _ in range(5)]
        clock.advance(60)
        standing = shown.refresh()
        run.stop()
        return first, again, paused, standing, shown.widget.sent

    first, again, paused, standing, sent = asyncio.run(main())
    assert (first, any(again), paused.count(True), standing) == (True, False, 1, False)
    assert [each["status"] for each in sent] == ["running", "paused"]
    assert "needs" in sent[0]["waits"][0] and "more of event time" in sent[0]["waits"][0]
    assert float(sent[0]["edges"]["0"]) > float(sent[1]["edges"]["0"]) == 1.5  # thicker with more rows


def test_what_is_attached_to_a_node_is_drawn_once_it_is_there(panes):
    async def main():
        run = panes.start(clock=ManualClock(), paused=True)
        shown = run.graph()
        shown.widget = Wire()
        shown.refresh()
        assert not hasattr(shown.widget, "svg")  # the drawing is as it was
        waiting = run["n"].buffer(5)
        waiting.sink(print)
        counted = run["n.late"].map(len, stream_name=NASTY)  # streamz forgets what nobody holds
        run.step()
        shown.refresh()
        names = [box.name for box in shown.boxes]
        assert names == ["frame", "watermark", "query", "n", "buffer", NASTY, "sink"]
        assert [box.comes_from for box in shown.boxes[4:]] == [((3, ""),), ((3, "late"),), ((4, ""),)]
        assert shown.widget.live["slots"]["4.state"] == "queue 0"
        assert "<script" not in shown.widget.svg
        assert shown.widget.svg.count('role="button"') == shown.widget.svg.count("data-node=")
        run.stop()
        return counted

    asyncio.run(main())


def test_a_click_shows_the_last_rows_with_their_types(panes):
    run = panes.start(speed="max").wait(10)
    shown = run.graph()
    shown.widget = Wire()
    shown._choose({"new": "2"})
    assert shown.widget.peek["title"] == "query"
    assert {"name": "v", "dtype": "int64", "number": True} in shown.widget.peek["columns"]
    assert [row[1] for row in shown.widget.peek["rows"]] == ["7", "6", "5", "4", "3", "2", "1"]
    shown._choose({"new": ""})
    assert shown.widget.peek == {}
    for unknown in ("99", "2.nothing", "x", "-1", "2.<b>"):
        assert shown._peeked(unknown) == {}
    json.dumps(shown._peeked("3"))


def test_a_click_on_a_step_that_failed_shows_the_rows_for_which_it_did(capsys):
    stream = wb.stream(rows(), time="t", watermark=0).map(
        lambda frame: frame.assign(w=[1 // (v - 5) for v in frame.v])
    )
    run = stream.start(speed="max")
    with pytest.raises(wb.StepError):
        run.wait(10)
    shown = run.graph()
    said, peeked = shown.values(), shown._peeked("2")
    assert said["tones"]["2"] == "failed"
    assert said["slots"]["2.in"] == "ZeroDivisionError"
    assert "ZeroDivisionError" in said["labels"]["2"] and "failed: ZeroDivisionError" in repr(shown)
    assert [row[1] for row in peeked["rows"]] == ["5"]
    capsys.readouterr()


def test_rows_of_a_step_that_is_not_there_are_refused(panes):
    run = panes.start(speed="max").wait(10)
    assert run.graph().peek("query").v.tolist() == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(DescriptionError, match="no step called 'nothing'") as caught:
        run.graph().peek("nothing")
    assert caught.value.hint == "the steps are frame, watermark, query, n"


def test_the_widget_holds_the_drawing_and_plain_values(panes):
    run = panes.start(speed="max").wait(10)
    shown = run.graph()
    widget = graph._widget()(svg=shown.diagram.svg(), live=shown.values())
    assert widget.svg.startswith("<svg") and widget.live["status"] == "finished"
    assert "export default" in str(widget._esm)
    widget.close()


def test_each_of_several_displays_is_told(panes, monkeypatch):
    run = panes.start(paused=True)
    displays = []
    monkeypatch.setattr(
        graph, "show", lambda words, still, make, tell, *rest: displays.append((make(), tell))
    )
    shown = run.graph()
    shown._ipython_display_()
    shown._ipython_display_()
    run.step()
    for widget, tell in displays:
        tell(widget)
    rows = [widget.live["facts"] for widget, _ in displays]
    assert rows == [f"{run.metrics().rows} rows"] * 2 != ["0 rows"] * 2
    displays[0][0].chosen = "0"
    assert (displays[0][0].peek["title"], displays[1][0].peek) == ("frame", {})
    for widget, _ in displays:
        widget.close()
    run.stop()


def test_sessions_share_the_class_of_their_pictures(panes):
    run = panes.start(speed="max").wait(10)
    one, other = run.graph().__panel__(), run.graph().__panel__()
    assert type(one) is type(other)
    assert one is not other
