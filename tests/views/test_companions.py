"""What stands beside the time plane: tuner, rows in flight, what is to come, other policies, other stages."""

import asyncio
import base64
import json
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from simulators import Sensors
from workbench.errors import DescriptionError
from workbench.runtimes.inflight import pending
from workbench.runtimes.replay import replay
from workbench.testing.clock import ManualClock
from workbench.views.completeness import STEPS, Completeness, brief
from workbench.views.planescene import AHEAD, BOTTOM, TOP
from workbench.views.planesvg import static

START = pd.Timestamp("2026-01-05 12:00")


def rows(count=200, seed=5):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 300, count))
    delays = 1 + rng.exponential(4, count) + rng.uniform(25, 90, count) * (rng.random(count) < 0.08)
    frame = pd.DataFrame({"t": START + pd.to_timedelta(times, unit="s"), "v": rng.integers(1, 10, count)})
    frame["arrived"] = frame.t + pd.to_timedelta(delays, unit="s")
    return frame.sort_values("arrived", ignore_index=True)


def described(watermark="10s", frame=None, window="1min", lateness="30s"):
    source = wb.stream(rows() if frame is None else frame, time="t", arrival="arrived", watermark=watermark)
    return source.window(window, lateness=lateness).agg(total=("v", "sum"))


def stepped(stream, steps=40, speed=10):
    """A run of a simulator that is held after some batches."""
    run = stream.start(speed=speed, paused=True)
    for _ in range(steps):
        run.step()
    return run


@pytest.fixture
def readings():
    """A run of sensors, held after 40 seconds of processing time."""
    stream = (
        wb.stream(Sensors(seed=7), watermark="3s").window("10s", lateness="5s").agg(n=("event_id", "size"))
    )
    run = stepped(stream)
    yield run
    run.stop()


def pictures(shown):
    """The SVG of each static picture in some HTML."""
    return [base64.b64decode(each).decode() for each in re.findall(r"svg\+xml;base64,([^\"]+)", shown)]


def shapes(drawn, name):
    return [shape for shape in drawn["plot"] if name == shape[1]]


def test_the_words_for_a_bound_are_what_a_run_with_it_gives():
    shown = described().completeness()
    for bound in ("0s", "4s", "10s", "25s", "1min 30s"):
        counts = replay(described(bound).step).counts()
        words = shown.words(bound)
        assert words.startswith(f"With a bound of {bound} {counts['on_time'] / 2:.1f} % of rows come on time")
        assert f"; {counts['too_late']} of 200 come" in words
    assert shown.words("25s").endswith("Every answer is 15s later than now.")
    assert shown.words("4s").endswith("Every answer is 6s earlier than now.")
    assert repr(shown) == shown.words()


def test_the_tuner_has_the_numbers_of_every_bound_that_its_point_can_be_moved_to():
    shown = described().completeness()
    tuner = shown.scene()["tuner"]
    assert len(tuner["counts"][0]) == len(tuner["counts"][1]) == STEPS + 1
    for step in (0, 20, 77, STEPS):
        counts = replay(described(pd.Timedelta(step * tuner["step"], unit="us")).step).counts()
        assert tuner["counts"][0][step] == counts["on_time"]
        assert tuner["counts"][1][step] == 200 - counts["too_late"]
    assert tuner["step"] * STEPS >= tuner["present"] == 10_000_000
    assert not tuner["usable"]
    assert json.loads(json.dumps(shown.scene())) == shown.scene()


def test_the_static_tuner_is_small_and_well_formed():
    (drawn,) = pictures(described().completeness()._repr_html_())
    ElementTree.fromstring(drawn)
    assert "Completeness against latency. With a bound of 10s" in drawn
    assert len(drawn) < 25_000


def test_a_bound_that_is_wanted_is_used(readings):
    shown = readings.timeplane("n").completeness()
    assert shown.scene()["tuner"]["usable"]
    used = []
    shown.on_use = used.append
    view = shown._widget(shown.scene())
    view.wanted = {"bound": 12_500_000, "number": 1}
    assert used == [pd.Timedelta("12.5s")]
    assert view.scene["tuner"]["said"] == "The run goes on with a bound of 12.5s."
    part = shown.__panel__()
    part.wanted = {"bound": 4_000_000, "number": 1}
    assert used[1:] == [pd.Timedelta("4s")]
    assert part.scene["tuner"]["said"] == "The run goes on with a bound of 4s."


