"""Devices look like real ones, by their cards; and a card would notice if they did not."""

from dataclasses import replace

import numpy as np
import pytest

from simulators import City, Fleet, Sensors, Servers, Simulator
from simulators.realism import card_of, scorecard
from simulators.realism.readings import hour_of, rank_correlation, sampled

FAMILIES = [Sensors(seed=7, hertz=1), City(seed=7), Fleet(seed=7), Servers(seed=7)]


@pytest.mark.parametrize("sim", FAMILIES, ids=lambda sim: sim.name)
def test_every_figure_lies_where_it_does_for_real_devices(sim: Simulator) -> None:
    card = scorecard(sim)
    failed = card.loc[~card["passed"], ["metric", "value", "low", "high"]]
    assert failed.empty, failed.to_string()
    assert (card["source"] != "").all()
    assert card["metric"].is_unique


def test_a_card_notices_what_is_missing() -> None:
    card = scorecard(Sensors(devices=8, hertz=0.5, missing=0.0, faults=0.0)).set_index("metric")["passed"]
    assert not card["share of readings missing"]
    assert not card["share of readings in faults"]
    assert not card["share of spike"]
    assert not card["area under curve of a robust detector"]
    assert card["correlation of temperature and humidity"]


def test_a_card_notices_devices_that_have_nothing_to_do_with_each_other() -> None:
    sim = City(seed=7, stations=10, hertz=0.5)
    sample = sampled(sim)
    shuffled = np.random.default_rng(1).permutation(len(sample.kind))
    columns = {**sample.columns, "temperature": sample.columns["temperature"][shuffled]}
    passed = {
        metric.name: metric.holds(metric.measure(sample._replace(columns=columns)))
        for metric in card_of(sim).metrics
        if "temperature" in metric.name
    }
    assert not passed["correlation of temperature between devices"]
    assert not passed["correlation of temperature with 30 s later"]


def test_a_sample_is_two_weeks_now_and_then() -> None:
    sim = replace(FAMILIES[1], stations=3, missing=0.0)
    sample = sampled(sim)
    assert len(sample.hour) == 2 * 14 * 36
    assert len(sample.kind) == sample.possible == len(sample.hour) * 3 * 10
    assert sample.hour[0] == 9
    assert sample.weekend.mean() == pytest.approx(2 / 7, abs=0.01)
    assert sample.single("pm25").shape == sample.single("pm25", later=True).shape == (504, 3)


def test_rank_correlation_and_hours() -> None:
    assert rank_correlation(np.array([1.0, 2.0, np.nan, 3.0]), np.array([9.0, 4.0, 7.0, 1.0])) == -1
    curve = -np.cos(np.arange(24) / 24 * 2 * np.pi)
    assert (hour_of(curve, highest=True), hour_of(curve, highest=False)) == (12, 0)
