"""What an order book of liquid shares should look like."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulators.realism.metric import Card, Metric
from simulators.realism.statistics import FloatArray, autocorrelation, dispersion, excess_kurtosis
from simulators.trading.book import OrderBook

_HOURS = 2
_RULE = "Gould et al. 2013, Limit order books: what every book keeps to"
_TICK = "Eisler, Bouchaud and Kockelkoren 2012, The price impact of order book events: large ticks"
_SURVEY = "Gould et al. 2013, Limit order books"
_SHAPE = "Bouchaud, Mézard and Potters 2002, Statistical properties of stock order books"
_IMBALANCE = "Gould and Bonart 2016, Queue imbalance as a one-tick-ahead price predictor"
_CONT = "Cont 2001, Empirical properties of asset returns"


class Books(NamedTuple):
    """Two hours of several books."""

    tables: list[dict[str, Any]]
    """The events by symbol."""
    ticks: list[float]
    smallest: float
    """The shortest queue at any time, as it comes out when the books are rebuilt from the events."""
    profile: FloatArray
    """What waits on average at each distance from the best price, 1 to 6 levels."""


def books(simulator: OrderBook) -> Books:
    """Return two hours of a simulator's books, without manipulations."""
    quiet = replace(simulator, manipulations=0, events_per_second=min(simulator.events_per_second, 60.0))
    tables = [quiet._block(i)[0] for i in range(round(pd.Timedelta(hours=_HOURS) / quiet.block))]
    whole = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    each = [whole["symbol"] == code for code in range(len(quiet.symbols))]
    parts = [{name: column[own] for name, column in whole.items()} for own in each]
    ticks = list(quiet.ticks.values())
    return Books(parts, ticks, _smallest(quiet, whole), _profile(quiet))


def _smallest(simulator: OrderBook, events: dict[str, Any]) -> float:
    """Rebuild all queues from the first depth and the events; return the shortest that there ever is."""
    rebuilt = pd.DataFrame(
        {
            "symbol": events["symbol"],
            "price": np.round(events["price"] * 100),
            "change": np.where(events["kind"] == 0, 1, -1) * events["size"],
        }
    )
    depth = simulator.depth(0)
    first = pd.DataFrame(
        {
            "symbol": depth["symbol"].cat.codes,
            "price": np.round(depth["price"] * 100),
            "change": depth["size"],
        }
    )
    both = pd.concat([first, rebuilt], ignore_index=True)
    return float(both.groupby(["symbol", "price"])["change"].cumsum().min())


def _profile(simulator: OrderBook) -> FloatArray:
    found = []
    for block in range(0, 720, 24):
        depth = simulator.depth(block)
        bids = depth[depth["side"] == "bid"]
        tick = bids["symbol"].astype(str).map(simulator.ticks)
        best = bids.groupby("symbol", observed=True)["price"].transform("max")
        away = np.round((best - bids["price"]) / tick).astype(int)
        found.append(np.bincount(away, bids["size"], 20)[:6])
    profile: FloatArray = np.mean(found, axis=0)
    return profile


def _crossed(found: Books) -> float:
    return float(np.mean([np.mean(table["bid"] < table["ask"]) for table in found.tables]))


def _spreads(found: Books) -> list[FloatArray]:
    """Return the spreads in ticks at every tenth of a second, by symbol."""
    both = zip(found.tables, found.ticks, strict=True)
    return [np.round((table["ask"] - table["bid"])[_sampled(table, 0.1)] / tick) for table, tick in both]


def _sampled(table: dict[str, Any], seconds: float) -> Any:
    """Return the last event before each of many times."""
    marks = np.arange(60, _HOURS * 3600, seconds) * 1e6
    return np.searchsorted(table["event_time"], marks) - 1


def _share(found: Books, kind: int) -> float:
    return float(np.mean(np.concatenate([table["kind"] for table in found.tables]) == kind))


def _agreement(found: Books) -> float:
    """Return how often the longer of the best queues tells which way the middle moves next."""
    right = []
    for table in found.tables:
        middle = table["bid"] + table["ask"]
        moves = np.flatnonzero(np.abs(np.diff(middle)) > 1e-6)
        rows = _sampled(table, 1.0)
        next_move = np.searchsorted(moves, rows)
        rows, next_move = rows[next_move < len(moves)], next_move[next_move < len(moves)]
        direction = np.sign(middle[moves[next_move] + 1] - middle[rows])
        leans = np.sign(table["bid_size"][rows] - table["ask_size"][rows])
        right.append(np.mean((direction == leans)[leans != 0]))
    return float(np.mean(right))


def _returns(found: Books) -> list[FloatArray]:
    """Return the log returns of the middle over 10 s, by symbol."""
    middles = [(table["bid"] + table["ask"])[_sampled(table, 10.0)] for table in found.tables]
    return [np.diff(np.log(middle)) for middle in middles]


def _clustering(found: Books) -> float:
    return float(np.mean([autocorrelation(np.abs(values), 1) for values in _returns(found)]))


def _bursts(found: Books) -> float:
    time = found.tables[0]["event_time"]
    counts = np.bincount((time // 10_000_000).astype(np.int64))
    return dispersion(counts.astype(float))


_METRICS = (
    Metric("bid below ask", 1, 1, _crossed, _RULE),
    Metric("shortest queue ever", 0, 1e9, lambda found: found.smallest, _RULE, unit="shares"),
    Metric(
        "spread of one tick", 0.5, 0.95, lambda found: float(np.mean(np.stack(_spreads(found)) == 1)), _TICK
    ),
    Metric(
        "spread, mean", 1, 2.5, lambda found: float(np.mean(np.stack(_spreads(found)))), _TICK, unit="ticks"
    ),
    Metric(
        "cancellations by limit orders", 0.6, 1, lambda found: _share(found, 1) / _share(found, 0), _SURVEY
    ),
    Metric("market orders, share", 0.01, 0.1, lambda found: _share(found, 2), _SURVEY),
    Metric(
        "distance of the longest queue",
        1,
        4,
        lambda found: 1.0 + float(found.profile.argmax()),
        _SHAPE,
        unit="ticks",
    ),
    Metric(
        "queue at 6 ticks by the longest",
        0.1,
        0.95,
        lambda found: float(found.profile[5] / found.profile.max()),
        _SHAPE,
    ),
    Metric("longer queue tells the next move", 0.52, 0.8, _agreement, _IMBALANCE),
    Metric(
        "excess kurtosis of the middle, 10 s",
        2,
        60,
        lambda found: float(np.median([excess_kurtosis(values) for values in _returns(found)])),
        _CONT,
    ),
    Metric("autocorrelation of |r|, 10 s", 0.1, 1, _clustering, _CONT),
    Metric(
        "dispersion of events in 10 s",
        10,
        1e4,
        _bursts,
        "Hawkes 2018, Hawkes processes and their applications to finance",
    ),
)


def card(simulator: OrderBook) -> Card:
    """Return how order books are sampled, and what is measured of them."""
    return Card(books, _METRICS)
