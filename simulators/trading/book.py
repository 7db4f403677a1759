"""Order book: what happens to the queues of a few symbols, with labelled manipulation.

Orders come, are cancelled and are taken at rates of their own at each distance from the best price
(Cont, Stoikov and Talreja 2010), in the bursts and moods of the tape. That alone would give tame prices;
here a latent price decides where bids end and asks begin: the walk that the tape of the same seed
and symbols follows. When it gets through a level, a market order takes all that waits there, and the
other side follows up. The queues lean with it: those that it nears are thin.

A book needs its past, yet each block can be entered by itself. At the beginning of each block the
length of every queue is drawn from slow noise, which depends on nothing but the seed and the moment;
within the block queues follow their orders, and after the last of these one more limit order or
cancellation at each level leads to the length drawn for the next block. So the events of all blocks
are those of one book: begin with `OrderBook.depth`, add limit orders, subtract what is cancelled and
taken, and every quote comes out as it is stated.
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
from simulators.processes import FloatArray, layered_noise
from simulators.trading.ladder import CELL, CELLS, END, Ladder, drawn, laddered, mean_lots
from simulators.trading.market import BLOCK, STEP, Market, listed, require_a_minute
from simulators.trading.orders import (
    ORDINARY,
    REFILL,
    RESET,
    SWEEP,
    Rows,
    by_time,
    joined,
    moves,
    nothing,
    ordinary,
    picked,
    resets,
    spoofing,
    stuffing,
)
from simulators.trading.queues import Best, best, reflected

_BRIDGE, _EVENTS, _NOISE, _EPISODES = 1, 2, 3, 4

_LOT = 100
_FAR = 6
"""Levels beyond those that the latent price reaches in a block, which always hold something."""

_SPANS = (3, 12)
_PLACES = 64
"""Levels with noise of their own."""

_KINDS = ("spoofing", "quote stuffing")
_LIMIT, _CANCEL, _MARKET = range(3)


@dataclass(frozen=True, kw_only=True)
class OrderBook(Simulator):
    """Simulate the limit order books of a few symbols.

    Parameters
    ----------
    symbols
        Names of the symbols, the busiest first; events are dealt as 1 / rank ** 0.7.
    events_per_second
        Events of all symbols per second, on the average of a day, besides what price moves and
        manipulations add.
    manipulations
        Labelled episodes per minute of all symbols: spoofing (large orders at three levels, withdrawn
        after 1 to 3 s) or quote stuffing (a hundred small orders within a second, each withdrawn at
        once), 0 or more.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC.
    delivery
        How the events arrive.

    Examples
    --------
    >>> book = OrderBook(seed=7).events("1min")
    >>> book.columns.tolist()[2:8]
    ['symbol', 'kind', 'side', 'price', 'size', 'bid']
    >>> bool((book["bid"] < book["ask"]).all())
    True
    """

    symbols: tuple[str, ...] = ("ALBA", "BRIO", "CETO", "DUNE", "ERGO", "FARO")
    events_per_second: float = 200.0
    manipulations: float = 2.0
    delivery: Delivery = MARKET

    name: ClassVar[str] = "orderbook"
    block: ClassVar[pd.Timedelta] = pd.Timedelta(BLOCK, unit="s")
    label: ClassVar[str] = "manipulation"
    kinds: ClassVar[tuple[str, ...]] = _KINDS
    key_column: ClassVar[str] = "symbol"
    pace: ClassVar[str] = "events_per_second"
    family: ClassVar[int] = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "symbols", listed(self.symbols))
        positive("events_per_second", self.events_per_second, unit="events per second")
        require_a_minute("manipulations", self.manipulations)

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("symbol", "category", "Whose book.", categories=self.symbols),
            Column("kind", "category", "What happened.", categories=("limit", "cancel", "market")),
            Column(
                "side", "category", "Which queues: a market order at ask buys.", categories=("bid", "ask")
            ),
            Column("price", "float64", "At which price.", unit="EUR"),
            Column("size", "int64", "How much came, or went.", unit="shares"),
            Column("bid", "float64", "Best bid after the event.", unit="EUR"),
            Column("bid_size", "int64", "What waits there.", unit="shares"),
            Column("ask", "float64", "Best ask after the event.", unit="EUR"),
            Column("ask_size", "int64", "What waits there.", unit="shares"),
        )

    @cached_property
    def ticks(self) -> dict[str, float]:
        """The tick of each symbol, EUR: 2 to 5 hundredths of a per cent of its first price."""
        return dict(zip(self.symbols, (self._cents / 100).tolist(), strict=True))

    def depth(self, i: int) -> pd.DataFrame:
        """Return the books as block i begins.

        Parameters
        ----------
        i
            Index of the block, 0 or more.

        Returns
        -------
        DataFrame
            ``symbol`` and ``side`` (category), ``price`` (float64, EUR), ``size`` (int64, shares,
            above 0), by symbol and price.

        Examples
        --------
        >>> OrderBook(seed=7).depth(3).columns.tolist()
        ['symbol', 'side', 'price', 'size']
        """
        low, width = self._window(i)
        lots = self._lots(i, low, width)
        symbol, place = np.nonzero(lots)
        level = low[symbol] + place
        asks = level > self._ladder(i).middle[symbol, 0]
        table: Table = {
            "symbol": symbol.astype(np.int8),
            "side": asks.astype(np.int8),
            "price": level * self._cents[symbol] / 100,
            "size": lots[symbol, place] * _LOT,
        }
        return self._frame(table, tuple(c for c in self.schema if c.name in table))

    # Where bids end and asks begin.

    @cached_property
    def _market(self) -> Market:
        return Market(seed=self.seed, symbols=len(self.symbols), start=self.start)

    @cached_property
    def _cents(self) -> IntArray:
        return np.array([1, 2, 5, 10])[np.searchsorted([50, 100, 200], self._market.first_prices)]

    @cached_property
    def _ladder(self) -> Callable[[int], Ladder]:
        def found(block: int) -> Ladder:
            step, market = self._market.step(block), self._market
            ends = np.stack([step.left, self._market.step(block + 1).left], axis=1)
            left, right = np.moveaxis(
                np.stack([market.price(end) for end in ends.T], axis=1) * 100 / self._cents[:, None], 1, 0
            )
            spread = STEP * np.sqrt(step.variance) * left
            normals = self._rng(_BRIDGE, block + 1).standard_normal((len(left), CELLS - 1))
            return laddered(left, right, spread, normals)

        return lru_cache(maxsize=6)(found)

    def _window(self, block: int) -> tuple[IntArray, int]:
        """Return the lowest level that a block, or one beside it, knows of; and how many there are."""
        near = [self._ladder(block + each) for each in (-1, 0, 1)]
        low = np.min([ladder.low for ladder in near], axis=0) - _FAR
        high = np.max([ladder.high for ladder in near], axis=0) + 1 + _FAR
        return low, int((high - low).max()) + 1

    def _lots(self, block: int, low: IntArray, width: int) -> IntArray:
        """Return what waits as a block begins at the levels of a window; one row a symbol."""
        before, after = self._ladder(block - 1), self._ladder(block)
        level = low[:, None] + np.arange(width)
        middle, lean = after.middle[:, :1], after.lean[:, :1]
        distance = np.where(level > middle, level - middle, middle + 1 - level)
        lots = drawn(self._levelled(block, level), mean_lots(distance, level > middle, lean))
        lots = np.maximum(lots, distance >= _FAR)
        lowest = np.minimum(before.low, after.low)[:, None] - _FAR
        highest = np.maximum(before.high, after.high)[:, None] + 1 + _FAR
        return np.where((level >= lowest) & (level <= highest), lots, 0)

    def _levelled(self, block: int, level: IntArray) -> FloatArray:
        """Return the noise of levels as a block begins: normal, and slow."""

        def normals(layer: int, cell: int) -> FloatArray:
            return self._rng(_NOISE, layer, cell).standard_normal(len(level) * _PLACES)

        noise = layered_noise(normals, block=block, within=np.zeros(1), spans=_SPANS)
        own: FloatArray = np.take_along_axis(noise.reshape(-1, _PLACES), level % _PLACES, axis=1)
        return own

    # What happens to the queues.

    def _generate(self, block: int) -> tuple[Table, Truth]:
        ladder = self._ladder(block)
        low, width = self._window(block)
        first, target = (self._lots(at, low, width) for at in (block, block + 1))
        rng = self._rng(_EVENTS, block)
        expected = self.events_per_second * BLOCK * self._market.rates(block)
        coins, flow = ordinary(expected, ladder, rng)
        rows = joined([flow, moves(ladder, rng), self._manipulations(block, ladder)])
        rows = joined([rows, resets(rows, low, width, target, first, rng)])

        rows, coins = by_time(rows, coins)
        queue = rows.symbol * width + rows.level - low[rows.symbol]
        change, depth = reflected(queue, rows.lots, first.ravel())
        last = rows.origin == RESET
        change[last] = target.ravel()[queue[last]] - depth[last]
        kept = np.flatnonzero(change)
        rows, change = picked(rows, kept), change[kept]
        return self._table(block, rows, change, coins[kept], ladder, low, first)

    def _table(
        self,
        block: int,
        rows: Rows,
        change: IntArray,
        coins: npt.NDArray[np.bool_],
        ladder: Ladder,
        low: IntArray,
        first: IntArray,
    ) -> tuple[Table, Truth]:
        """Return the events by time, with the quotes after each, and what is true of them."""
        asks, quotes, taken = _quoted(rows, change, coins, ladder, low, first)
        kind = np.where(change > 0, _LIMIT, np.where(taken, _MARKET, _CANCEL))
        order = stable_order(rows.micros, runs=True)
        symbol = rows.symbol[order]
        lowest, cents = low[symbol], self._cents[symbol]
        table: Table = {
            "event_time": rows.micros[order] + block * END,
            "symbol": symbol.astype(np.int8),
            "kind": kind.astype(np.int8)[order],
            "side": asks.astype(np.int8)[order],
            "price": rows.level[order] * cents / 100,
            "size": np.abs(change[order]) * _LOT,
            "bid": (quotes.bid[order] + lowest) * cents / 100,
            "bid_size": quotes.bid_lots[order] * _LOT,
            "ask": (quotes.ask[order] + lowest) * cents / 100,
            "ask_size": quotes.ask_lots[order] * _LOT,
        }
        episode = rows.episode[order]
        labelled = np.flatnonzero(episode >= 0)
        number, sort = np.divmod(episode[labelled], len(_KINDS))
        return table, Truth(labelled, sort.astype(np.int8), block * IDS_PER_BLOCK + number)

    def _manipulations(self, block: int, ladder: Ladder) -> Rows:
        """Return the orders of the manipulations that a block holds; each ends within it."""
        rng = self._rng(_EPISODES, block)
        found = [nothing()]
        for n in range(rng.poisson(self.manipulations / 60 * BLOCK)):
            sort = int(rng.integers(len(_KINDS)))
            symbol = int(rng.choice(len(self.symbols), p=self._market.popularity))
            asks, begin = bool(rng.integers(2)), rng.uniform(0, 6)
            make = spoofing if sort == 0 else stuffing
            micros, distance, lots = make(begin, rng)
            cell = micros // CELL
            middle = ladder.middle[symbol]
            level = middle[cell[0]] + (distance if asks else 1 - distance)
            # Orders that the price ran over are gone, and are not withdrawn.
            there = (level > middle[cell]) == asks
            count = np.ones(len(micros), np.int64)
            rows = Rows(
                symbol * count,
                micros,
                level,
                lots,
                (REFILL * count).astype(np.int8),
                (n * len(_KINDS) + sort) * count,
            )
            found.append(picked(rows, there))
        return joined(found)


def _quoted(
    rows: Rows,
    change: IntArray,
    coins: npt.NDArray[np.bool_],
    ladder: Ladder,
    low: IntArray,
    first: IntArray,
) -> tuple[npt.NDArray[np.bool_], Best, npt.NDArray[np.bool_]]:
    """Return which events are among asks, the best quotes after each, and which would be market orders."""
    cell = rows.micros // CELL - (rows.origin == SWEEP)
    middle = ladder.middle.ravel()[rows.symbol * CELLS + cell]
    place, own = rows.level - low[rows.symbol], middle - low[rows.symbol]
    cuts = np.searchsorted(rows.symbol, np.arange(1, len(low)))
    parts = zip(*(np.split(column, cuts) for column in (place, change, own)), first, strict=True)
    quotes = Best(*map(np.concatenate, zip(*(best(*each) for each in parts), strict=True)))
    asks = rows.level > middle
    # What was the best queue has, after the event, none nearer than itself.
    front = np.where(asks, quotes.ask >= place, quotes.bid <= place)
    return asks, quotes, (rows.origin == SWEEP) | (coins & front & (rows.origin == ORDINARY))
