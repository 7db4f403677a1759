"""Market: what the tape and the order book of the same symbols have in common.

Prices that walk, days with a shape, and a crowd whose trades excite one another. With the same seed
and symbols the tape and the book are of one market: prices begin and end each block at the same place.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np
import pandas as pd

from simulators.ordering import IntArray
from simulators.parameters import require
from simulators.processes import FloatArray, Step, multifractal_step

OPEN, CLOSE = 9.0, 17.0
"""Hours between which the day is busy, most of all at its ends."""

BLOCK = 10.0
"""Length of a block, seconds."""
STEP = 0.025 / np.sqrt(86_400 / BLOCK)
"""Standard deviation of a block's log return: 2.5 % a day."""

_FAMILY, _PATH, _LISTING = 2, 1, 4
_ORIGIN = 2**20
"""Blocks that the walk has behind it at the start, so that its first hours are like all others."""
_ROUGHNESS, _DEPTH = 0.95, 12
_COMMON = 0.35
"""Share of variance that all symbols have in common."""
_COUPLING = 0.45
"""Exponent of volatility in the rate of events."""

_BRANCHING = 0.75
"""Events that an event excites, on average; 1 / (1 - 0.75) = 4 events a cluster."""
_GENERATIONS = 60
_MEMORY = np.array([0.05, 0.3, 1.5])
"""Mean time from an event to one that it excites, seconds, each as likely."""


def listed(symbols: Iterable[str]) -> tuple[str, ...]:
    """Return the symbols of a market, 1 to 100, each with a name of its own."""
    names = tuple(symbols)
    require(
        0 < len(set(names)) == len(names) <= 100,
        f"symbols are {names!r}",
        detail="A market has 1 to 100 symbols, each with a name of its own.",
        hint='Write for example symbols=("ALBA", "BRIO").',
    )
    return names


def require_a_minute(name: str, value: float) -> None:
    """Raise unless so many episodes a minute lie in ``[0, 600]``."""
    require(
        0 <= value <= 600,
        f"{name} is {value!r}",
        detail=f"{name} is their number per minute, in [0, 600].",
        hint=f"Write {name}=0 for none.",
    )


@dataclass(frozen=True, kw_only=True)
class Market:
    """Prices and activity of a few symbols, block by block.

    Parameters
    ----------
    seed
        Seed of all randomness.
    symbols
        How many symbols, the busiest first.
    start
        When block 0 begins.

    Examples
    --------
    >>> market = Market(seed=7, symbols=3, start=pd.Timestamp("2026-01-05T09:00"))
    >>> bool(np.allclose(market.step(4).right, market.step(5).left))
    True
    """

    seed: int
    symbols: int
    start: pd.Timestamp

    @cached_property
    def popularity(self) -> FloatArray:
        """Share of the events that each symbol has, as 1 / rank ** 0.7."""
        weight: FloatArray = np.arange(1.0, self.symbols + 1) ** -0.7
        weight /= weight.sum()
        return weight

    @cached_property
    def first_prices(self) -> FloatArray:
        """Prices at the start, between 20 and 400."""
        prices: FloatArray = 20 * 20 ** self._rng(_LISTING).random(self.symbols)
        return prices

    @cached_property
    def step(self) -> Callable[[int], Step]:
        """``step(block)``: where the walks begin and end in one block, and how volatile it is."""

        def found(block: int) -> Step:
            return multifractal_step(self._places, _ORIGIN + block, roughness=_ROUGHNESS, depth=_DEPTH)

        return lru_cache(maxsize=8)(found)

    def price(self, walked: FloatArray) -> FloatArray:
        """Return prices for places of the walks."""
        prices: FloatArray = self.first_prices * np.exp(STEP * (walked - self.step(0).left))
        return prices

    def rates(self, block: int) -> FloatArray:
        """Return how busy each symbol is in a block; the sum is 1 on the average of a day."""
        calm = np.clip(self.step(block).variance, 1e-3, 60.0) ** _COUPLING / _mean_power(_COUPLING)
        rates: FloatArray = self._day(block) * self.popularity * calm
        return rates

    def _day(self, block: int) -> float:
        """Return the activity at this time of day, 1 on average: high at 9:00 and at 16:30."""
        seconds = (self.start - self.start.normalize()).total_seconds() + (block + 0.5) * BLOCK
        hour = seconds / 3600 % 24
        bumps = 1.6 * np.exp(-(((hour - 9) / 1.5) ** 2)) + 1.4 * np.exp(-(((hour - 16.5) / 1.5) ** 2))
        return float((0.6 + bumps) / (0.6 + 3.0 * 1.5 * np.sqrt(np.pi) / 24))

    @cached_property
    def _places(self) -> Callable[[int, int, int], FloatArray]:
        """The normal numbers of the walk's places; neighbouring blocks have most of them in common."""

        def normals(level: int, index: int, rows: int) -> FloatArray:
            drawn = self._rng(_PATH, level, index).standard_normal((rows, 1 + self.symbols))
            common, own = drawn[:, :1], drawn[:, 1:]
            mixed: FloatArray = np.sqrt(_COMMON) * common + np.sqrt(1 - _COMMON) * own
            return mixed

        return lru_cache(maxsize=64)(normals)

    def _rng(self, component: int, *index: int) -> np.random.Generator:
        words = [self.seed, _FAMILY, component, *index]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


@cache
def _mean_power(power: float) -> float:
    """Return the mean of variance ** power over the blocks of a cascade."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    halves = (2 / (1 + np.exp(_ROUGHNESS * nodes))) ** power
    return float((weights @ halves / weights.sum()) ** _DEPTH)


def clusters(expected: FloatArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return symbols and times in a block, microseconds, by (symbol, time), of events in bursts.

    Generation by generation: every event excites a Poisson number of others (Hawkes and Oakes 1974).
    A block is a ring to its clusters: what runs over its end comes in at its beginning, which keeps
    the rate even and blocks independent.

    Parameters
    ----------
    expected
        How many events each symbol has, on average.
    rng
        Source of randomness.

    Examples
    --------
    >>> symbol, micros = clusters(np.array([400.0, 100.0]), np.random.default_rng(7))
    >>> bool((np.diff(symbol) >= 0).all()), bool(micros.max() < 10_000_000)
    (True, True)
    """
    founders = rng.poisson(expected * (1 - _BRANCHING))
    symbol = np.repeat(np.arange(len(expected)), founders)
    time = rng.random(len(symbol)) * BLOCK
    symbols, times = [symbol], [time]
    for _ in range(_GENERATIONS):
        if not len(symbol):
            break
        children = rng.poisson(_BRANCHING, len(symbol))
        symbol = np.repeat(symbol, children)
        memory = _MEMORY[rng.integers(0, len(_MEMORY), len(symbol))]
        time = np.repeat(time, children) + memory * rng.standard_exponential(len(symbol))
        symbols.append(symbol)
        times.append(time)
    micros = (np.concatenate(times) * 1e6).astype(np.int64) % round(BLOCK * 1e6)
    # The symbol goes above the time (a block's microseconds fit into 24 bits).
    keys: IntArray = np.concatenate(symbols) << 24 | micros
    keys.sort()
    return keys >> 24, keys & ((1 << 24) - 1)
