"""How long a row takes to a pane and to the page, and what that costs: three live plots in a browser.

    python -m benchmarks.latency [rows a second ...]

A server of its own process runs `simulators.Sensors` at so many rows a second through windows of one second
by zone, with three aggregates and panes for every batch (``early=1``), and serves a page of three plots of
them to a headless Chromium.

*Row to pane*: from the moment when the source hands the row's batch over (its ingestion) to the moment when a
pane that contains it has come out. *Row to page*: from the same moment to the one when the page's own table,
the Bokeh data source of the plot that is brought up to date last, holds a pane that contains it; both are
read off the same clock. *From arrival* counts from the moment when the simulator makes the row arrive, so
that waiting for the driver's next look at the source counts too, and a source that falls behind cannot hide.

No row is left out or sampled: rows are counted, not marked. The plot shows rows by window, so the sum over
its windows says which row is the last on the page; every row before it has come. Nothing is lost, duplicated
or late here (``Delivery.market``, a watermark 100 ms behind), or the sums would not be those of the rows
handed over; a row that never comes has no latency, and fails the check.

CPU is that of the server's process, simulator, engine and serialisation together, as a share of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import shutil
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from benchmarks.checks import Check, tell

RATES = (1_000, 10_000, 100_000)
SECONDS = 10
"""How long is measured, at each rate."""
SETTLE = 4
"""Seconds from the page's first plot to the first row that counts."""
BUSY = 100_000
"""The rate that the limits are about."""
ZONES = 6
SPAN = "60s"
"""What the plots show."""

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

WATCH = """() => {
  const models = Bokeh.documents.flatMap(d => [...d._all_models.values()]);
  const named = models.filter(m => m.type === 'ColumnDataSource');
  const tables = named.filter(m => (m.tags || []).includes('rows'));
  const others = named.filter(m => (m.tags || []).length && !m.tags.includes('rows'));
  const seen = new Map();
  window.log = [];
  window.changes = 0;
  const note = () => {
    const now = Date.now();
    for (const { data } of tables) {
      const columns = Object.keys(data).filter(name => /^v\\d+$/.test(name)).map(name => data[name]);
      for (let row = 0; row < data.key.length; row++) {
        const rows = columns.reduce((sum, column) => sum + column[row], 0);
        if (rows) seen.set(data.key[row], Math.max(rows, seen.get(data.key[row]) || 0));
      }
    }
    let total = 0;
    for (const rows of seen.values()) total += rows;
    const log = window.log;
    if (!log.length || log[log.length - 1][1] !== total) log.push([now, total]);
  };
  const watch = (table, tell) => {
    const signals = [table.properties.data.change, table.patching, table.streaming];
    for (const signal of signals) signal.connect(tell);
  };
  for (const table of tables) watch(table, note);
  for (const table of others) watch(table, () => { window.changes += 1; });
  note();
  return Math.min(...seen.keys());
}"""
"""Notes in the page when its table changes, and the rows that it then holds; gives its first window."""


# --- the server ---


class Watched:
    """A source whose reader notes when each batch was handed over, its rows, and how long they had waited."""

    def __init__(self, source: Any) -> None:
        self.name, self.schema, self._source = source.name, source.schema, source
        self.batches: list[tuple[float, int, float, float]] = []

    def reader(self) -> Any:
        return WatchedReader(self._source.reader(), self.batches)


class WatchedReader:
    def __init__(self, reader: Any, batches: list[tuple[float, int, float, float]]) -> None:
        self._reader, self._batches = reader, batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def poll(self, until: int | None, rows: int) -> Any:
        """Note the moment in milliseconds, the rows, and how long the first and the last had waited."""
        asked = time.time() * 1e3
        frame = self._reader.poll(until, rows)
        if frame is not None and len(frame):
            now, arrivals = time.time() * 1e3, self._reader.arrivals
            first, last = ((until - arrivals[[0, -1]]) / 1e6 + now - asked) if until else (0.0, 0.0)
            self._batches.append((now, len(frame), float(first), float(last)))
        return frame


