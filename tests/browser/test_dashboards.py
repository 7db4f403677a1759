"""The served dashboards in a real browser: they live, agree with pandas, pause, and ask nobody outside."""

import re

import nbformat
import pandas as pd
import pytest
from playwright.sync_api import expect

from workbench.views.dashboards import clickstream, clicktables, sensors, trading

pytestmark = pytest.mark.browser

PLACES = {"": 1, "clickstream": 7, "trading": 4, "sensors": 10}
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
    known = watermark - pd.Timestamp("2026-01-05 09:00") + pd.Timedelta("3min")
    panes = clickstream.pipeline(seed=7, duration=f"{known.total_seconds():.0f}s")["countries"].to_pandas()
    first = panes[panes["revision"] == 0].set_index(["window_end", "country"])
    last = panes.drop_duplicates(["window_end", "country"], keep="last").set_index(["window_end", "country"])
    compared = {"on time": 0, "final": 0}
    for row in range(clicktables.PANES):
        end = begin + pd.Timedelta(said[f"window{row}"][-8:])
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


@pytest.mark.parametrize(
    ("board", "card", "result", "columns", "lateness"),
    [
        (sensors, "Temperature by station and time, °C", "stations", ["temperature"], "2min"),
        (
            trading,
            "Price in windows of event time, EUR",
            "candles 10s",
            ["open", "high", "low", "close"],
            "0s",
        ),
    ],
)
def test_what_a_chart_shows_agrees_with_pandas(served, visit, board, card, result, columns, lateness):
    seen = visit(served + board.NAME)
    seen.wait_until(CHANGED, ["rows", seen.text("rows")])
    watermark = pd.Timestamp("2026-01-05") + pd.Timedelta(seen.text("watermark").removesuffix(" UTC"))
    with seen.page.expect_download(timeout=60_000) as told:
        seen.page.get_by_role("button", name=f"CSV: {card}").click()
    shown = pd.read_csv(told.value.path(), parse_dates=["window_start", "window_end"])
    keys = ["window_end", board.pipeline()[result].step.keys[0]]
    final = shown[shown["window_end"] + pd.Timedelta(lateness) <= watermark]
    known = final["window_end"].max() - pd.Timestamp("2026-01-05 09:00") + pd.Timedelta("5min")
    panes = board.pipeline(seed=7, duration=f"{known.total_seconds():.0f}s")[result].to_pandas()
    assert len(final) >= 20
    told = final[[*keys, *columns]].merge(panes.astype({keys[1]: str}), on=keys, suffixes=("", "_pandas"))
    told = told.drop_duplicates(keys, keep="last")  # as its last pane has it
    assert len(told) == len(final)
    for column in columns:
        assert told[column].tolist() == pytest.approx(told[f"{column}_pandas"].tolist(), nan_ok=True)


def test_pause_holds_the_run_for_everybody(served, visit):
    one, other = visit(served + "clickstream"), visit(served + "clickstream")
    one.page.get_by_role("button", name="Pause").click()
    other.page.get_by_role("button", name="Resume").wait_for(timeout=60_000)
    assert other.page.locator(".pill .state").inner_text() == "PAUSED"
    now, began = other.text("now"), other.page.evaluate("() => performance.now()")  # told in the same frame
    other.wait_until("(began) => performance.now() - began > 2500", began)
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
    other = visit(served + "sensors").page.get_by_label("Speed of the run")
    expect(other).to_have_value("10", timeout=60_000)  # it has been heard


def test_a_symbol_is_chosen_for_one_session_only(served, visit):
    one, other = visit(served + "trading"), visit(served + "trading")
    one.page.get_by_label("Symbol shown").select_option("FARO")
    one.page.get_by_text("FARO: last price").wait_for(timeout=60_000)
    assert "symbol=FARO" in one.page.url
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


def test_a_filter_drills_down_and_is_in_the_address(served, visit):
    seen = visit(served + "clickstream")
    seen.page.get_by_label("Only country").select_option("FR")
    seen.wait_until("() => location.search === '?country=FR'")
    seen.page.get_by_role("button", name="Raw events").click()
    seen.page.get_by_role("dialog", name="Raw events").wait_for(timeout=60_000)
    rows = seen.page.get_by_role("dialog").locator("tbody tr")
    assert rows.count() > 100
    place = seen.page.get_by_role("dialog").locator("thead th").all_inner_texts().index("country")
    assert set(
        seen.page.get_by_role("dialog").locator(f"tbody td:nth-child({place + 1})").all_inner_texts()
    ) == {"FR"}
    seen.page.get_by_label("Filter rows").fill("cart")
    assert 0 < rows.count() < 100
    seen.page.keyboard.press("Escape")
    expect(seen.page.get_by_role("dialog")).to_be_hidden(timeout=60_000)
    again = visit(seen.page.url)
    expect(again.page.get_by_label("Only country")).to_have_value("FR", timeout=60_000)
    assert seen.complaints == again.complaints == []


