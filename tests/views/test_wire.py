"""One message a frame: what has changed, all of it when asked for, and back to whom it concerns."""

import json

import numpy as np
import pandas as pd
import pytest
from bokeh.core.serialization import Serialized
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent

from workbench.views import bound
from workbench.views.bound import Bound, Values
from workbench.views.charts import bar_plot
from workbench.views.live import Tables
from workbench.views.plainjson import spelled
from workbench.views.wire import MESSAGE, Wire, listen


def told(wire):
    return json.loads(wire.told)


def test_the_page_comes_with_a_first_frame_and_then_only_what_has_changed_is_sent():
    one, other = Bound(data={"rate": 1}), Bound(data={"lag": 2})
    wire = Wire({"one": one, "other": other}, {})
    parts = {"one": {"data": {"rate": 1}}, "other": {"data": {"lag": 2}}}
    assert told(wire) == {"beat": 0, "after": None, "parts": parts, "tables": {}}
    one.say(rate=3)
    other.say(lag=2)  # as it was
    wire.send(1)
    assert told(wire) == {"beat": 1, "after": 0, "parts": {"one": {"data": {"rate": 3}}}, "tables": {}}
    wire.send(2)
    assert told(wire) == {"beat": 2, "after": 1, "parts": {}, "tables": {}}


def bars(*visits):
    plot = bar_plot(pd.DataFrame(), "step", "visits", categories=["view", "cart"])
    frame = pd.DataFrame({"step": ["view", "cart"], "visits": visits})
    plot.show(Tables(plot.shape(frame)))
    return plot, lambda *more: plot.show(Tables(plot.shape(frame.assign(visits=more))))


def test_a_figure_begins_with_its_rows_and_is_told_what_changes():
    plot, show = bars(5, 3)
    wire = Wire({}, {"card0": plot})
    main = plot.sources["main"]
    assert (main.name, main.data["value"].tolist()) == ("card0/main", [5, 3])
    assert told(wire)["tables"] == {}  # they come with the figure
    show(5, 4)
    wire.send(1)
    cells = told(wire)["tables"]["card0"]["main"]["cells"]
    assert cells["value"] == [[1], [4]]
    assert main.data["value"].tolist() == [5, 3]  # or Bokeh would send it as well
    show(5, 4)
    wire.send(2)
    assert told(wire)["tables"] == {}


def test_all_is_sent_to_who_has_lost_something():
    one, other = Bound(data={"rate": 1}), Bound(data={"lag": 2})
    plot, _ = bars(5, 3)
    wire = Wire({"one": one, "other": other}, {"card0": plot})
    wire.send(1)
    wire.send(2, whole=True)
    assert told(wire)["after"] is None
    assert set(told(wire)["parts"]) == {"one", "other"}
    assert told(wire)["tables"]["card0"]["main"]["all"]["value"] == [5, 3]


def test_another_piece_goes_with_its_values():
    part = Bound(html="<b></b>")
    wire = Wire({"part": part}, {})
    assert told(wire)["parts"]["part"] == {"data": {}}  # the page has it already
    part.rewrite('<i data-text="n"></i>')
    part.say(n=1)
    wire.send(1)
    assert told(wire)["parts"]["part"] == {"data": {"n": 1}, "html": '<i data-text="n"></i>'}


def test_what_is_no_number_is_nothing():
    part = Bound()
    part.say(line=[1.0, float("nan"), float("inf")], words={"NaN": "NaN"})
    wire = Wire({"part": part}, {})
    assert told(wire)["parts"]["part"]["data"] == {"line": [1.0, None, None], "words": {"NaN": "NaN"}}


def test_frames_go_the_way_of_the_messages_of_the_document():
    document, sent = Document(), []
    document.on_change(sent.append)
    part = Bound()
    wire = Wire({"part": part}, {}, document)
    assert sent == []
    part.say(line=np.float64(2.5))
    wire.send(1)
    (event,) = sent
    assert isinstance(event, MessageSentEvent)
    assert (event.msg_type, json.loads(event.msg_data)["parts"]) == (
        MESSAGE,
        {"part": {"data": {"line": 2.5}}},
    )


def test_a_number_is_a_frame_that_is_drawn_and_is_heard_without_looking_at_the_models(monkeypatch):
    document, said = Document(), []
    listen(document, said.append)

    def come(message, kind=MESSAGE):
        event = {"kind": "MessageSent", "msg_type": kind, "msg_data": message}
        document.apply_json_patch(Serialized({"events": [event]}))

    come({"type": "map", "entries": [["name", "pause"]]})
    assert said == [{"name": "pause"}]
    monkeypatch.setattr(type(document.models), "__iter__", lambda _: pytest.fail("models are listed"))
    come(7)
    assert said[1:] == [7]
    monkeypatch.undo()
    come(8, "of somebody else")
    assert said[2:] == []


def test_values_that_many_show_are_told_as_others_are_and_spelled_once(monkeypatch):
    spelt = []
    monkeypatch.setattr(bound, "spelled", lambda values: spelt.append(values) or spelled(values))
    values, parts = Values(rate=1, line=[1.0, float("nan")]), [Bound(), Bound()]
    wires = [Wire({"one": part}, {}) for part in parts]
    spelt.clear()
    for part, wire in zip(parts, wires, strict=True):
        part.show(values)
        wire.send(1)
        assert told(wire)["parts"] == {"one": {"data": {"rate": 1, "line": [1.0, None]}}}
    assert len(spelt) == 1
    parts[0].show(Values(values))  # the same again
    wires[0].send(2)
    assert told(wires[0])["parts"] == {}
    parts[0].show(Values(rate=2))
    wires[0].send(3)
    assert told(wires[0])["parts"] == {"one": {"data": {"rate": 2, "line": []}}}