def test_a_bound_that_cannot_be_used_is_said_to_be(readings):
    shown = readings.timeplane("n").completeness()

    def refuse(bound):
        raise DescriptionError("not that one")

    shown.on_use = refuse
    view = shown._widget(shown.scene())
    view.wanted = {"bound": 1_000, "number": 1}
    assert view.scene["tuner"]["said"] == "not that one"
    shown.on_use = None
    assert not shown.scene()["tuner"]["usable"]
    with pytest.raises(DescriptionError, match="no run goes on here"):
        described().completeness().use("3s")


def test_the_bound_of_a_run_is_changed_by_the_tuner(readings):
    shown = readings.timeplane("n").completeness()
    shown.use("20s")
    assert shown.scene()["tuner"]["present"] == 20_000_000
    assert "With a bound of 20s" in repr(shown)
    before = readings.metrics().watermark
    for _ in range(30):
        readings.step()
    newest = readings.timeplane("n").plane.rows().event_time.max()
    assert readings.metrics().watermark == max(before, pd.Timestamp(newest - 20_000_000_000))


def test_a_run_that_was_changed_is_still_that_of_its_stream():
    stream = wb.stream(Sensors(seed=7), watermark="3s").window("10s").agg(n=("event_id", "size"))
    run = stepped(stream, 10)
    run.change(bound="8s")
    shown = stream.completeness()
    assert shown.run is run
    assert shown.scene()["tuner"]["present"] == 8_000_000
    run.change(window="20s")
    assert shown.plane is run.graph.plane("n")
    assert shown.plane.window == wb.Tumbling("20s")
    assert shown.scene()["tuner"]["rows"] == run.trace.counters.arrived > 0
    run.stop()


def test_a_tuner_without_rows_says_so():
    stream = wb.stream(Sensors(seed=7), watermark="3s").window("10s").agg(n=("event_id", "size"))
    run = stream.start(paused=True)
    shown = run.timeplane("n").completeness()
    assert repr(shown) == "No row has come yet."
    ElementTree.fromstring(pictures(shown._repr_html_())[0])
    assert run.timeplane("n").in_flight().scene()["caption"] == "No row has come yet."
    assert len(pictures(run.timeplanes()._repr_html_())) == 2
    run.stop()


@pytest.mark.parametrize(
    ("nanos", "words"),
    [
        (0, "0s"),
        (10**10, "10s"),
        (8_625 * 10**6, "8.625s"),
        (61_240 * 10**6, "1min 1.2s"),
        (3_600 * 10**9, "1h"),
    ],
)
def test_bounds_are_written_in_few_letters(nanos, words):
    assert brief(nanos) == words


def test_every_view_is_told_what_is_new():
    shown = described().completeness()

    class View:
        scene = None

    one, other = View(), View()
    shown._tell(one)
    shown._tell(other)
    assert one.scene == other.scene == shown.scene()


def test_a_run_is_followed_by_the_tuner_until_it_is_over():
    async def main():
        clock = ManualClock()
        run = described().start(clock=clock)
        shown = Completeness(run.graph.plane("total"), run=run)
        told = []

        class View:
            def __setattr__(self, name, value):
                told.append(value["tuner"]["rows"])

        view = View()
        while not run.over:
            await asyncio.sleep(0)
            clock.advance("20s")
            shown._tell(view)
        shown._tell(view)
        return told

    told = asyncio.run(main())
    assert told[-1] == 200
    assert told == sorted(told)


