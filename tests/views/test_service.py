"""One run a pipeline; what sessions read is computed once; pages keep the browser's pace."""

import asyncio
import gc
import re
import weakref

import pandas as pd
import pytest
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document
from hypothesis import given
from hypothesis import strategies as st
from panel.io.state import set_curdoc

import workbench as wb
from workbench.model.steps import Aggregated
from workbench.runtimes.trace import Record
from workbench.testing.clock import ManualClock
from workbench.time import SECOND
from workbench.views import service
from workbench.views.credit import Credit
from workbench.views.dashboards import clickstream, home, sensors, trading
from workbench.views.latest import Latest
from workbench.views.service import Effort, Feed, Service
from workbench.views.tidying import Tidying

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


def test_what_was_computed_is_shared_until_something_happens(warmed):
    _, feed = warmed
    calls = []
    for _ in range(3):
        feed.once("a key", lambda: calls.append(1))
    assert len(calls) == 1
    feed.run.trace.version += 1
    feed.once("a key", lambda: calls.append(1))
    assert len(calls) == 2
    feed.run.trace.version += 1
    feed.once("a key", lambda: calls.append(1), every=3600)
    assert len(calls) == 3  # of a run that is held, all is shown
    feed.run.status = "running"
    feed.run.trace.version += 1
    feed.once("a key", lambda: calls.append(1), every=3600)
    feed.run.status = "paused"
    assert len(calls) == 3


def test_what_nobody_asks_for_any_more_is_let_go(warmed, monkeypatch):
    _, feed = warmed
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed, "_once", {})

    def table(key):
        return feed.once(key, lambda: pd.DataFrame({"v": [1]}))

    often, seldom = table("often"), weakref.ref(table("seldom"))
    for _ in range(3):
        clock.advance("15s")
        assert table("often") is often
    gc.collect()
    assert seldom() is None


def test_closed_panes_that_were_let_go_are_told_again(warmed, monkeypatch):
    _, feed = warmed
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed, "_once", {})
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


def test_latest_keeps_the_newest_revision_and_forgets_old_windows():
    class Record:
        total = 0
        frames = ()

        def since(self, total):
            return self.frames[total:]

    def pane(minute, revision):
        end = pd.Timestamp("2026-01-05") + pd.Timedelta(minutes=minute)
        return pd.DataFrame({"window_start": [end], "window_end": [end], "k": ["a"], "revision": [revision]})

    record, latest = Record(), Latest(["window_end", "k"], keep=3)
    for minute, revision in [(0, 0), (1, 0), (0, 1), (2, 0), (3, 0), (4, 0)]:
        record.frames = [*record.frames, pane(minute, revision)]
        record.total += 1
        frame = latest.refresh(record)
        if minute == 1:
            assert latest.refresh(record) is frame
        if (minute, revision) == (0, 1):
            assert frame["revision"].tolist() == [1, 0]
    assert len(frame) == 3


PANES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), min_size=1, max_size=4)


@given(st.lists(PANES, max_size=12))
def test_latest_is_the_last_pane_of_each_window_and_key(batches):
    record, latest = Record(keep=1_000), Latest(["window_end", "k"])
    for batch in batches:
        minutes, keys = zip(*batch, strict=True)
        ends = pd.Timestamp("2026-01-05") + pd.to_timedelta(minutes, unit="min")
        revision = range(record.total, record.total + len(batch))
        record.append(pd.DataFrame({"window_end": ends, "k": keys, "revision": revision}))
        latest.refresh(record)
    wanted = record.frame()
    wanted = wanted.drop_duplicates(["window_end", "k"], keep="last") if batches else wanted
    pd.testing.assert_frame_equal(
        latest.frame.sort_values([*latest.frame], ignore_index=True),
        wanted.sort_values([*wanted], ignore_index=True),
    )
    assert not batches or latest.frame["window_end"].is_monotonic_increasing


def test_latest_forgets_windows_of_long_ago_but_for_the_last_panes():
    ends = pd.date_range("2026-01-05", periods=3_000, freq="1s")
    panes = pd.DataFrame({"window_start": ends, "window_end": ends})
    record, latest = Record(keep=100_000), Latest(["window_end"])
    for frame in (panes, panes.assign(window_end=ends + pd.Timedelta("1h"))):
        record.append(frame)
        assert len(latest.refresh(record)) == record.total
    record.append(panes[-1:].assign(window_end=ends[-1] + pd.Timedelta("5h")))
    kept = latest.refresh(record)
    assert kept["window_end"].tolist() == record.frame()["window_end"].tolist()[-2_000:]


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


