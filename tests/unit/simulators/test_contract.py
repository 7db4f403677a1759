"""What holds for every family of simulators."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

from simulators import (
    City,
    Clickstream,
    Column,
    Delivery,
    Fleet,
    OrderBook,
    Payments,
    Sensors,
    Servers,
    Simulator,
    Trading,
    at_rate,
    rate_of,
)

FAMILIES = [
    Clickstream(seed=7, sessions_per_second=5),
    Trading(seed=7, trades_per_second=50, anomalies=20),
    Sensors(seed=7, hertz=2, faults=0.2),
    City(seed=7, hertz=2, faults=0.2),
    Fleet(seed=7, hertz=2, faults=0.2),
    Servers(seed=7, hertz=2, faults=0.2),
    OrderBook(seed=7, events_per_second=50, manipulations=20),
    Payments(seed=7, cards=20_000, payments_per_day=200, fraud=0.05),
]
each_family = pytest.mark.parametrize("sim", FAMILIES, ids=lambda sim: sim.name)


def bounds(sim: Simulator, i: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    return sim.start + i * sim.block, sim.start + (i + 1) * sim.block


def assert_spelled(frame: pd.DataFrame, schema: tuple[Column, ...]) -> None:
    assert list(frame.columns) == [column.name for column in schema]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        column.name: column.dtype for column in schema
    }
    for column in schema:
        if column.dtype == "category":
            assert tuple(frame[column.name].cat.categories) == column.categories
            assert frame[column.name].notna().all()


@each_family
def test_names_and_first_columns(sim: Simulator) -> None:
    assert sim.name == type(sim).__name__.lower()
    assert sim.time_column == "event_time"
    assert [column.name for column in sim.schema[:2]] == ["event_id", "event_time"]
    assert sim.arrival_schema[:-1] == sim.schema
    assert sim.arrival_schema[-1].name == "arrival_time"


@each_family
@pytest.mark.parametrize("i", [0, 3])
def test_frames_have_the_schema_and_the_order(sim: Simulator, i: int) -> None:
    begin, end = bounds(sim, i)
    events, arrivals, truth = sim.block_events(i), sim.block_arrivals(i), sim.block_truth(i)
    assert_spelled(events, sim.schema)
    assert_spelled(arrivals, sim.arrival_schema)
    assert_spelled(truth, sim.truth_schema)
    assert events["event_time"].between(begin, end, inclusive="left").all()
    assert arrivals["arrival_time"].between(begin, end, inclusive="left").all()
    assert events["event_time"].is_monotonic_increasing
    assert events["event_id"].is_monotonic_increasing
    pd.testing.assert_frame_equal(
        arrivals,
        arrivals.sort_values(["arrival_time", "event_id"], kind="stable", ignore_index=True),
    )


@each_family
def test_event_ids_are_unique_over_blocks(sim: Simulator) -> None:
    ids = pd.concat([sim.block_events(i)["event_id"] for i in range(6)])
    assert ids.is_unique
    assert ids.is_monotonic_increasing


@each_family
def test_truth_points_at_events_once(sim: Simulator) -> None:
    truth, events = sim.truth("5min"), sim.events("5min")
    assert len(truth) > 0
    assert truth["event_id"].is_monotonic_increasing
    assert truth["event_id"].is_unique
    assert truth["event_id"].isin(events["event_id"]).all()
    assert truth.groupby("episode_id")["kind"].nunique().max() == 1


@each_family
def test_every_event_arrives_exactly_once(sim: Simulator) -> None:
    sim = replace(sim, delivery=replace(Delivery.web(), loss=0.0, duplicates=0.0))
    events = sim.events("3min")
    arrivals = sim.arrivals(pd.Timedelta("3min") + sim.delivery.max_delay + sim.block)
    arrivals = arrivals[arrivals["event_time"] < sim.start + pd.Timedelta("3min")]
    assert (arrivals["arrival_time"] >= arrivals["event_time"]).all()
    pd.testing.assert_frame_equal(
        arrivals.drop(columns="arrival_time").sort_values("event_id", ignore_index=True),
        events,
    )


@each_family
def test_an_ideal_delivery_changes_nothing(sim: Simulator) -> None:
    sim = replace(sim, delivery=Delivery.ideal())
    arrivals = sim.block_arrivals(2)
    pd.testing.assert_frame_equal(arrivals.drop(columns="arrival_time"), sim.block_events(2))
    assert (arrivals["arrival_time"] == arrivals["event_time"]).all()


@each_family
def test_ranges_may_be_durations_or_timestamps(sim: Simulator) -> None:
    lasting = sim.events("90s", "150s")
    assert len(lasting) > 0
    for first, last in [
        (pd.Timedelta("90s"), pd.Timedelta("150s")),
        ("2026-01-05T09:01:30", pd.Timestamp("2026-01-05T09:02:30")),
        (np.datetime64("2026-01-05T09:01:30"), pd.Timestamp("2026-01-05T10:02:30+01:00")),
    ]:
        pd.testing.assert_frame_equal(sim.events(first, last), lasting)
    truth = sim.truth("90s", "150s")
    whole = sim.truth("5min")
    expected = whole[whole["event_id"].isin(lasting["event_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(truth, expected)
    assert len(sim.events(0, "0s")) == len(sim.arrivals(0, 0)) == len(sim.truth(0)) == 0


@each_family
def test_changing_a_frame_changes_no_later_one(sim: Simulator) -> None:
    before = sim.block_events(1)
    touched = sim.block_events(1)
    touched["event_id"] = 0
    touched.iloc[:, -2] = touched.iloc[0, -2]
    arrivals = sim.block_arrivals(1)
    arrivals.iloc[:, 0] = 0
    pd.testing.assert_frame_equal(sim.block_events(1), before)


@each_family
def test_it_may_have_another_rate(sim: Simulator) -> None:
    wanted = 2 * rate_of(sim)
    assert rate_of(at_rate(sim, wanted)) == pytest.approx(wanted, rel=0.2)


@each_family
def test_a_simulator_is_a_value(sim: Simulator) -> None:
    sim.block_arrivals(2)
    twin = pickle.loads(pickle.dumps(sim))
    assert twin == sim
    assert hash(twin) == hash(sim)
    assert "_delivered" not in sim.__getstate__()
    assert "lru_cache" not in repr(sim)
    pd.testing.assert_frame_equal(twin.block_arrivals(2), sim.block_arrivals(2))
    with pytest.raises(FrozenInstanceError):
        sim.seed = 3  # type: ignore[misc]


def test_a_start_with_a_time_zone_is_turned_to_utc() -> None:
    assert Sensors(start="2026-01-05T10:00+01:00") == Sensors(start="2026-01-05T09:00")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Clickstream(users=0),
            "users is 0\nDetail: users must be a whole number in [1, 100_000_000].\n"
            "Hint: Write for example users=7.",
        ),
        (
            lambda: Clickstream(bots=0.95),
            "bots is 0.95\nDetail: bots is a share, a number in [0, 0.9].\n"
            "Hint: Five per cent is written bots=0.05.",
        ),
        (
            lambda: Clickstream(sessions_per_second=-1.0),
            "sessions_per_second is -1.0\nDetail: sessions_per_second counts sessions per second, "
            "and must be a finite number above 0.\nHint: Write for example sessions_per_second=10.",
        ),
        (
            lambda: Trading(symbols=("A", "A")),
            "symbols are ('A', 'A')\nDetail: A market has 1 to 100 symbols, each with a name of "
            'its own.\nHint: Write for example symbols=("ALBA", "BRIO").',
        ),
        (
            lambda: Trading(anomalies=-1),
            "anomalies is -1\nDetail: anomalies is their number per minute, in [0, 600].\n"
            "Hint: Write anomalies=0 for none.",
        ),
        (
            lambda: Sensors(hertz=0.13),
            "hertz is 0.13\nDetail: A block of 10 s must hold a whole number of readings of a "
            "device, 1 to 1e6.\nHint: Write for example hertz=0.1, hertz=2.5 or hertz=10.",
        ),
        (
            lambda: Sensors(seed=-1),
            "seed is -1\nDetail: seed must be a whole number in [0, 9_223_372_036_854_775_808].\n"
            "Hint: Write for example seed=7.",
        ),
        (
            lambda: Sensors(start="soon"),
            "start is 'soon'\nDetail: start is a timestamp; without a time zone it is taken as UTC."
            '\nHint: Write for example start="2026-01-05T09:00".',
        ),
        (
            lambda: Sensors(delivery="iot"),  # type: ignore[arg-type]
            "delivery is 'iot'\nDetail: delivery says how events arrive, and is a Delivery.\n"
            "Hint: Write for example delivery=Delivery.mobile().",
        ),
        (
            lambda: Sensors().block_events(-1),
            "block is -1\nDetail: Blocks are counted from 0, the block that begins at start.\n"
            "Hint: Ask for block 0 or later, or move start.",
        ),
        (
            lambda: Sensors().events(600),
            "last is 600\nDetail: last is a duration since start, with its unit, or a timestamp.\n"
            'Hint: Write for example "10min" or "2026-01-05T09:10".',
        ),
        (
            lambda: Sensors().events("2min", "1min"),
            "the range runs from '2min' to '1min'\nDetail: A range begins at 2026-01-05 09:00:00 "
            "or later, and ends no earlier than it begins.\nHint: Write for example "
            'events("10min") or events("10min", "20min").',
        ),
    ],
)
def test_errors_teach(make, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message