def test_charts_can_be_taken_away(served, visit):
    seen = visit(served + "clickstream")
    with seen.page.expect_download(timeout=60_000) as csv:
        seen.page.get_by_role("button", name="CSV: Funnel").click()
    frame = pd.read_csv(csv.value.path())
    assert frame["action"].tolist()[-1] == "purchase"
    assert frame["visits"].is_monotonic_decreasing
    with seen.page.expect_download(timeout=60_000) as png:
        seen.page.get_by_role("button", name="PNG: Funnel").click()
    assert png.value.path().read_bytes()[:4] == b"\x89PNG"
    with seen.page.expect_download(timeout=60_000) as notebook:
        seen.page.get_by_role("button", name="Notebook").click()
    assert nbformat.read(notebook.value.path(), as_version=4).cells
    assert seen.complaints == []


def test_the_past_and_the_way_back(served, visit):
    seen = visit(served + "clickstream")
    seen.page.get_by_role("button", name="A minute back").click()
    seen.wait_until("() => document.title && location.search.includes('at=')")
    assert seen.page.locator(".pill .state").inner_text().startswith("PAST")
    seen.page.get_by_role("button", name="Live", exact=True).click()
    seen.wait_until("() => !location.search.includes('at=')")
    assert seen.page.locator(".pill .state").inner_text() == "LIVE"


def test_light_and_dark(served, visit):
    seen = visit(served + "trading?theme=dark")
    assert seen.page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    seen.page.get_by_role("button", name="Light or dark").click()
    seen.wait_until("() => !location.search.includes('theme')")
    assert seen.page.evaluate("() => document.documentElement.dataset.theme") == "light"


def test_a_fault_is_injected_and_taken_back(served, visit):
    seen = visit(served + "sensors")
    button = seen.page.get_by_role("button", name="Clock skew")
    button.click()
    expect(button).to_contain_text("on", timeout=60_000)
    button.click()
    expect(button).to_contain_text("off", timeout=60_000)
    assert seen.complaints == []


def test_the_bound_is_a_slider_for_all(served, visit):
    one, other = visit(served + "sensors"), visit(served + "sensors")
    slider = one.page.locator("#bound")
    expect(slider).to_have_attribute("aria-label", "Bound of disorder: 10s", timeout=60_000)
    slider.fill("6")
    for seen in (one, other):
        expect(seen.page.locator("#bound")).to_have_attribute(
            "aria-label", "Bound of disorder: 30s", timeout=60_000
        )
    one.wait_until(
        "() => parseFloat(document.querySelector('[data-part=strip] [data-text=lag]').textContent) > 25"
    )
    slider.fill("4")
    expect(other.page.locator("#bound")).to_have_value("4", timeout=60_000)
    assert one.complaints == other.complaints == []


def test_alerts_lead_to_their_moment_are_seen_and_muted(served, visit):
    one, other = visit(served + "trading"), visit(served + "trading")
    alerts = one.page.locator(".card", has_text="Alerts").locator("tbody tr:visible")
    alerts.first.get_by_role("button", name="Jump").click(timeout=60_000)
    one.wait_until("() => location.search.includes('at=')")
    assert one.page.locator(".pill .state").inner_text().startswith("PAST")
    held = alerts.first.text_content()  # what is shown of the past does not change
    alerts.first.get_by_role("button", name="Seen").click()
    expect(alerts.first).not_to_have_text(held, timeout=60_000)
    kind = alerts.first.locator("[data-text^=kind]").inner_text()
    alerts.first.get_by_role("button", name="Mute").click()
    one.wait_until("(kind) => new URLSearchParams(location.search).get('muted') === kind", kind)
    expect(one.page.get_by_role("button", name=f"Unmute {kind}")).to_be_visible()
    assert kind not in alerts.locator("[data-text^=kind]").all_inner_texts()
    assert "muted" not in other.page.url  # for one session only
    assert one.complaints == other.complaints == []


def test_a_tab_is_chosen_by_a_button(served, visit):
    seen = visit(served + "trading")
    market = seen.page.get_by_role("button", name="Market")
    expect(market).to_have_attribute("aria-pressed", "true", timeout=60_000)
    seen.page.get_by_role("button", name="Payments").click()
    expect(market).to_have_attribute("aria-pressed", "false", timeout=60_000)
    expect(seen.page.get_by_role("heading", name="Review queue")).to_be_visible()
    expect(seen.page.get_by_role("heading", name="Ladder of the book")).to_be_hidden()
    assert "tab=payments" in seen.page.url


@pytest.mark.parametrize("place", PLACES)
def test_nothing_critical_for_who_cannot_see(served, visit, place):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(visit(served + place).page).response["violations"]
    assert [each["id"] for each in found if each["impact"] == "critical"] == []


@pytest.mark.parametrize("place", ["clickstream", "trading", "sensors"])
def test_a_phone_has_one_column(served, chromium, place):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(served + place)
    page.wait_for_selector(".pill .state:not(:empty)", timeout=60_000)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    lefts = page.eval_on_selector_all(
        ".card",
        "cards => cards.filter(card => card.offsetWidth).map(card => card.getBoundingClientRect().left)",
    )
    assert len(set(lefts)) == 1
    fits = page.eval_on_selector_all(".wide", "each => each.map(one => one.scrollWidth <= one.clientWidth)")
    assert sum(not each for each in fits) <= (place == "clickstream")  # whose panes have nine columns
    page.close()
