"""Faults are drawn by cells of time, and put into readings where they belong."""

import numpy as np
import pytest

from simulators.sensors.episodes import (
    DRIFT,
    DROPOUT,
    KINDS,
    NOISE,
    SPIKE,
    STUCK,
    Channel,
    Episode,
    Episodes,
    put_in,
)

TIME = np.arange(10.0)[None, :].repeat(2, axis=0)


def episode(kind: int, *, begin: float = 2.0, size: float = 3.0, device: int = 1) -> Episode:
    return Episode(7, device, kind, 0, begin, 4.0, size)


def broken(*episodes: Episode, by_factor: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, beside = np.full((2, 10), 20.0), np.full((2, 10), 50.0)
    marks = put_in(
        episodes,
        origin=0.0,
        time=TIME,
        channels=[Channel(values, 0.5, by_factor)],
        lost=[beside],
        usual=lambda when, channel, device: 100.0 + device,
        rng=np.random.default_rng(3),
    )
    assert (marks.kind[0] == -1).all()
    assert (values[0] == 20).all()
    return values[1], beside[1], marks.kind[1]


def test_a_spike_is_one_reading() -> None:
    values, _, kind = broken(episode(SPIKE, begin=1.5))
    assert np.flatnonzero(kind == SPIKE).tolist() == [2]
    assert values.tolist() == [20, 20, 24.5, *[20] * 7]


def test_a_spike_of_an_earlier_time_is_gone() -> None:
    assert (broken(episode(SPIKE, begin=-0.5))[2] == -1).all()
    assert (broken(episode(SPIKE, begin=9.5))[2] == -1).all()


def test_a_stuck_device_stays_at_what_was_true() -> None:
    assert broken(episode(STUCK))[0].tolist() == [20, 20, *[101] * 4, *[20] * 4]


def test_noise_and_drift_are_added() -> None:
    noisy, _, kind = broken(episode(NOISE))
    assert np.flatnonzero(kind >= 0).tolist() == [2, 3, 4, 5]
    assert 0.1 < np.std(noisy[2:6]) < 3
    assert broken(episode(DRIFT))[0].tolist() == [20, 20, 20, 20.375, 20.75, 21.125, *[20] * 4]


def test_what_is_wrong_by_a_factor_stays_positive() -> None:
    values, _, _ = broken(episode(SPIKE, size=-5.0), by_factor=True)
    assert values[2] == pytest.approx(20 * np.exp(-7.5))


def test_a_dropout_silences_all_and_has_the_last_word() -> None:
    values, beside, kind = broken(episode(DROPOUT), episode(DRIFT, begin=4.0))
    assert np.flatnonzero(np.isnan(values)).tolist() == [2, 3, 4, 5]
    assert np.isnan(beside).tolist() == np.isnan(values).tolist()
    assert kind.tolist() == [-1, -1, *[DROPOUT] * 4, DRIFT, DRIFT, -1, -1]


def test_episodes_have_their_share_and_all_kinds() -> None:
    drawn = Episodes(devices=50, share=0.1, shortest=20, longest=100, cell=60, channels=3)
    found = [one for cell in range(300) for one in drawn.of_cell(cell, np.random.default_rng([5, cell]))]
    lasting = sum(one.length for one in found if one.kind != SPIKE)
    assert lasting / (50 * 300 * 60) == pytest.approx(0.1, rel=0.1)
    assert {one.kind for one in found} == set(range(len(KINDS)))
    assert {one.channel for one in found} == {0, 1, 2}
    assert len({one.number for one in found}) == len(found)


def test_all_cells_that_can_reach_into_a_time_are_asked() -> None:
    drawn = Episodes(devices=1, share=0.1, shortest=20, longest=100, cell=60, channels=1)
    assert drawn.cells(600.0, 610.0) == range(8, 11)
    assert drawn.cells(0.0, 10.0) == range(-2, 1)


def test_before_the_start_no_device_is_stuck() -> None:
    drawn = Episodes(devices=500, share=0.5, shortest=20, longest=100, cell=60, channels=1)
    before = drawn.of_cell(-1, np.random.default_rng(1))
    assert len(before) > 10
    assert STUCK not in {one.kind for one in before}
