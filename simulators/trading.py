"""Trading: the tape of a market that never closes, with labelled anomalies.

Prices walk in multifractal time, so that volatility clusters, tails are heavy and the path can be
entered anywhere. Trades come in bursts, one exciting the next (Hawkes 1971, in the cluster
representation of Hawkes and Oakes 1974); the signs of orders have long memory (Lillo and Farmer
2004).
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column, Simulator, Table, Truth
from simulators.delivery import MARKET, Delivery
from simulators.ordering import IntArray, stable_order
from simulators.parameters import positive, require
from simulators.processes import FloatArray, Step, layered_noise, multifractal_step

_PATH, _TRADES, _ANOMALIES, _LISTING, _MOOD = 1, 2, 3, 4, 5

_BLOCK = 10.0
_ORIGIN = 2**20
"""Blocks that the walk has behind it at the start, so that its first hours are like all others."""
_ROUGHNESS, _DEPTH = 0.9, 12
_COMMON = 0.35
"""Share of variance that all symbols have in common."""
_STEP = 0.025 / np.sqrt(86_400 / _BLOCK)
"""Standard deviation of a block's log return: 2.5 % a day."""
_COUPLING = 0.45
"""Exponent of volatility in the rate of trades."""

_BRANCHING = 0.75
"""Trades that a trade excites, on average; 1 / (1 - 0.75) = 4 trades a cluster."""
_GENERATIONS = 60
_MEMORY = np.array([0.05, 0.3, 1.5])
"""Mean time from a trade to one that it excites, seconds, each as likely."""
_ORDERS = 3
"""Large orders that are worked off at the same time, each in a run of trades of one side."""

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
        Trades of all symbols per second, on the average of a day; more than twice as many at
        9:00.
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
    block: ClassVar[pd.Timedelta] = pd.Timedelta(_BLOCK, unit="s")
    label: ClassVar[str] = "anomaly"
    kinds: ClassVar[tuple[str, ...]] = _KINDS
    key_column: ClassVar[str] = "symbol"
    family: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        symbols = tuple(self.symbols)
        object.__setattr__(self, "symbols", symbols)
        require(
            0 < len(set(symbols)) == len(symbols) <= 100,
            f"symbols are {symbols!r}",
            detail="A market has 1 to 100 symbols, each with a name of its own.",
            hint='Write for example symbols=("ALBA", "BRIO").',
        )
        positive("trades_per_second", self.trades_per_second, unit="trades per second")
        require(
            0 <= self.anomalies <= 600,
            f"anomalies is {self.anomalies!r}",
            detail="anomalies is their number per minute, in [0, 600].",
            hint="Write anomalies=0 for none.",
        )

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
    def _popularity(self) -> FloatArray:
        weight: FloatArray = np.arange(1.0, len(self.symbols) + 1) ** -0.7
        weight /= weight.sum()
        return weight

    @cached_property
    def _first_prices(self) -> FloatArray:
        """Prices at the start, between 20 and 400."""
        prices: FloatArray = 20 * 20 ** self._rng(_LISTING).random(len(self.symbols))
        return prices

    def _step(self, block: int) -> Step:
        """Return where the log prices begin and end in one block, and how volatile it is."""

        def normals(level: int, index: int, rows: int) -> FloatArray:
            drawn = self._rng(_PATH, level, index).standard_normal((rows, 1 + len(self.symbols)))
            common, own = drawn[:, :1], drawn[:, 1:]
            mixed: FloatArray = np.sqrt(_COMMON) * common + np.sqrt(1 - _COMMON) * own
            return mixed

        return multifractal_step(normals, _ORIGIN + block, roughness=_ROUGHNESS, depth=_DEPTH)

    @cached_property
    def _origin(self) -> FloatArray:
        return self._step(0).left

    def _generate(self, block: int) -> tuple[Table, Truth]:
        rng = self._rng(_TRADES, block)
        step = self._step(block)
        calm = np.clip(step.variance, 1e-3, 60.0) ** _COUPLING / _mean_power(_COUPLING)
        rates = self.trades_per_second * self._day(block) * self._popularity * calm
        symbol, micros = _clusters(rates * _BLOCK, rng)
        counts = np.bincount(symbol, minlength=len(self.symbols))

        side = _sides(symbol, self._mood(block), rng)
        price = self._prices(symbol, counts, side, step, rng)
        active = np.clip(step.variance, 0.05, 20.0) ** 0.25
        size = np.ceil(60 * active[symbol] * np.exp(1.1 * rng.standard_normal(len(symbol))))
        kind, number = self._disturb(block, symbol, counts, micros, price, size)

        order = stable_order(micros)
        kind, number = kind[order], number[order]
        rows = np.flatnonzero(kind >= 0)
        table: Table = {
            "event_time": micros[order] + round(block * _BLOCK * 1e6),
            "symbol": symbol[order].astype(np.int8),
            "price": np.maximum(np.round(price[order], 2), 0.01),
            "size": size[order].astype(np.int64),
            "side": side[order].astype(np.int8),
        }
        return table, Truth(rows, kind[rows], number[rows])

    def _day(self, block: int) -> float:
        """Return the activity at this time of day, 1 on average: high at 9:00 and at 16:30."""
        seconds = (self.start - self.start.normalize()).total_seconds() + (block + 0.5) * _BLOCK
        hour = seconds / 3600 % 24
        bumps = 1.6 * np.exp(-(((hour - 9) / 1.5) ** 2)) + 1.4 * np.exp(-(((hour - 16.5) / 1.5) ** 2))
        return float((0.6 + bumps) / (0.6 + 3.0 * 1.5 * np.sqrt(np.pi) / 24))

    def _mood(self, block: int) -> FloatArray:
        """Return the probability that an order buys, by symbol; it changes over minutes."""

        def normals(layer: int, cell: int) -> FloatArray:
            return self._rng(_MOOD, layer, cell).standard_normal(len(self.symbols))

        spans = (2, 8, 32, 128)
        slow = layered_noise(normals, block=block, within=np.array([0.5]), spans=spans)
        mood: FloatArray = 0.5 + 0.1 * np.clip(slow[:, 0], -3, 3)
        return mood

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
        log = (step.left - self._origin)[symbol] + scale[symbol] * (path[1:] - path[begins][symbol])
        middle = self._first_prices[symbol] * np.exp(_STEP * (log + k * pull[symbol]))
        spread = 0.5e-4 * np.clip(step.variance, 0.2, 20.0) ** 0.25
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
        for n in range(rng.poisson(self.anomalies / 60 * _BLOCK)):
            sort = int(rng.integers(len(_KINDS)))
            where = int(rng.choice(len(counts), p=self._popularity))
            length = rng.uniform(*((1, 3) if sort == _SPIKE else (2, 5)))
            begin = rng.uniform(0, _BLOCK - length)
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


@cache
def _mean_power(power: float) -> float:
    """Return the mean of variance ** power over the blocks of a cascade."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    halves = (2 / (1 + np.exp(_ROUGHNESS * nodes))) ** power
    return float((weights @ halves / weights.sum()) ** _DEPTH)


def _clusters(expected: FloatArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return symbols and times in a block, microseconds, by (symbol, time).

    Generation by generation: every trade excites a Poisson number of others. A block is a ring to
    its clusters: what runs over its end comes in at its beginning, which keeps the rate even and
    blocks independent.
    """
    founders = rng.poisson(expected * (1 - _BRANCHING))
    symbol = np.repeat(np.arange(len(expected)), founders)
    time = rng.random(len(symbol)) * _BLOCK
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
    micros = (np.concatenate(times) * 1e6).astype(np.int64) % round(_BLOCK * 1e6)
    # The symbol goes above the time (a block's microseconds fit into 24 bits).
    keys: IntArray = np.concatenate(symbols) << 24 | micros
    keys.sort()
    return keys >> 24, keys & ((1 << 24) - 1)


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
