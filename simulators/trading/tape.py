"""Trading: the tape of a market that never closes, with labelled anomalies.

The market never closes, but its day has a shape: trades are many at 9:00 and at 16:30, fewer by a
factor of three and more at noon, the U of a day session, and in the night they are as few as at noon.

Prices walk in multifractal time, so that volatility clusters, tails are heavy and the path can be
entered anywhere. Trades come in bursts, one exciting the next (Hawkes 1971, in the cluster
representation of Hawkes and Oakes 1974); the signs of orders have long memory (Lillo and Farmer
2004).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column, Simulator, Table, Truth
from simulators.delivery.road import MARKET, Delivery
from simulators.ordering import IntArray, stable_order
from simulators.parameters import positive
from simulators.processes import FloatArray, Step, layered_noise
from simulators.trading.market import BLOCK, STEP, Market, clusters, listed, require_a_minute

_TRADES, _ANOMALIES, _MOOD = 2, 3, 5

_HALF_SPREAD = 0.8e-4
"""How far buyers pay more than the middle, and sellers get less, in ordinary times; a share of the price."""

_ORDERS = 3
"""Large orders that are worked off at the same time, each in a run of trades of one side."""
_SPANS = (1, 4, 16, 64)
"""Blocks over which the mood changes, in layers."""

_KINDS = ("price spike", "volume burst", "fat finger")
_SPIKE, _VOLUME, _FINGER = range(3)


@dataclass(frozen=True, kw_only=True)
class Trading(Simulator):
    """Simulate the trades of a few symbols.

    Parameters
    ----------
    symbols
        Names of the symbols, the busiest first; trades are dealt as 1 / rank ** 0.7.
    trades_per_second
        Trades of all symbols per second, on the average of a day; more than twice as many at 9:00
        and at 16:30, two thirds at noon and in the night.
    anomalies
        Labelled anomalies per minute of all symbols: a price spike (1 to 3 s), a volume burst (2 to
        5 s) or a fat finger (one trade, far off and far too large), 0 or more.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC.
    delivery
        How the trades arrive.

    Examples
    --------
    >>> tape = Trading(seed=7).events("1min")
    >>> tape.columns.tolist()
    ['event_id', 'event_time', 'symbol', 'price', 'size', 'side']
    >>> tape["side"].cat.categories.tolist()
    ['buy', 'sell']
    """

    symbols: tuple[str, ...] = ("ALBA", "BRIO", "CETO", "DUNE", "ERGO", "FARO")
    trades_per_second: float = 100.0
    anomalies: float = 2.0
    delivery: Delivery = MARKET

    name: ClassVar[str] = "trading"
    block: ClassVar[pd.Timedelta] = pd.Timedelta(BLOCK, unit="s")
    label: ClassVar[str] = "anomaly"
    kinds: ClassVar[tuple[str, ...]] = _KINDS
    key_column: ClassVar[str] = "symbol"
    pace: ClassVar[str] = "trades_per_second"
    family: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "symbols", listed(self.symbols))
        positive("trades_per_second", self.trades_per_second, unit="trades per second")
        require_a_minute("anomalies", self.anomalies)

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("symbol", "category", "What was traded.", categories=self.symbols),
            Column("price", "float64", "Price of the trade, in ticks of 0.01.", unit="EUR"),
            Column("size", "int64", "How much was traded.", unit="shares"),
            Column("side", "category", "Who crossed the spread.", categories=("buy", "sell")),
        )

    @cached_property
    def _market(self) -> Market:
        return Market(seed=self.seed, symbols=len(self.symbols), start=self.start)

    def _generate(self, block: int) -> tuple[Table, Truth]:
        rng = self._rng(_TRADES, block)
        step = self._market.step(block)
        symbol, micros = clusters(self.trades_per_second * BLOCK * self._market.rates(block), rng)
        counts = np.bincount(symbol, minlength=len(self.symbols))

        side = _sides(symbol, self._mood(block), rng)
        price = self._prices(symbol, counts, side, step, rng)
        active = np.clip(step.variance, 0.05, 20.0) ** 0.25
        size = np.ceil(60 * active[symbol] * np.exp(1.1 * rng.standard_normal(len(symbol))))
        kind, number = self._disturb(block, symbol, counts, micros, price, size)

        order = stable_order(micros, runs=True)
        kind, number = kind[order], number[order]
        rows = np.flatnonzero(kind >= 0)
        table: Table = {
            "event_time": micros[order] + round(block * BLOCK * 1e6),
            "symbol": symbol[order].astype(np.int8),
            "price": np.maximum(np.round(price[order], 2), 0.01),
            "size": size[order].astype(np.int64),
            "side": side[order].astype(np.int8),
        }
        return table, Truth(rows, kind[rows], number[rows])

    def _mood(self, block: int) -> FloatArray:
        """Return the probability that an order buys, by symbol; it changes over minutes."""
        slow = layered_noise(self._corners, block=block, within=np.array([0.5]), spans=_SPANS)
        mood: FloatArray = 0.5 + 0.1 * np.clip(slow[:, 0], -3, 3)
        return mood

    @cached_property
    def _corners(self) -> Callable[[int, int], FloatArray]:
        """The normal numbers between which the mood fades."""

        def normals(layer: int, cell: int) -> FloatArray:
            return self._rng(_MOOD, layer, cell).standard_normal(len(self.symbols))

        return lru_cache(maxsize=16)(normals)

    def _prices(
        self,
        symbol: IntArray,
        counts: IntArray,
        side: npt.NDArray[np.int64],
        step: Step,
        rng: np.random.Generator,
    ) -> FloatArray:
        """Return prices of trades by (symbol, time): a bridge of Student steps, and the spread."""
        ends = np.cumsum(counts)
        begins = ends - counts
        shocks = rng.standard_t(4.5, len(symbol)) * np.sqrt((4.5 - 2) / 4.5)
        path = np.concatenate([[0.0], np.cumsum(shocks)])
        total = path[ends] - path[begins] + rng.standard_normal(len(counts))
        scale = np.sqrt(step.variance / (counts + 1))
        # Number k of n trades: the walk so far, less its share of where the bridge must not end.
        k = np.arange(1, len(symbol) + 1) - begins[symbol]
        pull = (step.right - step.left - scale * total) / (counts + 1)
        walked = scale[symbol] * (path[1:] - path[begins][symbol]) + k * pull[symbol]
        middle = self._market.price(step.left)[symbol] * np.exp(STEP * walked)
        spread = _HALF_SPREAD * np.clip(step.variance, 0.2, 20.0) ** 0.25
        price: FloatArray = middle * (1 + np.where(side == 0, 1, -1) * spread[symbol])
        return price

    def _disturb(
        self,
        block: int,
        symbol: IntArray,
        counts: IntArray,
        micros: IntArray,
        price: FloatArray,
        size: FloatArray,
    ) -> tuple[npt.NDArray[np.int8], IntArray]:
        """Put the anomalies into one block, in place; return kind (-1 for none) and episode."""
        kind = np.full(len(symbol), -1, np.int8)
        number = np.zeros(len(symbol), np.int64)
        rng = self._rng(_ANOMALIES, block)
        ends = np.cumsum(counts)
        for n in range(rng.poisson(self.anomalies / 60 * BLOCK)):
            sort = int(rng.integers(len(_KINDS)))
            where = int(rng.choice(len(counts), p=self._market.popularity))
            length = rng.uniform(*((1, 3) if sort == _SPIKE else (2, 5)))
            begin = rng.uniform(0, BLOCK - length)
            strength = rng.uniform(1, 2) * rng.choice([-1, 1])
            lowest = ends[where] - counts[where]
            own = micros[lowest : ends[where]]
            first, last = lowest + np.searchsorted(own, np.array([begin, begin + length]) * 1e6)
            if sort == _FINGER:
                last = min(first + 1, last)
            here = slice(first, last)
            kind[here], number[here] = sort, block * IDS_PER_BLOCK + n
            if sort == _SPIKE:
                arc = np.sin(np.pi * (micros[here] / 1e6 - begin) / length)
                price[here] *= 1 + 0.012 * strength * arc
            elif sort == _VOLUME:
                size[here] = np.ceil(size[here] * 8 * abs(strength))
            else:
                price[here] *= 1 + 0.04 * strength
                size[here] = np.ceil(size[here] * 100 * abs(strength))
        return kind, number


def _sides(symbol: IntArray, mood: FloatArray, rng: np.random.Generator) -> IntArray:
    """Return 0 for buy and 1 for sell, for trades by (symbol, time).

    Each symbol has a few large orders in work at once; each is a run of trades of one side, whose
    length has a Pareto tail of exponent 1.5, and which buys with the probability in ``mood``.
    """
    count = len(symbol)
    # By symbol, then large order: numpy sorts 16-bit integers by radix, in linear time.
    worked = (symbol * _ORDERS + rng.integers(0, _ORDERS, count)).astype(np.int16)
    order = np.argsort(worked, kind="stable")
    lengths = np.ceil(rng.pareto(1.5, count // 2 + 1)).clip(1, count + 1).astype(np.int64)
    lengths[-1] = count
    runs = np.repeat(rng.random(len(lengths)), lengths)[:count]
    side = np.empty(count, np.int64)
    side[order] = runs >= mood[symbol[order]]
    return side
