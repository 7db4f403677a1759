"""A block depends on parameters, seed and index, and on nothing that was read before."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import (
    City,
    Clickstream,
    Delivery,
    Fleet,
    OrderBook,
    Outage,
    Payments,
    Sensors,
    Servers,
    Simulator,
    Trading,
)

FLAKY = Delivery(
    median="300ms",
    sigma=1.0,
    tail=0.05,
    tail_scale="2s",
    cap="30s",
    duplicates=0.05,
    duplicate_lag="15s",
    loss=0.03,
    outage=Outage(every="2min", length="25s", share=0.4),
)
FAMILIES = [
    Clickstream(users=200, sessions_per_second=2, delivery=FLAKY),
    Trading(trades_per_second=20, anomalies=30, delivery=FLAKY),
    Sensors(devices=5, hertz=1, faults=0.3, delivery=FLAKY),
    City(stations=5, hertz=1, faults=0.3, delivery=FLAKY),
    Fleet(vehicles=5, hertz=1, faults=0.3, delivery=FLAKY),
    Servers(machines=5, hertz=1, faults=0.3, delivery=FLAKY),
    OrderBook(events_per_second=20, manipulations=30, delivery=FLAKY),
    Payments(cards=1000, payments_per_day=60, fraud=0.05, delivery=FLAKY),
]
BLOCKS = ["block_events", "block_truth", "block_arrivals"]

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda sim: sim.name)
few = settings(max_examples=8, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**63 - 1)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@each_family
@pytest.mark.parametrize("read", BLOCKS)
@few
@given(seed=seeds, middle=st.integers(0, 40))
def test_entering_in_the_middle_changes_nothing(family: Simulator, read: str, seed: int, middle: int) -> None:
    sequential = replace(family, seed=seed)
    for i in range(max(0, middle - 8), middle):
        getattr(sequential, read)(i)
    entered = replace(family, seed=seed)
    assert_same(getattr(entered, read)(middle), getattr(sequential, read)(middle))


@each_family
@few
@given(seed=seeds, order=st.permutations(range(6)))
def test_blocks_may_be_read_in_any_order(family: Simulator, seed: int, order: list[int]) -> None:
    shuffled, straight = replace(family, seed=seed), replace(family, seed=seed)
    blocks = {i: shuffled.block_arrivals(i) for i in order}
    for i in range(6):
        assert_same(blocks[i], straight.block_arrivals(i))


@each_family
@few
@given(seed=seeds, first=st.integers(0, 20), count=st.integers(1, 4))
def test_blocks_put_together_are_the_range(family: Simulator, seed: int, first: int, count: int) -> None:
    sim = replace(family, seed=seed)
    begin, end = first * sim.block, (first + count) * sim.block
    for whole, part in [
        (sim.events, sim.block_events),
        (sim.truth, sim.block_truth),
        (sim.arrivals, sim.block_arrivals),
    ]:
        together = pd.concat([part(first + k) for k in range(count)], ignore_index=True)
        assert_same(whole(begin, end), together)


@each_family
@few
@given(seed=seeds, cut=st.integers(1, 59_999_999))
def test_a_range_may_be_cut_anywhere(family: Simulator, seed: int, cut: int) -> None:
    sim = replace(family, seed=seed)
    middle = pd.Timedelta(cut, unit="us")
    for read in (sim.events, sim.truth, sim.arrivals):
        halves = pd.concat([read(0, middle), read(middle, "1min")], ignore_index=True)
        assert_same(halves, read("1min"))


@each_family
@few
@given(seed=seeds)
def test_every_event_kept_arrives_once_and_again_if_duplicated(family: Simulator, seed: int) -> None:
    sim = replace(family, seed=seed)
    until = 3 * sim.block
    events = sim.events(until).set_index("event_id")
    arrivals = sim.arrivals(until + sim.delivery.max_delay + sim.block)
    arrivals = arrivals[arrivals["event_time"] < sim.start + until]
    delay = arrivals["arrival_time"] - arrivals["event_time"]
    assert (delay >= pd.Timedelta(0)).all()
    assert (delay <= sim.delivery.max_delay).all()
    assert arrivals["event_id"].value_counts().max() <= 2
    kept = arrivals.drop(columns="arrival_time").set_index("event_id")
    assert_same(kept, events.loc[kept.index])
    lost = 1 - kept.index.nunique() / len(events)
    assert 0 <= lost < 0.15


@each_family
@few
@given(seed=seeds)
def test_other_seeds_give_other_events(family: Simulator, seed: int) -> None:
    one, two = replace(family, seed=seed), replace(family, seed=seed ^ 1)
    assert not one.block_events(1).equals(two.block_events(1))
    assert not one.block_arrivals(1).equals(two.block_arrivals(1))