def test_what_is_made_of_closed_panes_is_kept_until_there_are_others(warmed):
    _, feed = warmed
    name = next(name for name, stream in feed.streams.items() if isinstance(stream.step, Aggregated))
    record, calls = feed.run.trace.results[name], []

    def asked():
        feed.once("of panes", lambda: calls.append(feed.closed(name)), of=[name])
        return len(calls)

    assert asked() == 1
    feed.run.trace.version += 1
    assert asked() == 1
    record.version += 1
    feed.run.trace.version += 1
    assert asked() == 2


def test_what_is_made_of_something_at_rest_is_made_anew_once_that_is(warmed, monkeypatch):
    _, feed = warmed
    name = next(iter(feed.run.trace.results))
    record, clock = feed.run.trace.results[name], ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed.run, "status", "running")
    monkeypatch.setattr(record, "version", 1)

    def inner():
        return feed.once("inner", lambda: record.version, every=10, of=[name])

    def outer():
        return feed.once("outer", inner, of=[name])

    def batch(panes):
        clock.advance("1s")
        record.version += panes
        feed.run.trace.version += 1

    assert outer() == 1
    batch(panes=1)
    assert outer() == 1  # of what is at rest
    batch(panes=0)
    clock.advance("10s")
    assert outer() == 2  # although no panes have come since


def test_a_run_that_catches_up_is_shown_so_often_and_no_more(warmed, monkeypatch):
    _, feed = warmed
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed.run, "status", "running")
    seen = set()
    for _ in range(100):
        clock.advance("10ms")
        feed.run.trace.version += 1
        seen.add(feed.version)
    assert 5 <= len(seen) <= 8
    monkeypatch.setattr(feed.run, "status", "paused")
    assert feed.version == (feed.run.trace.version, "paused")
    feed.run.trace.version += 1
    assert feed.version == (feed.run.trace.version, "paused")


def test_batches_come_oftener_while_somebody_looks(monkeypatch):
    rows = pd.DataFrame({"t": pd.date_range("2026-01-05", periods=90, freq="s"), "v": 1})
    counts = wb.stream(rows, time="t", watermark=0).window("1min").agg(rows=("v", "size"))
    feed, clock, ticks = Feed("counts", lambda: {"counts": counts}, batch_rows=10), ManualClock(), []
    monkeypatch.setattr(feed, "_clock", clock)

    async def main():
        going = asyncio.ensure_future(feed.start())
        while feed.begun is None:
            await asyncio.sleep(0)
        going.cancel()
        for look in (False, True, False, False):
            if look:
                assert feed.version
            feed.run.step()
            ticks.append(feed.run.tick)
            clock.advance("15s")
        feed.stop()

    clock.advance("1h")
    asyncio.run(main())
    assert ticks == [service.UNSEEN, service.TICK, service.TICK, service.UNSEEN]


@pytest.mark.parametrize(
    ("costs", "least", "most"),
    [
        ([0.05], 38, 42),  # as often as there are batches
        ([0.02, 0.02, 0.02, 0.22], 38, 42),  # what others did not take is saved up for one that needs it
        ([0.15], 24, 30),  # two fifths of the time
        ([5.0], 18, 21),  # twice a second, whatever it costs
    ],
)
def test_versions_last_longer_where_working_out_takes_much(warmed, monkeypatch, costs, least, most):
    _, feed = warmed
    clock, effort = ManualClock("2026-01-05"), Effort()
    monkeypatch.setattr(service, "EFFORT", effort)
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed, "_earned", 0)
    monkeypatch.setattr(feed.run, "status", "running")
    seen = [feed.version]
    for step in range(1_000):
        clock.advance("10ms")
        feed.run.trace.version += step % 25 == 0
        if feed.version != seen[-1]:
            effort.total += int(costs[len(seen) % len(costs)] * SECOND)
            seen.append(feed.version)
    assert least <= len(seen) - 1 <= most


def test_what_a_session_leaves_is_tidied_up_once_it_has_been_gone_for_a_while(warmed, monkeypatch):
    _, feed = warmed
    clock, here = ManualClock("2026-01-05"), {"a", "b"}
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed, "_once", {})
    tidying = Tidying(lambda: here, Service([feed]), clock)

    def circle():
        frame = pd.DataFrame({"v": [1]})
        frame.attrs["itself"] = frame
        return frame

    gc.disable()
    try:
        told = weakref.ref(feed.once("of b", circle))
        assert not tidying.look()
        here.discard("b")
        assert not tidying.look()
        clock.advance("20s")
        assert not tidying.look() and told() is not None
        clock.advance("2s")
        assert tidying.look() and told() is None
        clock.advance("3min")
        assert not tidying.look()  # nobody has left since
        clock.advance("31s")
        assert tidying.look()  # there is other garbage
    finally:
        gc.enable()
