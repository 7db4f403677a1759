"""Going back: what comes again is what had come, whatever was looked at in between."""

from copy import copy

import pandas as pd
import pytest

import workbench as wb
from simulators import Clickstream, Delivery, Sensors
from workbench.errors import DescriptionError, RunError
from workbench.runtimes.run import Run
from workbench.testing.clock import ManualClock

MINUTE = pd.Timedelta("1min")


def paused(streams, **options):
    run = Run(streams, clock=ManualClock(), **options)
    return run


def steps(run, count):
    for _ in range(count):
        run.step()


def told(run, result):
    """All that has come out of a result, pane by pane, and what was late."""
    frame = run.trace.results[result].frame()
    late = run.trace.late.frame()
    return frame.reset_index(drop=True), late.reset_index(drop=True), copy(run.trace.counters)


def assert_same(one, other):
    for left, right in zip(one[:2], other[:2], strict=True):
        pd.testing.assert_frame_equal(left, right)
    assert one[2] == other[2]


def pipeline(kind):
    clicks = wb.stream(Clickstream(seed=7, sessions_per_second=20, delivery=Delivery.web()), watermark="1s")
    match kind:
        case "tumbling":
            return (
                clicks.groupby("action")
                .window("5s", lateness="2s")
                .agg(n=("event_id", "size"), u=("user_id", "nunique"))
            )
        case "session":
            return clicks.groupby("user_id").window(wb.Session("10s")).agg(n=("event_id", "size"))
        case "early":
            return clicks.groupby("action").window("5s").agg(n=("event_id", "size"), early="1s")
        case "query":
            return clicks.query("action == 'purchase'")
        case "union":
            readings = wb.stream(Sensors(seed=7), watermark="2s")
            return clicks[["event_id"]].union(readings[["event_id"]]).window("5s").agg(n=("event_id", "size"))
        case "idle":
            policy = wb.BoundedOutOfOrderness("1s", by="device", idle="3s")
            return (
                wb.stream(Sensors(seed=7), watermark=policy)
                .groupby("device")
                .window("5s")
                .agg(n=("event_id", "size"))
            )


KINDS = ["tumbling", "session", "early", "query", "union", "idle"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back", ["3s", "20s", "10min"])
def test_what_comes_again_is_what_had_come(kind, back):
    run = paused({"result": pipeline(kind)}, speed=10)
    marks = {}
    for _ in range(40):
        run.step()
        run._clock.advance(0.4)  # wall time, so that checkpoints are due
        marks[run._pace.now()] = told(run, "result")
    last = run._pace.now()
    run.rewind(back)
    assert run.status == "paused"
    moment = run._pace.now()
    assert moment == max(last - int(pd.Timedelta(back).value), run._begin)
    known = [mark for mark in marks if mark <= moment]
    if known:
        assert_same(told(run, "result"), marks[max(known)])
    while run._pace.now() < last:
        run.step()
        if run._pace.now() in marks:
            assert_same(told(run, "result"), marks[run._pace.now()])
    if back != "3s":
        assert len(run.trace.results["result"].frame()) > 0


@pytest.mark.parametrize("kind", ["tumbling", "session"])
def test_at_full_speed_too(kind):
    run = paused({"result": pipeline(kind)}, speed="max", batch_rows=500)
    steps(run, 20)
    before, moment = told(run, "result"), run._pace.now()
    steps(run, 20)
    after, last = told(run, "result"), run._pace.now()
    run.rewind(to=pd.Timestamp(moment, unit="ns"))
    assert_same(told(run, "result"), before)
    while run._pace.now() < last:
        run.step()
    assert_same(told(run, "result"), after)


def test_the_ledger_goes_back_too():
    run = paused({"result": pipeline("tumbling")}, speed=10)
    steps(run, 10)
    before, moment = run.ledger(), run._pace.now()
    steps(run, 10)
    run.rewind(to=pd.Timestamp(moment, unit="ns"))
    pd.testing.assert_frame_equal(run.ledger(), before)


def test_before_the_beginning_there_is_the_beginning():
    run = paused({"result": pipeline("query")}, speed=10)
    steps(run, 5)
    run.rewind("1D")
    assert run._pace.now() == run._begin
    assert run.trace.counters.arrived == 0
    assert run.metrics().rows == 0


def test_steps_may_go_to_a_watermark_or_a_pane():
    run = paused({"result": pipeline("tumbling")}, speed=1)
    run.step("watermark")
    first = run.watermark
    run.step("watermark")
    assert run.watermark > first
    assert run.trace.results["result"].total == 0
    run.step("pane")
    assert run.trace.results["result"].total > 0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda run: run.step("window"), "no step to 'window'\nHint: to one of 'batch', 'watermark', 'pane'"),
        (lambda run: run.rewind(), 'rewind by how much, or to which moment?\nHint: run.rewind("2min")'),
        (
            lambda run: run.stop().rewind("1s"),
            "a run that is stopped cannot be rewound\nHint: start it again",
        ),
    ],
)
def test_errors_teach(act, message):
    run = paused({"result": pipeline("query")})
    with pytest.raises(RunError) as caught:
        act(run)
    assert str(caught.value) == message


