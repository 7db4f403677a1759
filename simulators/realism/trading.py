"""What the tape of a market should look like: the stylised facts of Cont (2001), and of order flow."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulators.realism.metric import Card, Metric
from simulators.realism.statistics import (
    FloatArray,
    autocorrelation,
    dispersion,
    excess_kurtosis,
    hill,
    power_law_slope,
)
from simulators.trading.market import CLOSE, OPEN
from simulators.trading.tape import Trading

_HOURS = CLOSE - OPEN
_CONT = "Cont 2001, Empirical properties of asset returns"
_LILLO = "Lillo and Farmer 2004, The long memory of the efficient market"
_HAWKES = "Filimonov and Sornette 2012, Quantifying reflexivity in financial markets"
_ENGLE = "Engle and Russell 1998, Autoregressive conditional duration"
_WOOD = "Wood, McInish and Ord 1985, An investigation of transactions data for NYSE stocks"
_KARPOFF = "Karpoff 1987, The relation between price changes and trading volume"
_SPREADS = "Bouchaud, Bonart, Donier and Gould 2018, Trades, Quotes and Prices: liquid stocks"


class _Tape(NamedTuple):
    """The trades of one symbol."""

    seconds: FloatArray
    """Since the day session opened, ascending."""
    price: FloatArray
    size: FloatArray
    sign: FloatArray
    """1 for a buy, -1 for a sell."""


@dataclass(frozen=True)
class Session:
    """One day session of a market.

    Parameters
    ----------
    tapes
        The trades by symbol, the busiest first.
    """

    tapes: tuple[_Tape, ...]

    @cached_property
    def minutes(self) -> list[FloatArray]:
        """Log returns over 60 s, by symbol."""
        return [_returns(tape, 60) for tape in self.tapes]

    @cached_property
    def fives(self) -> list[FloatArray]:
        """Log returns over 300 s, by symbol."""
        return [_returns(tape, 300) for tape in self.tapes]

    @cached_property
    def signs(self) -> dict[int, float]:
        """Autocorrelation of the signs of orders by lag, of the busiest symbol."""
        lags = np.unique(np.geomspace(10, 1000, 20).astype(int))
        return {int(lag): autocorrelation(self.tapes[0].sign, int(lag)) for lag in lags}


def session(simulator: Trading) -> Session:
    """Return the day session of a market without its anomalies, which no real tape has so many of."""
    day = replace(
        simulator,
        anomalies=0,
        trades_per_second=min(simulator.trades_per_second, 30.0),
        start=simulator.start.normalize() + pd.Timedelta(hours=OPEN),
    )
    count = round(pd.Timedelta(hours=_HOURS) / day.block)
    tables = [day._block(i)[0] for i in range(count)]
    whole = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    symbols = [whole["symbol"] == code for code in range(len(day.symbols))]
    return Session(tuple(_tape(whole, own) for own in symbols))


def _tape(table: dict[str, Any], own: Any) -> _Tape:
    return _Tape(
        table["event_time"][own] / 1e6,
        table["price"][own],
        table["size"][own].astype(float),
        1.0 - 2.0 * table["side"][own],
    )


def _returns(tape: _Tape, seconds: int) -> FloatArray:
    """Return log returns from the last price before each full interval to that before the next."""
    marks = np.arange(seconds, _HOURS * 3600 + 1, seconds)
    last = np.maximum(np.searchsorted(tape.seconds, marks) - 1, 0)
    returns: FloatArray = np.diff(np.log(tape.price[last]))
    return returns


def _counts(tape: _Tape, seconds: int, weights: FloatArray | None = None) -> FloatArray:
    bins = round(_HOURS * 3600 / seconds)
    counts, _ = np.histogram(tape.seconds, bins, (0, _HOURS * 3600), weights=weights)
    return counts.astype(float)


def _pooled(series: list[FloatArray]) -> FloatArray:
    """Return the returns of all symbols, each by its own standard deviation."""
    return np.concatenate([values / values.std() for values in series])


def _kurtosis(series: list[FloatArray]) -> float:
    return float(np.median([excess_kurtosis(values) for values in series]))


def _memory(series: list[FloatArray], lag: int) -> float:
    return float(np.mean([autocorrelation(values, lag) for values in series]))


def _clustering(found: Session, lag: int) -> float:
    return _memory([np.abs(values) for values in found.minutes], lag)


def _falls(found: Session) -> float:
    one, five, twenty = (_clustering(found, lag) for lag in (1, 5, 20))
    return float(one > five > twenty)


def _sign_exponent(found: Session) -> float:
    return -power_law_slope(np.array(list(found.signs)), np.array(list(found.signs.values())))


def _gap_variation(found: Session) -> float:
    gaps = np.diff(found.tapes[0].seconds)
    return float(gaps.std() / gaps.mean())


def _against_midday(found: Session, hour: float) -> float:
    """Return the trades in the half hour that begins at an hour of the session, by those at midday."""
    counts = np.sum([_counts(tape, 1800) for tape in found.tapes], axis=0)
    middle = counts[round(_HOURS) - 2 : round(_HOURS) + 2].mean()
    return float(counts[int(hour * 2)] / middle)


def _volume_volatility(found: Session) -> float:
    volumes = [_counts(tape, 300, tape.size)[1:] for tape in found.tapes]
    both = zip(volumes, found.fives, strict=True)
    return float(np.mean([np.corrcoef(volume, np.abs(change))[0, 1] for volume, change in both]))


def _spread(found: Session) -> float:
    """Return the median of what a buyer pays above the seller just before, in basis points."""

    def own(tape: _Tape) -> float:
        turned = (np.diff(tape.sign) > 0) & (np.diff(tape.seconds) < 1)
        return float(np.median(np.diff(tape.price)[turned] / tape.price[1:][turned]))

    return float(np.median([own(tape) for tape in found.tapes]) * 1e4)


_METRICS = (
    Metric("excess kurtosis, 60 s", 4, 30, lambda found: _kurtosis(found.minutes), _CONT),
    Metric(
        "kurtosis at 300 s by that at 60 s",
        0,
        1,
        lambda found: _kurtosis(found.fives) / _kurtosis(found.minutes),
        _CONT,
    ),
    Metric("Hill tail exponent, 60 s", 2.5, 4.5, lambda found: hill(_pooled(found.minutes)), _CONT),
    Metric("autocorrelation of r, 60 s", -0.1, 0.1, lambda found: _memory(found.minutes, 1), _CONT),
    Metric("autocorrelation of r, 300 s", -0.05, 0.05, lambda found: _memory(found.fives, 1), _CONT),
    Metric("autocorrelation of |r|, lag 1", 0.15, 1, lambda found: _clustering(found, 1), _CONT),
    Metric("autocorrelation of |r|, lag 5", 0.08, 1, lambda found: _clustering(found, 5), _CONT),
    Metric("autocorrelation of |r|, lag 20", 0.03, 1, lambda found: _clustering(found, 20), _CONT),
    Metric("autocorrelation of |r| falls", 1, 1, _falls, _CONT),
    Metric("exponent of order signs, lags 10-1000", 0.36, 0.77, _sign_exponent, _LILLO),
    Metric("variation of gaps between trades", 1.3, 10, _gap_variation, _ENGLE),
    Metric(
        "dispersion of trades in 60 s",
        10,
        1e4,
        lambda found: dispersion(_counts(found.tapes[0], 60)),
        _HAWKES,
    ),
    Metric("trades at the open by midday", 2, 6, lambda found: _against_midday(found, 0), _WOOD),
    Metric("trades at the close by midday", 2, 6, lambda found: _against_midday(found, _HOURS - 0.5), _WOOD),
    Metric("effective spread, median", 1, 5, _spread, _SPREADS, unit="basis points"),
    Metric("correlation of volume and |r|, 300 s", 0.3, 0.7, _volume_volatility, _KARPOFF),
)


def card(simulator: Trading) -> Card:
    """Return how a tape is sampled, and what is measured of it."""
    return Card(session, _METRICS)
