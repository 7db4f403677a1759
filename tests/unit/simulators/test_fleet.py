"""Vehicles drive: where they are, how fast, and what their odometers say agree, on any day."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from simulators import Delivery, Fleet
from simulators.sensors.routes import laps, way

SIM = Fleet(seed=7, vehicles=12, faults=0.0, missing=0.0, delivery=Delivery.ideal())


@pytest.fixture(scope="module")
def morning() -> pd.DataFrame:
    return SIM.events("30min")


def test_speed_is_the_slope_of_the_way(morning: pd.DataFrame) -> None:
    bias = SIM._places.bias
    for number, (_, rows) in enumerate(morning.groupby("vehicle", observed=True)):
        seconds = rows["event_time"].diff().dt.total_seconds().to_numpy()[1:]
        speed = rows["speed"].to_numpy() / bias[number]
        driven = ((speed[1:] + speed[:-1]) / 2 * seconds / 3600).sum()
        assert driven == pytest.approx(np.ptp(rows["odometer"]), rel=0.02)


def test_vehicles_move_on_the_map_as_far_as_they_drive(morning: pd.DataFrame) -> None:
    rows = morning[morning["vehicle"] == "vehicle-003"].iloc[::5]
    north = 111.2 * rows["latitude"].diff()
    east = 111.2 * np.cos(np.radians(48.1)) * rows["longitude"].diff()
    mapped, driven = np.hypot(north, east), rows["odometer"].diff()
    assert (mapped - driven).abs().max() < 0.03
    assert driven.sum() > 3


def test_they_stop_and_go_within_reason(morning: pd.DataFrame) -> None:
    assert 0.15 < (morning["speed"] == 0).mean() < 0.5
    assert 30 < morning["speed"].max() < 110
    assert morning["latitude"].between(48.0, 48.2).all()


def test_odometers_go_on_over_nights_and_weeks() -> None:
    hours = np.arange(0, 24 * 9, 0.5)
    whole = [SIM._state(int(hour * 360), np.array([0.0]), np.array([[0.0]])) for hour in hours]
    way = np.stack([state["odometer"][:, 0] for state in whole])
    steps = np.diff(way, axis=0)
    assert (steps >= -1e-9).all()
    assert steps.max() < 35
    assert 100 < np.median(way[48 * 7] - way[0]) / 7 < 400
    fuel = np.stack([state["fuel"][:, 0] for state in whole])
    assert fuel.min() > 10
    assert fuel.max() <= 95
    assert (np.diff(fuel, axis=0) > 50).any(axis=0).all()


def test_at_night_they_stand_and_cool_down() -> None:
    night = SIM.events("17h", "17h 1min")  # two o'clock
    assert (night["speed"] == 0).all()
    assert night["engine_temperature"].max() < 40
    again = SIM.events("25h", "25h 1min")
    assert again["engine_temperature"].median() > 75


def test_engines_warm_up_and_cool_down_without_a_jump() -> None:
    minutes = np.arange(0, 60 * 24 * 7)
    state = [SIM._state(int(minute * 6), np.array([0.0]), np.array([[0.0]])) for minute in minutes[::10]]
    heat = np.stack([each["engine_temperature"][:, 0] for each in state])
    ends = [SIM._heat(block, np.array([0.0, 1.0])) for block in range(5399, 5403)]  # midnight
    assert all(np.abs(after[:, 0] - before[:, 1]).max() < 1e-6 for before, after in pairwise(ends))
    assert heat.min() > -25
    assert heat.max() < 110


def test_speed_and_place_are_continuous_over_blocks() -> None:
    for block in (3, 200, 40_000):
        before, after = (
            SIM._state(each, np.array([at]), np.array([[10.0 * at]]))
            for each, at in ((block, 1.0), (block + 1, 0.0))
        )
        for name in ("latitude", "longitude", "odometer", "fuel", "engine_temperature"):
            assert np.abs(before[name] - after[name]).max() < 1e-6
        assert np.abs(before["speed"] - after["speed"]).max() < 1


def test_faults_hit_what_is_told() -> None:
    sim = replace(SIM, faults=0.3)
    rows = sim.events("10min").merge(sim.truth("10min"), on="event_id", how="left")
    assert set(rows["kind"].dropna()) == set(sim.kinds)
    lost = rows["kind"] == "dropout"
    assert rows.loc[lost, ["speed", "engine_temperature", "fuel"]].isna().all(axis=None)
    assert rows.loc[lost, ["latitude", "longitude", "odometer"]].notna().all(axis=None)
    assert rows["speed"].min() >= 0


def test_a_way_is_closed_and_evenly_cut() -> None:
    drawn = way(1, 4, 6.0, np.random.default_rng(3))
    steps = np.hypot(np.diff(drawn.east), np.diff(drawn.north))
    assert (drawn.east[0], drawn.north[0]) == pytest.approx((drawn.east[-1], drawn.north[-1]))
    assert steps.sum() == pytest.approx(drawn.length, rel=0.001)
    assert steps == pytest.approx(steps.mean(), rel=0.02)


def test_a_lap_begins_and_ends_at_rest() -> None:
    drawn = laps(18.0, 3, np.random.default_rng(3))
    assert (drawn.speed[:, [0, -1]] == 0).all()
    assert (drawn.gone[:, 0] == 0).all()
    assert drawn.gone[:, -1] == pytest.approx(1)
    assert (np.diff(drawn.gone, axis=1) >= 0).all()
    assert 1200 < drawn.seconds < 6000


def test_errors_teach() -> None:
    with pytest.raises(ValueError, match=r"routes is 0\nDetail: routes must be a whole number in \[1, 100\]"):
        Fleet(routes=0)
    with pytest.raises(ValueError, match=r"vehicles is -1\n"):
        Fleet(vehicles=-1)
