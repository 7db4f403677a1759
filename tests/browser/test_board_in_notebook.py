"""A dashboard of one's own in a cell of JupyterLab: headings, room for each picture, words that are whole."""

from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser

SECONDS = 60_000
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "howto" / "dashboard.ipynb"
TITLES = ["Traffic by action", "Revenue by country", "Orders by country", "Rows that came too late"]

PLACES = """() => [...document.querySelectorAll('.wb-figure')].map(each => each.getBoundingClientRect())
  .map(({ left, top, width }) => [Math.round(left), Math.round(top), Math.round(width)])"""
CUT = """() => [...document.querySelectorAll('.wb-table td')]
  .filter(cell => cell.scrollWidth > cell.clientWidth + 1)
  .map(cell => cell.textContent)"""
COMPLAINTS = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
  .flatMap(cell => cell.outputs?.toJSON() ?? []).filter(output => output.name === "stderr")"""


def test_a_dashboard_in_a_cell_has_headings_and_room(lab, watched):
    page = watched
    page.set_viewport_size({"width": 1400, "height": 2400})
    lab.run(page, "dashboard", notebook=nbformat.read(NOTEBOOK, 4))
    page.wait_for_function("document.querySelectorAll('.wb-figure').length === 3", timeout=SECONDS)
    page.locator(".wb-figure canvas").first.wait_for(timeout=SECONDS)
    page.locator(".wb-table tr:nth-child(3)").first.wait_for(timeout=SECONDS)
    shown = page.locator(".jp-OutputArea-output")
    for title in TITLES:
        assert shown.get_by_role("heading", name=title, exact=True).count() == 1
    (left, top, width), second, third = page.evaluate(PLACES)
    assert min(width, second[2]) > 400
    assert (second[0] > left + width, second[1]) == (True, top)
    assert third[2] > 2 * width
    words = page.locator(".wb-table tr:nth-child(2)").first.inner_text().split()
    assert sum(word.count(":") == 2 for word in words) == 3  # event_time, arrival_time and watermark
    assert words[-2] == "s"  # late_by, with its unit
    assert page.evaluate(CUT) == []
    assert page.evaluate(COMPLAINTS) == []

    # below each other where it is narrow
    page.set_viewport_size({"width": 1000, "height": 2400})
    page.wait_for_function(f"new Set(({PLACES})().map(([left]) => left)).size === 1", timeout=SECONDS)
    assert min(width for *_, width in page.evaluate(PLACES)) > 400
    assert (page.outside, page.wrong) == ([], [])


def test_what_cannot_be_drawn_says_so_in_the_cell_and_nothing_else(lab, watched):
    page = watched
    described = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
run = traffic.start(speed=20)
"""
    lab.run(page, "wrong", described, 'traffic.plot.hist("events").apply(lambda shown: 1 / 0)')
    notice = page.locator(".wb-notice")
    notice.get_by_text("hist of events cannot be drawn: ZeroDivisionError").wait_for(timeout=SECONDS)
    assert "line 1" in notice.inner_text()
    page.wait_for_timeout(1_500)
    assert page.get_by_text("waiting for the first rows").count() == 0
    assert page.evaluate(COMPLAINTS) == []
    assert (page.outside, page.wrong) == ([], [])
