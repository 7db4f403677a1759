"""The watermark tuner in JupyterLab: its point is dragged and moved by keys, with the words of the engine."""

import re

import pandas as pd
import pytest

import workbench as wb
from simulators import Sensors

pytestmark = pytest.mark.browser

SECONDS = 60_000
"""The longest that anything may take, in milliseconds."""


DESCRIBED = """
import workbench as wb
from simulators import Sensors
readings = wb.stream(Sensors(seed=7), watermark="3s")
counted = readings.window("10s", lateness="5s").agg(n=("event_id", "size"))
"""

HELD = (
    "run = counted.start(speed=10, paused=True)\nfor _ in range(40):\n    run.step()\ncounted.completeness()"
)


def held():
    """The same run in this process, held at the same moment."""
    readings = wb.stream(Sensors(seed=7), watermark="3s")
    run = readings.window("10s", lateness="5s").agg(n=("event_id", "size")).start(speed=10, paused=True)
    for _ in range(40):
        run.step()
    return run


def said(page, name="aria-valuetext"):
    return page.locator(".wb-tuner [role=slider]").first.get_attribute(name)


def bound(page):
    return pd.Timedelta(round(float(said(page, "aria-valuenow")) * 1e6), unit="us")


def test_a_bound_is_tried_and_put_into_use(watched, lab):
    page = watched
    lab.run(page, "tuner", DESCRIBED, HELD, "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)
    slider = page.locator(".wb-tuner [role=slider]")
    slider.wait_for(timeout=SECONDS)
    run = held()
    shown = run.timeplane("n").completeness()
    words = page.locator(".wb-tuner .words")
    assert words.inner_text() == said(page) == repr(shown)

    # dragged with the mouse: the words follow the point, and say what the engine says of that bound
    box = page.locator(".wb-tuner svg").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    seen = []
    for share in (0.4, 0.6, 0.8):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.3 * box["height"], steps=3)
        seen.append(words.inner_text())
        assert seen[-1] == said(page) == shown.words(bound(page))
    page.mouse.up()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    assert words.inner_text() == seen[-1]
    assert len(set(seen)) == 3

    # by the keyboard
    chosen = bound(page)
    slider.press("ArrowRight")
    step = bound(page) - chosen
    assert step > pd.Timedelta(0)
    slider.press("PageDown")
    assert bound(page) == chosen - 9 * step
    assert said(page) == shown.words(bound(page))
    slider.press("Home")
    assert said(page) == shown.words(0)
    slider.press("Escape")
    assert said(page) == repr(shown)

    # put into use: the run has it at once, and the words say so
    use = page.get_by_role("button", name=re.compile("Use a bound of"))
    assert use.is_disabled()
    slider.press("End")
    wanted = bound(page)
    use.click()
    page.locator(".wb-tuner [role=status]").get_by_text("The run goes on with a bound of").wait_for(
        timeout=SECONDS
    )
    shown.use(wanted)
    page.wait_for_function(
        "right => document.querySelector('.wb-tuner .words').innerText === right",
        arg=repr(shown),
        timeout=SECONDS,
    )
    assert bound(page) == wanted
    run.stop()
    assert page.outside == []
    assert page.wrong == []


def test_the_tuner_follows_its_run(watched, lab):
    page, shown = watched, "run = counted.start(speed=10)\ncounted.completeness()"
    flight = "run.timeplane('n').in_flight()"
    lab.run(page, "follows", DESCRIBED, shown, flight, "run.timeplanes()", "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)
    page.locator(".wb-tuner .words").wait_for(timeout=SECONDS)
    for selector in (".wb-tuner .words", ".wb-planes svg >> nth=0"):
        page.locator(selector).wait_for(timeout=SECONDS)
    before = [page.locator(".wb-tuner .words").inner_text(), label(page, 1), label(page, 2), label(page, 3)]
    page.wait_for_function(
        """before => {
            const pictures = [...document.querySelectorAll('.wb-plane svg')];
            const labels = pictures.map(each => each.getAttribute('aria-label'));
            const now = [document.querySelector('.wb-tuner .words').innerText, ...labels.slice(1)];
            return now.every((words, at) => words !== before[at]);
        }""",
        arg=before,
        timeout=SECONDS,
    )
    assert re.search("have arrived and .* known to be under way", label(page, 1))
    assert [label(page, at).split(":")[0] for at in (2, 3)] == ["Time plane of sensors", "Time plane of n"]

    # who looks back at one of several looks back at all
    first, second = (page.locator(".wb-planes input[type=range]").nth(at) for at in (0, 1))
    first.focus()
    for _ in range(5):
        first.press("PageDown")
    assert second.input_value() == first.input_value() != "1000"
    assert page.locator(".wb-planes .future").count() == 2
    assert page.outside == []
    assert page.wrong == []


def label(page, at):
    return page.locator(".wb-plane svg").nth(at).get_attribute("aria-label")
