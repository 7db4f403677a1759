"""Each fault does what it says, to the events that its marks name and to no others."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulators
from simulators import (
    Burst,
    BurstyLoss,
    ClockSkew,
    Corrupt,
    Delivery,
    Fault,
    FutureRows,
    HotKey,
    Idle,
    Outage,
    Reorder,
    SchemaDrift,
    SecondsForMilliseconds,
    Sensors,
    Simulator,
)
from simulators.delivery.road import KINDS

FAULTS: list[Fault] = [
    Burst(every="1min", length="10s", share=0.5),
    BurstyLoss(every="1min", length="5s", share=0.6),
    ClockSkew(share=0.3, offset="5s", drift=100),
    Corrupt(share=0.05, ways=("null", "range", "text")),
    FutureRows(share=0.02, ahead="1h"),
    HotKey(share=0.3, key=1),
    Idle(every="1min", length="20s", share=0.5),
    Outage(every="1min", length="20s", share=0.5),
    Reorder(share=0.2, by="3s"),
    SchemaDrift(since="1min", renamed=(("battery", "volts"),), added=(("firmware", 2),)),
    SecondsForMilliseconds(share=0.2, since="30s"),
]
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
LAST = "2min"


def faulty(*faults: Fault, **more: Any) -> Simulator:
    """Sixteen devices without faults of their own, whose events meet only these on their way."""
    return Sensors(seed=7, hertz=2, missing=0.0, faults=0.0, delivery=Delivery(faults=faults, **more))


def all_arrivals(sim: Simulator) -> pd.DataFrame:
    """What arrives of the events of the first two minutes."""
    rows = sim.arrivals(pd.Timedelta(LAST) + sim.delivery.max_delay + sim.block)
    return rows[rows["event_id"].isin(sim.events(LAST)["event_id"])]


@each_fault
def test_what_is_not_marked_is_as_if_there_were_no_fault(fault: Fault) -> None:
    sim = faulty(fault)
    marked = sim.delivery_truth(LAST)
    assert set(marked["kind"]) == {fault.kind}
    assert 0 < marked["event_id"].nunique() < len(sim.events(LAST))
    plain = all_arrivals(faulty()).set_index("event_id")
    others = all_arrivals(sim).query("event_id not in @marked.event_id").set_index("event_id")
    assert sorted(others.index) == sorted(plain.index.difference(marked["event_id"]))
    columns = [name for name in plain.columns if name in others.columns]
    theirs = plain.loc[others.index, columns]
    for name in columns:  # a spoilt column may be of objects
        assert others[name].astype(theirs[name].dtype).equals(theirs[name]), name


@each_fault
def test_the_truth_tells_when_things_really_happened(fault: Fault) -> None:
    sim = faulty(fault)
    marked, events = sim.delivery_truth(LAST), sim.events(LAST).set_index("event_id")
    assert marked["true_time"].tolist() == events.loc[marked["event_id"], "event_time"].tolist()
    assert marked["label"].unique().tolist() == ["delivery"]
    assert tuple(marked["kind"].cat.categories) == KINDS


@each_fault
def test_no_event_is_later_than_the_delivery_says(fault: Fault) -> None:
    sim = faulty(fault)
    arrived = all_arrivals(sim).set_index("event_id")["arrival_time"]
    delay = arrived - sim.events(LAST).set_index("event_id")["event_time"].loc[arrived.index]
    assert delay.min() >= pd.Timedelta(0)
    assert delay.max() <= sim.delivery.max_delay
    assert arrived.is_monotonic_increasing


@each_fault
def test_it_may_be_entered_anywhere(fault: Fault) -> None:
    sim, entered = (
        faulty(fault, median="1s", cap="5s", sigma=1.0),
        faulty(fault, median="1s", cap="5s", sigma=1.0),
    )
    for block in range(9):
        sim.block_arrivals(block)
    pd.testing.assert_frame_equal(entered.block_arrivals(9), sim.block_arrivals(9))
    pd.testing.assert_frame_equal(entered.block_delivery_truth(9), sim.block_delivery_truth(9))


def struck(fault: Fault) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The marked events as they happened, and as they arrived, by event id."""
    sim = faulty(fault)
    ids = sim.delivery_truth(LAST)["event_id"]
    before, after = sim.events(LAST).set_index("event_id"), all_arrivals(sim).set_index("event_id")
    return before.loc[ids], after.loc[after.index.isin(ids)]


def test_silent_keys_and_lost_events_never_arrive() -> None:
    for fault in (FAULTS[1], FAULTS[6]):
        before, after = struck(fault)
        assert len(before) > 100
        assert after.empty


def test_a_silent_key_is_silent_for_as_long_as_it_says() -> None:
    before, _ = struck(Idle(every="2min", length="30s", share=0.5))
    assert before["device"].nunique() == 8
    span = before["event_time"].max() - before["event_time"].min()
    assert pd.Timedelta("29s") < span <= pd.Timedelta("30s")


def test_a_burst_arrives_at_one_moment() -> None:
    _, after = struck(Burst(every="2min", length="10s", share=1.0))
    assert len(after) == 10 * 2 * 16
    assert after["arrival_time"].nunique() == 1