def test_another_policy_is_a_ghost_and_the_caption_compares():
    drawn = described().timeplane(what_if="25s").scene()
    (ghost,), (real,) = shapes(drawn, "ghost"), shapes(drawn, "watermark")
    there = described("25s").timeplane().scene()
    assert ghost != real
    assert ghost[2] == shapes(there, "watermark")[0][2]
    now, then = (replay(described(bound).step).counts() for bound in ("10s", "25s"))
    assert f"{then['on_time']} would be on time (really {now['on_time']})" in drawn["caption"]
    assert f"{then['too_late']} too late (really {now['too_late']})" in drawn["caption"]
    fired = r"Of 5 windows, 4 would have fired [\d.]+ s later \(median of 4\); 1 as it did, when"
    assert re.search(fired, drawn["caption"])
    assert any(shape[-1] == "watermark with a bound of 25s" for shape in drawn["below"])
    same = described().timeplane(what_if="10s").scene()
    assert "Windows would have fired as they did" in same["caption"]
    clock = described().timeplane(what_if=wb.Ascending(advance_with_clock=True)).scene()
    assert "With Ascending(advance_with_clock=True), of the same 200 rows" in clock["caption"]


def test_windows_that_the_end_of_the_stream_fires_are_told_from_those_that_would_wait():
    seen = START + pd.to_timedelta([5, 66, 95, 128, 150], unit="s")
    frame = pd.DataFrame({"t": seen, "v": 1, "arrived": seen + pd.Timedelta("2s")})
    caption = described(frame=frame, lateness=0).timeplane(what_if="75s").scene()["caption"]
    assert caption.endswith(
        "Of 3 windows, 1 would have fired 55.0 s later; 2 as they did, when the stream ended."
    )


def test_words_at_the_right_edge_are_whole_and_parts_of_seconds_have_their_digits():
    frame = pd.DataFrame({"t": START + pd.to_timedelta(range(0, 2_000, 50), unit="ms"), "v": 1})
    frame["arrived"] = frame.t + pd.Timedelta("300ms")
    panes = described("500ms", frame=frame, window="500ms", lateness=0)
    for drawn in (panes.timeplane().scene(), panes.timeplane().in_flight().scene()):
        shapes_of = [shape for part in ("under", "plot", "below") for shape in drawn[part]]
        marks = [shape for shape in shapes_of if shape[0] == "text" and "tick" in shape[1]]
        for _, name, x, _, words in marks:
            half = 0 if name.endswith("end") else 3.3 * len(words)
            assert x + half <= drawn["size"][0]
        assert not [words for *_, words in marks if words.endswith(".")]


def test_rows_that_have_not_arrived_are_above_the_present(readings):
    plane = readings.timeplane("n", last="20s")
    drawn = plane.scene()
    known = pending(readings, plane.plane.step)
    low, high = (round(each * 1_000_000) for each in drawn["up"][2:])
    top, begin = plane.plane.now + int(20e9 * AHEAD), drawn["across"][2] * 1_000_000
    seen = known[:, (known[1] <= top) & (known[0] >= begin)]
    marks = "".join(shape[2] for shape in shapes(drawn, "mark pending"))
    told = [point[2] for point in drawn["points"] if "not arrived yet" in point[2]]
    counted = sum(int(words.split()[0].replace(",", "")) if " rows " in words else 1 for words in told)
    assert counted == seen.shape[1] > 0
    assert marks.count("M") in (0, counted)
    now = BOTTOM - (BOTTOM - TOP) * (plane.plane.now - low) / (high - low)
    assert all(point[1] <= now + 1 for point in drawn["points"] if "not arrived yet" in point[2])
    assert float(re.search(r"M70 ([\d.]+)H", shapes(drawn, "now")[0][2])[1]) == pytest.approx(now, abs=0.2)
    beyond = int((known[1] > round(high)).sum())
    assert (
        f"{known.shape[1]:,} rows have happened and not arrived yet, {beyond:,} of them" in drawn["caption"]
    )


def test_what_is_to_come_can_be_left_out_and_is_not_known_of_a_key(readings):
    drawn = readings.timeplane("n", ahead=False).scene()
    assert not shapes(drawn, "now")
    assert "not arrived yet" not in drawn["caption"]
    whole = described().timeplane().scene()
    assert not shapes(whole, "now")


