"""What Tape shows of a market, worked out from its panes: tables for charts, key figures and alerts."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import TIMING, WINDOW_END, WINDOW_START
from workbench.views import words
from workbench.views.alerts import NONE, alerts_of
from workbench.views.parts import complete
from workbench.views.scope import Scope

INTERVALS = ("1s", "10s", "1min", "5min")
MOST = 120
"""Candles shown at the most."""
LAGS = 20
SPIKE = 8.0
"""Times the usual size of a return of 1 s from which on it is a spike."""
FAT_FINGER = 0.01
"""Share of the price by which a trade is away from those around it."""
SILENT = pd.Timedelta("12s")
CANCELS = 80
"""Cancelled orders of a symbol in a second, at least, and four times as many as usual, for a burst."""


def candles(scope: Scope) -> pd.DataFrame:
    """Give the candles of the symbol and interval chosen, with ``vwap``, the average price of a minute."""
    symbol, interval = scope.chosen["symbol"], scope.chosen["interval"]

    def made() -> pd.DataFrame:
        span = max(pd.Timedelta(scope.last), 30 * pd.Timedelta(interval))
        panes, average = scope.panes(f"candles {interval}", last=str(span)), scope.closed("average")
        panes = panes[(panes["symbol"] == symbol).to_numpy()].tail(MOST) if len(panes) else panes
        if panes.empty or average.empty:
            return panes.assign(vwap=np.nan)
        average = average[(average["symbol"] == symbol).to_numpy()].tail(2_000)
        price = pd.Series((average["notional"] / average["volume"]).to_numpy(), average[WINDOW_END].array)
        price = price[~price.index.duplicated(keep="last")].sort_index()
        return panes.assign(vwap=price.reindex(panes[WINDOW_END].array, method="ffill").to_numpy())

    return scope.once(("candles", symbol, interval), made)


def sides(scope: Scope) -> pd.DataFrame:
    """Give the volume of the candles shown by who crossed the spread: ``side`` is ``buy`` or ``sell``."""
    panes = candles(scope)
    if panes.empty:
        return panes
    base = panes[[WINDOW_START, WINDOW_END, TIMING]]
    bought, sold = panes["bought"], panes["volume"] - panes["bought"]
    return pd.concat([base.assign(side="buy", volume=bought), base.assign(side="sell", volume=sold)])


def seconds(scope: Scope, symbol: str) -> pd.DataFrame:
    """Give the closed candles of a second of a symbol, with their ``move``: the logarithmic return.

    It is of the average price, which does not leap from bid to ask as the last one does.
    """

    def made() -> pd.DataFrame:
        panes = scope.closed("candles 1s")
        panes = panes[(panes["symbol"] == symbol).to_numpy()] if len(panes) else panes
        return panes.assign(move=np.log(panes["notional"] / panes["volume"]).diff()) if len(panes) else panes

    return scope.once(("seconds", symbol), made, every=0.9)


def returns(scope: Scope) -> pd.DataFrame:
    """Give how often returns of 1 s are so large, and by a normal law: ``deviations, of, density``.

    Density is the logarithm, to the base of 10.
    """
    moves = _moves(scope)
    if len(moves) < 60:
        return pd.DataFrame()
    edges = np.linspace(-8, 8, 33)
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    counted = np.histogram(moves / usual(moves), edges)[0] / (len(moves) * width)
    bell = np.exp(-(middle**2) / 2) / np.sqrt(2 * pi)
    with np.errstate(divide="ignore"):
        drawn = np.concatenate([np.log10(counted), np.log10(bell)])
    drawn[drawn < -5] = np.nan
    return pd.DataFrame(
        {
            "deviations": np.tile(middle, 2),
            "of": np.repeat(["returns", "normal"], len(middle)),
            "density": drawn,
        }
    )


def memory(scope: Scope) -> pd.DataFrame:
    """Give the autocorrelation of returns of 1 s, and of their size: ``lag, of, correlation``."""
    moves = _moves(scope)
    if len(moves) < 3 * LAGS:
        return pd.DataFrame()
    lags = np.arange(1, LAGS + 1)
    moves = np.clip(moves, -6 * usual(moves), 6 * usual(moves))  # one mad trade would be all there is to see
    both = np.concatenate([autocorrelation(moves, LAGS), autocorrelation(np.abs(moves), LAGS)])
    return pd.DataFrame(
        {"lag": np.tile(lags, 2), "of": np.repeat(["returns", "their size"], LAGS), "correlation": both}
    )


def autocorrelation(values: np.ndarray, lags: int) -> np.ndarray:
    """Give how values correlate with those 1, 2, ... places before.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, -1.0] * 50), 2).round(2).tolist()
    [-0.99, 0.98]
    """
    centred = values - values.mean()
    power = (centred**2).sum()
    return np.array([(centred[lag:] * centred[:-lag]).sum() / power for lag in range(1, lags + 1)])


def usual(moves: np.ndarray) -> float:
    """Give the standard deviation of all but the largest hundredth."""
    return float(moves[np.abs(moves) <= np.quantile(np.abs(moves), 0.99)].std()) or 1.0


def _moves(scope: Scope) -> np.ndarray:
    panes = seconds(scope, scope.chosen["symbol"])
    return panes["move"].dropna().to_numpy() if len(panes) else np.zeros(0)


def alerts(scope: Scope) -> pd.DataFrame:
    """Find what needs somebody: spikes, gaps of the feed, fat fingers, bursts of cancelled orders."""
    panes, quotes = scope.closed("candles 1s"), scope.closed("quotes")
    found = [NONE]
    if len(panes):
        found += _of_trades(panes[panes[WINDOW_END] > panes[WINDOW_END].max() - pd.Timedelta("10min")])
    if len(quotes):
        median = quotes.groupby("symbol", observed=True)["cancelled"].transform("median")
        burst = quotes[(quotes["cancelled"] >= np.maximum(CANCELS, 4 * median)).to_numpy()]
        said = [
            f"{s}: {n} orders withdrawn in a second"
            for s, n in zip(burst["symbol"], burst["cancelled"], strict=True)
        ]
        found.append(alerts_of(burst, "cancels", WINDOW_END, said))
    return pd.concat([each for each in found if len(each)] or [NONE], ignore_index=True)


def _of_trades(panes: pd.DataFrame) -> list[pd.DataFrame]:
    """Find spikes, gaps of the feed and fat fingers in candles of all symbols."""
    panes = panes.iloc[np.argsort(pd.factorize(panes["symbol"])[0], kind="stable")]
    symbols, starts = panes["symbol"].astype(str).to_numpy(object), panes[WINDOW_START].to_numpy()
    first, high, low, last = (panes[name].to_numpy(float) for name in ("open", "high", "low", "close"))
    begins = np.append(True, symbols[1:] != symbols[:-1])
    move = np.where(begins, np.nan, np.log(last / np.append(np.nan, last[:-1])))
    gap = np.where(begins, np.timedelta64(0, "ns"), starts - np.append(starts[:1], starts[:-1]))
    away = np.maximum(high / np.maximum(first, last), np.minimum(first, last) / low) - 1
    limit = np.concatenate(
        [np.full(len(own), _spike(own)) for own in np.split(move, np.flatnonzero(begins)[1:])]
    )
    spikes, gaps, fat = (
        np.flatnonzero(told) for told in (np.abs(move) > limit, gap > SILENT, away > FAT_FINGER)
    )
    silent = gap / np.timedelta64(1, "s")
    said = {
        "spike": (spikes, [f"{symbols[i]}: {100 * move[i]:+.2f} % in a second" for i in spikes]),
        "feed gap": (gaps, [f"{symbols[i]}: silent for {silent[i]:.0f} s" for i in gaps]),
        "fat finger": (
            fat,
            [f"{symbols[i]}: a trade {100 * away[i]:.1f} % away from the others" for i in fat],
        ),
    }
    return [alerts_of(panes.iloc[at], kind, WINDOW_END, what) for kind, (at, what) in said.items()]


def _spike(moves: np.ndarray) -> float:
    """Give from which size on a return of a symbol is a spike; the first of its returns is null."""
    return max(SPIKE * usual(moves[1:]) if len(moves) > 10 else SPIKE, 0.002)


def key_figures(scope: Scope, symbol: str) -> dict[str, Any]:
    """Give the values of the row of key figures; those of prices are of one symbol."""
    own, everything, quotes = seconds(scope, symbol), scope.closed("candles 1s"), scope.closed("quotes")
    if len(own) < 62 or quotes.empty:
        return {}
    own, everything = own.tail(121), everything.tail(121 * 8)
    quotes = quotes[(quotes["symbol"] == symbol).to_numpy()].tail(121)
    minute = own[["notional", "volume", "bought"]].rolling(60).sum()
    every = everything.groupby(WINDOW_END)[["trades", "volume"]].sum()
    spread = 1e4 * (quotes["ask"] - quotes["bid"]) / quotes["ask"]
    lines = {
        "last": ("candles 1s", own["close"], 2, f"{symbol}: last price"),
        "vwap": ("average", minute["notional"] / minute["volume"], 2, f"{symbol}: VWAP 1 min"),
        "spread": ("quotes", spread, 1, f"{symbol}: spread"),
        "trades": ("candles 1s", every["trades"], 0, "Trades, all symbols"),
        "volume": ("candles 1s", every["volume"], 0, "Shares, all symbols"),
        "bought": ("candles 1s", 100 * minute["bought"] / minute["volume"], 1, f"{symbol}: bought, 1 min"),
    }
    values: dict[str, Any] = {}
    for name, (result, line, digits, title) in lines.items():
        line = line.dropna().tail(61)
        change = 100 * (line.iloc[-1] / line.iloc[0] - 1) if line.iloc[0] else None
        values |= complete(name, scope.in_time(result)) | {
            name: words.number(line.iloc[-1], digits),
            f"{name}_name": title,
            f"{name}_line": [round(float(value), 4) for value in line],
            f"{name}_delta": f"{words.signed(change, 2, ' %')} in a minute",
        }
    return values
