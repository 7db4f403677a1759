"""One simulator until a moment and another from then on; and what its dials can be turned to."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import Ahead, Burst, Clickstream, Delivery, Fault, Outage, Payments, Replay, Sensors, Trading
from simulators.dials import FAULTS, SHARES, dials, turned
from simulators.rates import at_rate, present_rate, rate_of, times_rate
from simulators.switched import Switched, present, switched

START = pd.Timestamp("2026-01-05T09:00")
ROAD = replace(Delivery.mobile(), cap="90s", duplicates=0.2, loss=0.1)

PAIRS = {
    "sensors": (Sensors(seed=1, delivery=ROAD), Sensors(seed=2, hertz=20, delivery=Delivery.web()), 20),
    "fewer": (Sensors(seed=1, hertz=20, delivery=ROAD), Sensors(seed=1, hertz=1, delivery=ROAD), 20),
    "clicks": (
        Clickstream(seed=3, sessions_per_second=20, delivery=ROAD),
        Clickstream(seed=3, sessions_per_second=50),
        4,
    ),
    "trades": (Trading(seed=1, delivery=ROAD), Trading(seed=1), 20),
}


def whole(simulator, blocks, of="block_arrivals"):
    return pd.concat([getattr(simulator, of)(i) for i in range(blocks)], ignore_index=True)


def born(simulator, blocks, *, since=START, before=pd.Timestamp.max):
    events = whole(simulator, blocks, "block_events")
    ids = events.event_id[(events.event_time >= since) & (events.event_time < before)]
    arrivals = whole(simulator, blocks)
    return arrivals[arrivals.event_id.isin(ids)]


def in_order(frame):
    columns = [name for name in frame if name not in ("event_id", "session_id")]  # which are numbered anew
    return frame[columns].sort_values(columns[::-1], ignore_index=True)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("at", ["1min 13.5s", "1min", "0s", "73512345us"])
def test_nothing_is_lost_and_nothing_comes_twice(pair, at):
    before, after, blocks = PAIRS[pair]
    moment = START + pd.Timedelta(at)
    both = switched(before, after, moment)
    arrivals = whole(both, blocks)
    wanted = pd.concat([born(before, blocks, before=moment), born(after, blocks, since=moment)])
    pd.testing.assert_frame_equal(in_order(arrivals), in_order(wanted))
    assert arrivals.arrival_time.is_monotonic_increasing
    events = whole(both, blocks, "block_events")
    assert events.event_id.is_unique
    assert events.event_id.is_monotonic_increasing
    assert events.event_time.is_monotonic_increasing
    assert set(arrivals.event_id) <= set(events.event_id)
    until = arrivals.arrival_time < moment
    pd.testing.assert_frame_equal(arrivals[until], whole(before, blocks)[: until.sum()])


def test_the_truth_goes_with_the_events():
    before, after, blocks = PAIRS["clicks"]
    both = switched(before, after, START + pd.Timedelta("90s"))
    befallen = whole(both, blocks, "block_delivery_truth")
    events, arrivals = whole(both, blocks, "block_events"), whole(both, blocks)
    lost = befallen.event_id[befallen.kind == "loss"]
    assert len(lost) > 100
    assert not lost.isin(arrivals.event_id).any()
    times = events.set_index("event_id").event_time
    truth = whole(both, blocks, "block_truth")
    assert len(truth) > 100
    assert (truth.true_time.to_numpy() == times[truth.event_id].to_numpy()).all()


@pytest.mark.parametrize("moment", [30, 70, 75, 100, 140])
def test_what_is_under_way_is_what_comes(moment):
    before, after, _ = PAIRS["sensors"]
    both = switched(before, replace(after, delivery=ROAD), START + pd.Timedelta("72s"))
    arrivals = whole(both, 40)
    now = START + pd.Timedelta(moment, unit="s")
    wanted = arrivals[(arrivals.event_time <= now) & (arrivals.arrival_time > now)]
    times, late = both.under_way(moment * 1_000_000)
    found = sorted(zip(times.tolist(), late.tolist(), strict=True))
    micros = [(wanted[name] - START) // pd.Timedelta("1us") for name in ("event_time", "arrival_time")]
    assert found == sorted(zip(*micros, strict=True))
    assert len(found) > 10


def test_a_later_switch_follows_and_one_at_the_moment_or_before_it_replaces():
    slow, middle, fast = (Sensors(seed=7, hertz=hertz, missing=0, devices=4) for hertz in (1, 5, 20))
    first = switched(slow, middle, START + pd.Timedelta("15s"))
    second = switched(first, fast, START + pd.Timedelta("25s"))
    assert [len(second.block_events(i)) for i in range(4)] == [40, 120, 500, 800]
    assert present(second) is fast
    for at in ("15s", "5s"):
        anew = switched(second, fast, START + pd.Timedelta(at))
        assert anew.before is slow
    assert isinstance(switched(Ahead(slow), fast, START), Ahead)


def test_the_first_is_forgotten_when_nothing_of_it_can_come():
    slow, fast = Sensors(seed=7, delivery=ROAD), Sensors(seed=8)
    both = switched(slow, fast, START + pd.Timedelta("15s"))
    early = whole(both, 12)
    assert both.before is slow
    both.block_arrivals(1 + slow._reach + 1)
    assert both.before is not slow
    pd.testing.assert_frame_equal(whole(both, 12), early)
    again = pickle.loads(pickle.dumps(both))
    pd.testing.assert_frame_equal(whole(again, 12), early)


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        (Clickstream(), "block"),
        (Sensors(devices=5), "arrival_schema"),
        (Sensors(start="2026-01-06"), "start"),
    ],
)
def test_what_does_not_fit_is_refused(other, differ):
    with pytest.raises(ValueError, match=f"They differ in {differ}(.|\n)*dataclasses.replace"):
        switched(Sensors(), other, START)


# dials


@pytest.mark.parametrize("simulator", [Sensors(), Clickstream(), Trading(), Payments()])
def test_so_many_times_the_events_of_the_same_columns(simulator):
    more = times_rate(simulator, 3)
    assert more.arrival_schema == simulator.arrival_schema
    assert present_rate(more, 3) == pytest.approx(3 * present_rate(simulator, 3), rel=0.25)


def test_a_replay_has_no_rate():
    table = pd.DataFrame({"t": pd.to_datetime([30, 10], unit="s")})
    with pytest.raises(ValueError, match="Replay has no rate"):
        times_rate(Replay(table=table, time="t"), 2)


@pytest.mark.parametrize("fault", [*SHARES, *FAULTS])
def test_each_fault_goes_on_and_off_again(fault):
    simulator = Sensors(delivery=Delivery.ideal())
    on = turned(simulator, faults={fault: True})
    assert dials(on).faults == {fault: getattr(on.delivery, fault) if fault in SHARES else True}
    befallen = pd.concat([on.block_delivery_truth(i) for i in range(30)])
    kind = FAULTS[fault].kind if fault in FAULTS else fault.removesuffix("s") if fault != "loss" else fault
    assert kind in set(befallen.kind) or kind == "idle"
    assert turned(on, faults={fault: False}).delivery.faults == ()
    assert dials(turned(on, faults={fault: False})).faults == {}


def test_dials_tell_what_they_were_turned_to():
    made = turned(Sensors(), delivery="web", disorder="3s", late=0.2, faults={"burst": Burst(length="5s")})
    assert dials(made).disorder == pd.Timedelta("3s")
    assert dials(made).late == 0.2
    assert dials(made).delivery is None
    assert [fault.kind for fault in made.delivery.faults] == ["burst", "reorder"]
    assert turned(made, disorder=0, late=0.015, faults={"burst": False}).delivery == Delivery.web()
    assert turned(made, faults={"outage": 0.9}).delivery.outage == replace(FAULTS["outage"], share=0.9)
    assert isinstance(turned(made, faults={"outage": Outage()}).delivery.outage, Fault)


def test_disorder_puts_events_out_of_order_by_as_much():
    made = turned(Sensors(delivery=Delivery.ideal()), disorder="3s")
    arrivals = whole(made, 10)
    behind = np.maximum.accumulate(arrivals.event_time.to_numpy()) - arrivals.event_time.to_numpy()
    assert pd.Timedelta("2.8s") < pd.Timedelta(behind.max()) <= pd.Timedelta("3s")


def test_late_events_are_late_where_there_were_none():
    made = turned(Sensors(delivery=Delivery.ideal()), late=0.1)
    arrivals = whole(made, 30)
    delay = arrivals.arrival_time - arrivals.event_time
    some = arrivals.event_time < START + pd.Timedelta("3min")
    assert (delay[some] >= pd.Timedelta("5s")).mean() == pytest.approx(0.1, abs=0.01)
    assert delay.max() <= pd.Timedelta("1min")


def test_what_a_switched_one_is_called():
    both = switched(Sensors(seed=1), Sensors(seed=2), START)
    assert isinstance(both, Switched)
    assert repr(both).startswith("Switched(Sensors(seed=1,")
    assert (both.name, both.time_column, both.schema) == ("sensors", "event_time", Sensors().schema)


def held(simulator):
    """How many blocks are remembered by all that is in a switched one but the last."""
    if isinstance(simulator, Switched):
        return held(simulator.before) + (
            held(simulator.after) if isinstance(simulator.after, Switched) else 0
        )
    return simulator._delivered.cache_info().currsize + simulator._tail.cache_info().currsize


@pytest.mark.parametrize("moments", [("15s", "45s"), ("13s", "17s")])
def test_of_several_turns_none_is_remembered_longer_than_it_is_needed(moments):
    both = Sensors(seed=7, delivery=ROAD)
    for number, at in enumerate(moments):
        both = switched(both, Sensors(seed=8 + number, delivery=ROAD), START + pd.Timedelta(at))
    whole(both, 10)
    assert held(both) > 0
    whole(both, 60)
    assert held(both) == 0


def test_one_can_be_turned_a_thousand_times():
    both = Sensors(devices=2, hertz=0.1)
    for number in range(1_100):
        road = Delivery(loss=number % 100 / 1_000)
        both = switched(
            both, Sensors(devices=2, hertz=0.1, delivery=road), START + pd.Timedelta(f"{number + 1}s")
        )
    assert [len(both.block_arrivals(i)) for i in (140, 0)] == [2, 2]


def test_a_rate_is_found_from_few_events_and_from_none():
    for present_one in (0.02, 0.1):
        wanted = at_rate(Trading(trades_per_second=present_one, anomalies=0), 100)
        assert rate_of(wanted) == pytest.approx(100, rel=0.1)
    assert at_rate(Sensors(devices=1, hertz=1, missing=0), 10).devices == 10
    with pytest.raises(ValueError, match="events_per_second is 10"):
        at_rate(Sensors(devices=2, hertz=1, missing=1.0), 10)


def test_visits_are_others_after_a_turn_unless_only_the_way_is():
    few = Clickstream(seed=3, sessions_per_second=5, bots=0.3)
    many, lossy = times_rate(few, 2), replace(times_rate(few, 2), delivery=ROAD)
    both = switched(switched(few, many, START + pd.Timedelta("90s")), lossy, START + pd.Timedelta("150s"))
    events, truth = whole(both, 5, "block_events"), whole(both, 5, "block_truth")
    assert (events.groupby("session_id").user_id.nunique() == 1).all()
    bots = events.merge(truth, on="event_id")
    assert len(bots) and (bots.session_id == bots.episode_id).all()
    assert set(whole(both, 5).session_id) <= set(events.session_id)
    one = switched(few, replace(few, delivery=ROAD), START + pd.Timedelta("90s"))
    pd.testing.assert_frame_equal(whole(one, 4, "block_events"), whole(few, 4, "block_events"))
