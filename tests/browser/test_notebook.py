"""JupyterLab in a real browser: live cells, cells run again, and the first notebook from end to end."""

import re
from pathlib import Path

import nbformat
import pytest

import workbench as wb
from simulators import Clickstream

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "learn" / "00_ten_minutes.ipynb"
SECONDS = 60_000
"""The longest that anything may take, in milliseconds."""


def text(page, selector, at=0):
    return page.locator(selector).nth(at).inner_text()


def rows_said(page, at=0):
    """The watermark that the line of health says."""
    return re.search(r"watermark (\S+)", text(page, ".wb-health", at))[1]


def wait_for_change(page, selector, before, at=0):
    page.wait_for_function(
        "([selector, at, before]) => document.querySelectorAll(selector)[at]?.innerText !== before",
        arg=[selector, at, before],
        timeout=SECONDS,
    )


DESCRIBED = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
"""


def test_a_plot_and_a_table_live_while_the_cell_is_done_and_the_numbers_are_right(lab, watched):
    page = watched
    # slow enough that a slow machine draws a window before the table has moved on
    shown = 'run = traffic.start(speed=4)\ntraffic.plot.line("window_end", "events", by="action")'
    lab.run(page, "live", DESCRIBED, shown, "traffic.plot.table(last=120)", "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)  # the cells before did not block
    page.locator(".wb-table").wait_for(timeout=SECONDS)
    page.locator(".bk-Canvas, .bk-Figure canvas").first.wait_for(timeout=SECONDS)
    before = text(page, ".wb-health")
    wait_for_change(page, ".wb-health", before)
    page.locator(".wb-table tr:not(.open) >> text=09:00:20").first.wait_for(timeout=SECONDS)

    # the final panes on the page are those that the same stream gives at once
    cells = page.locator(".wb-table tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.innerText))"
    )
    said = {(row[1], row[2]): int(row[3].replace(",", "")) for row in cells[1:] if row[4] == "on_time"}
    clicks = wb.stream(Clickstream(seed=7), watermark="2s", duration="10min")
    panes = clicks.groupby("action").window("10s").agg(events=("event_id", "size")).to_pandas()
    right = {
        (f"{end:%H:%M:%S}", action): events
        for end, action, events in zip(panes.window_end, panes.action, panes.events, strict=True)
    }
    assert len(said) >= 6
    assert {pane: right.get(pane) for pane in said} == said

    # a pause stands still, and the other cell's display says so too
    page.get_by_title("pause or go on").first.click()
    page.wait_for_function(
        "[...document.querySelectorAll('.wb-health')].every(line => line.innerText.startsWith('paused'))",
        timeout=SECONDS,
    )
    held, before = rows_said(page), text(page, ".wb-health")
    page.get_by_title("one batch").first.click()
    wait_for_change(page, ".wb-health", before)
    assert rows_said(page) >= held

    # back, by the keyboard: the watermark is an earlier one, and comes again
    ahead = rows_said(page)
    page.get_by_title("one batch").first.press("ArrowLeft")
    page.wait_for_function(
        "ahead => document.querySelector('.wb-health').innerText.match(/watermark (\\S+)/)[1] !== ahead",
        arg=ahead,
        timeout=SECONDS,
    )
    page.get_by_title("to the next pane").first.click()
    assert page.outside == []
    assert page.wrong == []


def test_a_cell_run_again_replaces_its_run_and_its_display(lab, watched):
    page = watched
    counted = "import workbench\nprint(len(workbench.runs()), 'live')"
    lab.run(page, "again", DESCRIBED, "traffic.plot.table()", counted)
    page.get_by_text("1 live", exact=True).wait_for(timeout=SECONDS)
    for _ in range(3):
        lab.command(page, "notebook:run-all-cells")
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
            timeout=SECONDS,
        )
        page.locator(".wb-table").wait_for(timeout=SECONDS)
    assert page.locator(".wb-health").count() == 1
    assert page.get_by_text("1 live", exact=True).count() == 1
    assert page.outside == []


def test_the_graph_and_the_time_plane_live_in_cells_of_their_own(lab, watched):
    page = watched
    plane, graph = "traffic.timeplane(last='1min')", "run = traffic.start(speed=10)\nrun.graph()"
    lab.run(page, "pictures", DESCRIBED, graph, plane, "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)
    page.locator(".wb-graph-view svg").wait_for(timeout=SECONDS)
    page.locator(".wb-plane svg path.watermark").first.wait_for(timeout=SECONDS)
    page.locator(".wb-graph-view").get_by_text("more of event time").wait_for(timeout=SECONDS)
    caption = page.locator(".wb-plane svg").get_attribute("aria-label")
    page.wait_for_function(
        "before => document.querySelector('.wb-plane svg').getAttribute('aria-label') !== before",
        arg=caption,
        timeout=SECONDS,
    )

    # by the keyboard: the last rows of a step, with their types
    page.locator('.wb-graph-view [data-node="2"]').first.focus()
    page.keyboard.press("Enter")
    page.locator(".wb-graph-view .peek tbody tr").first.wait_for(timeout=SECONDS)
    assert "datetime64" in text(page, ".wb-graph-view .peek thead")
    assert page.outside == []
    assert page.wrong == []


def test_an_error_is_said_in_the_cell_that_owns_the_run(lab, watched):
    page = watched
    bad = "bad = clicks.assign(x=lambda f: f.nothing).window('10s').agg(n=('x', 'size'))\nrun = bad.start()"
    lab.run(page, "error", DESCRIBED, bad, "print('next')", "bad.plot.table()")
    page.get_by_text("next", exact=True).wait_for(timeout=SECONDS)
    owner = page.locator(".jp-Cell").nth(1)
    owner.get_by_text("failed: step 'assign' raised AttributeError").wait_for(timeout=SECONDS)
    page.locator(".wb-health").get_by_text("failed").wait_for(timeout=SECONDS)


def test_the_first_notebook_runs_from_its_first_cell_to_its_last(lab, watched):
    page = watched
    lab.run(page, "00_ten_minutes", notebook=nbformat.read(NOTEBOOK, as_version=4))
    told = re.compile(r"rows arrived: [\d,]+ are in a window, \d+ came too late")
    page.get_by_text(told).wait_for(timeout=SECONDS)
    page.locator(".wb-table").wait_for(timeout=SECONDS)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".wb-health").count() == 4  # two pictures, and two cards of runs
    assert page.outside == []
    assert page.wrong == []
