"""The pictures of docs/gallery.md, taken in JupyterLab: held at the same moments of the same streams.

To take them anew: ``WORKBENCH_GALLERY=docs/images .venv/bin/python -m pytest tests/browser/test_gallery.py``.
"""

import os
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 60_000
MOST = 120_000
"""Bytes of a picture."""

CLICKS = """\
import workbench as wb
from simulators import Clickstream

clicks = wb.stream(Clickstream(seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s", lateness="5s").agg(events=("event_id", "size"))
"""
HELD = """\
run = traffic.start(name="traffic", speed=10, paused=True)
for _ in range({}):
    run.step()
"""

PLANE = [
    CLICKS,
    HELD.format(62),
    'traffic.timeplane(last="40s")',
    'run.explain("events", action="view", window="09:00:20").query("pane != 0")',
]

TUNER = [
    """\
import workbench as wb
from simulators import Sensors

readings = wb.stream(Sensors(seed=7), watermark="3s")
counted = readings.window("10s", lateness="5s").agg(n=("event_id", "size"))
run = counted.start(speed=10, paused=True)
for _ in range(40):
    run.step()
""",
    "counted.completeness()",
]

ORDERS = [
    """\
import pandas as pd
import workbench as wb

noon = pd.Timestamp("2026-01-05 12:00")
seen = pd.to_datetime([5, 21, 48, 66, 40, 71, 50, 95, 30, 110, 128, 102, 150], unit="s", origin=noon)
arrived = pd.to_datetime([7, 24, 50, 68, 75, 80, 85, 99, 104, 114, 131, 140, 155], unit="s", origin=noon)
table = pd.DataFrame({"seen": seen, "arrived": arrived, "value": range(1, 14)})


def minutes(rows):
    stream = wb.stream(rows, time="seen", arrival="arrived", watermark="10s")
    return stream.window("1min", lateness="20s").agg(total=("value", "sum"))
""",
    """\
prompt = table.assign(arrived=table.seen + pd.Timedelta("2s")).sort_values("arrived")
minutes(table).timeplane() | minutes(prompt).timeplane()""",
]

STAGES = [
    """\
import workbench as wb
from simulators import Clickstream, Delivery

shop = Clickstream(seed=7, users=2_000)
app = Clickstream(seed=8, users=2_000, delivery=Delivery.mobile())
views = wb.stream(shop, watermark="2s", name="shop").query("action == 'product'")
taps = wb.stream(app, watermark="12s", name="app").query("action == 'product'")
both = views.interval_join(taps, on="user_id", lower="-5s", upper="5s").named("joined")
seen = both.window("10s").agg(pairs=("user_id", "size"))
""",
    """\
run = seen.start(speed=10, paused=True)
for _ in range(45):
    run.step()
run.timeplanes()""",
]

GRAPH = [CLICKS, HELD.format(45), "run.graph()"]

CONTROLS = [CLICKS, HELD.format(45), "run", "run.controls()"]

COMPOSED = [
    CLICKS,
    HELD.format(290),
    """\
lines = traffic.plot.line("window_end", "events", by="action", title="events in 10 s")
stacked = traffic.plot.area("window_end", "events", by="action", title="one on the other")
cells = traffic.plot.heatmap("action", "events", title="each window")
latest = traffic.plot.bars("action", "events", title="the latest window")
(lines + stacked + cells + latest).cols(2)""",
]

ERRORS = [
    CLICKS,
    """\
shelves = {product: f"shelf {product % 7}" for product in range(1_900)}

seen = clicks.query("action == 'product'")
placed = seen.assign(shelf=lambda rows: rows.product_id.map(lambda product: shelves[product]))
found = placed.groupby("shelf").window("10s").agg(events=("event_id", "size"))
run = found.start(name="shelves", on_error="reject", speed=10, paused=True)
for _ in range(50):
    run.step()""",
    "run.ledger(figure=True)",
]


def drag(page):
    """Drag the point, and hold it."""
    box = page.locator(".wb-tuner svg").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.72 * box["width"], box["y"] + 0.4 * box["height"], steps=4)


def peek(page):
    """Click a step: its last rows are shown."""
    page.locator('.wb-graph-view [data-node="2"]').first.click()
    page.locator(".wb-graph-view .peek tbody tr").first.wait_for(timeout=SECONDS)


def turn(page):
    """Turn a dial by the keyboard, and let the line say what it did."""
    page.locator('.wb-controls [data-control="bound"]').focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.locator(".wb-controls [role=status]").get_by_text("at once").wait_for(timeout=SECONDS)


PICTURES = {
    "timeplane.jpg": (PLANE, ".wb-plane svg path.watermark", None, (2, 3)),
    "tuner.png": (TUNER, ".wb-tuner [role=slider]", drag, (1, 1)),
    "orders.png": (ORDERS, ".wb-planes svg path.watermark", None, (1, 1)),
    "stages.jpg": (STAGES, ".wb-planes svg path.watermark", None, (1, 1)),
    "graph_dark.png": (GRAPH, ".wb-graph-view svg", peek, (2, 2)),
    "controls_dark.png": (CONTROLS, ".wb-controls .groups", turn, (2, 3)),
    "composed.png": (COMPOSED, ".wb-figure canvas", None, (2, 2)),
    "errors.png": (ERRORS, ".wb-notice table", None, (1, 2)),
}
"""By file: the cells, what must be there, what a person does, and the first and last cell that are seen."""

HIDDEN = ".jp-toast-container, .Toastify, .jp-cell-toolbar { display: none !important; }"


@pytest.fixture
def folder(tmp_path):
    """Where the pictures go."""
    return Path(os.environ.get("WORKBENCH_GALLERY", tmp_path))


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_taken(lab, watched, folder, name):
    page = watched
    cells, shown, act, (first, last) = PICTURES[name]
    page.set_viewport_size({"width": 1060, "height": 1500})
    lab.open(page, Path(name).stem, *cells)
    page.add_style_tag(content=HIDDEN)
    theme = "JupyterLab Dark" if "_dark" in name else "JupyterLab Light"
    page.evaluate("t => jupyterapp.commands.execute('apputils:change-theme', {theme: t})", theme)
    lab.command(page, "filebrowser:toggle-main")
    lab.command(page, "notebook:run-all-cells")
    page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    page.locator(shown).first.wait_for(timeout=SECONDS)
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
        timeout=SECONDS,
    )
    if act is not None:
        act(page)
    page.wait_for_timeout(1_500)  # until what moves has come to rest
    boxes = [page.locator(".jp-Cell").nth(at).bounding_box() for at in (first, last)]
    top, bottom = boxes[0]["y"], boxes[1]["y"] + boxes[1]["height"]
    clip = {"x": boxes[0]["x"], "y": top, "width": boxes[0]["width"], "height": bottom - top}
    path = folder / name
    page.screenshot(path=path, clip=clip, **({"quality": 70} if path.suffix == ".jpg" else {}))
    assert 20_000 < path.stat().st_size < MOST
    assert (page.outside, page.wrong) == ([], [])
