"""What somebody who looked hard at the dashboards has found: each would have been shown wrongly."""

import asyncio

import numpy as np
import pandas as pd
import panel as pn
import pytest

import workbench as wb
from workbench.testing.clock import ManualClock
from workbench.time import SystemClock
from workbench.views.board import totals
from workbench.views.bound import Bound
from workbench.views.dashboards import cityrows, clickrows, clickstream, home, sensors, tapetables, trading
from workbench.views.drawer import Drawer
from workbench.views.heatmaps import strip_plot
from workbench.views.login import DAYS
from workbench.views.scope import Scope
from workbench.views.server import Serving, _access
from workbench.views.service import Feed, Service
from workbench.views.strip import strip_values
from workbench.views.versions import Once

START = pd.Timestamp("2026-01-05 09:00")


@pytest.fixture(scope="module")
def city(standing):
    return standing(sensors, "12min")


@pytest.fixture(scope="module")
def clicks(standing):
    return standing(clickstream, "5min")


def test_home_goes_on_when_the_first_pipeline_is_held():
    async def go():
        boards = (clickstream, sensors)
        service = Service([Feed(board.NAME, board.pipeline, warm_up="1min") for board in boards])
        service.start()
        await service.started()
        first, other = service.feeds.values()
        for feed in (first, other):
            feed.run.pause()
        page = home.view([first, other])
        lag = page.cards[0].plot
        before = lag.shown
        for _ in range(20):
            other.run.step()
        other.run.status = "running"
        page.refresh()
        other.run.status = "paused"
        service.stop()
        return before, lag.shown, home.lag_rows([first, other])

    before, after, rows = asyncio.run(go())
    assert after is not before
    known = rows.dropna().groupby("pipeline")["now"].max()
    assert known["Store pulse"] < known["City"]  # and no line is drawn for what nobody knows


def test_what_is_not_said_any_more_is_empty():
    part = Bound()
    part.say(count="7", line=[1, 2], there=True, bar=40.5, told={"a": 1})
    part.say(count="8")
    assert part.data == {"count": "8", "line": [], "there": False, "bar": 0.0, "told": {}}
    version = part.version
    part.say(count="8")
    assert part.version == version


def test_what_is_worked_out_of_what_rests_is_new_when_the_run_is_held(clicks, monkeypatch):
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(clicks, "_clock", clock)
    monkeypatch.setattr(clicks.run, "_status", "running")

    def inner():
        return clicks.once("inner", lambda: clicks.run.trace.version, every=10)

    def outer():
        return clicks.once("outer", inner)

    outer()
    clicks.run.trace.version += 1
    stale, present = outer(), clicks.run.trace.version
    assert stale < present
    monkeypatch.setattr(clicks.run, "_status", "paused")
    assert outer() == present


def test_the_truth_about_bots_is_of_the_visits_that_are_shown(clicks, monkeypatch):
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(clicks, "_clock", clock)
    monkeypatch.setattr(clicks.run, "_status", "running")
    scope = Scope(clicks)
    for step in range(20):
        clock.advance("0.25s")
        clicks.run.trace.version += 1
        if step % 3 == 0:
            clickrows.radar(scope, reveal=False)
        shown = clickrows.radar(scope, reveal=True)
        assert shown["bot"].tolist() == clickrows.truth(scope, shown).tolist()


def test_hours_that_are_cut_are_left_out():
    starts = pd.date_range("2026-01-05 09:35", periods=60, freq="5min")
    panes = pd.DataFrame({"window_start": starts, "window_end": starts + pd.Timedelta("5min")})
    hours = clickrows.by_hour(panes.assign(channel="paid", events=1, timing="on_time"))
    assert hours["window_start"].iloc[0] == pd.Timestamp("2026-01-05 10:00")
    assert hours["events"].tolist() == [12, 12, 12, 12, 7]


def test_a_station_that_is_silent_for_long_is_still_on_the_map(city, monkeypatch):
    scope = Scope(city, filters={"district": cityrows.DISTRICTS, "station": cityrows.STATIONS})
    closed = city.closed("stations")
    dead = (closed["station"] == "station-003").to_numpy()
    moved = closed[~dead | (closed["window_end"] < START + pd.Timedelta("2min")).to_numpy()]
    monkeypatch.setattr(city, "closed", lambda result: moved)
    monkeypatch.setattr(city, "_once", Once(SystemClock()))
    stations = cityrows.places(scope).set_index("station")
    assert len(stations) == cityrows.COUNT
    assert stations.loc["station-003", "health"] == "silent"
    assert "station-003: no reading since" in cityrows.alerts(scope)["what"].tolist()
    forgotten = moved[moved["station"] != "station-003"]  # as it is once the run has let go of it
    monkeypatch.setattr(city, "closed", lambda result: forgotten)
    monkeypatch.setattr(city, "_once", Once(SystemClock()))
    assert "station-003" in cityrows.places(scope)["station"].tolist()
    scope.set("station", "station-001")
    assert cityrows.places(scope)["station"].tolist() == ["station-001"]