def test_two_arrival_orders_are_on_the_same_scales():
    frame = rows()
    ordered = frame.sort_values("t").assign(arrived=lambda f: f.t + pd.Timedelta("1s"))
    both = described().timeplane() | described(frame=ordered).timeplane()
    drawn = both.scene()
    one, other = drawn["planes"]
    assert one["across"] == other["across"]
    assert one["up"] == other["up"]
    assert "All 200 rows came on time." in other["caption"]
    assert "All 200 rows" not in one["caption"]
    assert drawn["label"] == f"{one['label']} {other['label']}"
    shown = both._repr_html_()
    assert len(pictures(shown)) == 2
    assert "flex-wrap:wrap" in shown
    assert len((both | described().timeplane()).planes) == len((described().timeplane() | both).planes) == 3
    assert both._widget(drawn).scene == drawn


def test_all_that_is_drawn_side_by_side_is_within_its_narrower_frame():
    both = described().timeplane(what_if="25s") | described("30s").timeplane()
    for drawn in both.scene()["planes"]:
        left, right = drawn["frame"][:2]
        assert drawn["size"][0] < 700
        for _, _, x, _, width, *_ in (shape for shape in drawn["plot"] if shape[0] == "rect"):
            assert left <= x <= x + width <= right + 0.2
        for shape in drawn["below"]:
            if shape[0] == "text":
                assert shape[2] + 5.4 * len(shape[-1]) < drawn["size"][0] + 20


def test_the_stages_of_a_run_stand_side_by_side():
    left = wb.stream(rows(), time="t", arrival="arrived", watermark="5s", name="quick")
    right = wb.stream(rows(seed=8), time="t", arrival="arrived", watermark="40s", name="slow")
    stream = left.union(right).window("1min", lateness="20s").agg(total=("v", "sum"))
    run = stepped(stream, 20, speed=100)
    drawn = run.timeplanes().scene()["planes"]
    assert [each["above"][0][-1] for each in drawn] == ["quick", "slow", "union", "total"]
    assert len({tuple(each["across"]) for each in drawn}) == 1
    assert all(shapes(each, "watermark") for each in drawn)
    quick, slow, union, total = drawn
    assert "behind the watermark" in quick["caption"]
    assert "It" not in quick["caption"]
    assert "it is held back by slow." in union["caption"]
    assert "It is held back by slow." in total["caption"]
    assert not shapes(slow, "pane on_time")
    assert shapes(union, "watermark")[0][2] == shapes(total, "watermark")[0][2]
    run.stop()
    with pytest.raises(DescriptionError, match="no stage"):
        unseen = wb.start(total=described(), speed="max").wait(10)
        unseen.graph.nodes["total"].plane = unseen.graph.nodes["watermark"].plane = None
        unseen.timeplanes()


def test_rows_in_flight_are_drawn_and_told(readings):
    shown = readings.timeplane("n").in_flight()
    drawn, told = shown.scene(), shown.told()
    frame = shown.to_pandas()
    bars = [shape for shape in drawn["plot"] if shape[1] == "bar pending"]
    assert len(bars) == (frame.pending > 0).sum() + 1  # and one in the legend
    said = re.search(r"([\d,]+) have arrived and ([\d,]+) are known to be under way", drawn["caption"])
    assert [int(each.replace(",", "")) for each in said.groups()] == [
        frame.arrived.sum(),
        frame.pending.sum(),
    ]
    assert f"{100 * told.beyond(3_000_000_000):.1f} % take longer than the bound of 3s" in drawn["caption"]
    assert len(shapes(drawn, "now")) == 1
    assert len(shapes(drawn, "watermark")) == 2
    ElementTree.fromstring(pictures(static(drawn))[0])
    assert json.loads(json.dumps(drawn)) == drawn


def test_the_distribution_of_delay_is_that_of_the_rows():
    drawn = described().timeplane().in_flight().scene()
    told = [point[2] for point in drawn["points"] if " took " in point[2]]
    counted = sum(int(words.split()[0].replace(",", "")) for words in told)
    frame = rows()
    delays = (frame.arrived - frame.t).dt.total_seconds()
    assert 0.99 * len(frame) <= counted <= len(frame)
    beyond = [shape for shape in drawn["plot"] if shape[1] == "bar beyond"]
    assert beyond
    assert f"{100 * (delays > 10).mean():.1f} % take longer than the bound of 10s" in drawn["caption"]
    punctuated = rows().assign(mark=lambda f: f.t)
    without = described(wb.Punctuated("mark"), punctuated).timeplane().in_flight().scene()
    assert "bound" not in without["caption"]