class Board:
    """The pipeline and the page that are measured."""

    def __init__(self, rate: int) -> None:
        from workbench.sources.simulated import SimulatedSource
        from workbench.views.service import Feed

        self.rate = rate
        self.source = Watched(SimulatedSource(simulator(rate), name="sensors"))
        self.panes: list[tuple[float, int]] = []
        self.counts: dict[tuple[float, str], int] = {}
        self.feed = Feed("load", self.pipeline, speed=1, warm_up="4s", batch_rows=20_000)

    def pipeline(self) -> Any:
        import workbench as wb

        readings = wb.stream(self.source, watermark="100ms").groupby("zone").window("1s")
        return {
            "zones": readings.agg(
                temperature=("temperature", "mean"),
                humidity=("humidity", "mean"),
                rows=("event_id", "size"),
                early=1,
            )
        }

    async def start(self) -> None:
        """Start the run; every pane that comes out is counted."""
        started = asyncio.ensure_future(self.feed.start())
        await asyncio.sleep(0)
        self.feed.run["zones"].sink(self._note)
        await started

    def _note(self, panes: Any) -> None:
        now = time.time() * 1e3
        starts = (panes["window_start"].astype("int64") / 1e3).tolist()
        for start, zone, rows in zip(starts, panes["zone"], panes["rows"].tolist(), strict=True):
            self.counts[start, zone] = rows
        self.panes.append((now, sum(self.counts.values())))

    def view(self) -> Any:
        from workbench.views.charts import line_plot, stacked_plot
        from workbench.views.live import Tables
        from workbench.views.page import Card, Page, kpis

        feed, zones = self.feed, [f"zone-{number + 1}" for number in range(ZONES)]
        looks: dict[str, Any] = {"categories": zones, "x_label": "event time (UTC)"}

        def panes() -> Any:
            return feed.panes("zones", last=SPAN)

        plots = {
            name: line_plot(panes(), "window_end", name, "zone", y_format="0.0", y_label=unit, **looks)
            for name, unit in (("temperature", "°C"), ("humidity", "%"))
        }
        plots["rows"] = stacked_plot(
            panes(), "rows", "zone", height=300, y_label="readings per second", **looks
        )
        for name, plot in plots.items():
            for table in plot.sources.values():
                table.tags = [name]

        def update() -> None:
            for name, plot in plots.items():
                plot.show(feed.once(f"show {name}", lambda plot=plot: Tables(plot.shape(panes()))))

        cards = [
            Card("Temperature by zone, °C", plots["temperature"], span=6),
            Card("Humidity by zone, %", plots["humidity"], span=6),
            Card("Readings by zone, per second", plots["rows"], span=12),
        ]
        question = f"What does a page cost at {self.rate:,} readings a second?"
        return Page([feed], "load", "Load", question, cards, kpis(), update).view()

    def told(self) -> dict[str, Any]:
        """Everything noted, for the process that measures."""
        counts: dict[float, int] = {}
        for (start, _), rows in self.counts.items():
            counts[start] = counts.get(start, 0) + rows
        return {"batches": self.source.batches, "panes": self.panes, "windows": sorted(counts.items())}


