"""The building's figures lie in the bands of the realism scorecard, and faults look like faults."""

import numpy as np
import pandas as pd
import pytest

from simulators import Delivery, Sensors

SIM = Sensors(seed=7, hertz=0.5)


@pytest.fixture(scope="module")
def readings() -> pd.DataFrame:
    return SIM.events("6h").merge(SIM.truth("6h"), on="event_id", how="left")


@pytest.fixture(scope="module")
def faulty() -> pd.DataFrame:
    sim = Sensors(seed=7, faults=0.2, missing=0.0)
    return sim.events("10min").merge(sim.truth("10min"), on="event_id", how="left")


def test_readings_are_plausible(readings: pd.DataFrame) -> None:
    good = readings[readings["kind"].isna()]
    assert good["temperature"].between(8, 35).all()
    assert good["humidity"].between(5, 95).all()
    assert good["battery"].between(2.2, 3.2).all()
    assert good[["temperature", "humidity"]].corr().iloc[0, 1] < -0.5
    assert (good.groupby("device", observed=True)["zone"].nunique() == 1).all()


def test_devices_go_together_and_change_slowly(readings: pd.DataFrame) -> None:
    good = readings[readings["kind"].isna()]
    table = good.pivot_table(
        index=good["event_time"].dt.floor("30s"),
        columns="device",
        values="temperature",
        observed=True,
    ).interpolate()
    together = table.corr().to_numpy()[np.triu_indices(16, 1)]
    assert 0.4 <= together.mean() <= 0.98
    slow = [series.autocorr(1) for _, series in table.items()]
    assert np.mean(slow) > 0.85


def test_missing_readings_leave_no_row(readings: pd.DataFrame) -> None:
    assert len(readings) / (16 * 0.5 * 6 * 3600) == pytest.approx(0.98, abs=0.005)


def test_faults_have_their_share_and_all_kinds(readings: pd.DataFrame) -> None:
    assert 0.005 <= readings["kind"].notna().mean() <= 0.05
    assert set(readings["kind"].dropna()) == set(SIM.kinds)
    assert len(Sensors(faults=0.0).truth("1min")) == 0


def test_faults_look_like_what_they_are(faulty: pd.DataFrame) -> None:
    usual = faulty[faulty["kind"].isna()].groupby("device", observed=True)["temperature"].median()
    faulty = faulty.assign(off=faulty["temperature"] - faulty["device"].map(usual).astype(float))
    episodes = dict(iter(faulty.groupby("kind", observed=True)))
    assert episodes["dropout"][["temperature", "humidity"]].isna().all(axis=None)
    assert episodes["dropout"]["battery"].notna().all()
    # Rows that belong to no dropout are there in full.
    whole = faulty.loc[faulty["kind"] != "dropout", ["temperature", "humidity"]]
    assert whole.notna().all(axis=None)
    stuck = episodes["stuck"].groupby("episode_id")["temperature"].nunique()
    assert (stuck == 1).all()
    assert episodes["spike"]["off"].abs().median() > 6
    assert (episodes["spike"].groupby("episode_id").size() == 1).all()
    noise = episodes["noise"].groupby("episode_id")["temperature"].std()
    assert noise.median() > 1
    drift = episodes["drift"].groupby("episode_id")["off"]
    assert (drift.last() - drift.first()).abs().median() > 1


def test_an_episode_lasts_a_minute_at_most_and_crosses_blocks(faulty: pd.DataFrame) -> None:
    times = faulty.groupby("episode_id")["event_time"]
    lasted = times.max() - times.min()
    assert lasted.max() <= pd.Timedelta("60s")
    assert (lasted > SIM.block).any()
    assert faulty.groupby("episode_id")["device"].nunique().max() == 1


def test_readings_are_continuous_over_blocks() -> None:
    sim = Sensors(seed=7, faults=0.0, missing=0.0, delivery=Delivery.ideal())
    events = sim.events("2min")
    steps = events.groupby("device", observed=True)["temperature"].diff().abs()
    assert steps.max() < 0.5


def test_a_device_reads_at_its_rate() -> None:
    sim = Sensors(devices=3, hertz=4, missing=0.0)
    gaps = sim.events("1min").groupby("device", observed=True)["event_time"].diff().dropna()
    assert gaps.dt.total_seconds().mean() == pytest.approx(0.25, rel=0.01)
    assert gaps.dt.total_seconds().between(0.15, 0.35).all()
