"""The time plane as it is drawn: what is on it is what the record says, in a notebook and on a page."""

import asyncio
import base64
import json
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError
from workbench.runtimes.completeness import completeness
from workbench.runtimes.lanes import lanes
from workbench.runtimes.replay import replay
from workbench.testing.clock import ManualClock
from workbench.views.planelegend import below
from workbench.views.planescene import BOTTOM, LEFT, RIGHT, TOP, scene
from workbench.views.planesvg import module, static, stylesheet
from workbench.views.timeplane import TimePlane

START = pd.Timestamp("2026-01-05 12:00")


def rows(count=200, seed=5, seconds=300):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, seconds, count))
    delays = 1 + rng.exponential(4, count) + rng.uniform(25, 90, count) * (rng.random(count) < 0.08)
    frame = pd.DataFrame({"t": START + pd.to_timedelta(times, unit="s"), "v": rng.integers(1, 10, count)})
    frame["country"] = rng.choice(["FR", "US"], count)
    frame["arrived"] = frame.t + pd.to_timedelta(delays, unit="s")
    return frame.sort_values("arrived", ignore_index=True)


def described(frame=None, window="1min", lateness="30s", keys=("country",), watermark="10s", **told):
    source = wb.stream(rows() if frame is None else frame, time="t", arrival="arrived", watermark=watermark)
    return source.groupby(*keys).window(window, lateness=lateness).agg(total=("v", "sum"), **told)


def shapes(drawn, name):
    return [shape for shape in drawn["plot"] if name == shape[1]]


def picture(shown):
    """The SVG in the HTML of a static picture."""
    return base64.b64decode(re.search(r"svg\+xml;base64,([^\"]+)", shown)[1]).decode()


def test_every_row_has_its_mark_and_every_pane_its_stamp():
    stream = described(rows(100))
    drawn, plane = stream.timeplane().scene(), replay(stream.step)
    counts = plane.counts()
    marks = {
        name: "".join(shape[2] for shape in shapes(drawn, f"mark {name}")) for name in ("on_time", "too_late")
    }
    assert marks["on_time"].count("M") == counts["on_time"]
    assert marks["too_late"].count("M") == counts["too_late"] > 0
    assert shapes(drawn, "mark half")[0][2].count("M") == counts["late_accepted"] > 0
    panes = plane.panes()
    stamps = shapes(drawn, "pane on_time")[0][2].count("M")
    assert stamps == panes[panes.timing == "on_time"].window_end.nunique()
    assert f"Of {sum(counts.values())} rows" in drawn["caption"]
    assert drawn["label"].endswith(drawn["caption"])


def test_the_number_on_a_pane_is_its_value_or_the_rows_of_all_keys():
    stream = described(rows(100))
    of_all = [shape[4] for shape in shapes(stream.timeplane().scene(), "value middle on_time")]
    on_time = [shape[4] for shape in shapes(stream.timeplane(key="FR").scene(), "value middle on_time")]
    panes = stream.to_pandas().query("timing == 'on_time'")
    assert on_time == [f"{value:,}" for value in panes[panes.country == "FR"].total]
    counted = described(rows(100), n=("v", "size")).to_pandas().query("timing == 'on_time'")
    assert of_all == [f"{n:,}" for n in counted.groupby("window_end").n.sum()]


def test_too_many_rows_become_bubbles_with_counts():
    stream = described(rows(3_000))
    drawn = stream.timeplane().scene()
    told = [point[2] for point in drawn["points"] if re.match(r"[\d,]+ rows on time", point[2])]
    counted = sum(int(words.split()[0].replace(",", "")) for words in told)
    assert counted == replay(stream.step).counts()["on_time"]
    assert not shapes(drawn, "mark on_time")
    assert len(static(drawn)) < 80_000


@pytest.mark.parametrize("count", [1, 400, 20_000])
@pytest.mark.parametrize("window", [wb.Tumbling("1min"), wb.Session("3s"), wb.Sliding("1min", "20s")])
def test_the_static_picture_is_small_and_well_formed(window, count):
    shown = described(rows(count), window=window).timeplane()._repr_html_()
    assert len(shown) < 80_000
    drawn = picture(shown)
    ElementTree.fromstring(drawn)
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
    assert 'role="img"' in drawn
    assert "aria-label=" in drawn


