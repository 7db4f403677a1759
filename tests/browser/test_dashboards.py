"""The served dashboards in a real browser: they live, agree with pandas, pause, and ask nobody outside."""

import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from workbench.views.dashboards import clickstream

pytestmark = pytest.mark.browser

PLACES = {"": 1, "clickstream": 5, "trading": 3, "sensors": 14}
"""Pages, and how many plots each has."""

CHANGED = """([name, before]) => {
  const walk = (root) => {
    const found = root.querySelector(`[data-text="${name}"]`);
    if (found) return found;
    for (const node of root.querySelectorAll('*')) if (node.shadowRoot) {
      const deep = walk(node.shadowRoot);
      if (deep) return deep;
    }
    return null;
  };
  const node = walk(document);
  return node && node.textContent !== before;
}"""

SOURCES = """() => Bokeh.documents.flatMap(d => [...d._all_models.values()])
  .filter(m => m.type === 'ColumnDataSource')
  .map(m => Object.values(m.data).map(column => column.length))"""


@pytest.mark.parametrize("place", PLACES)
def test_a_page_lives_and_keeps_to_itself(served, visit, place):
    seen = visit(served + place)
    name = "sensors_rows" if place == "" else "rows"
    seen.wait_until(CHANGED, [name, seen.text(name)])
    assert seen.page.locator(".bk-Figure canvas").count() >= PLACES[place]
    lengths = seen.page.evaluate(SOURCES)
    assert all(len(set(columns)) == 1 for columns in lengths)
    assert sum(columns[0] > 0 for columns in lengths) >= min(PLACES[place], 2)
    outside = [
        url for url in seen.requests if not re.match(r"(https?|wss?)://127\.0\.0\.1:|data:|blob:", url)
    ]
    assert outside == []
    assert seen.complaints == []
    assert "streaming workbench" in seen.page.title()


@pytest.mark.parametrize("place", ["clickstream", "trading", "sensors"])
def test_it_fits_the_screen(served, visit, place):
    seen = visit(served + place)
    for width in (1600, 1280):
        seen.page.set_viewport_size({"width": width, "height": 800})
        seen.wait_until("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_final_panes_agree_with_pandas(served, visit):
    seen = visit(served + "clickstream")
    seen.wait_until(CHANGED, ["rows", seen.text("rows")])
    said = seen.texts()
    begin = pd.Timestamp("2026-01-05")
    watermark = begin + pd.Timedelta(said["watermark"].removesuffix(" UTC"))
    panes = clickstream.pipeline(seed=7, duration="20min")["countries"].to_pandas()
    first = panes[panes["revision"] == 0].set_index(["window_end", "country"])
    last = panes.drop_duplicates(["window_end", "country"], keep="last").set_index(["window_end", "country"])
    compared = {"on time": 0, "final": 0}
    for row in range(clickstream.ROWS):
        end = begin + pd.Timedelta(said[f"window{row}"][-8:])
        assert end <= panes["window_end"].max(), "the server is further than 20 minutes"
        final = end + pd.Timedelta("30s") < watermark
        if not final and said[f"state{row}"] != "on time":
            continue
        pane = (last if final else first).loc[(end, said[f"country{row}"])]
        assert said[f"sessions{row}"] == f"{pane['sessions']:,}"
        assert said[f"events{row}"] == f"{pane['events']:,}"
        assert said[f"orders{row}"] == f"{pane['orders']:,}"
        assert said[f"revenue{row}"] == f"{pane['revenue']:,.2f}"
        compared["final" if final else "on time"] += 1
    assert compared["final"] >= len(clickstream.COUNTRIES)


def test_pause_holds_the_run_for_everybody(served, visit):
    one, other = visit(served + "clickstream"), visit(served + "clickstream")
    one.page.get_by_role("button", name="Pause").click()
    other.page.get_by_role("button", name="Resume").wait_for(timeout=60_000)
    assert other.page.locator(".pill .state").inner_text() == "PAUSED"
    # the pill is told at once, the strip with its next frame, which a slow browser asks for late
    for _ in range(4):
        now, began = other.text("now"), other.page.evaluate("() => performance.now()")
        other.wait_until("(began) => performance.now() - began > 2500", began)  # ten looks at the run
        if other.text("now") == now:
            break
    assert other.text("now") == now
    other.page.get_by_role("button", name="Resume").click()
    one.page.get_by_role("button", name="Pause").wait_for(timeout=60_000)
    one.wait_until(CHANGED, ["now", now])
    assert one.complaints == other.complaints == []


def test_speed_is_shared(served, visit):
    one, other = visit(served + "sensors"), visit(served + "sensors")
    one.page.get_by_label("Speed of the run").select_option("60")
    select = other.page.get_by_label("Speed of the run")
    expect(select).to_have_value("60", timeout=60_000)
    one.page.get_by_label("Speed of the run").select_option("10")
    expect(select).to_have_value("10", timeout=60_000)


def test_at_full_speed_a_page_still_answers(served, visit):
    seen = visit(served + "sensors")
    speed = seen.page.get_by_label("Speed of the run")
    speed.select_option("max")
    for _ in range(8):
        seen.wait_until(CHANGED, ["now", seen.text("now")])
        assert seen.page.locator(".pill.is-stale").count() == 0
    speed.select_option("10")
    now = seen.text("now")
    seen.wait_until(CHANGED, ["now", now])


def test_a_symbol_is_chosen_for_one_session_only(served, visit):
    one, other = visit(served + "trading"), visit(served + "trading")
    one.page.get_by_label("Symbol shown").select_option("FARO")
    one.page.get_by_text("FARO: last price").wait_for(timeout=60_000)
    assert other.text("last_name") == "ALBA: last price"
    assert one.complaints == []


def test_a_choice_outlives_a_reload_of_the_page(served, visit):
    seen = visit(served + "trading")
    seen.page.get_by_label("Symbol shown").select_option("FARO")
    seen.page.get_by_text("FARO: last price").wait_for(timeout=60_000)
    seen.page.reload()  # as a page does that has lost its server
    seen.page.get_by_text("FARO: last price").wait_for(timeout=60_000)
    expect(seen.page.get_by_label("Symbol shown")).to_have_value("FARO")
    assert visit(served + "trading").text("last_name") == "ALBA: last price"