def simulator(rate: int) -> Any:
    """Sensors with so many readings a second, all of which arrive, up to 50 ms out of order."""
    from simulators import Ahead, Delivery, Sensors

    devices = min(1_000, max(100, rate // 100))
    delivery = Delivery.market()
    return Ahead(
        Sensors(devices=devices, hertz=rate / devices, zones=ZONES, missing=0, seed=7, delivery=delivery)
    )


def serve(rate: int) -> None:
    """Serve the page; answers ``mark`` with the CPU time so far, and ``end`` with everything noted."""
    import panel as pn

    from workbench.views.serve import freeze, hush

    board = Board(rate)
    pn.extension(reconnect=True)
    server = pn.serve({"/": board.view}, port=0, address="127.0.0.1", show=False, start=False, verbose=False)
    loop = server.io_loop
    hush(loop)

    def answer() -> None:
        for line in sys.stdin:
            told: dict[str, Any] = {"cpu": time.process_time(), "now": time.time() * 1e3}
            if line.strip() == "end":
                told |= board.told()
            print(json.dumps(told), flush=True)
        loop.add_callback(loop.stop)

    async def start() -> None:
        await board.start()
        freeze()
        print(f"http://127.0.0.1:{server.port}/", flush=True)

    threading.Thread(target=answer, daemon=True).start()
    loop.add_callback(start)
    server.start()
    loop.start()


# --- the measurement ---


@functools.cache
def measured(rate: int, seconds: float = SECONDS, picture: str | None = None) -> dict[str, float]:
    """Run a server and a browser; gives latencies in milliseconds, and the share of a core."""
    command = [sys.executable, "-m", "benchmarks.latency", "--serve", str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None

        def ask(word: str) -> dict[str, Any]:
            print(word, file=server.stdin, flush=True)
            answer: dict[str, Any] = json.loads(server.stdout.readline())
            return answer

        try:
            address = server.stdout.readline().strip()
            first, begin, end, log, changes = looked_at(address, seconds, ask, picture)
            told = ask("end")
        finally:
            server.stdin.close()
            server.wait(timeout=30)
    assert changes > len(log), "the other two plots stood still"
    return reckoned(told, first, log, begin["now"], end["now"]) | {
        "rate": rate,
        "cpu": 100 * (end["cpu"] - begin["cpu"]) / (end["now"] - begin["now"]) * 1e3,
        "frames": sum(begin["now"] <= at < end["now"] for at, _ in log) / seconds,
    }


def looked_at(address: str, seconds: float, ask: Any, picture: str | None) -> tuple[Any, ...]:
    """Look at the page in a browser for a while; gives its first window, the marks around, and its log."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.goto(address)
        page.wait_for_selector(".bk-Figure canvas", timeout=60_000)
        page.wait_for_timeout(1e3 * SETTLE / 2)
        first = page.evaluate(WATCH)
        page.wait_for_timeout(1e3 * SETTLE / 2)
        begin = ask("mark")
        page.wait_for_timeout(1e3 * seconds)
        end = ask("mark")
        page.wait_for_timeout(1_000)
        log, changes = page.evaluate("() => [window.log, window.changes]")
        if picture is not None:
            page.screenshot(path=picture)
        browser.close()
    return first, begin, end, log, changes


def reckoned(
    told: dict[str, Any], first: float, log: list[tuple[float, int]], begin: float, end: float
) -> dict[str, float]:
    """Latencies of the rows handed over from one moment to another, from what server and page have noted."""
    batches = np.array(told["batches"])
    handed, last_row = batches[:, 0], np.cumsum(batches[:, 1])
    in_pane = reached(last_row, told["panes"])
    gone = sum(rows for start, rows in told["windows"] if start < first)  # before the page's first window
    on_page = reached(last_row, [(at, rows + gone) for at, rows in log])
    chosen = (handed >= begin) & (handed < end)
    rows = batches[chosen, 1]
    found = {"rows": float(rows.sum()) / (end - begin) * 1e3}
    for name, moments in (("pane", in_pane), ("page", on_page)):
        took = (moments - handed)[chosen]
        found |= {f"{name} p{share}": quantile(took, rows, share / 100) for share in (50, 99)}
    spread = spread_out(batches[chosen], on_page[chosen] - handed[chosen])
    return found | {f"arrival p{share}": float(np.quantile(spread, share / 100)) for share in (50, 99)}


def reached(last_row: Any, log: list[tuple[float, int]]) -> Any:
    """The moment when a log of (moment, rows so far) first reaches each number of rows; NaN if never."""
    moments = np.array([at for at, _ in log] + [np.nan])
    return moments[np.searchsorted(np.maximum.accumulate([rows for _, rows in log]), last_row)]


def spread_out(batches: Any, took: Any) -> Any:
    """Latency from arrival of ten rows of each batch, evenly through it."""
    shares = np.linspace(0, 1, 10)
    waits = batches[:, 2:3] + (batches[:, 3:4] - batches[:, 2:3]) * shares
    return np.repeat((waits + took[:, None]).ravel(), np.repeat(batches[:, 1].astype(int) // 10 + 1, 10))


def quantile(values: Any, weights: Any, share: float) -> float:
    """The least value that at least such a share of the weight does not exceed."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, share * total[-1])])


def table() -> list[dict[str, Any]]:
    """A line for each rate."""
    return [measured(rate) for rate in RATES]


def checks() -> list[Check]:
    """The limits, at the highest rate."""
    found = measured(BUSY)
    told = f"at {found['rows']:,.0f} rows/s"
    return [
        Check("6", f"server {told}, browser looking: one core", found["cpu"], 50, "less", "%"),
        Check("6", f"p99 of row to pane {told}", found["pane p99"], 50, "less", "ms"),
        Check("6", f"p99 of row to page {told}", found["page p99"], 250, "less", "ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rates", nargs="*", type=int)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--picture", help="where to put a picture of the page at the last rate")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve)
        return
    columns = ("pane p50", "pane p99", "page p50", "page p99", "arrival p50", "arrival p99", "frames", "cpu")
    print(" ".join(f"{name:>11}" for name in ("rows/s", *columns)))
    rates = chosen.rates or RATES
    for rate in rates:
        found = measured(rate, chosen.seconds, chosen.picture if rate == rates[-1] else None)
        print(" ".join(f"{found[name]:11,.1f}" for name in ("rows", *columns)), flush=True)
    if BUSY in rates and chosen.seconds == SECONDS:
        tell(checks())


if __name__ == "__main__":
    main()
