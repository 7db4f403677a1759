"""One run a pipeline, which pages read and buttons act on; pages keep the browser's pace."""

import asyncio
import gc
import re
import weakref

import pandas as pd
import pytest
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document
from panel.io.state import set_curdoc

import workbench as wb
from workbench.model.steps import Aggregated
from workbench.testing.clock import ManualClock
from workbench.views.credit import Credit
from workbench.views.dashboards import clickstream, home, sensors, trading
from workbench.views.service import Feed, Service
from workbench.views.versions import Once

BOARDS = [clickstream, trading, sensors]


@pytest.mark.parametrize("board", BOARDS)
def test_a_pipeline_declares_panes(board):
    for name, stream in board.pipeline(seed=7).items():
        if isinstance(stream, wb.PaneStream):
            assert stream.columns is not None, name
            assert {"window_start", "window_end", "timing"} <= set(stream.columns)


@pytest.fixture(scope="module", params=BOARDS, ids=lambda board: board.NAME)
def warmed(request, standing):
    """A feed that has been taken through some minutes and stands still."""
    return request.param, standing(request.param, "3min")


def test_a_page_shows_every_plot_and_figure(warmed):
    board, feed = warmed
    page = board.view(feed)
    page.refresh()
    assert page.head.data["status"] == "paused"
    assert page.head.data["button"] == "Resume"
    assert page.strip.data["watermark"].endswith("UTC")
    assert len(page.top.data) > 10
    assert "–" not in [value for value in page.top.data.values() if isinstance(value, str)][:3]


def test_bokeh_finds_nothing_amiss_with_a_page(warmed):
    board, feed = warmed
    page, document = board.view(feed), Document()
    with set_curdoc(document):
        page.view()._init_doc(document)
    assert len(list(document.models)) > 100
    found = check_integrity(document.models)
    assert (found.error, found.warning) == ([], [])


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.NAME)
def test_a_page_can_be_opened_however_little_has_come(board):
    feed = Feed(board.NAME, board.pipeline, warm_up="1s")

    async def go():
        await feed.start()
        feed.run.pause()
        for seconds in (1, 10, 10, 40, 60, 60):
            board.view(feed).refresh()
            feed.run.speed = 10 * seconds  # a step is a tenth of a second at speed 1
            feed.run.step()
        feed.stop()

    asyncio.run(go())


def test_the_view_is_a_template_with_all_parts(warmed):
    board, feed = warmed
    page = board.view(feed)
    assert page.view() is not None
    for number in range(len(page.cards)):
        assert re.search(rf'roots.card{number}(x0)?[ )]|data-part="card{number}"', page.markup())


def test_a_page_that_is_gone_leaves_nothing(warmed):
    board, feed = warmed
    page = board.view(feed)
    page.refresh()
    gone = weakref.ref(page), weakref.ref(page.cards[0].body)
    del page
    gc.collect()
    assert [one() for one in gone] == [None, None]


def test_buttons_act_on_the_shared_run(warmed):
    board, feed = warmed
    one, other = board.view(feed), board.view(feed)
    one.hear({"part": "head", "name": "speed", "value": "60"})
    other.refresh()
    assert feed.run.speed == 60
    assert other.head.data["speed"] == "60"
    for said in (
        {"part": "head", "name": "speed", "value": "nonsense"},
        "nonsense",
        {"ack": "nonsense"},
        None,
    ):
        one.hear(said)
    assert feed.run.speed == 60


def test_the_speed_that_a_run_has_can_be_chosen_and_while_it_is_warmed_up_the_one_to_come(
    warmed, monkeypatch
):
    board, feed = warmed
    usual = feed.run.speed
    try:
        feed.run.speed = 7
        page = board.view(feed)
        assert page.head.data["speed"] == "7"
        offered = re.findall('<option value="(.*?)">', page.head.html)
        assert offered == ["1", "7", "10", "60", "max"]
        page.hear({"name": "speed", "value": "60"})
        page.hear({"name": "speed", "value": "7"})
        assert feed.run.speed == 7
        monkeypatch.setattr(feed, "warming", True)
        feed.run.speed = 50
        assert board.view(feed).head.data["speed"] == "10"
    finally:
        feed.run.speed = usual


def test_closed_panes_that_were_let_go_are_told_again(warmed, monkeypatch):
    _, feed = warmed
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_once", Once(clock))
    name = next(name for name, stream in feed.streams.items() if isinstance(stream.step, Aggregated))
    before = feed.closed(name)
    clock.advance("30s")
    feed.let_go()
    assert name not in feed._latest
    assert feed.closed(name) is not before
    pd.testing.assert_frame_equal(feed.closed(name), before)


def test_the_line_of_rates_begins_when_somebody_looks(warmed, monkeypatch):
    _, feed = warmed
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_clock", clock)
    counts = []
    for wait in ("1s", "1s", "0.1s", "19s", "1h", "1s"):
        clock.advance(wait)
        counts.append(len(feed.rates()))
    assert counts == [1, 2, 2, 3, 1, 2]


def test_closed_panes_are_the_latest_of_each(warmed):
    _, feed = warmed
    for name in feed.streams:
        panes = feed.run.panes(name)
        closed = feed.closed(name)
        if closed.empty:  # without columns as yet
            assert panes.empty
            continue
        keys = ["window_end", *getattr(feed.streams[name].step, "keys", ())]
        keys = [column for column in keys if column in closed]
        pd.testing.assert_frame_equal(
            closed.sort_values(keys, kind="stable", ignore_index=True),
            panes.tail(len(closed)).sort_values(keys, kind="stable", ignore_index=True),
        )


def test_open_windows_come_after_closed_ones(warmed):
    board, feed = warmed
    name = {"clickstream": "traffic", "trading": "candles 10s", "sensors": "stations"}[board.NAME]
    panes = feed.panes(name, last="1min")
    assert set(panes["timing"].astype(str)) > {"early"}
    assert panes["window_end"].is_monotonic_increasing
    assert not panes.duplicated(["window_end", *feed.streams[name].step.keys]).any()


def test_credit_lets_two_frames_out_and_then_waits():
    credit, second = Credit(), 1_000_000_000
    assert credit.allows(-1, 0)
    credit.spend(0)
    credit.spend(0)
    assert not credit.allows(0, second // 2)
    assert credit.allows(1, second // 2)
    assert credit.allows(0, second)  # a second has passed


def test_home_shows_every_feed():
    async def go():
        service = Service([Feed(board.NAME, board.pipeline, warm_up="1min") for board in BOARDS])
        service.start()
        await service.started()
        page = home.view(list(service.feeds.values()))
        assert page.head.data["state"] == "3 OF 3 LIVE"
        assert page.top.data["sensors_status"] == "running"
        service.stop()
        page.refresh()
        assert page.top.data["sensors_state"] == "STOPPED"

    before = len(wb.runs())
    asyncio.run(go())
    assert len(wb.runs()) == before


def test_a_failure_is_shown():
    def broken(frame):
        raise ValueError("no such thing")

    def pipeline():
        stream = clickstream.pipeline()["traffic"]
        return {
            "traffic": stream,
            "bad": _after(stream).map(broken).window("10s").agg(n=("event_id", "size")),
        }

    def _after(stream):
        return type(stream).__mro__[1](stream.step.upstreams[0])

    feed = Feed("clickstream", pipeline, warm_up="1min")
    asyncio.run(feed.start())
    assert feed.run.status == "failed"
    from workbench.views.strip import strip_values

    assert "no such thing" in strip_values(feed)["trouble"]
