"""Ladder: where bids end and asks begin, moment by moment, and how much waits at each distance from there."""

from typing import Any, NamedTuple

import numpy as np

from simulators.ordering import IntArray
from simulators.processes import FloatArray
from simulators.trading.market import BLOCK

CELLS = 64
"""Moments of a block at which the latent price is looked at."""
CELL = round(BLOCK * 1e6) // CELLS
END = round(BLOCK * 1e6)
_SLACK = 0.3
"""Ticks that the latent price must be beyond a level to get through it."""

_LENGTHS = np.array([9.0, 13.0, 15.0, 14.0, 12.0, 10.0])
"""Orders that wait at each distance, on average; the last holds for all beyond."""
LOTS = np.repeat([1, 2, 3, 5, 10], [150, 54, 22, 20, 10])
"""Lots of an order, 256 of them, each as likely."""
_SCALE = float(np.mean(LOTS**2.0) / np.mean(LOTS))
"""Lots that wait in a long queue, per order: large orders make queues longer than their mean does."""


class Ladder(NamedTuple):
    """Where bids end in one block; rows are symbols, columns are cells."""

    middle: IntArray
    """The highest level of bids, in ticks."""
    lean: FloatArray
    """How near the latent price is to the next level above, in [0, 1]."""
    low: IntArray
    high: IntArray


def laddered(left: FloatArray, right: FloatArray, spread: FloatArray, normals: FloatArray) -> Ladder:
    """Return where bids end, cell by cell, under a bridge from one price in ticks to another."""
    along = np.linspace(0, 1, CELLS)
    walk = np.concatenate([np.zeros((len(left), 1)), np.cumsum(normals, axis=1)], axis=1) / np.sqrt(CELLS - 1)
    latent = left[:, None] + (right - left)[:, None] * along + spread[:, None] * (walk - walk[:, -1:] * along)
    held = np.empty_like(latent)
    held[:, 0] = latent[:, 0]
    for cell in range(1, CELLS):
        held[:, cell] = held[:, cell - 1].clip(latent[:, cell] - _SLACK, latent[:, cell] + _SLACK)
    held[:, -1] = latent[:, -1]
    middle = np.floor(held).astype(np.int64)
    lean = np.clip((latent - middle + _SLACK) / (1 + 2 * _SLACK), 0, 1)
    return Ladder(middle, lean, middle.min(axis=1), middle.max(axis=1))


def mean_orders(distance: IntArray, asks: Any, lean: FloatArray) -> FloatArray:
    """Return how many orders wait on average at a distance; the best queues lean with the latent price."""
    room = np.where(asks, 1 - lean, lean)
    orders: FloatArray = _LENGTHS[np.minimum(distance, len(_LENGTHS)) - 1] * np.where(
        distance == 1, 0.35 + 1.3 * room, 1.0
    )
    return orders


def mean_lots(distance: IntArray, asks: Any, lean: FloatArray) -> FloatArray:
    """Return how many lots that is; arguments as for `mean_orders`."""
    return _SCALE * mean_orders(distance, asks, lean)


def drawn(noise: FloatArray, mean: FloatArray) -> IntArray:
    """Return lots with an exponential law, and a few empty queues, from normal noise."""
    exponential = np.logaddexp(0, 1.702 * noise)  # the logistic curve is all but the normal one
    lots: IntArray = np.maximum(mean * (1.1 * exponential - 0.1), 0).astype(np.int64)
    return lots
