"""The stations of a city stand still, share their weather, and break in the ways that are told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import City, Delivery
from simulators.sensors.fields import by_hour, kernels, sunflower

SIM = City(seed=7, delivery=Delivery.ideal())


def labelled(sim: City, *span: str) -> pd.DataFrame:
    return sim.events(*span).merge(sim.truth(*span)[["event_id", "kind", "episode_id"]], how="left")


@pytest.fixture(scope="module")
def readings() -> pd.DataFrame:
    return labelled(SIM, "10min")


@pytest.fixture(scope="module")
def faulty() -> pd.DataFrame:
    return labelled(replace(SIM, faults=0.3, missing=0.0), "15min")


def test_stations_stand_still_in_one_district_of_the_city(readings: pd.DataFrame) -> None:
    places = readings.groupby("station", observed=True)[["latitude", "longitude", "district"]]
    assert (places.nunique() == 1).all(axis=None)
    assert readings["latitude"].between(48.0, 48.2).all()
    assert readings["longitude"].between(11.35, 11.65).all()
    assert set(readings["district"]) == {"centre", "north", "east", "south", "west"}
    north = readings.groupby("district", observed=True)["latitude"].mean()
    assert north["north"] > north["centre"] > north["south"]
    east = readings.groupby("district", observed=True)["longitude"].mean()
    assert east["east"] > east["centre"] > east["west"]


def test_readings_are_plausible(readings: pd.DataFrame) -> None:
    good = readings[readings["kind"].isna()]
    assert good["temperature"].between(-25, 40).all()
    assert good["pm25"].between(0, 200).all()
    assert good["noise"].between(30, 95).all()
    assert good["battery"].between(3.3, 4.2).all()


def test_the_season_follows_the_start() -> None:
    winter, summer = (
        City(start=start, faults=0).events("1min")["temperature"].mean()
        for start in ("2026-01-05T09:00", "2026-07-06T09:00")
    )
    assert summer - winter > 12


def test_a_dropout_keeps_position_and_battery(faulty: pd.DataFrame) -> None:
    lost = faulty["kind"] == "dropout"
    assert lost.any()
    assert faulty.loc[lost, ["temperature", "pm25", "noise"]].isna().all(axis=None)
    assert faulty.loc[lost, ["latitude", "longitude", "battery"]].notna().all(axis=None)
    assert faulty.loc[~lost].notna().drop(columns=["kind", "episode_id"]).all(axis=None)


def test_each_quantity_gets_stuck_alone(faulty: pd.DataFrame) -> None:
    stuck = faulty[faulty["kind"] == "stuck"].groupby("episode_id")
    lasting = stuck[["temperature", "pm25", "noise"]].nunique()[stuck.size() > 10]
    assert ((lasting == 1).sum(axis=1) == 1).all()
    assert (lasting == 1).any(axis=0).all()


def test_nothing_is_negative_that_cannot_be(faulty: pd.DataFrame) -> None:
    assert faulty["pm25"].min() >= 0
    assert faulty["noise"].min() >= 25


def test_readings_are_continuous_over_blocks_days_and_weeks() -> None:
    sim = replace(SIM, faults=0.0, missing=0.0)
    for hour in (15, 24 * 4 + 15, 24 * 6 + 15):  # midnight, that before Saturday, that before Monday
        rows = sim.events(f"{hour * 3600 - 30}s", f"{hour * 3600 + 30}s")
        steps = rows.groupby("station", observed=True)[["temperature", "battery"]].diff().abs()
        assert steps["temperature"].max() < 0.8
        assert steps["battery"].max() < 0.03


def test_there_may_be_many_stations_or_one() -> None:
    assert len(City(stations=1, missing=0).events("10s")) == 10
    assert len(City(stations=3000, hertz=0.1, missing=0).events("10s")) == 3000


def test_errors_teach() -> None:
    with pytest.raises(ValueError, match=r"stations is 0\nDetail: stations must be a whole number"):
        City(stations=0)
    with pytest.raises(ValueError, match=r"hertz is 0.13\nDetail: A block of 10 s must hold"):
        City(hertz=0.13)


def test_noise_over_a_plane_is_alike_where_places_are_near() -> None:
    places = np.array([[0.0, 0.0], [1.0, 0.0], [6.0, 0.0]])
    weights = kernels(places, sunflower(400, 10.0), 1.5)
    alike = weights @ weights.T
    assert np.diag(alike) == pytest.approx(1)
    assert alike[0, 1] == pytest.approx(np.exp(-((1 / 3) ** 2)), abs=0.05)
    assert alike[0, 2] == pytest.approx(np.exp(-4), abs=0.05)


def test_a_curve_begins_again() -> None:
    curve = tuple(float(hour) for hour in range(168))
    assert by_hour(curve, np.array([0.5, 167.5, 168.0])).tolist() == [0.5, 83.5, 0.0]
