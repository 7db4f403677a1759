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
from workbench.views.service import Feed, Service
from workbench.views.tidying import LONGEST, Tidying
from workbench.views.versions import Effort, Once, Versions


@pytest.fixture
def clock():
    return ManualClock("2026-01-05")


@pytest.fixture
def effort():
    return Effort()


@pytest.fixture
def versions(clock, effort):
    return Versions(clock, effort)


@pytest.fixture
def once(clock, effort):
    return Once(clock, effort)


@pytest.fixture(scope="module")
def feed(standing):
    """A feed that has been taken through some minutes and stands still."""
    return standing(clickstream, "3min")


def test_what_was_computed_is_shared_until_something_happens(feed, monkeypatch):
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
    monkeypatch.setattr(feed.run, "status", "running")
    feed.run.trace.version += 1
    feed.once("a key", lambda: calls.append(1), every=3600)
    assert len(calls) == 3


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


def test_what_is_made_of_something_at_rest_is_made_anew_once_that_is(once, clock):
    batches, panes = 0, 1

    def inner():
        return once.give(
            "inner", lambda: panes, version=(batches, "running"), panes=(panes,), rest=10 * SECOND
        )

    def outer():
        return once.give("outer", inner, version=(batches, "running"), panes=(panes,))

    assert outer() == 1
    clock.advance("1s")
    batches, panes = 1, 2
    assert outer() == 1  # of what is at rest
    clock.advance("10s")
    batches = 2
    assert outer() == 2  # although no panes have come since


def test_what_nobody_asks_for_any_more_is_let_go(once, clock):
    def table(key):
        return once.give(key, lambda: pd.DataFrame({"v": [1]}), version=(1, "running"))

    often, seldom, gone = table("often"), weakref.ref(table("seldom")), []
    for _ in range(3):
        clock.advance("15s")
        assert table("often") is often
        gone += once.let_go()
    gc.collect()
    assert gone == ["seldom"] and seldom() is None


def test_a_run_that_catches_up_is_shown_so_often_and_no_more(versions, clock):
    seen = set()
    for batches in range(100):
        clock.advance("10ms")
        seen.add(versions.show((batches, "running")))
    assert 5 <= len(seen) <= 8
    assert versions.show((100, "paused")) == (100, "paused")
    assert versions.show((101, "paused")) == (101, "paused")


def test_a_batch_is_seen_at_once_if_the_last_is_some_time_ago(versions, clock):
    for batches in range(20):
        for _ in range(22):
            assert versions.show((batches, "running")) == (batches, "running")
            clock.advance("10ms")


@pytest.mark.parametrize(
    ("costs", "least", "most"),
    [
        ([0.05], 38, 42),  # as often as there are batches
        ([0.02, 0.02, 0.02, 0.22], 38, 42),  # what others did not take is saved up for one that needs it
        ([0.15], 24, 30),  # two fifths of the time
        ([5.0], 18, 21),  # twice a second, whatever it costs
    ],
)
def test_versions_last_longer_where_working_out_takes_much(versions, clock, effort, costs, least, most):
    seen = [versions.show((0, "running"))]
    for step in range(1_000):
        clock.advance("10ms")
        if (shown := versions.show((step // 25, "running"))) != seen[-1]:
            effort.total += int(costs[len(seen) % len(costs)] * SECOND)
            seen.append(shown)
    assert least <= len(seen) - 1 <= most


def test_what_it_costs_is_counted_once_where_one_thing_is_made_of_others(once, clock, effort):
    def dear(seconds, *others):
        for other in others:
            once.give(other, lambda: clock.advance("1s"), version=(1, "running"))
        clock.advance(f"{seconds}s")

    once.give("outer", lambda: dear(2, "a", "b"), version=(1, "running"))
    assert effort.total == 4 * SECOND
    with pytest.raises(ZeroDivisionError):
        once.give("failing", lambda: (clock.advance("1s"), 1 / 0), version=(1, "running"))
    assert effort.total == 5 * SECOND


def test_what_is_seldom_made_waits_where_much_is_made(feed, versions, once, clock, effort, monkeypatch):
    calls = []
    monkeypatch.setattr(feed, "_versions", versions)
    monkeypatch.setattr(feed, "_once", once)
    monkeypatch.setattr(feed.run, "status", "running")

    def asked(wait, costs):
        clock.advance(wait)
        feed.run.trace.version += 1
        assert feed.look()[0] == feed.run.trace.version
        effort.total += int(costs * SECOND)
        feed.once("seldom", lambda: calls.append(1), every=1)
        return len(calls)

    assert asked("0s", costs=0) == 1
    assert asked("1100ms", costs=0.1) == 1
    assert asked("300ms", costs=0) == 2  # in a version that costs little
    assert asked("1600ms", costs=0.1) == 3  # it does not wait for ever


def test_batches_come_oftener_while_somebody_looks(clock):
    rows = pd.DataFrame({"t": pd.date_range("2026-01-05", periods=90, freq="s"), "v": 1})
    counts = wb.stream(rows, time="t", watermark=0).window("1min").agg(rows=("v", "size"))
    feed, ticks = Feed("counts", lambda: {"counts": counts}, batch_rows=10, clock=clock), []

    async def main():
        going = asyncio.ensure_future(feed.start())
        while feed.begun is None:
            await asyncio.sleep(0)
        going.cancel()
        for look in (False, True, False, False):
            if look:
                assert feed.look()
            feed.run.step()
            ticks.append(feed.run.tick)
            clock.advance("15s")
        feed.stop()

    asyncio.run(main())
    assert ticks == [service.UNSEEN, service.TICK, service.TICK, service.UNSEEN]


def test_what_a_session_leaves_is_tidied_up_once_it_has_been_gone_for_a_while(feed, once, clock, monkeypatch):
    monkeypatch.setattr(feed, "_once", once)
    here = {"a", "b"}
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
        clock.advance("59min")
        assert not tidying.look()  # nobody has left since
        clock.advance("1min")
        assert tidying.look()  # there is other garbage
        looks = []
        for visitor in range(22):
            here.add(visitor)
            clock.advance("10s")
            looks.append(tidying.look())
            here.remove(visitor)
        assert looks.index(True) * 10 == LONGEST // SECOND - 10  # it is never quiet, and yet it is done
    finally:
        gc.enable()
