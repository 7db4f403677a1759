"""Dashboards of one's own, served: one run for all, for whom, and what happens when the server goes."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families

from workbench.ops import passwords

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "howto" / "dashboard.ipynb"

LIVE = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(users=5_000, seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
wb.dashboard(("Traffic", traffic), ("Late", traffic.late), title="My shop", speed=10).servable()
"""

SALES = """
import numpy as np, pandas as pd, workbench as wb
times = pd.date_range("2026-01-05 09:00", periods=2_000, freq="s")
sales = pd.DataFrame({"time": times, "shop": np.array(["north", "south", "west"])[np.arange(2_000) % 3],
                      "amount": np.arange(2_000) % 97})
stream = wb.stream(sales, time="time", watermark="5s")
revenue = stream.groupby("shop").window("5min").agg(revenue=("amount", "sum"))
wb.dashboard(("Revenue", revenue), title="Sales", speed="max").servable()
"""

EVIL = {
    "script": "<script>window.hacked = 1</script>",
    "image": '"><img src=x onerror="window.hacked = 1">',
    "end": "</script></style><script>window.hacked = 1</script>",
    "template": "{{ 7 * 191 }}{% raw %}",
    "bold": "<b>bold</b>",
}

HOSTILE = f"""
import numpy as np, pandas as pd, workbench as wb
evil = {EVIL!r}
words = list(evil.values())
rows = pd.DataFrame({{"t": pd.date_range("2026-01-05 09:00", periods=600, freq="s"),
                     evil["image"]: [words[at % 5] for at in range(600)], "v": np.arange(600) % 17}})
stream = wb.stream(rows, time="t", watermark="5s")
by = stream.groupby(evil["image"]).window("30s")
odd = by.agg(**{{evil["script"]: ("v", "sum")}})
panes = by.agg(total=("v", "sum")).named(evil["end"])
wb.dashboard(
    (evil["script"], odd), panes, (evil["template"], stream), panes.plot.table(),
    (evil["image"], panes.plot.bars(evil["image"], "total", title=evil["bold"], ylabel=evil["image"])),
    panes.plot.heatmap(evil["image"], "total", title=evil["script"])
    + panes.plot.bars("window_start", "total", by=evil["image"], title=evil["image"]),
    title=evil["end"] + evil["template"], question=evil["image"] + evil["script"], speed="max",
).servable()
"""

NUMBER = r"""([name, more]) => {
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.dataset && node.dataset.text === name) return node;
      const deep = node.shadowRoot && walk(node.shadowRoot);
      if (deep) return deep;
    }
  };
  const node = walk(document);
  return node && Number(node.textContent.replaceAll(',', '')) > more;
}"""


class Server:
    """A server as a process of its own, and what it says."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"(http://(?:127\.0\.0\.1|localhost):(\d+)/\w*)", line):
                self.address, self.port = found[1], int(found[2])
                break
        else:
            pytest.fail("the server did not start:\n" + "".join(self.said))
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def get(self, path):
        """The status and the text of an answer."""
        try:
            with urlopen(self.address.rstrip("/") + path, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def metric(self, name):
        """The samples of a metric, by their first label."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return {next(iter(sample.labels.values()), ""): sample.value for sample in samples}

    def end(self, *, kill=False):
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(30)
        self.reader.join(10)
        self.process.stdout.close()


@pytest.fixture
def serve():
    """Give a function that starts servers; each must end without having complained."""
    servers = []

    def start(*command, **environment):
        servers.append(Server(*command, **environment))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.end()
    for server in servers:
        assert not any("Traceback" in line or "ERROR" in line for line in server.said), "".join(server.said)


@pytest.fixture
def script(tmp_path):
    """Give a function that writes a script and gives its path."""

    def write(text):
        path = tmp_path / "my_dashboard.py"
        path.write_text(text)
        return str(path)

    return write


def workbench(serve, *options):
    return serve("workbench.cli", "serve", "--port", "0", *options)


# --- one's own -------------------------------------------------------------------------------------------