def test_all_that_is_drawn_is_plain_and_within_its_frame():
    drawn = described(window=wb.Session("5s")).timeplane(key="FR").scene()
    assert json.loads(json.dumps(drawn)) == drawn
    for _, _, x, y, width, height, *_ in (shape for shape in drawn["plot"] if shape[0] == "rect"):
        assert LEFT <= x <= x + width <= RIGHT + 0.2
        assert TOP <= y <= y + height <= BOTTOM + 0.2


def test_words_from_the_data_are_escaped():
    frame = rows(50).assign(country="<script>alert(1)</script>")
    html = described(frame).timeplane(key="<script>alert(1)</script>")._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    first = (
        described(frame).groupby if False else wb.stream(frame, time="t", arrival="arrived", watermark="10s")
    )
    html = first.window("1min").agg(name=("country", "first")).timeplane()._repr_html_()
    assert "<script" not in html


def test_a_run_is_followed_and_says_what_it_waits_for():
    stream = described(rows(100), keys=())

    async def main():
        clock = ManualClock()
        run = stream.start(clock=clock)
        for _ in range(9):
            await asyncio.sleep(0)
            clock.advance("10s")
        for _ in range(9):
            await asyncio.sleep(0)
        plane = stream.timeplane()
        drawn = plane.scene()
        needs = pd.Timestamp("2026-01-05 12:02") - run.metrics().watermark
        run.stop()
        return plane.run is run, drawn, needs.total_seconds(), plane.live

    same, drawn, needs, live = asyncio.run(main())
    assert same
    assert drawn["live"]
    assert not live
    assert f"passes 12:02:00: needs {needs:.1f} s more of event time." in drawn["caption"]
    assert "Window 12:01:00 fires" in drawn["caption"]
    assert shapes(drawn, "open")


def test_only_the_last_of_a_run_is_shown():
    plane = described(rows(400)).timeplane(last="1min")
    drawn = plane.scene()
    low, high = drawn["up"][2:]
    assert high - low == pytest.approx(60_000 * (1 + 1 / 40 + 1 / 18), rel=0.01)
    assert shapes(drawn, "pane on_time")[0][2].count("M") < 3


def test_a_view_is_told_only_what_is_new():
    plane = described(rows(30)).timeplane()

    class View:
        told = 0

        def __setattr__(self, name, value):
            type(self).told += 1

    view = View()
    plane._tell(view)
    plane._tell(view)
    assert View.told == 1


def test_a_finished_run_is_a_static_picture_and_a_widget_has_the_same_scene():
    stream = described(rows(60))
    run = wb.start(total=stream, speed="max").wait(10)
    plane = run.timeplane("total")
    bundle = plane._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    widget = plane._widget(plane.scene())
    assert widget.scene == plane.scene()
    assert widget.get_state()["scene"]["caption"].startswith("Every window has fired.")


def test_one_module_serves_notebooks_and_pages():
    part = described(rows(30)).timeplane().__panel__()
    from workbench.views.planewidget import PlaneComponent, PlaneWidget

    assert isinstance(part, PlaneComponent)
    assert part._esm == module("timeplane")
    assert PlaneWidget._esm is not None
    assert "wb-plane" in stylesheet()


def test_what_has_no_time_plane_says_so():
    run = wb.start(late=described(rows(30)).late, total=described(rows(30)), speed="max").wait(10)
    with pytest.raises(DescriptionError, match=r"no windows in 'late'"):
        run.timeplane("late")
    with pytest.raises(DescriptionError, match=r"no result called 'x'(.|\n)*'total'"):
        run.timeplane("x")
    with pytest.raises(DescriptionError, match="does not fit"):
        described(rows(30)).timeplane(key={"town": 1})


