"""Delay, disorder, duplicates, loss and outages."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import PRESETS, Delivery, Outage, Sensors
from simulators.delivery.road import Arrivals

COUNT = 200_000


def draw(*words: int) -> np.random.Generator:
    return np.random.default_rng([7, *words])


def delivered(delivery: Delivery, keys: int = 30) -> tuple[np.ndarray, Arrivals]:
    time = np.sort(np.random.default_rng(1).integers(0, 600_000_000, COUNT))
    return time, delivery.deliver(time, np.arange(COUNT) % keys, 0, draw)


def delays(name: str) -> np.ndarray:
    plain = replace(PRESETS[name], outage=None, duplicates=0.0)
    time, arrivals = delivered(plain)
    return (arrivals.time - time[arrivals.rows]) / 1e6


@pytest.mark.parametrize(
    ("name", "median", "p99"),
    [
        ("ideal", (0, 0), (0, 0)),
        ("market", (0.0014, 0.0016), (0.004, 0.006)),
        ("web", (0.07, 0.10), (0.6, 2.0)),
        ("iot", (0.14, 0.20), (6, 16)),
        ("mobile", (0.35, 0.50), (60, 180)),
    ],
)
def test_presets_are_as_late_as_they_say(
    name: str, median: tuple[float, float], p99: tuple[float, float]
) -> None:
    late = delays(name)
    assert median[0] <= np.median(late) <= median[1]
    assert p99[0] <= np.quantile(late, 0.99) <= p99[1]
    assert late.min() >= 0
    assert late.max() <= PRESETS[name].max_delay.total_seconds()


def test_loss_and_duplicates_have_the_shares_asked_for() -> None:
    delivery = Delivery(loss=0.1, duplicates=0.05, duplicate_lag="4s")
    time, (rows, arrival) = delivered(delivery)
    once, times = np.unique(rows, return_counts=True)
    assert len(once) / COUNT == pytest.approx(0.9, abs=0.005)
    assert (times == 2).mean() == pytest.approx(0.05, abs=0.005)
    assert times.max() == 2
    lag = arrival - time[rows]
    assert lag.min() >= 0
    assert lag.max() < 4_000_000
    assert delivery.max_delay == pd.Timedelta("4s")


def test_arrivals_are_sorted_by_time_then_event_then_copy() -> None:
    time = np.zeros(1000, np.int64)
    delivery = Delivery(duplicates=1.0, duplicate_lag="1us")
    rows, arrival = delivery.deliver(time, time, 0, draw)
    assert (arrival == 0).all()
    assert (rows == np.repeat(np.arange(1000), 2)).all()


def test_nothing_is_delivered_from_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert len(Delivery.iot().deliver(none, none, 0, draw).rows) == 0


def test_an_outage_is_stored_and_forwarded() -> None:
    outage = Outage(every="10min", length="2min", share=1 / 3, catch_up=20)
    time, (rows, arrival) = delivered(Delivery(outage=outage))
    late = arrival - time[rows]
    keys = rows % 30
    cut_off = np.unique(keys[late > 0])
    assert len(cut_off) == 10
    stored = late > 0
    end = arrival[stored].min()
    # Nobody cut off is heard of for two minutes; then everything comes within 2 min / 20 = 6 s.
    assert late.max() == pytest.approx(120e6, rel=0.01)
    assert arrival[stored].max() - end == pytest.approx(6e6, rel=0.01)
    silent = np.isin(keys, cut_off) & (arrival > end - 119_000_000) & (arrival < end)
    assert not silent.any()
    assert stored.mean() == pytest.approx(0.2 / 3, abs=0.005)
    for key in cut_off:
        backlog = rows[stored & (keys == key)]
        assert (np.diff(backlog) > 0).all()


def test_the_catch_up_is_seen_in_a_simulator() -> None:
    outage = Outage(every="5min", length="1min", share=0.5)
    sim = Sensors(seed=3, hertz=2, missing=0, delivery=Delivery(outage=outage))
    arrivals = sim.arrivals("5min")
    assert len(arrivals) == 16 * 2 * 300
    per_second = arrivals.groupby(arrivals["arrival_time"].dt.floor("1s")).size()
    assert per_second.min() < 0.6 * 32
    assert per_second.max() > 5 * 32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Delivery(median="fast"),
            "median is 'fast'\nDetail: median is a duration of zero or more, with its unit.\n"
            'Hint: Write for example median="10s", "250ms" or "5min".',
        ),
        (
            lambda: Delivery(median=5),
            "median is 5\nDetail: median is a duration of zero or more, with its unit.\n"
            'Hint: Write for example median="10s", "250ms" or "5min".',
        ),
        (
            lambda: Delivery(median="1s", sigma=9),
            "sigma is 9\nDetail: sigma is the standard deviation of the logarithm of the delay, in "
            "[0, 5].\nHint: Networks lie between 0.5 and 1.5.",
        ),
        (
            lambda: Delivery(median="1s"),
            "cap is 0 days 00:00:00, tail_scale is 0 days 00:00:01, median is 0 days 00:00:01\n"
            "Detail: cap is the longest delay: at least the median and, with a tail, tail_scale.\n"
            'Hint: Write for example cap="10s".',
        ),
        (
            lambda: Delivery(cap="7h"),
            "the longest delay is 0 days 07:00:00\nDetail: cap + duplicate_lag + outage length + "
            "delays of faults may be 0 days 06:00:00 at most.\nHint: Shorten cap or the outage.",
        ),
        (
            lambda: Outage(every="1min", length="40s"),
            "outage length is 0 days 00:00:40 in a period of 0 days 00:01:00\nDetail: A spell "
            "must be longer than nothing and leave half of its period to recover.\n"
            'Hint: Write for example Outage(every="15min", length="3min").',
        ),
        (
            lambda: Outage(catch_up=0.5),
            "catch_up is 0.5\nDetail: Stored events are forwarded catch_up times as fast as they "
            "were observed.\nHint: Write for example catch_up=20.",
        ),
    ],
)
def test_errors_teach(make, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message
