"""Random processes that can be entered anywhere have the laws they claim."""

from itertools import pairwise

import numpy as np
import pytest

from simulators.ordering import sort_pairs, stable_order
from simulators.processes import layered_noise, multifractal_step

SERIES = 400


def cell(layer: int, index: int) -> np.ndarray:
    return np.random.default_rng([1, layer, index]).standard_normal(SERIES)


def node(level: int, index: int, rows: int) -> np.ndarray:
    return np.random.default_rng([2, level, index]).standard_normal((rows, SERIES))


def noise(block: int, within: list[float]) -> np.ndarray:
    return layered_noise(cell, block=block, within=np.array(within), spans=(3, 12, 60))


def test_noise_has_mean_0_and_variance_1_everywhere() -> None:
    values = np.stack([noise(block, [0.0, 0.3, 0.8]) for block in range(0, 600, 7)])
    assert values.mean() == pytest.approx(0, abs=0.1)
    assert values.var(axis=(0, 1)).mean() == pytest.approx(1, abs=0.1)


def test_noise_is_continuous_over_blocks_and_forgets() -> None:
    before, after = noise(11, [1 - 1e-9]), noise(12, [0.0])
    assert np.allclose(before, after, atol=1e-6)
    assert abs(np.corrcoef(noise(5, [0.0])[:, 0], noise(400, [0.0])[:, 0])[0, 1]) < 0.2


def test_steps_of_a_walk_join_up() -> None:
    steps = [multifractal_step(node, n, roughness=0.9, depth=6) for n in range(500, 530)]
    for one, two in pairwise(steps):
        assert np.allclose(one.right, two.left)


@pytest.mark.parametrize("roughness", [0.0, 0.9])
def test_steps_have_variance_1_and_cluster_if_rough(roughness: float) -> None:
    steps = [multifractal_step(node, n, roughness=roughness, depth=6) for n in range(64, 192)]
    jumps = np.stack([step.right - step.left for step in steps])
    assert np.mean(jumps**2) == pytest.approx(1, abs=0.1)
    assert np.mean([step.variance for step in steps]) == pytest.approx(1, abs=0.01)
    assert abs(np.mean(jumps[1:] * jumps[:-1])) < 0.05
    clustering = np.mean(jumps[1:] ** 2 * jumps[:-1] ** 2) - 1
    kurtosis = np.mean(jumps**4)
    if roughness:
        assert clustering > 0.2
        assert kurtosis > 4
    else:
        assert clustering == pytest.approx(0, abs=0.2)
        assert kurtosis == pytest.approx(3, abs=0.3)


def test_fast_order_is_the_slow_one() -> None:
    time = np.random.default_rng(3).integers(0, 1000, 5000)
    second = np.arange(5000)[::-1].copy()
    assert (stable_order(time) == np.argsort(time, kind="stable")).all()
    order = np.lexsort([second, time])
    both = sort_pairs(time, second)
    assert (both[0] == time[order]).all()
    assert (both[1] == second[order]).all()


def test_times_too_long_to_be_packed_are_sorted_too() -> None:
    time, second = np.array([2**40, 5, 2**40, 7]), np.array([2, 1, 1, 0])
    assert [column.tolist() for column in sort_pairs(time, second)] == [[5, 7, 2**40, 2**40], [1, 0, 1, 2]]
    assert stable_order(time).tolist() == [1, 3, 0, 2]