def test_the_way_back_is_called_by_its_name():
    with pytest.raises(DescriptionError, match="not a duration: '2 minuts'\nDetail: the way back must be"):
        paused({"result": pipeline("query")}).rewind("2 minuts")


def test_a_long_past_is_forgotten(monkeypatch):
    monkeypatch.setattr("workbench.runtimes.checkpoints._TURNS", 10)
    monkeypatch.setattr("workbench.runtimes.checkpoints._MOST", 6)
    run = paused({"result": pipeline("tumbling")}, speed=10)
    marks = {}
    for _ in range(40):
        run.step()
        run._clock.advance(1.5)
        marks[run._pace.now()] = told(run, "result")
    assert len(run._history.checkpoints) <= 6
    assert len(run._history.turns) <= 20
    first = run._history.checkpoints[0].moment
    run.rewind("1h")
    assert run._pace.now() == first > run._begin
    assert_same(told(run, "result"), marks[first])
    run.step()
    assert_same(told(run, "result"), marks[run._pace.now()])


def test_checkpoints_of_a_large_state_are_few(monkeypatch):
    monkeypatch.setattr("workbench.runtimes.checkpoints._ENTRIES", 50)
    run = paused({"result": pipeline("session")}, speed=10)
    for _ in range(20):
        run.step()
        run._clock.advance(1.5)
    assert len(run._history.checkpoints) <= 2
    run.rewind("1s")
    assert run.metrics().rows > 0


def test_a_run_may_keep_time_planes_of_some_results_and_no_way_back():
    run = paused({"result": pipeline("tumbling"), "other": pipeline("session")}, speed=10, past=["result"])
    steps(run, 5)
    recorded = [name for name in run.graph.nodes if run.graph.plane(name) is not None]
    assert recorded == ["result"]
    assert run.timeplane("result").plane.version > 0
    with pytest.raises(RunError, match="keeps no past of 'other'\nHint: start it with past=True"):
        run.timeplane("other")
    assert run._history.checkpoints == run._history.turns == []
    assert not run.rewinds
    with pytest.raises(RunError, match="keeps no way back\nHint: start it with past=True"):
        run.rewind("1s")


def test_the_past_of_a_result_that_there_is_not_is_refused():
    with pytest.raises(DescriptionError) as raised:
        wb.start(result=pipeline("tumbling"), past="reslut")
    assert str(raised.value) == (
        "no past can be kept of 'reslut'\nDetail: there are result\nHint: name results, or write past=True"
    )


def test_a_run_may_keep_no_past():
    run = paused({"result": pipeline("tumbling")}, speed=10, past=False)
    steps(run, 5)
    assert run.graph.plane("result") is None
    assert run._history.checkpoints == run._history.turns == []
    for act in (lambda: run.rewind("1s"), lambda: run.timeplane("result")):
        with pytest.raises(RunError, match="keeps no past\nHint: start it with past=True"):
            act()
