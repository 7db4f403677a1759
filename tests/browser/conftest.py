"""A headless Chromium, and the real server as a process of its own on a free port."""

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


SHOTS = Path(__file__).parents[2] / ".shots"
"""Where the last screenshot of each test is kept, for whoever wants to look."""

TEXTS = """() => {
  const found = {};
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.dataset && node.dataset.text) found[node.dataset.text] = node.textContent;
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  return found;
}"""


@pytest.fixture(scope="module")
def chromium():
    """The browser; without one the tests are skipped, but never where CI asks for them.

    One a module, because as long as Playwright is there it keeps an event loop running in this thread.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium found, and CI=true: install it, e.g. apt-get install chromium")
        pytest.skip("no Chromium found: install it, e.g. apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, request):
    """A page of the browser, in no session with others; how it looked at last is kept."""
    context = chromium.new_context(viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    yield page
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{request.node.name}.png")
    context.close()


class Visit:
    """A page that has been opened, what it asked for, and what its console said."""

    def __init__(self, browser, address):
        self.page = browser.new_page(viewport={"width": 1600, "height": 1000})
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        self.page.goto(address)
        self.page.wait_for_selector(".pill .state:not(:empty)", timeout=60_000)

    def text(self, name):
        return self.page.locator(f'[data-text="{name}"]').inner_text()

    def texts(self):
        """All live words of the page at one moment, by name."""
        return self.page.evaluate(TEXTS)

    def wait_until(self, script, argument=None, seconds=60):
        self.page.wait_for_function(script, arg=argument, timeout=1000 * seconds)


@pytest.fixture
def visit(chromium):
    """Give a function that opens an address."""
    visits = []

    def open_page(address):
        visits.append(Visit(chromium, address))
        return visits[-1]

    yield open_page
    for one in visits:
        one.page.close()


@pytest.fixture(scope="module")
def served():
    """The address of a server with seed 7; it must end well when it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.views.serve", "--port", "0", "--seed", "7"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout), daemon=True)
    try:
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        else:
            pytest.fail("the server did not start:\n" + "".join(said))
        reader.start()
        yield found[0]
    finally:
        process.terminate()
        code = process.wait(timeout=30)
        reader.join(10)
        process.stdout.close()
    assert code == 0, "".join(said)
    assert not any("Traceback" in line or "ERROR" in line for line in said), "".join(said)


class Lab:
    """A JupyterLab that serves a folder, and how its notebooks are opened and run."""

    SECONDS = 60_000
    """The longest that anything may take, in milliseconds."""

    def __init__(self, address, folder):
        self.address, self.folder = address, folder

    def open(self, page, name, *cells, notebook=None):
        """Open a notebook of its own, of these cells or a whole one, and wait for its kernel."""
        if notebook is None:
            notebook = nbformat.v4.new_notebook(
                metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            )
            notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, self.folder / f"{name}.ipynb")
        page.goto(f"{self.address}/lab/workspaces/{name}/tree/{name}.ipynb")  # so no other notebook is open
        page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady", timeout=self.SECONDS
        )

    def run(self, page, name, *cells, notebook=None):
        """Open a notebook, and run all of its cells."""
        self.open(page, name, *cells, notebook=notebook)
        self.command(page, "notebook:run-all-cells")

    def command(self, page, name):
        """Give JupyterLab a command."""
        page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def saved(self, page, name):
        """Save the notebook that is open; gives its path."""
        from playwright.sync_api import TimeoutError as Slow

        clean = "!window.jupyterapp.shell.currentWidget.context.model.dirty"
        for _ in range(12):  # a picture that is renewed meanwhile makes it another notebook
            self.command(page, "docmanager:save")
            try:
                page.wait_for_function(clean, timeout=self.SECONDS / 12)
            except Slow:
                continue
            return self.folder / f"{name}.ipynb"
        raise AssertionError(f"{name} could not be saved")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a free port, in a folder of its own, with nothing of the user's settings."""
    folder = tmp_path_factory.mktemp("lab")
    homes = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    options = [
        "--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1",
        "--expose-app-in-browser", "--IdentityProvider.token=", "--LabApp.news_url=",
        f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **{home: str(folder / f".{home.lower()}") for home in homes}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = next(
            found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )
        threading.Thread(target=process.stdout.read, daemon=True).start()  # or the pipe would fill
        yield Lab(address, Path(folder))
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def watched(page):
    """A page, with what it asked of others than this machine, and what its console complained of."""
    page.outside, page.wrong = [], []

    def asked(request):
        if not re.match(r"(http|ws)://127\.0\.0\.1:|data:|blob:", request.url):
            page.outside.append(request.url)

    page.on("request", asked)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    return page
