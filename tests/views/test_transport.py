"""The transport bar does to a run what its buttons and keys say."""

import pandas as pd
import pytest

import workbench as wb
from simulators import Clickstream
from workbench.runtimes.run import Run
from workbench.runtimes.trace import Metrics
from workbench.testing.clock import ManualClock
from workbench.views.transport import Transport, health


@pytest.fixture
def run():
    clicks = wb.stream(Clickstream(seed=7, sessions_per_second=20), watermark="1s")
    traffic = clicks.groupby("action").window("5s").agg(n=("event_id", "size"))
    return Run({"traffic": traffic}, clock=ManualClock(), speed=10)


def press(bar, act, **more):
    """As the browser does it."""
    bar._handle_custom_msg({"act": act, **more}, [])


def test_buttons_hold_and_step(run):
    bar = Transport(run)
    press(bar, "pause")
    assert run.status == bar.state["status"] == "running"
    press(bar, "batch")
    assert run.status == bar.state["status"] == "paused"
    arrived = run.metrics().rows
    assert arrived > 0
    press(bar, "watermark")
    assert run.metrics().rows > arrived
    press(bar, "pane")
    assert run.trace.results["traffic"].total > 0


def test_back_is_ten_seconds_of_the_clock(run):
    bar = Transport(run)
    for _ in range(30):
        press(bar, "batch")
    before, rows = run.metrics().now, run.metrics().rows
    press(bar, "rewind")
    assert before - run.metrics().now == pd.Timedelta("100s") or run.metrics().rows == 0
    assert run.metrics().rows < rows
    assert dict(bar.state["words"])["status"] == "paused"


def test_a_run_that_has_finished_has_its_watermark_at_the_end_of_time():
    frame = pd.DataFrame({"t": pd.to_datetime([1, 65], unit="s"), "v": [1, 2]})
    run = (
        wb.stream(frame, time="t", watermark=0)
        .window("1min")
        .agg(n=("v", "size"))
        .start(speed="max")
        .wait(10)
    )
    bar = Transport(run)
    assert dict(bar.state["words"])["event"] == "watermark end of time"
    run.look(at="1970-01-01 00:00:30")
    bar.tell()
    assert dict(bar.state["words"])["event"] != "watermark end of time"


def test_speeds_are_chosen_by_their_words(run):
    bar = Transport(run)
    assert bar.state["speed"] == "10x"
    press(bar, "speed", speed="0.1x")
    assert run.speed == 0.1
    press(bar, "speed", speed="warp")
    assert run.speed == 0.1
    run.speed = 4
    bar.tell()
    assert bar.state["speed"] == "4x"
    assert "4x" in bar.state["speeds"]


def test_when_the_run_is_over_nothing_is_done(run):
    bar = Transport(run)
    press(bar, "stop")
    assert run.status == "stopped"
    assert bar.state["over"]
    for act in ("pause", "batch", "rewind", "stop"):
        press(bar, act)
    assert run.status == "stopped"


def test_the_line_of_health_says_what_is_known():
    moment = pd.Timestamp("2026-01-05 09:00:10")
    known = dict(health(Metrics("running", 10, 1234.5, moment, moment, pd.Timedelta("2500ms"), 3, 4, 5)))
    assert known["rate"] == "1,234 rows/s"
    assert known["lag"] == "lag 2.5 s"
    assert known["event"] == "watermark 09:00:10"
    unknown = " ".join(words for _, words in health(Metrics("finished", 0, 0.0, None, None, None, 0, 0, 0)))
    assert "nan" not in unknown.lower()
    assert "None" not in unknown


def test_what_goes_wrong_is_said_there(run):
    bar = Transport(run)
    assert bar.state["wrong"] == ""
    run._turning = True  # as in the middle of a batch
    press(bar, "rewind")
    press(bar, "look", at=1e30)
    assert bar.state["wrong"].startswith("OutOfBoundsDatetime: ")
    run._turning = False
    press(bar, "pause")
    assert bar.state["wrong"] == ""
    assert run.status == "running"
