"""Runs in JupyterLab as a person has them: the card, looking back, holding and stepping, what goes wrong."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

import workbench as wb
from simulators import Clickstream

pytestmark = pytest.mark.browser

SECONDS = 60_000

DESCRIBED = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(seed=7), watermark="2s", duration="10min")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
"""


@pytest.fixture(scope="module")
def panes():
    """What the engine gives at once."""
    clicks = wb.stream(Clickstream(seed=7), watermark="2s", duration="10min")
    return clicks.groupby("action").window("10s").agg(events=("event_id", "size")).to_pandas()


def health(page):
    return page.locator(".wb-health").first.inner_text()


def wait(page, script, arg=None):
    page.wait_for_function(script, arg=arg, timeout=SECONDS)


def test_the_card_of_a_bounded_run_tells_how_far_it_is_and_what_came_out(lab, watched, panes):
    page = watched
    lab.run(page, "card", DESCRIBED, "run = traffic.start(speed=60, name='traffic')\nrun", "print('done')")
    page.get_by_text("done", exact=True).wait_for(timeout=SECONDS)  # nothing blocked
    page.locator(".wb-progress").get_by_text(re.compile(r"% read, .* left")).wait_for(timeout=SECONDS)
    page.locator(".wb-health").get_by_text("finished").wait_for(timeout=SECONDS)
    page.locator(".wb-progress").get_by_text("100 % read").wait_for(timeout=SECONDS)
    assert f"{len(panes):,} panes" in page.locator(".wb-card").inner_text()
    assert page.locator(".wb-card polyline").count() == 1
    assert (page.outside, page.wrong) == ([], [])


def test_looking_back_moves_the_views_and_not_the_run(lab, watched, panes):
    page = watched
    shown = "run = traffic.start(speed=20)\ndisplay(run)\ntraffic.plot.table(last=500)"
    lab.run(page, "back", DESCRIBED, shown)
    page.locator(".wb-table tr >> text=09:00:50").first.wait_for(state="attached", timeout=SECONDS)
    slider = page.get_by_label("look back in processing time").first
    slider.evaluate("node => { node.value = 400; node.dispatchEvent(new Event('input')); }")
    page.locator(".wb-look output").get_by_text("looking back").first.wait_for(timeout=SECONDS)
    at = re.search(r"looking back to ([\d:.]+)", page.locator(".wb-look output").first.inner_text())[1]
    latest = "const table = document.querySelector('.wb-table'), end = table.rows[1].cells[1].innerText;"
    wait(page, f"at => {{ {latest} return end <= at && !table.querySelector('.open'); }}", at)
    rows = page.locator(".wb-table tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.innerText))"
    )
    told = {(row[1], row[2]): int(row[3].replace(",", "")) for row in rows[1:]}
    # the windows that the watermark had passed by then, and no other
    watermark = re.search(r"watermark (\S+)", health(page))[1]
    right = panes[panes.window_end <= f"2026-01-05 {watermark}"]
    assert len(right) >= 6
    assert len(told) == len(right)
    for end, action, events in zip(right.window_end, right.action, right.events, strict=True):
        assert told[f"{end:%H:%M:%S}", action] == events
    assert "running" in health(page)

    slider.focus()
    page.keyboard.press("End")  # to the present, by the keyboard
    page.locator(".wb-look output").get_by_text("now", exact=True).first.wait_for(timeout=SECONDS)
    wait(page, f"at => {{ {latest} return end > at; }}", at)
    assert (page.outside, page.wrong) == ([], [])


def test_keys_hold_and_step_a_run(lab, watched):
    page = watched
    lab.run(page, "keys", DESCRIBED, "run = traffic.start(speed=1)\nrun")
    button = page.get_by_title("pause or go on")
    button.wait_for(timeout=SECONDS)
    button.focus()
    page.keyboard.press("Space")
    page.locator(".wb-health").get_by_text("paused").wait_for(timeout=SECONDS)
    for key, what in (("ArrowRight", "now"), ("w", "watermark")):
        before = re.search(rf"{what} (\S+)", health(page))[1]
        page.keyboard.press(key)
        wait(
            page,
            "([what, before]) => new RegExp(what + ' (\\\\S+)').exec("
            "document.querySelector('.wb-health').innerText)[1] !== before",
            [what, before],
        )
    page.keyboard.press("p")
    page.locator(".wb-card").get_by_text(re.compile(r"[1-9]\d* panes")).wait_for(timeout=SECONDS)
    page.keyboard.press("s")
    page.locator(".wb-health").get_by_text("stopped").wait_for(timeout=SECONDS)
    assert button.is_disabled()
    assert (page.outside, page.wrong) == ([], [])


BAD = """
def share(amount):
    return 100 / (amount < 200)
bad = clicks.query("amount > 0").assign(x=lambda f: f.amount.map(share)).window("10s").agg(n=("x", "size"))
"""


def test_what_goes_wrong_is_said_in_the_cell_that_owns_the_run(lab, watched):
    page = watched
    cells = ("run = bad.start(speed=60)", "kept = bad.start(speed=60, on_error='reject')", "wb.runs()")
    lab.run(page, "wrong", DESCRIBED, BAD, *cells)
    failed = page.locator(".jp-Cell").nth(2).locator(".wb-notice")
    failed.wait_for(timeout=SECONDS)
    assert "step 'assign' raised ZeroDivisionError" in failed.inner_text()
    assert "return 100 / (amount < 200)" in failed.inner_text()
    assert failed.locator("table tr").count() >= 2
    kept = page.locator(".jp-Cell").nth(3).locator(".wb-notice")
    kept.get_by_text(re.compile(r"\d+ rows rejected so far")).wait_for(timeout=SECONDS)
    assert page.locator(".jp-Cell").nth(4).locator("table tr").count() == 3  # the two runs, when it was run
    assert page.outside == []


def test_nothing_that_is_displayed_keeps_people_out(lab, watched):
    """What axe calls critical, or serious, in all that cells show, light and dark."""
    page = watched
    shown = (
        "run = traffic.start(speed=20)\nrun",
        "run.graph()",
        "traffic.timeplane(last='1min')",
        "traffic.plot.line('window_end', 'events', by='action')",
        "run.controls()",
        "traffic.timeplane().completeness()",
        "run.ledger(figure=True)",
    )
    lab.run(page, "axe", DESCRIBED, *shown)
    page.locator(".jp-Cell").nth(7).locator("img").wait_for(timeout=SECONDS)
    page.locator(".wb-plane svg path.watermark").first.wait_for(timeout=SECONDS)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.evaluate("t => jupyterapp.commands.execute('apputils:change-theme', {theme: t})", theme)
        wait(
            page,
            "light => document.body.dataset.jpThemeLight === light",
            "true" if theme.endswith("Light") else "false",
        )
        found = Axe().run(page, context=".jp-OutputArea", options={"resultTypes": ["violations"]})
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in found.response["violations"]
            if each["impact"] == "critical"
        ]
        assert serious == []
