"""Machines of a service share their traffic and their incidents; memory leaks until a restart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import Delivery, Servers
from simulators.sensors.incidents import LONGEST, Incidents

SIM = Servers(seed=7, faults=0.0, missing=0.0, delivery=Delivery.ideal())
BUSY = replace(SIM, incidents=100.0)


@pytest.fixture(scope="module")
def troubled() -> pd.DataFrame:
    return BUSY.events("40min").merge(BUSY.truth("40min"), on="event_id", how="left")


def states(hours: np.ndarray, name: str) -> np.ndarray:
    found = [SIM._state(int(hour * 360), np.array([0.0]), np.array([[0.0]])) for hour in hours]
    return np.stack([state[name][:, 0] for state in found])


def test_reports_are_plausible() -> None:
    rows = SIM.events("10min")
    assert rows["cpu"].between(5, 100).all()
    assert rows["memory"].between(10, 100).all()
    assert (rows["latency_ms"] > 0).all()
    assert (rows["errors"] >= 0).all()
    assert rows["errors"].dtype == "int64"
    assert (rows.groupby("machine", observed=True)["service"].nunique() == 1).all()


def test_traffic_follows_the_day_and_the_week() -> None:
    requests = states(np.arange(0, 24 * 7, 1.0), "requests").sum(axis=1)
    clock = (np.arange(24 * 7) + 9) % 24
    assert requests[clock == 14].mean() > 1.8 * requests[clock == 4].mean()
    assert requests[24 * 5 + 5] < requests[24 * 2 + 5]  # two o'clock on Saturday, and on Wednesday


def test_memory_grows_until_a_restart_a_day() -> None:
    memory = states(np.arange(0, 24 * 7, 0.25), "memory")
    falls = np.diff(memory, axis=0) < -5
    assert 4 <= falls.sum() / memory.shape[1] <= 8
    assert memory.max() < 120
    grown = memory[4] - memory[0]
    assert (np.median(grown[grown > -5])) > 0


def test_incidents_slow_all_of_a_service_down_and_let_requests_fail(troubled: pd.DataFrame) -> None:
    hit = troubled[troubled["kind"] == "incident"]
    assert hit.groupby("episode_id")["service"].nunique().max() == 1
    assert hit.groupby("episode_id")["machine"].nunique().max() == 6
    usual = troubled[troubled["kind"].isna()].groupby("service", observed=True)
    slower = hit.groupby("service", observed=True)["latency_ms"].median() / usual["latency_ms"].median()
    assert slower.median() > 2
    failing = hit["errors"].mean() / troubled.loc[troubled["kind"].isna(), "errors"].mean()
    assert failing > 20


def test_without_incidents_there_are_none() -> None:
    assert len(replace(SIM, incidents=0.0).truth("1h")) == 0


def test_incidents_are_found_from_any_block() -> None:
    drawn = Incidents(services=3, daily=24)
    assert drawn.hours(3600 * 5 + 10, 3600 * 5 + 20) == range(4, 6)
    assert drawn.hours(3600 * 5 + LONGEST, 3600 * 5 + LONGEST + 10) == range(5, 6)
    assert drawn.hours(0, 10) == range(1)


def test_a_fault_has_the_last_word_in_an_incident() -> None:
    sim = replace(BUSY, faults=0.3)
    truth = sim.truth("20min")
    assert set(truth["kind"]) == set(sim.kinds)
    rows = sim.events("20min").merge(truth, on="event_id", how="left")
    lost = rows["latency_ms"].isna()
    assert (rows.loc[lost, "kind"] == "dropout").all()


def test_latency_has_a_heavy_tail_that_does_not_depend_on_the_rate() -> None:
    for hertz in (0.5, 5.0):
        rows = replace(SIM, hertz=hertz, incidents=0.0).events("10min")
        grouped = rows.groupby("machine", observed=True)["latency_ms"]
        assert 2.5 < (grouped.quantile(0.99) / grouped.median()).median() < 15
    slow, quick = (replace(SIM, hertz=hertz).events("10min")["errors"].sum() for hertz in (0.5, 5.0))
    assert slow == pytest.approx(quick, rel=0.4)


def test_errors_teach() -> None:
    with pytest.raises(ValueError) as caught:
        Servers(incidents=-1.0)
    assert str(caught.value) == (
        "incidents is -1.0\nDetail: incidents is their number per service and day, in [0, 100].\n"
        "Hint: Write incidents=0 for none."
    )
    with pytest.raises(ValueError, match=r"machines is 0\n"):
        Servers(machines=0)