def test_nothing_is_said_to_miss_of_what_a_filter_leaves_out():
    starts = pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:01"])
    panes = pd.DataFrame(
        {
            "window_start": starts,
            "window_end": starts + pd.Timedelta("1min"),
            "k": ["a", "a"],
            "v": [1.0, 2.0],
        }
    ).assign(timing="on_time")
    looked_at = ["a", "b"]
    plot = strip_plot(panes[:1], "k", "v", categories=("a", "b", "c"), among=lambda: looked_at)
    assert plot.shape(panes)["gaps"]["name"].tolist() == ["b", "b"]
    looked_at.remove("b")
    assert not len(plot.shape(panes)["gaps"]["name"])


def test_a_long_table_shows_its_last_rows_and_says_so():
    drawer = Drawer()
    drawer.open("Many", pd.DataFrame({"v": np.arange(504)}), newest_last=True)
    assert drawer.table["rows"][-1] == ["503"]
    assert drawer.table["note"] == "the last 500 of 504; the CSV of the chart has all"


def test_an_address_leads_to_what_was_seen(clicks):
    mark = clicks.run.trace.marks[len(clicks.run.trace.marks) // 2]
    scope = Scope(clicks)
    scope.at = mark.moment
    again = Scope(clicks)
    again.read({"at": [scope.address().partition("at=")[2].replace("%3A", ":").encode()]})
    assert clicks.run.trace.at(again.at) is mark


def test_a_past_shows_nothing_of_now(standing, clicks):
    scope = Scope(clicks)
    scope.at = clicks.run.trace.marks[10].moment
    told = strip_values(scope)
    assert told["queue"] == told["processed"] == told["rate"] == "–"
    assert told["dropped"] == str(clicks.run.trace.marks[10].counters.dropped)
    assert 0 <= scope.in_time("traffic") <= 1
    tape = standing(trading, "1min")
    scope = Scope(tape)
    assert any(tapetables.mark_values(scope, 6).values())
    scope.at = tape.run.now
    assert not any(f"symbol{row}" in tapetables.mark_values(scope, 6) for row in range(6))


def test_key_figures_of_a_board_are_of_numbers():
    ends = pd.to_datetime([60, 120], unit="s")
    panes = pd.DataFrame({"window_end": ends, "what": ["cart", "view"], "timing": "on_time"})
    assert totals(panes, "what").empty


def test_who_is_logged_in_stays_so_for_the_days_that_are_said(monkeypatch):
    monkeypatch.setattr(pn.config, "oauth_expiry", 1)
    _access(Serving(people={"ada": "scrypt"}), None)
    assert pn.config.oauth_expiry == DAYS


def test_a_board_without_choices_leaves_the_address_as_it_is():
    rows = wb.stream(pd.DataFrame({"t": pd.to_datetime([1], unit="s")}), time="t", watermark=0)
    board = wb.dashboard(("Rows", rows), title="Own")

    async def go():
        from workbench.views.sharing import SharedFeed

        feed = SharedFeed("Own", board._streams, {"paused": True})
        feed.begin()
        page = board.page(feed)
        feed.stop()
        return page.head.data

    assert "address" not in asyncio.run(go())


def test_a_table_that_shares_its_colours_is_never_without_a_row():
    starts = pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:01"])
    panes = pd.DataFrame(
        {"window_start": starts, "window_end": starts + pd.Timedelta("1min"), "k": "a", "v": 1.0}
    )
    plot = strip_plot(panes[:0].assign(timing=[]), "k", "v", categories=("a",))
    shown = plot.shape(
        panes.assign(timing="on_time")
    )  # BokehJS would look for the open cells that were there
    assert len(shown["main"]["value"]) == 2
    assert np.isnan(shown["open"]["value"]).tolist() == np.isnan(shown["open"]["left"]).tolist() == [True]


def test_key_figures_of_a_run_that_is_over_are_there():
    rows = pd.DataFrame({"t": pd.to_datetime([1, 70, 140], unit="s"), "v": [1, 2, 3]})
    total = wb.stream(rows, time="t", watermark=0).window("1min").agg(total=("v", "sum"))
    board = wb.dashboard(total, title="Own", speed="max")

    async def go():
        from workbench.views.sharing import SharedFeed

        feed = SharedFeed("Own", board._streams, {"speed": "max"})
        feed.begin()
        await feed.run.finished()
        return board.page(feed).top.data["figure0"]

    assert asyncio.run(go()) == "3"
