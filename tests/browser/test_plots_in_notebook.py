"""Composed pictures in JupyterLab: live, the engine's numbers, small when saved, there without a kernel."""

from pathlib import Path

import nbformat
import pytest

import workbench as wb
from simulators import Clickstream

pytestmark = pytest.mark.browser

SECONDS = 60_000
LESSONS = Path(__file__).parents[2] / "notebooks" / "learn"

DESCRIBED = """
import holoviews as hv
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(seed=7), watermark="2s", duration="10min")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
run = traffic.start(speed=20)
"""

PICTURES = [
    'traffic.plot.line("window_end", "events", by="action", title="lines")',
    'traffic.plot.area("window_end", "events", by="action") + traffic.plot.bars("action", "events")',
    '(traffic.plot.bars("window_start", "events", by="action") * hv.HLine(1000)).opts(height=200)',
    'traffic.plot.heatmap("action", "events")',
]

LINES = """() => Bokeh.documents.flatMap(doc => [...doc.all_models])
  .filter(model => model.type === "GlyphRenderer" && model.glyph.type === "Line")
  .map(({ data_source: { data } }) => [...data.window_end].map((at, i) => [at, [...data.events][i]]))"""
"""What the lines on the page hold: moments in ms, and values."""


KEPT = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .flatMap(cell => cell.outputs?.toJSON() ?? [])
  .filter(output => `${output.data?.["text/html"]}`.includes("<img")).length === 4"""
"""Whether four outputs of the notebook hold a picture."""


@pytest.fixture(scope="module")
def sums():
    """What the engine gives at once: by action, the value of the window that ends so many ms after 1970."""
    clicks = wb.stream(Clickstream(seed=7), watermark="2s", duration="10min")
    panes = clicks.groupby("action").window("10s").agg(events=("event_id", "size")).to_pandas()
    ends = panes.window_end.astype("datetime64[ms]").astype("int64")
    wide = panes.assign(at=ends).pivot(index="at", columns="action", values="events")
    return {action: wide[action].dropna().astype(int).to_dict() for action in wide}


def test_pictures_live_with_the_numbers_of_the_engine_and_are_small_when_saved(lab, watched, sums):
    page = watched
    page.set_viewport_size({"width": 1400, "height": 2800})  # so that JupyterLab draws every cell
    lab.run(page, "composed", DESCRIBED, *PICTURES, "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)
    page.wait_for_function("window.Bokeh?.documents?.length >= 4", timeout=SECONDS)
    assert page.locator(".wb-figure").count() == 4
    assert page.locator(".wb-health").count() == 4

    # live: more windows come, and each that is final is the engine's
    page.wait_for_function(f"({LINES})().some(line => line.length >= 8)", timeout=SECONDS)
    before = max(len(line) for line in page.evaluate(LINES))
    page.wait_for_function(
        f"before => ({LINES})().some(line => line.length > before)", arg=before, timeout=SECONDS
    )
    lines = page.evaluate(LINES)
    assert len(lines) == len(sums)
    matched = set()
    for line in lines:
        final = {int(at): int(value) for at, value in line if value is not None and value == value}
        action = next(name for name, right in sums.items() if final.items() <= right.items())
        assert len(final) >= 6
        matched.add(action)
    assert matched == set(sums)

    # held, the notebook is saved with pictures of what is seen, and little else
    page.get_by_title("pause or go on").first.click()
    page.locator(".wb-health").first.get_by_text("paused").wait_for(timeout=SECONDS)
    page.wait_for_function(KEPT, timeout=SECONDS)
    path = lab.saved(page, "composed")
    assert path.stat().st_size < 120_000
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.outputs]
    shown = [output.data for output in outputs if output.output_type == "display_data"]
    assert len(shown) == 4
    assert all(set(data) == {"text/plain", "text/html"} for data in shown)
    assert "still open" in shown[0]["text/plain"]

    # the page is loaded anew while the kernel goes on: the live views are there again
    page.reload()
    page.wait_for_function("window.Bokeh?.documents?.length >= 4", timeout=SECONDS)
    page.get_by_title("pause or go on").first.click()
    page.wait_for_function(
        f"before => ({LINES})().some(line => line.length > before)", arg=before, timeout=SECONDS
    )
    assert (page.outside, page.wrong) == ([], [])

    # without a kernel there are the pictures
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    lab.saved(page, "composed")
    page.reload()
    page.locator(".wb-still img").first.wait_for(timeout=SECONDS)
    page.wait_for_function("document.querySelectorAll('.wb-still img').length === 5", timeout=SECONDS)
    assert all(page.locator(".wb-still img").evaluate_all("all => all.map(img => img.naturalWidth > 500)"))
    assert page.get_by_text("model not found").count() == 0
    assert page.outside == []


def test_another_view_of_an_output_and_a_cell_run_again(lab, watched):
    page = watched
    page.set_viewport_size({"width": 1400, "height": 1600})
    lab.run(page, "again", DESCRIBED, PICTURES[0], "print('done')")
    page.wait_for_function("window.Bokeh?.documents?.length === 1", timeout=SECONDS)
    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1")
    lab.command(page, "notebook:create-output-view")
    page.wait_for_function("document.querySelectorAll('.wb-figure').length === 2", timeout=SECONDS)
    page.wait_for_function("window.Bokeh.documents.length === 2", timeout=SECONDS)
    both = f"before => ({LINES})().filter(line => line.length > before).length >= 12"  # six lines in each
    before = max(len(line) for line in page.evaluate(LINES))
    page.wait_for_function(both, arg=before, timeout=SECONDS)

    for _ in range(3):
        lab.command(page, "notebook:run-all-cells")
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext?.session.kernel.status !== 'busy'",
            timeout=SECONDS,
        )
    page.locator(".wb-figure canvas").first.wait_for(timeout=SECONDS)
    assert (page.outside, page.wrong) == ([], [])


OWN = """
import holoviews as hv
import workbench as wb
wb.extension()
"""
FIXED = [
    'hv.Curve([1, 3, 2], label="a").opts(width=500) * hv.Scatter([2, 1, 3], label="b")',
    "hv.Curve([1, 3, 2]) + hv.Histogram(([0, 1, 2], [3, 4]))",
    "(hv.Path([[(0, 0), (1, 1)], [(0, 1), (1, 0)]]) * hv.Points([(0.5, 0.5)])).opts(height=200)",
]


def test_pictures_of_ones_own_ask_the_internet_for_nothing(lab, watched):
    page = watched
    page.set_viewport_size({"width": 1400, "height": 2000})
    lab.run(page, "own", OWN, *FIXED, "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)
    page.wait_for_function("window.Bokeh?.documents?.length >= 3", timeout=SECONDS)
    assert page.locator(".wb-figure").count() == 3
    kinds = page.evaluate("() => Bokeh.documents.map(doc => [...doc.all_models].map(model => model.type))")
    assert [kind.count("Figure") for kind in kinds] == [1, 2, 1]
    path = lab.saved(page, "own")
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.outputs]
    shown = [output.data for output in outputs if output.output_type == "display_data"]
    assert [data["text/plain"].split()[0] for data in shown] == [":Overlay", ":Layout", ":Overlay"]
    assert [data["text/html"].count("<img") for data in shown] == [1, 2, 1]
    assert path.stat().st_size < 60_000
    assert page.outside == []
    assert page.wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["01_clickstream", "02_trading", "03_sensors"])
def test_the_lessons_ask_the_internet_for_nothing(lab, watched, name):
    page = watched
    page.set_viewport_size({"width": 1400, "height": 9000})
    notebook = nbformat.read(LESSONS / f"{name}.ipynb", 4)
    notebook.cells.append(nbformat.v4.new_code_cell("print('do' + 'ne')"))
    lab.run(page, name, notebook=notebook)
    page.get_by_text("done", exact=True).wait_for(timeout=3 * SECONDS)
    page.locator(".wb-figure").first.wait_for(timeout=SECONDS)
    assert page.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0
    assert page.outside == []
    assert page.wrong == []
