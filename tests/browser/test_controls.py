"""The controls of a run in a real JupyterLab, used as a person does, and what becomes of the engine."""

import json
import re

import pytest

pytestmark = pytest.mark.browser

SECONDS = 60_000
"""The longest that anything may take, in milliseconds."""

DESCRIBED = """
import workbench as wb
from simulators import Sensors
readings = wb.stream(Sensors(seed=7), watermark="5s")
warmth = readings.groupby("zone").window("10s").agg(mean=("temperature", "mean"), n=("event_id", "size"))
run = warmth.start(speed=4)
"""

ASK = """async code => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code });
  let said = "";
  future.onIOPub = message => { if (message.header.msg_type === "stream") said += message.content.text; };
  await future.done;
  return said;
}"""


def ask(page, expression):
    """What the engine says: the value of an expression in the kernel."""
    return json.loads(page.evaluate(ASK, f"import json; print(json.dumps({expression}))"))


def until(page, expression):
    """Wait until something holds in the engine."""
    for _ in range(SECONDS // 100):
        if ask(page, expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never: {expression}")


def control(page, name):
    return page.locator(f'.wb-controls [data-control="{name}"]')


def said(page, words):
    """Wait until the line says so."""
    page.locator(".wb-controls [role=status]").get_by_text(words).wait_for(timeout=SECONDS)


def drag(page, name, to):
    """Drag a slider to a share of its length, hold it, and let go."""
    box = control(page, name).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * to, middle, steps=5)
    held = page.locator(f'.wb-controls [data-control="{name}"] + output').inner_text()
    page.mouse.up()
    return held


def test_controls_change_the_run_and_say_how(lab, watched):
    page = watched
    lab.run(page, "controls", DESCRIBED, "run.controls()", "run.graph()")
    page.locator(".wb-controls .groups").wait_for(timeout=SECONDS)
    assert control(page, "bound").get_attribute("aria-valuetext") == "5 s"
    assert page.get_by_label("bound", exact=True).count() == 1  # as it is read out

    # the rate, by the mouse: applied when it is let go, and not before
    first = ask(page, "run.graph.sources['sensors'][0].source.simulator.hertz")
    held = drag(page, "rate", 0.8)
    said(page, f"rate {held}: at once")
    now = ask(page, "run.graph.sources['sensors'][0].source.simulator.after.hertz")
    assert now > 2 * first
    at = ask(page, "run.now")
    until(page, f"run.watermark > {at} + 20 * 10**9")  # the last window is wholly of the new rate
    many = ask(page, "int(run.panes('mean').groupby('window_end').n.sum().iloc[-1])")
    rate = float(re.match(r"[\d.,k]+", held)[0].replace(",", "").replace("k", "e3"))
    assert many / 10 == pytest.approx(rate, rel=0.25)

    # the bound, by the keyboard
    slider = control(page, "bound")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    said(page, "bound 20 s: at once")
    assert (
        ask(page, "run.named(type(run.streams['mean'].step.upstreams[0]))['sensors'].watermark.bound") == 20e9
    )
    assert ask(page, "next(o.progress.bound for _, o in run.graph.operators())") == 20e9
    picture = page.locator(".wb-graph-view svg text, .wb-graph-view svg tspan")
    picture.filter(has_text="BoundedOutOfOrderness('20s')").first.wait_for(timeout=SECONDS)  # it says so too

    # another window begins again, and catches up
    control(page, "window").focus()
    control(page, "window").press("ArrowRight")
    said(page, "size 15 s: restarted")
    until(page, f"run.watermark > {at} + 20 * 10**9")  # further than before: it has caught up
    ends = ask(page, "sorted({int(end.timestamp()) % 15 for end in run.panes('mean').window_end})")
    assert ends == [0]

    # faults, and the keys that are shown
    control(page, "burst").check()
    said(page, "burst on: at once")
    delivery = "run.graph.sources['sensors'][0].source.simulator.after.delivery"
    assert ask(page, f"[fault.kind for fault in {delivery}.faults]") == ["burst"]
    control(page, "key zone").select_option(["zone-1", "zone-3"])
    said(page, "zone zone-1, zone-3: at once")
    assert ask(page, "sorted(set(run.seen('mean').zone))") == ["zone-1", "zone-3"]

    # what cannot be is said where it was tried; and who changes the run elsewhere is followed
    ask(page, "str(run.change(lateness='30s', rate=200))")
    page.wait_for_function(
        "document.querySelector('.wb-controls [data-control=lateness] + output').textContent === '30 s'",
        timeout=SECONDS,
    )
    ask(page, "str(run.stop())")
    said(page, "the run is stopped")
    assert control(page, "bound").is_disabled()
    assert page.outside == []
    assert page.wrong == []
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached", timeout=SECONDS)
