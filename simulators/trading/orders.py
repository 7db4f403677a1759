"""Orders: which ones come to the books of a market in one block, before they are known to have an effect."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.ordering import IntArray
from simulators.processes import FloatArray
from simulators.trading.ladder import CELL, CELLS, END, LOTS, Ladder, mean_lots, mean_orders
from simulators.trading.market import clusters
from simulators.trading.queues import EVERYTHING

_ARRIVALS = np.array([1.85, 1.51, 1.09, 0.88, 0.77])
"""Limit orders by distance from the best price (Cont, Stoikov and Talreja 2010, table 1)."""
_TAKEN = 0.3
"""Share of what leaves the best queue that is taken, and not cancelled."""

ORDINARY, SWEEP, REFILL, RESET = 0, 1, 2, 3


class Rows(NamedTuple):
    """Events before they are known to have an effect."""

    symbol: IntArray
    micros: IntArray
    level: IntArray
    """Price in ticks."""
    lots: IntArray
    """Negative if they leave."""
    origin: npt.NDArray[np.int8]
    episode: IntArray
    """Number of the manipulation in its block, shifted by the kind; -1 for none."""


def ordinary(
    expected: FloatArray, ladder: Ladder, rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], Rows]:
    """Return the flow of orders, by (symbol, time), and a coin for each: taken if at the best price."""
    symbol, micros = clusters(expected, rng)
    cell = symbol * CELLS + micros // CELL
    bits = rng.integers(0, 2**63, len(symbol))
    places = np.searchsorted(np.cumsum(_ARRIVALS) / _ARRIVALS.sum(), (np.arange(512) + 0.5) / 512)
    distance = (places + 1)[bits & 511]
    asks = bits >> 9 & 1
    # As many come as leave a queue that holds `mean` orders: the law of a queue with one server.
    every = np.arange(1, len(_ARRIVALS) + 1)
    flat = ladder.lean.reshape(-1, 1)
    mean = np.stack([mean_orders(every, side, flat) for side in (False, True)], axis=1)
    comes = (65536 * mean / (1 + 2 * mean)).astype(np.int64).ravel()
    limit = (bits >> 10 & 65535) < comes[(cell * 2 + asks) * len(every) + distance - 1]
    lots = LOTS[bits >> 26 & 255]
    level = ladder.middle.ravel()[cell] + np.where(asks == 1, distance, 1 - distance)
    coins = (bits >> 34 & 255) < _TAKEN * 256
    none = np.zeros(len(symbol), np.int8)
    rows = Rows(symbol, micros, level, np.where(limit, lots, -lots), none, np.full(len(symbol), -1))
    return coins, rows


def moves(ladder: Ladder, rng: np.random.Generator) -> Rows:
    """Return the orders that take whole levels as the price gets through them, and those that follow up."""
    moved = np.diff(ladder.middle, axis=1)
    symbol, before = np.nonzero(moved)
    by = moved[symbol, before]
    each = np.repeat(np.arange(len(by)), np.abs(by))
    number = np.arange(len(each)) - np.repeat(np.cumsum(np.abs(by)) - np.abs(by), np.abs(by))
    symbol, before, up = symbol[each], before[each], by[each] > 0
    old, new = ladder.middle[symbol, before], ladder.middle[symbol, before + 1]
    level = np.where(up, old + 1 + number, old - number)
    swept = (before + 1) * CELL
    distance = np.where(up, new + 1 - level, level - new)
    mean = mean_lots(distance, ~up, ladder.lean[symbol, before + 1])
    follows = 1 + (mean * rng.standard_exponential(len(each))).astype(np.int64)
    later = swept + (rng.random(len(each)) * CELL / 2).astype(np.int64)
    origin = np.repeat(np.array([SWEEP, REFILL], np.int8), len(each))
    everything = np.full(len(each), -EVERYTHING)
    return Rows(
        np.tile(symbol, 2),
        np.concatenate([swept, later]),
        np.tile(level, 2),
        np.concatenate([everything, follows]),
        origin,
        np.full(len(origin), -1),
    )


def resets(
    rows: Rows, low: IntArray, width: int, target: IntArray, first: IntArray, rng: np.random.Generator
) -> Rows:
    """Return the last event of each queue that holds something or had events, some time after those."""
    last = np.full(low.size * width, -1)
    np.maximum.at(last, rows.symbol * width + rows.level - low[rows.symbol], rows.micros)
    queue = np.flatnonzero((last >= 0) | (target.ravel() != first.ravel()))
    begin = np.maximum(last[queue], 0)
    micros = begin + (rng.random(len(queue)) * (END - begin)).astype(np.int64)
    symbol, place = np.divmod(queue, width)
    none = np.zeros(len(queue), np.int64)
    return Rows(symbol, micros, low[symbol] + place, none, (none + RESET).astype(np.int8), none - 1)


def spoofing(begin: float, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Return times, distances and lots of large orders at three levels that are withdrawn together."""
    last = begin + rng.uniform(1, 3)
    seconds = np.sort(rng.uniform(0, 0.05, (2, 3)), axis=1) + np.array([[begin], [last]])
    lots = rng.integers(150, 400, 3)
    distance = np.array([2, 3, 4])
    return (seconds.ravel() * 1e6).astype(np.int64), np.tile(distance, 2), np.concatenate([lots, -lots])


def stuffing(begin: float, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Return times, distances and lots of small orders, each withdrawn before the next."""
    count = int(rng.integers(50, 120))
    seconds = begin + np.sort(rng.uniform(0, rng.uniform(0.5, 1), 2 * count))
    distance = np.repeat(rng.integers(2, 5, count), 2)
    return (seconds * 1e6).astype(np.int64), distance, np.tile([1, -1], count)


def nothing() -> Rows:
    """Return no rows."""
    none = np.zeros(0, np.int64)
    return Rows(none, none, none, none, none.astype(np.int8), none)


def joined(parts: list[Rows]) -> Rows:
    """Return the rows of several parts, one after the other."""
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def picked(rows: Rows, which: npt.NDArray[Any]) -> Rows:
    """Return some rows, by position or mask."""
    return Rows(*(column[which] for column in rows))


def by_time(rows: Rows, coins: npt.NDArray[np.bool_]) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Return rows by symbol, time, and whether they follow a sweep; coins are for the first of them."""
    count = len(rows.symbol)
    packed = (rows.symbol << 25 | rows.micros << 1 | (rows.origin != SWEEP)) << 28 | np.arange(count)
    packed.sort(kind="stable")  # nearly all are one sorted run already
    order = packed & ((1 << 28) - 1)
    coins = np.concatenate([coins, np.zeros(count - len(coins), np.bool_)])
    return picked(rows, order), coins[order]
