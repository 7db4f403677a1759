"""What displays cost a kernel: the CPU that it takes to draw a run of 50,000 events a second in JupyterLab.

A real JupyterLab, a real browser that draws what it is sent. The kernel's CPU time is taken while a run goes
on that nobody looks at, and while its card, its graph, its time plane and a plot are displayed, in turns.

    python -m benchmarks.display
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.checks import Check, tell

EVENTS, SECONDS = 50_000, 20
LIMIT = 0.15

DESCRIBED = f"""
import asyncio, json, time
import workbench as wb
from simulators import Sensors
readings = wb.stream(Sensors(devices=1_000, hertz={EVENTS / 1_000}, seed=7), watermark="2s")
windows = readings.groupby("zone").window("5s", lateness="5s")
means = windows.agg(mean=("temperature", "mean"), rows=("temperature", "size"))
"""
STARTED = "run = means.start(name='measured')"
SHOWN = (
    "run",
    "run.graph()",
    "means.timeplane(last='30s')",
    "means.plot.line('window_end', 'mean', by='zone')",
)
MEASURED = f"""
async def measured():
    await asyncio.sleep(10)
    begin, wall, rows = time.process_time(), time.perf_counter(), run.metrics().rows
    await asyncio.sleep({SECONDS})
    took = time.perf_counter() - wall
    print("told", json.dumps([(time.process_time() - begin) / took, (run.metrics().rows - rows) / took]))
task = asyncio.ensure_future(measured())
"""


def checks() -> Iterator[Check]:
    """The share of a core that displays take."""
    alone, rows = measure(())
    shown, _ = measure(SHOWN)
    print(f"  (a core: {alone:.1%} unseen, {shown:.1%} seen; {rows:,.0f} rows/s)")
    yield Check(
        "display", f"drawing {EVENTS:,} events/s in JupyterLab, of one core", shown - alone, LIMIT, "less", ""
    )


def measure(shown: tuple[str, ...]) -> tuple[float, float]:
    """Give the share of a core that a kernel takes, and the rows a second that it gets through."""
    with tempfile.TemporaryDirectory() as folder:
        cells = [DESCRIBED, STARTED, *shown, MEASURED]
        Path(folder, "display.ipynb").write_text(json.dumps(notebook(cells)), encoding="utf-8")
        with lab(folder) as address, page() as tab:
            tab.goto(f"{address}/lab/workspaces/display/tree/display.ipynb")
            tab.wait_for_function(
                "window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady", timeout=120_000
            )
            tab.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
            said = tab.get_by_text(re.compile(r"^told \["))
            wrong = tab.locator('[data-mime-type="application/vnd.jupyter.error"]')
            said.or_(wrong).first.wait_for(timeout=1_000 * (SECONDS + 90))
            if wrong.count():
                raise RuntimeError(f"a cell of the measured notebook failed:\n{wrong.first.inner_text()}")
            core, rows = json.loads(said.inner_text().removeprefix("told "))
            return core, rows


def notebook(cells: list[str]) -> dict[str, Any]:
    """A notebook of cells of code."""
    made = [
        {
            "cell_type": "code",
            "id": f"cell{at}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": source,
        }
        for at, source in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@contextmanager
def lab(folder: str) -> Iterator[str]:
    """JupyterLab on a free port, with nothing of the user's own; gives its address."""
    homes = {
        name: f"{folder}/.{name.lower()}" for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"]
    options += [
        "--expose-app-in-browser",
        "--IdentityProvider.token=",
        "--LabApp.news_url=",
        f"--ServerApp.root_dir={folder}",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **homes},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = next(
            found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )
        threading.Thread(target=process.stdout.read, daemon=True).start()  # or the pipe would fill
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def page() -> Iterator[Any]:
    """A page of a headless browser."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page(viewport={"width": 1400, "height": 1800})
        browser.close()


if __name__ == "__main__":
    tell(checks())
