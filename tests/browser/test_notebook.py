"""JupyterLab in a real browser: live cells, cells run again, and the first notebook from end to end."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest

import workbench as wb
from simulators import Clickstream

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "learn" / "00_ten_minutes.ipynb"
SECONDS = 60_000
"""The longest that anything may take, in milliseconds."""


@pytest.fixture
def page(page):
    """The page, with what it asked of others than this machine, and what its console complained of."""
    page.outside, page.wrong = [], []

    def asked(request):
        if not re.match(r"(http|ws)://127\.0\.0\.1:|data:|blob:", request.url):
            page.outside.append(request.url)

    page.on("request", asked)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    return page


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a free port, in a folder of its own; gives its address and the folder."""
    folder = tmp_path_factory.mktemp("lab")
    options = [
        "--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1",
        "--expose-app-in-browser",
        "--IdentityProvider.token=", "--LabApp.news_url=", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    homes = {
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
        "JUPYTER_DATA_DIR": str(folder / ".data"),
        "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
        "IPYTHONDIR": str(folder / ".ipython"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **homes},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = next(
            found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )
        threading.Thread(target=process.stdout.read, daemon=True).start()  # or the pipe would fill
        yield address, folder
    finally:
        process.terminate()
        process.communicate(timeout=30)


def open_notebook(page, lab, notebook, name):
    address, folder = lab
    nbformat.write(notebook, folder / name)
    page.goto(f"{address}/lab/workspaces/{name.split('.')[0]}/tree/{name}")  # so no other notebook is open
    page.wait_for_function(
        "window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady", timeout=SECONDS
    )


def run_all(page):
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")


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


def live_notebook(*sources):
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return notebook


DESCRIBED = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
"""


def test_a_plot_and_a_table_live_while_the_cell_is_done_and_the_numbers_are_right(page, lab):
    # slow enough that a slow machine draws a window before the table has moved on
    shown = 'run = traffic.start(speed=4)\ntraffic.plot.line("window_end", "events", by="action")'
    open_notebook(
        page,
        lab,
        live_notebook(DESCRIBED, shown, "traffic.plot.table(last=120)", "print('done')"),
        "live.ipynb",
    )
    run_all(page)
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


def test_a_cell_run_again_replaces_its_run_and_its_display(page, lab):
    notebook = live_notebook(
        DESCRIBED, "traffic.plot.table()", "import workbench\nprint(len(workbench.runs()), 'live')"
    )
    open_notebook(page, lab, notebook, "again.ipynb")
    run_all(page)
    page.get_by_text("1 live", exact=True).wait_for(timeout=SECONDS)
    for _ in range(3):
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
            timeout=SECONDS,
        )
        page.locator(".wb-table").wait_for(timeout=SECONDS)
    assert page.locator(".wb-health").count() == 1
    assert page.get_by_text("1 live", exact=True).count() == 1
    assert page.outside == []


def test_the_graph_and_the_time_plane_live_in_cells_of_their_own(page, lab):
    plane = "traffic.timeplane(last='1min')"
    notebook = live_notebook(DESCRIBED, "run = traffic.start(speed=10)\nrun.graph()", plane, "print('done')")
    open_notebook(page, lab, notebook, "pictures.ipynb")
    run_all(page)
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


def test_an_error_is_said_in_the_cell_that_owns_the_run(page, lab):
    bad = "bad = clicks.assign(x=lambda f: f.nothing).window('10s').agg(n=('x', 'size'))\nrun = bad.start()"
    open_notebook(
        page, lab, live_notebook(DESCRIBED, bad, "print('next')", "bad.plot.table()"), "error.ipynb"
    )
    run_all(page)
    page.get_by_text("next", exact=True).wait_for(timeout=SECONDS)
    owner = page.locator(".jp-Cell").nth(1)
    owner.get_by_text("failed: step 'assign' raised AttributeError").wait_for(timeout=SECONDS)
    page.locator(".wb-health").get_by_text("failed").wait_for(timeout=SECONDS)


def test_the_first_notebook_runs_from_its_first_cell_to_its_last(page, lab):
    open_notebook(page, lab, nbformat.read(NOTEBOOK, as_version=4), "00_ten_minutes.ipynb")
    run_all(page)
    told = re.compile(r"rows arrived: [\d,]+ are in a window, \d+ came too late")
    page.get_by_text(told).wait_for(timeout=SECONDS)
    page.locator(".wb-table").wait_for(timeout=SECONDS)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".wb-health").count() == 2
    assert page.outside == []
    assert page.wrong == []