def test_keys_may_be_given_by_their_names():
    panes = stream_of_towns()
    assert panes.timeplane(town="Ulm").scene()["label"] == panes.timeplane(key="Ulm").scene()["label"]
    run = panes.start(speed="max").wait(10)
    assert run.timeplane("n", town="Ulm").key == {"town": "Ulm"}
    for asked in (panes.timeplane, lambda **given: run.timeplane("n", **given)):
        with pytest.raises(DescriptionError, match=r"does not fit(.|\n)*give key=\{'town': \.\.\.\}"):
            asked(twon="Ulm")


def test_a_key_that_no_row_has_is_told_from_no_row_at_all():
    caption = stream_of_towns().timeplane(key="Oz").scene()["caption"]
    assert caption == "No row of this key has come."


def test_long_steps_are_cut_and_not_what_the_numbers_are():
    frame = rows(30).assign(town="Ulm")
    many = {f"most_{name}": ("v", "max") for name in ("of_all", "of_some", "of_the_others", "of_the_last")}
    panes = wb.stream(frame, time="t", watermark="5s").groupby("town").window("1min").agg(**many)
    about = panes.timeplane().scene()["above"][1][-1]
    assert about.endswith("… · the numbers are rows of all keys together; key=... chooses one")


def stream_of_towns():
    frame = rows(30).assign(town=["Ulm", "Bonn", "Kiel"] * 10)
    return wb.stream(frame, time="t", watermark="5s").groupby("town").window("1min").agg(n=("v", "size"))


def test_an_empty_plane_can_be_shown():
    drawn = described(rows(30)[:0]).timeplane().scene()
    assert drawn["caption"] == "No row has come."
    assert isinstance(static(drawn), str)


def test_times_are_those_of_the_zone_of_the_rows():
    frame = rows(50)
    frame["t"] = frame.t.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")
    frame["arrived"] = frame.arrived.dt.tz_localize("UTC")
    drawn = described(frame).timeplane().scene()
    ticks = [shape[4] for shape in drawn["under"] if "event tick" in shape[1]]
    assert ticks[:2] == ["17:30", "17:31"]


def test_sessions_merge():
    times = [0, 20, 10, 60]
    frame = pd.DataFrame({"t": START + pd.to_timedelta(times, unit="s"), "v": 1})
    frame["arrived"] = START + pd.to_timedelta([0, 20, 30, 60], unit="s")
    stream = described(frame, window=wb.Session("12s"), keys=(), watermark="40s")
    merged, alone = lanes(replay(stream.step))
    seconds = lambda nanos: (nanos - START.as_unit("ns").value) // 1_000_000_000  # noqa: E731
    pieces = [(seconds(p.start), seconds(p.end), seconds(p.begin), p.rows) for p in merged.pieces]
    assert pieces == [(0, 12, 0, 1), (20, 32, 20, 1), (0, 32, 30, 3)]
    assert (merged.rows, alone.rows) == (3, 1)


def test_completeness_is_what_other_bounds_would_have_given():
    frame = rows(300)
    table = completeness(replay(described(frame).step))
    for bound in ("0s", "3s", "10s", "25s"):
        counts = replay(described(frame, watermark=bound).step).counts()
        at = table[table.bound <= pd.Timedelta(bound)].iloc[-1]
        assert round(at.on_time * 300) == counts["on_time"]
        assert round((1 - at.accepted) * 300) == counts["too_late"]
    assert table.present.sum() == 1
    assert table.iloc[-1].on_time == 1


def test_completeness_is_drawn_and_told():
    shown = described().timeplane().completeness()
    assert "With a bound of 10s" in repr(shown)
    ElementTree.fromstring(picture(shown._repr_html_()))
    with pytest.raises(DescriptionError, match="one bound of disorder"):
        described(watermark=wb.Punctuated("t")).timeplane().completeness()


def test_a_long_caption_is_wrapped():
    shapes, end = below([], "word " * 60, 0, 900)
    assert len(shapes) == 3
    assert end > 584


def test_a_plane_without_a_notebook_is_words():
    plane = described(rows(60)).timeplane()
    assert isinstance(plane, TimePlane)
    assert repr(plane).startswith("Time plane of total: event time across")
    assert scene(plane.plane, name="total")["label"] == repr(plane)
