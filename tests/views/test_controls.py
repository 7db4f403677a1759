"""The controls of a run: what they show is what the run is, and what they do is what `Run.change` does."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from simulators import Clickstream, Delivery, Sensors
from workbench.runtimes.run import Run
from workbench.testing.clock import ManualClock
from workbench.views.controls import Controls
from workbench.views.dials import LENGTHS, dials, length


def paused(**streams):
    return Run(streams, clock=ManualClock(), speed=10)


def readings(**parameters):
    return wb.stream(Sensors(seed=7, **parameters), watermark="5s", name=parameters.get("name", "sensors"))


@pytest.fixture
def run():
    return paused(n=readings().groupby("zone").window("10s", lateness="3s").agg(n=("event_id", "size")))


def turn(controls, name, words):
    """As the browser does it, by the words of a step."""
    dial = told(controls, name)
    at = (
        [dial["ids"][dial["steps"].index(each)] for each in words]
        if isinstance(words, list)
        else dial["steps"].index(words)
    )
    controls._handle_custom_msg({"name": name, "at": at, "number": controls.state["heard"] + 1}, [])
    return controls.state["status"]


def told(controls, name):
    return next(dial for dial in controls.state["dials"] if dial["name"] == name)


def words(controls):
    return {dial["name"]: dial["words"] for dial in controls.state["dials"]}


def test_they_stand_where_the_run_is(run):
    shown = words(Controls(run))
    assert shown.pop("rate").endswith("events/s")
    assert shown.pop("speed") == "10x"
    assert {name: value for name, value in shown.items() if value != "off"} == {
        "delivery": "iot", "disorder": "0 s", "late": "3.0 %",
        "outage": "on", "loss": "on", "duplicates": "on",
        "bound": "5 s", "window": "10 s", "lateness": "3 s",
    }  # fmt: skip
    for dial in Controls(run).state["dials"]:
        assert dial["label"]
        assert dial["hint"]


def test_turning_one_changes_the_run_and_says_how(run):
    controls = Controls(run)
    assert turn(controls, "bound", "20 s") == "bound 20 s: at once"
    assert run.named(type(run.streams["n"].step.upstreams[0]))["sensors"].watermark.bound == 20 * 10**9
    assert turn(controls, "lateness", "1 min") == "lateness 1 min: at once"
    assert run.streams["n"].step.lateness == 60 * 10**9
    assert turn(controls, "late", "10.0 %") == "late share 10.0 %: at once"
    assert turn(controls, "disorder", "3 s") == "disorder 3 s: at once"
    assert turn(controls, "burst", "on") == "burst on: at once"
    assert turn(controls, "outage", "off") == "outage off: at once"
    delivery = run.graph.sources["sensors"][0].source.simulator.after.delivery
    assert (delivery.tail, delivery.outage) == (0.1, None)
    assert sorted(fault.kind for fault in delivery.faults) == ["burst", "reorder"]
    assert turn(controls, "delivery", "web") == "delivery web: at once"
    assert words(controls)["burst"] == "off"
    assert turn(controls, "speed", "60x") == "speed 60x: at once"
    assert run.speed == 60
    run["n"].sink(print)
    assert turn(controls, "window", "30 s") == "size 30 s: restarted, without what was attached: sink"
    assert run.streams["n"].step.window == wb.Tumbling("30s")


def test_the_rate_is_what_it_says(run):
    controls = Controls(run)
    first = float(words(controls)["rate"].split()[0])
    most = told(controls, "rate")["steps"][-1]
    assert float(most.replace(",", "").split()[0]) == pytest.approx(10 * first, rel=0.05)
    turn(controls, "rate", most)
    assert run.graph.sources["sensors"][0].source.simulator.after.hertz == pytest.approx(100, rel=0.05)
    assert told(controls, "rate")["at"] == len(told(controls, "rate")["steps"]) - 1


def test_they_follow_whoever_else_changes_the_run(run):
    controls = Controls(run)
    run.change(bound="8s", lateness="45s", late=0.25)
    run.speed = 3
    assert words(controls)["bound"] == "5 s"
    controls.tell()
    shown = words(controls)
    assert (shown["bound"], shown["lateness"], shown["late"], shown["speed"]) == (
        "8 s",
        "45 s",
        "25.0 %",
        "3x",
    )
    assert told(controls, "bound")["steps"][told(controls, "bound")["at"]] in ("7 s", "10 s")  # the nearest
    run.change(window="1min")
    controls.tell()
    assert words(controls)["window"] == "1 min"


def test_what_goes_wrong_is_said_there(run):
    controls = Controls(run)
    turn(controls, "window", "10 s")
    run._turning = True  # as in the middle of a batch
    said = turn(controls, "bound", "20 s")
    assert said == "a run cannot be changed in the middle of a batch · do it from outside of its sinks"
    assert controls.state["wrong"]
    assert words(controls)["bound"] == "5 s"
    run._turning = False
    assert turn(controls, "bound", "20 s") == "bound 20 s: at once"
    assert not controls.state["wrong"]
    controls.turn("bound", 10**6)
    assert controls.state["status"].startswith("IndexError")
    controls.turn("nothing", 1)


def test_keys_are_chosen_among_those_seen(run):
    controls = Controls(run)
    assert "key zone" not in words(controls)
    while run.trace.results["n"].total < 8:
        run.step()
    controls.tell()
    assert told(controls, "key zone")["steps"] == [f"zone-{number}" for number in range(1, 5)]
    assert turn(controls, "key zone", ["zone-1", "zone-4"]) == "zone zone-1, zone-4: at once"
    assert sorted(run.seen("n").zone.unique()) == ["zone-1", "zone-4"]
    assert told(controls, "key zone")["at"] == ["'zone-1'", "'zone-4'"]
    run.look(at=pd.Timestamp(run.now, unit="ns"), only={"zone": ["zone-2"]})
    controls.tell()
    assert told(controls, "key zone")["at"] == ["'zone-2'"]
    turn(controls, "key zone", [])
    assert run.lens.only == {}
    assert run.lens.at == run.now


def test_null_is_a_key_that_can_be_chosen():
    rows = pd.DataFrame({"t": pd.to_datetime([1, 2, 3, 9, 99], unit="s"), "k": [*"a-b--"], "v": 1})
    rows["k"] = rows["k"].where(rows["k"] != "-")
    run = paused(n=wb.stream(rows, time="t", watermark=0).groupby("k").window("1s").agg(n=("v", "size")))
    controls = Controls(run)
    while run.trace.results["n"].total < 3:
        run.step()
    controls.tell()
    assert told(controls, "key k")["steps"] == ["–", "a", "b"]
    assert turn(controls, "key k", ["–", "b"]) == "k –, b: at once"
    assert run.seen("n").k.fillna("–").tolist() == ["–", "b", "–"]
    assert turn(controls, "key k", ["–"]) == "k –: at once"
    assert run.seen("n").k.isna().tolist() == [True, True]


def shifting():
    """A run whose keys are others every 100 seconds, with two thousand panes in each."""
    at = np.arange(0, 300, 1)
    frame = pd.DataFrame({"t": pd.to_datetime(np.repeat(at, 25), unit="s"), "v": 1})
    frame["key"] = 100 * (np.repeat(at, 25) // 100) + np.tile(np.arange(25), 300)
    stream = wb.stream(frame, time="t", watermark=0).groupby("key").window("1s").agg(n=("v", "size"))
    return paused(n=stream)


def test_what_was_chosen_is_meant_although_the_list_has_shifted():
    run = shifting()
    controls = Controls(run)

    def on_to(rows):
        while run.trace.results["n"].total < rows:
            run.step()
        controls.tell()
        return told(controls, "key key")

    first = on_to(2_400)
    assert first["steps"][:3] == ["0", "1", "2"]
    assert "0" not in on_to(4_900)["steps"]
    controls.turn("key key", ["1", "10"])
    assert controls.state["status"] == "key 1, 10: at once"
    assert run.lens.only == {"key": (1, 10)}
    assert told(controls, "key key")["at"] == ["1", "10"]  # they stay on the list
    assert on_to(7_000)["at"] == ["1", "10"]
    controls.turn("key key", ["'nobody'"])
    assert controls.state["wrong"]
    assert controls.state["status"].startswith("no key 'nobody' has come out lately")
    assert run.lens.only == {"key": (1, 10)}
    run.look(only={"key": [None, "1", 1]})
    controls.tell()
    assert set(told(controls, "key key")["at"]) == {"1", "'1'", "None"}


def test_a_turn_is_answered_although_there_is_no_such_dial_any_more(run):
    controls = Controls(run)
    controls._handle_custom_msg({"name": "gone", "at": 1, "number": 7}, [])
    assert controls.state["heard"] == 7


def test_another_size_keeps_the_offset_of_windows():
    stream = readings()
    run = paused(
        tumbling=stream.window(wb.Tumbling("1h", offset="15min")).agg(tumbling=("event_id", "size")),
        sliding=stream.window(wb.Sliding("1h", "30min", offset="10min")).agg(sliding=("event_id", "size")),
    )
    controls = Controls(run)
    turn(controls, "window tumbling", "2 h")
    turn(controls, "window sliding", "2 h")
    assert run.streams["tumbling"].step.window == wb.Tumbling("2h", offset="15min")
    assert run.streams["sliding"].step.window == wb.Sliding("2h", "1h", offset="10min")


def test_what_does_not_apply_is_left_out():
    rows = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "mark": pd.to_datetime([1], unit="s")})
    marked = wb.stream(rows, time="t", watermark=wb.Punctuated("mark"))
    assert list(dials(paused(rows=marked))) == ["speed"]
    assert list(dials(paused(n=marked.window(wb.Count(5)).agg(n=("t", "size"))))) == ["speed"]
    months = marked.window(wb.Calendar("month")).agg(n=("t", "size"))
    assert list(dials(paused(n=months))) == ["speed", "lateness"]
    two = readings()[["event_id"]].union(wb.stream(Clickstream(seed=1), watermark="1s")[["event_id"]])
    assert list(dials(paused(two=two))) == ["speed", "bound sensors", "bound clickstream"]


def test_several_windows_are_told_apart_and_keep_their_kind():
    stream = readings(delivery=Delivery.ideal())
    run = paused(
        tumbling=stream.window("10s").agg(tumbling=("event_id", "size")),
        sliding=stream.window(wb.Sliding("10s", "2s")).agg(sliding=("event_id", "size")),
        session=stream.groupby("device").window(wb.Session("3s")).agg(session=("event_id", "size")),
    )
    controls = Controls(run)
    turn(controls, "window sliding", "30 s")
    turn(controls, "window session", "10 s")
    windows = {name: stream.step.window for name, stream in run.streams.items()}
    assert windows == {
        "tumbling": wb.Tumbling("10s"), "sliding": wb.Sliding("30s", "6s"), "session": wb.Session("10s")
    }  # fmt: skip
    assert turn(controls, "lateness tumbling", "5 s") == "lateness of tumbling 5 s: at once"


def test_when_the_run_is_over_nothing_is_turned(run):
    controls = Controls(run)
    run.stop()
    controls.tell()
    assert controls.state["over"]
    assert controls.state["status"] == "the run is stopped"
    controls.turn("bound", 3)
    assert words(controls)["bound"] == "5 s"


def test_lengths_are_in_order_and_read_well():
    assert list(LENGTHS) == sorted(LENGTHS)
    assert [length(nanos) for nanos in LENGTHS[:3]] == ["0 s", "100 ms", "200 ms"]
