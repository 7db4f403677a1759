"""How long one waits: for ``import workbench``, for the first page of a server, for rows of a simulator.

    python -m benchmarks.startup

*Import*: a fresh process, ``python -X importtime -c "import workbench"``, cumulative, the least of five.
*First page*: from the start of ``workbench serve`` to the answer 200 of a dashboard's page with its content
in it, wall time; and until a headless Chromium that is sent there at once has laid out all its plots with
rows in them. *Warm*: everything has been started once before, so that Python finds its bytecode and the
system its files; where an environment forbids to write it (``PYTHONDONTWRITEBYTECODE``), it is allowed here,
or every start would compile half a million lines.

*Rows*: what a source hands over as batches of a simulator, CPU time, over whole blocks.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.checks import Check, tell

PLACE = "clickstream"
CONTENT = "Traffic by page type"
PLOTS = 5
BATCHES = (10_000, 1_000)
RATE = 100_000
QUICK = 40_000
"""Events a second where there is little time: to enter a stream makes all that can still arrive."""
MARKETS = ("Trading", "OrderBook")
"""Whose blocks differ much in size."""
BEGIN = 40
"""The first block that is read: past the first outage of the sensors, in which rows are held back."""


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""That of a warm start: bytecode is kept."""


@functools.cache
def imported(times: int = 5) -> float:
    """Milliseconds of ``import workbench``, the least of so many fresh processes."""
    command = [sys.executable, "-X", "importtime", "-c", "import workbench"]
    found = []
    for _ in range(times):
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT).stderr
        last = re.findall(r"\|\s+(\d+) \| workbench$", said, flags=re.MULTILINE)[-1]
        found.append(int(last) / 1e3)
    return min(found)


@contextmanager
def served() -> Iterator[tuple[str, float]]:
    """Start a server; gives its address, and the moment when the process was started."""
    command = [sys.executable, "-m", "workbench.cli", "serve", "--port", "0"]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as server:
        assert server.stdout is not None
        try:
            yield re.search(r"http://\S+/", server.stdout.readline())[0], begin  # type: ignore[index]
        finally:
            server.terminate()


@functools.cache
def first_page(times: int = 3) -> float:
    """Seconds from a server's start to a dashboard's answer: the least of so many, after one that warms."""
    found = []
    for _ in range(times + 1):
        with served() as (address, begin), urllib.request.urlopen(address + PLACE) as answer:
            assert answer.status == 200 and CONTENT in answer.read().decode()
            found.append(time.perf_counter() - begin)
    return min(found[1:])


@functools.cache
def first_plots(times: int = 2) -> float:
    """Seconds from a server's start until a browser has drawn all plots of a dashboard."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(times):
            with served() as (address, begin):
                page = browser.new_page()
                page.goto(address + PLACE, wait_until="commit")
                page.wait_for_function(f"() => ({DRAWN})() >= {PLOTS}", timeout=60_000)
                found.append(time.perf_counter() - begin)
                page.close()
        browser.close()
    return min(found)


DRAWN = """() => {
  const laid_out = (figure) => { try { return figure.inner_width > 0; } catch { return false; } };
  const models = window.Bokeh ? Bokeh.documents.flatMap(d => [...d._all_models.values()]) : [];
  const figures = models.filter(m => m.type === 'Figure' && laid_out(m));
  return figures.filter(m => m.renderers.some(r => r.data_source.get_length() > 0)).length;
}"""
"""How many figures have been laid out, with rows in them."""


def simulators(rate: int = RATE) -> dict[str, Any]:
    """Each family at about so many events a second."""
    from simulators import City, Clickstream, Fleet, OrderBook, Payments, Sensors, Servers, Trading

    hertz = rate / 1_000
    sites = {
        "shop": rate / 50,
        "video": rate / 100,
        "social": rate / 250,
        "feed": rate / 500,
        "game": rate / 300,
    }
    return {
        **{
            f"Clickstream, {site}": Clickstream(site=site, sessions_per_second=n, seed=7)
            for site, n in sites.items()
        },
        "Trading": Trading(trades_per_second=rate, seed=7),
        "OrderBook": OrderBook(events_per_second=rate, seed=7),
        "Payments": Payments(cards=1_000_000, payments_per_day=rate * 86_400 / 1_000_000, seed=7),
        "Sensors": Sensors(devices=1_000, hertz=hertz, seed=7),
        "City": City(stations=1_000, hertz=hertz, seed=7),
        "Fleet": Fleet(vehicles=1_000, hertz=hertz, seed=7),
        "Servers": Servers(machines=1_000, hertz=hertz, seed=7),
    }


@functools.cache
def delivered(name: str, batch_rows: int, times: int = 3, rate: int = RATE) -> float:
    """Rows a second of CPU time that a source hands over, over so many blocks.

    Over all of them, since to read the end of one makes the next, and blocks of a market differ in size.
    """
    from workbench.sources.simulated import SimulatedSource

    reader = SimulatedSource(simulators(rate)[name], name=name).reader()
    reader.seek((BEGIN, 0))
    while reader.position[0] == BEGIN:  # the first one only leads to the next
        reader.poll(None, batch_rows)
    rows, begin = 0, time.process_time()
    while reader.position[0] <= BEGIN + times:
        rows += len(reader.poll(None, batch_rows))
    return rows / (time.process_time() - begin)


def table() -> list[dict[str, Any]]:
    """One line for each figure."""
    waits = [
        {"what": "import workbench", "value": imported(), "unit": "ms"},
        {"what": f"first page /{PLACE}", "value": first_page(), "unit": "s"},
        {"what": f"first plots of /{PLACE} in a browser", "value": first_plots(), "unit": "s"},
    ]
    return waits + [
        {"what": f"{name}, batches of {rows:,}", "value": delivered(name, rows) / 1e6, "unit": "M rows/s"}
        for name in simulators()
        for rows in BATCHES
    ]


def checks() -> Iterator[Check]:
    """The limits of waiting, and of simulators; each measured once, after once to warm up."""
    rows = min(BATCHES)
    for name in simulators():
        found = delivered(name, rows, 6 if name in MARKETS else 1, QUICK) / 1e6
        yield Check("7", f"{name}, delivered in batches of {rows:,}", found, 1.5, "more", "M rows/s")
    yield Check("8", "import workbench", imported(3) / 1e3, 0.4, "less", "s")
    yield Check("8", f"workbench serve: the page /{PLACE} answered", first_page(1), 5, "less", "s")


def main() -> None:
    tell(checks())
    print(f"and until a browser shows the plots of /{PLACE}: {first_plots():.1f} s")


if __name__ == "__main__":
    main()