def test_a_wrong_clock_is_wrong_by_what_it_says() -> None:
    before, after = struck(ClockSkew(share=0.5, offset="5s"))
    wrong = (after["event_time"] - before.loc[after.index, "event_time"]).groupby(
        after["device"], observed=True
    )
    assert wrong.nunique().eq(1).all(), "one clock, one error"
    assert wrong.first().abs().max() <= pd.Timedelta("5s")
    assert 6 <= wrong.first().nunique() <= 10


def test_a_clock_drifts() -> None:
    before, after = struck(ClockSkew(share=1.0, offset="0s", drift=1000))
    wrong = (after["event_time"] - before.loc[after.index, "event_time"]).dt.total_seconds().abs()
    since = (
        before.loc[after.index, "event_time"] - before["event_time"].min().floor("min")
    ).dt.total_seconds()
    assert np.corrcoef(wrong, since)[0, 1] > 0.4
    assert 0.05 < wrong.max() <= 120 * 1000e-6 + 1e-6


def test_seconds_for_milliseconds_are_of_january_1970() -> None:
    before, after = struck(SecondsForMilliseconds(share=0.2, since="30s"))
    assert before["event_time"].min() >= pd.Timestamp("2026-01-05T09:00:30")
    seconds = before.loc[after.index, "event_time"].astype("int64") // 1_000_000
    assert (after["event_time"].astype("int64") // 1_000 == seconds).all()


def test_future_rows_are_dated_ahead() -> None:
    before, after = struck(FutureRows(share=0.02, ahead="1h"))
    ahead = after["event_time"] - before.loc[after.index, "event_time"]
    assert ahead.min() >= pd.Timedelta(0)
    assert pd.Timedelta("30min") < ahead.max() < pd.Timedelta("1h")


def test_a_hot_key_has_its_share() -> None:
    _, after = struck(HotKey(share=0.3, key=1))
    assert (after["device"] == "device-001").all()
    share = (all_arrivals(faulty(HotKey(share=0.3, key=1)))["device"] == "device-001").mean()
    assert share == pytest.approx(0.3 + 0.7 / 16, abs=0.03)


def test_corrupt_rows_differ_in_one_field() -> None:
    before, after = struck(Corrupt(share=0.05, ways=("null", "range")))
    fields = ["temperature", "humidity", "battery", "zone"]
    same = [after[name].eq(before.loc[after.index, name]) for name in fields]
    assert (np.sum(same, axis=0) == len(fields) - 1).all()


def test_cut_short_numbers_are_text_and_are_rejected_at_the_door() -> None:
    import workbench as wb

    sim = faulty(Corrupt(share=0.05, ways=("text",)))
    readings = wb.stream(sim, watermark="5s", duration=LAST)
    spoilt = sim.delivery_truth(LAST)["event_id"]
    assert sorted(readings.rejected.to_pandas()["event_id"]) == sorted(spoilt)
    assert len(readings.to_pandas()) == len(sim.events(LAST)) - len(spoilt)


def test_columns_are_others_from_a_moment_on() -> None:
    sim = faulty(
        SchemaDrift(since="55s", renamed=(("battery", "volts"),), dropped=("zone",), added=(("firmware", 2),))
    )
    old, new = sim.block_arrivals(5), sim.block_arrivals(6)
    assert list(old.columns) == [column.name for column in sim.arrival_schema]
    assert list(new.columns) == ["event_id", "event_time", "device", "temperature", "humidity", "volts",
                                 "arrival_time", "firmware"]  # fmt: skip


def test_faults_add_up_and_each_is_marked() -> None:
    sim = faulty(
        *FAULTS[:9], median="500ms", sigma=1.0, cap="10s", loss=0.02, duplicates=0.02, duplicate_lag="2s"
    )
    truth = sim.delivery_truth(LAST)
    assert set(truth["kind"]) == {*(fault.kind for fault in FAULTS[:9]), "duplicate"}
    assert not truth.duplicated(["event_id", "kind"]).all()
    assert sim.delivery.max_delay == pd.Timedelta("45s")


def test_a_simulator_with_faults_is_a_value() -> None:
    assert faulty(*FAULTS) == faulty(*FAULTS)
    assert hash(faulty(*FAULTS)) == hash(faulty(*FAULTS))
    assert replace(FAULTS[8], share=0.5) == Reorder(share=0.5, by="3s")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Delivery(faults=("idle",)),  # type: ignore[arg-type]
            "faults are ('idle',)\nDetail: faults are Fault objects of simulators.delivery.\n"
            'Hint: Write for example faults=(Reorder(share=0.1, by="3s"),).',
        ),
        (
            lambda: Corrupt(ways=("burnt",)),
            "ways are ('burnt',)\nDetail: A field can be spoilt by null, by range, or by text.\n"
            'Hint: Write for example ways=("null", "range").',
        ),
        (
            lambda: ClockSkew(drift=-1),
            "drift is -1\nDetail: drift is in parts per million, in [0, 100000].\n"
            "Hint: Quartz clocks drift by 10 to 100.",
        ),
        (
            lambda: Idle(every="10s", length="9s"),
            "idle length is 0 days 00:00:09 in a period of 0 days 00:00:10\nDetail: A spell must be longer "
            "than nothing and leave half of its period to recover.\nHint: Write for example "
            'Idle(every="15min", length="3min").',
        ),
    ],
)
def test_errors_teach(make: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


def test_all_faults_are_public() -> None:
    assert {type(fault).__name__ for fault in FAULTS} <= set(simulators.__all__)
