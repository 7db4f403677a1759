"""What is seen is worked out once a version, held while it is asked for, and let go."""

import asyncio
import gc
import weakref

import pandas as pd
import pytest

import workbench as wb
from workbench.model.steps import Aggregated
from workbench.testing.clock import ManualClock
from workbench.time import SECOND
from workbench.views import service
from workbench.views.dashboards import clickstream
from workbench.views.service import Effort, Feed, Service
from workbench.views.tidying import Tidying


@pytest.fixture(scope="module")
def feed(standing):
    """A feed that has been taken through some minutes and stands still."""
    return standing(clickstream, "3min")


def test_what_was_computed_is_shared_until_something_happens(feed):
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


def test_what_nobody_asks_for_any_more_is_let_go(feed, monkeypatch):
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


def test_what_is_made_of_closed_panes_is_kept_until_there_are_others(feed):
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


def test_what_is_made_of_something_at_rest_is_made_anew_once_that_is(feed, monkeypatch):
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


def test_a_run_that_catches_up_is_shown_so_often_and_no_more(feed, monkeypatch):
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


def test_what_is_seldom_made_waits_where_much_is_made_already(feed, monkeypatch):
    clock, effort, calls = ManualClock("2026-01-05"), Effort(), []
    monkeypatch.setattr(service, "EFFORT", effort)
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed, "_earned", 0)
    monkeypatch.setattr(feed, "_before", 0)
    monkeypatch.setattr(feed.run, "status", "running")

    def asked(wait, costs):
        clock.advance(wait)
        feed.run.trace.version += 1
        assert feed.version[0] == feed.run.trace.version
        effort.total += int(costs * SECOND)
        feed.once("seldom", lambda: calls.append(1), every=1)
        return len(calls)

    assert asked("0s", costs=0) == 1
    assert asked("1100ms", costs=0.1) == 1
    assert asked("300ms", costs=0) == 2  # in a version that costs little
    assert asked("1600ms", costs=0.1) == 3  # it does not wait for ever


def test_a_batch_is_seen_at_once_if_the_last_is_some_time_ago(feed, monkeypatch):
    clock = ManualClock("2026-01-05")
    monkeypatch.setattr(feed, "_clock", clock)
    monkeypatch.setattr(feed.run, "status", "running")
    for _ in range(20):
        feed.run.trace.version += 1
        for _ in range(22):
            assert feed.version == (feed.run.trace.version, "running")
            clock.advance("10ms")


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
def test_versions_last_longer_where_working_out_takes_much(feed, monkeypatch, costs, least, most):
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


def test_what_a_session_leaves_is_tidied_up_once_it_has_been_gone_for_a_while(feed, monkeypatch):
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