def test_what_a_page_of_ones_own_shows_agrees_with_pandas(serve, script, visit):
    seen = visit(workbench(serve, script(SALES)).address)
    seen.page.get_by_text("FINISHED").wait_for(timeout=60_000)
    amounts = pd.DataFrame({"amount": np.arange(2_000) % 97, "shop": np.arange(2_000) % 3})
    windows = amounts.assign(window=np.arange(2_000) // 300)
    last = windows[windows.window == 6]
    seen.wait_until(NUMBER, ["figure0", 0])
    assert seen.text("figure0") == f"{last.amount.sum():,}"
    assert seen.text("rows") == "2,000"
    seen.page.get_by_role("button", name="Show table").click()
    expect(seen.page.get_by_role("button", name="Hide table")).to_be_visible(timeout=60_000)
    expected = windows.groupby(["window", "shop"]).amount.sum()[::-1].head(12)
    cells = seen.page.locator('td[data-text^="c3r"]')
    expect(cells.first).to_have_text(f"{expected.iloc[0]:,}", timeout=60_000)
    assert cells.all_inner_texts() == [f"{value:,}" for value in expected]
    assert seen.complaints == []
    assert all(re.match(r"(https?|wss?)://127\.0\.0\.1:|data:|blob:", url) for url in seen.requests)


def shared(first, second):
    """Both sessions look at one run: what one pauses the other sees paused, at the same moment."""
    first.wait_until(NUMBER, ["rows", 2_000])
    first.page.get_by_role("button", name="Pause").click()
    second.page.get_by_role("button", name="Resume").wait_for(timeout=60_000)
    expect(first.page.locator(".pill .state")).to_have_text("PAUSED", timeout=60_000)
    for name in ("now", "watermark", "rows", "figure0"):
        expect(second.page.locator(f'[data-text="{name}"]')).to_have_text(first.text(name), timeout=60_000)


def test_a_script_has_one_run_for_all_and_who_comes_late_sees_all(serve, script, visit):
    server = workbench(serve, script(LIVE))
    first, second = visit(server.address), visit(server.address)
    shared(first, second)
    late = visit(server.address)  # nothing new comes any more: all it shows is the snapshot
    for name in ("now", "rows", "figure0"):
        expect(late.page.locator(f'[data-text="{name}"]')).to_have_text(first.text(name), timeout=60_000)
    assert late.page.locator('td[data-text^="c1r"]').first.inner_text() == (
        first.page.locator('td[data-text^="c1r"]').first.inner_text()
    )
    assert list(server.metric("workbench_rows_total")) == ["My shop"]
    assert server.metric("workbench_rows_total")["My shop"] == int(first.text("rows").replace(",", ""))
    assert server.get("/health")[0] == 503  # it is paused
    late.page.get_by_role("button", name="Resume").click()
    first.wait_until(NUMBER, ["rows", server.metric("workbench_rows_total")["My shop"]])  # and what is new
    assert server.get("/health")[0] == 200
    assert first.complaints == second.complaints == late.complaints == []


@pytest.mark.parametrize("command", ["workbench", "panel"])
def test_the_notebook_is_served(serve, visit, command):
    if command == "workbench":
        server = workbench(serve, str(NOTEBOOK))
    else:
        server = serve("panel", "serve", str(NOTEBOOK), "--port", "0", PYTHONUNBUFFERED="1")
    first, second = visit(server.address), visit(server.address)
    shared(first, second)
    assert first.page.title() == "My shop · streaming workbench"
    assert first.page.locator(".bk-Figure canvas").count() >= 3
    assert first.complaints == second.complaints == []


# --- hostile data ----------------------------------------------------------------------------------------


def test_what_data_holds_is_shown_and_never_executed(serve, script, visit):
    seen = visit(workbench(serve, script(HOSTILE)).address)
    seen.page.get_by_text("FINISHED").wait_for(timeout=60_000)
    seen.page.get_by_role("button", name="Show table").first.click()
    expect(seen.page.get_by_role("button", name="Hide table")).to_be_visible(timeout=60_000)
    expect(seen.page.locator("td", has_text="<b>bold</b>").first).to_be_visible(timeout=60_000)
    expect(seen.page.locator("h1")).to_have_text(EVIL["end"] + EVIL["template"])
    assert EVIL["template"] in seen.page.title()
    for figure in seen.page.locator(".bk-Figure").all():  # whatever is under the pointer says what it is
        box = figure.bounding_box()
        for across in (0.2, 0.4, 0.6):
            for down in (0.25, 0.5, 0.75):
                seen.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    assert seen.page.evaluate("window.hacked") is None
    assert seen.page.locator('img[src="x"]').count() == 0
    assert seen.page.locator("b", has_text="bold").count() == 0
    assert "1337" not in seen.page.locator("body").inner_text()
    assert not any(url.endswith("/x") for url in seen.requests)
    assert seen.complaints == []


SOCKETS = """window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};"""
TABLES = """() => [...Bokeh.documents[0]._all_models.values()]
  .filter(model => model.type === 'ColumnDataSource')
  .map(model => Object.values(model.data instanceof Map ? Object.fromEntries(model.data) : model.data))"""


def test_a_connection_lost_for_a_moment_comes_back_and_nothing_is_missed(serve, script, chromium):
    page = chromium.new_page()
    page.add_init_script(SOCKETS)
    page.goto(workbench(serve, script(LIVE)).address)
    rows = "document.querySelector('[data-text=rows]').textContent"

    def live():
        for _ in range(3):
            page.wait_for_function(f"(told) => {rows} !== told", arg=page.evaluate(rows), timeout=60_000)

    live()
    with page.expect_navigation(timeout=60_000):  # it loads itself anew
        page.evaluate("() => window.sockets.at(-1).close()")
    live()
    assert page.locator(".pill.is-stale").count() == 0
    tables = page.evaluate(TABLES)
    assert tables
    assert all(len({len(column) for column in table}) == 1 for table in tables)
    page.close()


# --- who, and how many -----------------------------------------------------------------------------------


def test_somebody_logs_in_and_the_page_lives(serve, script, chromium, tmp_path):
    passwords.write(tmp_path / "who", "ada", "correct horse")
    server = workbench(serve, script(LIVE), "--auth", str(tmp_path / "who"))
    page = chromium.new_page()
    page.goto(server.address)
    assert page.url.split("?")[0] == f"{server.address}login"
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("battery staple")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(server.address)
    expect(page.locator(".pill .state")).to_have_text("LIVE", timeout=60_000)
    page.close()


def test_a_full_server_says_so_and_lets_in_when_there_is_room(serve, script, visit, chromium):
    server = workbench(serve, script(LIVE), "--sessions", "2")
    until(lambda: sum(server.metric("workbench_sessions").values()) == 0)  # the server's own first look
    first, _ = visit(server.address), visit(server.address)
    page = chromium.new_page()
    assert page.goto(server.address).status == 503
    expect(page.locator("h1")).to_have_text("No room at the moment")
    first.page.close()
    expect(page.locator(".pill .state")).to_have_text("LIVE", timeout=120_000)  # it looks again
    page.close()


# --- when the server goes --------------------------------------------------------------------------------


def test_a_page_that_lost_its_server_says_so_and_recovers_by_itself(serve, script, visit):
    path = script(LIVE)
    server = workbench(serve, path)
    seen = visit(server.address)
    seen.wait_until(NUMBER, ["rows", 0])
    server.end(kill=True)
    stale = seen.page.locator(".pill.is-stale .stale-age")
    expect(stale).to_have_text(re.compile(r"\d+ s"), timeout=60_000)
    expect(seen.page.locator(".pill")).to_contain_text("STALE")
    first = int(re.findall(r"\d+", stale.inner_text())[0])
    expect(stale).not_to_have_text(f"{first} s", timeout=60_000)  # it says its age, which grows
    assert int(re.findall(r"\d+", stale.inner_text())[0]) > first
    again = serve("workbench.cli", "serve", path, "--port", str(server.port))
    expect(seen.page.locator(".pill.is-stale")).to_have_count(0, timeout=120_000)
    expect(seen.page.locator(".pill .state")).to_have_text("LIVE", timeout=60_000)
    seen.wait_until(NUMBER, ["rows", 0])
    assert sum(again.metric("workbench_sessions").values()) >= 1


def until(done, seconds=90):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it has not come to be so"
        threading.Event().wait(0.5)
