"""What faults are said to have done is what they have done, also where several meet."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import (
    Clickstream,
    ClockSkew,
    Corrupt,
    Delivery,
    FutureRows,
    HotKey,
    Idle,
    Outage,
    Reorder,
    Replay,
    SchemaDrift,
    SecondsForMilliseconds,
    Sensors,
    Trading,
    bounds,
    completeness,
)
from simulators.delivery.parcel import Parcel
from simulators.dials import turned

DRIFT = SchemaDrift(since="60s", renamed=(("battery", "volts"),))
PLAIN = Sensors(seed=7, devices=4, hertz=1, missing=0, faults=0)


@pytest.mark.parametrize("ways", [("null", "range"), ("null",), ("range",)])
def test_each_row_that_is_said_to_be_spoilt_is(ways: tuple[str, ...]) -> None:
    shop = Clickstream(
        seed=7, sessions_per_second=10, delivery=Delivery(faults=(Corrupt(share=0.1, ways=ways),))
    )
    spoilt = shop.delivery_truth("2min")["event_id"]
    here = shop.arrivals("2min").set_index("event_id").loc[spoilt].drop(columns="arrival_time").astype(object)
    there = shop.events("2min").set_index("event_id").loc[spoilt].astype(object)
    same = here.eq(there) | (here.isna() & there.isna())
    assert len(spoilt) > 300
    assert ((~same).sum(axis=1) == 1).all()


def test_numbers_out_of_range_are_still_of_their_column() -> None:
    rows = pd.DataFrame({"event_time": pd.date_range("2026-01-05", periods=50, freq="s")})
    rows["large"], rows["small"] = 2**60, np.arange(50, dtype=np.int32)
    rows["later"] = rows["event_time"]
    road = Delivery(faults=(Corrupt(share=1.0, ways=("range", "null")),))
    spoilt = Replay(table=rows, delivery=road).arrivals("1min")
    assert spoilt["large"].isin([2**60, -(2**63)]).all()
    assert (spoilt["small"] == np.arange(50)).sum() < 40
    assert (spoilt["small"] != -1).all()  # a number, and no code
    assert (spoilt["later"] == spoilt["event_time"]).all()


def test_a_column_in_which_numbers_are_cut_short_is_of_objects_in_all_blocks() -> None:
    seldom = replace(PLAIN, delivery=Delivery(faults=(Corrupt(share=0.01, ways=("text",)),)))
    assert {str(seldom.block_arrivals(i)["battery"].dtype) for i in range(8)} == {"object"}


@pytest.mark.parametrize(
    "road",
    [
        Delivery(faults=(DRIFT,)),
        Delivery(faults=(DRIFT, Reorder(share=1.0, by="30s"))),
        Delivery(faults=(DRIFT,), duplicates=0.5, duplicate_lag="30s"),
        Delivery(faults=(DRIFT,), loss=0.5),
        Delivery(faults=(DRIFT, Idle(every="1min", length="20s", share=1.0))),
    ],
)
def test_what_came_with_the_new_columns_is_marked_and_nothing_else(road: Delivery) -> None:
    sim = replace(PLAIN, delivery=road)
    ids = sim.events("2min")["event_id"]
    blocks = [sim.block_arrivals(i) for i in range(20)]
    new = pd.concat([block["event_id"] for block in blocks if "volts" in block])
    marked = sim.delivery_truth("2min").query("kind == 'schema_drift'")["event_id"]
    assert sorted(marked) == sorted(set(new) & set(ids))


def test_columns_that_cannot_be_others_are_told_of() -> None:
    with pytest.raises(ValueError, match="event_id cannot be renamed or dropped"):
        SchemaDrift(dropped=("event_id",))
    listed = SchemaDrift(since=0, renamed=[("battery", "volts")], added=[("firmware", 2)])  # type: ignore[arg-type]
    assert hash(replace(PLAIN, delivery=Delivery(faults=(listed,)))) is not None
    sim = replace(PLAIN, delivery=Delivery(faults=(SchemaDrift(since=0, dropped=("nope",)),)))
    with pytest.raises(ValueError, match="there is no column 'nope' to drop or rename"):
        sim.arrivals("10s")


def test_an_outage_within_another_lets_nothing_through_earlier() -> None:
    long = Outage(every="10min", length="5min", share=1.0)
    one = replace(PLAIN, delivery=Delivery(outage=long))
    two = replace(one, delivery=Delivery(outage=long, faults=(Outage(every="30s", length="5s", share=1.0),)))
    first, second = (sim.arrivals("20min").set_index("event_id")["arrival_time"] for sim in (one, two))
    ids = one.events("10min")["event_id"]
    assert (second[ids] >= first[ids]).all()


@pytest.mark.parametrize("sim", [Trading(symbols=("A",)), Sensors(devices=1), Clickstream()])
def test_a_hot_key_is_one_that_there_is(sim: Sensors) -> None:
    assert len(turned(sim, faults={"hot_key": True}).arrivals("10s"))
    with pytest.raises(ValueError, match="hot_key's key is 10000000000000000000000"):
        replace(sim, delivery=Delivery(faults=(HotKey(key=10**22),))).arrivals("10s")


def test_a_hot_key_needs_keys() -> None:
    rows = pd.DataFrame(
        {"event_time": pd.date_range("2026-01-05", periods=50, freq="s"), "k": list("ab") * 25}
    )
    road = Delivery(faults=(HotKey(share=1.0, key=1),))
    assert set(Replay(table=rows, key="k", delivery=road).arrivals("1min")["k"]) == {"b"}
    with pytest.raises(ValueError, match="hot_key finds no key"):
        Replay(table=rows, delivery=road).arrivals("1min")


@pytest.mark.parametrize(
    "fault",
    [ClockSkew(share=0.5, offset="5s"), FutureRows(share=0.1, ahead="5s"), SecondsForMilliseconds(share=0.2)],
)
def test_completeness_is_of_the_times_that_events_say(fault: ClockSkew) -> None:
    road = Delivery(faults=(fault,))
    told = completeness(road, last="10min")["bound"]
    rows = replace(PLAIN, devices=30, delivery=road).arrivals("10min")
    seen = bounds(rows, shares=(0.999,))[0.999]
    assert pd.Timedelta("1s") < told[0.999]
    assert 0.5 < told[0.999] / seen < 2


def test_every_delivery_can_be_told_of() -> None:
    assert "nan" in str(Delivery(loss=1.0))
    assert completeness(Delivery.ideal(), last="10ms")["bound"].isna().all()
    assert len(str(Delivery(faults=(HotKey(), Corrupt(), DRIFT)))) > 100


def test_a_long_tail_leaves_a_slow_road_as_slow_as_it_is() -> None:
    slow = replace(PLAIN, delivery=Delivery(median="2min", sigma=1.0, cap="20min"))
    late = turned(slow, late=0.1).delivery
    assert (late.tail, late.cap, late.median) == (0.1, slow.delivery.cap, slow.delivery.median)
    assert turned(replace(PLAIN, delivery=Delivery.ideal()), late=0.1).delivery.cap == pd.Timedelta("1min")


def test_a_fault_of_ones_own_may_be_told_when_all_has_arrived() -> None:
    seen = []

    class Counted(Reorder):
        def arrived(self, parcel: Parcel, rows: np.ndarray, time: np.ndarray) -> None:
            seen.append((len(rows), bool((np.diff(time) >= 0).all())))

    replace(PLAIN, delivery=Delivery(faults=(Counted(),))).block_arrivals(0)
    assert seen == [(40, True)]
