"""One message a frame: what has changed, all of it when asked for, and back to whom it concerns."""

import json

from workbench.views.bound import Bound
from workbench.views.wire import Wire


def told(wire):
    return json.loads(wire.told)


def test_only_what_has_changed_is_sent():
    one, other = Bound(data={"rate": 1}), Bound(data={"lag": 2})
    wire = Wire({"one": one, "other": other})
    wire.send(1)
    assert told(wire) == {"beat": 1, "parts": {"one": {"data": {"rate": 1}}, "other": {"data": {"lag": 2}}}}
    one.say(rate=3)
    other.say(lag=2)  # as it was
    wire.send(2)
    assert told(wire) == {"beat": 2, "parts": {"one": {"data": {"rate": 3}}}}
    wire.send(3)
    assert told(wire) == {"beat": 3, "parts": {}}


def test_all_is_sent_to_who_has_lost_something():
    one, other = Bound(data={"rate": 1}), Bound(data={"lag": 2})
    wire = Wire({"one": one, "other": other})
    wire.send(1)
    wire.send(2, whole=True)
    assert set(told(wire)["parts"]) == {"one", "other"}


def test_another_piece_goes_with_its_values():
    part = Bound(html="<b></b>")
    wire = Wire({"part": part})
    wire.send(1)
    assert told(wire)["parts"]["part"] == {"data": {}}  # the page has it already
    part.rewrite('<i data-text="n"></i>')
    part.say(n=1)
    wire.send(2)
    assert told(wire)["parts"]["part"] == {"data": {"n": 1}, "html": '<i data-text="n"></i>'}


def test_what_is_no_number_is_nothing():
    part = Bound()
    part.say(line=[1.0, float("nan"), float("inf")], words={"NaN": "NaN"})
    wire = Wire({"part": part})
    wire.send(1)
    assert told(wire)["parts"]["part"]["data"] == {"line": [1.0, None, None], "words": {"NaN": "NaN"}}
